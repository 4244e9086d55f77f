"""A command whose process ends with the one that started it: ``python -m eventsieve.cli.child serve ...``.

The parent holds the other end of our standard input, and lets it go when it ends, however it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from eventsieve.cli.app import main

__all__: list[str] = []


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main()
