"""Secrets at rest."""

import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from webapp.jobs import seal


@pytest.fixture(autouse=True)
def _own_state(settings: Any, tmp_path: Path) -> None:
    settings.STATE_DIR, settings.SEAL_KEY = tmp_path, ""


def test_what_was_sealed_can_be_unsealed_and_not_read() -> None:
    sealed = seal.seal("hf_canary")
    assert "canary" not in sealed
    assert seal.unseal(sealed) == "hf_canary"


def test_no_secret_stays_no_secret() -> None:
    assert seal.seal("") == seal.unseal("") == ""


def test_the_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    seal.seal("a")
    assert stat.S_IMODE((tmp_path / seal.KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [seal.KEY_FILE]


def test_processes_that_begin_together_agree_on_one_key() -> None:
    gate, sealed = threading.Barrier(8), []

    def run() -> None:
        gate.wait()
        sealed.append(seal.seal("a"))

    threads = [threading.Thread(target=run) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seal.unseal(one) for one in sealed] == ["a"] * 8


def test_another_key_is_named_as_the_cause(settings: Any) -> None:
    sealed = seal.seal("a")
    settings.SEAL_KEY = Fernet.generate_key().decode()
    with pytest.raises(seal.CannotUnseal, match="another key"):
        seal.unseal(sealed)
