import re
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from webapp.core.storage import ManifestStorage


def test_a_script_imports_others_under_the_names_that_hold_their_content(tmp_path: Path) -> None:
    shutil.copytree(Path(settings.BASE_DIR) / "static" / "js", tmp_path / "js")
    storage = ManifestStorage(location=str(tmp_path), base_url="/static/")
    found: dict[str, Any] = {f"js/{file.name}": (storage, f"js/{file.name}") for file in (tmp_path / "js").iterdir()}
    faults = [error for *_, error in storage.post_process(found) if isinstance(error, Exception)]
    assert faults == []
    for name in found:
        text = (tmp_path / storage.stored_name(name)).read_text()
        imported = re.findall(r"^import[^'\"]*[\"'](.+?)[\"']", text, re.MULTILINE)
        for other in imported:
            assert re.fullmatch(r"\./\w+\.[0-9a-f]{12}\.js", other), f"{name} imports {other}"
            assert (tmp_path / "js" / other).exists()
