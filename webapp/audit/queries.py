"""Reading the record."""

from django.db.models import QuerySet

from webapp.audit.models import Event


def of_team(team_id: str, *, actor_id: str = "", kind: str = "") -> QuerySet[Event]:
    """A team's lines; those of one actor, those about one kind of thing ("dataset", "token" …)."""
    found = Event.objects.filter(team_id=team_id)
    if actor_id:
        found = found.filter(actor_id=actor_id)
    if kind:
        found = found.filter(verb__startswith=f"{kind}.")
    return found.order_by("-id")


def actors(team_id: str) -> list[tuple[str, str]]:
    """Everybody who ever did something in the team, under the newest name."""
    rows = Event.objects.filter(team_id=team_id).exclude(actor_id="").order_by("id")
    newest = dict(rows.values_list("actor_id", "actor_name"))
    return sorted(newest.items(), key=lambda actor: actor[1].casefold())


def kinds(team_id: str) -> list[str]:
    """The first words of the verbs that occur."""
    verbs = Event.objects.filter(team_id=team_id).order_by().values_list("verb", flat=True).distinct()
    return sorted({verb.partition(".")[0] for verb in verbs})


def sign_ins(user_id: str) -> QuerySet[Event]:
    """When somebody came in with this account, and when somebody failed to."""
    return Event.objects.filter(object_id=user_id, verb__in=["person.signed_in", "person.sign_in_failed"]).order_by(
        "-id"
    )
