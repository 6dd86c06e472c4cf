"""Numbers and times in templates: `{{ version.rows|number }}`, `{% when run.created_at %}`. See webapp.core.units."""

import datetime as dt

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.core import units

register = template.Library()

register.filter("number", units.number)
register.filter("decimal", units.number)
register.filter("delta", units.delta)
register.filter("compact", units.compact)
register.filter("filesize", units.filesize)
register.filter("memory", units.memory)
register.filter("percent", units.percent)
register.filter("sci", units.scientific)
register.filter("duration", units.duration)
register.filter("duration_words", units.duration_words)


@register.simple_tag
def when(moment: dt.datetime | None) -> SafeString | str:
    """How long ago, with the exact moment in the title; app.js keeps it true while the page stands open."""
    if moment is None:
        return units.UNKNOWN
    return _time(moment, units.ago(moment), relative=True)


@register.simple_tag
def clock(moment: dt.datetime | None) -> SafeString | str:
    """The time of day, with the date when it is not today."""
    return units.UNKNOWN if moment is None else _time(moment, units.clock(moment))


def _time(moment: dt.datetime, text: str, *, relative: bool = False) -> SafeString:
    exact = formats.date_format(timezone.localtime(moment), "j M Y, H:i T")
    marker = " data-relative" if relative else ""
    html = '<time datetime="{}" title="{}"' + marker + ">{}</time>"
    return format_html(html, timezone.localtime(moment).isoformat(timespec="seconds"), exact, text)
