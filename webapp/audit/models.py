from functools import partial

from django.db import models

from webapp.core.ids import new_id


class Event(models.Model):
    """Who did what, when, to what. Ids are text and there are no foreign keys, so that a line outlives its subject."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "evt"))
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_name = models.CharField(max_length=254, blank=True)
    team_id = models.CharField(max_length=40, blank=True)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict, blank=True)
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["team_id", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_name or self.object_id}"
