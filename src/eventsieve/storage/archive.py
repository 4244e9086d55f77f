"""Archives: plain tar files, perhaps compressed, that are written and read in one go.

Only regular files under names of ours are written, and nothing else is read: no links, devices, paths, sparse files or
extended headers. What a header says is what is read, so that an archive takes no more memory or room than it says.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from eventsieve.errors import BadInput

__all__ = ["COMPRESSIONS", "Entry", "Reader", "Writer", "compression_of"]

COMPRESSIONS: Final = {".zst": "zstd", ".gz": "gzip", ".tar": None}
"""By the end of the archive's name."""

NAME: Final = re.compile(r"[a-z_]{1,32}(?:\.json|/[0-9a-z_]{1,64}\.[a-z]{1,8})")
"""Names of members: a folder of ours and a file in it, or a document at the top."""

BLOCK: Final = tarfile.BLOCKSIZE
CHUNK: Final = 1 << 20
_MAGIC: Final = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}


@dataclass(frozen=True)
class Entry:
    """A member of an archive."""

    name: str
    size: int
    sha256: str


def compression_of(path: Path) -> str | None:
    """How an archive of that name is compressed.

    Raises:
        BadInput: the name does not say it.
    """
    if path.suffix not in COMPRESSIONS or not path.name.endswith((".tar", ".tar.gz", ".tar.zst")):
        raise BadInput(
            f"The name {path.name!r} does not say what is to be written; end it in .tar, .tar.zst or .tar.gz."
        )
    return COMPRESSIONS[path.suffix]


class Writer:
    """Writes an archive into an open file.

    Args:
        file: where it goes.
        compression: "zstd", "gzip" or none.
    """

    def __init__(self, file: IO[bytes], compression: str | None) -> None:
        self._sink: Any = file
        if compression:  # on a descriptor of its own, which it closes
            self._sink = pa.CompressedOutputStream(os.fdopen(os.dup(file.fileno()), "wb"), compression)
        self._written = 0

    def add(self, name: str, file: IO[bytes], size: int) -> Entry:
        """Write the first ``size`` bytes of an open file as a member.

        Raises:
            EOFError: it has fewer.
        """
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        # Sizes above 8 GiB without extended headers.
        self._write(info.tobuf(tarfile.GNU_FORMAT))
        digest, left = hashlib.sha256(), size
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise EOFError(f"{name} has become shorter while it was read")
            digest.update(chunk)
            self._write(chunk)
            left -= len(chunk)
        self._write(b"\0" * (-size % BLOCK))
        return Entry(name, size, digest.hexdigest())

    def add_text(self, name: str, text: str) -> Entry:
        """Write a text as a member."""
        data = text.encode()
        return self.add(name, io.BytesIO(data), len(data))

    def finish(self) -> None:
        """Write the end; the file stays open."""
        self._write(b"\0" * (2 * BLOCK))
        if isinstance(self._sink, pa.NativeFile):
            self._sink.close()

    def _write(self, data: bytes) -> None:
        self._sink.write(data)


class Reader:
    """Reads an archive from an open file, member by member.

    Args:
        file: the archive.
        shown: its name, for sentences.
    """

    def __init__(self, file: IO[bytes], shown: str) -> None:
        magic = file.read(4)
        file.seek(0)
        compression = next((name for start, name in _MAGIC.items() if magic.startswith(start)), None)
        self._source: Any = pa.CompressedInputStream(pa.PythonFile(file), compression) if compression else file
        self._shown = shown

    def members(self) -> Iterator[tuple[str, int, Callable[[IO[bytes]], str]]]:
        """Name and size of each member, and what copies its bytes into an open file and returns their SHA-256.

        Raises:
            BadInput: the archive is damaged, truncated, or holds what no archive of ours holds.
        """
        while (info := self._header()) is not None:
            taken = False

            def copy(into: IO[bytes], size: int = info.size) -> str:
                nonlocal taken
                taken = True
                return self._copy(size, into)

            yield info.name, info.size, copy
            if not taken:
                self._copy(info.size, None)
            self._exactly(-info.size % BLOCK)

    def _header(self) -> tarfile.TarInfo | None:
        block = self._exactly(BLOCK)
        if not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise self._refusal(f"what should be a header is none ({error})") from error
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
            raise self._refusal(f"{info.name[:100]!r} is no regular file")
        if not NAME.fullmatch(info.name):
            raise self._refusal(f"{info.name[:100]!r} is no name that a backup has")
        return info

    def _copy(self, size: int, into: IO[bytes] | None) -> str:
        digest, left = hashlib.sha256(), size
        while left:
            chunk = self._exactly(min(CHUNK, left))
            digest.update(chunk)
            if into is not None:
                into.write(chunk)
            left -= len(chunk)
        return digest.hexdigest()

    def _exactly(self, size: int) -> bytes:
        parts, left = [], size
        while left:
            try:
                part = self._source.read(left)
            except (OSError, pa.ArrowException) as error:
                raise self._refusal(f"it cannot be unpacked: {error}") from error
            if not part:
                raise self._refusal("it ends too early")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _refusal(self, why: str) -> BadInput:
        return BadInput(f"{self._shown} is damaged, or no backup of Eventsieve ({why}); take another one.")
