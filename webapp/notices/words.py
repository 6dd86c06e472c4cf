"""What a notice says. The row keeps a code and data; the words are made when somebody reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Code(StrEnum):
    RUN_FINISHED = "run_finished"
    RUN_FAILED = "run_failed"
    DATASET_READY = "dataset_ready"
    DATASET_HAS_PROBLEMS = "dataset_has_problems"
    DATASET_FAILED = "dataset_failed"
    BASE_MODEL_READY = "base_model_ready"
    BASE_MODEL_FAILED = "base_model_failed"
    ADAPTER_IMPORTED = "adapter_imported"
    ADAPTER_KNOWN = "adapter_known"
    ADAPTER_IMPORT_FAILED = "adapter_import_failed"
    INVITATION_ACCEPTED = "invitation_accepted"
    WITHDRAWN = "withdrawn"
    REINSTATED = "reinstated"
    REVIEW_ASKED = "review_asked"
    REVIEW_APPROVED = "review_approved"
    REVIEW_SENT_BACK = "review_sent_back"
    ADAPTER_DRAFT = "adapter_draft"
    ADAPTER_CANDIDATE = "adapter_candidate"
    ADAPTER_PRODUCTION = "adapter_production"
    ADAPTER_RETIRED = "adapter_retired"


@dataclass(frozen=True)
class Words:
    """`sentence` takes the notice's data; `tone` is that of a sign: good, warn, bad or note."""

    tone: str
    sentence: str | Promise


WORDS: dict[Code, Words] = {
    Code.RUN_FINISHED: Words("good", _("The run %(name)s is done. Its adapter was checked and is in the catalog.")),
    Code.RUN_FAILED: Words("bad", _("The run %(name)s stopped with a problem. Its page says what to do.")),
    Code.DATASET_READY: Words("good", _("The dataset %(name)s was read and is ready.")),
    Code.DATASET_HAS_PROBLEMS: Words("warn", _("The dataset %(name)s has rows that need a look.")),
    Code.DATASET_FAILED: Words("bad", _("The file of %(name)s could not be read. Its page says what to do.")),
    Code.BASE_MODEL_READY: Words("good", _("The base model %(name)s is here and was checked.")),
    Code.BASE_MODEL_FAILED: Words("bad", _("The base model %(name)s could not be fetched. Its page says why.")),
    Code.ADAPTER_IMPORTED: Words("good", _("The adapter %(name)s was checked and is in the catalog.")),
    Code.ADAPTER_KNOWN: Words("note", _("Exactly this adapter was in the catalog already: %(name)s.")),
    Code.ADAPTER_IMPORT_FAILED: Words("bad", _("The adapter for %(name)s was not taken. Its page says why.")),
    Code.INVITATION_ACCEPTED: Words("note", _("%(name)s accepted your invitation.")),
    Code.WITHDRAWN: Words("bad", _("%(name)s was withdrawn, and you made something of it or took it: %(reason)s")),
    Code.REINSTATED: Words("good", _("The withdrawal of %(name)s was taken back: it may be used again.")),
    Code.REVIEW_ASKED: Words("warn", _("%(name)s needs a review. Its page says what was asked.")),
    Code.REVIEW_APPROVED: Words("good", _("%(name)s was approved.")),
    Code.REVIEW_SENT_BACK: Words("warn", _("%(name)s was sent back. Its history says why.")),
    Code.ADAPTER_DRAFT: Words("note", _("%(name)s is a draft again. Its history says why.")),
    Code.ADAPTER_CANDIDATE: Words("good", _("%(name)s is the candidate now.")),
    Code.ADAPTER_PRODUCTION: Words("good", _("%(name)s is in production now.")),
    Code.ADAPTER_RETIRED: Words("note", _("%(name)s was retired. Its history says why.")),
}


def tone(code: str) -> str:
    return WORDS[Code(code)].tone


def sentence(code: str, data: Mapping[str, Any]) -> str:
    return str(WORDS[Code(code)].sentence) % {"name": data.get("name", ""), "reason": data.get("reason", "")}
