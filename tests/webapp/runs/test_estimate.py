from dataclasses import replace

import pytest

from webapp.contract.spec import LoraConfig, Method, Precision, TargetModules
from webapp.runs import estimate, shapes
from webapp.runs.estimate import Device, Past, Rows

SMOLLM2 = shapes.of({
    "architectures": ["LlamaForCausalLM"], "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True,
})  # fmt: skip
LLAMA_8B = shapes.of({
    "architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False,
})  # fmt: skip
ROWS = Rows(train_rows=260, validation_rows=40, mean_tokens=120.0, longest_tokens=300)
CPU = Device(name="2 cores", kind="cpu", memory_bytes=16 * 2**30, speed=300e9)
GPU = Device(name="RTX 4090", kind="cuda", memory_bytes=24 * 2**30, speed=150e12)
CONFIG = LoraConfig()


@pytest.mark.parametrize(
    ("rows", "changes", "steps"),
    [
        (260, {}, 51),
        (256, {}, 48),
        (1, {}, 3),
        (260, {"num_train_epochs": 0.5}, 9),
        (260, {"num_train_epochs": 0.01}, 1),
        (260, {"max_steps": 7}, 7),
        (260, {"batch_size": 1, "num_train_epochs": 1.0}, 260),
    ],
)
def test_steps_are_counted_as_the_engine_counts_them(rows, changes, steps):
    assert estimate.total_steps(rows, replace(CONFIG, **changes)) == steps


def test_characters_become_tokens():
    rows = Rows.from_statistics(train_rows=9, validation_rows=1, characters={"mean": 360.0, "max": 1800})
    assert rows.mean_tokens == pytest.approx(100 + estimate.TEMPLATE_TOKENS)
    assert rows.longest_tokens == 500 + estimate.TEMPLATE_TOKENS


def test_an_adapter_file_holds_each_trained_number_once():
    work = estimate.work(SMOLLM2, CONFIG, ROWS)
    assert work.trainable_parameters == 4_884_480
    assert work.adapter_bytes == 4 * 4_884_480
    assert work.disk_bytes > work.adapter_bytes
    assert (work.steps, work.steps_per_epoch) == (51, 17)
    assert work.tokens == pytest.approx(3 * 260 * 120, rel=0.01)


def test_operations_follow_the_published_count():
    """8B at T=4096, without recomputation: 4·7.50 B + 3.2 GFLOP, all tokens trained, without the adapter."""
    everything = 4 * (LLAMA_8B.linear_parameters + LLAMA_8B.head_parameters) + 6 * 32 * 4096 * 4096
    assert everything == pytest.approx(33.2e9, rel=0.01)
    ours = estimate.operations_a_token(LLAMA_8B, replace(CONFIG, lora_r=1), 4096)
    head_left_out = 4 * (1 - estimate.TRAINED_SHARE) * LLAMA_8B.head_parameters
    assert ours == pytest.approx(everything - head_left_out, rel=0.005)


def test_the_run_of_a_small_dataset_on_two_cores_takes_minutes():
    fit = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU)
    assert 60 < fit.seconds < 30 * 60
    assert fit.seconds_low < fit.seconds < fit.seconds_high
    assert fit.fits


def test_more_of_anything_takes_longer():
    first = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU).seconds
    for change in (
        {"lora_r": 64},
        {"num_train_epochs": 4.0},
        {"target_modules": TargetModules.ALL_LINEAR, "lora_r": 17},
    ):
        assert estimate.fit(SMOLLM2, replace(CONFIG, **change), ROWS, CPU).seconds > first
    assert estimate.fit(SMOLLM2, CONFIG, replace(ROWS, mean_tokens=240.0), CPU).seconds > first
    assert estimate.fit(SMOLLM2, replace(CONFIG, max_length=60), ROWS, CPU).seconds < first


def test_without_a_measured_speed_no_time_is_said():
    fit = estimate.fit(SMOLLM2, CONFIG, ROWS, replace(CPU, speed=None), past=[Past(100, 200)])
    assert (fit.seconds, fit.seconds_low, fit.seconds_high) == (None, None, None)
    assert fit.memory.total > 0


def test_earlier_runs_correct_the_time_by_their_median():
    raw = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU)
    past = [Past(100, 200), Past(50, 105), Past(10, 1000)]
    corrected = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU, past=past)
    assert corrected.seconds == pytest.approx(estimate.START_SECONDS + raw.raw_seconds * 2.1)
    assert corrected.raw_seconds == raw.raw_seconds
    assert corrected.measured_runs == 3


def test_many_agreeing_runs_narrow_the_band():
    few = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU, past=[Past(100, 200)])
    many = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU, past=[Past(100, 200)] * 20)

    def width(fit):
        return (fit.seconds_high - fit.seconds_low) / fit.seconds

    assert width(many) < width(few) < width(estimate.fit(SMOLLM2, CONFIG, ROWS, CPU))


