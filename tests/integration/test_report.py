from __future__ import annotations

import math
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow.csv
import pytest
from pypdf import PdfReader

from eventsieve.domain.events import Events
from eventsieve.domain.exploration import explore
from eventsieve.domain.schema import load_schema
from eventsieve.palette import BACKGROUND, SIGNAL, class_colours
from eventsieve.records import Column, Exploration, Schema
from eventsieve.report import write_report
from eventsieve.report.style import DASH, MINUS, number, percent, short
from eventsieve.report.tables import TableColumn, split_rows, wrap

HIGGS = load_schema("atlas-higgs-2014")
SMALL = Schema(name="small", columns=tuple(c for c in HIGGS.columns if c.role != "feature" or "met" in c.name))


def make_events(schema: Schema, count: int, seed: int, *, labels: bool = True) -> Events:
    rng = np.random.default_rng(seed)
    features = rng.normal(50, 20, size=(count, len(schema.features)))
    for position, column in enumerate(schema.features):
        if column.dtype == "int64":
            features[:, position] = rng.integers(0, 4, count)
        elif position % 5 == 4:
            features[rng.random(count) < 0.4, position] = np.nan
    label = rng.random(count) < 0.3 if labels else None
    weight = None if label is None else np.where(label, 0.01, 2.0)
    return Events(
        schema,
        features,
        np.arange(count),
        weight,
        None if label is None else label.astype(np.uint8),
        remarks=("Column Extra is ignored.",),
    )


def headed(pages: list[str], title: str) -> list[str]:
    """The pages, but for the first, that have a line beginning with ``title``."""
    return [page for page in pages[1:] if any(line.startswith(title) for line in page.splitlines())]


def texts(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


@pytest.fixture(scope="module")
def found() -> Exploration:
    return explore(make_events(HIGGS, 12_345, 1), make_events(HIGGS, 6_789, 2))


@pytest.fixture(scope="module")
def pages(found: Exploration, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    write_report(found, path, title="Two tables", tables=("one.csv", "two.csv"), day=date(2026, 11, 23))
    return texts(path)


def test_the_title_page_says_what_was_explored(found: Exploration, pages: list[str]) -> None:
    signal = found.table.classes[1].events
    for text in (
        "Two tables",
        "one.csv",
        "two.csv",
        "2026-11-23",
        "12,345 events",
        "6,789 events",
        f"{signal:,} signal",
    ):
        assert text in pages[0]
    assert "simulated" not in " ".join(pages).lower()


def test_every_section_is_there_and_on_the_page_of_the_contents(pages: list[str]) -> None:
    sections = (
        "Overview",
        "Drift",
        "Undefined values",
        "Summary statistics",
        "Separation power",
        "Signal against background",
        "Second table against first",
        "Whole-number features",
        "Correlations",
        "Glossary of the columns",
    )
    for section in sections:
        (page,) = re.findall(rf"^{section} (\d+)$", pages[0], flags=re.MULTILINE)
        title = "Events per value" if section == "Whole-number features" else section
        assert pages[int(page) - 1] in headed(pages, title)


def test_counts_duplicates_weights_and_remarks_are_in_the_overview(found: Exploration, pages: list[str]) -> None:
    overview = pages[1]
    for count in (found.table.events, found.against.events, found.table.complete, found.table.undefined):
        assert f"{count:,}" in overview
    for count in found.table.classes:
        assert f"{count.events:,}" in overview
        assert number(count.weights.total, 6, zeros=True) in overview
    assert "410,999.85" in overview
    assert "Duplicate events" in overview
    assert "Column Extra is ignored." in " ".join(pages)
    for sentence in found.findings:
        assert "".join(sentence.split()) in "".join("".join(pages).split())


def test_every_column_is_in_each_section_about_features(pages: list[str]) -> None:
    for section in (
        "Summary statistics: first",
        "Summary statistics: second",
        "Signal against",
        "Second table",
        "Drift",
    ):
        text = " ".join(headed(pages, section))
        assert [name for name in HIGGS.feature_names if name not in text] == []
    glossary = " ".join(" ".join(page.split()) for page in headed(pages, "Glossary"))
    for column in HIGGS.columns:
        assert column.name in glossary
        assert column.description in glossary


def test_the_numbers_of_a_feature_are_shown(found: Exploration, pages: list[str]) -> None:
    statistics = headed(pages, "Summary statistics: first")[0]
    ranking = headed(pages, "Separation power")[0]
    for feature in found.features:
        assert number(feature.all.statistics.mean, zeros=True) in statistics
        assert f"{feature.separation.power:.3f}" in ranking


def test_pages_are_numbered(pages: list[str]) -> None:
    for position, page in enumerate(pages, start=1):
        assert f"{position} / {len(pages)}" in page


def test_pages_are_a4_landscape(tmp_path: Path) -> None:
    write_report(explore(make_events(SMALL, 20, 8)), tmp_path / "report.pdf")
    boxes = [page.mediabox for page in PdfReader(tmp_path / "report.pdf").pages]
    assert {(round(float(box.width)), round(float(box.height))) for box in boxes} == {(842, 595)}


def test_the_same_exploration_gives_the_same_bytes_in_any_thread(tmp_path: Path) -> None:
    found = explore(make_events(SMALL, 300, 3))
    paths = [tmp_path / name for name in ("a.pdf", "b.pdf")]
    before = dict(mpl.rcParams)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda path: write_report(found, path), paths))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert dict(mpl.rcParams) == before
    assert sorted(tmp_path.iterdir()) == paths


