"""The parts of a page. Parameters stand at each tag; markup in templates/components/, classes in static/css/app.css."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.conf import settings
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from webapp.core import badges, charts, forms, glossary, icons, navigation, theme, toasts, units, visible
from webapp.core.verdict import Verdict

register = template.Library()
register.filter("undo_url", toasts.undo_url)
register.filter("look", forms.look)
register.filter("visible", visible.visible)
register.simple_tag(icons.svg, name="icon")
register.simple_tag(forms.control, name="control")
register.simple_tag(forms.faulty_fields)

SIGNS = {"good": "good", "pass": "good", "warn": "warn", "bad": "bad", "block": "bad", "note": "note"}
NOTICE_ICONS = {"note": "note", "good": "good", "warn": "warn", "bad": "error"}


# The shell ---------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def shell(context: template.Context) -> dict[str, Any]:
    """What base.html needs beside the page's own context: the places of the team with their counts."""
    request, team = context.get("request"), context.get("team")
    if request is None or team is None:
        return {"groups": [], "tabs": [], "unread": 0}
    counts = navigation.counts_for(request, team)
    groups = navigation.places(path=request.path, slug=team.slug, counts=counts)
    tabs = [place for group in groups for place in group if place.url_name in navigation.TAB_BAR]
    is_elsewhere = not any(place.is_current for place in tabs)
    return {"groups": groups, "tabs": tabs, "is_elsewhere": is_elsewhere, "unread": counts.get("notices:list", 0)}


@register.simple_tag
def nav_url(name: str, *args: Any) -> str:
    """`{% nav_url "runs:new" team.slug as url %}`: the URL, or "" for a page that this version does not have."""
    return navigation.url_or_nothing(name, *args)


@register.simple_tag(takes_context=True)
def theme_choice(context: template.Context) -> str:
    request = context.get("request")
    return theme.chosen(request) if request is not None else context.get("theme") or "system"


@register.simple_tag
def sends_mail() -> bool:
    """Whether this installation can send e-mail; without a mail server it only writes it into its log."""
    return bool(settings.EMAIL_HOST)


@register.filter
def initials(name: object) -> str:
    """MK for "Mara König" and for mara.koenig@example.org; CD for "Claims desk"."""
    words = [
        word for word in str(name).partition("@")[0].replace(".", " ").replace("-", " ").split() if word[0].isalnum()
    ]
    letters = "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words))
    return (letters if len(letters) > 1 else "".join(words)[:2]).upper()


@register.simple_tag
def verdict(text: Verdict | str | None) -> SafeString | str:
    """The answer to the page's question; `*…*` in a plain string marks the emphasis."""
    if not text:
        return ""
    sentence = text if isinstance(text, Verdict) else Verdict(text)
    return format_html('<p class="verdict">{}</p>', sentence)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """`?…` of this page with some keys changed; None or "" takes a key away, and fields left empty are left out."""
    request = context.get("request")
    values = request.GET.copy() if request is not None else QueryDict(mutable=True)
    for key, value in changes.items():
        if value in (None, ""):
            values.pop(key, None)
        else:
            values[key] = str(value)
    for key in [key for key in values if not any(values.getlist(key))]:
        del values[key]
    return f"?{values.urlencode()}" if values else "?"


# Small parts -------------------------------------------------------------------------------------


@register.simple_tag
def badge(state: object, label: str = "") -> SafeString:
    """A run's state (round), an adapter's stage (square), or `warn`, `note`, `plain` with a word of your own."""
    found = badges.badge(state, label)
    return format_html('<span class="badge badge--{}">{}</span>', found.css, found.label)


@register.inclusion_tag("components/sign.html")
def sign(severity: object) -> dict[str, Any]:
    """The mark of a finding with its word for screen readers: good, warn, bad, note (or pass, block)."""
    return {"tone": SIGNS[str(getattr(severity, "value", severity))]}


@register.inclusion_tag("components/term.html")
def term(key: str, label: str = "") -> dict[str, Any]:
    """A word of the trade with its one-line explanation; `key` as in webapp.core.glossary."""
    entry = glossary.lookup(key)
    return {"entry": entry, "label": label or entry.name, "id": f"g-{secrets.token_hex(4)}"}


@register.inclusion_tag("components/stat.html")
def stat(
    label: str, value: object, *, unit: str = "", note: str = "", tone: str = "", term: str = ""
) -> dict[str, Any]:
    """One number of `<dl class="stats">`. `tone` colours the note: good, warn. `term` explains the label."""
    return {"label": label, "value": value, "unit": unit, "note": note, "tone": tone, "term": term}


@register.simple_tag
def avatar(person: object, small: bool = False) -> SafeString:
    """The initials of a person or a team; beside it must stand the name, or an aria-label around it."""
    css = "avatar avatar--s" if small else "avatar"
    return format_html('<span class="{}" aria-hidden="true">{}</span>', css, initials(person))


@register.simple_tag
def person(user: object) -> str:
    """Their name, else their address; somebody who is gone has neither."""
    return str(user) if user else _("a former member")


@register.inclusion_tag("components/copyable.html")
def copyable(value: object, *, label: str = "", short: bool = False) -> dict[str, Any]:
    """An id, hash or path with a button that copies it. `short` shows the two ends of a long one."""
    text = str(value)
    shown = f"{text[:8]}…{text[-4:]}" if short and len(text) > 16 else text
    return {"value": text, "shown": shown, "label": label}


@register.inclusion_tag("components/code.html")
def code(text: str, *, label: str = "") -> dict[str, Any]:
    """A block to be copied; `label` names it for screen readers."""
    return {"text": text, "label": label}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, page: object, *, key: str = "after") -> dict[str, Any]:
    """Links to the first and the next page of a webapp.core.paging.Page."""
    return {
        "page": page,
        "first": query(context, **{key: None}),
        "next": query(context, **{key: getattr(page, "next", "")}),
    }


