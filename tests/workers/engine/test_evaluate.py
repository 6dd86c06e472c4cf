"""Held-out loss and answers of the base and of the adapter."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.workers.engine.conftest import Conversation, MakeTraining, Run, conversations, turn, write_order, write_rows
from webapp.contract.events import Fault, Outcome, Progressed
from workers.engine import scores
from workers.engine.chat import ChatFormat
from workers.engine.generate import Generator
from workers.engine.job import Stop


def evaluation(
    folder: Path, base: Path, adapter: Path, held_out: list[Conversation] | None = None, **fields: Any
) -> Run:
    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs" / "base").symlink_to(base)
    (folder / "inputs" / "adapter").symlink_to(adapter)
    write_rows(folder / "inputs" / "validation.parquet", held_out or conversations(6, first=100))
    dataset = {"name": "parcels", "revision": "d1", "validation_path": "inputs/validation.parquet"}
    wanted = {"base": {"name": "acme/tiny", "revision": "b1"}, "dataset": dataset, "max_new_tokens": 24, **fields}
    write_order(folder, "evaluate", wanted)
    return Run(folder)


def test_it_measures_what_training_measured_and_keeps_every_answer(tmp_path: Path, base: Path, trained: Run) -> None:
    run = evaluation(tmp_path / "report", base, trained.path / "result").start()
    assert run.ended.outcome is Outcome.SUCCEEDED
    measured = run.document("scores.json")
    said = trained.ended.data
    assert measured["validation_loss"]["base"] == pytest.approx(said["validation_loss_before"], abs=1e-6)
    assert measured["validation_loss"]["adapter"] == pytest.approx(said["validation_loss_after"], abs=1e-6)
    assert set(measured["json_values"]) == {"city", "express"}
    lines = [json.loads(line) for line in (run.path / "result" / "answers.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[0]["prompt"] == conversations(1, first=100)[0][:1]
    assert lines[0]["expected"] == conversations(1, first=100)[0][1]["content"]
    assert any(line["base"] != line["adapter"] for line in lines)
    progress = [event for event in run.said if isinstance(event, Progressed)]
    assert (progress[-1].done, progress[-1].total, progress[-1].unit) == (12, 12, "rows")


def test_a_qlora_adapter_is_measured_on_the_base_it_was_trained_on(
    tmp_path: Path, base: Path, make_training: MakeTraining
) -> None:
    trained = make_training(method="qlora").start()
    run = evaluation(tmp_path / "report", base, trained.path / "result").start()
    losses = run.document("scores.json")["validation_loss"]
    assert losses["base"] == pytest.approx(trained.ended.data["validation_loss_before"], abs=1e-6)
    assert losses["adapter"] == pytest.approx(trained.ended.data["validation_loss_after"], abs=1e-6)


@pytest.mark.parametrize("facts", [None, {}, {"decisions": {"precision": "float7"}}])
def test_an_adapter_from_elsewhere_is_measured_and_the_guess_is_said(
    tmp_path: Path, base: Path, trained: Run, facts: dict[str, Any] | None
) -> None:
    path = trained.path / "result" / "training.json"
    path.unlink()
    if facts is not None:
        path.write_text(json.dumps(facts))
    run = evaluation(tmp_path / "report", base, trained.path / "result").start()
    assert run.ended.outcome is Outcome.SUCCEEDED and run.notes("form_of_training_unknown")


def test_rows_that_cannot_be_asked_are_counted(tmp_path: Path, base: Path, trained: Run) -> None:
    rows = [[turn("user", "long " * 200), turn("assistant", "x")], *conversations(2)]
    run = evaluation(tmp_path / "report", base, trained.path / "result", rows, max_length=64).start()
    assert run.notes("rows_not_asked")[0].data == {"count": 1, "rows": [1]}
    assert run.document("scores.json")["rows"] == 2


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("change", "field"),
    [({"peft_type": "EVIL"}, "peft_type"), ({"auto_mapping": {"parent_library": "os"}}, "peft_type"), ({"r": 0}, "r"),
     ({"r": 10**6}, "r"), ({"target_modules": "(a+)+$"}, "target_modules")],
)  # fmt: skip
def test_an_adapter_with_a_strange_configuration_is_refused(
    tmp_path: Path, base: Path, trained: Run, change: dict[str, Any], field: str
) -> None:
    path = trained.path / "result" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    ended = evaluation(tmp_path / "report", base, trained.path / "result").start().ended
    assert (ended.fault, ended.data["field"]) == (Fault.BAD_CONFIG, field)


@pytest.mark.row("S8")
def test_an_adapter_in_a_pickle_is_refused(tmp_path: Path, base: Path, trained: Run) -> None:
    (trained.path / "result" / "adapter_model.safetensors").unlink()
    torch.save({}, trained.path / "result" / "adapter_model.bin")
    ended = evaluation(tmp_path / "report", base, trained.path / "result").start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.DAMAGED_INPUT, "absent")


def test_answers_given_together_are_those_given_one_by_one(base: Path, chat_format: ChatFormat) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    prompts = [chat_format.encode_prompt([turn("user", text)]) for text in ("a", "Parcel 7 goes to Cork", "b " * 30)]
    generator = Generator(model, chat_format, end_ids=[2], max_new_tokens=20, stop=Stop())
    together = generator.answer(prompts, lambda more: None)
    assert together == [generator.answer([prompt], lambda more: None)[0] for prompt in prompts]


def test_an_answer_ends_before_its_end_token_and_says_whether_it_was_cut(base: Path, chat_format: ChatFormat) -> None:
    generator = Generator(None, chat_format, end_ids=[2], max_new_tokens=4, stop=Stop())
    hello = chat_format.encode_text("Ghent")
    assert generator._read([*hello, 2, 5, 5]) == ("Ghent", False)
    assert generator._read(hello) == ("Ghent", True)


WANTED = ['{"city": "Cork", "express": true}', '{"city": "Graz", "express": false}']


def test_scores_tell_form_from_content() -> None:
    adapter = ['{"express": true, "city": "Cork"}', '{"city": "Lyon", "express": false}']
    base = ["Cork", '{"city": "Graz", "express": false, "note": 1}']
    found = scores.score(WANTED, {"base": base, "adapter": adapter})
    assert found == {
        "exact_match": {"base": 0.0, "adapter": 0.0},
        "json_fields": {"base": 0.0, "adapter": 1.0},
        "json_values": {"city": {"base": 0.5, "adapter": 0.5}, "express": {"base": 0.5, "adapter": 1.0}},
    }


@pytest.mark.parametrize("answer", ["[1]", '{"city": "Cork", "express": 1}', '{"city": "Cork"', "[" * 100_000])
def test_what_is_no_object_or_of_another_type_is_not_right(answer: str) -> None:
    found = scores.score(WANTED[:1], {"base": [answer], "adapter": WANTED[:1]})
    assert found["json_values"]["express"] == {"base": 0.0, "adapter": 1.0}


def test_where_answers_are_text_only_exact_matches_count() -> None:
    found = scores.score(["yes", "{}"], {"base": [" yes\n", ""], "adapter": ["no", "{}"]})
    assert found == {"exact_match": {"base": 0.5, "adapter": 0.5}}
