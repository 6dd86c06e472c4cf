from django.template import Context, Template

from webapp.core.verdict import Verdict


def drawn(verdict: Verdict | str) -> str:
    return Template("{% load ui %}{% verdict verdict %}").render(Context({"verdict": verdict}))


def test_the_emphasis_is_marked_on_the_page_and_gone_in_plain_words() -> None:
    verdict = Verdict("Learning well. *About %(left)s left.*", left="14 minutes")
    assert drawn(verdict) == '<p class="verdict">Learning well. <em>About 14 minutes left.</em></p>'
    assert str(verdict) == "Learning well. About 14 minutes left."


def test_a_name_with_stars_or_markup_stays_a_name() -> None:
    verdict = Verdict("*%(name)s* is ready.", name="*<b>bold</b>*")
    assert drawn(verdict) == '<p class="verdict"><em>*&lt;b&gt;bold&lt;/b&gt;*</em> is ready.</p>'
    assert str(verdict) == "*<b>bold</b>* is ready."


def test_a_percent_sign_in_words_without_values_is_just_that() -> None:
    assert str(Verdict("Done, *100 % of rows.*")) == "Done, 100 % of rows."


def test_a_page_without_a_verdict_has_no_empty_line() -> None:
    assert drawn("") == ""


def test_a_verdict_written_as_a_variable_bears_its_emphasis_too() -> None:
    verdict = Verdict("*%(name)s* is ready.", name="<b>")
    assert Template("{{ verdict }}").render(Context({"verdict": verdict})) == "<em>&lt;b&gt;</em> is ready."
