from django.db import models

from webapp.accounts.models import Team


class Rules(models.Model):
    """What a team lets go by itself. A team without a row has the defaults; None keeps for ever.

    What goes by a rule goes to the trash, and can come back from there as if a person had deleted it.
    """

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="retention_rules")
    checkpoint_days = models.PositiveIntegerField(null=True, default=14)

    def __str__(self) -> str:
        return f"retention rules of {self.team}"


class DiskSample(models.Model):
    """How full the disk with the stored files was on one day, for the forecast.

    Of a bucket nobody knows the end: `total_bytes` is 0, and `used_bytes` what Tunesmith stored there.
    """

    day = models.DateField(unique=True)
    used_bytes = models.BigIntegerField(help_text="by everything on that disk, not by Tunesmith alone")
    total_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.used_bytes} of {self.total_bytes}"
