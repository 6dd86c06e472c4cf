"""Documents of the REST API. Times are RFC 3339 in UTC, sizes bytes, ids the same as in the browser's addresses."""

import datetime as dt
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from webapp.adapters.finding import Sort
from webapp.adapters.models import Task
from webapp.api.paging import Paging

Id = Annotated[str, Field(pattern=r"^[a-z]+_[0-9a-z_-]{1,30}$", examples=["run_01kar5t3m8w2q6z4n7ye"])]

Number = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[1])]

Licence = Annotated[str, Field(max_length=80, examples=["CC-BY-4.0"])]


class Body(Schema):
    """Bodies are strict: an unknown field or a wrong type is an error, not a guess."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Me(Schema):
    """The token in use: whose it is and what it may do."""

    user: str
    team: str
    team_title: str
    role: str
    scopes: list[str]


class UploadIn(Body):
    """Announces a file; its bytes follow in chunks."""

    file_name: Annotated[str, Field(min_length=1, max_length=255, examples=["answers.jsonl"])]
    size_bytes: Annotated[int, Field(ge=0)]


class UploadOut(Schema):
    id: str
    file_name: str
    size_bytes: int
    offset: int
    chunk_bytes: int
    state: str


class DatasetIn(Body):
    """Makes a dataset version from a finished upload. With `dataset` it becomes that dataset's next version."""

    upload: Id
    name: Annotated[str, Field(max_length=80)] = ""
    dataset: Id | None = None
    mapping: dict[str, str] = {}
    system_prompt: Annotated[str, Field(max_length=20_000)] = ""
    validation_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    licence: Licence = ""


class DatasetChange(Body):
    """What is said about a dataset; what is left out stays as it is."""

    name: Annotated[str, Field(max_length=80)] | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    licence: Licence | None = None


class JobOut(Schema):
    """How far something is that takes long."""

    id: str
    kind: str
    state: str
    asked: str
    phase: str
    step: int
    total_steps: int
    done: int
    total: int
    unit: str
    queue_position: int | None
    fault: dict[str, Any] | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


class DatasetVersionOut(Schema):
    id: str
    number: int
    state: str
    file_name: str
    format: str
    encoding: str
    rows_total: int
    rows_good: int
    rows_bad: int
    train_rows: int
    validation_rows: int
    content_sha256: str
    problems: dict[str, int]
    job: JobOut | None
    created_at: dt.datetime


class DatasetOut(Schema):
    """`licence` is an SPDX id, `own` for the team's own data, other words, or empty where nobody knows."""

    id: str
    name: str
    description: str
    licence: str
    versions: list[DatasetVersionOut]
    created_at: dt.datetime
    url: str


class BaseModelOut(Schema):
    id: str
    name: str
    revision: str
    state: str
    licence: str
    architecture: str
    parameters: int
    size_bytes: int
    context_length: int
    has_chat_template: bool
    created_at: dt.datetime


class RecipeOut(Schema):
    id: str
    name: str
    description: str
    is_built_in: bool
    config: dict[str, Any]


class RunIn(Body):
    """Launches a run. `config` overrides single fields of the recipe; unknown fields are refused by name."""

    dataset: Id
    version: Annotated[int, Field(ge=1)] | None = None
    base_model: Id
    recipe: Id | None = None
    config: dict[str, Any] = {}
    name: Annotated[str, Field(max_length=80)] = ""


class RunOut(Schema):
    id: str
    name: str
    state: str
    dataset: str
    dataset_version: int
    base_model: str
    recipe: str | None
    config: dict[str, Any]
    estimate: dict[str, Any]
    planned: dict[str, Any]
    values: dict[str, float | None]
    result: dict[str, Any]
    seconds_left: float | None
    adapter: str | None
    adapter_version: int | None
    job: JobOut
    created_at: dt.datetime
    url: str


