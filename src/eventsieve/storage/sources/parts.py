"""Several files, or several trees, as one source: signal and background that came apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from eventsieve.errors import BadRequest, BadTable
from eventsieve.records import Reading
from eventsieve.storage.sources.choice import listed
from eventsieve.storage.sources.opening import MAX_BYTES, open_source
from eventsieve.storage.sources.source import Source

__all__ = ["Given", "Parted", "open_parts"]


@dataclass(frozen=True)
class Given:
    """A file as it was given: where it is, its name, and the class of all of its events where it has one."""

    path: Path
    name: str
    label: str | None = None


@dataclass(frozen=True)
class _Piece:
    """One of the sources that make up a whole."""

    source: Source
    file: str
    label: str | None


@dataclass(frozen=True)
class Parted:
    """Sources with the same columns, one after the other.

    Attributes:
        pieces: the sources with the names of their files and the labels of their events.
        label: name of the column that is added for the labels; ``None`` without labels.
        schema: names and types of all columns.
    """

    pieces: tuple[_Piece, ...]
    label: str | None
    schema: pa.Schema

    @property
    def format(self) -> str:
        """The format of the files; several joined by ``+``."""
        return "+".join(dict.fromkeys(piece.source.format for piece in self.pieces))

    @property
    def named(self) -> bool:
        """Whether the names of the columns came with the files."""
        return all(piece.source.named for piece in self.pieces)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out, each sentence once."""
        return tuple(dict.fromkeys(warning for piece in self.pieces for warning in piece.source.warnings))

    def batches(self, place: int) -> Iterator[pa.RecordBatch]:
        """The events of one piece, in the types of ``schema``.

        Raises:
            BadTable, TooLarge: see `Source.batches`.
            Retyped: see `retyped`.
        """
        piece = self.pieces[place]
        names = [name for name in self.schema.names if name != self.label]
        for batch in piece.source.batches(names):
            columns = [
                column.cast(self.schema.field(name).type) for name, column in zip(names, batch.columns, strict=True)
            ]
            if self.label is not None:
                columns.append(pa.repeat(pa.scalar(piece.label, pa.string()), batch.num_rows))
            yield pa.record_batch(columns, schema=self.schema)

    def retyped(self, place: int, source: Source) -> Parted:
        """The same with another source in one place.

        Raises:
            BadTable: its columns no longer agree with the others'.
        """
        pieces = list(self.pieces)
        pieces[place] = replace(pieces[place], source=source)
        return _joined(tuple(pieces), self.label)


def open_parts(files: Sequence[Given], reading: Reading = Reading(), *, max_bytes: int = MAX_BYTES) -> Parted:  # noqa: B008
    """All events of the files, and of the trees that are named in them.

    Args:
        files: one at least; with a label each, or none of them.
        reading: trees are read from each of the files; ``NAME=LABEL`` gives the events of a tree a label.
        max_bytes: how large the unpacked content of each may be.

    Raises:
        BadRequest: labels are given to some and not to others, or twice.
        BadTable: a file cannot be read, or their columns do not agree.
        TooLarge: one unpacks to more than ``max_bytes``.
    """
    pieces = []
    for file in files:
        for tree in reading.trees or ("",):
            name, _, label = tree.partition("=")
            if label and file.label:
                raise BadRequest(f"The file {file.name!r} and its tree {name!r} both have a label; leave one out.")
            one = reading.model_copy(update={"trees": (name,) if name else ()})
            pieces.append(_Piece(_named(file, len(files), one, max_bytes), file.name, label or file.label or None))
    lacking = [_title(piece) for piece in pieces if piece.label is None]
    if lacking and len(lacking) < len(pieces):
        raise BadRequest(f"Without a label, unlike the others: {listed(lacking)}; give each a label, or none.")
    return _joined(tuple(pieces), None if lacking else _free("class", pieces[0].source.schema.names))


def _named(file: Given, files: int, reading: Reading, max_bytes: int) -> Source:
    """The source of a file; where there are several, its faults bear its name."""
    try:
        return open_source(file.path, reading, max_bytes=max_bytes)
    except BadTable as exc:
        if files == 1:
            raise
        raise BadTable(*(f"{file.name}: {fault}" for fault in exc.faults)) from exc


def _title(piece: _Piece) -> str:
    return f"{piece.file}: {piece.source.tree}" if piece.source.tree else piece.file


def _free(name: str, taken: Sequence[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _joined(pieces: tuple[_Piece, ...], label: str | None) -> Parted:
    first, *others = pieces
    names = first.source.schema.names
    faults = []
    for other in others:
        theirs = other.source.schema.names
        for lacks, has, missing in (
            (other, first, [name for name in names if name not in theirs]),
            (first, other, [name for name in theirs if name not in names]),
        ):
            if missing:
                faults.append(
                    f"{_title(lacks)} lacks columns that {_title(has)} has: {listed(missing)}; "
                    f"add them, or keep only common columns (branches)."
                )
    if faults:
        raise BadTable(*faults)
    fields = [pa.field(name, _common(name, pieces)) for name in names]
    return Parted(pieces, label, pa.schema([*fields, *([(label, pa.string())] if label else [])]))


def _common(name: str, pieces: Sequence[_Piece]) -> pa.DataType:
    """The type that holds a column's values in all of the pieces.

    Raises:
        BadTable: it is text in one and a number in another.
    """
    types = {piece.source.schema.field(name).type: _title(piece) for piece in pieces}
    if pa.string() in types and len(types) > 1:
        number = next(title for kind, title in types.items() if kind != pa.string())
        raise BadTable(
            f"Column {name} is text in {types[pa.string()]} and a number in {number}; "
            f"make them agree, or leave it out by naming the others (branches)."
        )
    return pa.float64() if pa.float64() in types else next(iter(types))
