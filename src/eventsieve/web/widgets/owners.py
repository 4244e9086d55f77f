"""Whose things are, where anybody is named, and the reader's own alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import streamlit as st

from eventsieve.web.access import is_mine, who
from eventsieve.web.i18n import _
from eventsieve.web.texts import plain

__all__ = ["only_mine", "owners_column", "say_whose", "wants_mine"]

KEY = "mine"
"""Of the address's query, and of the switch."""


class Made(Protocol):
    """What somebody has made."""

    @property
    def by(self) -> str:
        """Who; empty where nobody had to sign in."""


T = TypeVar("T", bound=Made)


def wants_mine(owners: Iterable[str]) -> bool:
    """Let the reader see his own things alone; the choice stands in the address as ``?mine=1``."""
    if not who().name or not any(owners):
        return False
    st.session_state[KEY] = st.query_params.get(KEY) == "1"
    return st.toggle(_("Only mine"), key=KEY, on_change=_keep)


def only_mine(things: Sequence[T]) -> list[T]:
    """The things that the reader wants to see."""
    if not wants_mine(thing.by for thing in things):
        return list(things)
    found = [thing for thing in things if is_mine(thing.by)]
    if not found:
        st.info(_("None of them is yours."), icon=":material/person_off:")
    return found


def owners_column(things: Sequence[Made]) -> dict[str, list[str]]:
    """A column of a table that says whose each is; none where nobody is named."""
    owners = [thing.by for thing in things]
    return {"by": owners} if any(owners) else {}


def say_whose(by: str) -> None:
    """Say whose a thing is."""
    if by:
        text = _("Yours ({name})") if is_mine(by) else _("Of {name}")
        st.caption(":material/person: " + text.format(name=plain(by)))


def _keep() -> None:
    if st.session_state[KEY]:
        st.query_params[KEY] = "1"
    else:
        st.query_params.pop(KEY, None)
