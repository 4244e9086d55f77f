"""The command that predicts."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventsieve.cli.connection import ApiKey, Store, Table, Url, connected
from eventsieve.cli.console import new_file, print_json, say

if TYPE_CHECKING:
    import pyarrow as pa

    from eventsieve.client import Client, Model

__all__ = ["predict"]

AS_THE_SERVER_WRITES = (".arrow", ".json", ".root")


def predict(
    table: Table,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A .csv, .csv.gz, .parquet, .arrow, .json or .root file; default: CSV to the screen.",
            callback=new_file,
        ),
    ] = None,
    model_id: Annotated[str | None, typer.Option("--model", "-m", help="The model; default: the current one.")] = None,
    tree: Annotated[str | None, typer.Option(help="ROOT: the tree of the table; default: the only one.")] = None,
    store: Store = None,
    url: Url = None,
    key: ApiKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts as JSON, with -o.")] = False,
) -> None:
    """Say signal or background for each event of a table, with the score."""
    with connected(url, store, key) as client:
        model = client.current() if model_id is None else client.model(model_id)
        if output is not None and output.suffix in AS_THE_SERVER_WRITES:
            client.predict(table, model=model, to=output, tree=tree)
            found: dict[str, Any] = {"model": model.name, "output": str(output)}
            text = f"Predicted by {model.name}: {output}"
        else:
            with _predicted(client, model, table, tree) as predictions:
                _write(predictions, output)
                found = _counts(predictions, model)
            signal = f", {found['signal']:,} of them signal" if "signal" in found else ""
            text = f"{found['events']:,} events{signal} by {model.name}: {output}"
        if output is not None and as_json:
            print_json(found)
        elif output is not None:
            say(text)


@contextmanager
def _predicted(client: Client, model: Model, table: str, tree: str | None) -> Iterator[pa.Table]:
    """The predictions, mapped from a file: event numbers, 1 for signal and 0 for background, and the score.

    Of several classes, the name of the predicted one and the probabilities of all.
    """
    import pyarrow as pa  # noqa: PLC0415 - --help must not wait for it
    from pyarrow import compute  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="eventsieve-") as folder:
        path = client.predict(table, model=model, to=Path(folder) / "predictions.arrow", tree=tree)
        with pa.memory_map(str(path)) as file:
            answer = pa.ipc.open_file(file).read_all()
            if _is_binary(model):
                signal = compute.equal(answer["label"], str(model.event_schema.signal)).cast(pa.int8())
                name = answer.column_names[0]
                answer = pa.table({name: answer[name], "prediction": signal, "score": answer["score"]})
            yield answer


def _is_binary(model: Model) -> bool:
    return len(model.event_schema.class_names) == 2 and model.event_schema.signal is not None


def _write(predictions: pa.Table, path: Path | None) -> None:
    """Write to a file, or as CSV to the screen.

    Raises:
        BadRequest: the path ends in none of the known suffixes.
    """
    from pyarrow import csv  # noqa: PLC0415

    from eventsieve.storage.tables import write_table  # noqa: PLC0415

    if path is None:
        csv.write_csv(predictions, sys.stdout.buffer)
    else:
        write_table(predictions, path)


def _counts(predictions: pa.Table, model: Model) -> dict[str, Any]:
    """How many events, and how many of them signal."""
    from pyarrow import compute  # noqa: PLC0415

    counts: dict[str, Any] = {"model": model.name, "events": len(predictions)}
    if "prediction" in predictions.column_names:
        return counts | {"signal": compute.sum(predictions["prediction"]).as_py() or 0}
    found = predictions["label"].value_counts().to_pylist()
    return counts | {"labels": {each["values"]: each["counts"] for each in found}}
