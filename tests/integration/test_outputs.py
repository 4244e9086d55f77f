from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import uproot

from eventsieve.records import PredictionFormat, Predictions
from eventsieve.storage.outputs import MEDIA_TYPES, Batch, Heading, open_output

KINDS = get_args(PredictionFormat)
ODD = ('b,"ackground', "s é\n")
HEADING = Heading('a "model"', "d" * 64, ODD, probabilities=True, index_name="EventId", threshold=0.5)


def batches(heading: Heading = HEADING, *sizes: int) -> list[Batch]:
    random = np.random.default_rng(0)
    made, before = [], 0
    for size in sizes or (3, 1, 5):
        probabilities = random.dirichlet(np.ones(len(heading.classes)), size)
        index = np.arange(before, before + size)[::-1] + 2**60
        code = probabilities.argmax(axis=1).astype(np.uint8)
        made.append(Batch(index, probabilities[:, 1], code, probabilities if heading.probabilities else None))
        before += size
    # The numbers that are hardest to spell.
    made[0].score[:3] = (0.0, 5e-324, 1e-7)
    return made


def write(kind: PredictionFormat, path: Path, heading: Heading, parts: list[Batch]) -> None:
    with open_output(kind, path, heading) as writer:
        for part in parts:
            writer(part)


def whole(parts: list[Batch], name: str) -> np.ndarray:
    return np.concatenate([getattr(part, name) for part in parts])


def read(kind: str, path: Path) -> pa.Table:
    if kind == "csv":
        return pacsv.read_csv(path, parse_options=pacsv.ParseOptions(newlines_in_values=True))
    if kind == "parquet":
        return pq.read_table(path)
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_stream(file).read_all()


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_tables_hold_every_number_exactly_and_in_order(kind: PredictionFormat, tmp_path: Path) -> None:
    parts = batches()
    write(kind, tmp_path / "out", HEADING, parts)
    table = read(kind, tmp_path / "out")
    assert table.column_names == ["EventId", "score", "label", *(f"p_{name}" for name in ODD)]
    assert table["EventId"].to_pylist() == whole(parts, "index").tolist()
    assert table["score"].to_pylist() == whole(parts, "score").tolist()
    assert table["label"].to_pylist() == [ODD[code] for code in whole(parts, "code")]
    for code, name in enumerate(ODD):
        assert table[f"p_{name}"].to_pylist() == whole(parts, "probabilities")[:, code].tolist()


def test_json_is_the_record_of_predictions(tmp_path: Path) -> None:
    parts = batches()
    write("json", tmp_path / "out", HEADING, parts)
    text = (tmp_path / "out").read_text(encoding="utf-8")
    found = Predictions.model_validate_json(text)
    assert found.model == 'a "model"'
    assert found.threshold == 0.5
    assert found.index == tuple(whole(parts, "index").tolist())
    assert found.score == tuple(whole(parts, "score").tolist())
    assert found.label == tuple(ODD[code] for code in whole(parts, "code"))
    assert found.probabilities[ODD[1]] == tuple(whole(parts, "probabilities")[:, 1].tolist())
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert json.loads(text)["index_name"] == "EventId"


def test_a_root_file_is_a_friend_tree_in_the_order_of_the_events(tmp_path: Path) -> None:
    parts = batches()
    write("root", tmp_path / "out", HEADING, parts)
    with uproot.open(tmp_path / "out") as file:
        tree = file["eventsieve"]
        assert tree.num_entries == 9
        assert tree.keys() == ["index", "score", "label", "p_b__ackground", "p_s___"]
        columns = tree.arrays(library="np")
        about = json.loads(str(file["about"]))
        assert "0: b," in tree.title
    assert columns["index"].tolist() == whole(parts, "index").tolist()
    assert columns["score"].tolist() == whole(parts, "score").tolist()
    assert columns["label"].dtype == np.int32
    assert columns["label"].tolist() == whole(parts, "code").tolist()
    assert columns["p_s___"].tolist() == whole(parts, "probabilities")[:, 1].tolist()
    assert about["classes"] == list(ODD)
    assert about["index"] == "EventId"


def test_classes_that_become_the_same_branch_are_numbered(tmp_path: Path) -> None:
    heading = Heading("m", "d" * 64, ("a b", "a-b", "é"), probabilities=True)
    write("root", tmp_path / "out", heading, batches(heading))
    with uproot.open(tmp_path / "out") as file:
        assert file["eventsieve"].keys()[3:] == ["p_a_b", "p_a_b_2", "p__"]


@pytest.mark.parametrize("kind", KINDS)
def test_decision_values_have_no_probabilities(kind: PredictionFormat, tmp_path: Path) -> None:
    heading = Heading("m", "d" * 64, ("b", "s"), probabilities=False)
    write(kind, tmp_path / "out", heading, batches(heading))
    if kind == "json":
        assert Predictions.model_validate_json((tmp_path / "out").read_bytes()).probabilities == {}
    elif kind == "root":
        with uproot.open(tmp_path / "out") as file:
            assert file["eventsieve"].keys() == ["index", "score", "label"]
    else:
        assert read(kind, tmp_path / "out").column_names == ["row", "score", "label"]


@pytest.mark.parametrize("name", ["score", "label", "p_s"])
def test_an_index_that_is_called_like_a_prediction_gets_another_name(name: str) -> None:
    heading = Heading("m", "d" * 64, ("b", "s"), probabilities=True, index_name=name)
    assert heading.columns == (f"{name}_index", "score", "label", "p_b", "p_s")


@pytest.mark.parametrize("kind", KINDS)
def test_after_an_error_nothing_is_left_beside_the_file(kind: PredictionFormat, tmp_path: Path) -> None:
    broken = Batch(np.arange(2), np.zeros(2), np.zeros(2, np.uint8))  # without the probabilities
    with pytest.raises((ValueError, pa.ArrowException)):
        write(kind, tmp_path / "out", HEADING, [batches()[0], broken])
    assert [path.name for path in tmp_path.iterdir()] in ([], ["out"])


@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_the_number_of_events(kind: PredictionFormat, tmp_path: Path) -> None:
    heading = Heading("m", "d" * 64, ("b", "s"), probabilities=True)
    (part,) = batches(heading, 10_000)
    write(kind, tmp_path / "warm", heading, [part])

    def peak(times: int) -> int:
        pool = pa.default_memory_pool()
        tracemalloc.start()
        before, most = pool.bytes_allocated(), 0
        with open_output(kind, tmp_path / f"{times}", heading) as writer:
            for _ in range(times):
                writer(part)
                most = max(most, pool.bytes_allocated() - before)
        python = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most + python

    few, many = peak(5), peak(60)
    assert many < 2 * few + 2_000_000, (few, many)


def test_every_format_has_a_media_type() -> None:
    assert set(MEDIA_TYPES) == set(KINDS)
