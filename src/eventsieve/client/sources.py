"""What a user hands over to be sent: files, data frames and arrays, as files that can be streamed from disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from eventsieve.client.transport import Query
from eventsieve.errors import BadRequest

__all__ = ["Body", "Source", "body", "is_columns", "is_frame", "opened", "reading"]

Source = Any
"""A path, a data frame (pandas, polars, Arrow), a mapping from column names to arrays, or several of them."""

ARROW = "application/vnd.apache.arrow.file"
ANY = "application/octet-stream"


@dataclass(frozen=True)
class Body:
    """One file to send: where it is, the name it goes by, and the class of its events if it says so itself."""

    path: Path
    name: str
    label: str | None = None
    media_type: str = ANY


@contextmanager
def opened(source: Source) -> Iterator[list[Body]]:
    """The files to send of a source; those made of data frames exist as long as the block lasts.

    Args:
        source: a path, a data frame, ``{column: array}``, a list of paths or frames, or ``{label: path or frame}``.

    Raises:
        BadRequest: it is none of these.
        OSError: there is no such file.
    """
    with ExitStack() as stack:
        if isinstance(source, Mapping) and not is_columns(source):
            yield [_body(each, str(label), stack) for label, each in source.items()]
        elif isinstance(source, (list, tuple)):
            yield [_body(each, None, stack) for each in source]
        else:
            yield [_body(source, None, stack)]


@contextmanager
def body(sent: Body) -> Iterator[dict[str, Any]]:
    """One file as the content of a request, streamed from disk."""
    with sent.path.open("rb") as file:
        yield {"content": file, "headers": {"Content-Type": sent.media_type}}


def is_frame(value: object) -> bool:
    """Whether it is a table in Arrow's eyes; a column of its own is none."""
    return hasattr(value, "__arrow_c_stream__") and (hasattr(value, "columns") or hasattr(value, "read_all"))


def is_columns(source: object) -> bool:
    """Whether it maps names to arrays."""
    if not isinstance(source, Mapping) or not source:
        return False
    return not any(isinstance(each, (str, PathLike)) or is_frame(each) for each in source.values())


def _body(source: Source, label: str | None, stack: ExitStack) -> Body:
    if isinstance(source, (str, PathLike)):
        path = Path(source).expanduser()
        if not path.is_file():
            raise FileNotFoundError(2, "There is no such file", str(path))
        return Body(path, path.name, label)
    if is_frame(source) or is_columns(source):
        name = f"{label}.arrow" if label else "table.arrow"
        file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="eventsieve-", suffix=".arrow"))  # noqa: SIM115
        _write(source, file)
        file.flush()
        return Body(Path(file.name), name, label, ARROW)
    raise BadRequest(
        f"A {type(source).__name__} is no table of events; give a path, a data frame of pandas, polars or Arrow, "
        f"or a mapping from column names to arrays."
    )


def _write(source: Source, file: Any) -> None:
    """Write an Arrow IPC file, batch by batch; equal tables give equal bytes."""
    try:
        reader = _reader(source)
        # What pandas calls an index without a name is no column of the table.
        kept = [field for field in reader.schema if not field.name.startswith("__index_level_")]
        schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in kept])
        with pa.ipc.new_file(file, schema) as writer:
            for batch in reader:
                columns = [_plain_array(batch.column(field.name)).cast(field.type) for field in schema]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    except (pa.ArrowException, TypeError, KeyError) as error:
        raise BadRequest(f"This table does not go into Arrow ({error}); give its columns plain types.") from error


def _plain(type_: Any) -> Any:
    """A type whose batches need nothing from one another, as the file format wants it."""
    if pa.types.is_dictionary(type_):
        return _plain(type_.value_type)
    return pa.large_string() if pa.types.is_string_view(type_) else type_


def _plain_array(array: Any) -> Any:
    """The values of a column that may name them by their places in a dictionary."""
    if not pa.types.is_dictionary(array.type):
        return array
    values = array.dictionary.cast(_plain(array.dictionary.type))
    return pa.DictionaryArray.from_arrays(array.indices, values).dictionary_decode()


def _reader(source: Source) -> Any:
    if isinstance(source, Mapping):
        return pa.table({str(name): pa.array(values) for name, values in source.items()}).to_reader()
    return pa.RecordBatchReader.from_stream(source)


def reading(*, tree: Any = None, branches: Sequence[str] | None = None, header: str = "auto") -> Query:
    """How a file is to be read, as query parameters; ``tree`` may map labels to trees."""
    trees = [f"{name}={label}" for label, name in tree.items()] if isinstance(tree, Mapping) else tree
    return {
        "tree": [trees] if isinstance(trees, str) else trees,
        "branch": None if branches is None else list(branches),
        "header": None if header == "auto" else header,
    }
