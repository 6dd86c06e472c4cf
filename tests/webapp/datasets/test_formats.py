"""Names and meanings of columns, and rows that become conversations."""

import json
from pathlib import Path

import pytest

from webapp.datasets import formats
from webapp.datasets.formats import Doubt, Layout, MappingError, Problem, RowMapper, RowProblem

TURNS = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize(
    ("columns", "mapping", "layout"),
    [
        ({"messages": [TURNS]}, {"messages": "messages"}, Layout.CHAT),
        (
            {"id": [1], "conversations": [[{"from": "human", "value": "a"}]]},
            {"messages": "conversations"},
            Layout.SHAREGPT,
        ),
        ({"prompt": ["a"], "prompt_id": ["1"], "messages": [TURNS]}, {"messages": "messages"}, Layout.CHAT),
        ({"thread": [TURNS], "n": [1]}, {"messages": "thread"}, Layout.CHAT),
        ({"messages": [json.dumps(TURNS)]}, {"messages": "messages"}, Layout.CHAT),
        (
            {"instruction": ["a"], "input": [""], "output": ["b"], "text": ["a b"]},
            {"prompt": "instruction", "context": "input", "response": "output"},
            Layout.ALPACA,
        ),
        (
            {"instruction": ["a"], "context": [""], "response": ["b"], "category": ["c"]},
            {"prompt": "instruction", "context": "context", "response": "response"},
            Layout.ALPACA,
        ),
        (
            {"Prompt ": ["a"], "COMPLETION": ["b"]},
            {"prompt": "Prompt ", "response": "COMPLETION"},
            Layout.PROMPT_RESPONSE,
        ),
        (
            {"prompt": [TURNS], "completion": [TURNS]},
            {"prompt": "prompt", "response": "completion"},
            Layout.PROMPT_RESPONSE,
        ),
        (
            {"System-Prompt": ["s"], "question": ["a"], "answer": ["b"]},
            {"system": "System-Prompt", "prompt": "question", "response": "answer"},
            Layout.PROMPT_RESPONSE,
        ),
        ({"Frage": ["a"], "Antwort": ["b"]}, {"prompt": "Frage", "response": "Antwort"}, Layout.PROMPT_RESPONSE),
    ],
)
def test_well_known_columns_are_mapped_without_asking(columns, mapping, layout):
    guess = formats.guess(columns)
    assert guess.mapping == mapping
    assert guess.layout == layout
    assert guess.is_confident
    formats.check_mapping(guess.mapping)


@pytest.mark.parametrize(
    ("columns", "doubt"),
    [
        ({"a": ["x"], "b": ["y"]}, Doubt.UNKNOWN_NAMES),
        ({"prompt": ["x"], "b": ["y"]}, Doubt.UNKNOWN_NAMES),
        ({"prompt": ["x"], "question": ["x"], "answer": ["y"]}, Doubt.SEVERAL_CANDIDATES),
        ({"prompt": ["x"], "answer": ["y"], "output": ["y"]}, Doubt.SEVERAL_CANDIDATES),
        ({"messages": [TURNS], "conversations": [TURNS]}, Doubt.SEVERAL_CANDIDATES),
        ({"prompt": ["x"], "chosen": ["y"], "rejected": ["z"]}, Doubt.PREFERENCE_PAIRS),
        ({"chosen": [TURNS], "rejected": [TURNS]}, Doubt.PREFERENCE_PAIRS),
        ({"prompt": ["x"], "completion": ["y"], "label": [True]}, Doubt.LABELLED_ANSWERS),
        ({"text": ["x"]}, Doubt.NO_ANSWER_COLUMN),
        ({"answer": ["x"]}, Doubt.NO_PROMPT_COLUMN),
        ({}, Doubt.NO_ANSWER_COLUMN),
    ],
)
def test_doubtful_columns_are_asked_about(columns, doubt):
    guess = formats.guess(columns)
    assert doubt in guess.doubts
    assert not guess.is_confident


def test_a_text_column_called_messages_is_no_conversation():
    assert not formats.guess({"messages": ["just text"], "n": [1]}).is_confident


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({}, "incomplete"),
        ({"prompt": "a"}, "incomplete"),
        ({"response": "a", "system": "b"}, "incomplete"),
        ({"prompt": "a", "response": "a"}, "same_column"),
        ({"messages": "a", "prompt": "b"}, "contradictory"),
        ({"messages": "a", "wizard": "b"}, "unknown_part"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(mapping, code):
    with pytest.raises(MappingError) as caught:
        formats.check_mapping(mapping)
    assert caught.value.code == code


def test_context_follows_the_instruction_only_where_there_is_some():
    mapper = RowMapper({"prompt": "i", "context": "c", "response": "o"})
    assert mapper.conversation({"i": "Do.", "c": "This", "o": "ok"})[0] == ("user", "Do.\n\nThis")
    for empty in ("", "  ", None):
        assert mapper.conversation({"i": "Do.", "c": empty, "o": "ok"})[0] == ("user", "Do.")
    assert mapper.conversation({"i": "Do.", "o": "ok"})[0] == ("user", "Do.")


def test_a_system_column_goes_before_the_general_system_prompt():
    mapper = RowMapper({"prompt": "p", "response": "r", "system": "s"}, system_prompt="general")
    assert mapper.conversation({"p": "a", "r": "b", "s": "own"})[0] == ("system", "own")
    assert mapper.conversation({"p": "a", "r": "b", "s": ""})[0] == ("system", "general")


@pytest.mark.parametrize("role", ["assistant", "gpt", "model", "Assistant", " bot "])
def test_aliases_of_the_assistant_are_known(role):
    turns = [{"role": "user", "content": "a"}, {"role": role, "content": "b"}]
    assert RowMapper({"messages": "m"}).conversation({"m": turns}) == [("user", "a"), ("assistant", "b")]


def test_a_surrogate_is_found_without_any_help_from_the_parser():
    with pytest.raises(RowProblem) as caught:
        RowMapper({"prompt": "p", "response": "r"}).conversation({"p": "a\ud800", "r": "b"})
    assert (caught.value.code, caught.value.field) == (Problem.LONE_SURROGATE, "p")


def test_nested_text_parts_cannot_exhaust_the_stack():
    part: object = "x"
    for _ in range(5000):
        part = [{"type": "text", "text": part}]
    with pytest.raises(RowProblem) as caught:
        RowMapper({"prompt": "p", "response": "r"}).conversation({"p": "a", "r": "b", "m": part} | {"r": [part]})
    assert caught.value.code == Problem.WRONG_TYPE


def test_strange_keys_cannot_grow_the_count_without_end():
    mapper = RowMapper({"messages": "m"})
    for number in range(200):
        turns = [{"role": "user", "content": "a", f"key {number}": 1}, {"role": "assistant", "content": "b"}]
        mapper.conversation({"m": turns})
    assert len(mapper.ignored_keys) <= 20


def test_every_problem_has_its_meaning_written_down():
    """Enum members carry no docstrings at run time, so the source is read."""
    source = Path(formats.codes.__file__).read_text("utf-8")
    for member in Problem:
        line = f'    {member.name} = "{member.value}"\n'
        assert source[source.index(line) + len(line) :].lstrip().startswith(('"""', 'r"""')), member


def test_the_guide_explains_every_problem_and_no_other():
    guide = (Path(formats.__file__).parents[3] / "docs/datasets.md").read_text("utf-8")
    section = guide.split("## When a row is bad")[1].split("##")[0]
    explained = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert sorted(explained) == sorted(Problem)
