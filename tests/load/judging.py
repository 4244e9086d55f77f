"""What a load has shown, whether the promises are kept, and how it is told."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from load.line import Seen
from load.people import LIGHT
from load.watch import Sample

__all__ = ["Promises", "Result", "Times", "judge", "markdown", "slope"]

STREAM = "GET /jobs/{id}/events"


@dataclass(frozen=True)
class Promises:
    """What must hold.

    Attributes:
        light_p99: seconds within which 99 of 100 light requests are answered.
        growth: by which part the server's memory may grow in the second half, by the line through its samples.
        left: how many open files more than before there may be when all have gone: connections to the database stay.
    """

    light_p99: float = 0.5
    growth: float = 0.05
    left: int = 10


@dataclass(frozen=True)
class Times:
    """How long requests took, in seconds."""

    requests: int
    errors: int
    p50: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True)
class Result:
    """What was seen.

    Attributes:
        users: people at a time.
        seconds: that the load lasted.
        machine: what it was on.
        rate: requests a second.
        light: of the light requests.
        heavy: of all others, but streams.
        kinds: of each method and route.
        errors: the first of them.
        samples: of the server.
        slope: MB per minute by which the memory of the server's own process grew in the second half.
        left: open files, threads and children after all had gone, less those before.
        trainings: by how they ended.
        broken: promises that were not kept.
    """

    users: int
    seconds: float
    machine: str
    rate: float
    light: Times
    heavy: Times
    kinds: dict[str, Times]
    errors: list[str]
    samples: list[Sample]
    slope: float
    left: dict[str, int]
    trainings: dict[str, int]
    broken: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write it down."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Result:
        """What `write` wrote."""
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        given |= {name: Times(**given[name]) for name in ("light", "heavy")}
        given["kinds"] = {name: Times(**times) for name, times in given["kinds"].items()}
        given["samples"] = [Sample(**each) for each in given["samples"]]
        return cls(**given)


def judge(
    seen: Sequence[Seen],
    samples: Sequence[Sample],
    *,
    users: int,
    seconds: float,
    machine: str,
    trainings: dict[str, int],
    troubles: Sequence[str] = (),
    promises: Promises = Promises(),
) -> Result:
    """Work out what was seen.

    Args:
        seen: all answers.
        samples: of the server; the first before the load, the last when all had gone.
        users: people at a time.
        seconds: that the load lasted.
        machine: what it was on.
        trainings: by how they ended.
        troubles: what else was found to be wrong, a sentence each.
        promises: what must hold.
    """
    kinds = defaultdict[str, list[Seen]](list)
    for each in seen:
        kinds[each.what].append(each)
    light = _times(each for each in seen if each.what in LIGHT)
    heavy = _times(each for each in seen if each.what not in LIGHT and each.what != STREAM)
    half = [each for each in samples[:-1] if seconds / 2 <= each.second <= seconds]
    rising = slope([each.second for each in half], [each.memory for each in half])
    before, after = samples[0], samples[-1]
    left = {name: getattr(after, name) - getattr(before, name) for name in ("files", "threads", "children")}
    errors = [each.error for each in seen if each.error]
    broken = list(troubles)
    if errors:
        broken.append(f"{len(errors)} of {len(seen)} requests were answered wrongly")
    if not light.requests or light.p99 >= promises.light_p99:
        broken.append(f"the 99th percentile of light requests is {light.p99:.3f} s, not below {promises.light_p99:g} s")
    growth = rising * (seconds / 2) / statistics.fmean(each.memory for each in half) if half else 1.0
    if growth > promises.growth:
        broken.append(f"memory grew by {growth:.1%} in the second half, more than {promises.growth:.0%}")
    if left["files"] > promises.left or left["children"] > 0:
        broken.append(f"left when all had gone, beyond what was there before: {left}")
    return Result(
        users=users,
        seconds=seconds,
        machine=machine,
        rate=round(len(seen) / seconds, 1),
        light=light,
        heavy=heavy,
        kinds={name: _times(kinds[name]) for name in sorted(kinds)},
        errors=errors[:20],
        samples=list(samples),
        slope=round(60 * rising, 2) if half else 0.0,
        left=left,
        trainings=dict(sorted(trainings.items())),
        broken=broken,
    )


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the straight line through points, by least squares; 0 where there are fewer than two."""
    if len(x) < 2:
        return 0.0
    return statistics.linear_regression(x, y).slope


def _times(seen: Iterable[Seen]) -> Times:
    each = list(seen)
    took = sorted(one.seconds for one in each)
    if not took:
        return Times(0, 0, 0.0, 0.0, 0.0, 0.0)
    cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    p50, p95, p99, most = (round(value, 4) for value in (cuts[49], cuts[94], cuts[98], took[-1]))
    return Times(len(took), sum(bool(one.error) for one in each), p50, p95, p99, most)


def markdown(result: Result) -> str:
    """What was seen, for the documentation."""
    lines = [
        f"{result.users} people for {result.seconds:g} seconds on {result.machine}: {result.rate:g} requests a second.",
        "",
        "| requests | number | errors | p50 | p95 | p99 | longest |",
        "|---|---:|---:|---:|---:|---:|---:|",
        _row("**light**", result.light),
        _row("**heavy**", result.heavy),
        *(_row(f"`{name}`", times) for name, times in result.kinds.items()),
        "",
        f"Trainings: {', '.join(f'{number} {state}' for state, number in result.trainings.items()) or 'none'}.",
        "",
        *_memory(result),
        "",
        "Every promise was kept." if not result.broken else f"**Not kept:** {'; '.join(result.broken)}.",
    ]
    return "\n".join(lines) + "\n"


def _memory(result: Result) -> list[str]:
    last = result.samples[-1]
    rows = result.samples[:: max(1, len(result.samples) // 12)]
    return [
        "| second | memory of the server, MB | with its children, MB | open files | threads | children |",
        "|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {each.second:.0f} | {each.memory:.0f} | {each.all_memory:.0f} | {each.files} | {each.threads} "
            f"| {each.children} |"
            for each in (*rows, *([] if rows[-1] is last else [last]))
        ),
        "",
        f"In the second half memory grew by {result.slope:+.2f} MB a minute. {_processor(result)}",
    ]


def _processor(result: Result) -> str:
    first, last = result.samples[0], result.samples[-1]
    own, all_ = last.processor - first.processor, last.all_processor - first.all_processor
    return f"Of the processor the server itself used {own:.0f} s, with its children {all_:.0f} s."


def _row(name: str, times: Times) -> str:
    cells = (f"{1e3 * value:,.0f} ms" for value in (times.p50, times.p95, times.p99, times.most))
    return f"| {name} | {times.requests:,} | {times.errors} | {' | '.join(cells)} |"
