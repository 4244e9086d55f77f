"""Published data sets: the full sample of the ATLAS Higgs machine learning challenge from CERN Open Data.

Record 328 (DOI 10.7483/OPENDATA.ATLAS.ZBP2.M5T8, CC0) holds one gzipped CSV of all 818,238 events, with four columns
besides the features: ``Weight`` and ``Label`` for every event, ``KaggleSet`` (t: training, b and v: public and private
part of the test set, u: unused) and ``KaggleWeight`` (the weight, normalised within each set). Size and checksum are
those of the record.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from eventsieve.domain.schema import load_schema
from eventsieve.errors import DownloadFailed
from eventsieve.storage.download import Download, Progress

__all__ = [
    "HIGGSML_ADLER32",
    "HIGGSML_COUNTS",
    "HIGGSML_SIZE",
    "HIGGSML_URL",
    "FetchedHiggsML",
    "fetch_higgsml",
]

HIGGSML_URL = "https://opendata.cern.ch/record/328/files/atlas-higgs-challenge-2014-v2.csv.gz"
HIGGSML_SIZE = 65_630_848
HIGGSML_ADLER32 = "e4717bbe"
HIGGSML_COUNTS: Mapping[str, int] = {"t": 250_000, "b": 100_000, "v": 450_000, "u": 18_238}
"""Events of each ``KaggleSet``."""

ARCHIVE, MANIFEST = "atlas-higgs-challenge-2014-v2.csv.gz", "higgsml.json"
BLOCK = 2 << 20
"""Bytes of CSV split at a time: what bounds memory."""


@dataclass(frozen=True)
class FetchedHiggsML:
    """The tables of a fetched challenge.

    Attributes:
        paths: ``training`` (EventId, features, Weight, Label) and ``test`` (EventId, features) as Kaggle gave them, and
            ``test_labelled``, the test set with Weight, Label and KaggleSet. The weights of its public part (b) and of
            its private part (v) each sum to the full sample: take one part, or halve them.
        counts: events of each table, by the same names.
    """

    paths: Mapping[str, Path]
    counts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class _Table:
    """One table to be split off: its name, the sets that it takes, and its columns with the names they get."""

    name: str
    sets: str
    columns: Mapping[str, str]

    @property
    def file(self) -> str:
        return f"{self.name}.csv"


def fetch_higgsml(
    folder: Path,
    *,
    url: str = HIGGSML_URL,
    size: int | None = HIGGSML_SIZE,
    adler32: str | None = HIGGSML_ADLER32,
    sha256: str | None = None,
    counts: Mapping[str, int] = HIGGSML_COUNTS,
    progress: Progress | None = None,
    timeout: float = 30.0,
    backoff: float = 1.0,
) -> FetchedHiggsML:
    """Download the challenge's full sample into ``folder`` and split it into training and test set.

    What is there already and right is not fetched again; a download that was cut goes on where it ended. No file gets
    its name before it is whole and verified. The archive stays beside the tables.

    Args:
        folder: made if it is not there.
        url: of the archive; another one for a mirror.
        size: of the archive in bytes; ``None`` to take any.
        adler32: checksum of the archive; ``None`` to take any.
        sha256: checksum of the archive, if known.
        counts: events that there must be of each ``KaggleSet``.
        progress: called with the bytes that are there and those that there will be.
        timeout: seconds without a byte after which an attempt is given up.
        backoff: seconds before a second attempt; doubled for each further one.

    Raises:
        DownloadFailed: the archive cannot be had, or is not what it should be; the message says what may help.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadFailed(f"{folder} cannot be made ({error.strerror}); choose another folder.") from error
    if fetched := _present(folder, counts):
        return fetched
    download = Download(url, size, adler32, sha256, magic=b"\x1f\x8b", timeout=timeout, backoff=backoff)
    archive = folder / ARCHIVE
    if not _is_right(archive, download):
        download.to(archive, progress)
    return _split(archive, url, counts)


def _is_right(archive: Path, download: Download) -> bool:
    """Whether the archive is there and is what it should be."""
    if not archive.exists():
        return False
    with archive.open("rb") as file:
        return not download.faults(file)


