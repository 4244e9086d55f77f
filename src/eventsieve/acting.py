"""Who acts in this context: a front end says it around each call, and whoever needs it asks here.

It is a context variable, so it goes along into the threads that a request is served in, and into no other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from eventsieve.records import AccessRole, Actor

__all__ = ["OWNER", "Call", "about", "actor", "client", "concern", "request_id", "serving", "touch"]

OWNER: Final = Actor(name="", role=AccessRole.ADMIN)
"""Whoever sits at this machine, or speaks to a server that asks nobody to sign in: he may do everything."""


@dataclass(eq=False)
class Call:
    """One request that is being served.

    Attributes:
        actor: who asks.
        request_id: under which the logs have it; empty where it is none.
        client: address of who asks; empty where there is none.
        touched: what it was done to, ``kind:id`` each, for the audit trail.
    """

    actor: Actor = OWNER
    request_id: str = ""
    client: str = ""
    touched: list[str] = field(default_factory=list)


_call: ContextVar[Call | None] = ContextVar("call", default=None)
_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def actor() -> Actor:
    """Who acts; `OWNER` outside of any request."""
    call = _call.get()
    return OWNER if call is None else call.actor


def request_id() -> str:
    """The id of the request that is being served; empty outside of any."""
    call = _call.get()
    return "" if call is None else call.request_id


def touch(kind: str, *names: str) -> None:
    """Note that something is being done to these, for the audit trail."""
    call = _call.get()
    if call is not None:
        call.touched += [f"{kind}:{name}" for name in names]


def client() -> str:
    """The address of who asks; empty outside of any request."""
    call = _call.get()
    return "" if call is None else call.client


def about() -> Mapping[str, str]:
    """What this context is about, for the logs: ``job`` and ``model`` within a training; empty elsewhere."""
    return _about.get() or {}


def concern(**names: str) -> None:
    """Say what this context is about from now on."""
    _about.set({**about(), **names})


@contextmanager
def serving(call: Call) -> Iterator[Call]:
    """Serve a request within the block; within another one's block it is the same request, known better."""
    outer = _call.get()
    if outer is not None and outer.request_id == call.request_id:
        # Those around log the request and write down what was done, by whom.
        outer.actor, call.client, call.touched = call.actor, outer.client, outer.touched
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)
