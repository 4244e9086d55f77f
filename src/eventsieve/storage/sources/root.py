"""ROOT files as sources: the flat number branches of a TTree, or the plain fields of an RNTuple."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import uproot

from eventsieve.errors import BadTable, TooLarge
from eventsieve.records import Reading
from eventsieve.storage.sources.choice import choose, listed
from eventsieve.storage.sources.source import Source

__all__ = ["open_root"]

_CURE = (
    "Write one number an event in its place (RDataFrame: Define, then Snapshot); classes may be told apart by trees "
    "with a label each (NAME=LABEL)."
)

_ROWS = 1 << 16
_MOST_ROWS = 1 << 20

# uproot reads what the file's own offsets point to; these are what it says where they point to something else.
_DAMAGE = (
    uproot.exceptions.KeyInFileError,
    uproot.deserialization.DeserializationError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def open_root(path: Path, reading: Reading, max_bytes: int) -> Source:
    """The source of one tree of a ROOT file.

    Raises:
        BadTable: the file is damaged, it is not said which tree is meant, there is no such tree, or none of its
            branches can be used.
        TooLarge: it says of itself that it unpacks to more than ``max_bytes``.
    """
    with _damage_named(), _opened(path) as file:
        key = _key(file, reading.trees)
        tree = file[key]
        rows = int(tree.num_entries)
        branches = _branches(tree)
    odd = {name: why for name, why in branches.items() if isinstance(why, str)}
    kept, warnings = choose(list(branches), reading.branches, odd, noun="branch", cure=_CURE)
    schema = pa.schema([(name, branches[name]) for name in kept])
    if 8 * rows * len(kept) > max_bytes:
        raise TooLarge(f"The tree {key} unpacks to more than {max_bytes} bytes; send it in parts.")
    if not rows:
        raise BadTable(f"The tree {key} has branches but no events.")

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with _damage_named(), _opened(path) as file:
            tree = file[key]
            for start, stop in _steps(tree, columns, rows):
                yield pa.record_batch([_column(tree, name, start, stop) for name in columns], names=list(columns))

    return Source("root", schema, read, tree=key.rpartition(";")[0], warnings=warnings)


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the disk, not the file's content
        what = next((line.strip() for line in str(exc).splitlines() if line.strip()), type(exc).__name__)
        raise BadTable(f"The ROOT file is damaged or cut short ({what[:160].rstrip('.')}); send it again.") from exc


def _opened(path: Path) -> Any:
    return uproot.open(path, handler=uproot.source.file.MemmapSource)


def _key(file: Any, trees: Sequence[str]) -> str:
    """The key of the tree that is meant, with its cycle; the newest cycle where none is named."""
    newest: dict[str, str] = {}
    cycles: set[str] = set()
    for key, kind in file.classnames(recursive=True, cycle=True).items():
        if kind.startswith("TNtuple") or kind in ("TTree", "ROOT::RNTuple"):
            name = key.rpartition(";")[0]
            cycles.add(key)
            newest[name] = max(newest.get(name, key), key, key=lambda each: int(each.rpartition(";")[2]))
    if not newest:
        raise BadTable("The ROOT file holds no tree (TTree or RNTuple); write the events as one.")
    if not trees and len(newest) > 1:
        raise BadTable(f"The ROOT file holds {len(newest)} trees; say which is meant: {listed(list(newest))}.")
    wanted = trees[0].partition("=")[0] if trees else next(iter(newest))
    if wanted not in newest and wanted not in cycles:
        raise BadTable(f"The ROOT file has no tree {wanted!r}; there are: {listed(list(newest))}.")
    return newest.get(wanted, wanted)


def _branches(tree: Any) -> dict[str, pa.DataType | str]:
    """Each branch's Arrow type, or why it has none."""
    if isinstance(tree, uproot.behaviors.RNTuple.RNTuple):
        return {name: _field(tree[name].typename) for name in tree.keys(recursive=False)}
    leaves = {name: branch for name, branch in tree.iteritems(recursive=True) if not branch.branches}
    return {name: _branch(branch) for name, branch in leaves.items()}


_FIELDS = {"float": pa.float64(), "double": pa.float64(), "bool": pa.int64(), "char": pa.int64()}


def _field(typename: str) -> pa.DataType | str:
    """The Arrow type of an RNTuple's field, or why it has none."""
    plain = typename.removeprefix("std::")
    if plain in _FIELDS:
        return _FIELDS[plain]
    if plain.removeprefix("u") in ("int8_t", "int16_t", "int32_t", "int64_t"):
        return pa.int64()
    return "text" if plain == "string" else f"no single number: {typename}"


def _branch(branch: Any) -> pa.DataType | str:
    """The Arrow type of a TTree's branch, or why it has none."""
    kind = branch.interpretation
    if isinstance(kind, uproot.interpretation.strings.AsStrings):
        return "text"
    if isinstance(kind, uproot.interpretation.jagged.AsJagged):
        return f"jagged: {branch.typename}"
    numpy = getattr(kind, "to_dtype", None)
    if numpy is None or numpy.fields or not isinstance(kind, uproot.interpretation.numerical.Numerical):
        return f"several values: {branch.typename}"
    if numpy.shape:
        return f"a vector: {branch.typename}"
    return pa.float64() if numpy.kind == "f" else pa.int64()


def _steps(tree: Any, columns: Sequence[str], rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of entries; they end where the baskets of all branches do, if that is soon enough."""
    ends = set(range(0, rows, _ROWS))
    if not isinstance(tree, uproot.behaviors.RNTuple.RNTuple):
        ends = set(tree.common_entry_offsets(filter_name=list(columns)))
    start = 0
    for end in sorted(end for end in ends | {rows} if end <= rows):
        if end - start >= _ROWS or end == rows:
            while end - start > _MOST_ROWS:
                yield start, start + _ROWS
                start += _ROWS
            if end > start:
                yield start, end
            start = end


def _column(tree: Any, name: str, start: int, stop: int) -> pa.Array:
    values = np.asarray(tree[name].array(entry_start=start, entry_stop=stop, library="np"))
    if len(values) != stop - start:
        raise ValueError(f"branch {name} has {len(values)} values for {stop - start} events")
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    return pa.array(values.astype(values.dtype.newbyteorder("="), copy=False))
