"""Uploading: the browser sends a file past the pages to the server, and the page hears how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import streamlit as st

from eventsieve.client import Client, Dataset
from eventsieve.errors import EventsieveError
from eventsieve.web import faults
from eventsieve.web.i18n import _, language
from eventsieve.web.outcomes import refusal_of
from eventsieve.web.relay_paths import UPLOAD

__all__ = ["outcome_of", "upload"]

HERE = files("eventsieve.web.widgets")
HEADERS = ("auto", "yes", "no")

# Streamlit wants it declared once; it only keeps the texts.
_send = st.components.v2.component(
    "eventsieve_upload",
    html=(HERE / "upload.html").read_text("utf-8"),
    css=(HERE / "upload.css").read_text("utf-8"),
    js=(HERE / "upload.js").read_text("utf-8"),
)


def upload(client: Client, *, key: str) -> Dataset | None:
    """Let the reader send tables, each of which becomes a data set.

    Args:
        client: the server.
        key: of the widget.

    Returns:
        The last data set that has just been stored, in the run after its upload; refusals are shown here.
    """
    query = _how_to_read(key)
    result = _send(
        key=f"{key} upload",
        data={"path": UPLOAD, "query": query, "language": language(), "texts": _texts()},
        on_outcomes_change=lambda: None,
    )
    stored = None
    for outcome in result.outcomes or ():
        found = outcome_of(client, outcome)
        if isinstance(found, Dataset):
            stored = found
        else:
            st.markdown(f"`{outcome.get('file', '')}`".replace("\n", " "))
            faults.show(found)
    return stored


def outcome_of(client: Client, outcome: Mapping[str, Any]) -> Dataset | EventsieveError:
    """The data set that an upload has become, or why there is none.

    Args:
        client: the server.
        outcome: ``status`` of the relay's answer, 0 for none; ``body``, the id of the data set or the refusal.
    """
    if refusal := refusal_of(outcome, client.http.url):
        return refusal
    try:
        return client.dataset(str(outcome.get("body", "")))
    except EventsieveError as error:
        return error


def _how_to_read(key: str) -> list[tuple[str, str]]:
    """What the reader says of the file, as the query of its upload."""
    with st.expander(_("How to read it"), icon=":material/tune:"):
        name = st.text_input(_("Name"), key=f"{key} name", max_chars=256, placeholder=_("the file's name"))
        trees = st.text_input(
            _("Trees of a ROOT file"),
            key=f"{key} tree",
            placeholder=_("the only tree"),
            help=_(
                "Several are separated by commas. `sig=s, bkg=b` says that all events of the tree sig are of class s, "
                "and those of bkg of class b."
            ),
        )
        header = st.segmented_control(
            _("Does the first line of a CSV name the columns?"),
            HEADERS,
            key=f"{key} header",
            default="auto",
            required=True,
            format_func=lambda each: {"auto": _("find out"), "yes": _("yes"), "no": _("no")}[each],
        )
    return _query(name, trees, str(header))


def _query(name: str, trees: str, header: str) -> list[tuple[str, str]]:
    listed = [("tree", tree.strip()) for tree in trees.split(",") if tree.strip()]
    named = [("name", name.strip())] if name.strip() else []
    return [*named, *listed, *([("header", header)] if header != "auto" else [])]


def _texts() -> dict[str, str]:
    return {
        "choose": _("Choose files"),
        "hint": _("or drop them here: CSV (also gz, bz2, xz, zst, zip), Parquet, Arrow, ROOT"),
        "cancel": _("Cancel"),
        "progress": _("Progress of the upload"),
        "sending": _("Sending"),
        "sent": _("{sent} of {total}, {speed} per second"),
        "reading": _("The server is reading the table"),
        "cancelled": _("Upload cancelled"),
        "done": _("Upload finished"),
    }
