"""What stands behind a public id: its kind, its name, its page. Each app above says it of its own things.

Lineage knows ids only. settings.LINEAGE_KINDS names, for the first part of an id, the function of the app that owns
such things: it takes a team and ids and returns what the team may see of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User

AT_ONCE = 500  # ids in one question to the database

Find = Callable[[Team, Sequence[str]], "list[Thing]"]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """`url` is empty where there is no page any more. `takers` are people who took it away.

    Whoever made it may withdraw it with `right`; without one it cannot be withdrawn at all.
    """

    public_id: str
    kind: str
    word: str
    name: str
    note: str = ""
    url: str = ""
    stage: str = ""
    made_by: User | None = None
    takers: tuple[User, ...] = field(default=())
    right: Permission | None = None


def find(team: Team, ids: Iterable[str]) -> dict[str, Thing]:
    """Id → thing; what is gone for good is left out. One question for each kind."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for public_id in dict.fromkeys(ids):
        by_kind[public_id.partition("_")[0]].append(public_id)
    found: dict[str, Thing] = {}
    for prefix, wanted in by_kind.items():
        dotted = settings.LINEAGE_KINDS.get(prefix)
        if dotted is None:
            continue
        look: Find = import_string(dotted)
        for start in range(0, len(wanted), AT_ONCE):
            found |= {thing.public_id: thing for thing in look(team, wanted[start : start + AT_ONCE])}
    return found


def gone(public_id: str) -> Thing:
    """In the place of what was deleted for good."""
    return Thing(public_id=public_id, kind="gone", word=_("Deleted"), name=_("deleted for good"), note=public_id)
