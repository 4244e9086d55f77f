"""Tables as files: events in Arrow, to be mapped into memory by everyone who needs them; others for people."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from eventsieve.domain.events import Events
from eventsieve.errors import BadRequest, DamagedArtefact
from eventsieve.records import Schema

__all__ = ["map_events", "write_events", "write_table"]


TREE = "events"
"""Name of the tree in the ROOT files that `write_table` writes."""


def write_events(events: Events, path: Path) -> None:
    """Write the events as one uncompressed record batch, so that they can be mapped without a copy.

    The features are one column of fixed-size lists: row by row in memory, as the estimators take them.
    """
    width = events.features.shape[1]
    columns = {
        "index": pa.array(events.index),
        "features": pa.FixedSizeListArray.from_arrays(pa.array(events.features.reshape(-1)), width),
    }
    if events.weight is not None:
        columns["weight"] = pa.array(events.weight)
    if events.target is not None:
        columns["label"] = pa.array(events.target)
    batch = pa.record_batch(columns)
    batch = batch.replace_schema_metadata({"eventsieve.schema": events.schema.model_dump_json()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)


def map_events(path: Path) -> Events:
    """The events of a file that `write_events` wrote; the arrays are views of the mapped file, read-only.

    Raises:
        DamagedArtefact: the file is missing or is not what was written.
    """
    try:
        with pa.memory_map(str(path)) as file:
            batch = pa.ipc.open_file(file).get_batch(0)
        metadata = batch.schema.metadata[b"eventsieve.schema"]
        schema = Schema.model_validate_json(metadata)
        columns = {name: batch.column(name) for name in batch.schema.names}
        features = columns["features"].flatten().to_numpy(zero_copy_only=True)
        return Events(
            schema=schema,
            features=features.reshape(batch.num_rows, len(schema.features)),
            index=columns["index"].to_numpy(),
            weight=columns["weight"].to_numpy() if "weight" in columns else None,
            target=columns["label"].to_numpy() if "label" in columns else None,
        )
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DamagedArtefact(f"The stored table {path.name} is damaged or missing; upload it again.") from error


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table for people: CSV, CSV.gz, Parquet or ROOT by the path's suffix; whole or not at all.

    A ROOT file has one tree, `TREE`, of numbers.

    Raises:
        BadRequest: the suffix is another one, or a column of text is to go into a ROOT file.
    """
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    if suffix not in (".csv", ".csv.gz", ".parquet", ".root"):
        raise BadRequest(f"{path.name} ends in none of .csv, .csv.gz, .parquet, .root; choose one of them.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        if suffix == ".parquet":
            parquet.write_table(table, temporary)
        elif suffix == ".root":
            _write_root(table, temporary)
        else:
            with pa.output_stream(str(temporary), compression="gzip" if suffix == ".csv.gz" else None) as file:
                csv.write_csv(table, file, csv.WriteOptions(quoting_style="needed"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_root(table: pa.Table, path: Path) -> None:
    # Loaded here: commands that write no ROOT file need not wait for it.
    import uproot  # noqa: PLC0415

    if text := [field.name for field in table.schema if not pa.types.is_primitive(field.type)]:
        raise BadRequest(
            f"Text does not go into a ROOT file: {', '.join(text)}; write numbers in its place, or Parquet."
        )
    with uproot.recreate(path) as file:
        file[TREE] = {name: table[name].to_numpy() for name in table.column_names}
