"""Which requests a server lets in by the host and the page that they say they come from, and what its answers say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import pytest
from fastapi.testclient import TestClient

from calls_v2 import PREFIX
from eventsieve.api.app import create_app
from eventsieve.api.guard import Guard, host_of, is_own_name
from eventsieve.api.headers import ALWAYS
from eventsieve.errors import BadConfiguration
from eventsieve.settings import Settings, read_settings

PAGE = "https://results.example.org"
"""An origin that is trusted where the settings say so."""


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update=values)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST.", "pages.localhost:1", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7"],
)
def test_a_server_goes_by_its_addresses(client: TestClient, host: str):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1.example", "[evil]", "", "testserver2"],
)
def test_another_name_is_refused_with_the_cure(client: TestClient, host: str):
    for path in ("/", "/api/model_service/get_columns", f"{PREFIX}/models", f"{PREFIX}/nothing/is/here"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "ALLOWED_HOSTS" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_hosts_are_refused(client: TestClient):
    answer = client.get("/", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert answer.status_code == 421


def test_names_in_the_settings_are_the_servers_own(settings: Settings):
    with TestClient(create_app(changed(settings, ALLOWED_HOSTS=["sieve.example.org"], HOST="lab7"))) as client:
        for host in ("sieve.example.org", "SIEVE.example.org:443", "lab7:8000"):
            assert client.get("/", headers={"Host": host}).status_code == 200
        assert client.get("/", headers={"Host": "example.org"}).status_code == 421


def test_where_everybody_signs_in_any_name_will_do_unless_some_are_named():
    asked = []

    async def app(scope, receive, send):
        asked.append(scope["path"])

    async def answered(guard, host):
        scope = {"type": "http", "method": "GET", "path": host, "headers": [(b"host", host.encode())], "server": None}
        before = len(asked)
        sent = []

        async def send(message):
            sent.append(message)

        await guard(scope, None, send)
        return len(asked) > before

    assert asyncio.run(answered(Guard(app, any_host=True), "any.example"))
    assert not asyncio.run(answered(Guard(app, hosts=["one.example"]), "any.example"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Origin": "http://127.0.0.1:8501"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_sites_page_changes_nothing(client: TestClient, method: str, headers: dict[str, str]):
    for path in ("/api/model_service/remove_all_models", f"{PREFIX}/models/m1"):
        answer = client.request(method, path, headers={"Host": "127.0.0.1:8000"} | headers)
        assert answer.status_code == 403
        assert "CORS_ORIGINS" in answer.json()["detail"]
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_programs_and_the_servers_own_pages_may_change_things(client: TestClient, headers: dict[str, str]):
    answer = client.delete(f"{PREFIX}/models/m1", headers={"Host": "127.0.0.1:8000"} | headers)
    assert answer.status_code == 404


def test_an_origin_has_the_ports_that_its_scheme_has(settings: Settings):
    with TestClient(create_app(changed(settings, ALLOWED_HOSTS=["sieve.example.org"]))) as client:
        for host in ("sieve.example.org", "sieve.example.org:443"):
            headers = {"Host": host, "Origin": "https://sieve.example.org"}
            assert client.delete(f"{PREFIX}/models/m1", headers=headers).status_code == 404


def test_no_other_page_reads_anything_by_default(client: TestClient):
    answer = client.get("/", headers={"Origin": PAGE})
    assert answer.status_code == 200
    preflight = client.options(f"{PREFIX}/models", headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"})
    for each in (answer, preflight):
        assert not [name for name in each.headers if name.startswith("access-control-")]


def test_origins_in_the_settings_may_read_and_change_but_bring_no_cookies(settings: Settings):
    with TestClient(create_app(changed(settings, CORS_ORIGINS=[PAGE]))) as client:
        ours, other = {"Origin": PAGE}, {"Origin": "https://evil.example"}
        answer = client.get("/", headers=ours)
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in answer.headers
        asked = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
        assert client.options(f"{PREFIX}/models/m1", headers=ours | asked).status_code == 200
        assert client.options(f"{PREFIX}/models/m1", headers=other | asked).status_code == 400
        assert client.delete(f"{PREFIX}/models/m1", headers=ours).status_code == 404
        assert client.delete(f"{PREFIX}/models/m1", headers=other).status_code == 403
        assert "access-control-allow-origin" not in client.get("/", headers=other).headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", '["*"]'),
        ("CORS_ORIGINS", '["example.org"]'),
        ("CORS_ORIGINS", '["https://example.org/"]'),
        ("CORS_ORIGINS", '["null"]'),
        ("ALLOWED_HOSTS", '["*"]'),
        ("ALLOWED_HOSTS", '["https://example.org"]'),
        ("ALLOWED_HOSTS", '["example.org:443"]'),
        ("TRUSTED_PROXIES", '["*"]'),
        ("TRUSTED_PROXIES", '["proxy"]'),
    ],
)
def test_what_would_open_the_server_to_all_is_no_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(f"EVENTSIEVE_{name}", value)
    with pytest.raises(BadConfiguration, match=name):
        read_settings()


@pytest.mark.parametrize(
    "path", ["/", "/openapi.json", "/nothing", f"{PREFIX}/", f"{PREFIX}/models", f"{PREFIX}/nothing"]
)
def test_every_answer_has_the_security_headers(client: TestClient, path: str):
    for answer in (client.get(path), client.get(path, headers={"Host": "evil.example"}), client.post(path)):
        for name, value in ALWAYS.items():
            assert answer.headers[name] == value
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_a_failure_has_them_too(settings: Settings):
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        service, client.app.state.service = client.app.state.service, None  # every use of it fails
        answers = [client.get(path) for path in ("/api/model_service/get_columns", f"{PREFIX}/models")]
        client.app.state.service = service
        for answer in answers:
            assert answer.status_code == 500
            assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS


def test_only_over_tls_browsers_are_held_to_it(settings: Settings):
    with TestClient(create_app(settings), base_url="https://localhost") as client:
        assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"


def test_the_pages_of_the_interfaces_run_what_the_server_brings_and_nothing_else(client: TestClient):
    for root in ("", PREFIX):
        for path in ("/docs", "/redoc"):
            answer = client.get(root + path)
            assert answer.status_code == 200
            policy = answer.headers["content-security-policy"]
            assert f"{root}/openapi.json" in answer.text
            assert "http" not in "".join(re.findall(r"<(?:script|link)[^>]*>", answer.text))
            for url in re.findall(r'<(?:script|link)[^>]*(?:src|href)="(/[^"]+)"', answer.text):
                file = client.get(url)
                assert file.status_code == 200
                assert len(file.content) > 100_000
                assert file.headers["content-type"].partition(";")[0] in ("text/javascript", "text/css")
            for lines in re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL):
                assert f"'sha256-{base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()}'" in policy
            scripts = re.search(r"script-src ([^;]*)", policy)[1]
            assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(scripts.split())


@pytest.mark.parametrize(
    ("header", "host"),
    [
        (b"Example.ORG:80", b"example.org"),
        (b"[::1]:8000", b"[::1]"),
        (b"[::1]", b"[::1]"),
        (b"localhost.", b"localhost"),
        (b"", b""),
    ],
)
def test_the_host_of_a_header(header: bytes, host: bytes):
    assert host_of(header) == host


def test_only_addresses_and_this_machine_are_names_that_nobody_else_has():
    assert all(map(is_own_name, [b"localhost", b"a.localhost", b"10.0.0.1", b"[2001:db8::1]"]))
    assert not any(
        map(is_own_name, [b"", b"local", b"1.2.3", b"0x7f.1", b"10.0.0.1.example", b"[localhost]", b"127.1"])
    )
