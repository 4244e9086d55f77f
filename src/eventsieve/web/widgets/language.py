"""The language switch, which remembers."""

from __future__ import annotations

from importlib.resources import files

import streamlit as st

from eventsieve.web.i18n import COOKIE, KEY, LANGUAGES, _, language

__all__ = ["switch_language"]

CHOSEN = "language chosen"
"""Of the session's state: the reader has said it, it was not only guessed."""

# Streamlit wants it declared once; it only keeps the text.
_tell_browser = st.components.v2.component(
    "eventsieve_language", js=(files("eventsieve.web.widgets") / "language.js").read_text("utf-8")
)


def switch_language() -> None:
    """Let the reader choose; the choice is kept in a cookie, and comes before the browser's language from then on."""
    st.segmented_control(
        _("Language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=KEY,
        required=True,
        width="stretch",
        on_change=_chosen,
    )
    _tell_browser(
        key="tell language",
        data={"language": language(), "cookie": COOKIE, "chosen": language() if CHOSEN in st.session_state else None},
    )


def _chosen() -> None:
    st.session_state[CHOSEN] = True
    # An address that names a language comes first, and would undo the choice at the next visit.
    if "lang" in st.query_params:
        del st.query_params["lang"]
