from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import Q

from webapp.accounts.models import Team
from webapp.core.ids import new_id


class Edge(models.Model):
    """`target` was made from `source`; both are public ids, so that reading imports nobody."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=40, db_index=True)
    target = models.CharField(max_length=40, db_index=True)
    relation = models.CharField(max_length=30)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "source", "target", "relation"], name="one_edge")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target} ({self.relation})"


class Withdrawal(models.Model):
    """A team says that a thing is not to be used any more; with `ended_at`, that it may be again.

    A row of the team and not of the thing: a base model that all teams share is withdrawn by each for itself.
    """

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "wdr"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    thing = models.CharField(max_length=40, db_index=True, help_text="public id")
    name = models.CharField(max_length=250, help_text="what the thing was called then")
    reason = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "thing"], condition=Q(ended_at=None), name="one_open_withdrawal")
        ]

    def __str__(self) -> str:
        return self.name
