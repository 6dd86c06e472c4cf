"""The small numbers beside the places of the navigation."""

from collections.abc import Mapping

from webapp.accounts.models import Team, User
from webapp.adapters import facets
from webapp.basemodels.models import PretrainedModel
from webapp.datasets.models import Dataset
from webapp.notices.models import Notice
from webapp.runs.models import Run


def for_member(*, user: User, team: Team) -> Mapping[str, int]:
    """URL name → count; called at most once in 15 seconds for a person (settings.NAV_COUNTS)."""
    return {
        "datasets:list": Dataset.objects.live().filter(team=team).count(),
        "basemodels:list": PretrainedModel.objects.for_team(team).count(),
        "runs:list": Run.objects.live().filter(team=team).count(),
        "adapters:list": facets.total(team),
        "notices:list": Notice.objects.filter(user=user, read_at=None).count(),
    }