def _present(folder: Path, counts: Mapping[str, int]) -> FetchedHiggsML | None:
    """The tables, if an earlier call left all of them and they are unchanged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        unchanged = all(_sha256(folder / name) == digest for name, digest in manifest["sha256"].items())
        made_of = manifest["sets"]
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return _fetched(folder, counts) if unchanged and made_of == dict(counts) else None


def _split(archive: Path, url: str, counts: Mapping[str, int]) -> FetchedHiggsML:
    """Split the archive into its tables, block by block, and give them their names when all of it was right."""
    folder, tables = archive.parent, _tables()
    try:
        with ExitStack() as stack:
            files = {table: stack.enter_context((folder / f"{table.file}.part").open("wb")) for table in tables}
            _write(archive, files, counts)
        for table in tables:
            (folder / f"{table.file}.part").replace(folder / table.file)
        digests = {table.file: _sha256(folder / table.file) for table in tables}
        _write_manifest(folder / MANIFEST, {"source": url, "sets": dict(counts), "sha256": digests})
    except (pa.ArrowInvalid, OSError) as error:
        for table in tables:
            (folder / f"{table.file}.part").unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            raise DownloadFailed(
                f"The tables of {url} cannot be written to {folder} ({error.strerror}); "
                "free some room (about 300 MB) or choose another folder."
            ) from error
        archive.unlink()
        raise DownloadFailed(
            f"{url} was fetched but is not the challenge's table: {error}. Check the URL, or try again."
        ) from error
    return _fetched(folder, counts)


def _write(archive: Path, files: Mapping[_Table, BinaryIO], counts: Mapping[str, int]) -> None:
    """Write each table to its open file.

    Raises:
        pa.ArrowInvalid: the archive is not what it should be, or does not hold so many events of each set.
    """
    found: Counter[str] = Counter()
    for table, file in files.items():
        file.write((",".join(table.columns.values()) + "\n").encode())
    for block in _blocks(archive):
        sets = block.column("KaggleSet")
        found.update({pair["values"]: pair["counts"] for pair in pc.value_counts(sets).to_pylist()})
        for table, file in files.items():
            rows = block.filter(pc.is_in(sets, value_set=pa.array(list(table.sets))))
            unquoted = csv.WriteOptions(include_header=False, quoting_style="none")
            csv.write_csv(rows.select(list(table.columns)), file, unquoted)
    if found != Counter(counts):
        raise pa.ArrowInvalid(f"it holds {_listed(found)} events by KaggleSet instead of {_listed(counts)}")


def _blocks(archive: Path) -> Iterator[pa.RecordBatch]:
    """The archive in blocks of rows, all columns as the text that was published.

    Raises:
        pa.ArrowInvalid, OSError: it is not whole, not gzip, or not a table with the columns there should be.
    """
    columns = [name for table in _tables() for name in table.columns]
    convert = csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()))
    with pa.OSFile(str(archive)) as raw, pa.CompressedInputStream(raw, "gzip") as text:
        reader = csv.open_csv(text, read_options=csv.ReadOptions(block_size=BLOCK), convert_options=convert)
        if missing := sorted(set(columns) - set(reader.schema.names)):
            raise pa.ArrowInvalid(f"it has no column {', '.join(missing)}")
        yield from reader


def _tables() -> tuple[_Table, ...]:
    schema = load_schema("atlas-higgs-2014")
    test = {name: name for name in ("EventId", *schema.feature_names)}
    labelled = test | {"KaggleWeight": "Weight", "Label": "Label"}
    return (
        _Table("training", "t", labelled),
        _Table("test", "bv", test),
        _Table("test_labelled", "bv", labelled | {"KaggleSet": "KaggleSet"}),
    )


def _fetched(folder: Path, counts: Mapping[str, int]) -> FetchedHiggsML:
    tables = _tables()
    return FetchedHiggsML(
        paths={table.name: folder / table.file for table in tables},
        counts={table.name: sum(counts.get(name, 0) for name in table.sets) for table in tables},
    )


def _write_manifest(path: Path, content: dict[str, object]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) or "no"
