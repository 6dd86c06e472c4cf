"""What the pages of base models say at their head."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.basemodels.models import PretrainedModel
from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.jobs.models import Job, State


def of_list(models: Sequence[PretrainedModel]) -> Verdict:
    """Can we start? First what works, then what is on its way, then what did not work."""
    ready = sum(model.is_ready for model in models)
    failed = sum(is_failed(model) for model in models)
    coming = len(models) - ready - failed
    if ready and not coming:
        text = ngettext(
            "*%(count)s base model* is ready to learn.", "*%(count)s base models* are ready to learn.", ready
        )
        return Verdict(text, count=units.in_words(ready, opens=True))
    if ready:
        text = ngettext("%(ready)s is ready to learn, *%(count)s is on its way.*",
                        "%(ready)s are ready to learn, *%(count)s are on their way.*", ready)  # fmt: skip
        return Verdict(text, ready=units.in_words(ready, opens=True), count=units.in_words(coming))
    if coming:
        return Verdict(_("The first base model is *on its way.* You can prepare your data meanwhile."))
    if failed:
        return Verdict(_("No base model is here yet: *fetching failed.* The reason stands beside it."))
    return Verdict(_("*No base model* is here yet. Add the one that shall learn."))


def of_model(model: PretrainedModel) -> Verdict:
    """Can this one be trained?"""
    if model.is_ready and not model.has_chat_template:
        return Verdict(_("*It cannot be trained on conversations:* it brings no chat template."))
    if model.is_ready:
        words = {"parameters": units.compact(model.parameters)}
        if not model.context_length:
            return Verdict(_("Ready to learn, with *%(parameters)s parameters.*"), **words)
        words["tokens"] = units.number(model.context_length)
        return Verdict(
            _("Ready to learn. *%(parameters)s parameters,* reads up to %(tokens)s tokens at once."), **words
        )
    if model.job is None or model.job.state in {State.FAILED, State.CANCELLED}:
        return Verdict(_("It is *not here.* Nothing was lost; you can try again."))
    if model.job.state == State.QUEUED:
        return Verdict(_("Waits for a worker *that can fetch it.*"))
    share = fetched_share(model.job)
    if share is None:
        return Verdict(_("*On its way.* It is checked before it can be used."))
    return Verdict(_("On its way, *%(share)s are here.*"), share=units.percent(share, 0))


def fetched_share(job: Job) -> float | None:
    """How much has arrived, where that is known."""
    return min(1.0, job.progress_done / job.progress_total) if job.progress_total else None


def is_failed(model: PretrainedModel) -> bool:
    return not model.is_ready and (model.job is None or model.job.state in {State.FAILED, State.CANCELLED})
