"""`Idempotency-Key`: a POST that was sent twice happens once, and gets the same answer twice."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from webapp.api.auth import caller
from webapp.api.models import IdempotencyKey
from webapp.core.faults import UserFault

HEADER = "Idempotency-Key"
LONGEST_KEY = 128


def once(request: HttpRequest, body: Any, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do `make` and keep its answer under the caller's key for a day; a repeat gets the kept answer.

    The key's row is written in the transaction of the deed itself, so both stand or neither does.
    Raises a 422 fault when the key was used for another request.
    """
    key = request.headers.get(HEADER, "")
    if not key:
        return make()
    if len(key) > LONGEST_KEY:
        raise UserFault("bad_idempotency_key", _("An Idempotency-Key has at most 128 characters."), HEADER, status=400)
    who = caller(request)
    fingerprint = hashlib.sha256(json.dumps([who.team.pk, request.path, body], sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        row, is_new = IdempotencyKey.objects.select_for_update().get_or_create(
            user=who.user, key=key, defaults={"request_sha256": fingerprint}
        )
        if row.request_sha256 != fingerprint:
            raise UserFault(
                "idempotency_key_reused",
                _("This Idempotency-Key was used for another request. Use a new key for a new request."),
                HEADER,
            )
        if not is_new and row.body is not None:
            return dict(row.body)
        row.body = make()
        row.save(update_fields=["body"])
        return dict(row.body)
