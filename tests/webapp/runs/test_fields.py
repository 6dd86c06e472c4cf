import dataclasses
import math

import pytest

from webapp.contract.spec import LoraConfig, Method, TargetModules
from webapp.core.faults import UserFault
from webapp.runs import fields, presets


def fault(**data):
    with pytest.raises(UserFault) as caught:
        fields.check(data)
    return caught.value


def test_the_table_holds_every_setting_of_the_contract_once():
    assert sorted(field.name for field in fields.TABLE) == sorted(f.name for f in dataclasses.fields(LoraConfig))


def test_every_default_is_possible_and_survives_being_typed():
    default = LoraConfig()
    texts = {field.name: fields.typed(field, getattr(default, field.name)) for field in fields.TABLE}
    assert fields.check(texts) == default


def test_the_presets_are_possible_and_differ():
    configs = [fields.check(preset.config) for preset in presets.PRESETS]
    assert len(set(configs)) == 3


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lora_r", "8", 8),
        ("lora_r", 8.0, 8),
        ("lora_alpha", 16, 16.0),
        ("learning_rate", "2e-4", 2e-4),
        ("learning_rate", " 0.0002 ", 2e-4),
        ("max_length", "1,024", 1024),
        ("max_length", "131 072", 131_072),
        ("num_train_epochs", "1.5", 1.5),
        ("use_rslora", "on", True),
        ("method", "lora", Method.LORA),
        ("target_modules", "mlp", TargetModules.MLP),
    ],
)
def test_a_value_is_read_as_people_and_programs_write_it(name, text, value):
    read = getattr(fields.check({name: text}), name)
    assert read == value and type(read) is type(value)


def test_what_is_left_out_comes_from_where_one_started():
    start = LoraConfig(lora_r=4, seed=99)
    assert fields.check({"seed": 1}, start=start) == LoraConfig(lora_r=4, seed=1)


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"lora_r": 0}, "Rank is 0; possible is 1 to 512. The nearest that works is 1."),
        ({"lora_r": -1}, "Rank is −1; possible is 1 to 512. The nearest that works is 1."),
        ({"lora_r": 10**6}, "Rank is 1,000,000; possible is 1 to 512. The nearest that works is 512."),
        ({"lora_r": 10**5000}, "Rank is far too large; possible is 1 to 512. The nearest that works is 512."),
        ({"lora_r": 8.5}, "Rank is “8.5”; it must be a whole number. The nearest that works is 8."),
        ({"lora_r": "many"}, "Rank is “many”, which is not a number. 16 would work."),
        ({"num_train_epochs": "0,050"}, "Passes over the rows is “0,050”, which is not a number. 3 would work."),
        ({"num_train_epochs": ",050"}, "Passes over the rows is “,050”, which is not a number. 3 would work."),
        ({"lora_r": True}, "Rank is “True”, which is not a number. 16 would work."),
        ({"lora_r": None}, "Rank is “None”, which is not a number. 16 would work."),
        ({"lora_alpha": math.nan}, "Alpha is “nan”; it must be a finite number. 32 would work."),
        ({"lora_alpha": "NaN"}, "Alpha is “NaN”; it must be a finite number. 32 would work."),
        ({"lora_alpha": math.inf}, "Alpha is “inf”; it must be a finite number. 32 would work."),
        ({"learning_rate": 1e9}, "Learning rate is 1e9; possible is 1e-8 to 0.1. The nearest that works is 0.1."),
        ({"learning_rate": 0}, "Learning rate is 0; possible is 1e-8 to 0.1. The nearest that works is 1e-8."),
        ({"target_modules": ".*"}, "Targets cannot be “.*”. Choose one of: all-linear, attention, mlp."),
        ({"target_modules": ["q_proj"]}, "Targets cannot be a list. Choose one of: all-linear, attention, mlp."),
        ({"use_rslora": "perhaps"}, "Rank-stabilised scaling is on or off, not “perhaps”."),
        ({"lora_rank": 8}, "There is no setting “lora_rank”. Did you mean “lora_r”?"),
        (
            {"batch_size": 4, "micro_batch_size": 8},
            "8 rows at once are more than the batch size of 4. The nearest that works is 4.",
        ),
    ],
)
def test_a_bad_value_is_answered_with_what_would_work(data, sentence):
    error = fault(**data)
    assert (error.code, str(error), error.status) == ("bad_config", sentence, 422)
    assert error.field in data


def test_every_faulty_setting_is_named_at_once():
    assert sorted(fault(lora_r=0, seed=-5, method="full").data["errors"]) == ["lora_r", "method", "seed"]


def test_a_long_value_is_not_written_back_in_full():
    assert len(str(fault(lora_r="9" * 10_000))) < 200


def test_differences_say_both_values_in_words():
    found = fields.differences(
        LoraConfig(lora_alpha=16.0, early_stopping_patience=0), LoraConfig(early_stopping_patience=3)
    )
    assert [(str(d.field.label), d.value, d.other) for d in found] == [
        ("Alpha", "16", "32"),
        ("Stop early", "never", "3"),
    ]


def test_the_summary_is_in_words():
    assert fields.summary(LoraConfig(early_stopping_patience=1)) == [
        ("Method", "QLoRA, nf4"),
        ("Rank, alpha", "16, 32"),
        ("Targets", "all linear layers"),
        ("Learning rate", "2e-4, cosine"),
        ("Passes", "3"),
        ("Batch", "16"),
        ("Limit", "1,024\u00a0tokens"),
        ("Stops early", "after 1 check without gain"),
    ]
