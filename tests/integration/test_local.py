"""A client without a server: what it starts, what it leaves alone, and what it leaves behind."""

from __future__ import annotations

import gc
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import eventsieve
from eventsieve import embedded
from eventsieve.embedded import local
from eventsieve.errors import BadConfiguration, ServerUnreachable


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "eventsieve-local"]


def test_it_answers_over_a_socket_that_only_we_can_open(tmp_path):
    with local(tmp_path / "store") as client:
        assert client.version() == eventsieve.__version__
        (folder,) = {path.parent for path in map(Path, _sockets()) if path.name == "socket"}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (tmp_path / "store").is_dir()
    assert not folder.exists()
    assert threads() == []


def _sockets() -> list[str]:
    lines = Path("/proc/net/unix").read_text().splitlines() if Path("/proc/net/unix").exists() else []
    return [line.split()[-1] for line in lines if "/eventsieve-" in line]


def test_the_store_is_that_of_the_settings_where_none_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("EVENTSIEVE_MODEL_DIR", str(tmp_path / "mine"))
    with local(NUM_CPUS=1) as client:
        assert str(tmp_path / "mine") in repr(client)
        assert (tmp_path / "mine").is_dir()


def test_two_at_once_over_one_store_and_again_afterwards(tmp_path):
    with local(tmp_path) as first, local(tmp_path) as second:
        assert first.version() == second.version()
    with local(tmp_path) as third:
        assert list(third.models()) == []


def test_signals_logs_and_the_folder_are_left_alone(tmp_path):
    def state() -> tuple[object, ...]:
        handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        loggers = [logging.getLogger(name) for name in (None, "uvicorn", "uvicorn.error", "eventsieve")]
        return (*handlers, *((each.level, tuple(each.handlers), each.propagate) for each in loggers), Path.cwd())

    before = state()
    with local(tmp_path / "store") as client:
        client.version()
        assert state() == before
    assert state() == before
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_it_ends_with_the_last_who_holds_it(tmp_path):
    client = local(tmp_path)
    models = client.models()
    del client
    gc.collect()
    assert list(models) == []
    del models
    gc.collect()
    assert threads() == []


def test_closing_twice_is_closing_once_and_then_nobody_answers(tmp_path):
    client = local(tmp_path)
    client.close()
    client.close()
    with pytest.raises((ServerUnreachable, RuntimeError)):
        client.version()


def test_a_setting_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(BadConfiguration, match=r"TIME_LIMITS.*TIME_LIMIT"):
        local(tmp_path, time_limits=3)


def test_a_store_that_cannot_be_opened_is_told_and_nothing_is_left(tmp_path):
    with pytest.raises(BadConfiguration, match="MODEL_TYPES"):
        local(tmp_path, MODEL_TYPES=["Oracle"])
    assert threads() == []


def test_a_long_temporary_folder_is_gone_round(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(embedded.tempfile, "tempdir", str(deep))
    with local(tmp_path / "store") as client:
        assert client.version()
    assert list(deep.iterdir()) == []


@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"])
def test_a_script_that_forgets_to_close_ends_cleanly(tmp_path, end):
    script = f"import eventsieve; client = eventsieve.local({str(tmp_path / 's')!r}); print(client.version()); {end}"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert done.stdout.strip() == eventsieve.__version__
    assert (done.returncode == 0) == (end == "")
    assert "Exception ignored" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_the_package_is_light_until_it_is_used():
    script = "import sys, eventsieve; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"pydantic", "numpy", "pyarrow", "sklearn", "httpx2", "fastapi", "matplotlib"} & set(done.stdout.split())


def test_the_client_needs_nothing_of_a_server():
    script = "import sys, eventsieve; eventsieve.Client; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "eventsieve.client" in loaded
    assert not {"sklearn", "fastapi", "uvicorn", "sqlalchemy", "matplotlib", "eventsieve.service"} & loaded


def test_the_door_of_the_package():
    assert sorted(eventsieve.__all__) == ["Client", "EventsWarning", "__version__", "local"]
    assert set(eventsieve.__all__) <= set(dir(eventsieve))
    assert eventsieve.local is local
    with pytest.raises(AttributeError, match="nothing"):
        eventsieve.nothing  # noqa: B018 - it is the asking that fails
