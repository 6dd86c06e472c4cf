"""Which ids of a model hub we accept. Only names: no address, no path, nothing that merely looks like one."""

import re

from django.utils.translation import gettext as _

from webapp.core.faults import UserFault

# As the hub names repositories: ASCII letters, digits, "-", "_", "."; no dot or dash at either end.
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9_])?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?huggingface\.co/([^/?#\s]+/[^/?#\s]+)", re.IGNORECASE)


def check_repository(text: str) -> str:
    """`organisation/name`, or a UserFault that says what to write instead."""
    name = text.strip()
    if _REPOSITORY.fullmatch(name) and not ({"..", "--"} & _pairs(name)) and not name.endswith(".git"):
        return name
    found = _ADDRESS.fullmatch(name.rstrip("/"))
    if found:
        message = _("This is an address. Write only the model’s id: %(id)s") % {"id": found[1][:200]}
    elif "/" not in name and name:
        message = _("“%(name)s” lacks its organisation. Write both, as in HuggingFaceTB/SmolLM2-135M-Instruct.")
        message %= {"name": name[:60]}
    else:
        message = _(
            "This is no model id. It has two parts of letters, digits, “-”, “_” and “.”, as in "
            "HuggingFaceTB/SmolLM2-135M-Instruct. Copy it from the head of the model’s page."
        )
    raise UserFault("bad_repository", message, field="repository")


def check_revision(text: str) -> str:
    """A branch, a tag or a commit; empty for the newest."""
    name = text.strip()
    if not name or (_REVISION.fullmatch(name) and not ({"..", "//"} & _pairs(name))):
        return name
    message = _("This is no revision. Write a branch, a tag or a commit such as 12fd25f7…, or leave it empty.")
    raise UserFault("bad_revision", message, field="revision")


def is_commit(revision: str) -> bool:
    return _COMMIT.fullmatch(revision) is not None


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}
