"""The demo: its cast, its client, and how it judges itself."""

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth import authenticate
from rich.console import Console

from webapp.accounts import tokens
from webapp.accounts.models import ApiToken, Membership, Role, User
from webapp.launch.demo import cast, client, pages, story
from webapp.launch.demo.client import Client, DemoError
from webapp.launch.demo.screen import Screen
from webapp.launch.demo.story import Outcome

GOOD = Outcome(
    first_step_seconds=60,
    seconds=300,
    loss_before=3.0,
    loss_after=0.5,
    scores={
        "rows": 46,
        "json_fields": {"base": 0.0, "adapter": 0.98},
        "json_values": {"bike": {"base": 0.0, "adapter": 0.9}},
    },
    samples=[
        {
            "row": number,
            "prompt": [{"role": "user", "content": "Flat tyre, city bike."}],
            "expected": '{"bike": "city"}',
            "base": "Here is [bold] advice.",
            "adapter": '{"bike": "city"}',
        }
        for number in range(3)
    ],
    decisions={
        "precision": "bfloat16",
        "device_name": "AMD EPYC",
        "threads": 2,
        "weights_4bit_execution": "dequantised",
    },
    folder=Path("demo-result/adv_1"),
    sha256="ab" * 32,
)


# The cast -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_on_a_new_installation_the_demo_looks_after_it() -> None:
    player = cast.sign_up()
    user = authenticate(username=player.email, password=player.password)
    assert isinstance(user, User) and user.is_administrator
    assert Membership.objects.get(user=user).role == Role.OWNER


def test_among_other_people_the_demo_gets_a_team_of_its_own(administrator: User, team: Any) -> None:
    player = cast.sign_up()
    user = User.objects.get(email=player.email)
    assert not user.is_administrator
    membership = Membership.objects.get(user=user)
    assert (membership.role, membership.team.slug) == (Role.OWNER, player.team)
    assert player.team != team.slug
    assert Membership.objects.filter(team=membership.team).count() == 1


@pytest.mark.django_db
def test_a_second_demo_meets_the_same_person_and_the_first_token_ends() -> None:
    first, second = cast.sign_up(), cast.sign_up()
    assert (first.email, first.team) == (second.email, second.team)
    assert authenticate(username=second.email, password=second.password) is not None
    assert tokens.authenticate(first.token) is None
    token = tokens.authenticate(second.token)
    assert token is not None and token.expires_at is not None
    assert ApiToken.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_demo_whose_person_was_taken_out_of_the_team_gets_a_new_one(db: None, is_alone: bool) -> None:
    if not is_alone:
        User.objects.create_user("ada@example.org", "x", is_administrator=True)
    first = cast.sign_up()
    Membership.objects.all().delete()
    second = cast.sign_up()
    membership = Membership.objects.get()
    assert (membership.user.email, membership.role, membership.team.slug) == (first.email, Role.OWNER, second.team)
    assert second.team != first.team
    assert tokens.authenticate(second.token) is not None


# The client -----------------------------------------------------------------------------------------------


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(url="http://demo.test", token="ts_x_y", transport=httpx.MockTransport(answer))


def test_a_document_is_found_on_a_later_page() -> None:
    pages_by_cursor = {
        None: {"items": [{"id": "a"}], "next": "a"},
        "a": {"items": [{"id": "b"}], "next": None},
    }
    asked = client_of(lambda request: httpx.Response(200, json=pages_by_cursor[request.url.params.get("cursor")]))
    assert asked.find("/models", lambda item: item["id"] == "b") == {"id": "b"}
    assert asked.find("/models", lambda item: item["id"] == "c") is None


def test_a_refusal_is_told_in_the_words_of_the_api() -> None:
    asked = client_of(lambda request: httpx.Response(422, json={"detail": "Rank must be above 0."}))
    with pytest.raises(DemoError, match=r"422\): Rank must be above 0\."):
        asked.post("/runs", {})


def test_a_file_larger_than_a_chunk_is_sent_in_order_and_whole(tmp_path: Path) -> None:
    received: dict[int, bytes] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            received[int(request.headers["Upload-Offset"])] = request.content
        return httpx.Response(200, json={"id": "upl_1", "chunk_bytes": 4})

    (tmp_path / "rows.jsonl").write_bytes(b"0123456789")
    assert client_of(answer).upload(tmp_path / "rows.jsonl") == "upl_1"
    assert received == {0: b"0123", 4: b"4567", 8: b"89"}


def test_following_ends_when_the_document_is_done_and_shows_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "POLL_SECONDS", 0)
    states = iter(["queued", "running", "succeeded"])
    seen: list[str] = []
    asked = client_of(lambda request: httpx.Response(200, json={"state": next(states)}))
    done = asked.follow("/runs/1", lambda run: run["state"] == "succeeded", lambda run: seen.append(run["state"]))
    assert done == {"state": "succeeded"}
    assert seen == ["queued", "running", "succeeded"]


