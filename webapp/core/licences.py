"""What licences ask, and which of two asks more. Pure: ids in, words out.

An adapter is made of a base model and of data, so it bears the terms of both. Licences that are known are compared
by their conditions; those with terms of their own (Llama, Gemma, a contract) cannot be ordered, and both are shown.
This is bookkeeping and no legal advice: it says what the parts ask, not what a court would.
"""

import enum
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

OWN, UNKNOWN = "own", "unknown"
AND = " AND "  # of SPDX expressions: the terms of both hold


class Asks(enum.IntEnum):
    """What a licence asks of whoever passes the thing on; a higher one is stricter."""

    NOTHING = 0
    NOTICE = 1
    ATTRIBUTION = 2
    SHARE_ALIKE = 3
    NON_COMMERCIAL = 4
    NO_DERIVATIVES = 5


WORDS: dict[Asks, str | Promise] = {
    Asks.NOTHING: gettext_lazy("it asks nothing"),
    Asks.NOTICE: gettext_lazy("its notice must be kept"),
    Asks.ATTRIBUTION: gettext_lazy("its makers must be named"),
    Asks.SHARE_ALIKE: gettext_lazy("what is made of it must be passed on under the same licence"),
    Asks.NON_COMMERCIAL: gettext_lazy("it may not be used commercially"),
    Asks.NO_DERIVATIVES: gettext_lazy("what is made of it may not be passed on"),
}


@dataclass(frozen=True)
class Licence:
    """`asks` are its conditions; None where it has terms of its own. `hub` is its id in a model card's header."""

    id: str
    name: str | Promise
    asks: frozenset[Asks] | None
    hub: str

    @property
    def strictness(self) -> Asks:
        return max(self.asks or {Asks.NOTHING})

    @property
    def is_known(self) -> bool:
        return self.id != UNKNOWN


def _licence(id: str, name: str, *asks: Asks, hub: str = "") -> Licence:
    return Licence(id, name, frozenset(asks), hub or id.lower())


def _own_terms(id: str, name: str) -> Licence:
    return Licence(id, name, None, id.lower())


_BY, _SA, _NC, _ND = Asks.ATTRIBUTION, Asks.SHARE_ALIKE, Asks.NON_COMMERCIAL, Asks.NO_DERIVATIVES
TABLE: tuple[Licence, ...] = (
    _licence("CC0-1.0", "CC0 1.0, public domain"),
    _licence("Unlicense", "The Unlicense"),
    _licence("MIT", "MIT", Asks.NOTICE),
    _licence("Apache-2.0", "Apache 2.0", Asks.NOTICE),
    _licence("BSD-2-Clause", "BSD, 2 clauses", Asks.NOTICE),
    _licence("BSD-3-Clause", "BSD, 3 clauses", Asks.NOTICE),
    _licence("ISC", "ISC", Asks.NOTICE),
    _licence("CDLA-Permissive-2.0", "Community Data License, permissive 2.0", Asks.NOTICE),
    _licence("ODC-By-1.0", "Open Data Commons, attribution 1.0", Asks.NOTICE, _BY, hub="odc-by"),
    _licence("CC-BY-3.0", "Creative Commons, attribution 3.0", Asks.NOTICE, _BY),
    _licence("CC-BY-4.0", "Creative Commons, attribution 4.0", Asks.NOTICE, _BY),
    _licence("ODbL-1.0", "Open Database License 1.0", Asks.NOTICE, _BY, _SA, hub="odbl"),
    _licence("CC-BY-SA-3.0", "Creative Commons, share alike 3.0", Asks.NOTICE, _BY, _SA),
    _licence("CC-BY-SA-4.0", "Creative Commons, share alike 4.0", Asks.NOTICE, _BY, _SA),
    _licence("GPL-3.0", "GNU GPL 3.0", Asks.NOTICE, _SA),
    _licence("AGPL-3.0", "GNU AGPL 3.0", Asks.NOTICE, _SA),
    _licence("CC-BY-NC-3.0", "Creative Commons, not commercial 3.0", Asks.NOTICE, _BY, _NC),
    _licence("CC-BY-NC-4.0", "Creative Commons, not commercial 4.0", Asks.NOTICE, _BY, _NC),
    _licence("CC-BY-NC-SA-4.0", "Creative Commons, not commercial, share alike 4.0", Asks.NOTICE, _BY, _NC, _SA),
    _licence("CC-BY-ND-4.0", "Creative Commons, no derivatives 4.0", Asks.NOTICE, _BY, _ND),
    _licence("CC-BY-NC-ND-4.0", "Creative Commons, not commercial, no derivatives 4.0", Asks.NOTICE, _BY, _NC, _ND),
    _own_terms("llama2", "Llama 2 Community License"),
    _own_terms("llama3", "Llama 3 Community License"),
    _own_terms("llama3.1", "Llama 3.1 Community License"),
    _own_terms("llama3.2", "Llama 3.2 Community License"),
    _own_terms("llama3.3", "Llama 3.3 Community License"),
    _own_terms("llama4", "Llama 4 Community License"),
    _own_terms("gemma", "Gemma Terms of Use"),
    _own_terms("bigscience-openrail-m", "BigScience OpenRAIL-M"),
    _own_terms("bigcode-openrail-m", "BigCode OpenRAIL-M"),
    _own_terms("openrail", "OpenRAIL"),
)
OURS = Licence(OWN, gettext_lazy("our own; the team decides"), frozenset(), "other")
NOBODY_KNOWS = Licence(UNKNOWN, gettext_lazy("unknown"), frozenset(), UNKNOWN)
_KNOWN = {key.casefold(): licence for licence in TABLE for key in (licence.id, licence.hub)}


