"""The arithmetic of the picture."""

import re

from webapp.lineage import graph

BEFORE = [("run", "aver"), ("data", "run"), ("base", "run")]
AFTER = [("aver", "rep"), ("aver", "merge")]


def test_things_stand_in_the_order_of_their_making() -> None:
    layout = graph.layout("aver", BEFORE, AFTER)
    assert [sorted(column) for column in layout.columns] == [["base", "data"], ["run"], ["aver"], ["merge", "rep"]]


def test_every_line_leads_to_the_right_even_past_a_column() -> None:
    layout = graph.layout("c", [("b", "c"), ("a", "b"), ("a", "c")], [])
    assert list(layout.columns) == [["a"], ["b"], ["c"]]
    for line in layout.lines:
        start, *_rest, end = [float(x) for x in re.findall(r"[MH](-?[\d.]+)", line)]
        assert start < end


def test_a_line_meets_the_middle_of_both_boxes() -> None:
    (line,) = graph.layout("b", [("a", "b")], []).lines
    middle = graph.BOX_HEIGHT / 2
    assert line.startswith(f"M{graph.BOX_WIDTH:g} {middle:g}")
    assert line.endswith(f"H{graph.BOX_WIDTH + graph.GAP_X:g}")


def test_a_crowd_is_cut_off_and_counted_and_the_thing_itself_stays() -> None:
    crowd = [("base", f"run{n}") for n in range(30)]
    layout = graph.layout("base", [], crowd)
    assert len(layout.columns[1]) == graph.ROWS
    assert layout.left_out == 30 - graph.ROWS
    assert len(layout.lines) == graph.ROWS


def test_a_thing_alone_is_one_box_without_lines() -> None:
    layout = graph.layout("a", [], [])
    assert (list(layout.columns), list(layout.lines)) == ([["a"]], [])
    assert (layout.width, layout.height) == (graph.BOX_WIDTH, graph.BOX_HEIGHT)


def test_a_circle_ends() -> None:
    layout = graph.layout("a", [], [("a", "b"), ("b", "c"), ("c", "b")])
    assert {id for column in layout.columns for id in column} == {"a", "b", "c"}
