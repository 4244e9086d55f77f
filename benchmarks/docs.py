"""``docs/performance.md`` from the results: text by hand in ``performance.md`` beside this file, numbers by machine."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from benchmarks.results import LIMIT, RESULTS, Measurement, SuiteResult, load_all

__all__ = ["PAGE", "markdown", "page", "summary", "write_page"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
TEXT = Path(__file__).parent / "performance.md"
PLACE = re.compile(r"^<!-- results: (\w+) -->$", re.MULTILINE)
HEAD = ("", "ours", "rival", "rival's", "times better", "target")


def write_page(target: Path = PAGE, folder: Path = RESULTS) -> Path:
    """Write the page anew."""
    target.write_text(page(TEXT.read_text(encoding="utf-8"), load_all(folder)), encoding="utf-8")
    return target


def page(text: str, results: list[SuiteResult]) -> str:
    """The text with each ``<!-- results: NAME -->`` replaced by what that suite found; others follow at the end."""
    by_name = {result.name: result for result in results}

    def fill(place: re.Match[str]) -> str:
        result = by_name.pop(place[1], None)
        return markdown(result) if result else f"*The suite `{place[1]}` has not been measured yet.*"

    filled = PLACE.sub(fill, text).rstrip("\n")
    return "\n\n".join([filled, *(markdown(result) for result in by_name.values())]) + "\n"


def markdown(result: SuiteResult) -> str:
    """A chapter: what was done, the table, its notes, who is missing, and the machine."""
    parts = [f"## {result.title}", result.intro.strip(), _table(result.measurements)]
    parts += [_notes(result.measurements), *_missing(result), _machine(result)]
    return "\n\n".join(part for part in parts if part)


def summary(result: SuiteResult) -> str:
    """The same for a terminal."""
    return markdown(result) + "\n"


def _table(measurements: tuple[Measurement, ...]) -> str:
    lines: list[tuple[str, ...]] = [HEAD, ("---", "---:", "---", "---:", "---:", "---")]
    for each in measurements:
        lines += _rows(each)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(each: Measurement) -> list[tuple[str, ...]]:
    """A row for each rival; one for the limit, or for ours alone where there is neither."""
    ours = _values(each.ours, each.unit)
    rows: list[tuple[str, ...]] = []
    for rival, theirs in each.rivals.items():
        ratio = each.ratio(rival)
        rows.append((ours, rival, _values(theirs, each.unit), "" if ratio is None else _digits(ratio)))
        rows[-1] += (_target(each, rival, "at least "),)
    if LIMIT in each.targets or not rows:
        bound = "at most " if each.better == "less" else "at least "
        rows.append((ours, "", "", "", _target(each, LIMIT, bound)))
    firsts = [each.what] + [""] * (len(rows) - 1)
    return [(first, row[0] if first else "", *row[1:]) for first, row in zip(firsts, rows, strict=True)]


def _target(each: Measurement, name: str, bound: str) -> str:
    if name not in each.targets:
        return ""
    verdict = {True: "reached", False: "**missed**", None: "not measured"}[each.met(name)]
    unit = f" {each.unit}" if name == LIMIT and each.unit else ""
    return f"{bound}{_digits(each.targets[name])}{unit}: {verdict}"


def _values(values: tuple[float, ...], unit: str) -> str:
    if not values:
        return "failed"
    spread = f" ({_digits(min(values))} to {_digits(max(values))})" if len(values) > 1 else ""
    return f"{_digits(statistics.median(values))} {unit}".rstrip() + spread


def _digits(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _notes(measurements: tuple[Measurement, ...]) -> str:
    # One note may explain several lines; it is printed once.
    return "\n".join(f"- {note}" for note in dict.fromkeys(each.note for each in measurements if each.note))


def _missing(result: SuiteResult) -> list[str]:
    return [f"Not measured: **{name}**, because {reason}." for name, reason in result.missing.items()]


def _machine(result: SuiteResult) -> str:
    at = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in at.versions.items())
    quick = " **A try-out on small tables.**" if result.quick else ""
    return (
        f"Measured {at.date} on {at.cores} cores of {at.cpu}, {at.memory_gb:g} GB, {at.system}, Python {at.python}; "
        f"{versions}; load {at.load:g} before.{quick}"
    )
