"""Choices that stand in the address by their codes.

Streamlit's own binding writes labels: an address would then hold for readers of one language only. And what is bound is
lost where a reader goes back to the page with the browser's button.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import streamlit as st

__all__ = ["asked", "asked_several", "keep"]


def asked(key: str, options: Collection[str], default: str | None = None) -> None:
    """Let the address say what the widget with this key, drawn next, holds; what it cannot hold is overlooked."""
    value = st.query_params.get(key)
    st.session_state[key] = value if value in options else default


def asked_several(key: str, options: Collection[str], default: Iterable[str] = ()) -> list[str]:
    """Let the address say what the widget with this key, drawn next, holds, where that can be several.

    Returns:
        What the address names and the widget cannot hold.
    """
    if key not in st.query_params:
        st.session_state[key] = list(default)
        return []
    values = [value for value in dict.fromkeys(st.query_params.get_all(key)) if value]
    st.session_state[key] = [value for value in values if value in options]
    return [value for value in values if value not in options]


def keep(key: str) -> None:
    """Write what the widget with this key holds into the address, as its callback."""
    value: str | list[str] | None = st.session_state[key]
    if value is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = value or ""  # none of several is a choice too
