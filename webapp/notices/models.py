from functools import partial

from django.conf import settings
from django.db import models

from webapp.accounts.models import Team
from webapp.core.ids import new_id
from webapp.notices import words


class Notice(models.Model):
    """Something a person should hear of: a code with its data; the words are made when it is read."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "not"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    url = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"])]

    def __str__(self) -> str:
        return self.code

    @property
    def tone(self) -> str:
        return words.tone(self.code)

    @property
    def sentence(self) -> str:
        return words.sentence(self.code, self.data)
