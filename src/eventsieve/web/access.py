"""Who reads this page, and what he may do: asked of the server at the beginning of each run, kept for its widgets.

The server decides and refuses. What is said here only keeps people from trying what will be refused.
"""

from __future__ import annotations

import streamlit as st

from eventsieve.client import Client
from eventsieve.errors import EventsieveError, NotFound, NotSignedIn
from eventsieve.records import Access, AccessRole, Actor
from eventsieve.web.i18n import N_, _
from eventsieve.web.texts import plain

__all__ = ["barred", "barred_from", "is_mine", "learn", "role_name", "who"]

KEY = "access"
"""Of the session's state."""
ROLES = {
    AccessRole.READER: N_("reader"),
    AccessRole.TRAINER: N_("trainer"),
    AccessRole.ADMIN: N_("administrator"),
}
ANYBODY = Actor(name="", role=AccessRole.ADMIN)
"""Who reads where nobody has to sign in."""


def learn(client: Client) -> Access | None:
    """What the server says of who asks; as last heard of, where it does not answer, and ``None`` before that.

    Raises:
        NotSignedIn: it does not even say that to everybody: it is behind the sign-in of something else.
    """
    try:
        st.session_state[KEY] = client.access()
    except NotSignedIn:
        raise
    except NotFound:
        st.session_state[KEY] = Access(required=False, oidc=False)  # a server of an older version
    except EventsieveError:
        pass  # the page asks more, and says in its place what is wrong with the server
    return _known()


def who() -> Actor:
    """Who reads this page."""
    known = _known()
    return ANYBODY if known is None or known.actor is None else known.actor


def role_name(role: AccessRole) -> str:
    """What a role is called."""
    return _(ROLES[role])


def is_mine(by: str | None) -> bool:
    """Whether what somebody has made is the reader's own."""
    return bool(by) and by == who().name


def barred(needed: AccessRole = AccessRole.TRAINER) -> str | None:
    """Why the reader's role does not allow something; ``None`` where it does."""
    role = who().role
    if role.includes(needed):
        return None
    told = _("This needs the role {needed}, and yours is {role}; ask who runs the server for it.")
    return told.format(needed=role_name(needed), role=role_name(role))


def barred_from(*owners: str | None) -> str | None:
    """Why the reader may not change what these have made; ``None`` where he may."""
    if reason := barred():
        return reason
    if who().role is AccessRole.ADMIN:
        return None
    return next((_foreign(by) for by in owners if not is_mine(by)), None)


def _foreign(by: str | None) -> str:
    if not by:
        return _("It was made before anybody had to sign in; only an administrator may change it.")
    return _("It is {name}'s; only {name} or an administrator may change it.").format(name=plain(by))


def _known() -> Access | None:
    found = st.session_state.get(KEY)
    return found if isinstance(found, Access) else None