class MetricsQuery(Schema):
    """`names` is a list with commas, empty for all; each series is thinned to about `points` points."""

    names: Annotated[str, Field(max_length=2000, pattern=r"^[\w./ ,-]*$")] = ""
    after: Annotated[str, Field(max_length=8000)] = ""
    points: Annotated[int, Field(ge=10, le=10_000)] = 1200


class EventOut(Schema):
    """What happened, in words and as a code with its data."""

    at: dt.datetime
    code: str
    text: str
    is_warning: bool
    data: dict[str, Any]


class ScoreOut(Schema):
    name: str
    label: str
    value: float
    base: float | None
    is_better: bool | None


class FileOut(Schema):
    path: str
    size_bytes: int
    sha256: str


class LinkIn(Body):
    """`path` is one of the version's files; empty for all of them as a zip."""

    path: Annotated[str, Field(max_length=255)] = ""


class LinkOut(Schema):
    url: str
    path: str
    expires_at: dt.datetime


class HoldingOut(Schema):
    kind: str
    label: str
    size_bytes: int


class CandidateOut(Schema):
    """Something that may go. `key` is what `POST /storage/free` takes; `size_bytes` is what goes with it alone."""

    key: str
    name: str
    reason: str
    size_bytes: int
    since: dt.datetime


class StorageOut(Schema):
    """What the team's things take. `days_left` is null where there is no forecast; `outlook` and `forecast` say why."""

    holdings: list[HoldingOut]
    may_go: list[CandidateOut]
    disk_total_bytes: int | None
    disk_free_bytes: int | None
    outlook: str
    days_left: int | None
    forecast: str
    checkpoint_days: int | None


class FreeIn(Body):
    items: Annotated[list[Annotated[str, Field(max_length=80)]], Field(min_length=1, max_length=800)]


class RefusalOut(Schema):
    key: str
    why: str


class FreedOut(Schema):
    """What went to the trash, from where it can come back for seven days, and what did not."""

    freed: list[str]
    size_bytes: int
    refused: list[RefusalOut]


class RulesIn(Body):
    """null keeps for ever."""

    checkpoint_days: int | None


class AdapterVersionOut(Schema):
    id: str
    number: int
    stage: str
    base_model: str
    base_revision: str
    run: str | None
    sha256: str
    size_bytes: int
    licence: str
    licence_reason: str
    scores: list[ScoreOut]
    files: list[FileOut]
    report: str | None
    created_at: dt.datetime
    download_url: str


class CardIn(Body):
    """Markdown. `revision` is that of the card which the writer read; without it, whatever stands is replaced."""

    text: Annotated[str, Field(max_length=100_000)]
    revision: Annotated[str, Field(max_length=64)] = ""


class CardOut(Schema):
    """The card as it stands; `revision` tells this text from any other."""

    text: str
    revision: str
    is_edited: bool


class ImportIn(Body):
    """An adapter from elsewhere: either `uploads`, its files or one zip of them, or a `repository` of the hub."""

    base_model: Id
    uploads: Annotated[list[Id], Field(max_length=30)] = []
    repository: Annotated[str, Field(max_length=300, examples=["acme/claims-tone"])] = ""
    revision: Annotated[str, Field(max_length=200)] = ""
    name: Annotated[str, Field(max_length=80)] = ""


class ImportOut(Schema):
    """`state` is that of its newest job; `adapter` and `version` are set when it passed."""

    id: str
    name: str
    state: str
    base_model: str
    repository: str
    commit: str
    adapter: str | None
    version: int | None
    was_known: bool
    warnings: list[str]
    job: JobOut | None
    created_at: dt.datetime
    url: str