# Drawings ----------------------------------------------------------------------------------------


@register.inclusion_tag("components/sparkline.html")
def sparkline(values: Sequence[float | None], *, label: str) -> dict[str, Any]:
    """A line without axes; `label` says in words what it shows."""
    path, last = charts.sparkline(values)
    x, _, y = last.partition(",")
    return {"path": path, "x": x, "y": y, "label": label}


@register.inclusion_tag("components/stackbar.html")
def stackbar(
    parts: Sequence[charts.Part], *, label: str, total: float = 0, thin: bool = False, legend: bool = False
) -> dict[str, Any]:
    """Parts of a whole; without `total` they are the whole. `label` says it in words."""
    return {"bars": charts.bars(parts, total), "label": label, "is_thin": thin, "has_legend": legend}


@register.simple_block_tag
def gauge(
    content: str,
    *,
    label: str,
    value: float | None = None,
    max: float = 1,
    state: object = "",
    marks: Iterable[float] = (),
) -> SafeString:
    """Progress on a rule with a mark at each checkpoint; the content is one `<span>` at each end.

    Without a value it only says that something goes on. `state` colours it: paused, interrupted, succeeded.
    """
    css = {"paused": "gauge--paused", "interrupted": "gauge--paused", "succeeded": "gauge--done", "done": "gauge--done"}
    whole = max or 1
    context = {
        "css": css.get(str(getattr(state, "value", state)).lower(), ""),
        "label": label,
        "value": None if value is None else _plain(min(value, whole)),
        "max": _plain(whole),
        "percent": "" if value is None else units.percent(min(value, whole) / whole, 0),
        "marks": [1, *(round(2 + 996 * mark / whole) for mark in marks if 0 < mark < whole), 999],
        "content": mark_safe(content),  # noqa: S308 - rendered by the template around it, escaped there
    }
    return mark_safe(render_to_string("components/gauge.html", context))  # noqa: S308


@register.simple_block_tag(takes_context=True)
def chart(
    context: template.Context,
    content: str,
    id: str,
    *,
    title: str,
    url: str,
    series: Sequence[charts.Series],
    **options: Any,
) -> SafeString:
    """A chart with its legend, table and the sentence between the tags; drawn by chart.js. See components/chart.html.

    Options: total_steps, steps_per_epoch, marks (steps of checkpoints), axes ("step,epoch,tokens,time"), unit,
    digits, group (charts that share cursor and zoom), large, level (2 or 3), label (in words), has_log.
    """
    axes = [name for name in options.pop("axes", "").split(",") if name]
    marks = json.dumps([float(mark) for mark in options.pop("marks", None) or []])
    data = json.dumps([line.as_json() for line in series])
    known = {"id": id, "title": title, "url": url, "series": series, "axes": axes, "marks": marks, "data": data}
    known["content"] = mark_safe(content)  # noqa: S308 - rendered by the template around it, escaped there
    defaults = {"group": "page", "level": 3, "digits": 3}
    for name in ("total_steps", "steps_per_epoch"):
        options[name] = _plain(options.get(name) or 0)
    return mark_safe(render_to_string("components/chart.html", defaults | options | known))  # noqa: S308


@register.inclusion_tag("components/chart_scripts.html")
def chart_scripts() -> dict[str, Any]:
    """What a page with charts loads, in its block "scripts"."""
    return {}


# Messages ----------------------------------------------------------------------------------------


@register.simple_block_tag
def notice(content: str, tone: str = "note", *, role: str = "") -> SafeString:
    """A message at its place; `role="alert"` when it answers what was just done. The cause stands in `<b>`."""
    css = "" if tone == "note" else f" notice--{tone}"
    role_attribute = format_html(' role="{}"', role) if role else ""
    drawn = icons.svg(NOTICE_ICONS[tone], "s")
    body = mark_safe(content)  # noqa: S308 - rendered by the template around it, escaped there
    return format_html('<div class="notice{}"{}>{}<div>{}</div></div>', css, role_attribute, drawn, body)


@register.simple_block_tag
def empty(content: str, title: str, text: str = "", *, level: int = 2) -> SafeString:
    """What will be here, and the one next step: the buttons between the tags."""
    body = mark_safe(content)  # noqa: S308 - rendered by the template around it, escaped there
    context = {"title": title, "text": text, "level": level, "content": body}
    return mark_safe(render_to_string("components/empty.html", context))  # noqa: S308


@register.simple_block_tag
def menu(content: str, label: str, *, icon: str = "more") -> SafeString:
    """Further acts behind a button: `.menu__item` links and buttons between the tags. Works without scripts."""
    body = mark_safe(content)  # noqa: S308 - rendered by the template around it, escaped there
    return mark_safe(render_to_string("components/menu.html", {"label": label, "icon": icon, "content": body}))  # noqa: S308


# Forms -------------------------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(field: BoundField, **options: Any) -> dict[str, Any]:
    """Label, control, help and error of one form field.

    Options: label, changed ("Balanced has 16": marks a difference), optional (writes it), kind ("seg" for few
    short choices, "dropzone" for a file), icon and addon (before and after the control), css (on the control).
    """
    return {"field": field, **options}


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """What is wrong with the whole form, and links to the fields that have an error."""
    return {"form": form}


@register.filter
def attributes(values: Mapping[str, object]) -> SafeString:
    """A mapping as escaped HTML attributes."""
    return mark_safe("".join(format_html(' {}="{}"', name, value) for name, value in values.items()))  # noqa: S308


def _plain(value: float) -> str:
    """A number for an attribute: never localised, no needless fraction."""
    return str(int(value)) if float(value).is_integer() else str(value)
