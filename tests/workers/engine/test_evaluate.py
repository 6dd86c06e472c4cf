"""Held-out loss and answers of the base and of the adapter."""

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

from tests.workers.engine.conftest import Conversation, MakeTraining, Run, conversations, turn, write_order, write_rows
from webapp.contract import spec
from webapp.contract.events import Fault, Outcome, Progressed
from workers.engine import evaluate, scores
from workers.engine.chat import ChatFormat
from workers.engine.generate import Generator


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
    lines = answers(run)
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


def test_each_answer_stands_on_its_own_side_as_plain_peft_gives_it(
    tmp_path: Path, base: Path, trained: Run, chat_format: ChatFormat
) -> None:
    run = evaluation(tmp_path / "report", base, trained.path / "result", max_new_tokens=12).start()
    bare = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    adapted = peft.PeftModel.from_pretrained(bare, str(trained.path / "result")).eval()
    for line in answers(run)[:2]:
        prompt = torch.tensor([chat_format.encode_prompt(line["prompt"])])
        with adapted.disable_adapter():
            assert (line["base"], line["base_is_cut"]) == said(adapted, chat_format, prompt, 12)
        assert (line["adapter"], line["adapter_is_cut"]) == said(adapted, chat_format, prompt, 12)


def said(model: Any, chat_format: ChatFormat, prompt: torch.Tensor, limit: int) -> tuple[str, bool]:
    ids = model.generate(input_ids=prompt, do_sample=False, max_new_tokens=limit, eos_token_id=2, pad_token_id=2)[0]
    new = ids[prompt.shape[1] :].tolist()
    return chat_format.decode([number for number in new if number != 2]), 2 not in new


def answers(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / "result" / "answers.jsonl").read_text().splitlines()]


def test_of_many_rows_some_are_asked_from_all_over_and_all_are_measured(
    tmp_path: Path, base: Path, trained: Run
) -> None:
    some = evaluation(tmp_path / "some", base, trained.path / "result", max_rows=3).start()
    assert [line["row"] for line in answers(some)] == [1, 3, 6]
    found = some.document("scores.json")
    assert (found["rows"], found["validation_rows"]) == (3, 6)
    said = trained.ended.data["validation_loss_after"]
    assert found["validation_loss"]["adapter"] == pytest.approx(said, abs=1e-6)


def test_without_held_out_rows_it_measures_the_rows_of_the_training(tmp_path: Path, base: Path, trained: Run) -> None:
    run = evaluation(tmp_path / "report", base, trained.path / "result")
    order = json.loads((run.path / "spec.json").read_text())
    order["spec"]["dataset"] = {"name": "parcels", "revision": "d1", "train_path": "inputs/train.parquet"}
    (run.path / "spec.json").write_text(json.dumps(order))
    write_rows(run.path / "inputs" / "train.parquet", conversations(2))
    assert run.start().document("scores.json")["validation_rows"] == 2


def test_asked_to_stop_it_leaves_no_half_report(
    tmp_path: Path, base: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = evaluation(tmp_path / "report", base, trained.path / "result")
    answer = Generator.answer

    def stop_and_answer(self: Generator, *arguments: Any) -> Any:
        self.stop.ask()
        return answer(self, *arguments)

    monkeypatch.setattr(Generator, "answer", stop_and_answer)
    assert run.start().ended.outcome is Outcome.STOPPED
    assert not (run.path / "result").exists()


@pytest.mark.parametrize("field", ["max_rows", "max_new_tokens", "max_length"])
def test_a_limit_of_nothing_is_refused(tmp_path: Path, base: Path, field: str) -> None:
    ended = evaluation(tmp_path / "report", base, base, **{field: 0}).start().ended
    assert (ended.fault, ended.data) == (Fault.BAD_CONFIG, {"field": field, "value": 0, "nearest": 1})


@pytest.mark.parametrize(("most", "limit"), [(10_000, "twice"), (50, 50)])
def test_an_answer_may_be_twice_as_long_as_the_longest_expected(
    chat_format: ChatFormat, most: int, limit: int | str
) -> None:
    tokens = len(chat_format.encode_text("Ghent " * 100))
    assert tokens > evaluate.SHORTEST_LIMIT
    found = evaluate.answer_limit(wanted(most), questions("no", "Ghent " * 100), chat_format)
    assert found == (2 * tokens if limit == "twice" else limit)


def test_where_short_answers_are_expected_there_is_room_to_say_something_else(chat_format: ChatFormat) -> None:
    assert evaluate.answer_limit(wanted(10_000), questions("yes", "no"), chat_format) == evaluate.SHORTEST_LIMIT


def wanted(max_new_tokens: int) -> spec.EvaluateSpec:
    base, dataset = spec.BaseModelRef(name="a", revision="b"), spec.DatasetRef(name="a", revision="b")
    return spec.EvaluateSpec(base=base, dataset=dataset, max_new_tokens=max_new_tokens)


def questions(*expected: str) -> list[evaluate.Question]:
    return [evaluate.Question(row=1, prompt=[], expected=text, ids=[]) for text in expected]


@pytest.mark.parametrize(
    ("execution", "precision", "method"),
    [
        ("none", "bfloat16", spec.Method.LORA),
        ("none", "float32", spec.Method.LORA),
        ("dequantised", "bfloat16", spec.Method.QLORA),
        ("4-bit", "float32", spec.Method.QLORA),
    ],
)
def test_the_base_is_measured_in_the_form_that_training_wrote_down(
    tmp_path: Path, execution: str, precision: str, method: spec.Method
) -> None:
    decided = {"weights_4bit_execution": execution, "precision": precision}
    (tmp_path / "training.json").write_text(json.dumps({"decisions": decided}))
    form = evaluate.form_of_training(tmp_path)
    assert form is not None and (form.method, form.precision) == (method, spec.Precision(precision))


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


def test_a_field_is_judged_among_the_rows_that_expect_it_and_order_means_nothing() -> None:
    expected = ['{"parts": [1, 2], "note": {"a": 1, "b": 2}}', '{"parts": []}']
    given = ['{"note": {"b": 2, "a": 1}, "parts": [2, 1]}', '{"parts": [], "note": {}}']
    found = scores.score(expected, {"base": ["", ""], "adapter": given})
    assert found["json_values"] == {"note": {"base": 0.0, "adapter": 1.0}, "parts": {"base": 0.0, "adapter": 0.5}}
    assert found["json_fields"]["adapter"] == 0.5


def test_one_expected_answer_that_is_no_object_makes_all_of_them_text() -> None:
    assert set(scores.score(['{"a": 1}', "no"], {"base": ["", ""], "adapter": ["", ""]})) == {"exact_match"}


def test_nothing_asked_is_nothing_right() -> None:
    assert scores.score([], {"base": [], "adapter": []}) == {"exact_match": {"base": 0.0, "adapter": 0.0}}
