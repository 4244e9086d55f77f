"""The load of many clients, in a process of its own: ``python -m benchmarks.load`` with a JSON task on standard input.

Each client has one connection, kept alive, and sends its next request when it has the whole answer to the one before.
Standard library only: nothing has to be installed, and it is the same for every server.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Load", "load"]

WARM_SECONDS = 0.3
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Load:
    """What the clients saw.

    Attributes:
        p50: median of the milliseconds from a request's first byte to its answer's last.
        p99: 99th percentile of the same.
        rate: answers per second, of all clients together.
        answers: how many.
    """

    p50: float
    p99: float
    rate: float
    answers: int


def load(port: int, path: str, body: bytes, *, clients: int, seconds: float) -> Load:
    """Send the same JSON again and again, from a fresh process.

    Raises:
        RuntimeError: a request was refused, or a connection broke.
    """
    task = json.dumps({"port": port, "path": path, "body": body.decode(), "clients": clients, "seconds": seconds})
    command = [sys.executable, "-m", "benchmarks.load"]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        command, input=task, cwd=root, capture_output=True, text=True, check=False, timeout=seconds + PATIENCE_SECONDS
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    return Load(**json.loads(done.stdout))


class _Client(asyncio.Protocol):
    """One connection: a request after the other until told to stop."""

    def __init__(self, request: bytes, until: float) -> None:
        self.took: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Go on when the answer is complete."""
        self._received += data
        if not _complete(self._received):
            return
        self.took.append(time.perf_counter() - self._began)
        status = bytes(self._received[9:12])
        if status != b"200":
            self._end(RuntimeError(f"answered {bytes(self._received[:500])!r}"))
        elif time.perf_counter() > self._until:
            self._end()
        else:
            self._received.clear()
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, where it was not we who ended it."""
        self._end(exc or RuntimeError("the server closed the connection"))

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, error: Exception | None = None) -> None:
        if self.done.done():
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)
        self._transport.close()


def _complete(received: bytearray) -> bool:
    """Whether an answer is all there; by its length, or by the last chunk."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[:end]).lower()
    start = head.find(b"content-length:")
    if start >= 0:
        return len(received) >= end + 4 + int(head[start + 15 :].split(b"\r\n", 1)[0])
    return received.endswith(b"0\r\n\r\n")


async def _clients(task: dict[str, Any], seconds: float) -> list[float]:
    body = task["body"].encode()
    head = f"POST {task['path']} HTTP/1.1\r\nHost: 127.0.0.1:{task['port']}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = await asyncio.gather(
        *(
            loop.create_connection(lambda: _Client(request, until), "127.0.0.1", task["port"])
            for _ in range(task["clients"])
        )
    )
    clients = [client for _, client in made]
    await asyncio.gather(*(client.done for client in clients))
    return [took for client in clients for took in client.took]


def _main() -> None:
    task = json.load(sys.stdin)
    asyncio.run(_clients(task, WARM_SECONDS))
    began = time.perf_counter()
    took = asyncio.run(_clients(task, task["seconds"]))
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else [took[0]] * 99
    print(json.dumps(asdict(Load(1e3 * cuts[49], 1e3 * cuts[98], len(took) / seconds, len(took)))))


if __name__ == "__main__":
    _main()
