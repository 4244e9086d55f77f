"""Objects: files in an object store, by its URL; what the store says is translated here into our errors.

Transfers go in parts, each with a time limit of its own, so that a file of any size passes and a store that says
nothing is given up soon. Nothing here is believed to be whole before its size and its digest have been looked at.
"""

from __future__ import annotations

import ipaddress
import os
import re
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from eventsieve.errors import BadConfiguration, DamagedArtefact, StoreUnavailable
from eventsieve.storage.shelves import digest_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["SCHEMES", "Objects"]

SCHEMES: Final = ("s3", "gs", "az")
OPTIONS: Final = ("endpoint", "region", "allow_http")
"""What may stand in the URL behind a question mark; secrets may not, for URLs are shown."""

PART: Final = 8 << 20
"""Bytes of a part of a file that is sent or fetched."""
MOST_PARTS: Final = 9_000
"""S3 takes 10,000."""
AT_ONCE: Final = 4
ATTEMPTS: Final = 2
"""How often a file is fetched that is not what was stored: the second time for what was damaged on the way."""
REST_SECONDS: Final = 2.0
"""How long a store that did not answer is not asked again: a request that needs a hundred files waits once."""

_CLIENT: Final = {"connect_timeout": "3s", "read_timeout": "20s", "timeout": "60s"}
_RETRIES: Final = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
}
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_DIGEST: Final = "sha256"


