from dataclasses import replace

import pytest

from webapp.contract.spec import LoraConfig
from webapp.core.findings import Severity
from webapp.runs import preflight

pytestmark = pytest.mark.django_db

CONFIG = LoraConfig()


@pytest.fixture
def look(team, make_version, make_base, device):
    def at(*, config=CONFIG, **rows):
        plan = preflight.plan(make_version(team=team, **rows), make_base(), config)
        return {check.code: check.finding for check in preflight.look(plan)}

    return at


def test_a_sound_plan_passes_everything(look):
    found = look()
    assert {finding.severity for finding in found.values()} == {Severity.PASS}
    assert sorted(found) == ["all_rows_good", "chat_template", "fits", "no_row_cut", "validation"]


@pytest.mark.parametrize(
    ("rows", "changes", "code", "title"),
    [
        ({"train_rows": 1}, {}, "few_rows", "Only 1 row to learn from"),
        ({"train_rows": 12}, {}, "few_rows", "Only 12 rows to learn from"),
        ({"rows_bad": 3}, {}, "bad_rows", "3 rows of the file are left out"),
        ({"validation_rows": 0}, {}, "no_validation", "No rows are held back for checking"),
        ({"train_rows": 32}, {"num_train_epochs": 1.0}, "few_steps", "Only 2 steps will be made"),
        ({}, {"lora_alpha": 512.0}, "unusual_alpha", "Alpha is 512 at rank 16"),
        ({}, {"max_length": 400}, "rows_cut", "1 row is longer than 400 tokens"),
        ({}, {"max_length": 200}, "rows_cut", "2 rows are longer than 200 tokens"),
    ],
)
def test_what_deserves_a_look_is_said_and_does_not_block(look, rows, changes, code, title):
    finding = look(config=replace(CONFIG, **changes), **rows)[code]
    assert (finding.severity in {Severity.WARN, Severity.NOTE}, str(finding.title)) == (True, title)


@pytest.mark.parametrize(
    ("changes", "remedy"), [({"num_train_epochs": 0.1}, "More passes"), ({"max_steps": 3}, "Most steps")]
)
def test_few_steps_are_traced_to_the_setting_that_makes_them_few(look, changes, remedy):
    assert remedy in str(look(config=replace(CONFIG, **changes))["few_steps"].text)


def test_where_only_the_longest_rows_are_known_the_count_is_at_least(look):
    longest = [{"row": number, "characters": 9000} for number in range(20)]
    found = look(report={"characters": {"mean": 360.0, "max": 9000}, "longest_rows": longest})
    assert str(found["rows_cut"].title) == "At least 20 rows are longer than 1,024 tokens"


def test_early_stopping_without_anything_to_check_is_said(look):
    assert (
        "stop early" in look(config=replace(CONFIG, early_stopping_patience=3), validation_rows=0)["no_validation"].text
    )


def test_repeated_rows_are_said(look):
    found = look(report={"exact_duplicates": 4})
    assert str(found["repeated_rows"].title) == "4 rows repeat others word for word"


def test_without_a_worker_it_says_that_the_run_waits(look, device):
    device.worker.delete()
    found = look()
    assert found["no_worker"].severity is Severity.WARN and "fits" not in found


def test_a_base_of_unknown_shape_has_no_estimate_and_says_so(team, make_version, make_base, device):
    plan = preflight.plan(make_version(team=team), make_base(config={"architectures": ["NewModel"]}), CONFIG)
    assert "unknown_shapes" in {check.code for check in preflight.look(plan)}


def test_a_little_too_large_is_a_warning_and_far_too_large_blocks(look, device):
    device.memory_bytes = 1_350_000_000
    device.save()
    found = look(config=replace(CONFIG, micro_batch_size=1))
    assert found["does_not_fit"].severity is Severity.WARN
    device.memory_bytes = 800_000_000
    device.save()
    assert look(config=replace(CONFIG, micro_batch_size=1))["does_not_fit"].severity is Severity.BLOCK
