"""How to use an adapter version outside: snippets that work as they stand, with the right names filled in."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.adapters.models import AdapterVersion


@dataclass(frozen=True)
class Snippet:
    label: str | Promise
    text: str
    needs_token: bool = False


def snippets(version: AdapterVersion) -> list[Snippet]:
    """The download with a token, with the base where only this installation has it, and peft from those folders."""
    folder, api, base = _folder_name(version), f"{settings.PUBLIC_URL}/api/v1", version.base_model
    adapter_url = f"{api}/adapters/{version.adapter.public_id}/versions/{version.number}/download"
    fetches = [_CURL.format(url=adapter_url, folder=folder)]
    if base.source != base.Source.HUB:
        fetches.append(_CURL.format(url=f"{api}/models/{base.public_id}/download", folder=base.folder_name))
    return [
        Snippet(_("Download by a script"), "\n\n".join([_TOKEN, *fetches]), needs_token=True),
        Snippet("peft", _PEFT.format(folder=folder, base=_base(version))),
    ]


def _folder_name(version: AdapterVersion) -> str:
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in version.adapter.name.lower())
    return f"{name.strip('-') or 'adapter'}-v{version.number}"


def _base(version: AdapterVersion) -> str:
    """A hub model is loaded by its id and commit; weights that only this installation has, from a folder of theirs."""
    model = version.base_model
    if model.source != model.Source.HUB:
        return _FROM_FOLDER.format(folder=model.folder_name, name=model.name)
    revision = f', revision="{model.commit}"' if model.commit else ""
    return _FROM_HUB.format(repository=model.repository, revision=revision)


_FROM_HUB = """\
base = AutoModelForCausalLM.from_pretrained("{repository}"{revision})
tokenizer = AutoTokenizer.from_pretrained("{repository}"{revision})"""

_FROM_FOLDER = """\
# a folder with exactly the weights of {name}
folder = "{folder}"
base = AutoModelForCausalLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)"""

_TOKEN = "# TOKEN is an API token of your team (Team, API tokens)"  # noqa: S105  a remark in a script

_CURL = """\
curl --fail --header "Authorization: Bearer $TOKEN" --output {folder}.zip \\
  {url}
python -m zipfile --extract {folder}.zip {folder}"""

_PEFT = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

{base}
model = PeftModel.from_pretrained(base, "{folder}")"""
