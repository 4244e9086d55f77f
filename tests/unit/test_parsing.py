"""Blocks that are parsed side by side give the rows of one stream, and quotation marks bring the stream back."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from eventsieve import machine
from eventsieve.storage import parsing
from eventsieve.storage.parsing import parsed

TYPES = {"0": pa.int64(), "1": pa.float64(), "2": pa.string()}
CONVERT = pacsv.ConvertOptions(column_types=TYPES, null_values=["", "NA"], strings_can_be_null=True)


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 4)


def rows(*blocks: bytes) -> list[tuple[object, ...]]:
    batches = parsed(iter(blocks), width=3, delimiter=",", convert=CONVERT)
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def block(start: int, stop: int, end: bytes = b"\n") -> bytes:
    return b"".join(b"%d,%d.5,t%d%b" % (number, number, number, end) for number in range(start, stop))


def expected(stop: int) -> list[tuple[object, ...]]:
    return [(number, number + 0.5, f"t{number}") for number in range(stop)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_rows_are_in_the_order_of_the_blocks(end: bytes) -> None:
    assert rows(*(block(start, start + 10, end) for start in range(0, 300, 10))) == expected(300)


def test_no_blocks_are_no_rows() -> None:
    assert rows() == []


def test_blank_blocks_and_lines_are_no_rows() -> None:
    assert rows(block(0, 5), b"\n\r\n\n", b"\n" + block(5, 9)) == expected(9)


def test_a_last_line_may_end_with_the_file() -> None:
    assert rows(block(0, 5), b"5,5.5,t5") == expected(6)


def test_a_quoted_value_may_go_on_in_the_next_block() -> None:
    found = rows(block(0, 5), b'5,5.5,"t5\n', b'and more"\n', block(6, 8))
    assert found == [*expected(5), (5, 5.5, "t5\nand more"), *expected(8)[6:]]


def test_unquoted_blocks_are_never_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> Iterator[pa.RecordBatch]:
        raise AssertionError

    monkeypatch.setattr(parsing, "_streamed", refused)
    assert rows(block(0, 5), block(5, 9)) == expected(9)


@pytest.mark.parametrize("bad", [b"7,7.5\n", b"7,seven,t\n", b"7.5,1,t\n", b"\xef\xbb\xbf7,7.5,t7\n"])
@pytest.mark.parametrize("place", [0, 1, 20])
def test_what_does_not_parse_is_an_error_of_arrow_wherever_it_is(bad: bytes, place: int) -> None:
    blocks = [block(start, start + 5) for start in range(0, 150, 5)]
    blocks.insert(place, bad)
    with pytest.raises(pa.ArrowInvalid):
        rows(*blocks)
