"""Downloads: a file over HTTP, whole and verified or not there at all.

Bytes go to ``<name>.part`` and stay there when the connection is cut, so that the next attempt, or the next call, goes
on where this one ended; the file gets its name once its size and checksums are right.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import httpx2

from eventsieve.errors import DownloadFailed

__all__ = ["Download", "Progress"]

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and those that there will be, if the server says how many."""

CHUNK = 1 << 20
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another attempt may cure."""


class _Interrupted(Exception):
    """Raised when an attempt ends early and another may succeed; the message says why."""


@dataclass(frozen=True)
class Download:
    """A file to be fetched.

    Attributes:
        url: where it is.
        size: its bytes, if known.
        adler32: its Adler-32 checksum as eight hexadecimal digits, if known.
        sha256: its SHA-256 as hexadecimal digits, if known.
        magic: the bytes that it starts with; what starts otherwise (a page for people to read) is refused at once.
        attempts: how often to try without getting a byte further before giving up.
        backoff: seconds before the second attempt; doubled for each one after it.
        timeout: seconds without a byte after which an attempt is given up.
    """

    url: str
    size: int | None = None
    adler32: str | None = None
    sha256: str | None = None
    magic: bytes = b""
    attempts: int = 5
    backoff: float = 1.0
    timeout: float = 30.0

    def to(self, target: Path, progress: Progress | None = None) -> None:
        """Fetch the file to ``target``, whose folder exists; going on with what an earlier call left.

        Raises:
            DownloadFailed: naming the URL, what is wrong and what may help.
        """
        part = target.with_name(f"{target.name}.part")
        try:
            with part.open("a+b") as file:
                self._lock(file)
                try:
                    self._fetch(file, progress or (lambda _have, _total: None))
                    os.fsync(file.fileno())
                    part.replace(target)
                finally:
                    if _end(file) == 0:
                        part.unlink(missing_ok=True)
                    if not part.exists():
                        _validator(part).unlink(missing_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._no_room(target.parent) from error
            raise self._failed(f"{part} cannot be written ({error.strerror})", "choose another folder") from error

    def faults(self, file: BinaryIO) -> list[str]:
        """What of a complete file is not as it should be: its size, its checksums; nothing where it is right."""
        size, adler, sha = 0, 1, hashlib.sha256()
        file.seek(0)
        while chunk := file.read(CHUNK):
            size, adler = size + len(chunk), zlib.adler32(chunk, adler)
            sha.update(chunk)
        pairs = (
            ("size", size, self.size),
            ("Adler-32 checksum", f"{adler:08x}", self.adler32),
            ("SHA-256", sha.hexdigest(), self.sha256),
        )
        return [f"its {what} is {is_}, not {should}" for what, is_, should in pairs if should not in (None, is_)]

    def _fetch(self, file: BinaryIO, progress: Progress) -> None:
        """Bring the open file to its full content, trying again where that may help."""
        furthest, failures = _end(file), 0
        while True:
            resumed = _end(file) > 0
            try:
                self._attempt(file, progress)
                self._verify(file, resumed=resumed)
            except (_Interrupted, httpx2.TransportError) as error:
                failures = failures + 1 if _end(file) <= furthest else 1
                furthest = max(furthest, _end(file))
                if failures >= self.attempts:
                    reason = str(error) or type(error).__name__
                    cure = "check the network; another call goes on where this one ended"
                    raise self._failed(f"{failures} attempts in a row ended early ({reason})", cure) from error
                time.sleep(self.backoff * 2 ** (failures - 1))
            else:
                return

    def _verify(self, file: BinaryIO, *, resumed: bool) -> None:
        """Check what is there, and clear it away where it is not right."""
        faults = " and ".join(self.faults(file))
        if not faults:
            return
        file.truncate(0)
        if resumed:  # what an earlier attempt left may have been of another version: once more, from the start
            raise _Interrupted(faults)
        raise self._failed(f"what came is damaged: {faults}", "try again later, or another URL of the file")

    def _attempt(self, file: BinaryIO, progress: Progress) -> None:
        """Ask once for what is missing, and append what comes."""
        have = _end(file)
        if have == self.size:
            return
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-"} | _if_range(file)
        try:
            with httpx2.stream(
                "GET", self.url, headers=headers, timeout=self.timeout, follow_redirects=True
            ) as response:
                self._receive(response, file, progress)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.TooManyRedirects) as error:
            raise self._failed(str(error), "correct the URL") from error

    def _receive(self, response: httpx2.Response, file: BinaryIO, progress: Progress) -> None:
        """Append the body of an answer to the open file."""
        if self._complete(response, file):
            return
        total = self._begin(response, file)
        have = _end(file)
        folder = Path(file.name).parent
        if total is not None and total - have > shutil.disk_usage(folder).free:
            raise self._no_room(folder, total - have)
        for chunk in response.iter_raw():
            if have == 0 and chunk[: len(self.magic)] != self.magic[: len(chunk)]:
                kind = response.headers.get("Content-Type", "nothing")
                raise self._failed(
                    f"what came is not the file: it starts with {chunk[:16]!r} and is called {kind}",
                    "open the URL in a browser and see what it says",
                )
            file.write(chunk)
            have += len(chunk)
            progress(have, total)
        if total is not None and have < total:
            raise _Interrupted(f"{have} of {total} bytes came")

    def _begin(self, response: httpx2.Response, file: BinaryIO) -> int | None:
        """Make the open file ready for the body of this answer; the bytes that there will be in all, if known."""
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            first, total = _content_range(response)
            if first != _end(file):
                file.truncate(0)
                raise _Interrupted(f"the server sent other bytes than asked for: from {first}")
            return total or self.size
        if response.status_code == HTTPStatus.OK:
            file.truncate(0)
            _remember_validator(response, file)
            length = response.headers.get("Content-Length", "")
            return int(length) if length.isdecimal() else self.size
        if response.status_code in PASSING:
            raise _Interrupted(f"the server says {response.status_code} {response.reason_phrase}")
        raise self._failed(
            f"the server says {response.status_code} {response.reason_phrase}", "look whether the file has moved"
        )

    def _complete(self, response: httpx2.Response, file: BinaryIO) -> bool:
        """Whether the server has no more bytes because all are here already."""
        if response.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return False
        if _content_range(response)[1] == _end(file):
            return True
        file.truncate(0)
        raise _Interrupted("what an earlier attempt left does not fit the file")

    def _lock(self, file: BinaryIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._failed(f"another process is writing {file.name}", "wait for it") from error

    def _failed(self, what: str, cure: str) -> DownloadFailed:
        return DownloadFailed(f"{self.url} could not be fetched: {what}; {cure}.")

    def _no_room(self, folder: Path, missing: int | None = None) -> DownloadFailed:
        need = "" if missing is None else f" for {missing / 1e6:.0f} MB more"
        return self._failed(f"there is no room in {folder}{need}", "free some or choose another folder")


def _end(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _content_range(response: httpx2.Response) -> tuple[int | None, int | None]:
    """First byte and total of ``Content-Range: bytes 5-9/10`` or ``bytes */10``; ``None`` for what it does not say."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", response.headers.get("Content-Range", ""))
    first, total = (None if group is None else int(group) for group in match.groups()) if match else (None, None)
    return first, total


def _validator(part: Path) -> Path:
    """The file that remembers which version of the remote file a part is of."""
    return part.with_name(f"{part.name}.version")


def _remember_validator(response: httpx2.Response, file: BinaryIO) -> None:
    etag = response.headers.get("ETag", "")
    # A weak validator does not promise the same bytes (RFC 9110, section 13.1.5).
    version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    _validator(Path(file.name)).write_text(version, encoding="ascii", errors="ignore")


def _if_range(file: BinaryIO) -> dict[str, str]:
    """The header that makes a server send the whole file where it is another one than the part is of."""
    path = _validator(Path(file.name))
    version = path.read_text(encoding="ascii") if path.exists() else ""
    return {"If-Range": version} if version else {}
