"""Recognise what the server says, and say it in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache

from babel import numbers

from eventsieve.web.i18n import N_, SOURCE, language, translated
from eventsieve.web.sentences import access, cuts, evaluations, exploring, files, store, tables, trainings
from eventsieve.web.sentences.templates import PLACEHOLDER, Template, compiled

__all__ = ["ALL_PARTS", "ALL_SENTENCES", "translated_sentence"]

ORIGINS = (access, cuts, evaluations, exploring, files, store, tables, trainings)
ALL_SENTENCES: tuple[str, ...] = (*(each for origin in ORIGINS for each in origin.SENTENCES), N_("{who}: {what:words}"))
"""The last is of files and tables of which something is said."""
ALL_PARTS: tuple[str, ...] = tuple(dict.fromkeys(each for origin in ORIGINS for each in origin.PARTS))

LONGEST = 4000
"""Longer texts are left as they are: they list more than anybody reads, and take long to be taken apart."""
DEEPEST = 4
END = re.compile(r"(?<=[.?!])\s+")
JOINT = re.compile(r"(, | and | or |; )(?![^()]*\))(?![^{}]*\})")
"""Between the items of a list, but not inside of brackets."""
JOINTS = {" and ": N_("and"), " or ": N_("or")}
PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?")


def translated_sentence(text: str, code: str | None = None) -> str:
    """What the server says, in the session's language; sentences that are not known stay as they are.

    Args:
        text: one sentence or several.
        code: of another language than the session's.
    """
    code = code or language()
    return text if code == SOURCE or len(text) > LONGEST else _text(text, code, 0)


def _text(text: str, code: str, depth: int) -> str:
    parts = END.split(text)
    return " ".join(_sentences(parts, code, depth)) if parts != [text] else _sentence(text, code, depth) or text


def _sentences(parts: Sequence[str], code: str, depth: int) -> Iterator[str]:
    # The shortest that is known: a name may hold a full stop, and some templates are of two sentences.
    start = 0
    while start < len(parts):
        for end in range(start + 1, len(parts) + 1):
            if found := _sentence(" ".join(parts[start:end]), code, depth):
                yield found
                start = end
                break
        else:
            yield parts[start]
            start += 1


def _sentence(text: str, code: str, depth: int) -> str:
    """A sentence that is known, translated; else nothing."""
    if not text:  # which the catalogues answer with their own header
        return ""
    if (whole := translated(text, code)) != text:
        return whole
    return _matched(text, _known(ALL_SENTENCES), code, depth)


def _matched(text: str, templates: Sequence[Template], code: str, depth: int) -> str:
    for template in templates:
        if found := template.pattern.fullmatch(text):
            result = _filled_in(template, found.groupdict(), code, depth + 1)
            if result != text:  # otherwise only the shape was known
                return result
    return ""


def _filled_in(template: Template, values: Mapping[str, str], code: str, depth: int) -> str:
    said = {name: _filled(value, template.kinds[name], code, depth) for name, value in values.items()}
    return PLACEHOLDER.sub(lambda place: said[place[1]], translated(template.message, code))


def _filled(value: str, kind: str, code: str, depth: int) -> str:
    if kind == "number":
        return _number(value, code)
    return _words(value, code, depth) if kind == "words" else value


def _number(value: str, code: str) -> str:
    """A number as the language writes it, with the digits that it has."""
    if not PLAIN_NUMBER.fullmatch(value):
        return value
    digits = len(value.partition(".")[2])
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    sign = "+" if value.startswith("+") else ""
    return sign + str(numbers.format_decimal(Decimal(value.replace(",", "")), pattern, locale=code))


def _words(text: str, code: str, depth: int) -> str:
    """Words of the server within a sentence: one that is known, or a list of such."""
    if depth > DEEPEST or not text.strip():
        return text
    core = text.strip()
    around = text.replace(core, "{}", 1) if core != text else "{}"
    items = JOINT.split(core)
    # A list of which all items are known is one, although its whole may look like one item with a long name.
    listed = len(items) > 1 and all(_part(each, code, depth) for each in items[::2])
    known = "" if listed else _part(core, code, depth)
    if not known:
        known = "".join(_item(each, code, depth) for each in items)
    if known == core and depth < DEEPEST:
        known = _text(core, code, depth)
    return around.replace("{}", known, 1)


def _item(text: str, code: str, depth: int) -> str:
    if text in JOINTS:
        return f" {translated(JOINTS[text], code)} "
    return _part(text, code, depth) or text


def _part(text: str, code: str, depth: int) -> str:
    if found := _matched(text, _known(ALL_PARTS), code, depth):
        return found
    # Types of models, within a sentence.
    title = text[:1].upper() + text[1:]
    return "" if (whole := translated(title, code)) == title else whole


@cache
def _known(messages: tuple[str, ...]) -> tuple[Template, ...]:
    return compiled(messages)