def test_following_gives_up_when_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "POLL_SECONDS", 0)
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0)
    asked = client_of(lambda request: httpx.Response(200, json={"state": "queued"}))
    with pytest.raises(DemoError, match="nothing has moved"):
        asked.follow("/runs/1", lambda run: False, lambda run: None)


def archive_of(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "adapter.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_download_is_unpacked_when_every_checksum_is_right(tmp_path: Path) -> None:
    path = archive_of(tmp_path, {"adapter_config.json": b"{}"})
    client.unpack(path, tmp_path / "out", sha256={"adapter_config.json": hashlib.sha256(b"{}").hexdigest()})
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text()) == {}


@pytest.mark.parametrize("files", [{"adapter_config.json": b"[]"}, {}], ids=["changed", "missing"])
def test_a_download_that_differs_from_what_was_stored_is_noticed(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = archive_of(tmp_path, files)
    with pytest.raises(DemoError, match=r"adapter_config\.json did not arrive"):
        client.unpack(path, tmp_path / "out", sha256={"adapter_config.json": hashlib.sha256(b"{}").hexdigest()})


# The verdict ----------------------------------------------------------------------------------------------


def test_a_demo_in_which_everything_held_has_no_shortfall() -> None:
    assert GOOD.shortfalls() == []


@pytest.mark.parametrize(
    "worse",
    [
        {"loss_after": 3.1},
        {"loss_before": None},
        {"scores": GOOD.scores | {"json_fields": {"base": 0.0, "adapter": 0.89}}},
        {"scores": GOOD.scores | {"json_fields": {"base": 0.5, "adapter": 0.98}}},
        {"scores": GOOD.scores | {"rows": 39}},
        {"scores": {}},
        {"samples": GOOD.samples[:2]},
        {"sha256": ""},
    ],
    ids=lambda worse: next(iter(worse)),
)
def test_each_promise_that_does_not_hold_is_a_shortfall(worse: dict[str, Any]) -> None:
    assert dataclasses.replace(GOOD, **worse).shortfalls() != []


@pytest.mark.parametrize(
    ("title", "name"), [("Workshop tickets", "workshop-tickets"), ("../../etc", "etc"), ("…", "adapter")]
)
def test_a_title_becomes_a_harmless_folder(title: str, name: str) -> None:
    assert story.file_name(title) == name


def shown(outcome: Outcome, probe: dict[str, Any] | None) -> tuple[bool, str]:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=120))
    return pages.ending(screen, outcome, probe, folder=Path("/state")), out.getvalue()


def test_the_last_page_shows_losses_rates_answers_and_the_file() -> None:
    is_good, text = shown(GOOD, {"flops_float32": 1.5e11})
    assert is_good
    for words in (
        "3.000 → 0.500",
        "98%",
        "Flat tyre",
        "Here is [bold] advice.",
        GOOD.sha256,
        "150 billion",
        "5 min",
        "NF4",
        "dequantised once",
    ):
        assert words in text


def test_a_demo_that_fell_short_says_in_what_and_is_not_good() -> None:
    is_good, text = shown(dataclasses.replace(GOOD, loss_after=9.0), {"flops_float32": 1e9})
    assert not is_good
    assert "Not so: the validation loss fell" in text


def test_without_a_measured_speed_the_times_cannot_be_judged() -> None:
    is_good, text = shown(GOOD, None)
    assert not is_good and "could not be measured" in text


# The screen -----------------------------------------------------------------------------------------------


def run_at(step: int, *, phase: str = "training", state: str = "running", loss: float | None = None) -> dict[str, Any]:
    job = {"step": step, "total_steps": 20, "phase": phase, "state": state}
    return {"job": job, "values": {"loss": loss}, "seconds_left": 95.0}


def test_in_a_file_progress_is_a_line_for_each_tenth_of_the_way() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, width=120)).training() as see:
        for step in range(21):
            see(run_at(step, loss=1 / (step + 1)))
            see(run_at(step, loss=1 / (step + 1)))
        see(run_at(20, phase="", state="succeeded"))
    lines = out.getvalue().splitlines()
    assert len(lines) == 12
    assert "step 2 of 20" in lines[1] and "loss 0.333" in lines[1] and "1 min 35 s left" in lines[1]
    assert lines[-1].strip().startswith("Done")


def test_on_a_terminal_progress_is_a_bar_with_step_loss_and_time_left() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None)
    with Screen(console).training() as see:
        see(run_at(7, loss=0.5))
    for words in ("Training", "step", "7/20", "loss 0.500", "1 min 35 s left"):
        assert words in out.getvalue()
