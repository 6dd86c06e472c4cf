"""What is kept of a report: scores as facts, some answers for the page, all of them in the bundle."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.webapp.workshop import SAMPLES, SCORES, Workshop
from webapp.adapters import cards, scoretable
from webapp.artifacts.models import Bundle
from webapp.evaluation import actions
from webapp.evaluation.models import Report
from webapp.jobs.models import State


@pytest.fixture
def report(workshop: Workshop) -> Report:
    return workshop.report(workshop.adapter("tickets", losses=(2.31, 0.5)), State.RUNNING)


def finish(report: Report, folder: Path, *, scores: dict[str, Any] = SCORES, samples: list[dict[str, Any]] = SAMPLES):
    answers = folder / "answers.jsonl"
    answers.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    bundle = Bundle.objects.create(team=report.team, kind="report", manifest_sha256="f" * 64, size_bytes=1)
    return actions.finish(job=report.job, bundle=bundle, scores=scores, answers_path=answers)


def test_scores_become_facts_of_the_version_and_stand_on_its_card(report: Report, tmp_path: Path) -> None:
    finish(report, tmp_path)
    rows = {row.name: row for row in scoretable.rows(report.version)}
    assert (rows["json_fields"].base, rows["json_fields"].value) == (0.02, 0.96)
    assert rows["json_values.part"].is_better is True
    # The report measured the loss again, so its number stands in place of the run's.
    assert (rows["validation_loss"].value, rows["validation_loss"].is_better) == (0.412, True)
    report.version.refresh_from_db()
    assert "| Right form | 2\u00a0% | 96\u00a0% |" in cards.text(report.version)


def test_answers_are_kept_for_the_page_and_no_more_than_fit_there(report: Report, tmp_path: Path) -> None:
    many = [SAMPLES[0] | {"row": n, "base": "x" * 9_000, "base_is_cut": True} for n in range(40)]
    done = finish(report, tmp_path, samples=many)
    done.refresh_from_db()
    assert [sample["row"] for sample in done.samples] == list(range(actions.SAMPLES_ON_PAGE))
    assert len(done.samples[0]["base"]) == actions.SAMPLE_CHARACTERS + 1
    assert done.samples[0]["base_is_cut"] is True
    assert done.bundle is not None


def test_an_answer_with_a_character_that_databases_refuse_is_kept(report: Report, tmp_path: Path) -> None:
    """An untrained model may say anything, U+0000 too, which PostgreSQL takes nowhere."""
    done = finish(
        report, tmp_path, samples=[SAMPLES[0] | {"base": "a\0b", "prompt": [{"role": "user", "content": "\0"}]}]
    )
    done.refresh_from_db()
    assert (done.samples[0]["base"], done.samples[0]["prompt"][0]["content"]) == ("a␀b", "␀")


def test_a_report_without_answers_is_still_a_report(report: Report, tmp_path: Path) -> None:
    done = finish(report, tmp_path, scores={"rows": 0, "validation_loss": {"base": 2.0, "adapter": 1.0}}, samples=[])
    assert done.samples == []
    assert [row.value for row in scoretable.rows(report.version)] == [1.0]


def test_a_card_that_a_person_wrote_stays_theirs(report: Report, tmp_path: Path) -> None:
    from webapp.adapters import actions as adapters

    adapters.edit_card(by=None, version=report.version, text="# Ours")
    finish(report, tmp_path)
    report.version.refresh_from_db()
    assert cards.text(report.version) == "# Ours"
