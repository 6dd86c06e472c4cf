import threading

import pytest

from webapp.core import ids


def test_an_id_says_what_it_names_and_fits_its_column() -> None:
    made = ids.new_id("run")
    assert made.startswith("run_")
    assert len(made) == len("run_") + 20
    assert set(made.removeprefix("run_")) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_of_one_moment_still_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_800_000_000_000_000_000)
    made = [ids.new_id("run") for _ in range(2000)]
    assert made == sorted(set(made))


def test_ids_grow_even_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id("run")
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000_000_000_000_000)
    assert ids.new_id("run") > before


def test_threads_never_get_the_same_id() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(ids.new_id("x") for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000


@pytest.mark.parametrize("prefix", ["", "a_b", "ä", "averylongprefix"])
def test_a_prefix_that_would_blur_the_id_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        ids.new_id(prefix)
