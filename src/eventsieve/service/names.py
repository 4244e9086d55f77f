"""Names of models: what may be one, and one that is not taken."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

__all__ = ["LONGEST_NAME", "fault_of_name", "is_text", "unused_name"]

LONGEST_NAME = 128


def fault_of_name(name: str) -> str:
    """What is wrong with a name, to follow it in a sentence; empty where nothing is."""
    if not name:
        return "is empty"
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    return "" if is_text(name) else "has characters that are no text"


def is_text(text: str) -> bool:
    """Whether every character has a place in a path of a URL, and in every database."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def unused_name(wish: str, taken: Collection[str]) -> str:
    """The name itself, or with the first number behind it that makes it new: LogReg, LogReg-2, LogReg-3."""
    wish = wish[: LONGEST_NAME - 8]
    candidates = (wish if number == 1 else f"{wish}-{number}" for number in count(1))
    return next(name for name in candidates if name not in taken)
