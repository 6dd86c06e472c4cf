from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from webapp.accounts.models import Team
from webapp.artifacts.models import Bundle
from webapp.core.ids import new_id
from webapp.jobs.models import Job


class PretrainedModelQuerySet(models.QuerySet["PretrainedModel"]):
    def for_team(self, team: Team) -> "PretrainedModelQuerySet":
        return self.filter(Q(team=None) | Q(team=team), deleted_at=None)

    def ready(self) -> "PretrainedModelQuerySet":
        return self.filter(bundle__isnull=False)

    def own_first(self) -> "PretrainedModelQuerySet":
        """The team's own, the newest first, and then those of every team."""
        return self.order_by(F("team_id").asc(nulls_last=True), "-id")


class PretrainedModel(models.Model):
    """A base model a team may use; with `team` empty, every team. Ready when it has its bundle.

    `name` is the id that adapters carry as base_model_name_or_path; `revision` is the hash of
    exactly these weights (the bundle's manifest).
    """

    class Source(models.TextChoices):
        STARTER = "starter"
        HUB = "hub"
        FOLDER = "folder"

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "base"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=200)
    source = models.CharField(max_length=10, choices=Source.choices)
    repository = models.CharField(max_length=200, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    revision = models.CharField(max_length=64, blank=True)
    derived_from = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    architecture = models.CharField(max_length=60, blank=True)
    parameters = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    context_length = models.IntegerField(default=0)
    has_chat_template = models.BooleanField(default=False)
    template_sha256 = models.CharField(max_length=64, blank=True)
    config = models.JSONField(default=dict, blank=True)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = PretrainedModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name", "commit"], condition=Q(deleted_at=None), name="one_live_base_model_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ready(self) -> bool:
        return self.bundle_id is not None

    @property
    def folder_name(self) -> str:
        """The last part of the id: where its files lie once they were unpacked."""
        return self.name.split("/")[-1]


class HubToken(models.Model):
    """A team's key for gated models: written, never shown again."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="hub_token")
    sealed = models.TextField()
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"hub token of {self.team}"
