from django.db import models

from webapp.accounts.models import Team


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
