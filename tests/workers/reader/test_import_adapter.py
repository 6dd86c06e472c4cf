"""An adapter from elsewhere is checked by its bytes before anything believes it, and written down anew."""

import hashlib
import io
import json
import pickle
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import adapters
from tests.fakes.adapters import config, files, framed, safetensors, tensors, zipped
from tests.workers.reader.conftest import Done
from webapp.contract import codec, spec
from webapp.contract.events import Fault, Outcome
from workers.reader import job
from workers.reader.faults import Refused, Stop
from workers.reader.tensors import read_header

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
Import = Callable[..., Done]
# `check` makes a folder of its own for each call.
GENERATED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def check(tmp_path_factory: pytest.TempPathFactory) -> Import:
    """Import files by their names, or one file, in this process."""

    def run(content: dict[str, bytes], **changes: Any) -> Done:
        folder = tmp_path_factory.mktemp("job")
        (folder / "inputs").mkdir()
        names = []
        for number, (name, data) in enumerate(content.items()):
            (folder / "inputs" / str(number)).write_bytes(data)
            names.append(spec.NamedInput(path=f"inputs/{number}", name=name.removesuffix("#")))
        base = spec.BaseModelRef(name="acme/tiny", revision="a" * 64)
        fields = {"base": base, "shape": adapters.SHAPE, "files": tuple(names)} | changes
        order = spec.Order(
            version=spec.SPEC_VERSION,
            job="job-1",
            attempt=1,
            kind=spec.JobKind.IMPORT,
            spec=codec.to_dict(spec.ImportSpec(**fields)),
        )
        (folder / "spec.json").write_text(codec.dumps(order))
        job.run(folder, stop=Stop())
        return Done(folder)

    return run


def refusal(done: Done) -> tuple[Fault | None, Any]:
    """How it was refused; and nothing of it is left to be registered."""
    assert done.ended.outcome is Outcome.FAILED
    assert not (done.folder / "result").exists() and not (done.folder / "unpacked").exists()
    return done.ended.fault, done.ended.data


def test_a_good_adapter_keeps_its_bytes_and_gets_a_config_of_ours(check: Import) -> None:
    content = files(base_model_name_or_path="acme/tiny", revision="main", lora_dropout=0.1)
    done = check(content)
    assert done.ended.outcome is Outcome.SUCCEEDED, done.ended
    assert done.manifest_is_true()
    assert (done.folder / "result" / WEIGHTS).read_bytes() == content[WEIGHTS]
    written = done.document(CONFIG)
    assert (written["base_model_name_or_path"], written["revision"]) == ("acme/tiny", "a" * 64)
    assert (written["r"], written["lora_alpha"], written["lora_dropout"]) == (4, 8, 0.1)
    assert sorted(written["target_modules"]) == ["down_proj", "q_proj"]
    assert "peft_version" not in written
    facts = done.document("import.json")
    assert (facts["rank"], facts["layers"], facts["dtypes"], facts["warnings"]) == (4, 2, ["F32"], [])
    assert facts["trainable_parameters"] == 2 * (4 * 8 + 8 * 4 + 4 * 16 + 8 * 4)


@pytest.mark.parametrize("folder", ["", "adapter/", "deep/below/"])
def test_a_zip_gives_the_same_as_its_files(check: Import, folder: str) -> None:
    content = files()
    packed = zipped(content | {"tokenizer.json": b"{}"}, folder=folder)
    done = check({"adapter.zip": packed})
    assert done.ended.outcome is Outcome.SUCCEEDED, done.ended
    assert (done.folder / "result" / WEIGHTS).read_bytes() == content[WEIGHTS]
    assert done.notes("files_left_out")[0].data["names"] == [f"{folder}tokenizer.json"]
    assert not (done.folder / "unpacked").exists()


