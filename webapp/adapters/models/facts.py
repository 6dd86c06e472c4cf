from django.conf import settings
from django.db import models

from webapp.adapters.models.catalog import AdapterVersion


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
