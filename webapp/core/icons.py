"""Icons by what they mean to us, or by the name that heroicons gives them."""

import functools

import heroicons
from django.utils.safestring import SafeString, mark_safe

NOUNS = {
    "home": "home",
    "dataset": "table-cells",
    "basemodel": "cube",
    "recipe": "clipboard-document-list",
    "run": "play-circle",
    "adapter": "book-open",
    "compare": "scale",
    "combine": "adjustments-horizontal",
    "playground": "chat-bubble-left-right",
    "suite": "clipboard-document-check",
    "worker": "server-stack",
    "team": "users",
    "help": "question-mark-circle",
    "search": "magnifying-glass",
    "bell": "bell",
    "more": "ellipsis-horizontal",
    "settings": "adjustments-horizontal",
    "upload": "arrow-up-tray",
    "download": "arrow-down-tray",
    "add": "plus",
    "close": "x-mark",
    "copy": "clipboard-document",
    "clone": "document-duplicate",
    "delete": "trash",
    "restore": "arrow-uturn-left",
    "edit": "pencil-square",
    "pause": "pause",
    "play": "play",
    "stop": "stop",
    "retry": "arrow-path",
    "choose": "chevron-up-down",
    "before": "chevron-left",
    "next": "chevron-right",
    "good": "check-circle",
    "note": "information-circle",
    "warn": "exclamation-triangle",
    "bad": "x-circle",
    "error": "exclamation-circle",
    "lock": "lock-closed",
    "key": "key",
    "sign-out": "arrow-right-start-on-rectangle",
    "dark": "moon",
    "light": "sun",
    "system": "computer-desktop",
}
SIZES = ("", "s", "sign")


@functools.cache
def svg(name: str, size: str = "") -> SafeString:
    """ "" outlined for navigation; "s" filled and small for buttons; "sign" filled. Hidden from screen readers.

    An unknown name raises heroicons.IconDoesNotExist, an unknown size KeyError: both are faults of the template.
    """
    heroicon = NOUNS.get(name, name)
    if size == "":
        drawn = _draw("outline", heroicon, "icon", stroke_width="1.6")
    else:
        drawn = _draw("mini", heroicon, {"s": "icon icon--s", "sign": "icon"}[size])
    return mark_safe(drawn)  # noqa: S308 - drawn from the files of a package, no part of it comes from a user


def _draw(style: str, name: str, css: str, **attributes: str) -> str:
    # The library's own cache keeps 128 icons and its tags build a tree for each use; ours keeps the finished text.
    return heroicons._render_icon(style, name, None, {"class": css, **attributes})