def test_simulated_events_are_called_so_on_every_page(tmp_path: Path) -> None:
    write_report(explore(make_events(SMALL, 50, 4)), tmp_path / "report.pdf", simulated=True)
    pages = texts(tmp_path / "report.pdf")
    assert "SIMULATED EVENTS" in pages[0]
    assert all("simulated events, not data" in page for page in pages)


def test_another_schema_without_labels_and_without_a_test_table(tmp_path: Path) -> None:
    schema = Schema(
        name="other",
        columns=(
            Column(name="n", dtype="int64", role="index"),
            Column(name="a_$name$_with_^signs_that_is_longer_than_any_axis_can_show", dtype="float64", unit="GeV/c²"),
            Column(name="b", dtype="float64", description="Слово и дело. " * 40),
            Column(name="tracks", dtype="int64"),
            Column(name="y", dtype="object", role="label"),
        ),
    )
    write_report(explore(make_events(schema, 80, 5, labels=False)), tmp_path / "report.pdf")
    pages = texts(tmp_path / "report.pdf")
    text = "".join("".join(page.split()) for page in pages)
    assert schema.features[0].name in text
    assert "Словоидело" in text
    assert headed(pages, "Distributions")
    assert headed(pages, "Events per value: tracks")
    for title in ("Separation power", "Signal against", "Second table", "Drift", "Correlations: signal"):
        assert not headed(pages, title)


def make_classes(classes: int, features: int, count: int = 900) -> Events:
    rng = np.random.default_rng(10)
    names = tuple(f"process {i}" for i in range(classes))
    schema = Schema(
        name="several",
        columns=(
            *(Column(name=f"a_column_with_a_very_long_name_{i:03d}", dtype="float64") for i in range(features)),
            Column(name="process", dtype="object", role="label"),
        ),
        signal=names[1],
        background=(),
        classes=names,
    )
    target = rng.integers(0, classes, count).astype(np.uint8)
    values = rng.normal(size=(count, features)) + 0.2 * target[:, None]
    return Events(schema, values, np.arange(count), None, target)


@pytest.mark.parametrize("classes", [3, 9])
def test_several_classes_are_shown_by_their_names(classes: int, tmp_path: Path) -> None:
    events = make_classes(classes, 4)
    found = explore(events)
    write_report(found, tmp_path / "report.pdf")
    pages = texts(tmp_path / "report.pdf")
    overview = headed(pages, "Overview")[0]
    for part in found.table.classes:
        assert part.label in overview
        assert f"{part.events}" in overview
    assert headed(pages, "Class by class")
    assert len(headed(pages, "Correlations: process")) == (classes if classes <= 6 else 0)
    assert not headed(pages, "Signal against background")
    best = found.ranked()[0].separation
    ranking = headed(pages, "Separation power")[0]
    assert f"{best.power:.3f}" in ranking
    assert f"{best.first} / {best.second}" in ranking
    assert "background" not in " ".join(pages).lower()


