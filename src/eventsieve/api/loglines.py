"""Lines of the logs: what each says beside its message, that it holds no secret, and that nobody's name forges one."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from copy import copy
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from eventsieve import acting
from eventsieve.api.masking import masked, one_line

__all__ = ["CALL", "Clean", "JsonLines", "Lines", "context"]

CALL: Final = "eventsieve.call"
"""In the scope: the `Call` that is being served, for what answers outside of all middleware."""

_NAMES: Final = {"request_id": "id", "actor": "actor", "client": "client", "job": "job", "model": "model"}
"""What a record may be about, and how a line calls it."""


def context(call: acting.Call | None = None) -> dict[str, str]:
    """What is to be said of a request, and of a training, in each line within it; of this context's by default."""
    if call is None:
        said = {"request_id": acting.request_id(), "actor": acting.actor().name, "client": acting.client()}
        said |= acting.about()
    else:
        said = {"request_id": call.request_id, "actor": call.actor.name, "client": call.client}
    return {name: value for name, value in said.items() if value}


class Clean(logging.Formatter):
    """Writes a record as another formatter does, with its context, without secrets, and a message on one line.

    The record itself stays as it is: other handlers get it too.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        texts: dict[logging.Formatter, str] = record.__dict__.setdefault("clean", {})
        if self.inner not in texts:  # of several handlers, the first has the work
            texts[self.inner] = self.inner.format(_cleaned(record))
        return texts[self.inner]


class Lines(logging.Formatter):
    """A line for people: when, how bad, who, what; then the context."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as `logging` calls it
        """The line without a traceback."""
        said: Mapping[str, str] = getattr(record, "said", {})
        return super().formatMessage(record) + "".join(f" {_NAMES[name]}={_word(said[name])}" for name in said)


class JsonLines(JsonFormatter):
    """A line of JSON for machines, with the context, and what else the record has, as fields."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception", "timestamp": "time"},
            reserved_attrs=[*RESERVED_ATTRS, "clean", "said", "color_message", *_NAMES],
            timestamp=True,
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields, masked where they are text."""
        fields = super().process_log_record(log_data)
        return {name: masked(value) if isinstance(value, str) else value for name, value in fields.items()}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """The fields of a record."""
        super().add_fields(log_data, record, message_dict)
        log_data.update(getattr(record, "said", {}))


def _cleaned(record: logging.LogRecord) -> logging.LogRecord:
    clean = copy(record)
    given = {name: getattr(record, name) for name in _NAMES if hasattr(record, name)}
    said = context() | given
    clean.said = {name: masked(said[name]) for name in _NAMES if name in said}
    clean.msg, clean.args = one_line(masked(_message(record))), None
    if record.exc_info and not record.exc_text:
        clean.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    clean.exc_info = None
    clean.exc_text = clean.exc_text and _indented(clean.exc_text)
    clean.stack_info = clean.stack_info and _indented(clean.stack_info)
    return clean


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # whoever wrote it is told so by `logging`, on a screen that nobody looks at
        return f"{record.msg!r} {record.args!r}"


def _indented(text: str) -> str:
    """A text of several lines, none of which looks like one of the log's own."""
    return "\n".join(f"    {one_line(line)}" for line in masked(text).split("\n"))


def _word(value: str) -> str:
    plain = one_line(value)
    return repr(plain) if " " in plain or "=" in plain or "'" in plain else plain
