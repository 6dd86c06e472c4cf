"""Trains one adapter: the whole road from rows to a checked result.

A step takes `batch_size` examples through the model in pieces of like length. The step's loss is the sum over all
its learnt tokens divided by their number, whatever the pieces, so that memory decides speed and never the result.
Row order, learning rate and dropout are functions of (seed, step): after a kill the same adapter comes out, to
the bit, on the CPU.
"""

import hashlib
import logging
import math
import resource
import sys
import time
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from webapp.contract import codec, spec
from webapp.contract.events import Fault, Metrics, Phase, Planned, Progressed
from workers.engine import architectures, batches, chat, crash, data, decisions, model, order, result
from workers.engine.checkpoint import Checkpoints, Identity, Loaded, State
from workers.engine.decisions import Decisions, Shape
from workers.engine.faults import EngineFault, StopAsked
from workers.engine.job import Job

log = logging.getLogger(__name__)

MEASUREMENTS = 10  # of the held-out loss in a run, unless eval_steps says otherwise
MEASURING_SHARE = 0.1  # of the run's time at most
BACKWARD_FACTOR = 3  # a training token costs about three measured ones
ROWS_BETWEEN_WORDS = 5000  # of tokenizing; about a second


def run(job: Job) -> dict[str, Any]:
    """Do the job; returns the data of its last word. Raises EngineFault, StopAsked."""
    wanted = order.read_train_spec(job.order)
    base = job.folder.input(wanted.base.path)
    config = architectures.read_config(base)
    check_context(wanted.config, config)
    job.enter(Phase.TOKENIZING)
    chat_format = chat.ChatFormat.load(base)
    train_rows, held_out = read_datasets(job, wanted, chat_format)

    job.enter(Phase.LOADING_MODEL)
    checkpoints = Checkpoints(job.folder.checkpoints, identity(job))
    loaded = checkpoints.newest_valid()
    for note in checkpoints.notes:
        job.say(note)
    chosen = settle_decisions(job, wanted, config, loaded, longest=int(train_rows.lengths.max()))
    torch.set_num_threads(chosen.threads)
    adapted = model.add_adapter(model.load_base(base, chosen), wanted.config, wanted.base)
    training = Training(job, wanted, train_rows, held_out, chosen, checkpoints, adapted)
    if loaded:
        training.resume_from(loaded)
    job.stop.check()
    if job.order.ends_at_checkpoint:
        training.end_here()
    training.plan_and_say()
    training.train()
    return result.finish(training, template_sha256=chat_format.fingerprint)


