"""The places of the web client, their addresses, and the ways between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn
from urllib.parse import urlencode

import streamlit as st

__all__ = ["Place", "go", "link", "register", "url"]

KEY, HERE = "places", "here"
"""Of the session's state: the pages of this run, by their places; and the place that is drawn."""


Value = str | Sequence[str]
"""Of a name in an address's query; several values are written as so many of that name."""


class Place(StrEnum):
    """A page, by its path in the address."""

    INTRO = "intro"
    DATA = "data"
    """All data sets; with ``?id=`` one of them."""
    EDA = "eda"
    """``?dataset=``, ``?against=``, ``?cut=``."""
    ML = "ml"
    TRAIN = "train"
    """``?dataset=``; with ``?job=`` the form is filled with what that job was asked for."""
    JOBS = "jobs"
    """All jobs; with ``?id=`` one of them."""
    MODELS = "models"
    MODEL = "model"
    """``?name=``."""
    COMPARE = "compare"
    """``?model=`` (several), ``?dataset=``."""
    PREDICT = "predict"
    """``?model=``, ``?dataset=``."""


def register(pages: Mapping[Place, Any], chosen: Any) -> None:
    """Say which of Streamlit's pages the places are, in this session, and which of them is drawn."""
    st.session_state[KEY] = dict(pages)
    st.session_state[HERE] = next((place for place, page in pages.items() if page.url_path == chosen.url_path), None)


def link(
    place: Place,
    label: str,
    *,
    icon: str | None = None,
    help: str | None = None,  # noqa: A002 - Streamlit's name
    **query: Value,
) -> None:
    """A link to a place, drawn where it is called; ``query`` goes into the address."""
    if place == st.session_state[HERE]:
        # Streamlit's link to the page that is drawn already changes the page and leaves the address as it was.
        if st.button(label, icon=icon, help=help, type="tertiary", key=f"link {url(place, **query)}"):
            go(place, **query)
        return
    st.page_link(st.session_state[KEY][place], label=label, icon=icon, help=help, query_params=query or None)


def go(place: Place, **query: Value) -> NoReturn:
    """Go to a place."""
    st.switch_page(st.session_state[KEY][place], query_params=query or None)


def url(place: Place, **query: Value) -> str:
    """The address of a place, relative to the others, for links within tables."""
    path = "." if place is Place.INTRO else str(place)  # the first page has no path of its own
    return path + ("?" + urlencode(query, doseq=True) if query else "")
