"""Where servers listen."""

from __future__ import annotations

import socket

from eventsieve.errors import BadConfiguration

__all__ = ["address", "refuse_taken"]


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
