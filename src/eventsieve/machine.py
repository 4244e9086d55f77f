"""What this process may use of the machine; in a container that is less than the machine has."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import psutil

__all__ = ["cores", "is_loopback", "memory"]

CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says what a container may use, in its newer and its older form."""


def cores() -> int:
    """How many processor cores there are for this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """How many bytes of memory there are for this process."""
    total = int(psutil.virtual_memory().total)
    for path in CGROUP_LIMITS:
        try:
            limit = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if limit.isdecimal():  # "max" is none
            total = min(total, int(limit))
    return total


def is_loopback(address: str) -> bool | None:
    """Whether only this machine reaches an IP address; ``None`` where it is none, say the path of a socket."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback
