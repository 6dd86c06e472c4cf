"""A whole training, from rows to a checked adapter."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file

from tests.workers.engine.conftest import Inputs, MakeTraining, Run
from webapp.contract import spec
from webapp.contract.events import Fault, Outcome
from workers.engine import batches, chat, data, model, result, train


def adapter_of(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.path / "result" / "adapter_model.safetensors")


def reference_losses(base: Path, run: Run, steps: int) -> list[float]:
    """The same rows in each step, taught by transformers and peft alone: one padded batch, one loss over all logits."""
    config = spec.LoraConfig(lora_r=4, learning_rate=0.01, batch_size=8, num_train_epochs=4, max_length=256)
    folder = run.path / "inputs" / "train.parquet"
    dataset = data.tokenize(data.read_rows(folder), chat.ChatFormat.load(base), max_length=256)
    plan = batches.Plan.of(config, examples=len(dataset))
    causal = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    torch.manual_seed(config.seed)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    adapted = peft.get_peft_model(causal, peft.LoraConfig(r=4, lora_alpha=32, target_modules=targets,
                                                          task_type="CAUSAL_LM"))  # fmt: skip
    optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], weight_decay=0.0)
    losses = []
    for step in range(steps):
        indices = plan.examples_of_step(step)
        width = int(dataset.lengths[indices].max())
        ids, labels, mask = (np.full((len(indices), width), fill) for fill in (0, -100, 0))
        for place, index in enumerate(indices):
            row, is_trained = dataset.example(int(index))
            ids[place, : len(row)], mask[place, : len(row)] = row, 1
            labels[place, : len(row)] = np.where(is_trained, row, -100)
        loss = adapted(*map(torch.from_numpy, (ids, mask)), labels=torch.from_numpy(labels)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapted.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = train.learning_rate_at(step, config, plan.total_steps)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def test_the_losses_are_those_of_plain_transformers_and_peft(base: Path, make_training: MakeTraining) -> None:
    run = make_training(num_train_epochs=4).start()
    ours = list(run.metric("loss").values())
    assert len(ours) == 12
    assert ours == pytest.approx(reference_losses(base, run, 12), abs=1e-4)
    assert ours[-1] is not None and ours[0] is not None and ours[-1] < 0.9 * ours[0]


def test_pieces_of_a_step_do_not_change_what_is_learnt(make_training: MakeTraining) -> None:
    whole = make_training(micro_batch_size=8).start().metric("loss").values()
    pieces = make_training(micro_batch_size=1).start().metric("loss").values()
    assert list(pieces) == pytest.approx(list(whole), abs=2e-5)


def test_dropout_learns_something_else_and_the_same_each_time(make_training: MakeTraining) -> None:
    once, again, without = (
        list(make_training(lora_dropout=rate, num_train_epochs=1).start().metric("loss").values())
        for rate in (0.3, 0.3, 0.0)
    )
    assert once == again != without


def test_a_success_says_what_was_reached_and_leaves_a_complete_result(trained: Run) -> None:
    ended = trained.ended
    assert ended.outcome is Outcome.SUCCEEDED
    assert ended.data["validation_loss_after"] < ended.data["validation_loss_before"]
    assert (ended.data["steps"], trained.planned.total_steps) == (6, 6)
    listed = trained.document("files.json")
    assert [item["path"] for item in listed] == ["adapter_config.json", "adapter_model.safetensors", "training.json"]
    config = trained.document("adapter_config.json")
    assert (config["base_model_name_or_path"], config["revision"], config["r"]) == ("acme/tiny", "b1", 4)
    facts = trained.document("training.json")
    assert facts["template_sha256"] == chat.ChatFormat.load(trained.path / "inputs" / "base").fingerprint
    assert facts["decisions"]["precision"] == "float32"
    assert not any(path.suffix in {".bin", ".pt", ".pkl", ".pth"} for path in trained.path.rglob("*"))


def test_metrics_come_at_each_step_and_held_out_loss_from_step_zero(trained: Run) -> None:
    assert list(trained.metric("loss")) == [1, 2, 3, 4, 5, 6]
    for name in ("learning_rate", "grad_norm", "tokens_per_second", "memory_bytes", "epoch", "tokens_seen"):
        assert all(value is not None and value > 0 for value in trained.metric(name).values()), name
    measured = list(trained.metric("validation_loss"))
    assert measured[0] == 0 and measured[-1] == 6


def test_memory_is_the_most_that_was_used_not_what_is_left_afterwards() -> None:
    before, size = train.memory_bytes("cpu"), 300_000_000
    room = torch.ones(before + size, dtype=torch.uint8)
    del room
    assert train.memory_bytes("cpu") >= before + size


@pytest.mark.row("F11")
def test_a_broken_loss_ends_the_run_and_keeps_the_last_good_checkpoint(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, seen = model.summed_loss, []

    def breaks_later(adapted: Any, batch: Any) -> torch.Tensor:
        seen.append(adapted.training)
        return plain(adapted, batch) * (math.nan if sum(seen) > 4 else 1.0)

    monkeypatch.setattr(model, "summed_loss", breaks_later)
    run = make_training(eval_steps=2).start()
    assert run.ended.fault is Fault.LOSS_NOT_FINITE
    assert run.ended.data == {"step": 5, "learning_rate": pytest.approx(run.metric("learning_rate")[5])}
    (flagged,) = [event for event in run.said if getattr(event, "flags", None)]
    assert (flagged.values["loss"], flagged.flags["loss"]) == (None, "nan")
    kept = load_file(run.path / "checkpoints" / "step-00000004" / "adapter.safetensors")
    assert all(tensor.isfinite().all() for tensor in kept.values())
    assert not (run.path / "result").exists()


def answers_of(causal: Any, prompts: list[list[int]]) -> list[list[int]]:
    return [
        causal.generate(input_ids=torch.tensor([ids]), max_new_tokens=24, do_sample=False)[0, len(ids) :].tolist()
        for ids in prompts
    ]


def test_the_result_answers_in_plain_peft_as_it_did_in_training(
    base: Path, make_training: MakeTraining, inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs.held_out = []
    chat_format = chat.ChatFormat.load(base)
    prompts = [chat_format.encode_prompt(rows[:1]) for rows in inputs.rows[:4]]
    at_training_time: list[list[int]] = []
    finish = result.finish

    def answer_then_finish(training: train.Training, **facts: Any) -> Any:
        training.adapted.eval()
        at_training_time.extend(answers_of(training.adapted, prompts))
        return finish(training, **facts)

    monkeypatch.setattr(result, "finish", answer_then_finish)
    run = make_training(num_train_epochs=8).start()
    plain = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    before = answers_of(plain, prompts)
    adapted = peft.PeftModel.from_pretrained(plain, run.path / "result").eval()
    assert answers_of(adapted, prompts) == at_training_time != before


def test_the_best_checkpoint_becomes_the_result(make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out loss falls, then rises again."""
    course = iter([5.0, 3.0, 2.0, 2.5, 2.6, 2.7, 2.8])
    monkeypatch.setattr(train.Training, "held_out_loss", lambda self: next(course))
    run = make_training(eval_steps=1, max_steps=6).start()
    assert run.ended.data["used_step"] == 2
    assert run.ended.data["validation_loss_after"] == 2.0
    assert run.notes("best_checkpoint_used")[0].data["step"] == 2
    kept = load_file(run.path / "checkpoints" / "step-00000002" / "adapter.safetensors")
    assert all(torch.equal(tensor, kept[name]) for name, tensor in adapter_of(run).items())


