"""The three recipes that every team has from the start."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop

from webapp.contract import codec
from webapp.contract.spec import LoraConfig


@dataclass(frozen=True)
class Preset:
    """Its id is fixed, so that a link or a script finds it in every installation."""

    public_id: str
    name: str
    description: str
    config: dict[str, Any]


def _preset(public_id: str, name: str, description: str, **settings: Any) -> Preset:
    return Preset(public_id, name, description, codec.to_dict(LoraConfig(**settings)))


# What was measured of them, and what was not, stands in docs/engine.md.
# The smaller the dataset, the more each correction counts: batches are small, so that some hundred rows still make
# enough steps. The rate is higher than for models of billions of parameters, and falls with the number of passes.
PRESETS = (
    _preset(
        "rec_quick_try",
        gettext_noop("Quick try"),
        gettext_noop("One pass with a small adapter. Enough to see whether the idea works."),
        lora_r=8,
        lora_alpha=16.0,
        learning_rate=5e-4,
        num_train_epochs=1.0,
        batch_size=8,
        max_length=512,
    ),
    _preset(
        "rec_balanced",
        gettext_noop("Balanced"),
        gettext_noop("Three passes, stops by itself when it gets no better. A good first choice."),
        lora_r=16,
        lora_alpha=32.0,
        learning_rate=4e-4,
        num_train_epochs=3.0,
        batch_size=8,
        max_length=1024,
        early_stopping_patience=3,
    ),
    _preset(
        "rec_thorough",
        gettext_noop("Thorough"),
        gettext_noop("A larger adapter and up to five passes at a gentler pace. For data that is worth the time."),
        lora_r=32,
        lora_alpha=64.0,
        learning_rate=2e-4,
        num_train_epochs=5.0,
        batch_size=8,
        max_length=2048,
        early_stopping_patience=4,
    ),
)
DEFAULT_ID = "rec_balanced"
