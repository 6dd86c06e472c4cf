"""The anatomy of an adapter against the matrix written out in full."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from peft.utils.other import get_pattern_key
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.workers.engine.conftest import Run, write_order
from webapp.contract.events import Fault, Outcome
from workers.engine import anatomy, inspection, pairs
from workers.engine.anatomy import Pair


def pair(rank: int, d_out: int = 24, d_in: int = 40, *, seed: int = 3, scaling: float = 0.7) -> Pair:
    made = torch.Generator().manual_seed(seed)
    a, b = torch.randn(rank, d_in, generator=made), torch.randn(d_out, rank, generator=made)
    return Pair(a, b * torch.logspace(0, -2, rank), scaling)


def dense(of: Pair) -> Tensor:
    return of.scaling * (of.b.double() @ of.a.double())


@pytest.mark.parametrize("shape", [(8, 24, 40), (1, 24, 40), (24, 24, 40), (40, 24, 32), (6, 64, 5)])
def test_singular_values_are_those_of_the_whole_matrix(shape: tuple[int, int, int]) -> None:
    made = pair(*shape)
    expected = np.linalg.svd(dense(made).numpy(), compute_uv=False)
    found = anatomy.singular_values(made)
    assert len(found) == min(shape)
    assert found == pytest.approx(expected[: len(found)].tolist(), rel=1e-9, abs=1e-9)


def test_measures_are_those_of_their_definitions() -> None:
    made = pair(8)
    values = np.linalg.svd(dense(made).numpy(), compute_uv=False)[:8]
    found = anatomy.measures(anatomy.singular_values(made))
    share = values / values.sum()
    assert found.frobenius == pytest.approx(float(np.linalg.norm(dense(made).numpy())))
    assert found.spectral == pytest.approx(values[0])
    assert found.stable_rank == pytest.approx((values**2).sum() / values[0] ** 2)
    assert found.effective_rank == pytest.approx(math.exp(-(share * np.log(share)).sum()))
    kept = np.cumsum(values**2) / (values**2).sum()
    assert found.energy_rank == int(np.argmax(kept >= 0.99)) + 1 < 8


def test_equal_values_count_fully_and_a_single_one_counts_once() -> None:
    assert anatomy.measures([2.0] * 5).effective_rank == pytest.approx(5)
    alone = anatomy.measures([2.0, 0.0, 0.0])
    assert (alone.effective_rank, alone.stable_rank, alone.energy_rank) == (1.0, 1.0, 1)


def test_a_pair_of_lower_rank_than_it_has_room_for_shows_that_rank() -> None:
    made = pair(8)
    poor = Pair(made.a, torch.cat([made.b[:, :3]] * 2 + [torch.zeros(24, 2)], dim=1), 1.0)
    assert sum(value > 0 for value in anatomy.singular_values(poor)) == 3
    assert anatomy.measures(anatomy.singular_values(poor)).effective_rank <= 3


def test_an_adapter_that_has_not_learned_measures_zero_and_never_nan() -> None:
    fresh = Pair(torch.randn(4, 10), torch.zeros(6, 4), 2.0)
    values = anatomy.singular_values(fresh)
    assert values == [0.0] * 4
    assert anatomy.measures(values) == anatomy.Measures(0.0, 0.0, 0.0, 0.0, 0)
    assert anatomy.kept_by_rank([values]) == []
    cut = anatomy.truncated(fresh, 2)
    assert not cut.a.any() and not cut.b.any()


def test_what_is_kept_counts_all_matrices_together_and_ends_at_one() -> None:
    kept = anatomy.kept_by_rank([[3.0, 0.0], [2.0, 1.0, 1.0]])
    assert kept == pytest.approx([13 / 15, 14 / 15, 1.0])
    assert [anatomy.rank_for(kept, share) for share in (0.5, 0.9, 14 / 15, 1.0)] == [1, 2, 2, 3]


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_a_cut_is_the_nearest_of_its_rank_and_balanced(rank: int) -> None:
    made = pair(8)
    cut = anatomy.truncated(made, rank)
    u, values, v = np.linalg.svd(dense(made).numpy())
    best = (u[:, :rank] * values[:rank]) @ v[:rank]
    assert np.allclose(dense(cut).numpy(), best, atol=1e-10)
    assert cut.a.norm() == pytest.approx(float(cut.b.norm()))
    assert (cut.rank, cut.scaling) == (rank, 1.0)
    lost = math.sqrt((values[rank:] ** 2).sum())
    assert anatomy.distance(made, cut) == pytest.approx(lost, abs=1e-9)


def test_a_cut_to_more_than_there_is_fills_up_with_zeros() -> None:
    made = pair(2)
    wide = anatomy.truncated(made, 5)
    assert wide.rank == 5
    assert torch.allclose(dense(wide), dense(made), atol=1e-10)


def test_large_and_tiny_values_neither_overflow_nor_vanish() -> None:
    made = pair(4)
    for factor in (1e-25, 1e25):
        values = anatomy.singular_values(Pair(made.a * factor, made.b, 1.0))
        assert anatomy.measures(values).effective_rank == pytest.approx(
            anatomy.measures(anatomy.singular_values(Pair(made.a, made.b, 1.0))).effective_rank
        )


# Of a whole adapter.

PATTERNS = {
    "rank_pattern": {"q_proj": 2, "layers.1.self_attn.v_proj": 3},
    "alpha_pattern": {"v_proj": 5, "0.self_attn.q_proj": 9},
}


@pytest.mark.parametrize("use_rslora", [False, True])
def test_scalings_and_ranks_are_those_of_peft(tmp_path: Path, base: Path, use_rslora: bool) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    config = peft.LoraConfig(
        r=4, lora_alpha=6, target_modules=["q_proj", "v_proj"], use_rslora=use_rslora, task_type="CAUSAL_LM", **PATTERNS
    )
    adapted = peft.get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(tmp_path)
    found = pairs.read(tmp_path)
    layers = {name: layer for name, layer in adapted.base_model.model.named_modules() if hasattr(layer, "lora_A")}
    assert set(found.pairs) == set(layers)
    for name, layer in layers.items():
        assert torch.allclose(dense(found.pairs[name]).float(), layer.get_delta_weight("default"), atol=1e-6)
    assert {one.rank for one in found.pairs.values()} == {2, 3, 4}


@pytest.mark.parametrize("module", ["model.layers.0.self_attn.q_proj", "model.layers.10.mlp.up_proj", "lm_head"])
def test_patterns_match_as_in_peft(module: str) -> None:
    patterns = {"0.self_attn.q_proj": 1, "mlp.up_proj": 2, "q_proj": 3, "proj": 4, "head": 5}
    assert pairs._by_pattern(patterns, module, 0) == patterns.get(get_pattern_key(patterns, module), 0)


def inspected(folder: Path, adapter: Path, base: Path | None = None) -> Run:
    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs" / "adapter").symlink_to(adapter)
    wanted: dict[str, Any] = {}
    if base is not None:
        (folder / "inputs" / "base").symlink_to(base)
        wanted["base"] = {"name": "acme/tiny", "revision": "b1"}
    write_order(folder, "inspect", wanted)
    return Run(folder)


def test_a_trained_adapter_is_described_layer_by_layer_against_its_base(
    tmp_path: Path, base: Path, trained: Run
) -> None:
    run = inspected(tmp_path / "look", trained.path / "result", base).start()
    assert run.ended.outcome is Outcome.SUCCEEDED
    found = run.document("anatomy.json")
    assert found["rank"] == 4 and 1 <= found["behaves_as"] <= 4
    assert len(found["kept"]) == 4 and found["kept"][-1] == 1.0
    assert {(one["layer"], one["kind"]) for one in found["modules"]} >= {(0, "self_attn.q_proj"), (1, "mlp.down_proj")}
    one = next(one for one in found["modules"] if one["name"] == "model.layers.1.mlp.down_proj")
    weight = load_file(base / "model.safetensors")["model.layers.1.mlp.down_proj.weight"]
    delta = dense(pairs.read(trained.path / "result").pairs[one["name"]])
    assert one["frobenius"] == pytest.approx(float(delta.norm()), rel=1e-5)
    assert one["relative_change"] == pytest.approx(float(delta.norm() / weight.double().norm()), rel=1e-5)
    size = (trained.path / "result" / "adapter_model.safetensors").stat().st_size
    assert 4 * found["bytes_per_rank"] + found["other_bytes"] == pytest.approx(size, rel=0.2)


def test_without_its_base_an_adapter_is_described_all_the_same(tmp_path: Path, trained: Run) -> None:
    found = inspected(tmp_path / "look", trained.path / "result").start().document("anatomy.json")
    assert all(one["relative_change"] is None and one["frobenius"] > 0 for one in found["modules"])


def test_a_norm_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "SLICE_VALUES", 64)
    weight = torch.randn(33, 20)
    save_file({"a.weight": weight.bfloat16(), "b.weight": weight}, tmp_path / "model.safetensors")
    norms = inspection.base_norms(tmp_path, ["a", "b", "absent"], lambda: None)
    assert norms["b"] == pytest.approx(float(weight.double().norm()))
    assert norms["a"] == pytest.approx(float(weight.bfloat16().double().norm()))
    assert set(norms) == {"a", "b"}


def spoiled(folder: Path, change: str) -> None:
    path = folder / "adapter_model.safetensors"
    tensors = load_file(path)
    first = next(name for name in tensors if ".lora_A." in name)
    if change == "nan":
        tensors[first][0, 0] = math.nan
    elif change == "alone":
        del tensors[first.replace("lora_A", "lora_B")]
    elif change == "shape":
        tensors[first] = tensors[first][:2].contiguous()
    elif change == "none":
        tensors = {"other": torch.zeros(1)}
    path.unlink()
    save_file(tensors, path)


@pytest.mark.parametrize(
    ("change", "reason"), [("nan", "not_finite"), ("alone", "absent"), ("shape", "shapes"), ("none", "no_pairs")]
)
def test_a_damaged_adapter_is_refused_by_name(tmp_path: Path, trained: Run, change: str, reason: str) -> None:
    spoiled(trained.path / "result", change)
    ended = inspected(tmp_path / "look", trained.path / "result").start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.DAMAGED_INPUT, reason)


@pytest.mark.parametrize(
    ("field", "value"),
    [("use_dora", True), ("init_lora_weights", "pissa"), ("rank_pattern", {"(a+)+$": 2}), ("lora_alpha", "many")],
)
def test_an_adapter_that_is_no_plain_pair_is_refused_by_its_setting(
    tmp_path: Path, trained: Run, field: str, value: Any
) -> None:
    path = trained.path / "result" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    ended = inspected(tmp_path / "look", trained.path / "result").start().ended
    assert (ended.fault, ended.data["field"]) == (Fault.BAD_CONFIG, field)
