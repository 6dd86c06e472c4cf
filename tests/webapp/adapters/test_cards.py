"""The card of a version as it stands, at every door: its page, the download, the API."""

import hashlib
import io
import shlex
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.test import Client

from tests.webapp.api.conftest import program  # noqa: F401
from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions, cards, places, usage
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.core.faults import UserFault
from webapp.datasets import actions as datasets
from webapp.runs import actions as runs
from webapp.runs.models import Run

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def header(version: AdapterVersion) -> dict[str, Any]:
    """What a client of a hub reads of the card."""
    _before, head, _text = cards.readme(version).split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(head)
    return found


def test_a_card_follows_what_is_known_until_a_person_writes_it(workshop: Workshop, trainer: Any) -> None:
    version = workshop.adapter("tickets")
    assert "# tickets v1" in cards.text(version)
    actions.change(by=trainer, adapter=version.adapter, name="letters", description="Answers letters")
    assert "# letters v1" in cards.text(version) and "Answers letters" in cards.text(version)
    workshop.report(version)
    assert "Right form" in cards.text(version)
    actions.edit_card(by=trainer, version=version, text="mine")
    assert cards.text(version) == "mine"
    actions.reset_card(by=trainer, version=version)
    version.refresh_from_db()
    assert "# letters v1" in cards.text(version)