def test_patience_ends_a_run_that_gets_no_better(make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    course = iter([5.0, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5])
    monkeypatch.setattr(train.Training, "held_out_loss", lambda self: next(course))
    run = make_training(eval_steps=1, early_stopping_patience=2).start()
    assert run.ended.data["steps"] == 3 and run.ended.data["is_stopped_early"]
    assert run.notes("stopped_early")[0].data == {"step": 3, "best_step": 1, "patience": 2}


def test_a_run_that_made_things_worse_says_so(make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    course = iter([1.0, 3.0, 3.1])
    monkeypatch.setattr(train.Training, "held_out_loss", lambda self: next(course))
    run = make_training(eval_steps=3, max_steps=6).start()
    assert run.notes("validation_not_better")[0].data == {"before": 1.0, "after": 3.0}


def test_an_adapter_that_changes_nothing_is_no_success(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train.Training, "_move", lambda self, rate: None)
    run = make_training().start()
    assert run.ended.fault is Fault.NOTHING_LEARNED
    assert not (run.path / "result").exists()


def test_without_held_out_rows_the_last_step_is_the_result(make_training: MakeTraining, inputs: Inputs) -> None:
    inputs.held_out = []
    run = make_training(max_steps=2, early_stopping_patience=3).start()
    assert (run.ended.data["used_step"], run.ended.data["validation_loss_after"]) == (2, None)
    assert run.notes("early_stopping_without_validation")


def test_qlora_trains_on_weights_rounded_to_nf4_and_says_how(make_training: MakeTraining) -> None:
    run = make_training(method="qlora").start()
    assert run.planned.decisions["weights_4bit_execution"] == "dequantised"
    assert run.metric("validation_loss")[0] != make_training().start().metric("validation_loss")[0]


def test_four_bit_and_dequantised_execution_learn_the_same(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    dequantised = make_training(method="qlora").start()
    monkeypatch.setattr(train.decisions, "_execution", lambda *_: train.decisions.FOUR_BIT)
    four_bit = make_training(method="qlora").start()
    assert four_bit.planned.decisions["weights_4bit_execution"] == "4-bit"
    assert list(four_bit.metric("loss").values()) == pytest.approx(list(dequantised.metric("loss").values()), abs=1e-5)
    assert four_bit.planned.total_parameters == dequantised.planned.total_parameters


def test_recomputing_activations_changes_nothing_but_memory(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = make_training(max_steps=2).start()
    monkeypatch.setattr(train.decisions.Shape, "activation_bytes", lambda self, dtype, is_checkpointed=False: 10**12)
    squeezed = make_training(max_steps=2).start()
    assert squeezed.planned.decisions["gradient_checkpointing"] is True
    assert list(squeezed.metric("loss").values()) == pytest.approx(list(plain.metric("loss").values()), abs=1e-5)


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("field", "value"),
    [("lora_r", 0), ("lora_alpha", -1.0), ("learning_rate", 1e9), ("batch_size", 0), ("lora_dropout", 1.0),
     ("max_length", 1000), ("warmup_ratio", 2.0), ("num_train_epochs", 0.0)],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_refused_with_the_nearest_that_does(
    make_training: MakeTraining, field: str, value: float
) -> None:
    ended = make_training(**{field: value}).start().ended
    assert (ended.fault, ended.data["field"]) == (Fault.BAD_CONFIG, field)
    assert str(ended.data["value"]) == str(value)
    assert make_training(**{field: ended.data["nearest"]}, max_steps=1).start().ended.fault is not Fault.BAD_CONFIG


def test_a_rate_that_is_no_number_is_refused(make_training: MakeTraining) -> None:
    run = make_training()
    text = (run.path / "spec.json").read_text()
    (run.path / "spec.json").write_text(text.replace('"learning_rate": 0.01', '"learning_rate": NaN'))
    ended = run.start().ended
    assert ended.fault is Fault.BAD_CONFIG and "learning_rate" in ended.data["message"]


def test_an_order_of_another_contract_is_refused_before_anything_else(make_training: MakeTraining) -> None:
    run = make_training()
    (run.path / "spec.json").write_text(json.dumps({"version": 99, "strange": True}))
    ended = run.start().ended
    assert (ended.fault, ended.data) == (Fault.CONTRACT_VERSION, {"found": 99, "known": spec.SPEC_VERSION})


@pytest.mark.row("S25")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"architectures": ["TransfoXLForCausalLM"]}, "architecture"),
        ({"auto_map": {"AutoModelForCausalLM": "evil.Model"}}, "wants_to_run_code"),
        ({"quantization_config": {"quant_method": "gptq"}}, "already_quantized"),
    ],
)
def test_a_base_that_we_do_not_load_is_refused_before_it_is_opened(
    base: Path, tmp_path: Path, make_training: MakeTraining, change: dict[str, Any], reason: str
) -> None:
    run = make_training()
    (run.path / "inputs" / "base").unlink()
    other = run.path / "inputs" / "base"
    other.mkdir()
    for path in base.iterdir():
        (other / path.name).symlink_to(path)
    (other / "config.json").unlink()
    (other / "config.json").write_text(json.dumps(json.loads((base / "config.json").read_text()) | change))
    ended = run.start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.UNSUPPORTED_MODEL, reason)


