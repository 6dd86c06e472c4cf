from functools import partial
from typing import ClassVar

from django.db import models

from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion
from webapp.artifacts.models import Bundle
from webapp.core.ids import new_id
from webapp.datasets.models import DatasetVersion
from webapp.jobs.models import Job


class LiveReports(models.Manager["Report"]):
    """Leaves out what lies in the trash, so that no list and no door can forget to."""

    def get_queryset(self) -> models.QuerySet["Report"]:
        return super().get_queryset().filter(deleted_at=None)


class Report(models.Model):
    """An adapter version against its base on held-out rows. Complete when it has its bundle.

    `objects` and `version.reports` hide what lies in the trash, `everything` does not.
    """

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "rep"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(AdapterVersion, on_delete=models.CASCADE, related_name="reports")
    dataset_version = models.ForeignKey(
        DatasetVersion,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="whose held-out rows were asked; where it is empty, those of the run that made the version",
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="report")
    scores = models.JSONField(default=dict, blank=True)
    samples = models.JSONField(default=list, blank=True, help_text="a few answers for the page; all are in the bundle")
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = LiveReports()
    everything: ClassVar[models.Manager["Report"]] = models.Manager()

    def __str__(self) -> str:
        return f"report on {self.version}"

    @property
    def rows(self) -> DatasetVersion | None:
        """Whose held-out rows they are."""
        return self.dataset_version or (self.version.run.dataset_version if self.version.run else None)
