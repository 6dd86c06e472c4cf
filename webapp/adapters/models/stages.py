"""How versions went through their stages: what a team asks of them, who looked at them, what was decided."""

from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.adapters.models.catalog import Adapter, AdapterVersion, Stage
from webapp.core.ids import new_id

GATED = [(stage.value, stage.label) for stage in (Stage.CANDIDATE, Stage.PRODUCTION)]


class Rule(models.TextChoices):
    AT_LEAST = "at_least", _("is at least")
    AT_MOST = "at_most", _("is at most")
    NEAR_BASE = "near_base", _("is not worse than the base’s, by more than")
    NEAR_PRODUCTION = "near_production", _("is not worse than the production version’s, by more than")
    APPROVALS = "approvals", _("approvals of people who did not make the version, at least")


class Gate(models.Model):
    """One rule of a team for one stage. The score is kept as text: it may be measured later, or never again."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "gate"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="gates")
    stage = models.CharField(max_length=12, choices=GATED)
    rule = models.CharField(max_length=20, choices=Rule.choices)
    score = models.CharField(max_length=80, blank=True, help_text="a score's name; empty where approvals are counted")
    limit = models.FloatField(help_text="in the score's own unit, a share from 0 to 1; or how many approvals")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "stage", "rule", "score"], name="one_gate_per_rule_and_score"),
            models.CheckConstraint(
                condition=Q(rule="approvals", score="") | (~Q(rule="approvals") & ~Q(score="")),
                name="a_gate_reads_a_score_or_counts_approvals",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage}: {self.score} {self.rule} {self.limit:g}"


class StageChange(models.Model):
    """A change of stage that was made, or one that was refused, with what its gates said at that moment."""

    class Cause(models.TextChoices):
        MOVED = "moved"
        DISPLACED = "displaced"
        ROLLED_BACK = "rolled_back"

    class Refusal(models.TextChoices):
        GATE = "gate"
        FILES = "files"
        ORIGIN = "origin"  # it, or something it was made of, is withdrawn

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "stc"))
    adapter = models.ForeignKey(Adapter, on_delete=models.CASCADE, related_name="stage_changes")
    version = models.ForeignKey(AdapterVersion, on_delete=models.SET_NULL, null=True, related_name="stage_changes")
    number = models.IntegerField(help_text="the version's, kept when the version is gone")
    from_stage = models.CharField(max_length=12, choices=Stage.choices)
    to_stage = models.CharField(max_length=12, choices=Stage.choices)
    cause = models.CharField(max_length=12, choices=Cause.choices, default=Cause.MOVED)
    refusal = models.CharField(max_length=8, choices=Refusal.choices, blank=True, help_text="empty: it was made")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=1000, blank=True)
    decision = models.JSONField(default=dict, help_text="results of the gates, damaged files, withdrawals")

    class Meta:
        indexes = [models.Index(fields=["adapter", "-id"])]

    def __str__(self) -> str:
        return f"v{self.number}: {self.from_stage} to {self.to_stage}"


class Review(models.Model):
    """Somebody asks that a version gets a stage. What reviewers answer belongs to it, and so to this version."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"  # the version got its stage
        SENT_BACK = "sent_back"
        DROPPED = "dropped"  # taken back, or the version went elsewhere

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "rev"))
    version = models.ForeignKey(AdapterVersion, on_delete=models.CASCADE, related_name="reviews")
    stage = models.CharField(max_length=12, choices=GATED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    word = models.CharField(max_length=1000, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "stage"], condition=Q(outcome="open"), name="one_open_review_per_version_and_stage"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} to {self.stage}"

    @property
    def is_open(self) -> bool:
        return self.outcome == self.Outcome.OPEN


class Opinion(models.Model):
    """What one reviewer answered. A person has one opinion in a review; a later one takes the place of the earlier."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="opinions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    is_approval = models.BooleanField()
    word = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "by"], name="one_opinion_per_review_and_person")]

    def __str__(self) -> str:
        return f"{self.by}: {'approved' if self.is_approval else 'sent back'}"
