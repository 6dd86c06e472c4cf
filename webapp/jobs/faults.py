"""Why a job failed: what happened, what it means, what to do. The programs send codes; the words are here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.contract.events import Fault
from webapp.contract.spec import JobKind
from webapp.core import units
from webapp.jobs import import_faults
from webapp.jobs.models import Job

_IMPORTS = frozenset({JobKind.IMPORT, JobKind.FETCH_ADAPTER})
Data = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FaultWords:
    """`title` is a short clause. `is_ours`: nobody who reads it can mend it; `reference` then finds it in the log."""

    title: str
    meaning: str
    remedy: str
    is_ours: bool = False
    reference: str = ""


def fault(job: Job) -> FaultWords:
    """The words for a job that failed, or was interrupted by a fault."""
    try:
        code = Fault(job.fault)
    except ValueError:
        return _internal(job, {})
    if code is Fault.INTERNAL:
        return _internal(job, job.fault_data)
    if job.kind in _IMPORTS and (said := import_faults.of(code, job.fault_data)):
        return FaultWords(**said._asdict())
    return _WORDS[code](job.fault_data)


def _of_import(code: Fault) -> Callable[[Data], FaultWords]:
    """Words for codes that only an import has, whatever job they stand at."""

    def tell(data: Data) -> FaultWords:
        said = import_faults.of(code, data)
        assert said is not None
        return FaultWords(**said._asdict())

    return tell


def _no_rows(data: Data) -> FaultWords:
    return FaultWords(
        title=_("There are no rows to learn from"),
        meaning=_("The dataset held no row that could be used."),
        remedy=_("Look at the dataset's findings, mend its rows, and upload it as a new version."),
    )


def _bad_file(data: Data) -> FaultWords:
    if data.get("cause") == "reader_died":
        meaning = _("The program that reads files ended in the middle of it, several times.")
    else:
        meaning = _("It could not be read as the kind of file that it is.")
    return FaultWords(
        title=_("The file is damaged"),
        meaning=meaning,
        remedy=_("Export it once more, best as CSV or as one JSON object in each line, and upload it again."),
    )


def _too_large(data: Data) -> FaultWords:
    return FaultWords(
        title=_("The file is too large"),
        meaning=_("Reading it takes more memory, time or space than is allowed for one file."),
        remedy=_("Split it into several files and add each as a dataset."),
    )


def _unknown_format(data: Data) -> FaultWords:
    return FaultWords(
        title=_("The format of the file is not known"),
        meaning=_("It is no table and no JSON that holds examples."),
        remedy=_("Save the examples as CSV, or as one JSON object in each line, and upload that."),
    )


def _no_trainable_tokens(data: Data) -> FaultWords:
    meaning = _("In no row is there anything that the model would learn to say.")
    if data.get("max_length"):
        meaning = _("The answers lie behind the first %(limit)s tokens of their rows, where each row is cut off.") % {
            "limit": units.number(data["max_length"])
        }
    return FaultWords(
        title=_("Nothing would be trained"),
        meaning=meaning + _rows_named(data),
        remedy=_("Raise the longest row in the settings, or shorten what stands before the answers, and start again."),
    )


def _no_chat_template(data: Data) -> FaultWords:
    reason = data.get("reason")
    if reason == "absent":
        meaning = _("This base model does not say how a conversation is written down, so it was not made for chat.")
    elif reason == "every_row_refused":
        meaning = _("The chat template of this base model refuses every row: %(message)s") % {
            "message": data.get("message", "")
        }
    else:
        meaning = _("The chat template of this base model cannot be used to tell question and answer apart.")
    return FaultWords(
        title=_("The base model has no usable chat template"),
        meaning=meaning + (_rows_named(data) if reason == "every_row_refused" else ""),
        remedy=_("Choose a base model that was made for conversations; their names often end in Instruct or Chat."),
    )


def _bad_config(data: Data) -> FaultWords:
    name, nearest = data.get("field"), data.get("nearest")
    remedy = _("Start again from a preset, and change one setting at a time.")
    if name and "value" in data:
        in_words = import_string(settings.SETTING_WORDS)
        label, value = in_words(name, data["value"])
        meaning = _("“%(label)s” is set to %(value)s, which cannot work.") % {"label": label, "value": value}
        if nearest is not None:
            words = {"nearest": in_words(name, nearest)[1]}
            remedy = _("Set it to %(nearest)s, the nearest value that works, and start again.") % words
    else:
        meaning = str(data.get("message") or data.get("cause") or _("One of the settings is not possible."))
    return FaultWords(title=_("A setting cannot work"), meaning=meaning, remedy=remedy)


def _unsupported_model(data: Data) -> FaultWords:
    meanings = {
        "no_config": _("Its config.json is missing, or does not describe a language model."),
        "wants_to_run_code": _("It comes with program code of its own, which is never run here."),
        "already_quantized": _("Its weights are quantized already (%(method)s); training starts from the original.")
        % {"method": data.get("method", "")},
        "architecture": _("Its architecture, %(name)s, is not one that can be trained here.")
        % {"name": data.get("architecture", "")},
        "no_tokenizer": _("It has no tokenizer.json."),
        "no_safetensors": _("It has no weights in the safetensors format, the only one that is loaded here."),
        "several_gguf": _("Its folder holds several GGUF files, and nothing says which is meant."),
        "dtype": _("Some of its weights are stored as %(dtype)s, which training cannot start from.")
        % {"dtype": data.get("dtype", "")},
    }
    known = [str(name).removesuffix("ForCausalLM") for name in data.get("known", [])]
    if known:
        remedy = _("Choose a model of one of these families: %(names)s.") % {"names": get_text_list(known, _("or"))}
    else:
        remedy = _("Choose another base model, or another form of the same one.")
    return FaultWords(
        title=_("This base model cannot be used"),
        meaning=meanings.get(data.get("reason", ""), _("It is not in a form that can be loaded here.")),
        remedy=remedy,
    )


def _damaged_input(data: Data) -> FaultWords:
    name = str(data.get("file", "")).removeprefix("inputs/")
    meaning = _("A stored file is missing or not as it was when it was stored: %(name)s.") % {"name": name}
    remedy = _("Fetch the base model or upload the dataset once more. If it happens again, the disk may be failing.")
    if data.get("reason") == "not_under_model_roots":
        meaning = _("The folder of this model is not among those that the worker may read: %(name)s.") % {"name": name}
        remedy = _("Ask whoever runs this installation to set MODEL_ROOTS alike on every machine.")
    elif data.get("reason") == "no_valid_checkpoint":
        meaning = _("No checkpoint is left whole, so there is nothing from which the adapter could be made.")
        remedy = _("Start it again from the beginning.")
    elif data.get("package"):
        meaning = (
            _("The model that comes with Tunesmith is not there: the Python package %(package)s is missing.") % data
        )
        remedy = _("Ask whoever runs this installation to install its packages again, then try again.")
    elif data.get("repository"):
        meaning = _("What arrived from the hub is not what the hub announced: %(name)s.") % {"name": name}
        remedy = _("Try again; what arrived well is not fetched twice.")
    return FaultWords(title=_("A file is missing or damaged"), meaning=meaning, remedy=remedy)


def _hub_unreachable(data: Data) -> FaultWords:
    meaning = _("The worker has no way to it just now, or the hub does not answer.")
    if data.get("status") == 429:
        meaning = _("The hub was asked too often from here and takes no more questions for a while.")
    elif data.get("status"):
        meaning = _("The hub is there but in trouble; it answers %(status)s.") % {"status": data["status"]}
    return FaultWords(
        title=_("The model hub cannot be reached"),
        meaning=meaning + " " + _("What had arrived is kept."),
        remedy=_("Try again later, or add the model from a folder of this installation."),
    )


def _hub_not_found(data: Data) -> FaultWords:
    name = str(data.get("repository") or _("this name"))
    meaning = _("There is no model %(name)s at the hub, or only its members may see it.") % {"name": name}
    if data.get("revision"):
        meaning = _("The model %(name)s has no revision %(revision)s.") % {"name": name, "revision": data["revision"]}
    return FaultWords(
        title=_("The hub has no such model"),
        meaning=meaning,
        remedy=_("Copy the id from the model's page, in the form organisation/name. A private model needs a token."),
    )


def _hub_gated(data: Data) -> FaultWords:
    return FaultWords(
        title=_("The hub asks for consent first"),
        meaning=_("The owners of this model give it only to accounts that accepted their terms."),
        remedy=_("Accept the terms on the model's page, set a token of that account under Base models, and try again."),
    )


def _hub_token_refused(data: Data) -> FaultWords:
    return FaultWords(
        title=_("The hub refuses the token"),
        meaning=_("It has expired, was revoked, or may not read this model."),
        remedy=_("Make a new token with the right to read, set it under Base models, and try again."),
    )


def _out_of_memory(data: Data) -> FaultWords:
    meaning = _("The device ran out of memory, and smaller steps did not help.")
    if data.get("reason") == "killed_by_kernel":
        meaning = _("The machine ran out of memory, so its system ended the program.")
    return FaultWords(
        title=_("There was not enough memory"),
        meaning=meaning,
        remedy=_("Choose QLoRA, a smaller base model or a shorter longest row, or a machine with more memory."),
    )


def _disk_full(data: Data) -> FaultWords:
    meaning = _("There was no room left to save on the worker's disk. What was saved before is intact.")
    if data.get("needed_bytes"):
        meaning = _("Saving needs %(needed)s, and %(free)s are free. What was saved before is intact.") % {
            "needed": units.filesize(data["needed_bytes"]),
            "free": units.filesize(data.get("free_bytes")),
        }
    return FaultWords(
        title=_("The disk is full"),
        meaning=meaning,
        remedy=_("Delete what is not needed, or ask whoever runs this installation to make room. Then try again."),
    )


def _loss_not_finite(data: Data) -> FaultWords:
    meaning = _("The loss became infinite or no number at all, from which no training recovers.")
    if data.get("step"):
        meaning = _(
            "At step %(step)s the loss became infinite or no number at all; no training recovers from that."
        ) % {"step": units.number(data["step"])}
    return FaultWords(
        title=_("The training fell apart"),
        meaning=meaning,
        remedy=_("Start again with a learning rate a third as high, and look at the rows for odd characters."),
    )


def _nothing_learned(data: Data) -> FaultWords:
    return FaultWords(
        title=_("Nothing was learned"),
        meaning=_("After training, the adapter changes nothing in what the model says."),
        remedy=_("Start again with a higher learning rate or more passes over the dataset."),
    )


def _contract_version(data: Data) -> FaultWords:
    return FaultWords(
        title=_("The worker is of another version"),
        meaning=_("It does not understand this order, and it refused rather than guess."),
        remedy=_("Ask whoever runs this installation to update every worker. Then try again."),
    )


def _internal(job: Job, data: Data) -> FaultWords:
    deaths = data.get("deaths")
    if deaths:
        meaning = ngettext(
            "The program ended in the middle of its work.",
            "The program ended in the middle of its work %(count)s times in a row without getting further.",
            deaths,
        ) % {"count": deaths}
    elif data.get("because") == "worker_lost":
        meaning = _("The worker was lost.")
    elif data.get("reason") == "sealed":
        meaning = _("The worker has another key than the web server, so it cannot read the token for the hub.")
    else:
        meaning = _("Something happened that this program did not expect.")
    return FaultWords(
        title=_("Something went wrong on our side"),
        meaning=meaning + " " + _("It is not because of your data or settings, as far as we can tell."),
        remedy=_("Try again. If it stays, give the number of this job and its log to whoever runs this installation."),
        is_ours=True,
        reference=job.public_id,
    )


def _rows_named(data: Data) -> str:
    rows = [units.number(row) for row in data.get("rows", [])][:5]
    if not rows:
        return ""
    text = ngettext("For instance row %(rows)s.", "For instance rows %(rows)s.", len(rows))
    return " " + text % {"rows": get_text_list(rows, _("and"))}


_WORDS: dict[Fault, Callable[[Data], FaultWords]] = {
    Fault.NO_ROWS: _no_rows,
    Fault.BAD_FILE: _bad_file,
    Fault.TOO_LARGE: _too_large,
    Fault.UNKNOWN_FORMAT: _unknown_format,
    Fault.UNSAFE_FILE: _of_import(Fault.UNSAFE_FILE),
    Fault.DOES_NOT_FIT: _of_import(Fault.DOES_NOT_FIT),
    Fault.NO_TRAINABLE_TOKENS: _no_trainable_tokens,
    Fault.NO_CHAT_TEMPLATE: _no_chat_template,
    Fault.BAD_CONFIG: _bad_config,
    Fault.UNSUPPORTED_MODEL: _unsupported_model,
    Fault.DAMAGED_INPUT: _damaged_input,
    Fault.HUB_UNREACHABLE: _hub_unreachable,
    Fault.HUB_NOT_FOUND: _hub_not_found,
    Fault.HUB_GATED: _hub_gated,
    Fault.HUB_TOKEN_REFUSED: _hub_token_refused,
    Fault.OUT_OF_MEMORY: _out_of_memory,
    Fault.DISK_FULL: _disk_full,
    Fault.LOSS_NOT_FINITE: _loss_not_finite,
    Fault.NOTHING_LEARNED: _nothing_learned,
    Fault.CONTRACT_VERSION: _contract_version,
}
