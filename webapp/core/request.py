"""The request as our views see it."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """For annotations only; the attributes are set by middleware and by the team gate of accounts."""

    id: str
    htmx: "HtmxDetails"
    user: Any  # accounts.User: a page without a person is not reached
    team: Any  # accounts.Team, which stands above core
    membership: Any  # accounts.Membership
