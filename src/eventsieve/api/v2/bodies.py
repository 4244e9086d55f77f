"""Files in requests: streamed to disk and hashed on the way, and gone when the request ends."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, Self

from fastapi import Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from eventsieve.errors import BadRequest
from eventsieve.records import Reading, SchemaEdit
from eventsieve.service.datasets import Upload

__all__ = ["AddFields", "ReadFields", "Received", "form_schema", "is_form", "received"]

BLOCK = 1 << 20
"""Bytes that are written and hashed at a time, while the next ones come."""

MOST_FILES = 256
MOST_FIELDS = 4096
FORM = "multipart/form-data"


class ReadFields(BaseModel):
    """How a file is to be read."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    filename: str = Field(
        "", max_length=256, description="Name of the file, for a body of nothing but its bytes. Default: `table`."
    )
    tree: tuple[str, ...] = Field(
        (), description="ROOT: a tree to read, `NAME` or `NAME=LABEL`; may be repeated. Default: the only tree."
    )
    branch: tuple[str, ...] = Field(
        (), description="A column to keep, or a shell pattern of several; may be repeated. Default: all."
    )
    header: Literal["auto", "yes", "no"] = Field("auto", description="CSV: whether the first line names the columns.")

    def reading(self) -> Reading:
        """The same as a record."""
        return Reading(trees=self.tree, branches=self.branch, header=self.header)


class AddFields(ReadFields):
    """What is said of a new data set."""

    name: str = Field("", max_length=256, description="Name of the data set. Default: that of the file.")
    label: tuple[str, ...] = Field(
        (),
        description="The class of all events of a file; in a form one for each file, in their order. "
        "Empty: the table says it itself.",
    )
    edit: str = Field(
        "",
        alias="schema",
        description="Changes to how the table is read, as JSON of a `SchemaEdit`.",
        examples=['{"label": "class", "signal": "ttbar"}'],
    )


@dataclass(frozen=True)
class Received:
    """The files of a request, and what was said of them.

    Attributes:
        uploads: the files, for as long as the request lasts.
        fields: of the query, or of the form.
        place: where the fields are, "query" or "body".
    """

    uploads: tuple[Upload, ...]
    fields: Any
    place: Literal["query", "body"]

    def schema_edit(self) -> SchemaEdit | None:
        """The changes to the schema, if there are any.

        Raises:
            RequestValidationError: they cannot be read.
        """
        if not self.fields.edit:
            return None
        try:
            return SchemaEdit.model_validate_json(self.fields.edit)
        except ValidationError as error:
            raise _invalid(error, self.place, "schema") from error

    def labelled(self) -> tuple[Upload, ...]:
        """The files with the labels that were given for them.

        Raises:
            RequestValidationError: there are not as many.
        """
        labels, files = self.fields.label, self.uploads
        if labels and len(labels) != len(files):
            message = f"{len(labels)} labels for {len(files)} files; give one for each file, in their order"
            raise RequestValidationError([{"type": "labels", "loc": (self.place, "label"), "msg": message}])
        pairs = zip(files, labels or [""] * len(files), strict=True)
        return tuple(replace(each, label=label or None) for each, label in pairs)


