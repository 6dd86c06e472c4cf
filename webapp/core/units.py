"""Numbers, amounts and times as people read them.

A unit is joined by a no-break space, a minus is a real minus, the locale decides the separators. None is "–":
a number that is not known is never shown as zero.
"""

import datetime as dt
import math
from typing import TypeGuard

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

NBSP = "\u00a0"
MINUS = "\u2212"
UNKNOWN = "–"

Number = int | float


def number(value: Number | None, digits: int | None = None) -> str:
    """1,842; with `digits`, that many after the point."""
    if not is_known(value):
        return UNKNOWN
    if digits is None:
        digits = 0 if float(value).is_integer() else 2
    text = formats.number_format(abs(round(value, digits)), decimal_pos=digits, use_l10n=True, force_grouping=True)
    is_negative = round(value, digits) < 0
    return MINUS + text if is_negative else text


def in_words(count: int, *, opens: bool = False) -> str:
    """A count inside a sentence: two, nine, 14. With `opens` it begins the sentence: Two."""
    if not 0 < count <= len(_SMALL):
        return number(count)
    word = str(_SMALL[count - 1])
    return word[:1].upper() + word[1:] if opens else word


_SMALL = (
    gettext_lazy("one"),
    gettext_lazy("two"),
    gettext_lazy("three"),
    gettext_lazy("four"),
    gettext_lazy("five"),
    gettext_lazy("six"),
    gettext_lazy("seven"),
    gettext_lazy("eight"),
    gettext_lazy("nine"),
    gettext_lazy("ten"),
    gettext_lazy("eleven"),
    gettext_lazy("twelve"),
)


def delta(value: Number | None, digits: int | None = None) -> str:
    """A difference always shows its sign: +12, −0.027; nothing between them is ±0."""
    if not is_known(value):
        return UNKNOWN
    text = number(value, digits)
    if text.startswith(MINUS):
        return text
    return f"±{text}" if not any(char in "123456789" for char in text) else f"+{text}"


def compact(value: Number | None) -> str:
    """Three significant digits and a letter: 940, 12.4 k, 1.88 M, 7.66 B."""
    if not is_known(value):
        return UNKNOWN
    return _scaled(value, 1000, ("", "k", "M", "B", "T"))


def filesize(value: Number | None) -> str:
    """Files and disks, in powers of 1,000 as their makers count: 44.1 MB."""
    if not is_known(value):
        return UNKNOWN
    if abs(value) < 1000:
        return ngettext("%(count)s byte", "%(count)s bytes", int(value)) % {"count": number(int(value))}
    return _scaled(value, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))


def memory(value: Number | None) -> str:
    """Main and GPU memory, in powers of 1,024 but written GB, so that a 24 GB card has 24 GB."""
    if not is_known(value):
        return UNKNOWN
    return _scaled(value, 1024, ("B", "KB", "MB", "GB", "TB", "PB"))


def percent(value: Number | None, digits: int | None = None) -> str:
    """A share of one: 0.0053 is 0.53 %, 0.41 is 41 %."""
    if not is_known(value):
        return UNKNOWN
    share = value * 100
    if digits is None:
        digits = 0 if abs(share) >= 10 or share == 0 else 1 if abs(share) >= 1 else 2
    return f"{number(share, digits)}{NBSP}%"


def scientific(value: Number | None) -> str:
    """A learning rate: 0.0002 is 2e-4, 0.00008 is 8e-5. Values near one stay plain."""
    if not is_known(value):
        return UNKNOWN
    if value == 0 or 0.01 <= abs(value) < 10_000:
        return number(value, 0 if float(value).is_integer() else 4 if abs(value) < 1 else 2)
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".").replace("-", MINUS)
    return f"{mantissa}e{int(exponent)}"


def duration(seconds: Number | None) -> str:
    """Short, for tables and gauges: 8 s, 34 min, 2 h 50 min, 3 days 4 h."""
    if not is_known(seconds):
        return UNKNOWN
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds}{NBSP}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}{NBSP}h" + (f" {minutes}{NBSP}min" if minutes else "")
    days, hours = divmod(round(seconds / 3600), 24)
    text = ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    return text.replace(" ", NBSP) + (f" {hours}{NBSP}h" if hours else "")


def duration_words(seconds: Number | None) -> str:
    """For sentences, rounded as one would say it: "less than a minute", "14 minutes", "2 hours 50 minutes"."""
    if not is_known(seconds):
        return _("an unknown time")
    minutes = round(max(0, seconds) / 60)
    if minutes < 1:
        return _("less than a minute")
    if minutes < 60:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    hours, rest = divmod(5 * round(minutes / 5), 60)
    hours_text = ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    if hours >= 10 or not rest:
        return hours_text
    return hours_text + " " + ngettext("%(count)s minute", "%(count)s minutes", rest) % {"count": rest}


def ago(moment: dt.datetime, now: dt.datetime | None = None) -> str:
    """How long since, or until, in one rounded amount."""
    seconds = ((now or timezone.now()) - moment).total_seconds()
    if abs(seconds) < 45:
        return _("just now")
    amount = _amount(abs(seconds))
    return _("%(amount)s ago") % {"amount": amount} if seconds > 0 else _("in %(amount)s") % {"amount": amount}


def clock(moment: dt.datetime, now: dt.datetime | None = None) -> str:
    """14:41 today, 12 Mar 14:41 otherwise, with the year when it is another one."""
    local, today = timezone.localtime(moment), timezone.localtime(now or timezone.now())
    time = formats.date_format(local, "H:i")
    if local.date() == today.date():
        return time
    pattern = "j M" if local.year == today.year else "j M Y"
    return f"{formats.date_format(local, pattern)}, {time}".replace(" ", NBSP, 1)


def is_known(value: object) -> TypeGuard[Number]:
    """A number that can be written down: not None, not infinite, not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _amount(seconds: float) -> str:
    minutes, hours, days = round(seconds / 60), round(seconds / 3600), round(seconds / 86_400)
    if minutes < 60:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    if hours < 36:
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    if days < 60:
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    months = round(days / 30.44)
    if months < 24:
        return ngettext("%(count)s month", "%(count)s months", months) % {"count": months}
    years = round(days / 365.25)
    return ngettext("%(count)s year", "%(count)s years", years) % {"count": years}


def _scaled(value: Number, base: int, units: tuple[str, ...]) -> str:
    """Three significant digits at the largest unit that keeps the number at one or more."""
    place, scaled = 0, float(value)
    while place < len(units) - 1 and abs(scaled) >= base * (1 - 0.0005):
        scaled /= base
        place += 1
    digits = 0 if place == 0 or abs(scaled) >= 99.95 else 1 if abs(scaled) >= 9.995 else 2
    text = number(scaled, digits)
    separator = formats.get_format("DECIMAL_SEPARATOR", use_l10n=True)
    if separator in text:
        text = text.rstrip("0").removesuffix(separator)
    return f"{text}{NBSP}{units[place]}" if units[place] else text
