"""A model card from its sections, through one template for each format.

What users wrote (names, notes, labels) may hold anything, and must stay text in both.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from eventsieve.domain.card.figures import figures
from eventsieve.domain.card.sections import Origin, Verbatim, sections
from eventsieve.records import Evaluation, Model

__all__ = ["CardFormat", "card"]

CardFormat = Literal["md", "html"]

_STRUCTURE: Final = re.compile(r"([\\`*_\[\]#|~$])")
"""What makes something of a text in Markdown, wherever it stands; HTML is made harmless before."""
_BULLET: Final = re.compile(r"^([-+=])(?=[-=\s]|$)")
_NUMBERED: Final = re.compile(r"^(\d+)([.)])(?=\s|$)")


def card(model: Model, evaluation: Evaluation | None, origin: Origin | None, kind: CardFormat) -> str:
    """The card of a model.

    Args:
        model: the model, with the value of its threshold.
        evaluation: its evaluation; ``None`` where all events were trained on.
        origin: the data set that it was trained on; ``None`` where there is none any more.
        kind: ``md`` or ``html``; only HTML has the figures. It needs nothing from elsewhere.
    """
    template = _environment(kind).get_template(f"card.{kind}")
    return template.render(
        model=model,
        sections=sections(model, evaluation, origin),
        figures=figures(evaluation) if evaluation is not None and kind == "html" else [],
    )


@cache
def _environment(kind: CardFormat) -> Environment:
    return Environment(
        loader=PackageLoader("eventsieve.domain.card"),
        autoescape=kind == "html",  # noqa: S701 - Markdown has an escaping of its own, just below
        finalize=_markdown if kind == "md" else _as_it_is,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _as_it_is(value: Any) -> Any:
    return value


def _markdown(value: Any) -> Any:
    """A value as Markdown that shows it as it is, on one line."""
    if not isinstance(value, str) or isinstance(value, Verbatim):
        return value
    line = _STRUCTURE.sub(r"\\\1", html.escape(" ".join(value.split()), quote=False))
    return _NUMBERED.sub(r"\1\\\2", _BULLET.sub(r"\\\1", line))
