"""How to use an adapter version outside: snippets that work as they stand, with the right names filled in."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.adapters.models import AdapterVersion


@dataclass(frozen=True)
class Snippet:
    label: str | Promise
    language: str
    text: str


def snippets(version: AdapterVersion) -> list[Snippet]:
    """peft from the downloaded folder, and the download itself with a token."""
    folder = f"{_folder_name(version)}"
    zip_url = f"{settings.PUBLIC_URL}/api/v1/adapters/{version.adapter.public_id}/versions/{version.number}/download"
    return [
        Snippet(_("Download"), "bash", _CURL.format(url=zip_url, folder=folder)),
        Snippet("peft", "python", _PEFT.format(folder=folder, base=_base_path(version))),
    ]


def _folder_name(version: AdapterVersion) -> str:
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in version.adapter.name.lower())
    return f"{name.strip('-') or 'adapter'}-v{version.number}"


def _base_path(version: AdapterVersion) -> str:
    """A hub model is loaded by its id; weights that only this installation has are loaded from a folder."""
    model = version.base_model
    return model.repository if model.source == model.Source.HUB else f"path/to/{model.name.split('/')[-1]}"


_CURL = """\
# TOKEN is an API token of your team (Team, API tokens)
curl --fail --header "Authorization: Bearer $TOKEN" --output {folder}.zip \\
  {url}
python -m zipfile --extract {folder}.zip {folder}"""

_PEFT = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("{base}")
tokenizer = AutoTokenizer.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, "{folder}")"""
