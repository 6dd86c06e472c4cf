"""The words of the trade, each explained once: here. Pages show them by `{% term "key" %}`, help lists them all."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


@dataclass(frozen=True)
class Entry:
    """`short` stands beside the word on a page; `more` only in the glossary."""

    name: Words
    short: Words
    more: Words = ""


GLOSSARY: dict[str, Entry] = {
    "adapter": Entry(
        _("Adapter"),
        _("What a run leaves: a small file of corrections that is laid over the base model."),
        _("It is a few megabytes to a few hundred, and works only with the base model it was trained on."),
    ),
    "alpha": Entry(
        _("Alpha"),
        _("How loudly the adapter speaks over the base model. Usual: the rank to twice the rank."),
        _("What counts is alpha divided by rank; field name lora_alpha."),
    ),
    "base-model": Entry(
        _("Base model"),
        _("The model that was trained by somebody else and that you start from. It is never changed."),
        _("A base model has a revision, a licence, a size and a chat template; all are recorded with each run."),
    ),
    "batch-size": Entry(
        _("Batch size"),
        _("How many rows the model looks at before each correction."),
        _("Where memory is short, a batch is read in several parts (gradient accumulation); the result is the same."),
    ),
    "chat-template": Entry(
        _("Chat template"),
        _("The exact marks with which a model expects a conversation to be written down."),
        _("Training with one template and answering with another is a common cause of bad answers."),
    ),
    "checkpoint": Entry(
        _("Checkpoint"),
        _("A saved state inside a run. If a machine stops, the run goes on from the newest one."),
    ),
    "dataset": Entry(
        _("Dataset"),
        _("Your examples: questions with the answers you would like to get."),
        _("Each upload or change makes a new version; a version never changes, so a run can always be explained."),
    ),
    "double-quantization": Entry(
        _("Double quantization"),
        _("The scale factors of the 4-bit weights are themselves stored in 8 bits. It saves a little more memory."),
    ),
    "early-stopping": Entry(
        _("Early stopping"),
        _("The run ends by itself when the validation loss has not improved for some checks."),
    ),
    "epoch": Entry(
        _("Epoch"),
        _("One pass over all training rows."),
        _("One to three passes suit most datasets; many passes over few rows teach the model to repeat them."),
    ),
    "export": Entry(
        _("Export"),
        _("The adapter or merged model in the format of another program, such as GGUF for llama.cpp and Ollama."),
    ),
    "finding": Entry(
        _("Finding"),
        _("One plain statement about data or a run, with its evidence and what can be done."),
    ),
    "gradient-norm": Entry(
        _("Gradient norm"),
        _("How strong each correction wanted to be, before it was limited."),
        _("Short peaks are normal. A steady rise means that the learning rate is too high."),
    ),
    "job": Entry(
        _("Job"),
        _("Anything that takes long: training, fetching a base model, reading a dataset, exporting."),
    ),
    "learning-rate": Entry(
        _("Learning rate"),
        _("How large each correction is. Usual: 5e-5 to 3e-4."),
        _("Too high and the loss jumps about or explodes; too low and nothing is learned in the time given."),
    ),
    "lora": Entry(
        _("LoRA"),
        _("Low-rank adaptation: instead of all weights, a few small matrices are trained beside them."),
        _("The base model stays as it is; the small matrices are the adapter. Hu and others, 2021."),
    ),
    "loss": Entry(
        _("Training loss"),
        _("How wrong the model is on the rows it learns from. Lower is better."),
        _("It is the average surprise for each trained token, in nats."),
    ),
    "memory": Entry(
        _("Memory"),
        _("The most memory the training has used so far on its device."),
    ),
    "merge": Entry(
        _("Merge"),
        _("The adapter is worked into a copy of the base model, which gives a whole model."),
    ),
    "nf4": Entry(
        _("NF4"),
        _("A 4-bit format for weights whose 16 values are spaced as the weights of a model usually lie."),
    ),
    "packing": Entry(
        _("Packing"),
        _("Several short rows share one sequence, so that no time goes into empty places. Rows do not see each other."),
    ),
    "parameters": Entry(
        _("Trained parameters"),
        _("The numbers that this run may change: the adapter’s. The base model’s own stay as they are."),
    ),
    "qlora": Entry(
        _("QLoRA"),
        _("LoRA on a base model whose weights are kept in 4 bits. It needs about a quarter of the memory."),
        _("The adapter itself is trained in full precision. Dettmers and others, 2023."),
    ),
    "quantization": Entry(
        _("Quantization"),
        _("Weights are kept with fewer bits, so that the model needs less memory; a little accuracy is lost."),
    ),
    "rank": Entry(
        _("Rank"),
        _("How much room the adapter has for what is new. Usual: 8 to 64."),
        _("Twice the rank is twice the adapter’s size. More rank is not better when there are few rows."),
    ),
    "recipe": Entry(
        _("Recipe"),
        _("A named way to train: method, rank, learning rate, number of passes and the rest."),
    ),
    "run": Entry(
        _("Run"),
        _("One training: a dataset version, a base model and a recipe, frozen at the moment of launch."),
    ),
    "seed": Entry(
        _("Seed"),
        _("The number from which all chance of a run comes. The same seed on the same machine gives the same run."),
    ),
    "stage": Entry(
        _("Stage"),
        _("How far an adapter version has come: draft, candidate, production, retired."),
        _("At most one version of an adapter is the candidate, and at most one is in production."),
    ),
    "step": Entry(
        _("Step"),
        _("One correction of the adapter, after one batch of rows."),
    ),
    "target-modules": Entry(
        _("Targets"),
        _("Which layers of the base model get a small matrix beside them. All linear layers suit most cases."),
    ),
    "team": Entry(
        _("Team"),
        _("Who shares datasets, runs and adapters. Members are owner, maintainer, trainer, reviewer or viewer."),
    ),
    "token": Entry(
        _("Token"),
        _("A piece of text as the model reads it: a short word, or part of a longer one."),
        _("In English, 100 words are about 130 tokens."),
    ),
    "tokens-per-second": Entry(
        _("Speed"),
        _("How many tokens the training reads in a second."),
    ),
    "trained-tokens": Entry(
        _("Trained tokens"),
        _("The part of each row on which the model is corrected: the answers, and the mark that ends them."),
    ),
    "validation": Entry(
        _("Rows to check"),
        _("Rows that are held back: the model never learns from them, so they show what it really learned."),
    ),
    "validation-loss": Entry(
        _("Validation loss"),
        _("How wrong the model is on the rows it never learns from. Lower is better."),
        _("When it rises while the training loss falls, the model starts to repeat its rows."),
    ),
    "version": Entry(
        _("Version"),
        _("A dataset or an adapter as it was at one moment. A version never changes."),
    ),
    "warmup": Entry(
        _("Warm-up"),
        _("The first steps, in which the learning rate rises from zero, so that nothing breaks at the start."),
    ),
    "worker": Entry(
        _("Worker"),
        _("A program on a machine that takes jobs; its devices are the graphics cards or processors it may use."),
    ),
}


def lookup(key: str) -> Entry:
    """Raises KeyError for a word that nobody explained: an unexplained word is a fault of the page."""
    return GLOSSARY[key]
