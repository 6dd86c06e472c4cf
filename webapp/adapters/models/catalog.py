from functools import partial
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.artifacts.models import Bundle
from webapp.basemodels.models import PretrainedModel
from webapp.core.ids import new_id
from webapp.runs.models import Run


class Stage(models.TextChoices):
    DRAFT = "draft", _("Draft")
    CANDIDATE = "candidate", _("Candidate")
    PRODUCTION = "production", _("Production")
    RETIRED = "retired", _("Retired")


class Task(models.TextChoices):
    """What an adapter is for; empty while nobody has said so."""

    CHAT = "chat", _("Conversation")
    EXTRACTION = "extraction", _("Extraction into fields")
    CLASSIFICATION = "classification", _("Classification")
    SUMMARY = "summary", _("Summary")
    WRITING = "writing", _("Writing and rewriting")
    TRANSLATION = "translation", _("Translation")
    CODE = "code", _("Code")
    OTHER = "other", _("Something else")


class AdapterQuerySet(models.QuerySet["Adapter"]):
    def live(self) -> "AdapterQuerySet":
        return self.filter(deleted_at=None)


class Adapter(models.Model):
    """A name in the team's catalog; what can be used are its versions."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "adp"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="adapters")
    name = models.CharField(_("name"), max_length=80)
    description = models.TextField(blank=True)
    task = models.CharField(_("what it is for"), max_length=16, choices=Task.choices, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = AdapterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], condition=Q(deleted_at=None), name="one_live_adapter_name")
        ]

    def __str__(self) -> str:
        return self.name


class LiveVersions(models.Manager["AdapterVersion"]):
    """Leaves out what lies in the trash, so that no list and no door can forget to."""

    def get_queryset(self) -> models.QuerySet["AdapterVersion"]:
        return super().get_queryset().filter(deleted_at=None)


class AdapterVersion(models.Model):
    """Immutable weights with what is known about them. `sha256` is that of adapter_model.safetensors.

    One version can lie in the trash alone: `objects` and `adapter.versions` hide it, `everything` does not.
    """

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "aver"))
    adapter = models.ForeignKey(Adapter, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="adapter_versions")
    base_model = models.ForeignKey(PretrainedModel, on_delete=models.PROTECT, related_name="adapter_versions")
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.DRAFT)
    card = models.TextField(blank=True, help_text="Markdown that a person wrote; see adapters/cards.py")
    is_card_edited = models.BooleanField(default=False)
    facts = models.JSONField(default=dict, help_text="the engine's training.json")
    licence = models.CharField(max_length=200, blank=True, help_text="of base and data together; see core/licences.py")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = LiveVersions()
    everything: ClassVar[models.Manager["AdapterVersion"]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["adapter", "number"], name="one_adapter_version_number"),
            models.UniqueConstraint(
                fields=["adapter", "stage"],
                condition=Q(stage__in=["candidate", "production"]),
                name="one_holder_of_candidate_and_production",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.adapter} v{self.number}"
