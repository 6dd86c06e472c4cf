"""An adapter that was trained elsewhere, on its way into the catalog: found, checked, and written down anew.

Nothing of it is executed and no device is used. The order is that of harm: what the files are by their content, what
the config asks for, what the header of the weights says, whether both fit the base model, and last every number.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from webapp.contract import events, spec
from webapp.contract.events import Fault, Noted, Phase
from webapp.contract.spec import ADAPTER_CONFIG, ADAPTER_FILES, ADAPTER_README, ADAPTER_WEIGHTS
from workers.reader import archive, fit, kinds, loraconfig, report, strictjson, tensors
from workers.reader.faults import Refused, Stop, Stopped
from workers.reader.fit import Fit
from workers.reader.loraconfig import LoraSettings

FACTS = "import.json"
MAX_CONFIG_BYTES = 1_000_000
MAX_README_BYTES = 100_000
NAMES_LISTED = 50
SAY_EVERY_BYTES = 16 * 1024 * 1024
_FRONT_MATTER = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_LICENCE = re.compile(r"^license: *[\"']?([A-Za-z0-9][A-Za-z0-9 ._-]{0,59}?)[\"']? *$", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Importing:
    def __init__(self, folder: Path, order: spec.ImportSpec, writer: events.Writer, stop: Stop) -> None:
        self._folder, self._result, self._order = folder, folder / "result", order
        self._say, self._stop = writer.say, stop
        self._said_at = 0
        self._warnings: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        """Returns the data of the last word. Raises Refused, Stopped; then nothing is left."""
        for path in (self._result, self._unpacked):
            shutil.rmtree(path, ignore_errors=True)  # of an attempt that died
            path.mkdir()
        try:
            return self._check()
        except BaseException:
            shutil.rmtree(self._result, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(self._unpacked, ignore_errors=True)

    @property
    def _unpacked(self) -> Path:
        return self._folder / "unpacked"

    def _check(self) -> dict[str, Any]:
        self._say(events.PhaseChanged(phase=Phase.READING))
        found = self._find()
        self._say(events.PhaseChanged(phase=Phase.CHECKING))
        settings = loraconfig.read(_load_config(found[ADAPTER_CONFIG]))
        weights = found[ADAPTER_WEIGHTS]
        header = tensors.read_header(weights, file=ADAPTER_WEIGHTS)
        fitting = fit.check(header.tensors, settings, self._order.shape)
        self._said_at = 0
        is_changed = tensors.find_changes(
            weights, header, file=ADAPTER_WEIGHTS, counts=lambda name: name.endswith(fit.B), watch=self._watch
        )
        self._warn_about(settings, is_changed=is_changed)
        return self._write(found, settings, fitting)

    def _find(self) -> dict[str, Path]:
        """The wanted files by their names. Raises Refused where one that is needed is not among what came."""
        if len(self._order.files) == 1 and (found := self._open_archive(self._order.files[0])):
            files, left_out = found.files, found.left_out
        else:
            files, left_out = self._sort(), []
            left_out = [item.name for item in self._order.files if item.name not in files]
        for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
            if name not in files:
                came = [*files, *left_out][:NAMES_LISTED]
                raise Refused(Fault.BAD_FILE, cause="missing", file=name, came=[_shown(item) for item in came])
        if left_out:
            self._note("files_left_out", names=[_shown(item) for item in left_out[:NAMES_LISTED]], count=len(left_out))
        return files

    def _open_archive(self, item: spec.NamedInput) -> archive.Unpacked | None:
        """What a single file holds, if it is a zip by its content; None if it is no archive at all."""
        path = self._input(item.path)
        head = _head(path)
        kinds.refuse_pickle(head, item.name)
        kind = kinds.archive_kind(head)
        if kind and kind != "zip":
            raise Refused(Fault.BAD_FILE, cause="archive", reason="kind", kind=kind, file=_shown(item.name))
        return self._unpack(path) if kind else None

    def _unpack(self, path: Path) -> archive.Unpacked:
        return archive.unpack(
            path,
            into=self._unpacked,
            wanted=ADAPTER_FILES,
            leader=ADAPTER_CONFIG,
            max_bytes=self._order.max_unpacked_bytes,
            watch=self._watch,
        )

    def _sort(self) -> dict[str, Path]:
        files: dict[str, Path] = {}
        for item in self._order.files:
            path = self._input(item.path)
            archive.refuse_inside(_head(path), item.name)
            if item.name in files:
                raise Refused(Fault.BAD_FILE, cause="twice", file=_shown(item.name))
            if item.name in ADAPTER_FILES:
                files[item.name] = path
        return files

    def _input(self, relative: str) -> Path:
        """Inputs are placed by the supervisor; a name that leads elsewhere is none of its."""
        path = self._folder / relative
        if Path(relative).parent != Path("inputs") or not path.is_file():
            raise Refused(Fault.BAD_CONFIG, field="files", value=relative[-200:], reason="input")
        return path

    def _watch(self, position: int) -> None:
        if self._stop.is_asked:
            raise Stopped
        if position - self._said_at >= SAY_EVERY_BYTES:
            self._said_at = position
            self._say(events.Progressed(done=position, total=0, unit="bytes"))

    def _warn_about(self, settings: LoraSettings, *, is_changed: bool) -> None:
        base = self._order.base
        known = {_bare(name) for name in (base.name, *self._order.also_known_as) if name}
        if not settings.trained_on:
            self._note("trained_on_unsaid", base=base.name)
        elif _bare(settings.trained_on) not in known:
            self._note("trained_on_another", trained_on=settings.trained_on, base=base.name)
        if settings.targets is None:
            self._note("targets_from_tensors", is_warning=False)
        if not is_changed:
            self._note("changes_nothing")

    def _note(self, code: str, *, is_warning: bool = True, **data: Any) -> None:
        """Said in the job's story, and kept with the version."""
        self._say(Noted(code=code, data=data, is_warning=is_warning))
        self._warnings.append({"code": code, "data": data, "is_warning": is_warning})

    def _write(self, found: dict[str, Path], settings: LoraSettings, fitting: Fit) -> dict[str, Any]:
        self._say(events.PhaseChanged(phase=Phase.SAVING))
        config = loraconfig.normalised(settings, base=self._order.base, targets=fitting.targets, layers=fitting.layers)
        card, licence = self._read_card(found.get(ADAPTER_README))
        facts = {
            "format": 1,
            "rank": fitting.largest_rank,
            "lora_alpha": settings.alpha,
            "use_rslora": settings.use_rslora,
            "use_dora": settings.use_dora,
            "target_modules": fitting.targets,
            "layers": self._order.shape.layers if fitting.layers is None else len(fitting.layers),
            "dtypes": fitting.dtypes,
            "trainable_parameters": fitting.parameters,
            "trained_on": settings.trained_on,
            "licence": licence,
            "warnings": self._warnings,
        }
        _link(found[ADAPTER_WEIGHTS], self._result / ADAPTER_WEIGHTS)
        report.write_json(self._result / ADAPTER_CONFIG, config)
        report.write_json(self._result / FACTS, facts | {"card": card})
        report.write_manifest(self._result)
        return {name: facts[name] for name in ("rank", "trainable_parameters", "target_modules")}

    def _read_card(self, path: Path | None) -> tuple[str, str]:
        """The README's Markdown without its front matter, and the licence that this names."""
        if path is None:
            return "", ""
        try:
            raw = path.read_bytes() if path.stat().st_size <= MAX_README_BYTES else b"\xff"
            text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            self._note("readme_left_out", limit=MAX_README_BYTES)
            return "", ""
        front = _FRONT_MATTER.match(text)
        licence = _LICENCE.search(front[1]) if front else None
        return _CONTROL.sub("", text[front.end() :] if front else text).strip(), licence[1] if licence else ""


def _load_config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise Refused(Fault.TOO_LARGE, cause="config", file=ADAPTER_CONFIG, max_bytes=MAX_CONFIG_BYTES)
    return strictjson.load_object(path.read_bytes(), file=ADAPTER_CONFIG)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(kinds.HEAD_BYTES)


def _link(source: Path, target: Path) -> None:
    """A second name for bytes that nobody writes to any more; a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _bare(name: str) -> str:
    """Without the organisation and in one case, as people repeat the names of models."""
    return name.rstrip("/").rpartition("/")[2].casefold()


def _shown(name: str) -> str:
    return report.clean(name[-200:], 200)
