"""Uploads: files that came, and what names and identifies the data set that they become."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventsieve.errors import BadRequest, BadTable
from eventsieve.records import Part, Schema
from eventsieve.service.names import LONGEST_NAME, fault_of_name
from eventsieve.storage.sources import Parted

__all__ = ["CONVERSION", "Upload", "digest_of", "hashed", "parts", "refuse_featureless", "title"]

CONVERSION = 1
"""Number of the way in which files become columns; another way makes other files."""


@dataclass(frozen=True)
class Upload:
    """A file that came.

    Attributes:
        path: where it lies.
        name: as the client calls it.
        digest: SHA-256 of its bytes, in hexadecimal digits.
        size: its bytes.
        label: the class of all of its events, where signal and background came apart.
    """

    path: Path
    name: str
    digest: str
    size: int
    label: str | None = None


def refuse_featureless(schema: Schema) -> None:
    """Refuse a table that nothing can be trained on.

    Raises:
        BadTable: the schema has no feature.
    """
    if not schema.features:
        roles = ", ".join(f"{column.name} ({column.role})" for column in schema.columns[:20])
        raise BadTable(
            f"The table has no column to train on: {roles}; add some, or say what is left out (schema, leave_out)."
        )


def title(name: str, file: str) -> str:
    """The name of a data set: the one that is asked for, or what can be made of a file's name.

    Raises:
        BadRequest: the one that is asked for cannot be a name.
    """
    if name or not file:
        if fault := fault_of_name(name):
            raise BadRequest(faults={"/name": f"The name {name[:LONGEST_NAME]!r} {fault}; choose another."})
        return name
    found = re.sub(r"[\0\ud800-\udfff]", "", re.split(r"[/\\]", file)[-1]).strip()[:LONGEST_NAME]
    return found or "data set"


def digest_of(uploads: Sequence[Upload]) -> str:
    """SHA-256 of what came: of a file's bytes, or of the digests and labels of several."""
    first = uploads[0]
    if len(uploads) == 1 and not first.label:
        return first.digest
    return hashed([[upload.digest, upload.label or None] for upload in uploads])


def hashed(value: Any) -> str:
    """SHA-256 of a value that is JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def parts(source: Parted, counts: Sequence[int]) -> tuple[Part, ...]:
    """The files and trees that a data set is made of."""
    return tuple(
        Part(file=piece.file, tree=piece.source.tree, label=piece.label, events=count)
        for piece, count in zip(source.pieces, counts, strict=True)
    )
