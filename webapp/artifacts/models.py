from functools import partial

from django.conf import settings
from django.db import models

from webapp.accounts.models import Team
from webapp.core.ids import new_id


class Blob(models.Model):
    """One content, stored once under its SHA-256, whoever brought it.

    `verified_at`: read back and found equal. `unused_since`: first found with nobody needing it; it will be freed.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    size_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    unused_since = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.sha256


class Bundle(models.Model):
    """A named set of files that belongs to a team (or to all, when `team` is empty). Immutable once made."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "bun"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=20)
    manifest_sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.public_id


class BundleFile(models.Model):
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=255)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="uses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bundle", "path"], name="one_file_per_bundle_and_path")]

    def __str__(self) -> str:
        return self.path


class Upload(models.Model):
    """Bytes on their way in, in chunks; a cut upload goes on where it stopped."""

    class State(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"
        USED = "used"

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "upl"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.file_name