class AdaptersQuery(Paging):
    """Filters combine: what is found fits all of them. An unknown filter, value or order is refused with 400."""

    q: Annotated[str, Field(description="words, or beginnings of words, of name, description, tags, base, card")] = ""
    stage: Annotated[str, Field(description="of the newest version; for `production` and `candidate` any version")] = ""
    task: Annotated[str, Field(description="one of: " + ", ".join(Task.values))] = ""
    base: Annotated[str, Field(description="id of a base model")] = ""
    tag: Annotated[list[str], Field(description="may be repeated; all must be there")] = []
    licence: str = ""
    owner: Annotated[str, Field(description="id of a user")] = ""
    sort: Annotated[str, Field(description="one of: " + ", ".join(Sort.values))] = Sort.NEWEST.value


class AdapterIn(Body):
    """What people say about an adapter; a field that is left out stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    description: Annotated[str, Field(max_length=200)] | None = None
    task: Annotated[str, Field(max_length=16, examples=["extraction"])] | None = None
    tags: Annotated[list[str], Field(max_length=50, examples=[["claims", "german"]])] | None = None


class AdapterOut(Schema):
    """`stage`, losses and `gain` are those of the newest version; `gain` is 0.82 where the loss is 82 % lower."""

    id: str
    name: str
    description: str
    task: str
    tags: list[str]
    owner: str | None
    owner_name: str | None
    base_model: str | None
    base_name: str | None
    base_revision: str | None
    licence: str
    newest_version: int | None
    stage: str | None
    production: int | None
    candidate: int | None
    loss: float | None
    base_loss: float | None
    gain: float | None
    created_at: dt.datetime
    url: str


class ReportIn(Body):
    """Whose held-out rows to ask, for a version that was trained elsewhere; without `version`, the newest."""

    dataset: Id | None = None
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class WithdrawIn(Body):
    """Why; everybody who used it reads this."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ThingOut(Schema):
    """`kind`: dataset, base_model, recipe, run, import, adapter, report or gone. `stage`: a stage, or a job's state."""

    id: str
    kind: str
    name: str
    stage: str
    url: str


class LineOut(ThingOut):
    """`of` is the id of the thing next to it, towards the one that was asked for."""

    relation: str
    of: str


class WithdrawalOut(Schema):
    id: str
    thing: str
    name: str
    reason: str
    at: dt.datetime


class LineageOut(Schema):
    thing: ThingOut
    made_from: list[LineOut]
    came_of_it: list[LineOut]
    withdrawals: list[WithdrawalOut]
    affected: list[str]


class ReportOut(Schema):
    """An adapter version against its base on held-out rows."""

    id: str
    state: str
    scores: dict[str, Any]
    samples: list[dict[str, Any]]
    job: JobOut
    created_at: dt.datetime


class AnatomyOut(Schema):
    """What is inside an adapter version. `kept[k - 1]` is the share of the change that rank k keeps.

    `state` is "known", "under_way", "failed" or "unknown". Each module has its singular values, norms and ranks;
    relative_change is null where there was no base to compare with.
    """

    state: str
    verdict: str
    rank: int | None
    behaves_as: int | None
    kept: list[float]
    layers: list[dict[str, Any]]
    modules: list[dict[str, Any]]
    job: JobOut | None


class CompressionIn(Body):
    """Either a rank, or the share (0 to 1) of the change to keep."""

    rank: int | None = None
    share: Annotated[float, Field(allow_inf_nan=False)] | None = None


class CompressionOut(Schema):
    """A version that is or was cut down to `rank`; `made` is the number of the version that came of it."""

    id: str
    rank: int
    state: str
    made: int | None
    from_rank: int | None
    kept: float | None
    error: float | None
    bytes_before: int | None
    bytes_after: int | None
    validation_loss: dict[str, float] | None
    job: JobOut
    created_at: dt.datetime


class DatasetPage(Schema):
    items: list[DatasetOut]
    next: str | None


class BaseModelPage(Schema):
    items: list[BaseModelOut]
    next: str | None


class RecipePage(Schema):
    items: list[RecipeOut]
    next: str | None


class RunPage(Schema):
    items: list[RunOut]
    next: str | None


class AdapterPage(Schema):
    items: list[AdapterOut]
    next: str | None
