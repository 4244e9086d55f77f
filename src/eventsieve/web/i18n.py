"""The reader's language: messages from gettext catalogues, numbers and dates as the language writes them.

English stands in the code, so that it needs no catalogue. The language belongs to a session: ``?lang=`` in the address
comes first, then what the reader chose on an earlier visit (a cookie), then the browser's own.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files

import streamlit as st
from babel import dates, numbers
from babel.messages import mofile, pofile
from babel.support import NullTranslations, Translations
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = [
    "COOKIE",
    "KEY",
    "LANGUAGES",
    "N_",
    "_",
    "accepted",
    "decimal",
    "language",
    "moment",
    "ngettext",
    "percent",
    "translated",
]

LANGUAGES = {"ru": "Русский", "en": "English"}
SOURCE = "en"
COOKIE = "eventsieve_language"
KEY = "language"
"""Of the session's state."""


def language() -> str:
    """The code of the session's language; English outside of a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return SOURCE
    if KEY not in st.session_state:
        wishes = (st.query_params.get("lang"), st.context.cookies.get(COOKIE), (st.context.locale or "")[:2].lower())
        st.session_state[KEY] = next((wish for wish in wishes if wish in LANGUAGES), SOURCE)
    return str(st.session_state[KEY])


def _(message: str) -> str:
    """A message in the session's language."""
    return translated(message, language())


def translated(message: str, code: str) -> str:
    """A message in a language, where there is no session."""
    return str(_catalogue(code).gettext(message))


def accepted(cookies: Mapping[str, str], header: str) -> str:
    """The language of a request outside of a session: by its cookies, or by its header ``Accept-Language``."""
    wishes = [cookies.get(COOKIE), *(each.strip()[:2].lower() for each in header.split(","))]
    return next((wish for wish in wishes if wish in LANGUAGES), SOURCE)


def ngettext(singular: str, plural: str, number: int) -> str:
    """A message that depends on a number, in the form that the language has for it."""
    return str(_catalogue(language()).ngettext(singular, plural, number))


def N_(message: str) -> str:  # noqa: N802 - gettext's name
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


def decimal(value: float | None, digits: int = 0) -> str:
    """A number with so many decimals, its thousands grouped; a dash for none."""
    if value is None:
        return "\N{EN DASH}"
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return str(numbers.format_decimal(value, pattern, locale=language()))


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage; a dash for none."""
    if share is None:
        return "\N{EN DASH}"
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return str(numbers.format_percent(share, pattern, locale=language()))


def moment(when: datetime) -> str:
    """A moment in the reader's time zone, to the minute; the month by its name, which every country reads alike."""
    zone = dates.get_timezone(st.context.timezone) if st.context.timezone else None
    return str(dates.format_datetime(when, "d MMM y, HH:mm", tzinfo=zone, locale=language()))


@cache
def _catalogue(code: str) -> NullTranslations:
    if code == SOURCE:
        return NullTranslations()
    text = files("eventsieve.web") / "locale" / code / "LC_MESSAGES" / "eventsieve.po"
    compiled = io.BytesIO()
    mofile.write_mo(compiled, pofile.read_po(io.BytesIO(text.read_bytes()), locale=code))
    compiled.seek(0)
    return Translations(compiled)
