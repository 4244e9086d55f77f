"""Usage: how much somebody uses of what he may."""

from __future__ import annotations

from pydantic import Field

from eventsieve.records.base import Record

__all__ = ["Usage", "Use"]


class Use(Record):
    """How much of one thing is used."""

    used: int | None = Field(None, description="How much is used; null where it is not counted, for want of a limit.")
    allowed: int | None = Field(None, description="How much may be; null where there is no limit.")


class Usage(Record):
    """How much somebody uses of what he may."""

    requests: Use = Field(description="Requests, of which some are forgotten each second: all of them in a minute.")
    upload: Use = Field(description="Bytes that were sent within 24 hours.")
    storage: Use = Field(description="Bytes of all data sets and models that are kept.")
    slots: Use = Field(description="Trainings that run.")
    waiting: int = Field(description="Trainings that wait for a slot.")
