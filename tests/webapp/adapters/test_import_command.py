from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.fakes import adapters as files_of
from webapp.adapters.models import AdapterImport
from webapp.basemodels.models import PretrainedModel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "tone"
    path.mkdir()
    for name, data in (files_of.files() | {"optimizer.pt": b"x", "tokenizer.json": b"{}"}).items():
        (path / name).write_bytes(data)
    return path


@pytest.fixture
def base(make_base: Callable[..., PretrainedModel]) -> PretrainedModel:
    return make_base(name="acme/tiny", config=files_of.BASE_CONFIG)


def test_a_folder_is_brought_without_what_lies_beside_the_adapter(
    folder: Path, base: PretrainedModel, trainer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_adapter", str(folder), trainer.email, "acme", "acme/tiny")
    found = AdapterImport.objects.get()
    assert (found.name, found.created_by) == ("tone", trainer)
    assert {file.name for file in found.files.all()} == {"adapter_model.safetensors", "adapter_config.json"}
    assert capsys.readouterr().out == f"/t/acme/adapters/import/{found.public_id}/\n"


def test_what_is_wrong_is_said_in_one_line(folder: Path, base: PretrainedModel, trainer: Any, viewer: Any) -> None:
    for arguments, said in (
        ([str(folder / "nothing"), trainer.email, "acme", "acme/tiny"], "is no file"),
        ([str(folder), "nobody@acme.test", "acme", "acme/tiny"], "not a member"),
        ([str(folder), trainer.email, "acme", "acme/other"], "There are: acme/tiny"),
        ([str(folder), viewer.email, "acme", "acme/tiny"], "needs the role"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("import_adapter", *arguments)
    assert not AdapterImport.objects.exists()
