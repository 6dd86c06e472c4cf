"""Hostile text shows what it hides."""

import pytest

from webapp.core.visible import visible


@pytest.mark.row("S19")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pay\u202e001\u202c now", "pay⟨U+202E⟩001⟨U+202C⟩ now"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("\U000e0041\U000e0042", "⟨U+E0041⟩⟨U+E0042⟩"),
        ("bell\x07 nul\x00 esc\x1b[31m", "bell⟨U+0007⟩ nul⟨U+0000⟩ esc⟨U+001B⟩[31m"),
        ("tab\tand\r\nlines", "tab\tand\r\nlines"),
        ("عربي\u200f، Übung, 👩\u200d🔧", "عربي\u200f، Übung, 👩\u200d🔧"),
        (42, "42"),
    ],
)
def test_what_bends_a_line_unseen_is_shown_and_honest_text_is_left_alone(text: object, shown: str) -> None:
    assert visible(text) == shown
