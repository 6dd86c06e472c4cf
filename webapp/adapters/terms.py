"""Under which terms a version may be used: those of its base model and of its data together."""

from webapp.adapters.models import AdapterVersion
from webapp.core import licences
from webapp.core.licences import Together


def of(version: AdapterVersion) -> Together:
    """As base and data say now. Of a version that no run of ours made, what its maker said stands for the data's."""
    data = version.run.dataset_version.dataset.licence if version.run else version.licence
    return licences.together(version.base_model.licence, data)
