"""The commands `web` and `up`: how they start, what they refuse, and that nothing outlives them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest
from typer.testing import CliRunner

from eventsieve.cli import pages, together
from eventsieve.cli.app import app

PATIENCE = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def eventually(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False).is_success
    except httpx2.TransportError:
        return False


@contextmanager
def running(folder: Path, *words: object) -> Iterator[subprocess.Popen[str]]:
    """A command of ours, with what it prints; killed at the end where it still runs."""
    command = [sys.executable, "-m", "eventsieve", *map(str, words)]
    environment = os.environ | {"EVENTSIEVE_LOG_DIR": str(folder / "logs"), "EVENTSIEVE_PDF_PATH": ""}
    with (folder / "stderr").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
    with process:
        family = []
        try:
            yield process
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        finally:
            process.kill()
            for child in family:
                child.kill()


@contextmanager
def running_up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, str, list[psutil.Process]]]:
    """`eventsieve up` once it is ready: its process, the page, the server, and the processes below it."""
    port, web_port = free_port(), free_port()
    with running(folder, "up", "--port", port, "--web-port", web_port, "--model-dir", folder / "models") as process:
        line = process.stdout.readline()
        page, server = re.findall(r"http://[^\s,;]+", line)
        assert (page, server) == (f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{port}")
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 2
        try:
            yield process, page, server, family
        finally:
            for child in family:
                if child.is_running():
                    child.kill()


def all_gone(family: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_server_and_page_start_and_end_together(tmp_path, number):
    with running_up(tmp_path) as (process, page, server, family):
        assert answers(server)
        assert answers(page)
        upload = {"params": {"filename": "a.csv"}, "headers": {"X-Eventsieve-Upload": "1"}, "trust_env": False}
        answer = httpx2.put(f"{page}/files/datasets", content=b"a,b\n1,2\n3,5\n", timeout=60, **upload)
        assert answer.status_code in (201, 422), answer.text
        assert answer.headers["content-type"].startswith("application/")
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        eventually(lambda: all_gone(family))


@pytest.mark.slow
def test_nothing_outlives_a_kill(tmp_path):
    with running_up(tmp_path) as (process, _, _, family):
        process.kill()
        eventually(lambda: all_gone(family))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["serve", "web"])
def test_where_one_ends_the_other_is_ended(tmp_path, name):
    with running_up(tmp_path) as (process, _, _, family):
        next(each for each in family if name in each.cmdline()).kill()
        assert process.wait(PATIENCE) != 0
        eventually(lambda: all_gone(family))
    assert f"The {'server' if name == 'serve' else 'page'} has ended" in (tmp_path / "stderr").read_text()


@pytest.mark.slow
def test_the_page_alone_prints_one_line_and_ends_in_peace(tmp_path):
    port = free_port()
    with running(tmp_path, "web", "--port", port, "--url", "http://127.0.0.1:9") as process:
        line = process.stdout.readline()
        assert line == f"Eventsieve is at http://127.0.0.1:{port}, its server at http://127.0.0.1:9\n"
        assert answers(f"http://127.0.0.1:{port}/")
        report = httpx2.get(f"http://127.0.0.1:{port}/files/report.pdf", trust_env=False)
        assert report.status_code == 502
        assert "eventsieve serve" in report.text
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stdout.read() == ""
    assert (tmp_path / "stderr").read_text() == ""


@pytest.mark.parametrize(("command", "option"), [("web", "--port"), ("up", "--port"), ("up", "--web-port")])
def test_a_port_that_is_taken_is_told_with_the_cure(command, option):
    others = {"--port": free_port(), "--web-port": free_port()} if command == "up" else {}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = [str(word) for pair in (others | {option: port}).items() for word in pair]
        answer = CliRunner().invoke(app, [command, *words])
    assert answer.exit_code == 2
    assert f"port {port}" in answer.output
    assert option in answer.output


@pytest.mark.parametrize("command", ["web", "up"])
def test_what_is_not_installed_is_told_with_the_cure(monkeypatch, command):
    monkeypatch.setattr(pages, "find_spec", lambda name: None if name == "plotly" else name)
    answer = CliRunner().invoke(app, [command])
    assert answer.exit_code == 2
    assert "plotly" in answer.output
    assert "pip install 'eventsieve[web]'" in answer.output


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [("web", "FASTAPI_URL", "nonsense"), ("web", "WEB_PORT", "x"), ("up", "GITHUB_LINK", "x"), ("up", "PORT", "-1")],
)
def test_a_wrong_setting_is_named_before_anything_starts(monkeypatch, command, name, value):
    monkeypatch.setenv(f"EVENTSIEVE_{name}", value)
    answer = CliRunner().invoke(app, [command])
    assert answer.exit_code == 2
    assert f"EVENTSIEVE_{name}" in answer.output


def test_one_that_is_never_ready_is_told_and_ended(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(together, "LONGEST_START_SECONDS", 0.0)
    store = ["--model-dir", str(tmp_path)]
    words = ["serve", "--port", str(free_port()), *store]
    nowhere = f"http://127.0.0.1:{free_port()}/"
    assert together.run_together({"server": (words, nowhere)}, lambda: pytest.fail("it is not ready")) == 1
    assert "The server was not ready after 0 s" in capfd.readouterr().err


def test_server_and_page_need_ports_that_both_know():
    answer = CliRunner().invoke(app, ["up", "--port", "0"])
    assert answer.exit_code == 2
    assert "--port" in answer.output


def test_help_does_not_wait_for_the_pages():
    heavy = ("streamlit", "uvicorn", "plotly")
    script = f"import sys, eventsieve.cli; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"
