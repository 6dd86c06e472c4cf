"""What the head of a run's page says: is it going well, and when is it done? Rules over plain facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.contract.events import Phase
from webapp.contract.spec import LoraConfig, Method
from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.jobs.lifecycle import Asked, State

if TYPE_CHECKING:
    from webapp.runs.planning import Forecast

FEW_POINTS = 6  # before that a curve says nothing
NOT_YET = 0.2  # share of the steps before which nobody is blamed for not learning
RISES = 1.02  # so much above its best, a validation loss has turned
GAIN = 0.995  # a check that brings less than this brought nothing
FALLS = 0.97  # so much below its start, a training loss has fallen


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A run as it is now. `losses` are the training losses in order, a gap as None; `checks` the validation
    losses, the base model's first.

    `waits` is the code of jobs.queries.Waiting, `ahead` the jobs before this one.
    """

    state: str
    asked: str = ""
    phase: str = Phase.TRAINING
    phase_words: str = ""
    step: int = 0
    total_steps: int = 0
    seconds_left: float | None = None
    losses: Sequence[float | None] = ()
    checks: Sequence[float] = ()
    waits: str = ""
    ahead: int = 0
    fault_title: str = ""
    loss_before: float | None = None
    loss_after: float | None = None
    is_stopped_early: bool = False


def of(facts: Facts) -> Verdict:
    """The one sentence for the state, and within training for how it goes."""
    match facts.state:
        case State.QUEUED:
            return _waiting(facts)
        case State.STARTING:
            return Verdict(_("A worker has it. *Getting ready:* %(phase)s."), phase=_inside(facts.phase_words))
        case State.RUNNING:
            return _running(facts)
        case State.FINISHING:
            return Verdict(_("Trained. *Its files are being stored and read back.*"))
        case State.PAUSED:
            return Verdict(_("Paused at step %(step)s. *Nothing is lost:* it goes on from there."), step=_step(facts))
        case State.INTERRUPTED:
            return Verdict(_("Its worker was lost. *It goes on by itself* from its last checkpoint."))
        case State.SUCCEEDED:
            return _done(facts)
        case State.FAILED:
            return Verdict(_("It stopped with a problem: *%(problem)s.*"), problem=_inside(facts.fault_title))
        case State.CANCELLED:
            return Verdict(_("Cancelled at step %(step)s. *Nothing was kept.*"), step=_step(facts))
    raise AssertionError(f"nobody has words for the state {facts.state!r}")


def _step(facts: Facts) -> str:
    return units.number(facts.step)


def _inside(words: str) -> str:
    """A clause that stands inside a sentence."""
    text = words.rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _waiting(facts: Facts) -> Verdict:
    goes_on = facts.step > 0
    match facts.waits:
        case "no_worker":
            return Verdict(_("Waits, because *no worker is running.* It starts by itself when one does."))
        case "no_label" | "too_few_devices":
            return Verdict(_("Waits, because *no worker that runs now can take it.*"))
        case "too_little_memory":
            return Verdict(_("Waits, because *no device has enough memory for it.*"))
        case "draining":
            return Verdict(_("Waits, because *the workers take nothing new* for now."))
    if facts.ahead <= 0 and goes_on:
        return Verdict(_("Goes on from step %(step)s *as soon as a worker is free.*"), step=_step(facts))
    if facts.ahead <= 0:
        return Verdict(_("Next in line. *It starts as soon as a worker is free.*"))
    text = ngettext("Waits in line, *%(count)s job is before it.*", "Waits in line, *%(count)s jobs are before it.*",
                    facts.ahead)  # fmt: skip
    return Verdict(text, count=units.in_words(facts.ahead))


def _running(facts: Facts) -> Verdict:
    match facts.asked:
        case Asked.PAUSE:
            return Verdict(_("Pausing. *A checkpoint is written first.*"))
        case Asked.STOP_AND_KEEP:
            return Verdict(_("Stopping. *What was learned is kept.*"))
        case Asked.CANCEL:
            return Verdict(_("Being cancelled. *Nothing will be kept.*"))
    if facts.phase in {Phase.SAVING, Phase.CHECKING}:
        return Verdict(_("Trained. *The adapter is being written and read back.*"))
    if facts.phase not in {Phase.TRAINING, Phase.EVALUATING}:
        return Verdict(_("Getting ready: *%(phase)s.*"), phase=_inside(facts.phase_words))
    if not facts.step:
        return _with_time(_("It begins."), facts)
    return _with_time(_course(facts), facts)


def _course(facts: Facts) -> str:
    """How the training goes; the most pressing of what the curves show."""
    if facts.losses and facts.losses[-1] is None:
        return _("Something is wrong: the loss is not a number.")
    known = [loss for loss in facts.losses if loss is not None]
    if len(known) < FEW_POINTS:
        return _("It has begun.")
    if _repeats_rows(facts.checks):
        return _("It begins to repeat its rows: the validation loss rises.")
    if facts.step >= NOT_YET * facts.total_steps and not _falls(known):
        return _("It does not learn yet: the loss has not fallen since the start.")
    if _stands_still(facts.checks):
        return _("Learning slowly: the last checks brought nothing new.")
    if len(facts.checks) >= 2 and facts.checks[-1] < facts.checks[0]:
        return _("Learning well, and not yet repeating itself.")
    return _("Learning: the loss falls.") if _falls(known) else _("It has begun.")


