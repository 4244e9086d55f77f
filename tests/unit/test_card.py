from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Literal
from xml.etree import ElementTree as ET

import pytest

from evaluations import evaluation
from eventsieve.domain.card import Origin, card
from eventsieve.domain.estimators import resolve
from eventsieve.domain.schema import load_schema
from eventsieve.records import (
    ClassCount,
    Evaluation,
    EventWeights,
    Limits,
    Model,
    NegativeWeights,
    Schema,
    Score,
    Threshold,
    Validation,
)

Kind = Literal["md", "html"]
KINDS: tuple[Kind, ...] = ("md", "html")
HOSTILE = "<script>alert(1)</script>|*a* `b` [c](javascript:d) ![e](f) <img src=x onerror=g> \"h\" 'i' {{7*7}} &lt;"
VOID = {"meta", "link", "br", "img", "hr", "path", "rect"}


def model(**changes: object) -> Model:
    schema = load_schema("atlas-higgs-2014")
    known = {
        "name": "my model",
        "job": "job1",
        "type": "LogReg",
        "hyperparameters": resolve("LogReg", {"C": 3.5}),
        "digest": "d" * 64,
        "dataset": "id1",
        "table": "7" * 64,
        "event_schema": schema,
        "seed": 20_26,
        "validation": Validation(fraction=0.3),
        "weights": EventWeights.BALANCED,
        "negative_weights": NegativeWeights.DROP,
        "limits": Limits(seconds=60.0, memory=1 << 30),
        "seconds": 12.34,
        "peak_memory": 345 << 20,
        "versions": {"scikit-learn": "1.9.1"},
        "features": schema.feature_names,
        "scores": (
            Score(name="roc_auc", value=0.90123, low=0.8911, high=0.9122, weighted=True),
            Score(name="ams", value=2.345, uncertainty=0.123, weighted=True, cut=0.81),
        ),
        "evaluation": "e" * 64,
        "remarks": ("The fit did not converge.",),
        "threshold": Threshold(kind="best_ams", value=0.81),
        "tags": ("higgs",),
        "note": "First line.\nSecond line.",
        "aliases": ("best",),
        "created": datetime(2026, 5, 4, 3, 2, tzinfo=UTC),
    }
    return Model.model_validate(known | changes)


ORIGIN = Origin("my events", "c" * 64, 12_345, (ClassCount(label="b", events=9_000, weight=410_999.8, negative=17),))


