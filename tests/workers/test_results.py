"""What a program left is read so that it can be registered."""

import json
from pathlib import Path

from webapp.artifacts.models import Bundle
from webapp.contract.events import Ended, Outcome
from webapp.jobs.models import Job
from workers.results import Result


def test_text_of_a_foreign_file_that_databases_refuse_does_not_stop_its_registration(tmp_path: Path) -> None:
    """A config.json from a hub, for instance, may hold what PostgreSQL does not take."""
    (tmp_path / "model.json").write_text(json.dumps({"config": {"a\0": ["\0", "\ud800"]}}))
    ended = Ended(outcome=Outcome.SUCCEEDED)
    result = Result(job=Job(), bundle=Bundle(), folder=tmp_path, ended=ended)
    assert result.document("model.json") == {"config": {"a␀": ["␀", "?"]}}
