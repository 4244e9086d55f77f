"""Where servers listen."""

from __future__ import annotations

import socket

from eventsieve.errors import BadConfiguration
from eventsieve.machine import is_loopback

__all__ = ["address", "refuse_open", "refuse_taken"]


def refuse_open(host: str, auth: bool, open_: bool, *, what: str = "The server", option: str = "--host") -> None:  # noqa: FBT001 - two settings
    """Refuse to listen where others than this machine can knock, unless they have to sign in.

    Args:
        host: an address, or a name of one.
        auth: whether everybody has to sign in.
        open_: whether it is wanted that nobody has to.
        what: what would listen, for the sentence.
        option: what names another address.

    Raises:
        BadConfiguration: others could do everything; both cures are told.
    """
    if auth or open_ or all(map(is_loopback, _addresses(host))):
        return
    raise BadConfiguration(
        f"{what} would listen on {host or 'all addresses'}, where others than this machine reach it, and nobody has to "
        f"sign in: anybody could train, read and remove. Set EVENTSIEVE_AUTH=true and make keys (eventsieve keys "
        f"create), or set EVENTSIEVE_OPEN=true where the network keeps strangers out; or choose another {option}."
    )


def _addresses(host: str) -> list[str]:
    """What a name means, as the system would listen on it; itself where it means nothing."""
    try:
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return [host]
    return [str(each[4][0]) for each in found]


def refuse_taken(host: str, port: int, host_option: str = "--host", port_option: str = "--port") -> None:
    """Find out before a start what would only be found out behind the server's back.

    Raises:
        BadConfiguration: nothing can listen there; the options that name another place are told.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise BadConfiguration(
            f"The server cannot listen on {host}, port {port} ({error.strerror or error}); "
            f"end what listens there, or choose another {host_option} or {port_option}."
        ) from error


def address(host: str, port: int) -> str:
    """The URL by which this machine reaches what listens there."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - asked of, not listened on
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"
