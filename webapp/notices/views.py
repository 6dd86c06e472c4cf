from typing import cast

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.models import User
from webapp.core import htmx, paging, toasts, units
from webapp.core.request import Request
from webapp.core.verdict import Verdict
from webapp.notices import actions, queries


@require_safe
def list_notices(request: Request) -> HttpResponse:
    user = cast(User, request.user)
    unread = queries.unread_count(user)
    context = {
        "title": _("Notifications"),
        "verdict": verdict(unread),
        "page": paging.page(queries.of(user), after=request.GET.get("after", "")),
        "unread": unread,
    }
    return htmx.render(request, "notices/list.html", context)


def verdict(unread: int) -> Verdict:
    if not unread:
        return Verdict(_("Nothing new. You have seen *everything*."))
    news = ngettext("*%(unread)s thing* is new.", "*%(unread)s things* are new.", unread)
    return Verdict(news, unread=units.in_words(unread, opens=True))


@require_safe
def open_notice(request: Request, notice_id: str) -> HttpResponse:
    """Go where the notice points; it is read then."""
    user = cast(User, request.user)
    notice = get_object_or_404(queries.of(user), public_id=notice_id)
    actions.mark_read(by=user, notice=notice)
    return redirect(notice.url)


@require_POST
def read_all(request: Request) -> HttpResponse:
    actions.mark_all_read(by=cast(User, request.user))
    toasts.show(request, _("All marked as read."))
    return redirect("notices:list")


@never_cache
@require_safe
def count(request: Request) -> HttpResponse:
    """The number at the bell, as a fragment."""
    return htmx.render(request, "notices/count.html", {"unread": queries.unread_count(cast(User, request.user))})
