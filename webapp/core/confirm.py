"""Asking before something is done that costs: a page, or the same words in a dialog."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext as _

from webapp.core import htmx
from webapp.core.request import Request

FIELD = "confirm"
_TEMPLATE = "components/confirm.html"


@dataclass(frozen=True, kw_only=True)
class Question:
    """`name` is what must be typed for an act that cannot be undone; empty asks for a plain yes."""

    title: str
    button: str
    back: str
    intro: str = ""
    consequences: Sequence[str] = ()
    name: str = ""
    is_danger: bool = True
    keep: str = ""


def is_confirmed(request: Request, question: Question) -> bool:
    return request.method == "POST" and (not question.name or request.POST.get(FIELD, "").strip() == question.name)


def ask(request: Request, question: Question) -> HttpResponse:
    """The question; after a POST whose name was not right, the same question with a word about it."""
    was_wrong = request.method == "POST"
    context = {
        "question": question,
        "title": question.title,
        "error": _("This is not the name. Type it exactly as it stands above.") if was_wrong else "",
        "typed": request.POST.get(FIELD, ""),
        "action": request.get_full_path(),
        "team": getattr(request, "team", None),
        "membership": getattr(request, "membership", None),
    }
    return htmx.render(request, _TEMPLATE, context, part="question", status=422 if was_wrong else 200)
