import pytest

from webapp.evaluation import samples

WANTED = '{"part": "chain", "needed": "today"}'


def judged(answer: str, *, is_cut: bool = False, wanted: str = WANTED) -> tuple[str, str]:
    prompt = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    kept = {"row": 1, "prompt": prompt, "expected": wanted, "base": "b", "adapter": answer, "adapter_is_cut": is_cut}
    found = samples.of(kept).adapter
    return found.mark, found.says


@pytest.mark.parametrize(
    ("answer", "mark", "says"),
    [
        (WANTED + "\n", "pass", "as expected"),
        ('{"needed": "today", "part": "chain"}', "pass", "as expected"),
        ('{"part": "tyre", "needed": "today"}', "part", "“part” differs"),
        ('{"part": "tyre"}', "part", "“part” and “needed” differ"),
        ('{"part": "chain", "needed": "today", "more": 1}', "part", "has more than was expected"),
        ("Here you are: {}", "fail", "not the expected form"),
        ("[1, 2]", "fail", "not the expected form"),
    ],
)
def test_an_answer_in_a_form_says_what_is_wrong_with_it(answer: str, mark: str, says: str) -> None:
    assert judged(answer) == (mark, says)


def test_an_answer_that_was_cut_off_says_so() -> None:
    assert judged("I am sorry to hear", is_cut=True) == ("fail", "did not come to an end")


def test_free_text_is_not_judged_unless_it_is_the_same() -> None:
    assert judged("Call the police.", wanted="Ask for a certificate.") == ("", "")
    assert judged("Ask for a certificate. ", wanted="Ask for a certificate.") == ("pass", "as expected")


def test_the_question_is_the_last_turn_and_earlier_ones_are_counted() -> None:
    prompt = [{"role": role, "content": role[0]} for role in ("system", "user", "assistant", "user")]
    prompt[-1]["content"] = "And now?"
    found = samples.of({"row": 3, "prompt": prompt, "expected": "x", "base": "y", "adapter": "z"})
    assert (found.question, found.turns_before) == ("And now?", 2)
