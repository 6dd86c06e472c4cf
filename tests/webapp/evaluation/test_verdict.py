from webapp.evaluation import verdict


def test_a_report_with_a_form_to_keep_says_how_often_each_side_kept_it() -> None:
    scores = {"json_fields": {"base": 0.02, "adapter": 0.96}, "validation_loss": {"base": 2.0, "adapter": 0.4}}
    said = str(verdict.of_report(scores, state="succeeded"))
    assert "96\u00a0%" in said and "2\u00a0%" in said


def test_a_report_on_free_text_says_the_losses() -> None:
    said = str(verdict.of_report({"validation_loss": {"base": 2.0, "adapter": 0.4}}, state="succeeded"))
    assert "0.400" in said and "2.000" in said


def test_a_failed_report_says_that_the_adapter_is_not_affected() -> None:
    assert "not affected" in str(verdict.of_report({}, state="failed"))


def test_a_report_that_is_being_made_promises_nothing() -> None:
    assert "Being measured" in str(verdict.of_report({}, state="running"))