def test_the_card_tells_the_run_s_own_curve(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    run: Run = version.run
    points = [(step, {"validation_loss": 2.0 - step / 50}, {}) for step in (0, 20, 40)]
    runs.append_metrics(
        run=run, attempt=1, points=[*points, (60, {"validation_loss": None}, {"validation_loss": "nan"})]
    )
    text = cards.text(version)
    assert "fell from 2.000 to 1.200" in text
    assert "| 20 | 1.600 |" in text
    assert "nan" not in text


def test_the_card_counts_the_rows_that_training_really_used(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    assert version.run is not None and version.run.dataset_version.train_rows == 254
    version.facts |= {"train_rows": 250, "validation_rows": 44}
    said = cards.text(version)
    assert "trained on 250 rows" in said and "Measured on 44 held-out rows" in said
    assert "254 rows" not in said and "45 held" not in said


def test_the_header_names_base_library_licence_tags_and_data_in_yaml(workshop: Workshop, trainer: Any) -> None:
    version = workshop.adapter("tickets")
    dataset = version.run.dataset_version.dataset
    datasets.edit(by=trainer, dataset=dataset, name='Odd: "name" #1', licence="CC-BY-SA-4.0")
    version = AdapterVersion.objects.get()
    found = header(version)
    assert found["base_model"] == version.base_model.name
    assert (found["library_name"], found["license"]) == ("peft", "cc-by-sa-4.0")
    assert found["datasets"] == ["acme/odd-name-1"]
    assert "lora" in found["tags"]


def test_licences_that_cannot_be_ordered_stand_in_the_header_by_name(workshop: Workshop, trainer: Any) -> None:
    base = workshop.base("meta/llama", licence="llama3.2")
    version = workshop.adapter("tickets", base_model=base)
    dataset = version.run.dataset_version.dataset
    datasets.edit(by=trainer, dataset=dataset, name=dataset.name, licence="CC-BY-4.0")
    found = header(AdapterVersion.objects.get())
    assert (found["license"], found["license_name"]) == ("other", "llama3.2 AND CC-BY-4.0")


def test_the_same_state_makes_the_same_bytes(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    again = AdapterVersion.objects.get(pk=version.pk)
    assert cards.beside(version) == cards.beside(again)


def test_who_writes_over_a_card_that_was_changed_meanwhile_keeps_both_texts(
    workshop: Workshop, client_as: As, trainer: Any, maintainer: Any
) -> None:
    version = workshop.adapter("tickets")
    page = f"/t/acme/adapters/{version.adapter.public_id}/v1/card/edit/"
    seen = client_as(trainer).get(page).context["form"]["seen"].value()
    client_as(maintainer).post(page, {"card": "Milo's words", "seen": seen})
    refused = client_as(trainer).post(page, {"card": "Tara's words", "seen": seen})
    said = refused.content.decode()
    assert refused.status_code == 409
    assert "Tara&#x27;s words" in said and "Milo&#x27;s words" in said
    version.refresh_from_db()
    assert version.card == "Milo's words"
    now = refused.context["form"]["seen"].value()
    assert client_as(trainer).post(page, {"card": "both", "seen": now}).status_code == 302
    version.refresh_from_db()
    assert version.card == "both"


def test_writing_a_card_from_facts_again_asks_first_and_gives_up_the_edit(
    workshop: Workshop, client_as: As, trainer: Any
) -> None:
    version, client = workshop.adapter("tickets"), client_as(trainer)
    actions.edit_card(by=trainer, version=version, text="mine")
    page = f"/t/acme/adapters/{version.adapter.public_id}/v1/card/"
    assert "card/reset/" in client.get(page).content.decode()
    assert "given up" in client.get(f"{page}reset/").content.decode()
    client.post(f"{page}reset/")
    said = client.get(page).content.decode()
    assert "written from what is known now" in said
    assert "card/reset/" not in said


def test_a_card_that_is_too_long_is_refused(workshop: Workshop, trainer: Any) -> None:
    with pytest.raises(UserFault, match="Shorten it"):
        actions.edit_card(by=trainer, version=workshop.adapter("tickets"), text="x" * 100_001)


def test_a_program_reads_writes_and_resets_a_card(
    program: Callable[..., Any], workshop: Workshop, trainer: Any
) -> None:
    version, client = workshop.adapter("tickets"), program(trainer)
    path = f"/adapters/{version.adapter.public_id}/versions/1/card"
    _status, first = client.ask("GET", path)
    assert "# tickets v1" in first["text"] and not first["is_edited"]
    status, second = client.ask("PUT", path, {"text": "mine", "revision": first["revision"]})
    assert (status, second["text"], second["is_edited"]) == (200, "mine", True)
    status, fault = client.ask("PUT", path, {"text": "late", "revision": first["revision"]})
    assert (status, fault["code"], fault["standing"]) == (409, "card_changed", "mine")
    assert client.ask("DELETE", path)[1]["text"] == first["text"]


@pytest.mark.django_db(transaction=True)
def test_the_zip_and_the_list_of_files_carry_the_card(
    version: AdapterVersion, program: Callable[..., Any], trainer: Any
) -> None:
    client, path = program(trainer), f"/adapters/{version.adapter.public_id}/versions/1"
    content = client.ask("GET", f"{path}/download")[1]
    archive = zipfile.ZipFile(io.BytesIO(content))
    readme = archive.read("README.md")
    assert readme == cards.readme(version).encode()
    assert f"{hashlib.sha256(readme).hexdigest()}  README.md" in archive.read("SHA256SUMS").decode()
    status, alone = client.ask("GET", f"{path}/files/README.md")
    assert (status, alone) == (200, readme)
    assert client.headers["ETag"] == f'"{hashlib.sha256(readme).hexdigest()}"'


HUB = {"source": "hub", "repository": "Qwen/Qwen2.5-0.5B", "commit": "c0ffee", "architecture": "Qwen2ForCausalLM"}


def by_tool(version: AdapterVersion) -> dict[str, usage.Snippet]:
    return {str(snippet.label): snippet for snippet in usage.snippets(version)}


def test_each_tool_gets_its_own_words_for_a_model_of_a_hub(workshop: Workshop) -> None:
    version = workshop.adapter("tickets", base_model=workshop.base("Qwen/Qwen2.5-0.5B", **HUB))
    found = by_tool(version)
    assert "vllm serve Qwen/Qwen2.5-0.5B --revision c0ffee --tokenizer-revision c0ffee" in found["vLLM"].text
    assert "--lora-modules tickets-v1=./tickets-v1 --max-lora-rank 16" in found["vLLM"].text
    assert "convert_lora_to_gguf.py tickets-v1 --base Qwen2.5-0.5B" in found["llama.cpp"].text
    assert "ADAPTER ./tickets-v1.gguf" in found["Ollama"].text  # no Llama, Mistral or Gemma
    assert "FROM ./base.gguf" in found["Ollama"].text


def test_ollama_takes_the_files_of_a_llama_as_they_are(workshop: Workshop) -> None:
    version = workshop.adapter("tickets", base_model=workshop.base(architecture="LlamaForCausalLM"))
    assert "'ADAPTER ./tickets-v1'" in by_tool(version)["Ollama"].text


@pytest.mark.parametrize(("rank", "limit"), [(4, 8), (8, 8), (12, 16), (64, 64), (257, 320), (512, 512)])
def test_vllm_is_told_the_smallest_of_its_limits_that_lets_the_rank_in(
    workshop: Workshop, rank: int, limit: int
) -> None:
    version = workshop.adapter("tickets")
    version.run.config["lora_r"] = rank
    assert f"--max-lora-rank {limit}\n" in by_tool(version)["vLLM"].text


def test_a_rank_that_vllm_does_not_take_is_said_and_no_command_is_shown(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    version.run.config["lora_r"] = 513
    found = by_tool(version)["vLLM"]
    assert "more than vLLM takes" in found.note and "serve" not in found.text


def test_dora_is_offered_to_peft_only(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    version.run, version.facts = None, {"rank": 16, "lora_alpha": 32, "use_dora": True}
    assert list(by_tool(version)) == ["Download by a script", "peft"]
    assert [place.kind for place in places.of(version)] == ["pass", "fail", "fail", "fail"]


def test_rank_stabilised_scaling_is_told_as_an_alpha_where_tools_know_no_other(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    version.run.config |= {"use_rslora": True, "lora_r": 16, "lora_alpha": 32.0}
    assert "lora_alpha to 128 in" in by_tool(version)["llama.cpp"].note  # 128 / 16 = 32 / sqrt(16)
    assert "lora_alpha" not in by_tool(version)["vLLM"].note


def test_a_name_from_a_folder_cannot_leave_its_place_in_a_command(workshop: Workshop) -> None:
    evil = workshop.base("acme/x'; rm -rf ~; '\"", source="folder", architecture="LlamaForCausalLM")
    found = by_tool(workshop.adapter("tickets", base_model=evil))
    printf = next(line for line in found["Ollama"].text.splitlines() if line.startswith("printf"))
    assert shlex.split(printf)[2] == "FROM ./x'; rm -rf ~; '\""
    compile(found["peft"].text, "snippet", "exec")


def test_the_page_says_where_it_can_be_used(workshop: Workshop, client_as: As, viewer: Any) -> None:
    version = workshop.adapter("tickets", base_model=workshop.base("Qwen/Qwen2.5-0.5B", **HUB))
    said = client_as(viewer).get(f"/t/acme/adapters/{version.adapter.public_id}/v1/").content.decode()
    card = said.split('id="pl-h"')[1].split("</section>")[0]
    assert "rank 16 of at most 512" in card
    assert card.count("after conversion") == 2  # Ollama, llama.cpp
    assert Adapter.objects.count() == 1
