from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventsieve.domain.cuts import Cut
from eventsieve.domain.cuts.parsing import DEEPEST, LONGEST
from eventsieve.domain.cuts.tree import Call, Chain, Name, Node, Number, written
from eventsieve.domain.events import Events
from eventsieve.errors import BadRequest
from eventsieve.records import Column, Schema

NAN = np.nan
SCHEMA = Schema(
    name="made-up",
    columns=(
        Column(name="id", dtype="int64", role="index"),
        Column(name="mass", dtype="float64"),
        Column(name="jets", dtype="int64"),
        Column(name="jet.pt", dtype="float64"),
        Column(name="not", dtype="float64"),
        Column(name="w", dtype="float64", role="weight"),
        Column(name="seen", dtype="float64", role="spectator"),
        Column(name="y", dtype="object", role="label"),
    ),
    undefined=-999.0,
)
EVENTS = Events(
    schema=SCHEMA,
    features=np.array([[125.0, 2, 40, 0], [NAN, 0, -40, 1], [91.0, 1, 0, 2], [-300.0, 3, 10, NAN]]),
    index=np.array([7, 8, 9, 10]),
    weight=np.array([1.0, 2.0, -1.0, 0.5]),
    target=np.array([1, 0, 0, 1], dtype=np.uint8),
)


def passing(text: str, events: Events = EVENTS) -> list[int]:
    return np.flatnonzero(Cut.parse(text, SCHEMA).mask(events)).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("jets >= 2", [0, 3]),
        ("jets ≥ 2 && mass > 0", [0]),
        ("jets ≤ 1 || mass > 100", [0, 1, 2]),
        ("jets > 0 & mass > 0 | jets == 3", [0, 2, 3]),
        ("jets > 0 and (mass > 0 or jets == 3) and jets < 3", [0, 2]),
        ("100 < mass < 150", [0]),
        ("150 > mass > 100", [0]),
        ("0 <= jets < 2 != mass", [2]),
        ("mass != 125", [2, 3]),  # of the undefined one nothing holds
        ("mass ≠ 125 AND jets == 1", [2]),
        ("not mass > 0", [1, 3]),
        ("!(mass > 0) and defined(mass)", [3]),
        ("not defined(mass)", [1]),
        ("not not jets == 1", [2]),
        ("~(jets == 1)", [0, 1, 3]),
        ("abs(mass) > 120", [0, 3]),
        ("mass > -999", [0, 2, 3]),
        ("mass > \N{MINUS SIGN}310", [0, 2, 3]),
        ("`jet.pt` / jets > 10", [0]),  # what is divided by 0 is not defined
        ("not `jet.pt` / jets > 10", [1, 2, 3]),
        ("mass - 90 - 1 == 0", [2]),
        ("mass - (90 - 1) == 2", [2]),
        ("2 + 3 * jets == 8", [0]),
        ("(2 + 3) * jets == 10", [0]),
        ("8 / 2 / jets == 2", [0]),
        ("--jets == 2", [0]),
        ("jets > 1 and +jets < 3", [0]),
        ("`not` >= 1", [1, 2]),
        ("id == 9", [2]),
        ("w < 0", [2]),
        ('y == "s"', [0, 3]),
        ("y != 's' and jets > 0", [2]),
        ("'b' == y", [1, 2]),
        ("1 < 2", [0, 1, 2, 3]),
        ("1e3 < mass", []),
        ("\n jets\t==\n1 ", [2]),
    ],
)
def test_what_passes(text: str, rows: list[int]) -> None:
    assert passing(text) == rows


