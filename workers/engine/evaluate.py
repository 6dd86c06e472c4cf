"""Held-out loss and greedy answers of the base and of the adapter, in the form in which the adapter was trained."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch

from webapp.contract import codec, spec
from webapp.contract.events import Phase, Progressed
from workers.engine import architectures, batches, chat, data, decisions, durable, model, order, scores
from workers.engine.chat import ChatFormat
from workers.engine.decisions import Decisions, Shape
from workers.engine.faults import EngineFault
from workers.engine.generate import Answer, Generator, end_of_turn_ids
from workers.engine.job import Job
from workers.engine.lora import use_fused_products
from workers.engine.pairs import check_adapter
from workers.engine.result import FACTS, FILES
from workers.engine.template import Message, TemplateRefused

log = logging.getLogger(__name__)

LONGEST_ANSWER_FACTOR = 2  # an answer twice as long as any expected one is wrong already
SHORTEST_LIMIT = 64


@dataclass(frozen=True)
class Question:
    row: int
    prompt: list[Message]
    expected: str
    ids: list[int]


def run(job: Job) -> dict[str, Any]:
    """Do the job; returns the scores. Raises EngineFault, StopAsked."""
    wanted = order.read_evaluate_spec(job.order)
    base, adapter = job.folder.input(wanted.base.path), job.folder.input(wanted.adapter_path)
    check_adapter(adapter)
    config = architectures.read_config(base)
    chat_format = ChatFormat.load(base)
    job.enter(Phase.TOKENIZING)
    held_out = held_out_path(job, wanted.dataset)
    rows = data.read_spread(held_out, limit=data.HELD_OUT_ROWS)
    examples = data.tokenize(rows, chat_format, max_length=wanted.max_length)
    data.require_something_to_learn(examples, max_length=wanted.max_length)
    questions = read_questions(job, wanted, held_out, chat_format)

    job.enter(Phase.LOADING_MODEL)
    chosen = decisions_of_training(job, adapter, config, base)
    decisions.announce(chosen)
    torch.set_num_threads(chosen.threads)
    adapted = peft.PeftModel.from_pretrained(model.load_base(base, chosen), str(adapter)).eval()
    use_fused_products(adapted)

    job.enter(Phase.EVALUATING)
    losses = measure(job, adapted, examples, chosen)
    job.enter(Phase.ANSWERING)
    limit = answer_limit(wanted, questions, chat_format)
    generator = Generator(adapted, chat_format, end_of_turn_ids(base, chat_format, config), limit, job.stop)
    answers = answer_all(job, generator, questions)
    job.enter(Phase.SAVING)
    found = {
        "rows": len(questions),
        "validation_rows": len(examples),
        "validation_loss": losses,
        "max_new_tokens": limit,
        "decisions": codec.to_dict(chosen),
        **scores.score([item.expected for item in questions],
                       {side: [answer.text for answer in answers[side]] for side in scores.SIDES}),
    }  # fmt: skip
    write_result(job, questions, answers, found)
    return found


def held_out_path(job: Job, dataset: spec.DatasetRef) -> Path:
    return job.folder.input(dataset.validation_path or dataset.train_path)


def read_questions(job: Job, wanted: spec.EvaluateSpec, path: Path, chat_format: ChatFormat) -> list[Question]:
    """Held-out rows whose last answer is asked for again; at most `max_rows`, evenly spread."""
    questions, skipped = [], []
    for row in data.read_spread(path, limit=wanted.max_rows):
        cut = chat.prompt_and_expected(row.messages)
        try:
            ids = chat_format.encode_prompt(cut[0]) if cut else []
        except TemplateRefused:
            ids = []
        if cut is None or not 0 < len(ids) <= wanted.max_length:
            skipped.append(row.number)
            continue
        questions.append(Question(row.number, cut[0], cut[1], ids))
    if skipped:
        job.note("rows_not_asked", is_warning=True, count=len(skipped), rows=skipped[: data.ROWS_NAMED])
    return questions


def decisions_of_training(job: Job, adapter: Path, config: dict[str, Any], base: Path) -> Decisions:
    """The form of the base that the adapter was trained on, as the device that we have now computes it best."""
    form = form_of_training(adapter)
    if form is None:
        job.note("form_of_training_unknown", is_warning=True)
    return decisions.decide(
        form or spec.LoraConfig(method=spec.Method.LORA),
        Shape.of(config, base),
        architectures.architecture_of(config),
        device=decisions.resolve_device(job.order.device),
        threads=job.order.threads,
        longest=1,
    )


def form_of_training(adapter: Path) -> spec.LoraConfig | None:
    """Precision and quantization of the base, from what was decided in training; None where nobody wrote it down."""
    try:
        decided = chat.read_json(adapter / FACTS).get("decisions", {})
        is_plain = decided["weights_4bit_execution"] == decisions.NO_QUANTISATION
        precision = spec.Precision(decided["precision"])
    except (EngineFault, KeyError, TypeError, ValueError):
        return None
    return spec.LoraConfig(method=spec.Method.LORA if is_plain else spec.Method.QLORA, precision=precision)


def measure(job: Job, adapted: Any, examples: data.Dataset, chosen: Decisions) -> dict[str, float]:
    """Token-weighted held-out loss of both sides."""

    def pieces() -> Any:
        for piece in batches.every_micro_batch(
            examples, token_budget=chosen.tokens_per_micro_batch, rows=chosen.micro_batch_size, pad_id=0
        ):
            job.stop.check()
            yield piece

    with adapted.disable_adapter():
        base = model.mean_loss(adapted, pieces())
    losses = {"base": base, "adapter": model.mean_loss(adapted, pieces())}
    log.info("held-out loss: base %.4f, adapter %.4f", losses["base"], losses["adapter"])
    return losses


def answer_limit(wanted: spec.EvaluateSpec, questions: list[Question], chat_format: ChatFormat) -> int:
    longest = max((len(chat_format.encode_text(item.expected)) for item in questions), default=0)
    return min(wanted.max_new_tokens, max(SHORTEST_LIMIT, LONGEST_ANSWER_FACTOR * longest))


def answer_all(job: Job, generator: Generator, questions: list[Question]) -> dict[str, list[Answer]]:
    """Answers of both sides, the base first."""
    prompts = [item.ids for item in questions]
    total, done = len(prompts) * len(scores.SIDES), 0

    def on_done(more: int) -> None:
        nonlocal done
        done += more
        job.say(Progressed(done=done, total=total, unit="rows"))

    with generator.model.disable_adapter():
        base = generator.answer(prompts, on_done)
    return {"base": base, "adapter": generator.answer(prompts, on_done)}


def write_result(job: Job, questions: list[Question], answers: dict[str, list[Answer]], found: dict[str, Any]) -> None:
    durable.sweep(job.folder.path, job.folder.result.name)
    lines = [
        json.dumps(
            {
                "row": item.row,
                "prompt": item.prompt,
                "expected": item.expected,
                "base": base.text,
                "adapter": adapter.text,
                "base_is_cut": base.is_cut,
                "adapter_is_cut": adapter.is_cut,
            },
            ensure_ascii=False,
        )
        for item, base, adapter in zip(questions, answers["base"], answers["adapter"], strict=True)
    ]
    with durable.folder_in_the_making(job.folder.result) as folder:
        durable.write_text(folder / "answers.jsonl", "".join(line + "\n" for line in lines))
        durable.write_json(folder / "scores.json", found)
        durable.write_json(folder / FILES, durable.describe_files(folder))
