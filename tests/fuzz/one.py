"""One target under atheris, as `python -m fuzz` calls it: `python -m fuzz.one NAME FOUND CORPUS... [options]`."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from pathlib import Path

import atheris

# What leads the mutations: our own reading, and what reads ROOT in Python. Compiled readers are not seen into.
with atheris.instrument_imports(
    include=["eventsieve.storage", "eventsieve.domain", "uproot"], enable_loader_override=False
):
    from fuzz.targets import TARGETS

BROKEN = 77
"""The exit status of a process that has found something."""


def main() -> None:
    """Fuzz until libFuzzer has had enough; it leaves this process by itself."""
    own, name, found, *options = sys.argv
    check = TARGETS[name].check

    def one(data: bytes) -> None:
        try:
            check(data)
        except BaseException:  # noqa: BLE001 - whatever it is, it is found
            # Not libFuzzer's own way to end: its alarm may ring before a process of this size has ended.
            traceback.print_exc()
            Path(found, f"{name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
            sys.stderr.flush()
            os._exit(BROKEN)

    atheris.Setup([own, *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
