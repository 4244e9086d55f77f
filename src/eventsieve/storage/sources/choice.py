"""Which columns of a file are kept: those that are asked for, of those that can be used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from eventsieve.errors import BadTable

__all__ = ["choose", "listed"]

_PATTERN = re.compile(r"[*?\[]")


def choose(
    offered: Sequence[str], patterns: Sequence[str], unusable: Mapping[str, str], *, noun: str, cure: str
) -> tuple[list[str], tuple[str, ...]]:
    """The names of the columns that are kept, in the file's order, and a warning that names what is left out.

    Args:
        offered: the names of all columns.
        patterns: names and shell patterns of those that are wanted; empty for all.
        unusable: why a column cannot be used, by its name.
        noun: what the file calls its columns: column, branch.
        cure: a sentence that says what to do about unusable columns.

    Raises:
        BadTable: a name or pattern fits no column, one that is asked for by its name cannot be used, a name appears
            twice, or nothing is left.
    """
    wanted = [name for name in offered if not patterns or any(_fits(name, pattern) for pattern in patterns)]
    faults = [_unknown(pattern, offered, noun) for pattern in patterns if not any(_fits(n, pattern) for n in offered)]
    named = [name for name in patterns if name in unusable]
    faults += [f"The {noun} {name} cannot be used: it is {unusable[name]}. {cure}" for name in named]
    twice = [name for name, count in Counter(wanted).items() if count > 1]
    faults += [f"Column {name} appears {offered.count(name)} times; give each a name of its own." for name in twice]
    kept = [name for name in wanted if name not in unusable]
    out = [f"{name} ({unusable[name]})" for name in wanted if name in unusable]
    if not kept and not faults:
        faults.append(f"The file has no {noun} of plain numbers. Left out: {listed(out) or 'nothing'}. {cure}")
    if faults:
        raise BadTable(*faults)
    return kept, ((f"Left out: {listed(out)}. {cure}",) if out else ())


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or (_PATTERN.search(pattern) is not None and fnmatchcase(name, pattern))


def _unknown(pattern: str, offered: Sequence[str], noun: str) -> str:
    close = get_close_matches(pattern, offered, n=3)
    hint = f"did you mean {', '.join(close)}?" if close else f"there are: {listed(offered)}."
    return f"There is no {noun} {pattern!r}; {hint}"


def listed(names: Sequence[str], limit: int = 20) -> str:
    """The names, cut after the limit and each after 80 characters."""
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(name[:80] for name in names[:limit]) + rest
