"""The commands about keys, and where a server that asks nobody to sign in may listen."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from eventsieve.api.app import create_app
from eventsieve.cli import connection, ports
from eventsieve.cli.app import app
from eventsieve.cli.ports import refuse_open
from eventsieve.client import Client
from eventsieve.embedded import local
from eventsieve.errors import BadConfiguration, BadRequest, NotSignedIn
from eventsieve.machine import is_loopback
from eventsieve.service import access
from eventsieve.settings import read_settings
from eventsieve.storage.rows import DeedRow


def run(line: str, **more: Any) -> Any:
    return CliRunner().invoke(app, shlex.split(line), **more)


def listed(line: str = "keys list --json") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(line).stdout)
    return found


def test_a_key_is_shown_once_and_kept_as_a_hash(tmp_path):
    made = run("keys create 'Eva Müller' --role trainer --expires 90d --slots 2 --upload-mb 100")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert token.startswith("es_")
    assert len(token.split("_", 2)[2]) == 43
    assert "cannot be shown again" in made.stderr
    (key,) = listed()
    assert (key["name"], key["role"], key["used"]) == ("Eva Müller", "trainer", None)
    assert key["quotas"] == {"requests": None, "upload": 100 << 20, "storage": None, "slots": 2}
    lasting = datetime.fromisoformat(key["expires"]) - datetime.now(UTC)
    assert timedelta(days=89) < lasting < timedelta(days=91)
    secret = token.split("_", 2)[2].encode()
    assert not [path for path in (tmp_path / "models").iterdir() if path.is_file() and secret in path.read_bytes()]
    assert token not in run("keys list").output


def test_keys_of_a_name_are_revoked_together_or_one_by_one():
    first = json.loads(run("keys create eva --role reader --json").stdout)
    run("keys create eva --role reader")
    run("keys create bob --role admin")
    assert first["key"].startswith(f"es_{first['id']}_")
    assert run(f"keys revoke {first['id']}").exit_code == 0
    assert [key["revoked"] is None for key in listed()] == [False, True, True]
    assert run("keys revoke eva").exit_code == 0
    assert [key["revoked"] is None for key in listed()] == [False, False, True]
    for ref in ("eva", first["id"], "nobody", ""):
        refused = run(f"keys revoke '{ref}'")
        assert refused.exit_code == 4
        assert "eventsieve keys list" in refused.stderr


def test_what_is_done_to_keys_is_in_the_audit_trail():
    key = json.loads(run("keys create eva --role reader --json").stdout)
    run("keys revoke eva")
    engine = create_engine(read_settings().database_url)
    with Session(engine) as session:
        deeds = [row.record() for row in session.scalars(select(DeedRow).order_by(DeedRow.number))]
    engine.dispose()
    assert [(deed.action, deed.objects, deed.status) for deed in deeds] == [
        ("keys create", (f"key:{key['id']}",), 0),
        ("keys revoke", (f"key:{key['id']}",), 0),
    ]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("eva@example.org --role reader", 3, "@"),
        ("'' --role reader", 3, "name"),
        ("' eva' --role reader", 3, "name"),
        (f"{'x' * 129} --role reader", 3, "128"),
        ("eva --role king", 2, "role"),
        ("eva --role reader --expires 5y", 2, "90d"),
        ("eva --role reader --expires 0d", 2, "90d"),
        ("eva --role reader --expires 9999999w", 2, "hundred years"),
        ("eva --role reader --slots 0", 2, "slots"),
    ],
)
def test_what_cannot_be_a_key_is_refused(words, code, says):
    refused = run(f"keys create {words}")
    assert (refused.exit_code, says in refused.stderr) == (code, True), refused.output
    assert run("keys list").stdout.startswith("There are no keys")


def test_the_commands_load_no_library_of_models():
    code = (
        "import sys; from typer.testing import CliRunner; from eventsieve.cli.app import app\n"
        "assert CliRunner().invoke(app, ['keys', 'create', 'eva', '--role', 'reader']).exit_code == 0\n"
        "print({'sklearn', 'pyarrow', 'fastapi', 'eventsieve.service'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert ran.stdout == "set()\n", ran.stderr


def test_a_server_that_runs_follows_the_commands(monkeypatch):
    # What a database cannot tell is believed for so long; SQLite tells it at once.
    monkeypatch.setattr(access, "BELIEVED_SECONDS", 0.0)
    settings = read_settings(AUTH=True, PDF_PATH="", NUM_CPUS=4)
    with TestClient(create_app(settings)) as http:

        def models(key: str | None) -> Any:
            return Client("http://testserver", http=http, key=key).models()

        with pytest.raises(NotSignedIn, match=r"--key or EVENTSIEVE_KEY"):
            list(models(None))
        token = run("keys create eva --role reader").stdout.strip()
        assert list(models(f" {token}\n")) == []
        client = Client("http://testserver", http=http, key=token)
        assert client.access().actor is not None
        session = client.sign_in()
        signed = Client("http://testserver", http=http, key=session.token)
        known = signed.waiting(None).access().actor
        assert known is not None
        assert known.name == "eva"
        signed.sign_out()
        run("keys revoke eva")
        with pytest.raises(NotSignedIn, match="revoked"):
            list(models(token))


def test_a_command_takes_the_key_from_an_option_or_the_environment(monkeypatch):
    asked: list[Any] = []

    def client(url: str | None, store: Path | None, key: str | None) -> Any:
        asked.append((url, key))
        raise NotSignedIn("Send a key.")

    monkeypatch.setattr(connection, "_client", client)
    refused = run("models --url http://there --key es_a")
    assert (refused.exit_code, "Send a key." in refused.stderr) == (8, True)
    run("jobs list --url http://there", env={"EVENTSIEVE_KEY": "es_b"})
    run("train x --url http://there", env={"EVENTSIEVE_KEY": "es_c"})
    assert asked == [("http://there", "es_a"), ("http://there", "es_b"), ("http://there", "es_c")]
    assert "es_b" not in run("models --help", env={"EVENTSIEVE_KEY": "es_b"}).output


def test_a_key_goes_to_its_server_alone():
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        if request.url.host == "here":
            return httpx2.Response(307, headers={"Location": "http://elsewhere/api/v2/"})
        return httpx2.Response(200, json={"message": "", "version": "1"})

    with httpx2.Client(transport=httpx2.MockTransport(answer), follow_redirects=True) as http:
        client = Client("http://here", http=http, key="es_secret")
        assert client.version() == "1"
    assert [(each.url.host, "authorization" in each.headers) for each in asked] == [
        ("here", True),
        ("elsewhere", False),
    ]
    assert "es_secret" not in repr(client)


@pytest.mark.parametrize("key", ["es_a b", "es_ä", "es_a\nX-Other: 1"], ids=ascii)
def test_what_cannot_be_a_key_is_not_sent(key):
    with pytest.raises(BadRequest, match="cannot be one") as refused:
        Client("http://here", key=key)
    assert key not in str(refused.value)


def test_who_shares_the_process_signs_in_to_nothing(monkeypatch):
    monkeypatch.setenv("EVENTSIEVE_AUTH", "true")
    with local(pdf_path="") as client:
        assert list(client.models()) == []
        assert client.access().required is False


# where to listen


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_on_this_machine_alone_nobody_has_to_sign_in(host):
    refuse_open(host, auth=False, open_=False)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "0", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1%lo", "no.such.host"]
)
def test_elsewhere_somebody_must_want_it(host):
    with pytest.raises(BadConfiguration, match=r"EVENTSIEVE_AUTH=true.*EVENTSIEVE_OPEN=true.*--host"):
        refuse_open(host, auth=False, open_=False)
    refuse_open(host, auth=True, open_=False)
    refuse_open(host, auth=False, open_=True)


def test_a_name_that_means_several_addresses_is_as_open_as_the_most_open(monkeypatch):
    family = socket.AF_INET, socket.SOCK_STREAM, 6, ""
    found = [(*family, ("127.0.0.1", 0)), (*family, ("192.0.2.1", 0))]
    monkeypatch.setattr(ports.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(BadConfiguration):
        refuse_open("myself", auth=False, open_=False)


@pytest.mark.parametrize("line", ["serve --host 0.0.0.0 --port 0", "up --host 0.0.0.0 --port 1 --web-port 2"])
def test_the_commands_that_start_a_server_refuse(line):
    refused = run(line)
    assert (refused.exit_code, "EVENTSIEVE_OPEN=true" in refused.stderr) == (2, True), refused.output


def test_what_is_no_address_is_neither_near_nor_far():
    assert [is_loopback(text) for text in ("testserver", "", "/run/socket")] == [None] * 3
