"""Base models come in whole, checked and without code, from a hub, a folder or a GGUF file."""

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from tests.workers.engine import hub as fake
from tests.workers.engine.conftest import CHATML, SPECIALS, Run, write_order
from webapp.contract.events import Fault, Outcome, Progressed
from workers.engine import fetch, hub
from workers.engine.chat import ChatFormat
from workers.engine.faults import StopAsked
from workers.engine.job import Stop

Fetch = Callable[..., Run]


@pytest.fixture
def make_fetch(tmp_path: Path) -> Fetch:
    def make(**wanted: Any) -> Run:
        folder = tmp_path / "job"
        folder.mkdir(exist_ok=True)
        write_order(folder, "fetch", {"name": "acme/tiny", **wanted})
        return Run(folder)

    return make


@pytest.fixture
def source(base: Path, tmp_path: Path) -> Path:
    """A copy of the base with what repositories carry besides."""
    folder = tmp_path / "source"
    shutil.copytree(base, folder)
    (folder / "LICENSE").write_text("MIT")
    (folder / "README.md").write_text("# tiny")
    (folder / "modeling_evil.py").write_text("raise SystemExit")
    torch.save({}, folder / "pytorch_model.bin")
    return folder


@pytest.fixture
def online(source: Path, network: None) -> Iterator[fake.Hub]:
    with fake.serving(source) as server:
        yield server


def from_hub(make_fetch: Fetch, server: fake.Hub, **wanted: Any) -> Run:
    return make_fetch(source="hub", repository=fake.NAME, endpoint=server.endpoint, **wanted)


def names_of(run: Run) -> set[str]:
    return {path.name for path in (run.path / "result").iterdir()}


def test_a_folder_is_copied_without_code_and_pickles_and_described(make_fetch: Fetch, source: Path) -> None:
    run = make_fetch(source="folder", folder=str(source)).start()
    assert run.ended.outcome is Outcome.SUCCEEDED
    assert names_of(run) == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                          "tokenizer_config.json", "chat_template.jinja", "LICENSE", "model.json",
                          "files.json"}  # fmt: skip
    facts = run.document("model.json")
    assert facts["architecture"] == "LlamaForCausalLM"
    plain = transformers.AutoModelForCausalLM.from_pretrained(source)
    assert facts["parameters"] == plain.num_parameters()
    assert facts["template_sha256"] == hashlib.sha256(CHATML.encode()).hexdigest() and facts["has_chat_template"]
    assert (facts["context_length"], facts["config"]["hidden_size"]) == (512, 64)
    listed = {item["path"]: item for item in run.document("files.json")}
    assert listed.keys() == names_of(run) - {"files.json"}
    weights = (source / "model.safetensors").read_bytes()
    assert listed["model.safetensors"]["sha256"] == hashlib.sha256(weights).hexdigest()


@pytest.mark.row("A1")
def test_a_folder_of_pickles_is_refused(make_fetch: Fetch, source: Path) -> None:
    (source / "model.safetensors").unlink()
    ended = make_fetch(source="folder", folder=str(source)).start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.UNSUPPORTED_MODEL, "no_safetensors")


@pytest.mark.row("A2")
@pytest.mark.parametrize(
    "content",
    [b"\x80\x02}q\x00.", (1 << 63).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"{}" * 5,
     (90).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}'.ljust(90) + b"\0" * 4],
)  # fmt: skip
def test_weights_that_are_no_whole_safetensors_are_refused(make_fetch: Fetch, source: Path, content: bytes) -> None:
    (source / "model.safetensors").write_bytes(content)
    run = make_fetch(source="folder", folder=str(source)).start()
    assert run.ended.fault is Fault.DAMAGED_INPUT
    assert not (run.path / "result").exists()


@pytest.mark.row("A5")
@pytest.mark.parametrize("field", ["auto_map", "custom_generate", "trust_remote_code"])
def test_a_model_that_wants_to_run_code_is_refused(make_fetch: Fetch, source: Path, field: str) -> None:
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {field: {"AutoModel": "modeling_evil.Evil"}}))
    ended = make_fetch(source="folder", folder=str(source)).start().ended
    assert ended.data == {"reason": "wants_to_run_code", "field": field}