@dataclass
class Training:
    """One run in memory."""

    job: Job
    spec: spec.TrainSpec
    train_rows: data.Dataset
    held_out: data.Dataset | None
    decisions: Decisions
    checkpoints: Checkpoints
    adapted: Any
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.config = self.spec.config
        self.plan = batches.Plan.of(self.config, examples=len(self.train_rows))
        self.parameters: dict[str, nn.Parameter] = model.trainable(self.adapted)
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=0.0, weight_decay=self.config.weight_decay, foreach=True
        )
        self.measure_every = measure_every(self.config, self.plan, self.train_rows, self.held_out)
        self.resumed_from = 0
        self._saved_step = -1
        self._saved_at = time.monotonic()

    # The loop.

    def train(self) -> None:
        """Raises StopAsked after a checkpoint, EngineFault where the loss is lost."""
        model.prepare_for_training(self.adapted, self.decisions)
        self.job.enter(Phase.TRAINING)
        while True:
            if self.is_measurement_due():
                self.measure()
                if self.state.step:
                    self.save()
            if self.state.step == self.plan.total_steps or self.state.is_stopped_early:
                break
            if self.job.stop.is_asked:
                self.save()
                raise StopAsked
            self.take_step()
            if self.is_checkpoint_due():
                self.save()
        self.save()

    def take_step(self) -> None:
        """One optimizer step: draw rows, add up gradients, clip, move."""
        started = time.monotonic()
        step, lengths = self.state.step, self.train_rows.lengths
        pieces = [
            batches.collate(self.train_rows, indices, pad_id=self.pad_id)
            for indices in batches.micro_batches(
                lengths,
                self.plan.examples_of_step(step),
                token_budget=self.decisions.tokens_per_micro_batch,
                rows=self.decisions.micro_batch_size,
            )
        ]
        learnt = sum(len(piece.targets) for piece in pieces)
        torch.manual_seed(seed_of_step(self.config.seed, step))
        loss = 0.0
        for piece in pieces:
            part = model.summed_loss(self.adapted, piece) / learnt
            part.backward()
            loss += float(part.detach())
        crash.point("train.gradients_ready")
        limit = self.config.max_grad_norm or math.inf
        grad_norm = float(nn.utils.clip_grad_norm_(self.parameters.values(), limit))
        rate = learning_rate_at(step, self.config, self.plan.total_steps)
        if math.isfinite(loss) and math.isfinite(grad_norm):
            self._move(rate)
        tokens, seconds = sum(piece.real_tokens for piece in pieces), time.monotonic() - started
        self._account(loss=loss, grad_norm=grad_norm, rate=rate, tokens=tokens, seconds=seconds)
        crash.point("train.step_done")

    def _move(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _account(self, *, loss: float, grad_norm: float, rate: float, tokens: int, seconds: float) -> None:
        state = self.state
        state.step += 1
        state.tokens_seen += tokens
        state.seconds += seconds
        values = {
            "loss": loss,
            "learning_rate": rate,
            "grad_norm": grad_norm,
            "tokens_per_second": tokens / max(seconds, 1e-9),
            "memory_bytes": float(memory_bytes(self.decisions.device)),
            "epoch": self.plan.epoch_at(state.step),
            "tokens_seen": float(state.tokens_seen),
            "elapsed_seconds": state.seconds,
        }
        self.job.say(metrics(state.step, values))
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            raise EngineFault(Fault.LOSS_NOT_FINITE, step=state.step, learning_rate=rate)
        if state.first_loss is None:
            state.first_loss = loss
        state.last_loss = loss
        log.info("step %d/%d loss %.4f rate %.2e %.0f tokens/s", state.step, self.plan.total_steps, loss, rate,
                 values["tokens_per_second"])  # fmt: skip

    # Measuring on held-out rows.

    def is_measurement_due(self) -> bool:
        if self.held_out is None or self.state.measured_step == self.state.step:
            return False
        return self.state.step % self.measure_every == 0 or self.state.step == self.plan.total_steps

    def measure(self) -> None:
        """Held-out loss now; keeps the best, and decides whether to stop early."""
        started = time.monotonic()
        loss = self.held_out_loss()
        state = self.state
        state.seconds += time.monotonic() - started
        state.measured_step, state.validation_last = state.step, loss
        if not state.step:
            state.validation_before = loss
        elif math.isfinite(loss) and (state.best_validation is None or loss < state.best_validation):
            state.best_step, state.best_validation, state.measurements_since_best = state.step, loss, 0
        else:
            state.measurements_since_best += 1
        self.job.say(metrics(state.step, {"validation_loss": loss}))
        log.info("step %d validation loss %.4f", state.step, loss)
        patience = self.config.early_stopping_patience
        if patience and state.measurements_since_best >= patience and state.step < self.plan.total_steps:
            state.is_stopped_early = True
            self.job.note("stopped_early", step=state.step, best_step=state.best_step, patience=patience)

    def held_out_loss(self) -> float:
        """A stop asked for meanwhile is obeyed at once, with a checkpoint of the step that stands."""
        assert self.held_out is not None
        pieces = batches.every_micro_batch(
            self.held_out,
            token_budget=self.decisions.tokens_per_micro_batch,
            rows=self.decisions.micro_batch_size,
            pad_id=self.pad_id,
        )
        try:
            return model.mean_loss(self.adapted, (self._unless_stopped(piece) for piece in pieces))
        except StopAsked:
            if self.state.step:
                self.save()
            raise

    def _unless_stopped(self, piece: batches.MicroBatch) -> batches.MicroBatch:
        self.job.stop.check()
        return piece

    # Keeping and taking up again.

    def is_checkpoint_due(self) -> bool:
        every = self.config.checkpoint_seconds
        return bool(every) and time.monotonic() - self._saved_at >= every

    def save(self) -> None:
        if self._saved_step == self.state.step:
            return
        moments = {
            f"{name}.{moment}": self.optimizer.state[parameter][moment].detach().to("cpu", copy=True)
            for name, parameter in self.parameters.items()
            for moment in ("exp_avg", "exp_avg_sq")
            if parameter in self.optimizer.state
        }
        written = self.checkpoints.save(
            adapter=model.adapter_tensors(self.adapted), optimizer=moments, state=self.state, decisions=self.decisions
        )
        self._saved_step, self._saved_at = self.state.step, time.monotonic()
        self.job.say(written)

    def resume_from(self, loaded: Loaded) -> None:
        model.load_adapter_tensors(self.adapted, loaded.adapter)
        for name, parameter in self.parameters.items():
            if f"{name}.exp_avg" in loaded.optimizer:
                self.optimizer.state[parameter] = self._moments(loaded, name, parameter.device)
        self.state = loaded.state
        self.resumed_from = self._saved_step = loaded.state.step

    @staticmethod
    def _moments(loaded: Loaded, name: str, device: torch.device) -> dict[str, Tensor]:
        return {
            "step": torch.tensor(float(loaded.state.step)),
            "exp_avg": loaded.optimizer[f"{name}.exp_avg"].to(device),
            "exp_avg_sq": loaded.optimizer[f"{name}.exp_avg_sq"].to(device),
        }

    def end_here(self) -> None:
        """Make the newest checkpoint the end of the run. Raises EngineFault where there is none."""
        if not self.resumed_from:
            raise EngineFault(Fault.DAMAGED_INPUT, file="checkpoints", reason="no_valid_checkpoint")
        self.plan = replace(self.plan, total_steps=self.resumed_from)

    def plan_and_say(self) -> None:
        ours, total = self.adapted.get_nb_trainable_parameters()
        shown = codec.to_dict(self.decisions) | {"measure_every_steps": self.measure_every if self.held_out else 0}
        self.job.say(
            Planned(
                total_steps=self.plan.total_steps,
                resumed_from_step=self.resumed_from,
                train_rows=len(self.train_rows),
                validation_rows=len(self.held_out) if self.held_out else 0,
                trainable_parameters=ours,
                total_parameters=total,
                trained_tokens_per_epoch=self.train_rows.trained_tokens,
                decisions=shown,
            )
        )

    @property
    def pad_id(self) -> int:
        """Any token will do: nothing real ever looks at padding."""
        return 0


def read_datasets(
    job: Job, wanted: spec.TrainSpec, chat_format: chat.ChatFormat
) -> tuple[data.Dataset, data.Dataset | None]:
    """Training and held-out examples. Raises EngineFault where there is nothing to learn."""
    limit = wanted.config.max_length
    path = job.folder.input(wanted.dataset.train_path)
    total = data.count_rows(path)

    def on_row(done: int) -> None:
        job.stop.check()
        if done % ROWS_BETWEEN_WORDS == 0:
            job.say(Progressed(done=done, total=total, unit="rows"))

    train_rows = data.tokenize(data.read_rows(path), chat_format, max_length=limit, on_row=on_row)
    for note in train_rows.omissions.notes(part="train", max_length=limit):
        job.say(note)
    data.require_something_to_learn(train_rows, max_length=limit)
    held_out = read_held_out(job, wanted.dataset, chat_format, max_length=limit)
    if held_out is None and wanted.config.early_stopping_patience:
        job.note("early_stopping_without_validation", is_warning=True)
    return train_rows, held_out


def read_held_out(
    job: Job, dataset: spec.DatasetRef, chat_format: chat.ChatFormat, *, max_length: int
) -> data.Dataset | None:
    """Evenly spread held-out rows; None where there are none to measure on."""
    if not dataset.validation_path:
        return None
    path = job.folder.input(dataset.validation_path)
    rows = data.read_spread(path, limit=data.HELD_OUT_ROWS)
    held_out = data.tokenize(rows, chat_format, max_length=max_length, on_row=lambda _done: job.stop.check())
    for note in held_out.omissions.notes(part="validation", max_length=max_length):
        job.say(note)
    if data.count_rows(path) > data.HELD_OUT_ROWS:
        job.note("held_out_sampled", rows=data.HELD_OUT_ROWS, total=data.count_rows(path))
    return held_out if len(held_out) else None


def settle_decisions(
    job: Job, wanted: spec.TrainSpec, config: dict[str, Any], loaded: Loaded | None, *, longest: int
) -> Decisions:
    """Take what an earlier attempt decided, else decide; store and print it either way."""
    device = decisions.resolve_device(job.order.device)
    earlier = loaded.decisions if loaded else decisions.load(job.folder.decisions)
    if earlier and earlier.device.partition(":")[0] != device.partition(":")[0]:
        job.note("resumed_on_other_device", is_warning=True, before=earlier.device, now=device)
        earlier = None
    chosen = earlier or decisions.decide(
        wanted.config,
        Shape.of(config, job.folder.input(wanted.base.path)),
        architectures.architecture_of(config),
        device=device,
        threads=job.order.threads,
        longest=longest,
    )
    decisions.keep(job.folder.decisions, chosen)
    decisions.announce(chosen)
    return chosen


def check_context(config: spec.LoraConfig, base_config: dict[str, Any]) -> None:
    context = architectures.context_length(base_config)
    if context and config.max_length > context:
        raise EngineFault(Fault.BAD_CONFIG, field="max_length", value=config.max_length, nearest=context)


def identity(job: Job) -> Identity:
    """The order without its attempt and machine: what a checkpoint must belong to."""
    return Identity(hashlib.sha256(codec.dumps(job.order.spec).encode()).hexdigest(), job.versions)


def measure_every(
    config: spec.LoraConfig, plan: batches.Plan, train_rows: data.Dataset, held_out: data.Dataset | None
) -> int:
    """Steps between two measurements: as asked, else about ten in a run and at most a tenth of its time."""
    if config.eval_steps or held_out is None:
        return config.eval_steps or plan.total_steps
    trained = len(train_rows.ids) * plan.total_steps / plan.steps_per_epoch * BACKWARD_FACTOR
    affordable = int(MEASURING_SHARE * trained / max(1, len(held_out.ids)))
    return max(1, math.ceil(plan.total_steps / min(MEASUREMENTS, max(1, affordable))))


def learning_rate_at(step: int, config: spec.LoraConfig, total_steps: int) -> float:
    """Rate of the 0-based step: linear warm-up that never starts at zero, then the schedule down to zero."""
    warmup = math.ceil(config.warmup_ratio * total_steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    match config.lr_scheduler:
        case spec.Schedule.COSINE:
            return config.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
        case spec.Schedule.LINEAR:
            return config.learning_rate * (1 - progress)
        case spec.Schedule.CONSTANT:
            return config.learning_rate


def seed_of_step(seed: int, step: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{step}".encode()).digest()[:8], "big") >> 1


def metrics(step: int, values: dict[str, float]) -> Metrics:
    """Values that JSON cannot carry become None and a flag."""
    flags = {name: str(value) for name, value in values.items() if not math.isfinite(value)}
    return Metrics(step=step, values={name: None if name in flags else value for name, value in values.items()},
                   flags=flags)  # fmt: skip


def memory_bytes(device: str) -> int:
    """The most that was used so far: what the next run of this kind must find free."""
    if device != "cpu":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
