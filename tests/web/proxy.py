"""A wire between the page and the server, which can be slow, cut, or laid to another server."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

__all__ = ["Proxy"]


class Proxy:
    """Forwards connections on a port of its own.

    Attributes:
        target: the server's port.
        delay: seconds that every piece of a request is held back.
        cut: whether connections are refused, those that are open included.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = 0.0
        self.cut = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.cut = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            if self.cut:
                return
            with socket.create_connection(("127.0.0.1", self.target)) as far:
                back = threading.Thread(target=self._pump, args=(far, near), kwargs={"asking": False}, daemon=True)
                back.start()
                self._pump(near, far, asking=True)
                back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, *, asking: bool) -> None:
        with suppress(OSError):
            source.settimeout(0.2)
            while not self.cut:
                try:
                    piece = source.recv(1 << 16)
                except TimeoutError:
                    continue
                if not piece:
                    break
                if asking and self.delay:
                    time.sleep(self.delay)
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
