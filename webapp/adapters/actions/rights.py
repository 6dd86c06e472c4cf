from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters.models import Adapter


def require_change(*, by: User | None, adapter: Adapter) -> None:
    access.require_change(
        by=by, team=adapter.team, made_by_id=adapter.created_by_id, permission=access.Permission.TRAIN
    )
