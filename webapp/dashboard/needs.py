"""What stopped and waits for a person: failed runs, files that could not be read, models that did not come."""

import datetime as dt

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from webapp.accounts.models import Team
from webapp.basemodels.models import PretrainedModel
from webapp.core.findings import Action, Finding, Severity
from webapp.datasets import faults
from webapp.datasets.models import DatasetVersion
from webapp.jobs import words
from webapp.jobs.models import State
from webapp.runs.models import Run

SHOWN_FOR = dt.timedelta(days=7)
OF_EACH_KIND = 5


def of_team(team: Team) -> list[Finding]:
    return [*_failed_runs(team), *_unread_files(team), *_missing_models(team)]


def _failed_runs(team: Team) -> list[Finding]:
    """Unless somebody has gone on since: a newer run on the same rows."""
    later = Run.objects.live().filter(dataset_version=OuterRef("dataset_version"), pk__gt=OuterRef("pk"))
    failed = Run.objects.live().filter(
        ~Exists(later), team=team, job__state=State.FAILED, job__finished_at__gte=timezone.now() - SHOWN_FOR
    )
    found = []
    for run in failed.select_related("job").order_by("-id")[:OF_EACH_KIND]:
        fault = words.fault(run.job)
        url = reverse("runs:detail", args=[team.slug, run.public_id])
        found.append(_finding(run.name, url, fault.title, f"{fault.meaning} {fault.remedy}"))
    return found


def _unread_files(team: Team) -> list[Finding]:
    """Unless a newer version of the dataset has come."""
    later = DatasetVersion.objects.filter(dataset=OuterRef("dataset"), number__gt=OuterRef("number"))
    failed = DatasetVersion.objects.filter(
        ~Exists(later), dataset__team=team, dataset__deleted_at=None, bundle=None, job__state=State.FAILED
    )
    found = []
    for version in failed.select_related("dataset", "job").order_by("-id")[:OF_EACH_KIND]:
        assert version.job is not None
        fault = faults.of(version.job)
        url = reverse("datasets:version", args=[team.slug, version.dataset.public_id, version.number])
        if fault.can_map:
            found.append(_question(str(version), url, fault.title, fault.meaning))
        else:
            found.append(_finding(str(version), url, fault.title, f"{fault.meaning} {fault.remedy}"))
    return found


def _missing_models(team: Team) -> list[Finding]:
    failed = PretrainedModel.objects.for_team(team).filter(bundle=None, job__state=State.FAILED)
    found = []
    for model in failed.select_related("job").order_by("-id")[:OF_EACH_KIND]:
        assert model.job is not None
        fault = words.fault(model.job)
        url = reverse("basemodels:detail", args=[team.slug, model.public_id])
        found.append(_finding(model.name, url, fault.title, f"{fault.meaning} {fault.remedy}"))
    return found


def _finding(name: str, url: str, title: str, text: str) -> Finding:
    return Finding(
        severity=Severity.BLOCK, title=_linked(name, url, title), text=text, actions=(Action(_("Look"), url),)
    )


def _question(name: str, url: str, title: str, text: str) -> Finding:
    return Finding(
        severity=Severity.WARN, title=_linked(name, url, title), text=text, actions=(Action(_("Choose columns"), url),)
    )


def _linked(name: str, url: str, title: str) -> str:
    return format_html('<a href="{}">{}</a>: {}', url, name, title)
