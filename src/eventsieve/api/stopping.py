"""How a server ends: who waits for it is told, and where the settings want it, trainings come first."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

__all__ = ["ends_in_order"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)
FAREWELL_SECONDS = 1.0

_Handler = Callable[[int, FrameType | None], object]


@contextmanager
def ends_in_order(closing: threading.Event, finish: Callable[[], None] | None = None) -> Iterator[None]:
    """Have the signals that end this process do what is to be done before they do what they did.

    Args:
        closing: set then. A server waits for open streams before it ends, and streams for this event.
        finish: called at the first signal, in a thread; the process ends when it returns, and goes on serving until
            then. Another signal does not wait for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are none of ours there
        return
    before = {each: handler for each in SIGNALS if callable(handler := signal.getsignal(each))}
    end = _End(closing, finish, before)
    for each in before:  # of others, nobody waits for anything
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            if signal.getsignal(each) is end:
                signal.signal(each, handler)


class _End:
    """The handler of the signals."""

    def __init__(
        self, closing: threading.Event, finish: Callable[[], None] | None, before: Mapping[signal.Signals, _Handler]
    ) -> None:
        self.closing = closing
        self.finish = finish
        self.before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.finish is not None:
            # Not here: a handler interrupts whatever the main thread does, and must not wait for its locks.
            thread = threading.Thread(target=self.end_after, args=(self.finish, number), name="stopping", daemon=True)
            self.finish = None
            thread.start()
            return
        self.closing.set()
        self.before[signal.Signals(number)](number, frame)

    def end_after(self, finish: Callable[[], None], number: int) -> None:
        try:
            finish()
        finally:
            # Whoever follows a training hears of its end. Where somebody has asked again meanwhile, it is over already.
            if not self.closing.wait(FAREWELL_SECONDS):
                os.kill(os.getpid(), number)
