import pytest

from webapp.basemodels import naming
from webapp.core.faults import UserFault


@pytest.mark.parametrize("name", ["HuggingFaceTB/SmolLM2-135M-Instruct", " Qwen/Qwen2.5-0.5B ", "a/b", "01-ai/Yi_1.5"])
def test_an_id_of_the_hub_is_taken(name):
    assert naming.check_repository(name) == name.strip()


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "a/../../b",
        "../b",
        "a/..",
        "a/b--c",
        "a/b.git",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "a@b/c",
        "a/b?x=1",
        "a/b#c",
        "a\\b/c",
        "a/b\0",
        "a/b\nc",
        "-a/b",
        "a/.b",
        "Нugging/Face",  # the first letter is Cyrillic
        "ａ/b",
        "a" * 10_000 + "/b",
    ],
)
def test_what_is_no_id_is_refused_with_an_example(name):
    with pytest.raises(UserFault, match="HuggingFaceTB/SmolLM2-135M-Instruct") as caught:
        naming.check_repository(name)
    assert caught.value.field == "repository"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("address", ["https://huggingface.co/Qwen/Qwen3-4B", "huggingface.co/Qwen/Qwen3-4B/"])
def test_a_pasted_address_is_answered_with_the_id_in_it(address):
    with pytest.raises(UserFault, match=r"Write only the model’s id: Qwen/Qwen3-4B$"):
        naming.check_repository(address)


def test_an_id_without_its_organisation_is_answered_with_what_is_missing():
    with pytest.raises(UserFault, match="“gpt2” lacks its organisation"):
        naming.check_repository("gpt2")


@pytest.mark.parametrize("revision", ["", "main", "v1.0", "refs/pr/3", "12fd25f77366fa6b3b4b768ec3050bf629380bac"])
def test_a_branch_a_tag_or_a_commit_is_taken(revision):
    assert naming.check_revision(revision) == revision


@pytest.mark.row("A8")
@pytest.mark.parametrize("revision", ["../x", "a..b", "/etc", "a//b", "a b", "a\0", "x" * 200, "https://x/y"])
def test_what_is_no_revision_is_refused(revision):
    with pytest.raises(UserFault) as caught:
        naming.check_revision(revision)
    assert caught.value.field == "revision"
