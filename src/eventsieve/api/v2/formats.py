"""What an answer is written as: what the query says, or the best that ``Accept`` takes."""

from __future__ import annotations

from typing import get_args

from fastapi import Request
from starlette.exceptions import HTTPException

from eventsieve.records import PredictionFormat
from eventsieve.storage.outputs import MEDIA_TYPES

__all__ = ["FORMATS", "bare", "chosen"]

FORMATS: tuple[PredictionFormat, ...] = get_args(PredictionFormat)


def chosen(request: Request, asked: PredictionFormat | None) -> PredictionFormat:
    """What the answer is written as: what the query asks for, or the best that `Accept` takes.

    Raises:
        HTTPException: `Accept` takes none (406).
    """
    accept = request.headers.get("accept", "*/*")
    if asked is not None:
        return asked
    wishes = [_wish(each) for each in accept.split(",") if each.strip()] or [("*/*", 1.0)]
    qualities = {name: _quality(bare(MEDIA_TYPES[name]), wishes) for name in FORMATS}
    best = max(FORMATS, key=lambda name: qualities[name])
    if qualities[best] <= 0:
        there_is = ", ".join(f"{bare(kind)} (format={name})" for name, kind in MEDIA_TYPES.items())
        raise HTTPException(406, f"Predictions cannot be had as {accept[:256]}; there are: {there_is}.")
    return best


def _wish(text: str) -> tuple[str, float]:
    """One media range of an `Accept`, and how much it is wished for."""
    kind, *parameters = (part.strip() for part in text.lower().split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, float(value)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _quality(kind: str, wishes: list[tuple[str, float]]) -> float:
    """How much a media type is wished for, by the narrowest range that holds it (RFC 9110, 12.5.1)."""
    given = dict(wishes)
    return next((given[name] for name in (kind, f"{kind.partition('/')[0]}/*", "*/*") if name in given), 0.0)


def bare(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0]
