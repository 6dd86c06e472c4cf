"""The table of what the licences of base and data make together."""

import pytest

from webapp.core import licences
from webapp.core.licences import Asks

# Base, data → what is shown.
TOGETHER = [
    ("apache-2.0", "MIT", "Apache-2.0"),
    ("apache-2.0", "Apache-2.0", "Apache-2.0"),
    ("apache-2.0", "own", "Apache-2.0"),
    ("apache-2.0", "CC0-1.0", "Apache-2.0"),
    ("MIT", "CC-BY-4.0", "CC-BY-4.0"),
    ("CC-BY-4.0", "mit", "CC-BY-4.0"),
    ("apache-2.0", "CC-BY-SA-4.0", "CC-BY-SA-4.0"),
    ("apache-2.0", "odbl", "ODbL-1.0"),
    ("cc-by-4.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0"),
    ("cc-by-nc-4.0", "CC-BY-4.0", "CC-BY-NC-4.0"),
    ("apache-2.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-ND-4.0"),
    ("cc-by-nc-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-ND-4.0"),
    # Neither covers the other: both hold.
    ("cc-by-nc-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0 AND CC-BY-SA-4.0"),
    ("cc-by-sa-4.0", "CC-BY-NC-SA-4.0", "CC-BY-SA-4.0 AND CC-BY-NC-SA-4.0"),
    ("gpl-3.0", "CC-BY-SA-4.0", "GPL-3.0 AND CC-BY-SA-4.0"),
    ("cc-by-nd-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0 AND CC-BY-NC-4.0"),
    # Terms of their own cannot be ordered.
    ("llama3.2", "CC-BY-4.0", "llama3.2 AND CC-BY-4.0"),
    ("gemma", "Agreement with Globex, 2026", "gemma AND Agreement with Globex, 2026"),
    ("llama3.2", "own", "llama3.2"),
    ("gemma", "gemma", "gemma"),
    # What nobody knows is the strictest.
    ("apache-2.0", "", "unknown"),
    ("", "CC-BY-4.0", "unknown"),
    ("other", "own", "unknown"),
    ("", "", "unknown"),
    ("llama3", "unknown", "unknown"),
]


@pytest.mark.parametrize(("base", "data", "shown"), TOGETHER)
def test_of_two_licences_the_stricter_is_shown_and_both_where_neither_covers_the_other(
    base: str, data: str, shown: str
) -> None:
    found = licences.together(base, data)
    assert found.expression == shown
    assert found.reason.endswith(".")
    assert "%(" not in found.reason


def test_which_of_the_two_is_first_changes_nothing_but_the_order() -> None:
    for one in licences.TABLE:
        for other in licences.TABLE:
            forth, back = licences.together(one.id, other.id), licences.together(other.id, one.id)
            if one.asks == other.asks and len(forth.shown) == 1:
                continue  # equal terms: the base model's is named
            assert set(forth.shown) == set(back.shown), (one.id, other.id)


def test_what_is_shown_never_asks_less_than_either_part() -> None:
    for one in licences.TABLE:
        for other in licences.TABLE:
            if one.asks is None or other.asks is None:
                continue
            shown = licences.together(one.id, other.id).shown
            asked = {condition for licence in shown for condition in licence.asks or ()}
            assert one.asks | other.asks <= asked, (one.id, other.id)


def test_the_order_of_strictness_is_the_order_of_the_conditions() -> None:
    ids = ["CC0-1.0", "MIT", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0"]
    assert [licences.of(id).strictness for id in ids] == list(Asks)


def test_a_licence_is_known_by_the_names_of_both_worlds_in_any_case() -> None:
    assert licences.of("APACHE-2.0").id == licences.of("apache-2.0").id == "Apache-2.0"
    assert licences.of("odc-by").id == licences.of("ODC-By-1.0").id == "ODC-By-1.0"
    assert licences.of("  other ").id == "unknown"


def test_the_header_of_a_card_gets_an_id_that_hubs_know() -> None:
    assert licences.together("apache-2.0", "odbl").hub == "odbl"
    assert licences.together("llama3.2", "CC-BY-4.0").hub == "other"
    assert licences.together("apache-2.0", "").hub == "unknown"


def test_a_form_keeps_what_was_written_before_there_was_a_list() -> None:
    assert ("as agreed by mail", "as agreed by mail") in licences.choices("as agreed by mail")
    assert (
        len(licences.choices("MIT"))
        == len(licences.choices())
        == len(licences.choices(""))
        == len({value for value, _label in licences.choices()})
    )
