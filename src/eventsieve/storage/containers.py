"""What a file of events is packed in: recognised by its content, unpacked as a stream, refused by its right name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from eventsieve.errors import BadTable

__all__ = ["PARQUET", "peek", "unpacked"]

PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
BZIP2 = b"BZh"
XZ = b"\xfd7zXZ"
ZSTD = b"\x28\xb5\x2f\xfd"

_PACKINGS = {GZIP: "gzip", ZIP: "zip", BZIP2: "bzip2", XZ: "xz", ZSTD: "Zstandard"}
_COMMON = ("gzip", "zip")

_XZ_MEMORY = 256 << 20
"""What unpacking an xz file may take; its writers need no more than 65 MB of it, whatever their level."""

_ADVICE = "Send a table of events as CSV, gzip'd CSV, a zip that holds one CSV, or Parquet."

_FOREIGN = {
    GZIP: "is a gzip file inside another archive; unpack it once",
    ZIP: "is a zip archive inside another archive; unpack it once",
    b"PK\x05\x06": "is a zip archive that holds no file",
    PARQUET: "is a Parquet file inside an archive; send it unpacked",
    b"PARE": "is an encrypted Parquet file",
    b"ARROW1": "is an Arrow (Feather) file",
    b"root": "is a ROOT file",
    b"\x89HDF": "is an HDF5 file",
    b"SQLite format 3": "is an SQLite database",
    b"%PDF": "is a PDF document",
    b"\xd0\xcf\x11\xe0": "is an old Office document",
    b"\x89PNG": "is a PNG image",
    b"\xff\xd8\xff": "is a JPEG image",
    b"GIF8": "is a GIF image",
    BZIP2: "is a bzip2 file",
    XZ: "is an xz file",
    ZSTD: "is a Zstandard file",
    b"7z\xbc\xaf": "is a 7-Zip archive",
    b"Rar!": "is a RAR archive",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
    b"\x93NUMPY": "is a NumPy array",
    b"\x80\x04": "is a Python pickle",
    b"\x80\x05": "is a Python pickle",
}
_FOREIGN_TEXT = (
    (re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE), "is an HTML page"),
    (re.compile(rb"<\?xml|<svg", re.IGNORECASE), "is an XML document"),
    (re.compile(rb"[\[{]\s*([\[{\"\]}]|-?\d)"), "is JSON"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1b]")
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile)
# What zipfile says to a directory that points to nowhere or asks for what no zip program does.
_BAD_DIRECTORY = (*_DAMAGE, OSError, ValueError, RuntimeError, LookupError, OverflowError, struct.error)


def peek(path: Path, advice: str = _ADVICE) -> bytes:
    """The first 8 bytes of a file.

    Raises:
        BadTable: the file is empty.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise BadTable(f"The file is empty (0 bytes). {advice}")
    return head


@contextmanager
def unpacked(path: Path, *, every_packing: bool = False, advice: str = _ADVICE) -> Iterator[IO[bytes]]:
    """The text in a plain or packed file, as a stream that inflates what is read of it and no more.

    Args:
        path: the file.
        every_packing: whether to unpack bzip2, xz and Zstandard too, not only gzip and zip.
        advice: a sentence that says what to send, for refusals.

    Raises:
        BadTable: there is no text in it, or not exactly one file; or, while the stream is read, the archive turns
            out to be damaged.
    """
    head = peek(path, advice)
    kind = next((kind for magic, kind in _PACKINGS.items() if head.startswith(magic)), "")
    kind = kind if every_packing or kind in _COMMON else ""
    try:
        with path.open("rb") as file, _opened(file, kind, advice) as stream:
            _refuse_foreign(cast("BufferedReader", stream).peek(512), advice)
            yield stream
    except _DAMAGE as exc:
        raise _damaged(kind) from exc
    except OSError as exc:
        if exc.errno is not None or not kind:
            raise  # the disk, not the archive
        raise _damaged(kind) from exc


def _damaged(kind: str) -> BadTable:
    return BadTable(f"The {kind or 'file'} {'file ' if kind else ''}is damaged or cut short; send it again.")


@contextmanager
def _opened(file: BufferedReader, kind: str, advice: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        match kind:
            case "gzip":
                yield cast("IO[bytes]", stack.enter_context(gzip.open(file)))
            case "bzip2":
                yield stack.enter_context(bz2.BZ2File(file))
            case "xz":
                yield stack.enter_context(io.BufferedReader(_Xz(file)))
            case "Zstandard":
                unpacking = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
                yield stack.enter_context(io.BufferedReader(unpacking))
            case "zip":
                try:
                    archive = stack.enter_context(zipfile.ZipFile(file))
                    member = stack.enter_context(_only_member(archive, advice))
                except _BAD_DIRECTORY as exc:
                    raise _damaged(kind) from exc
                yield member
            case _:
                yield file


class _Xz(io.RawIOBase):
    """What an xz file unpacks to; unlike `lzma.LZMAFile`, it refuses to take more memory than any such file needs."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._unpacking = _new_xz()

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer, perhaps not to its end; 0 at the end of the file."""
        data = b""
        while not data:
            if self._unpacking.eof:
                # Several streams may follow each other, with zeros between them.
                rest = self._unpacking.unused_data.lstrip(b"\0")
                while not rest:
                    more = self._packed.read(io.DEFAULT_BUFFER_SIZE)
                    if not more:
                        return 0
                    rest = more.lstrip(b"\0")
                self._unpacking = _new_xz()
            elif self._unpacking.needs_input:
                rest = self._packed.read(io.DEFAULT_BUFFER_SIZE)
                if not rest:
                    raise EOFError
            else:
                rest = b""
            data = self._unpacking.decompress(rest, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _new_xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def _only_member(archive: zipfile.ZipFile, advice: str) -> IO[bytes]:
    """The one file in the archive; what macOS adds does not count."""
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        raise BadTable(f"The file is an Office document. {advice}")
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    members = [m for m in members if not m.filename.endswith(".DS_Store")]
    if len(members) != 1:
        some = ", ".join(m.filename[:60] for m in members[:5]) + (", ..." if len(members) > 5 else "")
        raise BadTable(f"The zip archive holds {len(members)} files, not one{': ' + some if some else ''}. {advice}")
    if members[0].flag_bits & 0x1:
        raise BadTable("The zip archive is encrypted; send it without a password.")
    if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The others are inflated by zipfile without a bound on what comes out.
        raise BadTable("The zip archive is packed in a way that is not read here; use the common one (deflate).")
    return archive.open(members[0])


def _refuse_foreign(head: bytes, advice: str) -> None:
    """Name what is certainly no table."""
    if not head:
        raise BadTable(f"The file in the archive is empty. {advice}")
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise BadTable(f"The file {what}. {advice}")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, what in _FOREIGN_TEXT:
        if pattern.match(text):
            raise BadTable(f"The file {what}. {advice}")
    if _CONTROL.search(head):
        raise BadTable(f"The file is binary, not text. {advice}")