@pytest.mark.row("A6")
def test_a_tokenizer_is_never_opened(check: Import) -> None:
    """So a bomb in it has nobody to harm."""
    bomb = b'{"model": {"type": "BPE", "merges": ' + b"[" * 2_000_000
    done = check(files() | {"tokenizer.json": bomb, "tokenizer.model": b"\x00" * 9, "chat_template.jinja": b"{{ 1 }}"})
    assert done.ended.outcome is Outcome.SUCCEEDED
    assert {path.name for path in (done.folder / "result").iterdir()} == {WEIGHTS, CONFIG, "import.json", "files.json"}
    assert done.notes("files_left_out")[0].data["count"] == 3


def test_a_readme_becomes_the_text_of_a_card(check: Import) -> None:
    text = "---\nlicense: mit\ntags: [x]\n---\n\n# Tone\n\nKind\x07 words.\n"
    facts = check(files() | {"README.md": text.encode()}).document("import.json")
    assert (facts["card"], facts["licence"]) == ("# Tone\n\nKind words.", "mit")
    facts = check(files() | {"README.md": b"\xff\xfe"}).document("import.json")
    assert facts["card"] == "" and facts["warnings"][0]["code"] == "readme_left_out"


# What could run.


@pytest.fixture
def bomb(tmp_path: Path) -> tuple[bytes, Path]:
    marker = tmp_path / "marker"
    return pickle.dumps(adapters.Bomb(str(marker))), marker


def torch_archive(content: bytes) -> bytes:
    return zipped({"archive/data.pkl": content, "archive/version": b"3"}, compression=zipfile.ZIP_STORED)


@pytest.mark.row("A1")
@pytest.mark.row("S8")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda p: {"adapter_model.bin": p, CONFIG: json.dumps(config()).encode()},
        lambda p: files(weights=p),
        lambda p: files() | {"optimizer.pt": p},
        lambda p: files() | {"notes.txt": p},
        lambda p: {"adapter_model.bin": torch_archive(p)},
        lambda p: {"adapter.zip": torch_archive(p)},
        lambda p: {"adapter.zip": zipped(files() | {"optimizer.pt": p})},
        lambda p: {"adapter.zip": zipped(files(weights=p))},
        lambda p: files() | {"rng_state.pth": torch_archive(p)},
        lambda p: files() | {"scheduler.pt": b"cos\nsystem\n(S'true'\ntR."},
    ],
)
def test_a_pickle_is_refused_whatever_it_is_called_and_nothing_of_it_runs(
    check: Import, bomb: tuple[bytes, Path], wrap: Callable[[bytes], dict[str, bytes]]
) -> None:
    content, marker = bomb
    fault, data = refusal(check(wrap(content)))
    assert (fault, data["reason"]) == (Fault.UNSAFE_FILE, "pickle")
    assert not marker.exists()
    pickle.loads(content)
    assert marker.exists(), "the bomb must be a real one"


@pytest.mark.row("A1")
def test_weights_whose_header_begins_like_a_pickle_are_taken(check: Import) -> None:
    weights = safetensors(tensors(names=("self_attn.q_proj",)), pad_to=0x0480)
    assert weights[:2] == b"\x80\x04"
    done = check(files(weights=weights, target_modules=["q_proj"]))
    assert done.ended.outcome is Outcome.SUCCEEDED, done.ended


@pytest.mark.row("A5")
@pytest.mark.row("S9")
@pytest.mark.parametrize("field", ["auto_mapping", "auto_map", "custom_generate", "trust_remote_code"])
def test_a_config_that_wants_code_to_run_is_refused(check: Import, field: str) -> None:
    fault, data = refusal(check(files(**{field: {"base_model_class": "evil.Model"}})))
    assert (fault, data) == (Fault.UNSAFE_FILE, {"reason": "wants_to_run_code", "field": field})


# Archives.


