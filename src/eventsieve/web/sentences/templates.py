"""Templates of what the server says, as regular expressions.

A placeholder is ``{name}`` for what stays as it is, such as the name of a column, ``{name:number}`` for a number, which
is written as the language does, and ``{name:words}`` for words of the server, which are translated in their turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PLACEHOLDER", "Template", "compiled"]

PLACEHOLDER = re.compile(r"\{(\w+)(?::(number|words))?\}")
KINDS = {
    None: r".+?",
    "number": r"[+-]?(?:\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?|inf|nan)",
    "words": r".*?",
}


@dataclass(frozen=True)
class Template:
    """What the server says, but for the placeholders.

    Attributes:
        message: of the catalogues.
        pattern: has a group for each placeholder.
        kinds: of the placeholders, by their names.
    """

    message: str
    pattern: re.Pattern[str]
    kinds: dict[str, str]


def compiled(messages: tuple[str, ...]) -> tuple[Template, ...]:
    """The templates of messages, those with the most text of their own first."""
    return tuple(_template(each) for each in sorted(messages, key=lambda text: -len(PLACEHOLDER.sub("", text))))


def _template(message: str) -> Template:
    literals = PLACEHOLDER.split(message)[::3]
    groups = [f"(?P<{name}>{KINDS[kind or None]})" for name, kind in PLACEHOLDER.findall(message)]
    text = "".join(re.escape(literal) + group for literal, group in zip(literals, [*groups, ""], strict=True))
    return Template(message, re.compile(text, re.DOTALL), dict(PLACEHOLDER.findall(message)))
