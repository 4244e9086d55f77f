"""One target under atheris: `python -m fuzz.one NAME CORPUS... [libFuzzer's options]`; `python -m fuzz` runs all."""

from __future__ import annotations

import sys

import atheris

# What leads the mutations: our own reading, and what reads ROOT in Python. Compiled readers are not seen into.
with atheris.instrument_imports(
    include=["eventsieve.storage", "eventsieve.domain", "uproot"], enable_loader_override=False
):
    from fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer has had enough; it leaves this process by itself."""
    own, name, *options = sys.argv
    check = TARGETS[name].check

    def one(data: bytes) -> None:
        check(data)

    atheris.Setup([own, *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