def tar(content: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def entry(name: str, *, mode: int = 0o100644, data: bytes = b"x") -> Callable[[zipfile.ZipFile], None]:
    def write(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, data)

    return write


def zip_with(*writers: Callable[[zipfile.ZipFile], None]) -> bytes:
    out = io.BytesIO(zipped(files()))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        for write in writers:
            write(archive)
    return out.getvalue()


def with_flag(data: bytes, flag: int) -> bytes:
    """Set a flag in the first entry of the central directory."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", flag) + data[at + 2 :]


@pytest.mark.row("S10")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"7z\xbc\xaf\x27\x1c" + b"\0" * 60, "kind"),
        (b"Rar!\x1a\x07\x00" + b"\0" * 60, "kind"),
        (b"\x1f\x8b\x08" + b"\0" * 60, "kind"),
        (tar(files()), "kind"),
        (zip_with(entry("inner.zip", data=zipped({"a": b"b"}))), "nested"),
        (zip_with(entry("inner.dat", data=tar({"a": b"b"}))), "nested"),
        (zip_with(entry("link", mode=0o120777, data=b"/etc/passwd")), "link"),
        (zip_with(entry("device", mode=0o060666)), "link"),
        (zip_with(entry("../outside")), "path"),
        (zip_with(entry("/outside")), "path"),
        (zip_with(entry("a/./b")), "path"),
        (zip_with(entry("C:evil")), "path"),
        (zip_with(entry("a\nb")), "path"),
        (zip_with(entry("x" * 500)), "path"),
        (zip_with(entry("README.md"), entry("readme.MD")), "same_name"),
        (zip_with(entry("ﬁle"), entry("file")), "same_name"),
        (zip_with(*[entry(f"{n}") for n in range(1000)]), "entries"),
        (zipped(files(), folder="a/")[:-30], "damaged"),
        (with_flag(zipped(files()), 0x1), "encrypted"),
        (zipped({"a/adapter_config.json": b"{}", "b/adapter_config.json": b"{}"}), "several"),
        (zipped(files(), compression=zipfile.ZIP_LZMA), "method"),
    ],
)
def test_an_archive_that_is_odd_is_refused_with_the_reason(check: Import, content: bytes, reason: str) -> None:
    fault, data = refusal(check({"adapter.zip": content}))
    assert (fault, data["cause"], data["reason"]) == (Fault.BAD_FILE, "archive", reason)


@pytest.mark.row("S10")
@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_an_entry_with_a_wrong_checksum_is_refused_wanted_or_not(check: Import, name: str) -> None:
    content = files() | {"tokenizer.json": b"{}" * 40}
    packed = bytearray(zipped(content, compression=zipfile.ZIP_STORED))
    packed[packed.index(content[name]) + len(content[name]) - 1] ^= 1
    fault, data = refusal(check({"adapter.zip": bytes(packed)}))
    assert (fault, data["reason"]) == (Fault.BAD_FILE, "damaged")


@pytest.mark.row("S21")
def test_entries_that_share_their_bytes_are_refused(check: Import) -> None:
    """Each entry of the central directory points to the same local header, as in a bomb."""
    packed = zipped({"a": b"x" * 50_000, **files()})
    directory = packed.index(b"PK\x01\x02")
    first = packed[directory : packed.index(b"PK\x01\x02", directory + 4)]
    end = packed.index(b"PK\x05\x06")
    twin = first.replace(b"a", b"b", 1) if first.endswith(b"a") else first[:-1] + b"b"
    count, size = struct.unpack_from("<H", packed, end + 10)[0], struct.unpack_from("<I", packed, end + 12)[0]
    tail = packed[end : end + 8] + struct.pack("<HHI", count + 1, count + 1, size + len(twin)) + packed[end + 16 :]
    fault, data = refusal(check({"adapter.zip": packed[:end] + twin + tail}))
    assert (fault, data["reason"]) == (Fault.BAD_FILE, "overlap")


@pytest.mark.row("S21")
def test_what_unpacks_to_a_multiple_is_refused_before_it_is_unpacked(check: Import) -> None:
    fault, data = refusal(check({"adapter.zip": zipped(files() | {"zeros": b"\0" * 3_000_000})}))
    assert (fault, data["cause"], data["file"]) == (Fault.TOO_LARGE, "unpacked", "zeros")
    packed = zipped(files(), compression=zipfile.ZIP_STORED)
    assert refusal(check({"adapter.zip": packed}, max_unpacked_bytes=500))[0] is Fault.TOO_LARGE


@pytest.mark.row("S21")
@settings(GENERATED, max_examples=150)
@given(seed=st.integers(), changes=st.integers(1, 6))
def test_a_zip_with_changed_bytes_is_refused_or_gives_the_same_weights(check: Import, seed: int, changes: int) -> None:
    good = files()
    packed, dice = bytearray(zipped(good)), random.Random(seed)
    for _ in range(changes):
        packed[dice.randrange(4, len(packed))] = dice.randrange(256)
    done = check({"adapter.zip": bytes(packed)})
    if done.ended.outcome is Outcome.SUCCEEDED:
        assert (done.folder / "result" / WEIGHTS).read_bytes() == good[WEIGHTS]
    else:
        assert done.ended.fault in {Fault.BAD_FILE, Fault.TOO_LARGE, Fault.UNSAFE_FILE}, done.ended


def test_files_that_are_not_a_whole_adapter_are_refused_with_what_came(check: Import) -> None:
    fault, data = refusal(check({CONFIG: json.dumps(config()).encode(), "model.gguf": b"GGUF"}))
    assert (fault, data) == (Fault.BAD_FILE, {"cause": "missing", "file": WEIGHTS, "came": [CONFIG, "model.gguf"]})
    fault, data = refusal(check(files() | {f"{CONFIG}#": b"{}"}))
    assert (fault, data["cause"]) == (Fault.BAD_FILE, "twice")


# Weights.


def changed(**entry: Any) -> bytes:
    """Good weights whose first tensor is described otherwise."""
    found = tensors()
    name = next(iter(found))
    return safetensors(found, header={name: {"dtype": "F32", "shape": [4, 8], "data_offsets": [0, 128]} | entry})


def named(text: str) -> bytes:
    return framed(text.encode(), b"\0" * 4)


ONE = '"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'  # of an object


@pytest.mark.row("A2")
@pytest.mark.row("S24")
@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (b"", "header_length"),
        (b"\0" * 7, "header_length"),
        (framed(b"{}", length=2**63), "header_length"),
        (framed(b"{}", length=2**64 - 1), "header_length"),
        (framed(b"{}", length=100), "header_length"),
        (framed(b" {}"), "header_start"),
        (framed(b"{}"), "tensor_count"),
        (changed(shape=[4, 2**47]), "shape"),
        (changed(shape=[4, 9]), "shape"),
        (changed(shape=[2**62, 4]), "entry"),
        (changed(shape=[-4, -8]), "entry"),
        (changed(shape=[True] * 8), "entry"),
        (changed(shape=[1] * 9), "entry"),
        (changed(shape=[0, 8], data_offsets=[0, 0]), "empty_tensor"),
        (changed(data_offsets=[128, 0]), "shape"),
        (changed(data_offsets=[0, 128, 256]), "entry"),
        (changed(data_offsets=[4, 132]), "hole"),
        (named("{" + ONE + ', "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'), "overlap"),
        (changed(dtype="F64"), "dtype"),
        (changed(dtype="I8"), "dtype"),
        (changed(dtype=["F32"]), "dtype"),
        (changed(extra=1), "entry"),
        (safetensors(tensors(), more=b"hidden"), "file_size"),
        (safetensors(tensors())[:-1], "file_size"),
        (safetensors(tensors(), header={"__metadata__": {"a": 1}}), "metadata"),
        (named('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}'), "hole"),
    ],
)
def test_a_header_that_lies_is_refused(check: Import, weights: bytes, reason: str) -> None:
    fault, data = refusal(check(files(weights=weights)))
    assert (fault, data["cause"], data["reason"]) == (Fault.BAD_FILE, "safetensors", reason)


@pytest.mark.row("S24")
@pytest.mark.parametrize(
    "text",
    [
        "{" + ONE + ", " + ONE + "}",
        '{"a": {"dtype": "F32", "dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        '{"a": NaN}',
        '{"a": ' + "[" * 100_000,
        '{"a": ' + "9" * 5_000 + "}",
        "{" + ONE,
    ],
)
def test_a_header_that_parsers_could_read_in_two_ways_is_refused(check: Import, text: str) -> None:
    fault, data = refusal(check(files(weights=named(text))))
    assert (fault, data["cause"], data["file"]) == (Fault.BAD_FILE, "json", WEIGHTS)


@pytest.mark.row("A2")
@pytest.mark.row("S24")
def test_a_million_tensors_are_refused_by_their_number(check: Import) -> None:
    entries = {f"{n}": {"dtype": "F16", "shape": [1], "data_offsets": [2 * n, 2 * n + 2]} for n in range(100_001)}
    weights = framed(json.dumps(entries, separators=(",", ":")).encode(), b"\0" * 200_002)
    assert refusal(check(files(weights=weights)))[1]["reason"] == "tensor_count"


@pytest.mark.row("S24")
@pytest.mark.parametrize(
    ("dtype", "bad", "good"),
    [
        ("F32", struct.pack("<f", float("nan")), struct.pack("<f", 3.4e38)),
        ("F32", struct.pack("<f", float("-inf")), struct.pack("<f", -3.4e38)),
        ("F16", struct.pack("<e", float("inf")), struct.pack("<e", 65504)),
        ("BF16", b"\x80\x7f", b"\x7f\x7f"),
        ("BF16", b"\xc0\xff", b"\x7f\xff"),
    ],
)
def test_one_number_that_is_none_is_found_wherever_it_lies(check: Import, dtype: str, bad: bytes, good: bytes) -> None:
    found = {name: (dtype, shape, good * (len(raw) // 4)) for name, (_, shape, raw) in tensors().items()}
    assert check(files(weights=safetensors(found))).ended.outcome is Outcome.SUCCEEDED
    last = list(found)[-1]
    _, shape, raw = found[last]
    fault, data = refusal(check(files(weights=safetensors(found | {last: (dtype, shape, raw[: -len(bad)] + bad)}))))
    assert (fault, data["reason"], data["tensor"]) == (Fault.BAD_FILE, "not_finite", last)


@pytest.mark.row("S24")
@settings(max_examples=200, deadline=None)
@given(header=st.binary(max_size=300), data=st.binary(max_size=64), length=st.none() | st.integers(0, 2**64 - 1))
def test_any_bytes_as_a_header_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, header: bytes, data: bytes, length: int | None
) -> None:
    path = tmp_path_factory.mktemp("any") / WEIGHTS
    path.write_bytes(framed(header, data, length=length))
    with pytest.raises(Refused):
        read_header(path, file=WEIGHTS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
OTHER_FIELDS = ["rank_pattern", "alpha_pattern", "modules_to_save", "layers_to_transform", "layers_pattern", "use_dora"]
FIELD = st.sampled_from([*config(), *OTHER_FIELDS, "init_lora_weights", "exclude_modules"])


@pytest.mark.row("A4")
@settings(GENERATED, max_examples=200)
@given(changes=st.dictionaries(FIELD | st.text(max_size=10), JSON, min_size=1, max_size=3))
def test_any_config_is_taken_or_refused_and_never_breaks_the_program(check: Import, changes: dict[str, Any]) -> None:
    done = check(files(**changes))
    assert done.ended.fault is not Fault.INTERNAL, changes


def test_an_adapter_whose_b_is_zero_is_taken_with_a_warning(check: Import) -> None:
    found = {
        name: (kind, shape, b"\0\0\0\x80" * (len(raw) // 4) if ".lora_B." in name else raw)
        for name, (kind, shape, raw) in tensors().items()
    }
    done = check(files(weights=safetensors(found)))
    assert [note.data for note in done.notes("changes_nothing")] == [{}]


# The config.


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("peft_type", "IA3", "not_lora"),
        ("peft_type", None, "not_lora"),
        ("peft_type", ["LORA"], "not_lora"),
        ("task_type", "SEQ_CLS", "other_task"),
        ("r", 0, "range"),
        ("r", -1, "range"),
        ("r", 10**6, "range"),
        ("r", True, "range"),
        ("r", 4.0, "range"),
        ("r", "4", "range"),
        ("lora_alpha", 0, "range"),
        ("lora_alpha", 1e300, "range"),
        ("lora_alpha", "8", "range"),
        ("lora_dropout", 1.0, "range"),
        ("bias", "all", "not_supported"),
        ("target_modules", ["(a+)+$"], "names"),
        ("target_modules", [""], "names"),
        ("target_modules", {"q_proj": 1}, "names"),
        ("target_modules", ["q_proj"] * 1001, "names"),
        ("rank_pattern", {"(a+)+$": 4}, "names"),
        ("rank_pattern", {"q_proj": 0}, "range"),
        ("rank_pattern", ["q_proj"], "kind"),
        ("alpha_pattern", {"q_proj": -1}, "range"),
        ("init_lora_weights", "pissa", "changes_base"),
        ("init_lora_weights", "olora", "changes_base"),
        ("init_lora_weights", ["gaussian"], "changes_base"),
        ("layers_pattern", "h", "not_supported"),
        ("layers_to_transform", [0.5], "kind"),
        ("use_dora", "yes", "kind"),
        ("megatron_config", {"a": 1}, "unknown_setting"),
        ("layer_replication", [[0, 2]], "unknown_setting"),
        ("a_setting_of_next_year", "on", "unknown_setting"),
        ("modules_to_save", ["../../x"], "names"),
        ("base_model_name_or_path", 7, "kind"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(check: Import, field: str, value: Any, reason: str) -> None:
    fault, data = refusal(check(files(**{field: value})))
    assert (fault, data["field"], data["reason"]) == (Fault.BAD_CONFIG, field, reason)


@pytest.mark.row("A4")
@pytest.mark.parametrize("text", [b'{"r": NaN}', b'{"lora_alpha": Infinity}', b'{"r": 4, "r": 8}', b"[]", b"\xff", b""])
def test_a_config_that_is_not_strict_json_is_refused(check: Import, text: bytes) -> None:
    fault, data = refusal(check({WEIGHTS: safetensors(tensors()), CONFIG: text}))
    assert (fault, data["cause"], data["file"]) == (Fault.BAD_FILE, "json", CONFIG)


@pytest.mark.row("A4")
@pytest.mark.parametrize("name", ["../../etc/passwd", "/root/models/x", "https://evil.test/x", "other-team/secret"])
def test_what_it_says_about_its_base_is_only_compared(check: Import, name: str) -> None:
    done = check(files(base_model_name_or_path=name))
    assert done.document(CONFIG)["base_model_name_or_path"] == "acme/tiny"
    assert done.notes("trained_on_another")[0].data == {"trained_on": name, "base": "acme/tiny"}


def test_another_name_of_the_same_base_is_known(check: Import) -> None:
    names = ("acme/tiny", "Original/Tiny-Instruct")
    for said in ("somebody/Tiny", "original/tiny-instruct"):
        assert check(files(base_model_name_or_path=said), also_known_as=names).document("import.json")["warnings"] == []
    assert check(files(base_model_name_or_path=None)).notes("trained_on_unsaid")


@pytest.mark.row("A4")
@pytest.mark.parametrize("pattern", ["all-linear", r".*\.(q_proj|down_proj)", "(a+)+$" * 50, ".*"])
def test_a_pattern_is_never_matched_the_tensors_tell(check: Import, pattern: str) -> None:
    done = check(files(target_modules=pattern))
    assert sorted(done.document(CONFIG)["target_modules"]) == ["down_proj", "q_proj"]
    assert done.notes("targets_from_tensors")


# Whether it fits.


@pytest.mark.row("A3")
@pytest.mark.row("S24")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            files(weights=safetensors({name: (kind, [4, 9] if shape == [4, 8] else shape, adapters.floats(36, 1)
                                              if shape == [4, 8] else raw)
                                       for name, (kind, shape, raw) in tensors().items()})),
            {"reason": "shape", "layer": "model.layers.0.self_attn.q_proj", "found": [8, 9], "expected": [8, 8]},
        ),
        (files(r=8), {"reason": "rank", "layer": "model.layers.0.mlp.down_proj", "found": 4, "expected": 8}),
        (files(rank_pattern={"q_proj": 2}), {"reason": "rank", "layer": "model.layers.0.self_attn.q_proj"}),
        (files(target_modules=["q_proj"]), {"reason": "not_named"}),
        (files(target_modules=["q_proj", "down_proj", "up_proj"]), {"reason": "missing"}),
        (files(target_modules=["c_attn"]), {"reason": "no_such_target", "target": "c_attn"}),
        (files(layers_to_transform=[0]), {"reason": "not_named"}),
        (files(weights=safetensors(tensors(layers=1))), {"reason": "missing"}),
        (
            files(weights=safetensors({name.replace("q_proj", "query"): found for name, found in tensors().items()})),
            {"reason": "no_such_layer", "layer": "model.layers.0.self_attn.query"},
        ),
        (
            files(weights=safetensors({name.replace("layers.1", "layers.7"): f for name, f in tensors().items()})),
            {"reason": "no_such_layer", "layer": "model.layers.7.self_attn.q_proj", "layers": 2},
        ),
        (
            files(weights=safetensors(tensors() | {"base_model.model.model.embed_tokens.weight":
                                                   ("F16", [33, 8], b"\0" * 528)})),
            {"reason": "vocabulary", "layer": "model.embed_tokens", "found": [33, 8], "expected": [32, 8]},
        ),
        (
            files(weights=safetensors(tensors() | {"base_model.model.lm_head.weight": ("F16", [32, 8], b"\0" * 512)})),
            {"reason": "whole_layers", "layer": "lm_head"},
        ),
        (
            files(
                weights=safetensors({name: f for name, f in tensors().items() if "1.mlp" not in name}),
                target_modules=["layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj", "0.mlp.down_proj"],
            ),
            {"reason": "uneven", "layer": "model.layers.1.mlp.down_proj"},
        ),
        (files(modules_to_save=["lm_head"]), {"reason": "whole_layers", "layer": "lm_head"}),
        (files(use_dora=True), {"reason": "missing"}),
    ],
)  # fmt: skip
def test_an_adapter_for_another_base_is_refused_with_the_layer_and_both_sizes(
    check: Import, content: dict[str, bytes], expected: dict[str, Any]
) -> None:
    fault, data = refusal(check(content))
    assert fault is Fault.DOES_NOT_FIT
    assert expected.items() <= data.items()


def test_an_adapter_on_some_blocks_says_so_in_its_config(check: Import) -> None:
    done = check(files(weights=safetensors(tensors(layers=1)), layers_to_transform=0))
    assert done.document(CONFIG)["layers_to_transform"] == [0]


def test_ranks_of_their_own_are_kept(check: Import) -> None:
    both = {k: v for k, v in tensors(rank=2).items() if "q_proj" in k} | {
        k: v for k, v in tensors().items() if "down_proj" in k
    }
    done = check(files(weights=safetensors(both), rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 4}))
    written = done.document(CONFIG)
    assert (written["rank_pattern"], written["alpha_pattern"]) == ({"q_proj": 2}, {"q_proj": 4})
    assert done.document("import.json")["rank"] == 4


def test_the_same_files_always_give_the_same_config(check: Import) -> None:
    digests = {hashlib.sha256((check(files()).folder / "result" / CONFIG).read_bytes()).hexdigest() for _ in range(2)}
    assert len(digests) == 1