@asynccontextmanager
async def received(
    request: Request, query: ReadFields, new_file: Callable[[], Path], *, hashed: bool = True
) -> AsyncIterator[Received]:
    """The files of a request on disk, for as long as the block lasts.

    Args:
        request: its body is a file's bytes, or a form with several files.
        query: what the query says of them; a form says it in its fields instead.
        new_file: gives a path to write a file to.
        hashed: whether the digests of the files are wanted; they are empty otherwise.

    Raises:
        BadRequest: the form cannot be used.
        RequestValidationError: one of its fields cannot.
        ClientDisconnect: the client hung up before all had come.
        HTTPException: more came than the limit allows (413).
    """
    paths: list[Path] = []

    def target() -> _Sink:
        paths.append(new_file())
        return _Sink(paths[-1], hashed=hashed)

    try:
        if is_form(request):
            yield await _form(request, type(query), target)
        else:
            upload = replace(await _raw(request, target()), name=_base_name(query.filename))
            yield Received((upload,), query, "query")
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def is_form(request: Request) -> bool:
    """Whether the body is a form with files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


async def _raw(request: Request, sink: _Sink) -> Upload:
    with sink:
        chunks: list[bytes] = []
        size = 0
        writing = asyncio.create_task(run_in_threadpool(sink.write, ()))
        try:
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size >= BLOCK:
                    await writing
                    writing = asyncio.create_task(run_in_threadpool(sink.write, chunks))
                    chunks, size = [], 0
            await writing
            await run_in_threadpool(sink.write, chunks)
        finally:
            await asyncio.wait([writing])  # before the file is closed
    return sink.upload()


async def _form(request: Request, kind: type[ReadFields], target: Callable[[], _Sink]) -> Received:
    if request.query_params:
        raise BadRequest(
            f"A form says everything in its fields; move {', '.join(sorted(set(request.query_params)))} there."
        )
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise BadRequest(f"The body is no multipart form ({error.detail}); send the file in a field `file`.") from error
    try:
        files = _files(form)
        fields = _fields(form, kind)
        uploads = [await run_in_threadpool(_copy, file, target()) for file in files]
    finally:
        await form.close()
    return Received(tuple(uploads), fields, "body")


def _files(form: FormData) -> list[UploadFile]:
    """The files of a form.

    Raises:
        BadRequest: there is none, or one under another name than ``file``.
    """
    named = [(name, value) for name, value in form.multi_items() if not isinstance(value, str)]
    faults = {f"/{name}": "Files are sent in the field `file`." for name, _ in named if name != "file"}
    if "file" in form and any(isinstance(value, str) for value in form.getlist("file")):
        faults["/file"] = "The field `file` holds text; send a file with its name (curl: -F file=@events.csv)."
    if faults or not named:
        raise BadRequest(faults=faults or {"/file": "There is no file; send at least one in the field `file`."})
    return [value for _, value in named]  # type: ignore[misc]


def _fields(form: FormData, kind: type[ReadFields]) -> ReadFields:
    """The text fields of a form.

    Raises:
        RequestValidationError: naming every field that cannot be used.
    """
    texts: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
    values: dict[str, Any] = {name: each if _repeats(kind, name) else each[-1] for name, each in texts.items()}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _invalid(error, "body") from error


def _repeats(kind: type[ReadFields], name: str) -> bool:
    field = kind.model_fields.get(name)
    return field is not None and field.annotation == tuple[str, ...]


def _invalid(error: ValidationError, *place: str) -> RequestValidationError:
    return RequestValidationError([{**fault, "loc": (*place, *fault["loc"])} for fault in error.errors()])


def _copy(file: UploadFile, sink: _Sink) -> Upload:
    with sink:
        while block := file.file.read(BLOCK):
            sink.write([block])
    return replace(sink.upload(), name=_base_name(file.filename or ""))


def _base_name(name: str) -> str:
    """A file's name without folders, as either kind of system writes them; one that has none is a table."""
    return PurePosixPath(name.replace("\\", "/")).name or "table"


class _Sink:
    """A new file that may be hashed while it is written."""

    def __init__(self, path: Path, *, hashed: bool) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("wb")
        self._hash = hashlib.sha256() if hashed else None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            self._file.write(chunk)
            self._size += len(chunk)
            if self._hash is not None:
                self._hash.update(chunk)

    def upload(self) -> Upload:
        digest = "" if self._hash is None else self._hash.hexdigest()
        return Upload(path=self._path, name="", digest=digest, size=self._size)


def form_schema(kind: type[ReadFields], *, several: bool) -> Mapping[str, Any]:
    """The request body of an endpoint that takes files, for OpenAPI."""
    schema = kind.model_json_schema(by_alias=True)
    properties = {name: each for name, each in schema["properties"].items() if name != "filename"}
    binary = {"type": "string", "format": "binary"}
    file = {"type": "array", "items": binary, "minItems": 1, "maxItems": MOST_FILES} if several else binary
    described = {**file, "description": "A table of events: CSV (also compressed), Parquet, Arrow or ROOT."}
    return {
        FORM: {"schema": {"type": "object", "properties": {"file": described, **properties}, "required": ["file"]}},
        "application/octet-stream": {"schema": binary},
    }
