"""The page `intro`."""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.web.i18n import _

__all__ = ["page"]


def page(client: Client, github_link: str = "") -> None:
    """Draw it."""
    st.title(_("Intro"))
    st.write(client.version(), github_link)