def of(text: str) -> Licence:
    """The licence that an id names, as SPDX or a hub writes it; other words are a licence with terms of its own."""
    text = " ".join(text.split())
    if text.casefold() == OWN:
        return OURS
    if text.casefold() in {"", UNKNOWN, "other", "noassertion", "none"}:
        return NOBODY_KNOWS
    return _KNOWN.get(text.casefold()) or Licence(text, text, None, "other")


def choices(present: str = "") -> list[tuple[str, str | Promise]]:
    """For a form: what can be said about data. `present` stays choosable, whatever was written there before."""
    known: list[tuple[str, str | Promise]] = [
        ("", gettext_lazy("Unknown")),
        (OWN, gettext_lazy("Our own data; the team decides")),
    ]
    known += [(licence.id, f"{licence.id}: {licence.name}") for licence in TABLE]
    return known if present in {value for value, _label in known} else [*known, (present, present)]


@dataclass(frozen=True)
class Together:
    """The licence of what was made of two parts: `shown` are the ones that hold, one or both."""

    shown: tuple[Licence, ...]
    reason: str

    @property
    def expression(self) -> str:
        """As SPDX writes it."""
        return AND.join(licence.id for licence in self.shown)

    @property
    def is_known(self) -> bool:
        return all(licence.is_known for licence in self.shown)

    @property
    def hub(self) -> str:
        """The id for a model card's header, which has room for one."""
        return self.shown[0].hub if len(self.shown) == 1 else "other"


def together(base: str, data: str) -> Together:
    """The stricter of the base model's and the data's licence, and why; both where neither covers the other."""
    of_base, of_data = of(base), of(data)
    if of_data is OURS:
        return Together((of_base,), _why_base_alone(of_base))
    if not of_base.is_known or not of_data.is_known:
        return _with_unknown(of_base, of_data)
    if of_base.id == of_data.id:
        return Together((of_base,), _("Base model and data bear the same licence: %(words)s.") % _says(of_base))
    if of_base.asks is None or of_data.asks is None:
        return Together((of_base, of_data), _own_terms_reason(of_base, of_data))
    if of_data.asks <= of_base.asks and not _is_rival(of_base, of_data):
        reason = _("The base model’s licence asks more than the data’s %(other)s: %(words)s.")
        if of_data.asks == of_base.asks:
            reason = _("The data’s %(other)s asks the same as the base model’s licence: %(words)s. Keep both notices.")
        return Together((of_base,), reason % (_says(of_base) | {"other": of_data.id}))
    if of_base.asks <= of_data.asks and not _is_rival(of_base, of_data):
        reason = _("The data’s licence asks more than the base model’s %(other)s: %(words)s.")
        return Together((of_data,), reason % (_says(of_data) | {"other": of_base.id}))
    return Together((of_base, of_data), _rivals_reason(of_base, of_data))


def _is_rival(one: Licence, other: Licence) -> bool:
    """Two that each want the result under themselves: the one cannot stand for the other."""
    assert one.asks is not None and other.asks is not None, "compared only where the conditions are known"
    return Asks.SHARE_ALIKE in one.asks and Asks.SHARE_ALIKE in other.asks


def _says(licence: Licence) -> dict[str, str]:
    return {"words": str(WORDS[licence.strictness])}


def _why_base_alone(base: Licence) -> str:
    if not base.is_known:
        return _("The data are the team’s own, and the base model says no licence. Ask whoever published it.")
    if base.asks is None:
        return _("The data are the team’s own, so the base model’s own terms hold. Read them before you pass it on.")
    return _("The data are the team’s own, so the base model’s licence holds: %(words)s.") % _says(base)


def _with_unknown(base: Licence, data: Licence) -> Together:
    """What nobody knows is taken as the strictest, whatever the other part allows."""
    if not base.is_known and not data.is_known:
        reason = _("Neither the base model nor the data say a licence. Ask before you pass it on.")
    elif not data.is_known:
        reason = _("The data say no licence, so the base model’s %(base)s does not settle what may be done with it.")
    else:
        reason = _("The base model says no licence, so the data’s %(data)s does not settle what may be done with it.")
    return Together((NOBODY_KNOWS,), reason % {"base": base.id, "data": data.id})


def _own_terms_reason(base: Licence, data: Licence) -> str:
    owner = base if base.asks is None else data
    reason = _("%(name)s has terms of its own, which cannot be ordered against others: read both.")
    return reason % {"name": owner.name}


def _rivals_reason(base: Licence, data: Licence) -> str:
    if _is_rival(base, data):
        return _("Both want the result under themselves. Whether that can be met, somebody with a lawyer must say.")
    values = {"base": WORDS[base.strictness], "data": WORDS[data.strictness]}
    return _("Each asks what the other does not. Of the base model: %(base)s. Of the data: %(data)s.") % values
