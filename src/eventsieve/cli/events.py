"""The commands about tables of events: look at one, simulate one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eventsieve.cli.console import failures, new_file, note, print_json, say

__all__ = ["explore", "simulate"]


def explore(
    train: Annotated[Path, typer.Argument(help="A table of events.", exists=True, dir_okay=False)],
    test: Annotated[
        Path | None, typer.Argument(help="A second table, drawn beside the first.", exists=True, dir_okay=False)
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PDF to write.", callback=new_file)] = Path(
        "report.pdf"
    ),
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Say on every page that this is no data.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the main counts as JSON.")] = False,
) -> None:
    """Write a PDF of exploratory analysis: counts, distributions, correlations, separation power."""
    with failures():
        from eventsieve.domain.exploration import explore as explore_events  # noqa: PLC0415 - --help must not wait
        from eventsieve.report import write_report  # noqa: PLC0415
        from eventsieve.settings import read_settings  # noqa: PLC0415
        from eventsieve.storage.readers import read_events  # noqa: PLC0415

        settings = read_settings()
        schema = settings.event_schema()
        limit = settings.max_table_bytes
        tables = [read_events(path, schema, labels="optional", max_bytes=limit) for path in (train, test) if path]
        exploration = explore_events(*tables)
        output.parent.mkdir(parents=True, exist_ok=True)
        names = tuple(path.name for path in (train, test) if path)
        write_report(exploration, output, title=title, simulated=simulated, tables=names)
        note(f"{name}: {remark}" for name, table in zip(names, tables, strict=True) for remark in table.remarks)
        found = {"report": str(output), "events": [len(table) for table in tables]}
        if as_json:
            print_json(found)
        else:
            say(f"Wrote {output} from {' and '.join(f'{len(t):,}' for t in tables)} events.")


def simulate(
    events: Annotated[int, typer.Option("--events", "-n", min=1, max=10_000_000, help="How many events.")] = 50_000,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .csv, .csv.gz, .parquet or .root file.", callback=new_file)
    ] = Path("simulated.csv"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same events.")] = 0,
    first_id: Annotated[int, typer.Option(min=0, help="The first event number.")] = 100_000,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Leave out Weight and Label.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Simulate collision events in the HiggsML schema: H→ττ signal; Z→ττ, top pair and W+jets background."""
    with failures():
        from pyarrow import compute  # noqa: PLC0415 - --help must not wait

        from eventsieve.domain.simulation import simulate as simulate_events  # noqa: PLC0415
        from eventsieve.storage.tables import write_table  # noqa: PLC0415

        table = simulate_events(events, seed=seed, first_id=first_id)
        if unlabelled:
            table = table.drop_columns(["Weight", "Label"])
        elif output.suffix == ".root":  # which holds numbers: 1 is signal
            is_signal = compute.equal(table["Label"], "s").cast("int32")
            table = table.set_column(table.column_names.index("Label"), "Label", is_signal)
        write_table(table, output)
        if as_json:
            print_json({"table": str(output), "events": events, "seed": seed})
        else:
            say(f"Wrote {events:,} simulated events to {output}.")