@pytest.mark.parametrize(
    ("text", "canonical", "names"),
    [
        ("((jets>=2))&&(mass>0.50)", "jets >= 2 and mass > 0.5", ("jets", "mass")),
        ("not(jets>1|mass<2.0)", "not (jets > 1 or mass < 2)", ("jets", "mass")),
        ("(jets > 1 or mass < 2) and w > 0", "(jets > 1 or mass < 2) and w > 0", ("jets", "mass", "w")),
        ("`jet.pt`-(mass-1)>-1", "`jet.pt` - (mass - 1) > -1", ("jet.pt", "mass")),
        ("-(jets*2)<1", "-(jets * 2) < 1", ("jets",)),
        ("`not` < `mass`", "`not` < mass", ("not", "mass")),
        ("y=='s'", 'y == "s"', ("y",)),
        ("jets > 1 and (not mass > 1)", "jets > 1 and not mass > 1", ("jets", "mass")),
    ],
)
def test_one_way_of_writing(text: str, canonical: str, names: tuple[str, ...]) -> None:
    cut = Cut.parse(text, SCHEMA)
    assert (cut.text, cut.names) == (canonical, names)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["empty"]),
        ("  ", ["empty"]),
        ("jets >", ["ends too early"]),
        ("jets > 1 and", ["ends too early"]),
        ("(jets > 1", ["'('", "character 1", "bracket"]),
        ("jets > 1)", ["')'", "character 9"]),
        ("jets = 2", ["'='", "character 6", "write =="]),
        ("jets > 1,5", ["','", "point"]),
        ("jets > 1 mass < 2", ["'mass'", "character 10", "put and"]),
        ("jet.pt > 1", ["'.'", "put `"]),
        ("`jets > 1", ["'`'", "not closed"]),
        ("jets ** 2 > 1", ["'*'"]),
        ("jets ^ 2 > 1", ["'^'", "multiply"]),
        ("jets[0] > 1", ["'['"]),
        ("__import__('os').system('true') > 0", ["'.'"]),
        ("__import__('os') > 0", ["'('"]),
        ("sqrt(jets) > 1", ["'('"]),
        ("lambda: 1", ["':'"]),
        ("jets > 1e999", ["1e999", "larger than any number"]),
        ("jest >= 2", ["jest", "no column", "jets"]),
        ("qqq >= 2", ["qqq", "mass"]),
        ("seen > 1", ["seen", "left out", "make it a feature"]),
        ("jets", ["number and no condition", "compare it"]),
        ("jets + 1", ["jets + 1"]),
        ("jets and mass > 1", ["jets beside and", "compare it"]),
        ("not jets", ["jets behind not"]),
        ("abs(jets > 1) > 0", ["jets > 1 behind abs"]),
        ("(jets > 1) + 1 > 0", ["jets > 1 beside +"]),
        ("(jets > 1) == (mass > 1)", ["compares a condition"]),
        ("jets == 's'", ["compares a number with a text"]),
        ("'s' == 's'", ["compares a text with a text"]),
        ("y == y", ["compares a label with a label"]),
        ("y > 's'", ["==", '"b", "s"']),
        ("y == 'signal'", ["no such class", '"b", "s"']),
        ("y + 1 > 0", ["y beside +"]),
        ("mass == -999", ["undefined", "not defined(mass)"]),
        ("-999 == `jet.pt`", ["not defined(`jet.pt`)"]),
        ("mass > 0 or " * 100 + "mass > 0", ["characters", f"{LONGEST:,}"]),
        ("(" * (DEEPEST + 1) + "jets > 0" + ")" * (DEEPEST + 1), ["levels", f"{DEEPEST}"]),
        ("jets > " + "-" * 500 + "1", ["levels"]),
        ("not " * 200 + "jets > 1", ["levels"]),
    ],
)
def test_faults_name_culprit_and_cure(text: str, says: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        Cut.parse(text, SCHEMA)
    for part in says:
        assert part in str(caught.value), str(caught.value)


def test_events_without_labels_or_weights() -> None:
    bare = Events(schema=SCHEMA, features=EVENTS.features, index=EVENTS.index, weight=None, target=None)
    assert passing("jets > 1", bare) == [0, 3]
    for text, name in (("y == 's'", "y"), ("w > 0", "w")):
        with pytest.raises(BadRequest, match=f"asks for {name}, which the events do not have"):
            passing(text, bare)


def test_labels_that_are_numbers() -> None:
    schema = Schema.model_validate(SCHEMA.model_dump() | {"signal": "1", "background": ("0",)})
    events = Events(schema, EVENTS.features, EVENTS.index, EVENTS.weight, EVENTS.target)
    for text in ("y == 1", "y == '1'", "y == 1.0"):
        assert np.flatnonzero(Cut.parse(text, schema).mask(events)).tolist() == [0, 3]


def test_as_long_and_as_deep_as_may_be() -> None:
    passing("(" * DEEPEST + "jets > 0" + ")" * DEEPEST)
    long = "jets>0|" * (LONGEST // 7)
    assert passing(long + "jets>0") == [0, 2, 3]


def test_no_events_at_all() -> None:
    assert Cut.parse("jets > 1 and y == 's'", SCHEMA).mask(EVENTS.take(np.array([], dtype=np.int64))).shape == (0,)


@given(st.text(max_size=60))
@example("`\0` > 1")
@example("٣ < jets")
def test_any_text_is_a_cut_or_refused(text: str) -> None:
    try:
        cut = Cut.parse(text, SCHEMA)
    except BadRequest:
        return
    assert Cut.parse(cut.text, SCHEMA).text == cut.text


TOKENS = st.sampled_from(
    [
        "jets",
        "mass",
        "`jet.pt`",
        "y",
        "'s'",
        "2",
        "-",
        "0.5",
        "<",
        ">=",
        "==",
        "!=",
        "and",
        "or",
        "not",
        "(",
        ")",
        "+",
        "*",
        "/",
        "abs(",
        "defined(",
        "&&",
        "!",
        "w",
        "id",
    ]
)


@given(st.lists(TOKENS, max_size=14).map(" ".join))
def test_any_words_are_a_cut_or_refused(text: str) -> None:
    try:
        cut = Cut.parse(text, SCHEMA)
    except BadRequest:
        return
    again = Cut.parse(cut.text, SCHEMA)
    assert again.text == cut.text
    assert (again.mask(EVENTS) == cut.mask(EVENTS)).all()


NUMBERS = st.recursive(
    st.sampled_from(["jets", "mass"]).map(Name) | st.integers(0, 9).map(float).map(Number),
    lambda of: (
        of.map(lambda node: Call("-", node))
        | of.map(lambda node: Call("abs", node))
        | st.tuples(st.sampled_from("+-*/"), of, of).map(lambda parts: Chain((parts[0],), parts[1:]))
    ),
    max_leaves=6,
)
CONDITIONS: st.SearchStrategy[Node] = st.recursive(
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "=="]), NUMBERS, NUMBERS).map(
        lambda parts: Chain((parts[0],), parts[1:])
    ),
    lambda of: (
        of.map(lambda node: Call("not", node))
        | st.tuples(st.sampled_from(["and", "or"]), of, of).map(lambda parts: Chain((parts[0],), parts[1:]))
    ),
    max_leaves=5,
)


