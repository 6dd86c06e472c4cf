"""A version that was trained elsewhere is measured on rows that a person chooses."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from tests.webapp.adapters.conftest import finished_run, make_adapter_version, version  # noqa: F401
from tests.webapp.runs.conftest import bundle_of, make_base, make_run, make_version  # noqa: F401
from webapp.accounts.models import Team
from webapp.adapters import queries
from webapp.adapters.models import AdapterVersion
from webapp.core.faults import UserFault
from webapp.datasets.models import DatasetVersion
from webapp.evaluation import actions
from webapp.evaluation.models import Report


@pytest.fixture
def foreign(version: AdapterVersion) -> AdapterVersion:
    """As an import leaves it: no run."""
    version.run = None
    version.save(update_fields=["run"])
    return version


@pytest.fixture
def rows(make_version: Callable[..., DatasetVersion], team: Team) -> DatasetVersion:
    return make_version(team=team, name="Claims")


def test_the_chosen_rows_go_to_the_engine_with_memory_for_the_base(
    foreign: AdapterVersion, rows: DatasetVersion, trainer: Any
) -> None:
    report = actions.again(by=trainer, version=foreign, rows=rows)
    assert (report.dataset_version, report.rows) == (rows, rows)
    assert report.job.spec["dataset"]["name"] == "Claims v1"
    assert {item["path"] for item in report.job.inputs} >= {"inputs/validation.parquet"}
    assert report.job.needs_memory_bytes >= 2**30


def test_without_a_choice_or_with_rows_of_others_nothing_is_ordered(
    foreign: AdapterVersion, make_version: Callable[..., DatasetVersion], other_team: Team, team: Team, trainer: Any
) -> None:
    theirs = make_version(team=other_team, name="Theirs")
    none_held = make_version(team=team, name="None held", validation_rows=0)
    for chosen in (None, theirs, none_held):
        with pytest.raises(UserFault, match="No held-out rows"):
            actions.again(by=trainer, version=foreign, rows=chosen)
    assert not Report.objects.exists()


def test_a_version_of_ours_is_measured_on_its_own_rows_whatever_is_asked(
    version: AdapterVersion, rows: DatasetVersion, trainer: Any
) -> None:
    assert version.run is not None
    assert actions.again(by=trainer, version=version, rows=rows).rows == version.run.dataset_version


def test_the_page_offers_the_rows_and_the_report_names_them(
    foreign: AdapterVersion, rows: DatasetVersion, client_as: Any, trainer: Any, stranger: Any, other_team: Team
) -> None:
    address = reverse("adapters:version", args=["acme", foreign.adapter.public_id, 1])
    client = client_as(trainer)
    assert f'<option value="{rows.public_id}">' in client.get(address).content.decode()
    assert rows in queries.measured(foreign).choices
    answer = client.post(reverse("evaluation:start", args=["acme", foreign.public_id]), {"rows": rows.public_id})
    page = client.get(answer.headers["Location"]).content.decode()
    assert "40 held-out rows of Claims" in page
    again = client.post(reverse("evaluation:start", args=["acme", foreign.public_id]), {"rows": "dsv_of_nobody"})
    assert again.status_code == 404