def test_a_missing_shard_is_named(make_fetch: Fetch, source: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    ended = make_fetch(source="folder", folder=str(source)).start().ended
    assert (ended.fault, ended.data["file"]) == (Fault.DAMAGED_INPUT, "model-00002.safetensors")


def test_a_model_in_several_files_is_counted_whole(make_fetch: Fetch, source: Path) -> None:
    tensors = load_file(source / "model.safetensors")
    names = sorted(tensors)
    for number, part in enumerate((names[:3], names[3:]), start=1):
        save_file({name: tensors[name] for name in part}, source / f"model-0000{number}-of-00002.safetensors")
    (source / "model.safetensors").unlink()
    listed = {name: f"model-0000{1 if name in names[:3] else 2}-of-00002.safetensors" for name in names}
    (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": listed}))
    run = make_fetch(source="folder", folder=str(source)).start()
    assert run.document("model.json")["parameters"] == sum(tensor.numel() for tensor in tensors.values())
    assert {*listed.values(), "model.safetensors.index.json"} <= names_of(run)


def test_weights_that_are_whole_numbers_are_refused(make_fetch: Fetch, source: Path) -> None:
    save_file({"packed": torch.zeros(4, dtype=torch.int8)}, source / "model-8bit.safetensors")
    ended = make_fetch(source="folder", folder=str(source)).start().ended
    assert (ended.fault, ended.data) == (
        Fault.UNSUPPORTED_MODEL, {"reason": "dtype", "tensor": "packed", "dtype": "I8"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [
        ("model-00001-of-00002.safetensors", True),
        ("tokenizer.model", True),
        ("LICENSE.txt", True),
        ("NOTICE", True),
        ("onnx/model.safetensors", False),
        ("original/tokenizer.model", False),
        ("pytorch_model.bin", False),
        ("model.safetensors.py", False),
        ("tokenizer.py", False),
        ("README.md", False),
    ],
)
def test_of_a_repository_only_what_a_model_is_made_of_is_kept(name: str, is_kept: bool) -> None:
    assert fetch.is_wanted(name) == is_kept


def test_a_tokenizer_in_the_older_files_is_written_anew(make_fetch: Fetch, source: Path) -> None:
    old = json.loads((source / "tokenizer.json").read_text())["model"]
    (source / "tokenizer.json").unlink()
    (source / "vocab.json").write_text(json.dumps(old["vocab"]))
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in old["merges"]]
    (source / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    settings = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>", "additional_special_tokens": SPECIALS}
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    run = make_fetch(source="folder", folder=str(source)).start()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    made = Tokenizer.from_file(str(run.path / "result" / "tokenizer.json"))
    text = "<|im_start|>user\nParcel 7 goes to Cork<|im_end|>\n"
    ids = made.encode(text, add_special_tokens=False).ids
    assert made.decode(ids, skip_special_tokens=False) == text and ids[0] == old["vocab"]["<|im_start|>"]


def test_a_model_without_a_tokenizer_is_refused(make_fetch: Fetch, source: Path) -> None:
    (source / "tokenizer.json").unlink()
    ended = make_fetch(source="folder", folder=str(source)).start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.UNSUPPORTED_MODEL, "no_tokenizer")


def test_a_model_for_which_there_is_no_room_is_not_begun(
    make_fetch: Fetch, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.durable.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    ended = make_fetch(source="folder", folder=str(source)).start().ended
    assert (ended.fault, ended.data["free_bytes"]) == (Fault.DISK_FULL, 1)
    assert ended.data["needed_bytes"] > (source / "model.safetensors").stat().st_size


def test_a_hub_model_arrives_at_its_commit_with_progress(make_fetch: Fetch, online: fake.Hub) -> None:
    run = from_hub(make_fetch, online).start()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    facts = run.document("model.json")
    assert (facts["commit"], facts["licence"]) == (fake.COMMIT, "mit")
    assert run.notes("commit_pinned")[0].data["commit"] == fake.COMMIT
    assert not {"modeling_evil.py", "pytorch_model.bin", "README.md"} & names_of(run)
    done = [event for event in run.said if isinstance(event, Progressed)][-1]
    assert done.done == done.total > 0


@pytest.mark.row("A9")
def test_a_broken_download_goes_on_where_it_broke(make_fetch: Fetch, online: fake.Hub) -> None:
    online.breaks_after["model.safetensors"] = [10_000]
    run = from_hub(make_fetch, online).start()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    ranges = [asked for path, asked, _ in online.asked if path.endswith("model.safetensors")]
    assert ranges == ["", "bytes=10000-"]


@pytest.mark.row("A9")
def test_a_download_that_breaks_often_goes_on_as_long_as_something_arrives(
    make_fetch: Fetch, online: fake.Hub, waits: list[float]
) -> None:
    online.breaks_after["model.safetensors"] = [10_000] * 7
    assert from_hub(make_fetch, online).start().ended.outcome is Outcome.SUCCEEDED
    assert waits == [1.0] * 7


@pytest.mark.row("A9")
def test_a_busy_hub_is_asked_again_after_as_long_as_it_wants(
    make_fetch: Fetch, online: fake.Hub, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub.time, "time", lambda: 1_800_000_000.0)
    online.is_busy_with["main"] = [(429, {"Retry-After": "17"})]
    online.is_busy_with["model.safetensors"] = [
        (503, {"Retry-After": "Fri, 15 Jan 2027 08:00:40 GMT"}), (502, {}), (500, {"Retry-After": "soon"})
    ]  # fmt: skip
    run = from_hub(make_fetch, online, revision="main").start()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    assert waits == [17.0, 40.0, 2.0, 4.0]
    assert [note.data["seconds"] for note in run.notes("hub_busy")] == [17, 40]


@pytest.mark.row("A9")
@pytest.mark.parametrize(
    ("name", "answer", "tries"),
    [("main", (429, {}), 5), ("model.safetensors", (503, {}), 5), ("main", (429, {"Retry-After": "3600"}), 1)],
)
def test_a_hub_that_stays_busy_or_asks_for_long_is_given_up(
    make_fetch: Fetch, online: fake.Hub, waits: list[float], name: str, answer: tuple[int, dict[str, str]], tries: int
) -> None:
    online.is_busy_with[name] = [answer] * 100
    ended = from_hub(make_fetch, online, revision="main").start().ended
    assert (ended.fault, ended.data["status"]) == (Fault.HUB_UNREACHABLE, answer[0])
    assert sum(path.endswith(name) for path, _, _ in online.asked) == tries
    assert len(waits) == tries - 1


def test_a_wait_ends_when_a_stop_is_asked_for() -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(StopAsked):
        stop.sleep(3600)


@pytest.mark.row("A9")
def test_a_later_attempt_uses_what_had_arrived(make_fetch: Fetch, online: fake.Hub, source: Path) -> None:
    partial = make_fetch(source="hub").path / "partial"
    partial.mkdir()
    shutil.copy(source / "tokenizer.json", partial)
    (partial / "model.safetensors.part").write_bytes((source / "model.safetensors").read_bytes()[:5000])
    assert from_hub(make_fetch, online).start().ended.outcome is Outcome.SUCCEEDED
    asked = [(path.rpartition("/")[2], wanted) for path, wanted, _ in online.asked]
    assert ("model.safetensors", "bytes=5000-") in asked
    assert "tokenizer.json" not in [name for name, _ in asked]


@pytest.mark.row("A9")
def test_a_file_with_another_hash_than_announced_is_never_used(make_fetch: Fetch, online: fake.Hub) -> None:
    online.lies_about.add("model.safetensors")
    run = from_hub(make_fetch, online).start()
    assert (run.ended.fault, run.ended.data["file"]) == (Fault.DAMAGED_INPUT, "model.safetensors")
    assert not (run.path / "result").exists()
    assert not (run.path / "partial" / "model.safetensors.part").exists()


@pytest.mark.row("A9")
def test_a_file_that_is_longer_than_announced_is_not_taken_to_its_end(make_fetch: Fetch, online: fake.Hub) -> None:
    online.adds["tokenizer.json"] = b"!" * 5_000_000
    run = from_hub(make_fetch, online).start()
    assert (run.ended.fault, run.ended.data) == (
        Fault.DAMAGED_INPUT, {"file": "tokenizer.json", "reason": "longer_than_announced"}
    )  # fmt: skip
    assert not (run.path / "result").exists()


@pytest.mark.row("A1")
def test_a_repository_of_pickles_is_refused_before_anything_is_fetched(
    make_fetch: Fetch, online: fake.Hub, source: Path
) -> None:
    (source / "model.safetensors").unlink()
    ended = from_hub(make_fetch, online).start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.UNSUPPORTED_MODEL, "no_safetensors")
    assert not any("/resolve/" in path for path, _, _ in online.asked)


@pytest.mark.row("A5")
def test_a_model_that_we_do_not_train_is_refused_before_its_weights_are_on_their_way(
    make_fetch: Fetch, online: fake.Hub, source: Path
) -> None:
    (source / "config.json").write_text(json.dumps({"architectures": ["MambaForCausalLM"]}))
    assert from_hub(make_fetch, online).start().ended.data["architecture"] == "MambaForCausalLM"
    assert not any(path.endswith(".safetensors") for path, _, _ in online.asked)


@pytest.mark.row("A9")
@pytest.mark.parametrize(
    ("status", "headers", "fault"),
    [
        (404, {"X-Error-Code": "RepoNotFound"}, Fault.HUB_NOT_FOUND),
        (404, {"X-Error-Code": "RevisionNotFound"}, Fault.HUB_NOT_FOUND),
        (403, {"X-Error-Code": "GatedRepo"}, Fault.HUB_GATED),
        (503, {}, Fault.HUB_UNREACHABLE),
    ],
)
def test_each_refusal_of_the_hub_has_its_fault(
    make_fetch: Fetch, online: fake.Hub, status: int, headers: dict[str, str], fault: Fault
) -> None:
    online.refuses, online.headers_of_refusal = status, headers
    ended = from_hub(make_fetch, online).start().ended
    assert ended.fault is fault
    assert ended.data["repository"] == fake.NAME


@pytest.mark.row("A9")
@pytest.mark.parametrize(("token", "fault"), [("", Fault.HUB_NOT_FOUND), ("hf_secret\n", Fault.HUB_TOKEN_REFUSED)])
def test_whoever_shows_no_token_is_not_told_that_it_was_refused(
    make_fetch: Fetch, online: fake.Hub, monkeypatch: pytest.MonkeyPatch, token: str, fault: Fault
) -> None:
    """The hub answers 401 to anonymous people who ask for what does not exist."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(token))
    online.refuses, online.headers_of_refusal = 401, {"X-Error-Message": "Invalid username or password."}
    assert from_hub(make_fetch, online).start().ended.fault is fault


@pytest.mark.row("A9")
def test_a_missing_model_is_not_called_a_missing_revision(make_fetch: Fetch, online: fake.Hub) -> None:
    online.refuses, online.headers_of_refusal = 404, {"X-Error-Code": "RepoNotFound"}
    assert not from_hub(make_fetch, online, revision="v1").start().ended.data["revision"]
    online.headers_of_refusal = {"X-Error-Code": "RevisionNotFound"}
    assert from_hub(make_fetch, online, revision="v1").start().ended.data["revision"] == "v1"


@pytest.mark.row("A9")
def test_a_hub_that_is_not_there_is_said_to_be_out_of_reach(make_fetch: Fetch, online: fake.Hub) -> None:
    run = make_fetch(source="hub", repository=fake.NAME, endpoint="http://127.0.0.1:9")
    assert run.start().ended.fault is Fault.HUB_UNREACHABLE


def test_the_token_from_standard_input_reaches_the_hub_and_nothing_else(
    make_fetch: Fetch, online: fake.Hub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hf_secret\n"))
    run = from_hub(make_fetch, online).start()
    assert {authorization for _, _, authorization in online.asked} == {"Bearer hf_secret"}
    written = [path.read_bytes() for path in run.path.rglob("*") if path.is_file()]
    printed = capfd.readouterr()
    assert not any(b"hf_secret" in content for content in written) and "hf_secret" not in printed.out + printed.err


# GGUF.


def write_gguf(path: Path, base: Path, *, architecture: str = "llama", pre: str = "smollm") -> None:
    """The tiny base as llama.cpp would store it, in float32."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config, writer = model.config, gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_license("apache-2.0")
    document = json.loads((base / "tokenizer.json").read_text())
    vocabulary = document["model"]["vocab"]
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<|") else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in document["model"]["merges"]])
    writer.add_eos_token_id(2)
    writer.add_chat_template(CHATML)
    for name, tensor in model.state_dict().items():
        if name != "lm_head.weight":
            writer.add_tensor(gguf_name(name), interleaved(name, tensor, config).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str) -> str:
    for ours, theirs in {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "model.layers": "blk",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }.items():  # fmt: skip
        name = name.replace(ours, theirs)
    return name


def interleaved(name: str, tensor: torch.Tensor, config: Any) -> torch.Tensor:
    """llama.cpp turns pairs of neighbours where transformers turns halves."""
    if "q_proj" not in name and "k_proj" not in name:
        return tensor
    heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
    return tensor.view(heads, 2, tensor.shape[0] // heads // 2, -1).transpose(1, 2).reshape(tensor.shape).contiguous()


def test_a_gguf_file_becomes_the_same_model_with_tokenizer_and_template(
    make_fetch: Fetch, base: Path, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    write_gguf(tmp_path / "models" / "tiny.gguf", base)
    run = make_fetch(source="folder", folder=str(tmp_path / "models")).start()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    assert run.document("model.json")["licence"] == "apache-2.0"
    ours, theirs = (
        transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for folder in (run.path / "result", base)
    )
    ids = torch.arange(3, 40)[None]
    torch.testing.assert_close(ours(ids).logits, theirs(ids).logits, rtol=0.02, atol=0.02)  # bfloat16 between them
    assert ChatFormat.load(run.path / "result").fingerprint == ChatFormat.load(base).fingerprint


def test_text_is_cut_into_digits_as_smollm_learnt_it(make_fetch: Fetch, base: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", base, pre="smollm")
    run = make_fetch(source="folder", folder=str(tmp_path / "tiny.gguf")).start()
    tokenizer = Tokenizer.from_file(str(run.path / "result" / "tokenizer.json"))
    pieces = [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str("on  12th")]
    assert pieces == ["on", "ĠĠ", "1", "2", "th"]


@pytest.mark.parametrize(
    ("content", "fault"), [(b"not a gguf file", Fault.DAMAGED_INPUT), (b"GGUF" + b"\xff" * 64, Fault.DAMAGED_INPUT)]
)
def test_a_damaged_gguf_file_is_refused(make_fetch: Fetch, tmp_path: Path, content: bytes, fault: Fault) -> None:
    (tmp_path / "tiny.gguf").write_bytes(content)
    assert make_fetch(source="folder", folder=str(tmp_path / "tiny.gguf")).start().ended.fault is fault


def test_a_gguf_file_of_another_architecture_is_refused(make_fetch: Fetch, base: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", base, architecture="mamba")
    ended = make_fetch(source="folder", folder=str(tmp_path / "tiny.gguf")).start().ended
    assert ended.fault is Fault.UNSUPPORTED_MODEL


def test_the_starter_is_used_only_with_the_hash_we_know(make_fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "STARTER_SHA256", "0" * 64)
    ended = make_fetch(source="starter").start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.DAMAGED_INPUT, "hash")


def test_of_several_gguf_files_none_is_guessed(make_fetch: Fetch, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("q4.gguf", "q8.gguf"):
        (folder / name).write_bytes(b"GGUF")
    ended = make_fetch(source="folder", folder=str(folder)).start().ended
    assert (ended.fault, ended.data["reason"]) == (Fault.UNSUPPORTED_MODEL, "several_gguf")


def test_text_becomes_the_same_tokens_after_gguf(make_fetch: Fetch, base: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", base, pre="gpt-2")
    run = make_fetch(source="folder", folder=str(tmp_path / "tiny.gguf")).start()
    ours, theirs = (Tokenizer.from_file(str(place / "tokenizer.json")) for place in (run.path / "result", base))
    text = "<|im_start|>user\nParcel 7 goes to Cork, naïve\n\n  12<|im_end|>"
    assert ours.encode(text, add_special_tokens=False).ids == theirs.encode(text, add_special_tokens=False).ids


def test_a_source_that_nobody_knows_is_refused(make_fetch: Fetch) -> None:
    assert make_fetch(source="torrent").start().ended.fault is Fault.BAD_CONFIG
