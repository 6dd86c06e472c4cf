"""The settings of a recipe, each once: its name for people, what it does, what is usual, what is possible."""

import enum
import math
from dataclasses import dataclass, fields
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.contract.spec import LoraConfig, Method, Precision, Schedule, TargetModules

Words = str | Promise


class Group(enum.StrEnum):
    """The parts of the Advanced form, in the order in which they are shown."""

    ADAPTER = "adapter"
    LEARNING = "learning"
    AMOUNT = "amount"
    MACHINE = "machine"


GROUP_LABELS: dict[Group, Words] = {
    Group.ADAPTER: _("The adapter"),
    Group.LEARNING: _("How it learns"),
    Group.AMOUNT: _("How much it learns"),
    Group.MACHINE: _("Saving and arithmetic"),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """`zero` says what 0 means where it is not an amount; `choices` name the members of an enum."""

    name: str
    label: Words
    help: Words
    group: Group
    term: str = ""
    low: float = 0
    high: float = math.inf
    zero: Words = ""
    unit: Words = ""
    is_scientific: bool = False
    choices: tuple[tuple[str, Words], ...] = ()

    @property
    def kind(self) -> type:
        return _TYPES[self.name]

    @property
    def default(self) -> Any:
        return getattr(LoraConfig(), self.name)


_TYPES: dict[str, Any] = {field.name: field.type for field in fields(LoraConfig)}

TABLE: tuple[Field, ...] = (
    Field(
        name="method",
        label=_("Base model weights"),
        help=_("QLoRA keeps the base model in 4 bits while it trains, which needs about a quarter of the memory."),
        group=Group.ADAPTER,
        term="qlora",
        choices=((Method.QLORA, _("4 bit (QLoRA)")), (Method.LORA, _("16 bit (LoRA)"))),
    ),
    Field(
        name="lora_r",
        label=_("Rank"),
        help=_("Room for what is new. Usual: 8 to 64."),
        group=Group.ADAPTER,
        term="rank",
        low=1,
        high=512,
    ),
    Field(
        name="lora_alpha",
        label=_("Alpha"),
        help=_("How loudly the adapter speaks. Usual: the rank to twice the rank."),
        group=Group.ADAPTER,
        term="alpha",
        low=0.01,
        high=4096,
    ),
    Field(
        name="target_modules",
        label=_("Targets"),
        help=_("Which layers get an adapter. All linear layers suit most cases."),
        group=Group.ADAPTER,
        term="target-modules",
        choices=(
            (TargetModules.ALL_LINEAR, _("all linear layers")),
            (TargetModules.ATTENTION, _("attention only")),
            (TargetModules.MLP, _("feed-forward only")),
        ),
    ),
    Field(
        name="lora_dropout",
        label=_("Dropout"),
        help=_("Share of the adapter that rests at each step, against learning by heart. Usual: 0 to 0.1."),
        group=Group.ADAPTER,
        high=0.9,
        zero=_("off"),
    ),
    Field(
        name="use_rslora",
        label=_("Rank-stabilised scaling"),
        help=_("Divides alpha by the square root of the rank, so that high ranks keep learning. For ranks above 64."),
        group=Group.ADAPTER,
    ),
    Field(
        name="learning_rate",
        label=_("Learning rate"),
        help=_("How large each correction is. Usual: 5e-5 to 3e-4, for small models up to 1e-3."),
        group=Group.LEARNING,
        term="learning-rate",
        low=1e-8,
        high=0.1,
        is_scientific=True,
    ),
    Field(
        name="lr_scheduler",
        label=_("Course of the learning rate"),
        help=_("How it falls after the warm-up: along a cosine, in a straight line, or not at all."),
        group=Group.LEARNING,
        choices=((Schedule.COSINE, _("cosine")), (Schedule.LINEAR, _("linear")), (Schedule.CONSTANT, _("constant"))),
    ),
    Field(
        name="warmup_ratio",
        label=_("Warm-up"),
        help=_("Share of the steps in which the learning rate rises from zero. Usual: 0.03 to 0.1."),
        group=Group.LEARNING,
        term="warmup",
        high=0.5,
        zero=_("none"),
    ),
    Field(
        name="weight_decay",
        label=_("Weight decay"),
        help=_("Pulls the adapter’s numbers towards zero. Usual: 0 to 0.1."),
        group=Group.LEARNING,
        high=1,
        zero=_("off"),
    ),
    Field(
        name="max_grad_norm",
        label=_("Limit of a correction"),
        help=_("Corrections with a larger gradient norm are scaled down to it. Usual: 0.3 to 1."),
        group=Group.LEARNING,
        term="gradient-norm",
        low=0.001,
        high=1000,
    ),
    Field(
        name="num_train_epochs",
        label=_("Passes over the rows"),
        help=_("How often each row is learned from. Usual: 1 to 5."),
        group=Group.AMOUNT,
        term="epoch",
        low=0.01,
        high=100,
    ),
    Field(
        name="max_steps",
        label=_("Most steps"),
        help=_("Ends the run after so many corrections, whatever the passes say. 0 leaves it to the passes."),
        group=Group.AMOUNT,
        term="step",
        high=1_000_000,
        zero=_("as the passes say"),
    ),
    Field(
        name="batch_size",
        label=_("Batch size"),
        help=_("Rows for each correction. Usual: 8 to 64; fewer for small datasets."),
        group=Group.AMOUNT,
        term="batch-size",
        low=1,
        high=4096,
    ),
    Field(
        name="max_length",
        label=_("Longest row"),
        help=_("Longer rows are cut off at the end. More needs more memory."),
        group=Group.AMOUNT,
        low=16,
        high=131_072,
        unit=_("tokens"),
    ),
    Field(
        name="early_stopping_patience",
        label=_("Stop early"),
        help=_("Ends the run after so many checks without a better validation loss. Usual: 2 to 5; 0 never stops."),
        group=Group.AMOUNT,
        term="early-stopping",
        high=1000,
        zero=_("never"),
    ),
    Field(
        name="eval_steps",
        label=_("Steps between checks"),
        help=_("How often the validation loss is measured. 0 chooses about ten checks in a run."),
        group=Group.AMOUNT,
        term="validation-loss",
        high=1_000_000,
        zero=_("chosen by itself"),
    ),
    Field(
        name="micro_batch_size",
        label=_("Rows at once"),
        help=_("How many rows of a batch go through the model together. 0 lets the machine choose what fits."),
        group=Group.MACHINE,
        high=4096,
        zero=_("chosen by the machine"),
    ),
    Field(
        name="precision",
        label=_("Arithmetic"),
        help=_("bfloat16 is faster where the device has it. Automatic decides once, and the run records it."),
        group=Group.MACHINE,
        choices=(
            (Precision.AUTO, _("automatic")),
            (Precision.BFLOAT16, _("bfloat16")),
            (Precision.FLOAT32, _("float32")),
        ),
    ),
    Field(
        name="checkpoint_seconds",
        label=_("Seconds between checkpoints"),
        help=_("If a machine stops, at most this much work is done again. Usual: 60."),
        group=Group.MACHINE,
        term="checkpoint",
        low=1,
        high=86_400,
        unit=_("s"),
    ),
    Field(
        name="seed",
        label=_("Seed"),
        help=_("All chance of a run comes from this number. The same seed gives the same run."),
        group=Group.MACHINE,
        term="seed",
        high=2**31 - 1,
    ),
)
