from functools import partial

from django.conf import settings
from django.db import models

from webapp.adapters.models.catalog import AdapterVersion
from webapp.artifacts.models import Bundle
from webapp.core.ids import new_id
from webapp.jobs.models import Job


class Score(models.Model):
    """A measured fact of an adapter version, with the base model's value beside it where there is one."""

    version = models.ForeignKey(AdapterVersion, on_delete=models.CASCADE, related_name="scores")
    name = models.CharField(max_length=80)
    value = models.FloatField()
    base_value = models.FloatField(null=True, blank=True)
    is_higher_better = models.BooleanField(default=True)
    source_id = models.CharField(max_length=40, help_text="public id of the run or report that measured it")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "name", "source_id"], name="one_score_per_source")]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class Download(models.Model):
    """Who took which version, for the adapter's page; never the address it was sent to."""

    version = models.ForeignKey(AdapterVersion, on_delete=models.CASCADE, related_name="downloads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    path = models.CharField(max_length=255, help_text="a file's path, or empty for the whole version as a zip")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.path or "zip"


class Anatomy(models.Model):
    """What is inside a version: how much it changes, where, in how many directions. Known once `summary` is filled.

    `summary` and `modules` are the engine's anatomy.json (workers/engine/inspection.py). `job` is the newest look; what
    an earlier one found stays until it ends.
    """

    version = models.OneToOneField(AdapterVersion, on_delete=models.CASCADE, related_name="anatomy")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, blank=True, related_name="anatomy")
    summary = models.JSONField(default=dict, blank=True)
    modules = models.JSONField(default=list, blank=True)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"anatomy of {self.version}"


class Compression(models.Model):
    """An order to cut a version down to `rank`, and what came of it: `made`, with `facts` (compression.json)."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "cut"))
    version = models.ForeignKey(AdapterVersion, on_delete=models.CASCADE, related_name="compressions")
    made = models.OneToOneField(
        AdapterVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="compressed_by"
    )
    rank = models.IntegerField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="compression")
    facts = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.version} to rank {self.rank}"
