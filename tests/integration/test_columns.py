from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventsieve.errors import BadTable, DamagedArtefact, TooLarge
from eventsieve.records import ColumnSummary
from eventsieve.storage import columns
from eventsieve.storage.sources import Given, open_parts


def write(tmp_path: Path, *files: bytes, max_bytes: int = 1 << 30) -> tuple[Path, tuple[int, ...]]:
    """Writes files as the columns of one table."""
    given = []
    for place, data in enumerate(files):
        path = tmp_path / f"part{place}"
        path.write_bytes(data)
        given.append(Given(path, path.name))
    final = tmp_path / "columns.arrow"
    _, counts = columns.write(open_parts(given), final, max_bytes=max_bytes)
    return final, counts


def parquet(tmp_path: Path, table: pa.Table, **options: object) -> bytes:
    pq.write_table(table, tmp_path / "made.parquet", **options)
    return (tmp_path / "made.parquet").read_bytes()


def test_what_was_written_is_read_back(tmp_path: Path):
    path, counts = write(tmp_path, b"n,x,s\n1,0.5,a\n,,\n3,2.5,c\n")
    table = pa.Table.from_batches(columns.batches(path))
    assert counts == (3,)
    assert table.schema == pa.schema([("n", pa.int64()), ("x", pa.float64()), ("s", pa.string())])
    assert table["n"].to_pylist() == [1, None, 3]
    assert table["s"].to_pylist() == ["a", None, "c"]
    np.testing.assert_array_equal(table["x"].to_numpy(), [0.5, np.nan, 2.5])
    assert next(columns.batches(path, ["s", "n"])).schema.names == ["s", "n"]
    assert columns.column(path, "s").to_pylist() == ["a", None, "c"]


def test_the_file_is_uncompressed_and_its_numbers_are_mapped_without_a_copy(tmp_path: Path):
    path, _ = write(tmp_path, b"x\n" + b"0.5\n" * 1000)
    before = pa.total_allocated_bytes()
    batch = next(columns.batches(path))
    assert pa.total_allocated_bytes() - before < 1000
    assert batch.column(0).to_numpy(zero_copy_only=True).sum() == 500


def test_batches_have_the_same_length_whatever_came(tmp_path: Path):
    rows = 2 * columns.ROWS + 7
    table = pa.table({"x": np.arange(rows, dtype=float), "s": [str(place % 3) for place in range(rows)]})
    path, _ = write(tmp_path, parquet(tmp_path, table, row_group_size=12_345))
    assert [batch.num_rows for batch in columns.batches(path)] == [columns.ROWS, columns.ROWS, 7]
    assert columns.column(path, "x").to_pylist() == list(range(rows))


def test_the_same_events_are_the_same_bytes(tmp_path: Path):
    rng = np.random.default_rng(3)
    size = 100_000
    table = pa.table(
        {
            "x": pa.array(rng.normal(size=size), mask=rng.random(size) < 0.1),
            "n": pa.array(rng.integers(0, 9, size), mask=rng.random(size) < 0.1),
            "s": pa.array(rng.choice(["a", "bc", ""], size), mask=rng.random(size) < 0.1),
        }
    )
    digests = set()
    for group in (1000, 33_333, size):
        path, _ = write(tmp_path, parquet(tmp_path, table, row_group_size=group))
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_column_that_shows_its_type_late_is_written_from_the_beginning(tmp_path: Path):
    path, counts = write(tmp_path, b"n\n1\n2\n", b"n\n" + b"3\n" * 600_000 + b"0.5\n", b"n\n4\n")
    values = columns.column(path, "n")
    assert counts == (2, 600_001, 1)
    assert values.type == pa.float64()
    assert values.to_pylist()[:3] == [1.0, 2.0, 3.0]
    assert values.to_pylist()[-2:] == [0.5, 4.0]


def test_what_is_too_large_is_refused(tmp_path: Path):
    with pytest.raises(TooLarge):
        write(tmp_path, b"x,y\n" + b"1,2\n" * 1000, max_bytes=10_000)


def test_blank_lines_are_no_events(tmp_path: Path):
    with pytest.raises(BadTable, match="no events"):
        write(tmp_path, b"x,y\n   \n\t\n")


def test_a_damaged_or_missing_file_is_named(tmp_path: Path):
    path, _ = write(tmp_path, b"x\n1\n")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DamagedArtefact, match=r"columns\.arrow"):
        list(columns.batches(path))
    path.unlink()
    with pytest.raises(DamagedArtefact, match="upload it again"):
        columns.describe(path)


def test_columns_are_described(tmp_path: Path):
    rows = 70_000  # more than one batch
    numbers = np.arange(rows)
    x = np.where(numbers % 10 == 0, -999.0, numbers + 0.5)
    x[5] = np.nan
    x[6] = np.inf
    table = pa.table(
        {
            "event": numbers,
            "twice": numbers // 2,
            "x": x,
            "label": np.where(numbers % 3 == 0, 1.0, 0.0),
            "n": pa.array(numbers % 12 - 1, mask=numbers == 7),
            "s": pa.array(np.where(numbers % 2 == 0, "b", "a"), mask=numbers < 4),
            "many": [f"text {number}" for number in numbers],
            "void": pa.nulls(rows),
        }
    )
    path, _ = write(tmp_path, parquet(tmp_path, table))
    found = {facts.name: facts for facts in columns.describe(path, index="twice")}
    assert [found[name].unique for name in ("event", "twice", "n")] == [True, False, False]
    x_facts = found["x"]
    assert x_facts.summary == ColumnSummary(name="x", dtype="float64", missing=1)
    assert (x_facts.lowest, x_facts.lowest_count, x_facts.second) == (-999.0, 7000, 1.5)
    assert (x_facts.highest, x_facts.infinite, x_facts.events) == (rows - 0.5, 1, rows)
    assert found["label"].values == ("0", "1")
    assert found["n"].summary.missing == 1
    assert found["n"].values == tuple(map(str, range(-1, 11)))
    assert (found["s"].values, found["s"].summary.missing) == (("a", "b"), 4)
    assert found["many"].values == ()
    assert found["void"].empty
    assert found["void"].lowest == math.inf
    assert {facts.summary.dtype for facts in found.values()} == {"int64", "float64", "object"}


def test_a_column_of_whole_floats_may_number_the_events_if_it_is_asked_for(tmp_path: Path):
    path, _ = write(tmp_path, b"key,other\n1.0,1\n2.0,2.5\n3.0,3\n")
    assert [facts.unique for facts in columns.describe(path)] == [False, False]
    assert [facts.unique for facts in columns.describe(path, index="key")] == [True, False]
    assert [facts.unique for facts in columns.describe(path, index="other")] == [False, False]


def test_text_tells_how_much_of_it_is_numbers_and_what_is_none(tmp_path: Path):
    path, _ = write(tmp_path, b"pt;n;where\n1.5;18446744073709551616;a\n0,5;18446744073709551617;b\n2;-1;c\n")
    found = {facts.name: facts for facts in columns.describe(path)}
    assert {name: (one.numbers, one.stray) for name, one in found.items()} == {
        "pt": (3, "0,5"),
        "n": (3, ""),
        "where": (0, "a"),
    }
    assert [one.is_numbers_as_text for one in found.values()] == [True, True, False]