@pytest.mark.row("S8")
def test_weights_in_a_pickle_are_never_loaded(base: Path, make_training: MakeTraining) -> None:
    run = make_training()
    (run.path / "inputs" / "base").unlink()
    other = run.path / "inputs" / "base"
    other.mkdir()
    for path in base.iterdir():
        if path.suffix != ".safetensors":
            (other / path.name).symlink_to(path)
    torch.save({}, other / "pytorch_model.bin")
    assert run.start().ended.data == {"reason": "no_safetensors", "file": "model.safetensors"}


def test_a_damaged_weights_file_is_said_to_be_damaged(base: Path, make_training: MakeTraining) -> None:
    run = make_training()
    (run.path / "inputs" / "base").unlink()
    other = run.path / "inputs" / "base"
    other.mkdir()
    for path in base.iterdir():
        (other / path.name).symlink_to(path)
    (other / "model.safetensors").unlink()
    (other / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes()[:5000])
    assert run.start().ended.fault is Fault.DAMAGED_INPUT


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("cosine", [0.5, 1.0, 1.0, 0.75, 0.25]), ("linear", [0.5, 1.0, 1.0, 2 / 3, 1 / 3]),
     ("constant", [0.5, 1.0, 1.0, 1.0, 1.0])],
)  # fmt: skip
def test_rates_warm_up_then_follow_their_schedule(schedule: str, expected: list[float]) -> None:
    config = spec.LoraConfig(learning_rate=1.0, warmup_ratio=0.4, lr_scheduler=spec.Schedule(schedule))
    assert [train.learning_rate_at(step, config, 5) for step in range(5)] == pytest.approx(expected)


def test_measuring_takes_at_most_a_tenth_of_the_run() -> None:
    class Rows:
        def __init__(self, count: int) -> None:
            self.ids = np.zeros(count * 10)
            self.count = count

        def __len__(self) -> int:
            return self.count

    def measurements(rows: int, held_out: int) -> float:
        config = spec.LoraConfig(num_train_epochs=2, batch_size=10)
        plan = batches.Plan.of(config, examples=rows)
        every = train.measure_every(config, plan, Rows(rows), Rows(held_out))  # type: ignore[arg-type]
        return plan.total_steps / every

    assert 9 <= measurements(1000, 20) <= 10
    assert measurements(100, 100) == 1
