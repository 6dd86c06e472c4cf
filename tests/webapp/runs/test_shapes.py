import pytest

from webapp.contract.spec import LoraConfig, TargetModules
from webapp.runs import shapes

SMOLLM2 = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True,
}  # fmt: skip
QWEN25_7B = {
    "architectures": ["Qwen2ForCausalLM"], "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
}  # fmt: skip
QWEN3_06B = {
    "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
    "tie_word_embeddings": True,
}  # fmt: skip
GEMMA2_2B = {
    "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "hidden_size": 2304, "intermediate_size": 9216,
    "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000,
}  # fmt: skip
PHI3_MINI = {
    "architectures": ["Phi3ForCausalLM"], "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32064, "tie_word_embeddings": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "all_linear", "attention", "mlp", "total"),
    [
        (SMOLLM2, 4_884_480, 1_843_200, 3_041_280, 134_515_008),
        (QWEN25_7B, 40_370_176, 10_092_544, 30_277_632, 7_615_616_512),
        (QWEN3_06B, 10_092_544, 4_587_520, 5_505_024, 596_049_920),
        (GEMMA2_2B, 20_766_720, 6_389_760, 14_376_960, 2_614_341_888),
        (PHI3_MINI, 25_165_824, 9_437_184, 15_728_640, 3_821_079_552),
    ],
    ids=["SmolLM2-135M", "Qwen2.5-7B", "Qwen3-0.6B", "Gemma2-2B", "Phi3-mini"],
)
def test_parameters_are_those_that_peft_counts_at_rank_16(config, all_linear, attention, mlp, total):
    known = shapes.of(config)
    counted = [known.trainable_parameters(LoraConfig(lora_r=16, target_modules=target)) for target in TargetModules]
    assert counted == [all_linear, attention, mlp]
    assert known.total_parameters == pytest.approx(total, rel=1e-3)


def test_twice_the_rank_trains_twice_as_much():
    known = shapes.of(SMOLLM2)
    assert known.trainable_parameters(LoraConfig(lora_r=32)) == 2 * 4_884_480


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"architectures": []},
        {"architectures": "LlamaForCausalLM"},
        {"architectures": ["BertForMaskedLM"], "hidden_size": 1},
        SMOLLM2 | {"hidden_size": "wide"},
        SMOLLM2 | {"num_attention_heads": 0},
        {"architectures": ["LlamaForCausalLM"], "hidden_size": 576},
    ],
)
def test_a_model_whose_layers_are_not_known_has_no_shapes(config):
    assert shapes.of(config) is None
