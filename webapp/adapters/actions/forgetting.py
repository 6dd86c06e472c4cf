"""What goes with a version that goes for good: looks inside it and orders to cut it down, with their jobs and files."""

from webapp.adapters.models import AdapterVersion, Anatomy, Compression
from webapp.artifacts import actions as artifacts
from webapp.jobs import actions as jobs
from webapp.jobs.lifecycle import Asked


def forget(*, version: AdapterVersion) -> bool:
    """Remove them. False where one is under way: it is cancelled, and goes when that is done."""
    looks = Anatomy.objects.filter(version=version).select_related("job", "bundle")
    orders = Compression.objects.filter(version=version).select_related("job")
    found = [look.job for look in looks if look.job is not None] + [order.job for order in orders]
    waits = [job for job in found if not job.is_over and not jobs.ask(by=None, job=job, what=Asked.CANCEL).is_over]
    if waits:
        return False
    bundles = [look.bundle for look in looks if look.bundle is not None]
    looks.delete()
    orders.delete()
    for job in found:
        job.delete()
    for bundle in bundles:
        artifacts.drop_bundle(bundle=bundle)
    return True