def test_very_many_features_take_more_pages_and_none_is_lost(tmp_path: Path) -> None:
    found = explore(make_classes(3, 50, 200))
    write_report(found, tmp_path / "report.pdf")
    pages = texts(tmp_path / "report.pdf")
    assert len(headed(pages, "Class by class")) == 5
    statistics = "".join("".join(page.split()) for page in headed(pages, "Summary statistics"))
    assert [f.column.name for f in found.features if f.column.name not in statistics] == []


def test_classes_have_colours_of_their_own_and_the_signal_keeps_its() -> None:
    colours = class_colours(8, 3)
    assert len(set(colours)) == 8
    assert colours[3] == SIGNAL
    assert class_colours(2, 1) == (BACKGROUND, SIGNAL)
    assert SIGNAL not in class_colours(12, None)


def test_hardly_any_events_make_a_report(tmp_path: Path) -> None:
    write_report(explore(make_events(SMALL, 1, 6), make_events(SMALL, 0, 7)), tmp_path / "report.pdf")
    assert "1 events" in texts(tmp_path / "report.pdf")[0]


def test_a_failed_report_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("eventsieve.report.draw_cover", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(explore(make_events(SMALL, 20, 9)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.real
def test_the_real_events_make_a_report(real_data: Path, tmp_path: Path) -> None:
    def read(name: str) -> Events:
        table = pyarrow.csv.read_csv(real_data / name)
        features = np.column_stack([table[column].to_numpy() for column in HIGGS.feature_names]).astype(np.float64)
        features[features == HIGGS.undefined] = np.nan
        labelled = "Label" in table.column_names
        weight = table["Weight"].to_numpy() if labelled else None
        target = (table["Label"].to_numpy(zero_copy_only=False) == "s").astype(np.uint8) if labelled else None
        return Events(HIGGS, features, table["EventId"].to_numpy(), weight, target)

    found = explore(read("higgsml_training_17889.csv.gz"), read("higgsml_test_99.csv"))
    best = found.ranked()[0]
    assert best.column.name == "DER_mass_transverse_met_lep"
    assert best.separation.power == pytest.approx(0.34, abs=0.01)
    write_report(found, tmp_path / "report.pdf")
    text = " ".join(texts(tmp_path / "report.pdf"))
    assert all(expected in text for expected in ("17,889 events", "6,094 signal", "11,795 background", "99 events"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (None, DASH),
        (math.nan, DASH),
        (-3.14159, f"{MINUS}3.142"),
        (1234567.0, "1,234,567"),
        (12.5, "12.5"),
        (9999.96, "10,000"),
        (1.5e-7, f"1.5e{MINUS}07"),
        (0.00123456, "0.001235"),
        (3e12, "3e+12"),
    ],
)
def test_numbers_are_readable(value: float | None, text: str) -> None:
    assert number(value) == text


def test_shares_are_never_rounded_to_none_or_all() -> None:
    assert [percent(share) for share in (0, 1e-5, 0.25, 0.99999, 1)] == [
        "0",
        "< 0.1 %",
        "25.0 %",
        "> 99.9 %",
        "100.0 %",
    ]


def test_short_names_stay_and_long_ones_keep_both_ends() -> None:
    assert short("DER_mass_transverse_met_lep") == "DER_mass_transverse_met_lep"
    assert short("x" * 20 + "y" * 20) == "x" * 19 + "…" + "y" * 8


def test_text_is_wrapped_between_words_or_inside_too_long_ones() -> None:
    assert wrap("", 1.0) == [""]
    assert " ".join(wrap("some words and more words and yet more of them", 1.0)) == (
        "some words and more words and yet more of them"
    )
    pieces = wrap("short " + "w" * 100, 1.0)
    assert pieces[0] == "short"
    assert len(pieces) > 5
    assert "".join(pieces[1:]) == "w" * 100


def test_rows_are_shared_out_without_loss() -> None:
    rows = [[str(i)] for i in range(100)]
    parts = list(split_rows([TableColumn("n", 1.0)], rows, 2.0))
    assert len(parts) > 1
    assert [row for part in parts for row in part] == rows
