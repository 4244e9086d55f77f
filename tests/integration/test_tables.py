from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import uproot

from eventsieve.domain.events import Events
from eventsieve.errors import BadRequest, DamagedArtefact
from eventsieve.records import Schema
from eventsieve.storage.readers import read_events
from eventsieve.storage.tables import map_events, write_events, write_table


@pytest.fixture
def events(events_csv: Path, schema: Schema) -> Events:
    return read_events(events_csv, schema, labels="required")


def test_events_are_mapped_as_they_were_written(events: Events, tmp_path: Path) -> None:
    path = tmp_path / "t.arrow"
    write_events(events, path)
    mapped = map_events(path)
    np.testing.assert_array_equal(mapped.features, events.features)
    np.testing.assert_array_equal(mapped.index, events.index)
    np.testing.assert_array_equal(mapped.weight, events.weight)
    np.testing.assert_array_equal(mapped.labels, events.labels)
    assert mapped.schema == events.schema
    assert mapped.labels.dtype == np.bool_


def test_mapped_features_are_views_of_the_file(events: Events, tmp_path: Path) -> None:
    path = tmp_path / "t.arrow"
    write_events(events, path)
    before = pa.total_allocated_bytes()
    features = map_events(path).features
    assert not features.flags.owndata
    assert not features.flags.writeable
    assert features.flags.c_contiguous
    assert pa.total_allocated_bytes() - before < features.nbytes / 10


def test_events_without_weights_and_labels(events: Events, tmp_path: Path) -> None:
    bare = Events(events.schema, events.features, events.index, None, None)
    write_events(bare, tmp_path / "t.arrow")
    mapped = map_events(tmp_path / "t.arrow")
    assert mapped.weight is None
    assert mapped.label is None


def test_the_same_events_are_the_same_bytes(events: Events, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_events(events, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"x" * 100])
def test_a_damaged_table_is_not_mapped(events: Events, tmp_path: Path, damage) -> None:
    path = tmp_path / "t.arrow"
    write_events(events, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedArtefact, match="upload it again"):
        map_events(path)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_a_table_for_people_is_read_back(events: Events, schema: Schema, tmp_path: Path, suffix: str) -> None:
    from eventsieve.domain.events import to_table

    path = tmp_path / "new" / f"events{suffix}"
    write_table(to_table(events), path)
    again = read_events(path, schema, labels="required")
    np.testing.assert_array_equal(again.features, events.features)
    np.testing.assert_array_equal(again.index, events.index)
    np.testing.assert_array_equal(again.weight, events.weight)
    np.testing.assert_array_equal(again.labels, events.labels)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_table_of_numbers_goes_into_a_root_file(tmp_path: Path) -> None:
    table = pa.table({"event": [3, 1, 2], "pt": [1.5, 2.5, float("nan")]})
    write_table(table, tmp_path / "events.root")
    with uproot.open({tmp_path / "events.root": "events"}) as tree:
        assert tree["event"].array(library="np").tolist() == [3, 1, 2]
        np.testing.assert_array_equal(tree["pt"].array(library="np"), [1.5, 2.5, np.nan])
    with pytest.raises(BadRequest, match="ROOT file: label; write numbers"):
        write_table(pa.table({"label": ["s"]}), tmp_path / "other.root")
    assert [path.name for path in tmp_path.iterdir()] == ["events.root"]


def test_a_table_is_written_in_known_formats_only(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"\.csv, \.csv\.gz, \.parquet"):
        write_table(pa.table({"a": [1]}), tmp_path / "events.xlsx")