class Objects:
    """The files of one bucket below one prefix.

    Args:
        url: ``s3://BUCKET/PREFIX``, ``gs://BUCKET/PREFIX`` or ``az://ACCOUNT/CONTAINER/PREFIX``; credentials come from
            the environment, as the store's own tools read them.

    Raises:
        BadConfiguration: the URL means nothing, or the package for object stores is not installed.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.shown = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        self._store = _open(parts, self.shown)
        self._rests_until = 0.0

    def check(self) -> None:
        """See whether files can be written, read and removed.

        Raises:
            BadConfiguration: they cannot.
        """
        try:
            self.now()
        except _Unanswered as error:
            raise BadConfiguration(
                f"The file store {self.shown} cannot be used: {error.why}. Make the bucket, give credentials in the "
                f"environment with the right to read, write, list and delete, or correct FILES_URL."
            ) from error

    def now(self) -> datetime:
        """What the clock of the store says, by an object that is written and removed.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        import obstore  # noqa: PLC0415 - an extra

        name = f"probes/{uuid.uuid4().hex}"
        try:
            with self._asked(name):
                obstore.put(self._store, name, b"eventsieve")
                moment = obstore.head(self._store, name)["last_modified"]
                obstore.delete(self._store, name)
        except FileNotFoundError as error:  # of a bucket that is not there, or not for us to see
            raise _Unanswered(self.shown, "there is no such bucket") from error
        return moment

    def send(self, path: Path, name: str, digest: str) -> None:
        """Store a file under a name, whole or not at all.

        Args:
            path: the file.
            name: of the object.
            digest: SHA-256 of the file; it stays with the object.

        Raises:
            StoreUnavailable: the store does not take it.
        """
        import obstore  # noqa: PLC0415 - an extra

        size = path.stat().st_size
        with self._asked(name):
            obstore.put(
                self._store,
                name,
                path,
                attributes={_DIGEST: digest},
                use_multipart=size > PART,
                chunk_size=max(PART, size // MOST_PARTS),
                max_concurrency=AT_ONCE,
            )
        if not self.has(name, size):
            raise StoreUnavailable(f"The file store {self.shown} has not kept a file whole; nothing was changed.")

    def has(self, name: str, size: int) -> bool:
        """Whether there is an object of that name and of so many bytes.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        import obstore  # noqa: PLC0415 - an extra

        try:
            with self._asked(name):
                return bool(obstore.head(self._store, name)["size"] == size)
        except FileNotFoundError:
            return False

    def fetch(self, name: str, path: Path, digest: str | None) -> bool:
        """Write an object to a new path; whether there was one.

        Args:
            name: of the object.
            path: where it is written; what is left there after an error is not whole.
            digest: SHA-256 that it must have; ``None`` where only the object itself tells it.

        Raises:
            StoreUnavailable: the store does not answer.
            DamagedArtefact: what comes is not what was stored, more than once.
        """
        for _ in range(ATTEMPTS):
            try:
                stored = self._fetch(name, path)
            except FileNotFoundError:
                return False
            wanted = digest or stored
            if wanted is None or digest_of(path) == wanted:
                return True
        raise DamagedArtefact(f"The file {name} in the file store {self.shown} is not what was stored.")

    def remove(self, name: str) -> None:
        """Remove an object, if it is there.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        import obstore  # noqa: PLC0415 - an extra

        try:
            with self._asked(name):
                obstore.delete(self._store, name)
        except FileNotFoundError:
            pass

    def listed(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """The names of all objects in a folder, without it, and when each was stored by the clock of the store.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        import obstore  # noqa: PLC0415 - an extra

        with self._asked(folder):
            for chunk in obstore.list(self._store, prefix=folder):
                for each in chunk:
                    yield each["path"].rpartition("/")[2], each["last_modified"]

    def noted(self, name: str) -> str | None:
        """The short text that was written down under a name; ``None`` where there is none.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        import obstore  # noqa: PLC0415 - an extra

        try:
            with self._asked(name):
                return bytes(obstore.get(self._store, name).bytes()).decode(errors="replace")
        except FileNotFoundError:
            return None

    def note(self, name: str, text: str) -> str:
        """Write down a short text under a name where there is none yet; returns what stands there.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        import obstore  # noqa: PLC0415 - an extra

        if (found := self.noted(name)) is not None:
            return found
        with self._asked(name):
            obstore.put(self._store, name, text.encode())
        return self.noted(name) or ""

    def _fetch(self, name: str, path: Path) -> str | None:
        """Write an object to a path, part by part; returns the digest that stands beside it."""
        import obstore  # noqa: PLC0415 - an extra

        def part(start: int) -> None:
            data = obstore.get_range(self._store, name, start=start, end=min(start + PART, size))
            if len(data) != min(PART, size - start) or os.pwrite(file.fileno(), data, start) != len(data):
                raise DamagedArtefact(f"The file {name} came from the file store {self.shown} with a part missing.")

        with self._asked(name):
            head = obstore.get(self._store, name, options={"head": True})
            size: int = head.meta["size"]
            with path.open("wb") as file, ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(part, range(0, size, PART)):
                    pass
        stored = head.attributes.get(_DIGEST)
        return None if stored is None else str(stored)

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        """Translate what goes wrong within; that there is no such object stays a `FileNotFoundError`."""
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra

        if time.monotonic() < self._rests_until:
            raise _Unanswered(self.shown, "it did not answer a moment ago")
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            why = _why(error)
            if isinstance(error, FileNotFoundError) and "bucket" not in why:
                raise FileNotFoundError(2, os.strerror(2), name) from error
            if type(error).__name__ == "GenericError":
                self._rests_until = time.monotonic() + REST_SECONDS
            raise _Unanswered(self.shown, why) from error


class _Unanswered(StoreUnavailable):
    def __init__(self, shown: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"The file store {shown} does not answer as it should ({why}), so nothing was changed. Ask again soon; who "
            f"runs the server sees to it that the store can be reached. The server goes on by itself then."
        )


def _open(parts: SplitResult, shown: str) -> ObjectStore:
    try:
        from obstore.store import from_url  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BadConfiguration(
            "FILES_URL needs the package obstore; install it by pip install 'eventsieve[s3]', or leave FILES_URL out."
        ) from error
    config, allow_http = _options(parts, shown)
    url = f"{parts.scheme}://{parts.hostname}{parts.path.rstrip('/')}"
    try:
        # Another type for each store, all with these arguments.
        make: Any = from_url
        store: ObjectStore = make(
            url, config=config, client_options={**_CLIENT, "allow_http": allow_http}, retry_config=_RETRIES
        )
    except Exception as error:
        raise BadConfiguration(f"FILES_URL {shown} cannot be used: {_why(error)}; correct it.") from error
    return store


def _options(parts: SplitResult, shown: str) -> tuple[dict[str, str], bool]:
    """What the URL says behind its question mark, checked, and whether the way may be without encryption."""
    if parts.scheme not in SCHEMES or not parts.hostname:
        listed = ", ".join(f"{scheme}://" for scheme in (*SCHEMES, "file"))
        raise BadConfiguration(f"FILES_URL {shown} is no address of a file store; it begins with one of {listed}.")
    options = dict(parse_qsl(parts.query))
    if parts.username or parts.password or set(options) - set(OPTIONS):
        raise BadConfiguration(
            f"FILES_URL {shown} may say {', '.join(OPTIONS)} behind a question mark and nothing else; give credentials "
            f"in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3)."
        )
    allow_http = options.pop("allow_http", "") == "true"
    endpoint = options.get("endpoint") or (_environment_endpoint() if parts.scheme == "s3" else "")
    if endpoint.startswith("http://") and not allow_http:
        allow_http = _is_here(urlsplit(endpoint).hostname or "")
        if not allow_http:
            raise BadConfiguration(
                f"The endpoint {endpoint} of FILES_URL is not encrypted; use https, or write allow_http=true behind "
                f"the URL's question mark where the network is yours alone."
            )
    return options, allow_http


def _environment_endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why(error: BaseException) -> str:
    """What went wrong, in some words: the store's own texts hold addresses, and of some stores signatures in them."""
    text = str(error)
    code = _CODE.search(text)
    words = {
        "PermissionDeniedError": "it refuses the credentials",
        "UnauthenticatedError": "it does not know the credentials",
        "FileNotFoundError": "there is no such bucket" if code and "Bucket" in code[1] else "there is no such file",
        "NotFoundError": "there is no such bucket",
    }
    found = words.get(type(error).__name__) or _network(text)
    return f"{found} ({code[1]})" if code else found


def _network(text: str) -> str:
    """What is said of a connection, by what stands in the text of an error of it."""
    if "169.254." in text or "metadata" in text:
        return "no credentials are in the environment"
    kinds = {
        "NoSuchBucket": "there is no such bucket",
        "dns error": "its name is not known to the network",
        "onnection refused": "nothing listens there",
        "kind: Connect": "no connection to it could be made",
        "kind: Timeout": "it does not answer in time",
        "error sending request": "the connection to it was cut",
        "status code": "it failed",
    }
    sentence = text.partition("\n")[0].partition(": Error performing")[0]
    return next((words for sign, words in kinds.items() if sign in text), re.sub(r"\?\S*|//\S*", "", sentence)[:200])
