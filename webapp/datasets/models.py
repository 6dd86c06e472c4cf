from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.artifacts.models import Blob, Bundle
from webapp.core.ids import new_id
from webapp.jobs.models import Job


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def live(self) -> "DatasetQuerySet":
        return self.filter(deleted_at=None)


class Dataset(models.Model):
    """A named set of rows; its versions are immutable."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "data"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(_("name"), max_length=80)
    description = models.TextField(blank=True)
    licence = models.CharField(max_length=80, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], condition=Q(deleted_at=None), name="one_live_dataset_name")
        ]

    def __str__(self) -> str:
        return self.name


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def ready(self) -> "DatasetVersionQuerySet":
        return self.filter(bundle__isnull=False, dataset__deleted_at=None)


class LiveVersions(models.Manager.from_queryset(DatasetVersionQuerySet)):  # type: ignore[misc]
    """Leaves out what lies in the trash alone, so that no list and no door can forget to."""

    def get_queryset(self) -> DatasetVersionQuerySet:
        found: DatasetVersionQuerySet = super().get_queryset().filter(deleted_at=None)
        return found


class DatasetVersion(models.Model):
    """Rows as they were read once. Ready when it has its bundle; until then `job` says how far the reader is.

    Without a source it is only a name in the history of runs: it or its dataset was deleted for good. One version
    can lie in the trash alone: `objects` and `dataset.versions` hide it, `everything` does not.
    """

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "dver"))
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    file_name = models.CharField(max_length=255)
    source = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mapping = models.JSONField(default=dict, blank=True)
    system_prompt = models.TextField(blank=True)
    validation_share = models.FloatField(default=0.1)
    format = models.CharField(max_length=30, blank=True)
    encoding = models.CharField(max_length=30, blank=True)
    rows_total = models.IntegerField(default=0)
    rows_good = models.IntegerField(default=0)
    rows_bad = models.IntegerField(default=0)
    train_rows = models.IntegerField(default=0)
    validation_rows = models.IntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)
    content_sha256 = models.CharField(max_length=64, blank=True)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="dataset_version")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = LiveVersions()
    everything = DatasetVersionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="one_dataset_version_number")]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def is_ready(self) -> bool:
        return self.bundle_id is not None
