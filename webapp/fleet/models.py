from functools import partial

from django.db import models

from webapp.core.ids import new_id


class Worker(models.Model):
    """A process on a machine that takes jobs. It renews `seen_at`; who is silent for a lease is lost."""

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "wrk"))
    name = models.CharField(max_length=100)
    host = models.CharField(max_length=100)
    pid = models.IntegerField()
    version = models.CharField(max_length=40)
    labels = models.JSONField(default=list)
    cpu_count = models.IntegerField()
    memory_bytes = models.BigIntegerField()
    disk_free_bytes = models.BigIntegerField(default=0)
    is_draining = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Device(models.Model):
    """What a training occupies: one GPU, or the processor of a machine without any."""

    class Kind(models.TextChoices):
        CPU = "cpu"
        CUDA = "cuda"

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="devices")
    index = models.IntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=100)
    memory_bytes = models.BigIntegerField()
    matmul_flops = models.FloatField(null=True, blank=True, help_text="measured floating-point operations a second")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "index"], name="one_device_per_worker_and_index")]

    def __str__(self) -> str:
        return self.name


class Measurement(models.Model):
    """What a finished job really took, for the estimates of the next."""

    device_name = models.CharField(max_length=100, db_index=True)
    kind = models.CharField(max_length=20)
    features = models.JSONField()
    seconds = models.FloatField()
    peak_memory_bytes = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} on {self.device_name}"
