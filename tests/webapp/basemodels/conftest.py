import pytest

from webapp.artifacts import actions as artifacts


@pytest.fixture
def make_bundle(tmp_path):
    """A stored bundle with a config and weights, as a fetch leaves it."""

    def make(*, team=None, weights=b"weights"):
        files = {}
        for name, content in {"config.json": b"{}", "model.safetensors": weights}.items():
            files[name] = tmp_path / f"{len(weights)}-{name}"
            files[name].write_bytes(content)
        return artifacts.make_bundle(team=team, kind="base", files=files)

    return make


FACTS = {
    "licence": "apache-2.0",
    "architecture": "LlamaForCausalLM",
    "parameters": 134_515_008,
    "context_length": 8192,
    "has_chat_template": True,
    "template_sha256": "f" * 64,
    "commit": "12fd25f77366fa6b3b4b768ec3050bf629380bac",
    "config": {"hidden_size": 576},
}


@pytest.fixture
def facts():
    return dict(FACTS)
