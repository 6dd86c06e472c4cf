"""Uploads as scripts speak them: open, send chunks from an offset, finish. Every answer is JSON."""

import functools
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts.access import Permission, team_view
from webapp.artifacts import actions
from webapp.artifacts.models import Upload
from webapp.core import errors
from webapp.core.faults import UserFault
from webapp.core.request import Request

OFFSET_HEADER = "Upload-Offset"


def says_faults_in_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Faults of the user as problem+json, with what the script needs to go on (the right offset, the limit)."""

    @functools.wraps(view)
    def wrapper(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except UserFault as fault:
            problem = errors.Problem(status=fault.status, code=fault.code, title=fault.message)
            response = errors.problem_json(request, problem, field=fault.field, **fault.data)
            if "offset" in fault.data:
                response.headers[OFFSET_HEADER] = str(fault.data["offset"])
            return response

    return wrapper


@never_cache
@require_POST
@team_view(Permission.UPLOAD)
@says_faults_in_json
def open_upload(request: Request) -> HttpResponse:
    """`{"file_name", "size_bytes"}` → 201 with where to send the parts and how large they may be."""
    wanted = _json_object(request)
    file_name, size_bytes = wanted.get("file_name"), wanted.get("size_bytes")
    if not isinstance(file_name, str) or not isinstance(size_bytes, int) or isinstance(size_bytes, bool):
        raise _bad_request(_("Send file_name as text and size_bytes as a whole number."))
    upload = actions.open_upload(by=request.user, team=request.team, file_name=file_name, size_bytes=size_bytes)
    url = reverse("artifacts:upload", args=[request.team.slug, upload.public_id])
    body = {"upload": upload.public_id, "url": url, "chunk_bytes": settings.UPLOAD_CHUNK_BYTES, "offset": 0}
    return JsonResponse(body, status=201, headers={"Location": url, OFFSET_HEADER: "0"})


@never_cache
@require_http_methods(["GET", "HEAD", "PATCH", "DELETE"])
@team_view(Permission.UPLOAD)
@says_faults_in_json
def upload(request: Request, upload: str) -> HttpResponse:
    """How far an upload is, its next part (raw bytes, placed by the header Upload-Offset), or its end."""
    found = _own_upload(request, upload)
    if request.method == "DELETE":
        actions.drop_upload(upload=found)
        return HttpResponse(status=204)
    if request.method == "PATCH":
        found = actions.append_chunk(upload=found, offset=_offset(request), chunk=_body(request))
        return HttpResponse(status=204, headers={OFFSET_HEADER: str(found.received_bytes)})
    offset = actions.received_bytes(found)
    body = {"upload": found.public_id, "offset": offset, "size_bytes": found.size_bytes, "state": found.state}
    return JsonResponse(body, headers={OFFSET_HEADER: str(offset)})


@never_cache
@require_POST
@team_view(Permission.UPLOAD)
@says_faults_in_json
def finish_upload(request: Request, upload: str) -> HttpResponse:
    found = actions.finish_upload(upload=_own_upload(request, upload))
    return JsonResponse({"upload": found.public_id, "size_bytes": found.size_bytes})


def _own_upload(request: Request, public_id: str) -> Upload:
    """Only who began an upload goes on with it."""
    return get_object_or_404(Upload, public_id=public_id, team=request.team, created_by=request.user)


def _json_object(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError as error:
        raise _bad_request(_("The request holds no valid JSON.")) from error
    if not isinstance(found, dict):
        raise _bad_request(_("The request must hold a JSON object."))
    return found


def _offset(request: Request) -> int:
    value = request.headers.get(OFFSET_HEADER, "")
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise _bad_request(_("Say in the header Upload-Offset at which byte this part begins."))
    return int(value)


def _body(request: Request) -> bytes:
    """At most one part and a byte, so that a larger one is noticed and never held whole."""
    return request.read(settings.UPLOAD_CHUNK_BYTES + 1)


def _bad_request(message: str) -> UserFault:
    return UserFault(code="bad_request", status=400, message=message)