def _falls(losses: Sequence[float]) -> bool:
    """The last fifth lies below the first few."""
    first = fmean(losses[: max(3, len(losses) // 10)])
    return fmean(losses[-max(3, len(losses) // 5) :]) < FALLS * first


def _repeats_rows(checks: Sequence[float]) -> bool:
    """The two newest checks lie clearly above the best one, and the newest above the one before."""
    if len(checks) < 3:
        return False
    best = min(checks)
    return checks[-1] >= checks[-2] > best and checks[-1] > RISES * best


def _stands_still(checks: Sequence[float]) -> bool:
    return len(checks) >= 4 and min(checks[-2:]) > GAIN * min(checks[:-2])


def _with_time(sentence: str, facts: Facts) -> Verdict:
    if facts.seconds_left is None:
        return Verdict("%(sentence)s", sentence=sentence)
    left = units.duration_words(facts.seconds_left)
    return Verdict("%(sentence)s *%(left)s*", sentence=sentence, left=_("About %(time)s left.") % {"time": left})


def _done(facts: Facts) -> Verdict:
    before, after = facts.loss_before, facts.loss_after
    if before is not None and after is not None:
        words = {"before": units.number(before, 2), "after": units.number(after, 2)}
        if after >= before:
            text = _("Done, but *it did not get better:* the validation loss went from %(before)s to %(after)s.")
            return Verdict(text, **words)
        if facts.is_stopped_early:
            text = _("Done early, at its best. The validation loss fell from %(before)s to *%(after)s.*")
            return Verdict(text, **words)
        return Verdict(_("Done. The validation loss fell from %(before)s to *%(after)s.*"), **words)
    known = [loss for loss in facts.losses if loss is not None]
    if len(known) >= FEW_POINTS and _falls(known):
        words = {"before": units.number(fmean(known[:3]), 2), "after": units.number(fmean(known[-3:]), 2)}
        return Verdict(_("Done. The training loss fell from %(before)s to *%(after)s.*"), **words)
    return Verdict(_("Done. *The adapter is in the catalog.*"))


def of_list(*, running: int, waiting: int, failed: int, count: int) -> Verdict:
    """What goes on, on the list of runs."""
    if running and waiting:
        text = ngettext("*%(count)s run is training,* %(waiting)s waiting.",
                        "*%(count)s runs are training,* %(waiting)s waiting.", running)  # fmt: skip
        return Verdict(text, count=units.in_words(running, opens=True), waiting=units.in_words(waiting))
    if running:
        text = ngettext("*%(count)s run is training.*", "*%(count)s runs are training.*", running)
        return Verdict(text, count=units.in_words(running, opens=True))
    if waiting:
        text = ngettext("*%(count)s run waits* for a worker.", "*%(count)s runs wait* for a worker.", waiting)
        return Verdict(text, count=units.in_words(waiting, opens=True))
    if failed:
        text = ngettext("Nothing is training. *%(count)s run failed lately.*",
                        "Nothing is training. *%(count)s runs failed lately.*", failed)  # fmt: skip
        return Verdict(text, count=units.in_words(failed, opens=True))
    if count:
        return Verdict(_("Nothing is training. *All is quiet.*"))
    return Verdict(_("*No run yet.* A run makes an adapter from your rows."))


def of_recipes(*, own: int) -> Verdict:
    if own:
        text = ngettext("Three ways to train come with Tunesmith, *%(count)s is your own.*",
                        "Three ways to train come with Tunesmith, *%(count)s are your own.*", own)  # fmt: skip
        return Verdict(text, count=units.in_words(own))
    return Verdict(_("Three ways to train, *from a quick try to a thorough one.* Yours can stand beside them."))


def of_recipe(config: LoraConfig) -> Verdict:
    """What the recipe is, in the words of somebody who hands it on."""
    passes = config.num_train_epochs
    amount = ngettext("%(count)s pass", "%(count)s passes", 1 if passes == 1 else 2)
    words = {
        "method": "QLoRA" if config.method is Method.QLORA else "LoRA",
        "rank": units.number(config.lora_r),
        "passes": amount % {"count": units.number(passes)},
    }
    if config.early_stopping_patience:
        return Verdict(
            _("%(method)s with rank %(rank)s, *up to %(passes)s;* it stops when it gets no better."), **words
        )
    return Verdict(_("%(method)s with rank %(rank)s, *%(passes)s over the rows.*"), **words)


def of_forecast(seen: "Forecast | None", *, problem: str = "") -> Verdict:
    """Will it fit, how long, and does anything stand in the way?"""
    if problem:
        return Verdict(_("This cannot start yet: *%(problem)s*"), problem=problem)
    if seen is None:
        return Verdict(_("Choose what shall be learned, and *which model shall learn it.*"))
    if seen.blocked is not None:
        return Verdict(_("This cannot start yet: *%(problem)s.*"), problem=_inside(str(seen.blocked.finding.title)))
    if not seen.plan.has_worker:
        return Verdict(_("It can be launched, and *waits until a worker runs.*"))
    if seen.best is None:
        return Verdict(_("It can be launched. *How long it takes shows after its first steps.*"))
    if not seen.best.fits:
        return Verdict(_("It *may not fit* into the memory of %(device)s."), device=seen.best.device.place)
    words = {"device": seen.best.device.place, "time": units.duration_words(seen.best.seconds), "rest": _rest(seen)}
    if seen.best.seconds is None:
        return Verdict(_("This fits on %(device)s. *How long it takes shows after its first steps.* %(rest)s"), **words)
    return Verdict(_("This fits on %(device)s and takes *about %(time)s.* %(rest)s"), **words)


def _rest(seen: "Forecast") -> str:
    count = seen.warning_count
    if not count:
        return _("Nothing stands in the way.")
    return ngettext("%(count)s warning is below.", "%(count)s warnings are below.", count) % {
        "count": units.in_words(count, opens=True)
    }
