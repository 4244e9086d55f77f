"""A PostgreSQL server of our own that can be stopped and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from databases import programs, user


class Postgres:
    """The server over a folder, on one port for as long as it lives."""

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("psycopg", reason="psycopg is not installed; pip install 'eventsieve[postgresql]'")
        self.programs, self.user, self.folder = programs(), user(), folder
        if self.user is not None:
            shutil.chown(folder, self.user)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", str(folder / "data"), "-U", "eventsieve", "-A", "trust", "--no-sync")

    @property
    def url(self) -> str:
        """As SQLAlchemy writes it, with a password that must not be seen anywhere."""
        return f"postgresql+psycopg://eventsieve:sesame@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        data = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        # Its own disk is a real one: what it has acknowledged is to survive that it is killed.
        command = [str(self.programs / "postgres"), *data]
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        self.process = subprocess.Popen(
            command, user=self.user, cwd=self.folder, env=environment, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            if self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False).returncode == 0:
                return
            time.sleep(0.1)
        pytest.fail("PostgreSQL did not start")

    def stop(self, signal: int) -> None:
        """End it: SIGINT is the fast way, SIGQUIT the immediate one."""
        if self.process is not None:
            self.process.send_signal(signal)
            self.process.wait(30)
            self.process = None

    def cut(self) -> None:
        """Cut all connections but our own."""
        import psycopg

        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def _run(self, program: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[Any]:
        command = [str(self.programs / program), *words]
        return subprocess.run(command, user=self.user, cwd=self.folder, check=check, capture_output=True)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server, gone at the end."""
    import signal

    # Not tmp_path: the other user could not enter it.
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
