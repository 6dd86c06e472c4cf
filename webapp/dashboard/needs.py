"""What waits for a person: reviews, failed runs, files that could not be read, models that did not come."""

import datetime as dt

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Membership, Team
from webapp.adapters import standing
from webapp.basemodels.models import PretrainedModel
from webapp.core import units
from webapp.core.findings import Action, Finding, Severity
from webapp.core.verdict import Verdict
from webapp.datasets import faults
from webapp.datasets.models import DatasetVersion
from webapp.jobs import words
from webapp.jobs.models import State
from webapp.runs.models import Run
from webapp.storekeeper import disk, forecast

SHOWN_FOR = dt.timedelta(days=7)
OF_EACH_KIND = 5


def of_member(membership: Membership) -> list[Finding]:
    team = membership.team
    return [*_failed_runs(team), *_unread_files(team), *_missing_models(team), *_reviews(membership), *_full_disk(team)]


def _reviews(membership: Membership) -> list[Finding]:
    """What this member can still answer; nobody reviews what they made."""
    if not access.role_can(membership.role, Permission.REVIEW):
        return []
    found = []
    for review in standing.waiting_for(membership.team, membership.user, limit=OF_EACH_KIND):
        version = review.version
        url = reverse("adapters:version", args=[membership.team.slug, version.adapter.public_id, version.number])
        url += f"#{review.public_id}"
        words = {"who": review.asked_by or _("Somebody"), "stage": review.get_stage_display()}
        title = _linked(str(version), url, _("%(who)s asks for a review, for the stage %(stage)s") % words)
        action = Action(_("Review"), url)
        found.append(Finding(severity=Severity.WARN, title=title, text=review.word, actions=(action,)))
    return found


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


def _full_disk(team: Team) -> list[Finding]:
    """While there is still time to make room."""
    seen = disk.look()
    if not seen.is_worrying:
        return []
    url = reverse("storekeeper:team", args=[team.slug])
    text = str(Verdict(forecast.sentence(seen.forecast))) + " " + _("See what may go, and what each thing takes.")
    title = _("%(free)s are free on the disk") % {"free": units.filesize(seen.free_bytes)}
    return [Finding(severity=Severity.WARN, title=title, text=text, actions=(Action(_("Make room"), url),))]


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
