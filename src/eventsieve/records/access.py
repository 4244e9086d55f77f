"""Access: who asks, what he may do, and what is kept of what was done."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from eventsieve.records.base import Record

__all__ = ["Access", "AccessRole", "Actor", "Deed", "Key", "Quotas", "Session"]


class AccessRole(StrEnum):
    """What somebody may do; each may do what those before it may."""

    READER = "reader"
    """Look at everything, compare, predict."""
    TRAINER = "trainer"
    """Bring data sets, train, choose the current model; change and remove what is his own."""
    ADMIN = "admin"
    """Change and remove what is others', read the audit trail."""

    def includes(self, other: AccessRole) -> bool:
        """Whether who has this role may do what the other may."""
        order = list(AccessRole)
        return order.index(self) >= order.index(other)


class Quotas(Record):
    """What one person may use; ``None`` is what the server's settings say."""

    requests: int | None = Field(None, ge=1)
    """Requests per minute."""
    upload: int | None = Field(None, ge=1)
    """Bytes that may be sent within 24 hours."""
    storage: int | None = Field(None, ge=1)
    """Bytes of all data sets and models of his that are stored."""
    slots: int | None = Field(None, ge=1)
    """Trainings that run at the same time; further ones wait."""


class Actor(Record):
    """Who asks."""

    name: str
    """Of the key, or as the provider of identities has it; empty where nobody has to sign in."""
    role: AccessRole
    key: str | None = None
    """Id of the key; ``None`` for one who signed in through a provider, or where nobody has to."""
    quotas: Quotas = Quotas()


class Access(Record):
    """How a server lets in, and whom it takes the one who asks for."""

    required: bool
    """Whether everybody has to sign in."""
    oidc: bool
    """Whether ID tokens of a provider of identities are taken, beside keys."""
    actor: Actor | None = None
    """Who asks; ``None`` for one who has not signed in and has to."""


class Session(Record):
    """What stands for a key, or for an ID token, until it ends."""

    token: str
    """Told once, when the session is opened."""
    name: str
    role: AccessRole
    expires: datetime


class Key(Record):
    """A key of the interface, without its secret, of which only a hash is kept."""

    id: str
    name: str
    """Whose it is; what is done with it is done under this name."""
    role: AccessRole
    quotas: Quotas = Quotas()
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    used: datetime | None = None
    """When it was last used, to the minute."""


class Deed(Record):
    """One entry of the audit trail: who did what."""

    number: int
    moment: datetime
    actor: str
    """Empty where nobody has to sign in."""
    role: AccessRole
    action: str
    """What was asked for: the operation's name in the description of the interface, or a command's."""
    objects: tuple[str, ...] = ()
    """What it was done to: ``model:higgs-forest``, ``dataset:…``, ``job:…``, ``key:…``."""
    status: int
    """Of the answer; 0 for what was done on the command line."""
    size: int = 0
    """Bytes that were sent along."""
    client: str = ""
    """Address of who asked."""
    request_id: str = ""
