"""Why a change of stage is refused, in words: cause, place, remedy."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from webapp.adapters.models import Adapter, AdapterVersion, Stage, StageChange
from webapp.core.faults import UserFault

OUR_COMMAND = "Tunesmith"


def unknown_stage(stage: str) -> UserFault:
    message = _("“%(stage)s” is no stage. The stages are %(stages)s.")
    return UserFault("unknown_stage", message % {"stage": stage[:40], "stages": ", ".join(Stage.values)}, field="stage")


def too_long(field: str, limit: int) -> UserFault:
    message = _("At most %(limit)d characters fit here. Say it in fewer words.") % {"limit": limit}
    return UserFault("too_long", message, field=field)


def gone(version: AdapterVersion) -> UserFault:
    message = _("%(name)s was deleted meanwhile. If it should stay, restore it from the trash first.")
    return UserFault("gone", message % {"name": version}, status=409)


def decided_meanwhile(newest: StageChange | None) -> UserFault:
    """Two people decided at the same time; this is what the second one reads."""
    if newest is None:
        message = _("The stages are not as you saw them. Look again, then decide.")
    else:
        message = _("%(who)s was faster: %(what)s. Look again, then decide.") % {
            "who": newest.by or OUR_COMMAND,
            "what": what_was_done(newest),
        }
    return UserFault("decided_meanwhile", message, status=409)


def what_was_done(change: StageChange) -> str:
    words = {"number": change.number, "from": Stage(change.from_stage).label, "to": Stage(change.to_stage).label}
    return _("v%(number)d went from %(from)s to %(to)s") % words


def already_there(version: AdapterVersion) -> UserFault:
    """With who put it there, since the second of two people who want the same reads this."""
    change = version.stage_changes.filter(refusal="", to_stage=version.stage).select_related("by").last()
    if change is not None and change.by is not None:
        message = _("v%(number)d has the stage %(stage)s already: %(who)s gave it.")
    else:
        message = _("v%(number)d has the stage %(stage)s already.")
    words = {"number": version.number, "stage": Stage(version.stage).label, "who": change.by if change else ""}
    return UserFault("already_there", message % words, status=409)


def no_way(version: AdapterVersion, to: Stage) -> UserFault:
    words = {"number": version.number, "is": Stage(version.stage).label, "to": to.label}
    if to is Stage.PRODUCTION:
        message = _(
            "v%(number)d has the stage %(is)s; only a candidate becomes production. Make it the candidate first, or "
            "roll back to the version that was in production before."
        )
    else:
        message = _("From %(is)s no way leads to %(to)s. Retire v%(number)d first.")
    return UserFault("no_way", message % words, status=409)


def nothing_before(adapter: Adapter) -> UserFault:
    message = _("No other version of %(name)s was in production before, so there is nothing to roll back to.")
    return UserFault("nothing_before", message % {"name": adapter}, status=409)


def of(change: StageChange) -> UserFault:
    """The refusal that a decision holds."""
    if change.refusal == StageChange.Refusal.FILES:
        return _files(change)
    if change.refusal == StageChange.Refusal.ORIGIN:
        return _origin(change)
    failed = [result for result in change.decision["gates"] if result["outcome"] != "passed"]
    message = _("v%(number)d does not pass the gates for %(stage)s. %(why)s") % {
        "number": change.number,
        "stage": Stage(change.to_stage).label,
        "why": " ".join(result["sentence"] for result in failed),
    }
    return UserFault("gate_refused", message, status=409, data={"gates": change.decision["gates"]})


def _origin(change: StageChange) -> UserFault:
    rows = change.decision["withdrawn"]
    message = _(
        "v%(number)d cannot be in production: %(why)s. Choose another version, or have the withdrawal undone on the "
        "page of its lineage."
    )
    why = "; ".join(withdrawn_words(row) for row in rows)
    return UserFault("withdrawn", message % {"number": change.number, "why": why}, status=409, data={"withdrawn": rows})


def withdrawn_words(row: Mapping[str, str]) -> str:
    return _("%(name)s was withdrawn (%(reason)s)") % {"name": row["name"], "reason": row["reason"].rstrip(".")}


def _files(change: StageChange) -> UserFault:
    files = change.decision["files"]
    said = ", ".join(
        (_("%(path)s is missing") if file["is_missing"] else _("%(path)s is damaged")) % {"path": file["path"]}
        for file in files
    )
    message = _(
        "v%(number)d cannot be in production: %(files)s. Nothing was changed. Bring the stored files back from a "
        "backup, or train the version anew."
    ) % {"number": change.number, "files": said}
    return UserFault("files_damaged", message, status=409, data={"files": files})