@given(CONDITIONS)
def test_conditions_mean_what_python_takes_them_for(tree: Node) -> None:
    """An oracle that shares no code: Python's own reading of the same text, event by event."""
    text = written(tree)
    ours = Cut.parse(text, SCHEMA).mask(EVENTS).tolist()
    code = compile(ast.fix_missing_locations(Wrapped().visit(ast.parse(text, mode="eval"))), "cut", "eval")
    for event, mine in enumerate(ours):
        values = {"mass": Careful(EVENTS.features[event, 0]), "jets": Careful(EVENTS.features[event, 1])}
        assert bool(eval(code, {"abs": abs, "Careful": Careful} | values)) == mine, text


class Wrapped(ast.NodeTransformer):
    """Makes every number careful."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Call(ast.Name("Careful", ast.Load()), [node], [])


class Careful(float):
    """A number that is NaN where it cannot be computed."""

    def __add__(self, other: float) -> Careful:
        return Careful(float(self) + float(other))

    def __sub__(self, other: float) -> Careful:
        return Careful(float(self) - float(other))

    def __mul__(self, other: float) -> Careful:
        return Careful(float(self) * float(other))

    def __truediv__(self, other: float) -> Careful:
        return Careful(float(self) / float(other) if other else NAN)

    def __neg__(self) -> Careful:
        return Careful(-float(self))

    def __abs__(self) -> Careful:
        return Careful(abs(float(self)))
