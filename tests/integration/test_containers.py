from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
from pathlib import Path

import pytest

from eventsieve.errors import BadTable
from eventsieve.storage.containers import peek, unpacked

TEXT = b"x,y\n1,2\n"


@pytest.fixture(params=["plain", "gzip"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "table"
    path.write_bytes(gzip.compress(TEXT) if request.param == "gzip" else TEXT)
    return path


def test_the_text_is_the_same_however_it_is_packed(table: Path) -> None:
    with unpacked(table) as stream:
        assert stream.read() == TEXT


def test_a_disk_that_fails_is_no_damage_of_the_file(table: Path) -> None:
    with pytest.raises(OSError, match="Input/output error") as raised, unpacked(table):
        raise OSError(errno.EIO, "Input/output error")
    assert raised.value.errno == errno.EIO
    assert not isinstance(raised.value, BadTable)


def test_an_archive_that_says_it_is_damaged_is(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(gzip.compress(TEXT))
    with pytest.raises(BadTable, match="gzip"), unpacked(path):
        raise OSError("CRC check failed")


def test_of_a_plain_file_nothing_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(TEXT)
    with pytest.raises(OSError, match="strange"), unpacked(path):
        raise OSError("strange")


def test_other_packings_are_opened_where_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(bz2.compress(TEXT))
    with unpacked(path, every_packing=True) as stream:
        assert stream.read() == TEXT
    with pytest.raises(BadTable), unpacked(path):
        pass


@pytest.mark.parametrize("zeros", [0, 4, 3 * io.DEFAULT_BUFFER_SIZE])
def test_between_two_xz_streams_there_may_be_any_number_of_zeros(tmp_path: Path, zeros: int) -> None:
    path = tmp_path / "table"
    path.write_bytes(lzma.compress(TEXT) + bytes(zeros) + lzma.compress(b"3,4\n") + bytes(zeros))
    with unpacked(path, every_packing=True) as stream:
        assert stream.read() == TEXT + b"3,4\n"


def test_what_a_file_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"0123456789")
    assert peek(path) == b"01234567"
    path.write_bytes(b"")
    with pytest.raises(BadTable, match="0 bytes"):
        peek(path)
