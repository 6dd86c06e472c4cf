from functools import partial

from django.conf import settings
from django.db import models

from webapp.accounts.models import Team
from webapp.adapters.models.catalog import AdapterVersion
from webapp.artifacts.models import Blob
from webapp.basemodels.models import PretrainedModel
from webapp.core.ids import new_id
from webapp.jobs.models import Job


class AdapterImport(models.Model):
    """An adapter on its way in from elsewhere. It has come when it has a version; its job is the newest step.

    `was_known`: the catalog had exactly this adapter already, and `version` is the one that was there.
    """

    class Source(models.TextChoices):
        UPLOAD = "upload"
        HUB = "hub"

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "imp"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    base_model = models.ForeignKey(PretrainedModel, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80, help_text="of the adapter whose next version it becomes")
    source = models.CharField(max_length=10, choices=Source.choices)
    repository = models.CharField(max_length=200, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, related_name="adapter_import")
    version = models.ForeignKey(AdapterVersion, on_delete=models.SET_NULL, null=True, related_name="imports")
    was_known = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["team", "-id"])]

    def __str__(self) -> str:
        return self.name

    @property
    def is_done(self) -> bool:
        return self.version_id is not None


class ImportFile(models.Model):
    """What came, kept until it was taken into the catalog. The name is a person's or a hub's and never a path."""

    adapter_import = models.ForeignKey(AdapterImport, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.name