class Strict(HTMLParser):
    """Fails on what browsers would have to mend; collects elements, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def plain(text: str, kind: Kind) -> str:
    """What a reader sees, roughly."""
    if kind == "html":
        return " ".join(" ".join(Strict(text).text).split())
    return re.sub(r"\\([\\`*_\[\]#|~$])", r"\1", text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "what",
    [
        "my model",
        "d" * 64,
        "my events",
        "c" * 64,
        "12,345",
        "410,999.8",
        "7" * 64,
        "ATLAS Higgs boson machine learning challenge 2014",
        "-999",
        "EventId",
        "DER_mass_MMC",
        "GeV",
        "0.3 of the events",
        "2026",
        "balanced",
        "Events of negative weight were left out of the training.",
        "12.3 s",
        "345 MB",
        "1,024 MB",
        "1.9.1",
        "0.9012",
        "0.8911 to 0.9122",
        "± 0.123",
        "the cut with the largest AMS on validation events",
        "no sign of overtraining",
        "0.0213",
        "0.431",
        "The fit did not converge.",
        "Importance is of 1,000 events only.",
        "Second line.",
        "higgs",
        "best",
        "2026-05-04 03:02 UTC",
        "job1",
        "1,234 validation events",
        "client.predict(",
        "sums of 691.9 (signal)",
    ],
)
def test_the_card_says_what_is_needed_to_trust_the_model(kind: Kind, what: str) -> None:
    assert what in plain(card(model(), evaluation(), ORIGIN, kind), kind)


def test_defaults_are_marked() -> None:
    text = card(model(), evaluation(), ORIGIN, "md")
    assert "| C | 3.5 | chosen |" in text
    assert "| max\\_iter | 100 | default |" in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_ten_most_important_features_are_listed(kind: Kind) -> None:
    text = card(model(), evaluation(), ORIGIN, kind)
    assert re.search(r"\bx9\b", text)
    assert not re.search(r"\bx10\b", text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_evaluation_says_so(kind: Kind) -> None:
    bare = model(evaluation=None, scores=(), validation=Validation(kind="none"), kept_early=True, probabilities=False)
    text = plain(card(bare, None, None, kind), kind)
    assert "nothing is known of its quality" in text
    assert "none: all events were trained on" in text
    assert "stopped before its training was finished" in text
    assert "not in the store" in text
    assert "Overtraining" not in text


def test_html_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    page = Strict(card(model(), evaluation(), ORIGIN, "html"))
    assert page.elements[:2] == ["html", "head"]
    assert page.elements.count("svg") == 3
    assert not {"script", "link", "img", "iframe", "object", "a"} & set(page.elements)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "style") or name.startswith("on")]
    assert "url(" not in "".join(page.text)


def test_html_has_light_and_dark_colours() -> None:
    page = card(model(), evaluation(), ORIGIN, "html")
    assert "prefers-color-scheme: dark" in page
    assert "width=device-width" in page


@pytest.mark.parametrize(
    "found",
    [evaluation(), evaluation(("a", "b", "c"), None), evaluation(tuple("abcdefghij"), "b")],
    ids=["binary", "three classes", "ten classes with a signal"],
)
def test_figures_stay_within_their_frames(found: Evaluation) -> None:
    page = card(model(), found, ORIGIN, "html")
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    binary = len(found.classes) == 2
    assert len(drawings) == 1 + (1 if binary else len(found.classes)) + (found.ams is not None)
    for drawing in drawings:
        root = ET.fromstring(drawing)
        for path in root.iter("path"):
            for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.attrib["d"]):
                assert 45 <= float(x) <= 331
                assert 9 <= float(y) <= 213


def test_scores_that_are_all_the_same_can_be_drawn() -> None:
    found = evaluation()
    assert found.ams is not None
    flat = found.ams.model_copy(update={"cut": (0.3, 0.3), "ams": (0.0, 0.0), "best": 0.0})
    empty = tuple(
        each.model_copy(update={"edges": (0.3, 0.3), "train": (0.0,), "validation": (0.0,), "validation_error": (0.0,)})
        for each in found.distributions
    )
    page = card(model(), found.model_copy(update={"ams": flat, "distributions": empty}), ORIGIN, "html")
    assert page.count("<svg") == 3


def test_efficiencies_of_negative_weights_are_drawn_at_the_frame() -> None:
    found = evaluation()
    (curves,) = found.curves
    roc = curves.roc.model_copy(update={"signal": tuple(3.0 * x - 1.0 for x in curves.roc.signal)})
    wild = found.model_copy(update={"curves": (curves.model_copy(update={"roc": roc}),)})
    path = re.findall(r'class="line c1" d="([^"]*)"', card(model(), wild, ORIGIN, "html"))[0]
    heights = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]
    assert (min(heights), max(heights)) == (10.0, 212.0)


def test_what_users_wrote_stays_text_in_html() -> None:
    hostile = model(
        name=HOSTILE, note=f"{HOSTILE}\n</blockquote>", tags=(HOSTILE,), remarks=(HOSTILE,), aliases=(HOSTILE,)
    )
    found = evaluation((HOSTILE, "s"))
    origin = Origin(HOSTILE, "c" * 64, 1, (ClassCount(label=HOSTILE, events=1),))
    page = Strict(card(hostile, found, origin, "html"))
    assert not {"script", "img", "a"} & set(page.elements)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49" not in re.findall(r"\b49\b", page.text[0])
    assert sum(HOSTILE in text for text in page.text) >= 7


def test_what_users_wrote_stays_text_in_markdown() -> None:
    schema = Schema.model_validate(model().event_schema.model_dump() | {"title": HOSTILE})
    note = f"# no heading\n- no item\n1. no number\n===\n{HOSTILE}"
    text = card(model(name=HOSTILE, note=note, event_schema=schema), evaluation(), ORIGIN, "md")
    outside = re.sub(r"```python.*?```", "", text, flags=re.DOTALL)
    assert "<" not in outside
    assert "> \\# no heading" in outside
    assert "> \\- no item" in outside
    assert "> 1\\. no number" in outside
    assert "> \\===" in outside
    assert "{{7\\*7}}" in outside
    # Each row of a table has as many bars as its header: none of the hostile ones count.
    for table in re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_the_name_cannot_leave_the_code_of_the_example() -> None:
    name = 'a"\n```\n<b>'
    text = card(model(name=name), None, None, "md")
    code = re.search(r"```python\n(.*?)\n```", text, re.DOTALL)
    assert code
    call = code[1].splitlines()[-1]
    seen: dict[str, str] = {}

    class Client:
        def predict(self, _: str, *, model: str, to: str) -> None:
            seen["model"] = model

    exec(call, {"client": Client()})
    assert seen["model"] == name