def test_useless_measurements_correct_nothing():
    fit = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU, past=[Past(0, 10), Past(10, 0)])
    assert fit.measured_runs == 0 and fit.seconds == estimate.START_SECONDS + fit.raw_seconds


def test_four_bits_on_a_gpu_need_about_a_quarter_for_the_linear_layers():
    rows = replace(ROWS, mean_tokens=500.0, longest_tokens=2000)
    four = estimate.memory_of(LLAMA_8B, CONFIG, rows, GPU)
    sixteen = estimate.memory_of(LLAMA_8B, replace(CONFIG, method=Method.LORA), rows, GPU)
    saved = sixteen.weights - four.weights
    assert saved == pytest.approx(LLAMA_8B.linear_parameters * (2 - 4.127 / 8), rel=1e-6)
    assert four.weights < 6.5e9 < 15e9 < sixteen.weights


def test_an_8b_model_fits_a_24_gb_card_in_4_bits_and_not_in_16():
    rows = replace(ROWS, mean_tokens=300.0, longest_tokens=1000)
    assert estimate.fit(LLAMA_8B, CONFIG, rows, GPU).fits
    plain = estimate.fit(LLAMA_8B, replace(CONFIG, method=Method.LORA, precision=Precision.FLOAT32), rows, GPU)
    assert not plain.fits
    assert plain.short_bytes == plain.memory.total - GPU.memory_bytes


def test_memory_grows_with_the_rows_at_once_and_with_the_rank():
    first = estimate.memory_of(SMOLLM2, replace(CONFIG, micro_batch_size=1), ROWS, CPU)
    more_rows = estimate.memory_of(SMOLLM2, replace(CONFIG, micro_batch_size=8), ROWS, CPU)
    more_rank = estimate.memory_of(SMOLLM2, replace(CONFIG, micro_batch_size=1, lora_r=64), ROWS, CPU)
    assert more_rows.activations > first.activations
    assert more_rank.adapter == 4 * first.adapter == 4 * 16 * 4_884_480
    assert first.total == first.weights + first.adapter + first.activations + first.reserve


def test_on_a_processor_the_weights_are_unpacked_while_there_is_room():
    roomy = estimate.memory_of(SMOLLM2, CONFIG, ROWS, CPU)
    tight = estimate.memory_of(SMOLLM2, CONFIG, ROWS, replace(CPU, memory_bytes=10**9))
    assert roomy.weights == pytest.approx(4 * SMOLLM2.total_parameters)
    assert tight.weights < roomy.weights / 2


def test_a_row_that_is_too_long_for_the_memory_is_computed_twice_instead_of_kept():
    rows = replace(ROWS, longest_tokens=4000)
    config = replace(CONFIG, max_length=4000, micro_batch_size=1)
    roomy = estimate.memory_of(LLAMA_8B, config, rows, replace(GPU, memory_bytes=141 * 2**30))
    tight = estimate.memory_of(LLAMA_8B, config, rows, GPU)
    assert tight.activations < roomy.activations / 10


def test_earlier_runs_correct_what_is_guessed_of_the_memory():
    raw = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU)
    past = [Past(1, 1, said_bytes=4e9, took_bytes=2e9), Past(1, 1)]
    corrected = estimate.fit(SMOLLM2, CONFIG, ROWS, CPU, past=past)
    assert corrected.memory.total == pytest.approx(raw.memory.total / 2, rel=1e-6)
    assert (corrected.memory.weights, corrected.memory.adapter) == (raw.memory.weights, raw.memory.adapter)
    assert corrected.raw_bytes == raw.memory.total


def test_what_a_device_chose_the_last_time_it_will_choose_again():
    past = [Past(1, 1, precision="bfloat16")]
    assert estimate.fit(SMOLLM2, CONFIG, ROWS, CPU, past=past).memory.weights == 2 * SMOLLM2.total_parameters
    asked = replace(CONFIG, precision=Precision.FLOAT32)
    assert estimate.fit(SMOLLM2, asked, ROWS, CPU, past=past).memory.weights == 4 * SMOLLM2.total_parameters


def test_a_bfloat16_run_on_two_cores_was_measured_near_what_is_said():
    """257 rows of 85 tokens in batches of 16: the process held 3.0 GB."""
    rows = Rows(train_rows=257, validation_rows=43, mean_tokens=85.0, longest_tokens=110)
    said = estimate.memory_of(SMOLLM2, replace(CONFIG, precision=Precision.BFLOAT16), rows, CPU).total
    assert said == pytest.approx(3.0e9, rel=0.2)


def test_what_a_run_keeps_is_plain_json():
    work = estimate.work(SMOLLM2, CONFIG, ROWS)
    kept = estimate.as_json(work, estimate.fit(SMOLLM2, CONFIG, ROWS, CPU))
    assert kept["trainable_parameters"] == 4_884_480 and kept["device"] == "2 cores"
    assert kept["memory_bytes"] == sum(kept["memory"].values())
    assert "seconds" not in estimate.as_json(work, None)
