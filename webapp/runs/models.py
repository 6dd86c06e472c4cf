from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.artifacts.models import Bundle
from webapp.basemodels.models import PretrainedModel
from webapp.core.ids import new_id
from webapp.datasets.models import DatasetVersion
from webapp.jobs.models import Job


class RecipeQuerySet(models.QuerySet["Recipe"]):
    def for_team(self, team: Team) -> "RecipeQuerySet":
        return self.filter(Q(team=None) | Q(team=team), deleted_at=None)


class Recipe(models.Model):
    """A named LoRA configuration (contract LoraConfig as JSON). Without a team it is one of the built-in presets."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "rec"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="recipes")
    name = models.CharField(_("name"), max_length=80)
    description = models.TextField(blank=True)
    config = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = RecipeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], condition=Q(deleted_at=None), name="one_live_recipe_name")
        ]

    def __str__(self) -> str:
        return self.name


class RunQuerySet(models.QuerySet["Run"]):
    def live(self) -> "RunQuerySet":
        return self.filter(deleted_at=None)


class Run(models.Model):
    """One training: dataset version + base model + recipe, frozen at launch into `config` and the job's spec."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "run"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(_("name"), max_length=80)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="run")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    base_model = models.ForeignKey(PretrainedModel, on_delete=models.PROTECT, related_name="runs")
    recipe = models.ForeignKey(Recipe, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    config = models.JSONField()
    estimate = models.JSONField(default=dict, blank=True)
    planned = models.JSONField(default=dict, blank=True, help_text="what the engine said before step 1")
    last_values = models.JSONField(default=dict, blank=True, help_text="the newest value of each metric")
    result = models.JSONField(default=dict, blank=True, help_text="the engine's last words when it succeeded")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["team", "-id"])]

    def __str__(self) -> str:
        return self.name


class MetricBuffer(models.Model):
    """The open end of one series: points not yet sealed. Steps are little-endian int32, values float32."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="buffers")
    name = models.CharField(max_length=100)
    attempt = models.IntegerField()
    count = models.IntegerField(default=0)
    steps = models.BinaryField(default=bytes)
    values = models.BinaryField(default=bytes)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_buffer_per_series")]

    def __str__(self) -> str:
        return f"{self.name} of run {self.run_id}"


class MetricChunk(models.Model):
    """1,024 sealed points of one series and one attempt (fewer where an attempt ended)."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chunks")
    name = models.CharField(max_length=100)
    attempt = models.IntegerField()
    first_step = models.IntegerField()
    last_step = models.IntegerField()
    count = models.IntegerField()
    minimum = models.FloatField()
    maximum = models.FloatField()
    steps = models.BinaryField()
    values = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["run", "name", "attempt", "first_step"])]

    def __str__(self) -> str:
        return f"{self.name} of run {self.run_id}, steps {self.first_step} to {self.last_step}"


class RewindMark(models.Model):
    """Attempt `attempt` went on from `step`: points of earlier attempts after that step are kept and hidden."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="rewinds")
    attempt = models.IntegerField()
    step = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "attempt"], name="one_rewind_per_attempt")]

    def __str__(self) -> str:
        return f"run {self.run_id} went on from step {self.step}"


class Checkpoint(models.Model):
    """A resumable state. With a bundle it also lies in storage, so that another machine can go on from it.

    `deleted_at`: what lies in storage is in the trash, and nothing goes on from it.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    attempt = models.IntegerField()
    step = models.IntegerField()
    folder = models.CharField(max_length=100)
    size_bytes = models.BigIntegerField()
    manifest_sha256 = models.CharField(max_length=64)
    validation_loss = models.FloatField(null=True, blank=True)
    bundle = models.ForeignKey(Bundle, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "attempt", "step"], name="one_checkpoint_per_step")]

    def __str__(self) -> str:
        return f"step {self.step} of {self.run}"
