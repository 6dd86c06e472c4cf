"""Reading about base models."""

from dataclasses import dataclass

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.basemodels.models import PretrainedModel
from webapp.jobs.actions import InputFile

INPUT_FOLDER = "inputs/base"


def inputs(model: PretrainedModel) -> list[InputFile]:
    """The model's files, at the places where a job expects its base."""
    assert model.bundle is not None, "only a model that is ready has files"
    files = model.bundle.files.select_related("blob").order_by("path")
    return [
        InputFile(path=f"{INPUT_FOLDER}/{file.path}", sha256=file.blob.sha256, size_bytes=file.blob.size_bytes)
        for file in files
    ]


@dataclass(frozen=True)
class Users:
    """How many runs and adapters stand on a model, deleted ones not counted."""

    runs: int
    adapters: int

    @property
    def count(self) -> int:
        return self.runs + self.adapters

    def sentence(self) -> str:
        parts = []
        if self.runs:
            parts.append(ngettext("%(count)s run", "%(count)s runs", self.runs) % {"count": self.runs})
        if self.adapters:
            parts.append(ngettext("%(count)s adapter", "%(count)s adapters", self.adapters) % {"count": self.adapters})
        return str(get_text_list(parts, _("and")))


def users_of(model: PretrainedModel) -> Users:
    """The apps above point here by these two relations (see their models)."""
    versions = model.adapter_versions.filter(adapter__deleted_at=None)
    return Users(
        runs=model.runs.filter(deleted_at=None).count(), adapters=versions.values("adapter").distinct().count()
    )


def is_kept_by_others(model: PretrainedModel) -> bool:
    """Whether anything points to the model at all, what lies in the trash included."""
    return model.runs.exists() or model.adapter_versions.exists()
