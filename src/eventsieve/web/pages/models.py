"""The page `models`."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.web.i18n import _

__all__ = ["page"]


def page(client: Client) -> None:
    """Draw it."""
    client.version()
    st.title(_("models"))
