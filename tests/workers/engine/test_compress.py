"""A lower rank: what is written is the best of that rank, loads in peft, and its loss is measured."""

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tests.workers.engine.conftest import MakeTraining, Run, conversations, write_order, write_rows
from webapp.contract.events import Fault, Outcome
from workers.engine import anatomy, pairs


def compression(folder: Path, base: Path, adapter: Path, *, rank: int, is_measured: bool = True) -> Run:
    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs" / "base").symlink_to(base)
    (folder / "inputs" / "adapter").symlink_to(adapter)
    wanted: dict[str, Any] = {"base": {"name": "acme/tiny", "revision": "b1"}, "rank": rank}
    if is_measured:
        write_rows(folder / "inputs" / "validation.parquet", conversations(6, first=100))
        wanted["dataset"] = {"name": "p", "revision": "d", "validation_path": "inputs/validation.parquet"}
    write_order(folder, "compress", wanted)
    return Run(folder)


def hidden(base: Path, change: Any) -> torch.Tensor:
    """What the last layer says to some tokens, once `change` was laid over the base."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        return change(model).eval()(input_ids=torch.arange(3, 40)[None]).logits


def with_deltas(deltas: dict[str, torch.Tensor]) -> Any:
    def change(model: Any) -> Any:
        for name, delta in deltas.items():
            model.get_submodule(name).weight.data += delta.float()
        return model

    return change


def best(adapter: Path, rank: int) -> dict[str, torch.Tensor]:
    """ΔW of each module, cut by a plain SVD of the whole matrix."""
    found = {}
    for name, pair in pairs.read(adapter).pairs.items():
        u, values, v = torch.linalg.svd(pair.scaling * pair.b.double() @ pair.a.double(), full_matrices=False)
        found[name] = (u[:, :rank] * values[:rank]) @ v[:rank]
    return found


@pytest.mark.parametrize("trained_with", [{}, {"use_rslora": True, "lora_alpha": 3.0}, {"method": "qlora"}])
def test_the_new_adapter_in_plain_peft_is_the_base_with_the_best_change_of_that_rank(
    tmp_path: Path, base: Path, make_training: MakeTraining, trained_with: dict[str, Any]
) -> None:
    result = make_training(num_train_epochs=2, **trained_with).start().path / "result"
    run = compression(tmp_path / "cut", base, result, rank=2).start()
    assert run.ended.outcome is Outcome.SUCCEEDED
    adapted = hidden(base, lambda model: peft.PeftModel.from_pretrained(model, str(run.path / "result")))
    assert torch.allclose(adapted, hidden(base, with_deltas(best(result, 2))), atol=2e-5)
    assert not torch.allclose(adapted, hidden(base, with_deltas(best(result, 1))), atol=2e-5)
    config = run.document("adapter_config.json")
    assert (config["r"], config["lora_alpha"], config["use_rslora"]) == (2, 2, False)


def test_the_loss_is_measured_before_and_after_on_the_same_rows(tmp_path: Path, base: Path, trained: Run) -> None:
    run = compression(tmp_path / "cut", base, trained.path / "result", rank=1).start()
    facts = run.document("compression.json")
    losses, said = facts["validation_loss"], trained.ended.data
    assert losses["base"] == pytest.approx(said["validation_loss_before"], abs=1e-6)
    assert losses["original"] == pytest.approx(said["validation_loss_after"], abs=1e-6)
    assert losses["compressed"] != losses["original"]
    assert (facts["from_rank"], facts["rank"], facts["validation_rows"]) == (4, 1, 6)
    assert 0 < facts["kept"] < 1 and facts["error"] == pytest.approx((1 - facts["kept"]) ** 0.5)
    assert facts["bytes_after"] < facts["bytes_before"]
    assert run.ended.data["rank"] == 1 and "modules" not in run.ended.data
    listed = {item["path"] for item in run.document("files.json")}
    assert listed == {"adapter_model.safetensors", "adapter_config.json", "training.json", "compression.json"}


def test_the_error_of_each_matrix_is_what_its_singular_values_foretell(
    tmp_path: Path, base: Path, trained: Run
) -> None:
    run = compression(tmp_path / "cut", base, trained.path / "result", rank=3, is_measured=False).start()
    facts = run.document("compression.json")
    assert facts["validation_loss"] is None
    read = pairs.read(trained.path / "result").pairs
    for one in facts["modules"]:
        values = anatomy.singular_values(read[one["name"]])
        assert one["distance"] == pytest.approx(values[3], rel=1e-3, abs=1e-6)


def test_unequal_ranks_half_precision_and_whole_modules_come_through(tmp_path: Path, base: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    config = peft.LoraConfig(
        r=6, lora_alpha=7, target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 2}, alpha_pattern={"q_proj": 9},
        modules_to_save=["lm_head"], task_type="CAUSAL_LM",
    )  # fmt: skip
    adapted = peft.get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(tmp_path / "made")
    weights = tmp_path / "made" / "adapter_model.safetensors"
    kept = {name: tensor.bfloat16() if "lora" in name else tensor for name, tensor in load_file(weights).items()}
    weights.unlink()
    save_file(kept, weights)
    run = compression(tmp_path / "cut", base, tmp_path / "made", rank=3, is_measured=False).start()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    old, new = pairs.read(tmp_path / "made"), pairs.read(run.path / "result")
    assert {pair.rank for pair in new.pairs.values()} == {3} and {pair.scaling for pair in new.pairs.values()} == {1.0}
    assert {pair.a.dtype for pair in new.pairs.values()} == {torch.bfloat16}
    exact = "model.layers.0.self_attn.v_proj"  # had less than it may keep, so nothing but rounding is lost
    assert (
        anatomy.distance(old.pairs[exact], new.pairs[exact])
        < 0.02 * anatomy.measures(anatomy.singular_values(old.pairs[exact])).frobenius
    )
    assert set(new.other_tensors) == set(old.other_tensors) != set()
    assert all(torch.equal(new.other_tensors[name], old.other_tensors[name]) for name in old.other_tensors)


@pytest.mark.parametrize(("rank", "nearest"), [(4, 3), (400, 3), (0, 1), (-1, 1)])
def test_a_rank_that_is_no_lower_one_is_refused_with_the_nearest_that_is(
    tmp_path: Path, base: Path, trained: Run, rank: int, nearest: int
) -> None:
    ended = compression(tmp_path / "cut", base, trained.path / "result", rank=rank).start().ended
    assert (ended.fault, ended.data["field"], ended.data["nearest"]) == (Fault.BAD_CONFIG, "rank", nearest)


def test_a_readme_that_tells_of_the_old_weights_stays_behind_and_other_files_go_along(
    tmp_path: Path, base: Path, trained: Run
) -> None:
    result = trained.path / "result"
    (result / "README.md").write_text("rank 4")
    (result / "chat_template.jinja").write_text("{{ messages }}")
    run = compression(tmp_path / "cut", base, result, rank=2, is_measured=False).start()
    names = {item["path"] for item in run.document("files.json")}
    assert "chat_template.jinja" in names and "README.md" not in names
    assert json.loads((run.path / "result" / "training.json").read_text())["steps"] > 0
