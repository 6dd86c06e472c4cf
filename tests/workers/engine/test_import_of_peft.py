"""What peft itself wrote is taken in by the reader as a program, and peft computes the same with what was kept."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

from webapp.contract import codec, events, spec
from webapp.runs import shapes
from workers.engine.lora import use_fused_products

ROOT = Path(__file__).parents[3]
IDS = torch.arange(1, 25).unsqueeze(0)


def adapter(base: Path, folder: Path, **settings: Any) -> torch.Tensor:
    """Save an adapter that does something, and return what the model then says."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(3)
    config = peft.LoraConfig(
        **({"r": 4, "target_modules": ["q_proj", "down_proj"], "task_type": "CAUSAL_LM"} | settings)
    )
    adapted = peft.get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    adapted.save_pretrained(str(folder))
    return answers(adapted)


def answers(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits


def take_in(base: Path, source: Path, job: Path) -> Path:
    """Run the reader as the supervisor does; the folder of its result."""
    shape = shapes.of(json.loads((base / "config.json").read_text()))
    assert shape is not None
    (job / "inputs").mkdir(parents=True)
    names = []
    for number, path in enumerate(sorted(source.iterdir())):
        (job / "inputs" / str(number)).write_bytes(path.read_bytes())
        names.append(spec.NamedInput(path=f"inputs/{number}", name=path.name))
    wanted = spec.ImportSpec(
        base=spec.BaseModelRef(name="acme/tiny", revision="a" * 64), shape=shapes.to_fit(shape), files=tuple(names)
    )
    order = spec.Order(
        version=spec.SPEC_VERSION, job="job-1", attempt=1, kind=spec.JobKind.IMPORT, spec=codec.to_dict(wanted)
    )
    (job / "spec.json").write_text(codec.dumps(order))
    subprocess.run([sys.executable, "-m", "workers.reader", str(job)], cwd=ROOT, check=False)
    ended = events.parse((job / "events.jsonl").read_bytes().splitlines()[-1]).event
    assert isinstance(ended, events.Ended) and ended.outcome is events.Outcome.SUCCEEDED, ended
    return job / "result"


@pytest.mark.parametrize(
    "made_with",
    [
        {},
        {"target_modules": "all-linear", "use_rslora": True, "r": 8, "lora_alpha": 24},
        {"target_modules": r".*\.(self_attn|mlp)\.(k|v|up)_proj"},
        {"use_dora": True},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"mlp.down_proj": 32}},
        {"layers_to_transform": [1]},
        {"exclude_modules": ["down_proj"]},
        {"init_lora_weights": "gaussian", "lora_dropout": 0.1},
    ],
)
def test_peft_says_the_same_with_what_was_kept(base: Path, tmp_path: Path, made_with: dict[str, Any]) -> None:
    expected = adapter(base, tmp_path / "made", **made_with)
    kept = take_in(base, tmp_path / "made", tmp_path / "job")
    weights = [(folder / "adapter_model.safetensors").read_bytes() for folder in (tmp_path / "made", kept)]
    assert hashlib.sha256(weights[0]).digest() == hashlib.sha256(weights[1]).digest()
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    assert not torch.equal(answers(model), expected)
    loaded = peft.PeftModel.from_pretrained(model, str(kept))
    assert torch.equal(answers(loaded), expected)
    use_fused_products(loaded)
    assert torch.allclose(answers(loaded), expected, atol=1e-4)


def test_half_precision_is_kept_as_it_is(base: Path, tmp_path: Path) -> None:
    adapter(base, tmp_path / "made")
    from safetensors.torch import load_file, save_file

    path = tmp_path / "made" / "adapter_model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path)
    kept = take_in(base, tmp_path / "made", tmp_path / "job")
    assert json.loads((kept / "import.json").read_text())["dtypes"] == ["BF16"]
    assert (kept / "README.md").exists() is False
