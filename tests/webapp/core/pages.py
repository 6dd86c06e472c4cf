"""Pages that exist only in tests: every part in its states, and views that fail in each way."""

import datetime as dt
import math
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import include, path
from django.utils import timezone
from django.utils.html import format_html

from webapp.accounts.models import Team
from webapp.artifacts.models import Upload
from webapp.core import charts, confirm, findings, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.core.verdict import Verdict
from webapp.urls import handler400, handler403, handler404, handler500

TOTAL = 312
HOSTILE = "<img src=x onerror=alert(1)>"


class Form(forms.Form):
    name = forms.CharField(label="Name", max_length=20)
    learning_rate = forms.FloatField(label="Learning rate", help_text="How large each correction is.")
    base = forms.ChoiceField(label="Base model", choices=[("a", "SmolLM2-135M"), ("b", "Qwen2.5-7B")])
    bits = forms.ChoiceField(label="Weights", widget=forms.RadioSelect, choices=[("16", "16 bit"), ("4", "4 bit")])
    scopes = forms.MultipleChoiceField(
        label="Scopes", widget=forms.CheckboxSelectMultiple, choices=[("r", "Read"), ("w", "Write")], required=False
    )
    notes = forms.CharField(label="Notes", widget=forms.Textarea, required=False)
    keep = forms.BooleanField(label="Keep the best checkpoint", required=False, help_text="On by default.")
    file = forms.FileField(label="Drop a file here or choose one", required=False, help_text="CSV, up to 2 GB")


def parts(request: Request) -> HttpResponse:
    """All parts. `?hostile` puts markup into every text a user could have written."""
    form = Form(request.POST or None)
    form.is_valid()
    return render(request, "parts.html", _context(HOSTILE if "hostile" in request.GET else "claims-tone", form))


def _context(name: str, form: Form) -> dict[str, Any]:
    now = timezone.now()
    severity = findings.Severity
    look = findings.Action("Look", "/parts/")
    retry = findings.Action("Retry", "/toast/", "post")
    found = [
        findings.Finding(severity=severity.PASS, title="Template matches", text=name),
        findings.Finding(severity=severity.NOTE, title=f"4 % of {name} are in German"),
        findings.Finding(severity=severity.WARN, title="31 rows are too long", text=name, actions=[look]),
        findings.Finding(severity=severity.BLOCK, title=f"{name} is gated", actions=[retry]),
    ]
    attention, passed = findings.split(found)
    return {
        "title": name,
        "name": name,
        "verdict": Verdict("%(name)s learns well. *About 14 minutes left.*", name=name),
        "form": form,
        "findings": attention,
        "passed": passed,
        "now": now,
        "events": [
            {"at": now, "text": format_html("<b>Checkpoint 4</b> of {}", name), "tone": "good"},
            {"at": now - dt.timedelta(days=3), "text": name, "tone": ""},
        ],
        "facts": [("Method", name), ("Rank", 16)],
        "tokens": [
            {"text": "<|im_start|>", "kind": "read", "special": True},
            {"text": name, "kind": "on"},
            {"text": name, "kind": "cut"},
        ],
        "values": [2.3, 2.0, None, 1.5, 1.4],
        "bars": [charts.Part("Base models", 418, "f2"), charts.Part(name, 131, "f1")],
        "loss": [
            charts.Series(name="loss", label="training", kind="smoothed"),
            charts.Series(name="validation_loss", label="validation", kind="points", number=2),
        ],
        "rate": [charts.Series(name="learning_rate", label="learning rate")],
        "marks": [39, 78, 117],
        "states": ["queued", "starting", "running", "finishing", "paused", "interrupted", "succeeded", "failed"],
        "stages": ["cancelled", "draft", "candidate", "production", "retired"],
        "groups": [{"title": "Runs", "items": [{"label": name, "url": "/parts/", "icon": "run", "state": "running"}]}],
    }


def metrics(request: Request) -> JsonResponse:
    """A run at step 120; once something was asked after a cursor, at step 150. Step 50 has no number."""
    after = int(request.GET.get("after") or 0)
    steps = range(after + 1, 151 if after else 121)
    loss = {"step": list(steps), "value": [None if step == 50 else 1 + math.exp(-step / 60) for step in steps]}
    checks = [step for step in steps if step % 39 == 0]
    series = {
        "loss": loss,
        "validation_loss": {"step": checks, "value": [1.05 + math.exp(-step / 60) for step in checks]},
        "learning_rate": {"step": list(steps), "value": [2e-4 * (1 - step / TOTAL) for step in steps]},
        "elapsed_seconds": {"step": list(steps), "value": [6.0 * step for step in steps]},
    }
    wanted = request.GET["names"].split(",")
    found = {name: points for name, points in series.items() if name in wanted}
    answer = {"cursor": str(steps[-1]), "reset": False, "total_steps": TOTAL, "series": found, "thinned": False}
    return JsonResponse(answer)


def drop(request: Request) -> HttpResponse:
    question = confirm.Question(
        title="Drop claims-tone?",
        intro="This cannot be undone. It will",
        consequences=["stop the run", "delete 4 checkpoints"],
        name="claims-tone",
        button="Drop run",
        back="/parts/",
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    toasts.show(request, "Dropped claims-tone.", undo="/toast/")
    return redirect("/parts/")


def toast(request: Request) -> HttpResponse:
    toasts.show(request, "Done by script.", undo="/parts/")
    return HttpResponse("<p>swapped</p>")


def fragment(request: Request) -> HttpResponse:
    return htmx.render(request, "fragment.html", {"title": "Fragment", "step": 7}, part="status")


def bring(request: Request) -> HttpResponse:
    """A form with an upload in parts, into the first team there is."""
    context = {"title": "Bring a file", "form": Form(), "to": Team.objects.first()}
    if request.method == "POST":
        context["upload"] = Upload.objects.get(public_id=request.POST["upload"])
    return render(request, "bring.html", context)


def fail(request: Request) -> HttpResponse:
    raise RuntimeError("the secret of the trace")


def forbid(request: Request) -> HttpResponse:
    raise PermissionDenied("Only a maintainer may delete a dataset.")


def fault(request: Request) -> HttpResponse:
    message = "Row 14 has no answer. Fill the column “answer” and upload the file again."
    raise UserFault("empty_answer", message, field="answer", row=14)


own = [
    ("parts", parts),
    ("metrics", metrics),
    ("drop", drop),
    ("toast", toast),
    ("fragment", fragment),
    ("bring", bring),
]
own += [("fail", fail), ("forbid", forbid), ("fault", fault), ("api/v1/fail", fail), ("api/v1/fault", fault)]
urlpatterns = [path(f"{name}/", view) for name, view in own] + [path("", include("webapp.urls"))]

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
