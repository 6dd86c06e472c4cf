"""Signed links: made by who may download, followed without a session, and worth nothing once the right is gone."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.test import AsyncClient, Client
from django.utils import timezone

from tests.webapp.adapters.conftest import WEIGHTS
from webapp.accounts import actions as accounts
from webapp.accounts.models import ApiToken, Membership, Team
from webapp.adapters import actions
from webapp.adapters.models import Adapter, AdapterVersion, Download
from webapp.artifacts import links
from webapp.core.faults import UserFault

pytestmark = pytest.mark.django_db(transaction=True)
FILE = "adapter_model.safetensors"


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes


def follow(url: str, *, client: AsyncClient | None = None, **headers: str) -> Answer:
    """What a program without a session gets at that address."""

    async def whole() -> Answer:
        response = await (client or AsyncClient()).get(urlsplit(url).path, headers={"accept": "*/*", **headers})
        pieces = [piece async for piece in response] if response.streaming else [response.content]
        return Answer(response.status_code, response.headers, b"".join(pieces))

    return asyncio.run(whole())


def link_to(version: AdapterVersion, by: Any, path: str = "") -> str:
    made = actions.make_link(by=by, version=version, path=path)
    return f"/links/{made.token}/{made.file_name}"


def test_a_link_brings_the_zip_without_a_session_and_counts_in_its_makers_name(
    version: AdapterVersion, reviewer: Any
) -> None:
    answer = follow(link_to(version, reviewer))
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.read(FILE) == WEIGHTS
    assert Download.objects.get().user == reviewer
    assert 'filename="workshop-v1.zip"' in answer.headers["Content-Disposition"]


def test_a_link_to_a_file_understands_ranges_and_bears_its_hash(version: AdapterVersion, trainer: Any) -> None:
    url = link_to(version, trainer, FILE)
    assert url.endswith(f"/{FILE}")
    answer = follow(url, range="bytes=6-10")
    assert (answer.status, answer.body) == (206, WEIGHTS[6:11])
    assert answer.headers["ETag"] == f'"{version.sha256}"'


def test_the_page_makes_a_link_that_works(
    version: AdapterVersion, trainer: Any, client_as: Callable[..., Client]
) -> None:
    address = f"/t/acme/adapters/{version.adapter.public_id}/v1/link/"
    page = client_as(trainer).post(address, {"path": FILE})
    assert follow(page.context["url"]).body == WEIGHTS
    assert page.context["url"] in page.content.decode().replace("&#x27;", "'")


def test_a_program_makes_one_with_its_token(version: AdapterVersion, trainer: Any, team: Team) -> None:
    _row, token = accounts.create_token(by=trainer, team=team, name="x", scopes=["read"])
    at = f"/api/v1/adapters/{version.adapter.public_id}/versions/1/links"
    headers = {"authorization": f"Bearer {token}"}
    made = Client().post(at, {"path": FILE}, content_type="application/json", headers=headers)
    assert made.status_code == 201
    assert follow(made.json()["url"]).body == WEIGHTS
    missing = Client().post(at, {"path": "../secret"}, content_type="application/json", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (422, "no_such_file")


@pytest.mark.row("W2")
def test_an_expired_link_says_so_and_gives_nothing(
    version: AdapterVersion, trainer: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    url = link_to(version, trainer)
    later = signing.time.time() + settings.LINK_SECONDS + 1
    monkeypatch.setattr(signing.time, "time", lambda: later)
    answer = follow(url)
    assert answer.status == 403
    assert b"expired" in answer.body
    assert "application/problem+json" in answer.headers["Content-Type"]


def test_no_link_lives_longer_than_five_minutes(settings: Any) -> None:
    assert settings.LINK_SECONDS <= 300


@pytest.mark.row("W2")
def test_an_altered_link_is_refused_whatever_was_altered(version: AdapterVersion, trainer: Any, owner: Any) -> None:
    token = actions.make_link(by=trainer, version=version).token
    body, stamp, signature = token.rsplit(":", 2)
    other_body = links.sign(links.Link("adapter_version", version.public_id, "", owner.public_id))[0].rsplit(":", 2)[0]
    unsigned = signing.dumps(["adapter_version", version.public_id, "", owner.public_id], salt="another")
    forged = [f"{other_body}:{stamp}:{signature}", f"{body}:zzzzzz:{signature}", token[:-1], token + "x", unsigned]
    for altered in [*forged, "x", "a:b:c"]:
        assert follow(f"/links/{altered}/x.zip").status == 403, altered


@pytest.mark.row("W2")
def test_another_person_who_is_signed_in_cannot_use_it(
    version: AdapterVersion, trainer: Any, owner: Any, async_client_as: Callable[..., AsyncClient]
) -> None:
    url = link_to(version, trainer, FILE)
    answer = follow(url, client=async_client_as(owner))
    assert answer.status == 403
    assert b"another person" in answer.body
    assert follow(url, client=async_client_as(trainer)).body == WEIGHTS


@pytest.mark.row("W2")
def test_a_link_is_worth_nothing_once_its_person_left_or_may_not_download(
    version: AdapterVersion, reviewer: Any
) -> None:
    url = link_to(version, reviewer)
    membership = Membership.objects.get(user=reviewer)
    membership.role = "viewer"
    membership.save()
    assert follow(url).status == 403
    membership.delete()
    assert follow(url).status == 404


@pytest.mark.row("W2")
def test_a_link_of_somebody_who_was_switched_off_finds_nothing(version: AdapterVersion, reviewer: Any) -> None:
    url = link_to(version, reviewer)
    reviewer.is_active = False
    reviewer.save()
    assert follow(url).status == 404


@pytest.mark.row("W2")
def test_a_link_used_again_after_the_adapter_was_deleted_finds_nothing(version: AdapterVersion, trainer: Any) -> None:
    url = link_to(version, trainer, FILE)
    assert follow(url).status == 200
    Adapter.objects.update(deleted_at=timezone.now())
    assert follow(url).status == 404


def test_who_may_not_download_makes_no_link(version: AdapterVersion, viewer: Any) -> None:
    with pytest.raises(PermissionDenied):
        actions.make_link(by=viewer, version=version)


def test_a_link_of_another_kind_opens_no_adapter(version: AdapterVersion, trainer: Any) -> None:
    token, _ends = links.sign(links.Link("something", version.public_id, "", trainer.public_id))
    assert follow(f"/links/{token}/x.zip").status == 404


def test_a_file_that_the_version_has_not_makes_no_link(version: AdapterVersion, trainer: Any) -> None:
    with pytest.raises(UserFault) as fault:
        actions.make_link(by=trainer, version=version, path="nothing.bin")
    assert fault.value.code == "no_such_file"
    assert not ApiToken.objects.exists()


def test_the_checksums_have_an_address_of_their_own(
    version: AdapterVersion, trainer: Any, viewer: Any, client_as: Callable[..., Client]
) -> None:
    address = f"/t/acme/adapters/{version.adapter.public_id}/v1/SHA256SUMS"
    answer = client_as(trainer).get(address)
    assert f"{version.sha256}  {FILE}\n" in answer.content.decode()
    assert client_as(trainer).head(address).content == b""
    assert client_as(viewer).get(address).status_code == 403
    assert not Download.objects.exists()
