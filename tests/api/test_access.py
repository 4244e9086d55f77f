"""Who may do what, over both interfaces: keys, roles, sessions, and what is whose."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session as Transaction

from calls_v2 import PREFIX, problem
from eventsieve.api import access as guard
from eventsieve.api import v1
from eventsieve.api.access import MOST_ADDRESSES, MOST_FAILURES, OPEN_PATHS, Failures
from eventsieve.api.app import create_app
from eventsieve.api.roles import ROLES
from eventsieve.api.v2.app import ROUTERS
from eventsieve.records import AccessRole, Limits, ModelSpec, ModelState, Outcome, State, Table
from eventsieve.service import access as room
from eventsieve.settings import Settings, read_settings
from eventsieve.storage import keybook
from eventsieve.storage.keybook import open_keybook
from eventsieve.storage.rows import KeyRow, SessionRow

V1 = "/api/model_service"
CSV = b"a,b,Label\n1,2,s\n3,4,b\n5,6,s\n7,8,b\n"
ROUTES = sorted(
    (method, ("" if router is v1.router else PREFIX) + route.path_format)
    for router in (*ROUTERS, v1.router)
    for route in router.routes
    for method in route.methods
)


def role(method: str, path: str) -> AccessRole | None:
    return ROLES[f"{method} {path.removeprefix(PREFIX)}"]


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "there-is-none", path)


class Group:
    """A server where everybody has to sign in, and people with keys."""

    def __init__(self, http: TestClient, settings: Settings) -> None:
        self.http = http
        self.settings = settings
        self.tokens: dict[str, str] = {}
        for name, what in (("rita", "reader"), ("alice", "trainer"), ("bob", "trainer"), ("root", "admin")):
            self.tokens[name] = self.issue(name, what)

    def issue(self, name: str, what: str, **more: Any) -> str:
        with open_keybook(self.settings.database_url, self.settings.MODEL_DIR) as book:
            return book.issue(name, AccessRole(what), **more)[1]

    def revoke(self, ref: str) -> None:
        with open_keybook(self.settings.database_url, self.settings.MODEL_DIR) as book:
            book.revoke(ref)

    def ask(self, who: str, method: str, path: str, **options: Any) -> Any:
        token = self.tokens.get(who, who)
        return self.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)

    def model(self, name: str, by: str) -> None:
        """A model without an artefact, as if it had been trained."""
        registry = self.http.app.state.service._registry  # type: ignore[attr-defined]
        table = Table(digest="ab" * 32, schema_name="few", events=4, signal=2, created=datetime.now(UTC))
        state = ModelState(spec=ModelSpec(name=name, type="LogReg"), seed=0, state=State.QUEUED)
        job = registry.add_job(table, [state], limits=Limits(), settle=lambda: None, by=by)
        registry.finish(job.id, 0, Outcome(state=State.TRAINED, digest="cd" * 32), lambda: None)


@contextmanager
def serving(settings: Settings) -> Iterator[Group]:
    with TestClient(create_app(settings), raise_server_exceptions=False) as http:
        yield Group(http, settings)


def locked(folder: Path, **more: Any) -> Settings:
    return read_settings(
        MODEL_DIR=folder / "models", LOG_DIR=folder / "logs", PDF_PATH="", NUM_CPUS=4, **({"AUTH": True} | more)
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """For tests that leave it as it is, but for wrong tokens."""
    with serving(locked(tmp_path_factory.mktemp("group"))) as group:
        yield group


@pytest.fixture
def group(shared: Group) -> Group:
    """The same with its wrong tokens forgotten."""
    layer = shared.http.app.middleware_stack  # type: ignore[attr-defined]
    while not isinstance(layer, guard.Authenticate):
        layer = layer.app
    layer._failures = Failures()
    return shared


# the table


def test_every_route_has_its_role():
    there = {f"{method} {path.removeprefix(PREFIX)}" for method, path in ROUTES}
    assert there - set(ROLES) == set()
    assert set(ROLES) - there == {"GET /livez", "GET /readyz", "GET /metrics"}  # which are no routes


def test_the_page_shows_the_table():
    page = Path(__file__).parents[2].joinpath("docs", "access.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (\w+) \|$", page, re.MULTILINE))
    assert rows == {route: role or "anybody" for route, role in ROLES.items()}


def test_a_route_that_the_table_lacks_is_the_administrators(monkeypatch, group):
    monkeypatch.delitem(ROLES, "GET /models")
    problem(group.ask("alice", "GET", f"{PREFIX}/models"), 403, "NotAllowed", "admin")
    assert group.ask("root", "GET", f"{PREFIX}/models").status_code == 200


def test_nobody_gets_anything_without_a_key(group):
    for method, path in ROUTES:
        answer = group.http.request(method, filled(path))
        if role(method, path) is None:
            assert answer.status_code == 200, path
            continue
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), (method, path)
        if path.startswith(V1):
            assert list(answer.json()) == ["detail"]
        elif method != "HEAD":
            problem(answer, 401, "NotSignedIn", "eventsieve keys create", "EVENTSIEVE_KEY")


@pytest.mark.parametrize("who", ["rita", "alice", "root"])
def test_each_role_comes_as_far_as_the_table_says(group, who):
    mine = AccessRole({"rita": "reader", "alice": "trainer", "root": "admin"}[who])
    for method, path in ROUTES:
        if path in (f"{V1}/remove_all", f"{PREFIX}/sessions"):
            continue
        needed = role(method, path)
        answer = group.ask(who, method, filled(path))
        if needed is None or mine.includes(needed):
            assert answer.status_code not in (401, 403), (method, path, answer.text)
        else:
            assert answer.status_code == 403, (method, path)
            assert str(needed) in answer.json()["detail"]
            assert repr(who) in answer.json()["detail"]


def test_open_paths_are_answered_and_are_few(group):
    for path in OPEN_PATHS:
        assert group.http.get(path).status_code == 200, path
    for path in ("/", f"{PREFIX}/", "/docs"):
        assert group.http.post(path).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "//api/v2/models",
        "/api//v2/models",
        "/api/v2//models",
        "/api/v2/models/",
        "/API/V2/models",
        "/livez/../api/v2/models",
        "/docs/../api/v2/models",
        "/api/v2/access/",
        "/api/v2/access/../models",
        "/api/v2",
        "/docs/",
        "//",
        "",
        "/\n",
        "/docs\n",
        "/docs%00",
        "/;/../api/v2/models",
        "/api/v2/;access",
        "/metrics",
    ],
    ids=repr,
)
def test_no_spelling_of_a_path_comes_past(group, path):
    assert status(group, "GET", path) == 401
    assert status(group, "OPTIONS", path) == 401


def test_a_path_below_which_a_proxy_has_it(group):
    assert status(group, "GET", "/sieve/docs", root_path="/sieve") == 200
    assert status(group, "GET", "/sieve/api/v2/models", root_path="/sieve") == 401
    assert status(group, "GET", "/docs/api/v2/models", root_path="/docs") == 401


def status(group: Group, method: str, path: str, **more: Any) -> int:
    """What the application answers to a path as it is: clients would make another one of it."""
    sent: list[Any] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [(b"host", b"testserver")],
        "client": ("192.0.2.1", 1), "server": ("testserver", 80),
    } | more  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(group.http.app(scope, receive, send))
    return int(sent[0]["status"])


def test_a_header_that_is_none_is_refused(group):
    token = group.tokens["alice"]
    for value in ("", "Bearer", "Bearer ", f"Basic {token}", token, f"Bearer {token} x", f"Bearer x{token}"):
        assert group.http.get(f"{PREFIX}/models", headers={"Authorization": value}).status_code in (401, 429), value
    twice = [("Authorization", f"Bearer {token}")] * 2
    assert group.http.get(f"{PREFIX}/models", headers=twice).status_code == 401
    assert group.http.get(f"{PREFIX}/models", headers={"Authorization": f"bearer  {token}"}).status_code == 200


def test_access_tells_everybody_how_and_who(group):
    nobody = group.http.get(f"{PREFIX}/access").json()
    assert nobody == {"required": True, "oidc": False, "actor": None}
    assert group.ask("es_wrong", "GET", f"{PREFIX}/access").json() == nobody
    known = group.ask("alice", "GET", f"{PREFIX}/access").json()["actor"]
    assert (known["name"], known["role"]) == ("alice", "trainer")


def test_the_description_says_what_to_sign_in_with(group):
    for path, anybody in (("/openapi.json", "/"), (f"{PREFIX}/openapi.json", "/access")):
        document = group.http.get(path).json()
        assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
        assert document["security"] == [{"bearer": []}]
        assert document["paths"][anybody]["get"]["security"] == []
        told = {code for each in document["paths"].values() for one in each.values() for code in one["responses"]}
        assert {"401", "403", "429"} <= told


def test_no_token_comes_into_the_logs(group, caplog):
    with caplog.at_level(logging.DEBUG):
        group.ask("alice", "GET", f"{PREFIX}/models")
        group.ask("es_" + "0" * 12 + "_" + "secret" * 8, "GET", f"{PREFIX}/models")
        opened = group.ask("alice", "POST", f"{PREFIX}/sessions").json()["token"]
    assert caplog.text
    for secret in (group.tokens["alice"], "secretsecret", opened):
        assert secret not in caplog.text


# keys that end


def test_revocation_holds_at_once(group):
    token = group.issue("eve", "reader")
    assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 200
    assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 200
    group.revoke("eve")
    problem(group.ask(token, "GET", f"{PREFIX}/models"), 401, "NotSignedIn", "revoked")


def test_expiry_holds_at_once(group, monkeypatch):
    token = group.issue("eve", "reader", expires=timedelta(days=1))
    assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 200
    monkeypatch.setattr(keybook, "_now", lambda: datetime.now(UTC) + timedelta(days=2))
    monkeypatch.setattr(room, "_is_over", lambda holder: holder.expires is not None)
    assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 401


def test_a_use_is_noted_once_a_minute_and_never_fails_a_request(group, monkeypatch):
    token = group.issue("nora", "reader")
    for _ in range(3):
        assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 200
    with open_keybook(group.settings.database_url, group.settings.MODEL_DIR) as book:
        (key,) = (each for each in book.all_keys() if each.name == "nora")
    assert key.used is not None
    engine = create_engine(group.settings.database_url)
    with Transaction(engine) as session:
        session.execute(update(KeyRow).where(KeyRow.id == key.id).values(used=key.used - timedelta(hours=1)))
        session.commit()
    engine.dispose()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(keybook, "update", fail)
    assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 200


def test_many_wrong_keys_are_slowed_down_and_right_ones_pass(group):
    wrong = "es_" + "0" * 12 + "_" + "x" * 43
    answers = [group.ask(wrong, "GET", f"{PREFIX}/models") for _ in range(MOST_FAILURES + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert int(answers[-1].headers["retry-after"]) > 0
    problem(answers[-1], 429, "TooMany")
    assert list(group.ask(wrong, "GET", f"{V1}/models_list").json()) == ["detail"]
    fresh = group.issue("late", "reader")
    assert group.ask(fresh, "GET", f"{PREFIX}/models").status_code == 200


def test_failures_are_counted_in_bounded_memory():
    failures = Failures()
    for number in range(MOST_ADDRESSES + 10):
        failures.note(f"2001:db8::{number:x}")
    assert len(failures._counts) == MOST_ADDRESSES


# sessions


def test_a_session_stands_for_its_key(group):
    opened = group.ask("alice", "POST", f"{PREFIX}/sessions")
    assert opened.status_code == 201
    session = opened.json()
    assert (session["name"], session["role"]) == ("alice", "trainer")
    token = session["token"]
    assert token.startswith("ess_")
    assert group.ask(token, "GET", f"{PREFIX}/access").json()["actor"]["name"] == "alice"
    problem(group.ask(token, "POST", f"{PREFIX}/sessions"), 403, "NotAllowed", "cannot open another")
    assert group.ask(token, "DELETE", f"{PREFIX}/sessions/current").status_code == 204
    assert group.ask(token, "GET", f"{PREFIX}/models").status_code == 401
    problem(group.ask("alice", "DELETE", f"{PREFIX}/sessions/current"), 404, "NotFound", "session")


def test_a_session_ends_with_its_key_and_no_later(group):
    token = group.issue("zoe", "reader", expires=timedelta(hours=1))
    session = group.ask(token, "POST", f"{PREFIX}/sessions").json()
    assert datetime.fromisoformat(session["expires"]) <= datetime.now(UTC) + timedelta(hours=1)
    group.revoke("zoe")
    assert group.ask(session["token"], "GET", f"{PREFIX}/models").status_code == 401


def test_old_sessions_are_cleared_away(group, monkeypatch):
    monkeypatch.setattr(keybook, "MOST_SESSIONS", 2)
    tokens = [group.ask("bob", "POST", f"{PREFIX}/sessions").json()["token"] for _ in range(3)]
    there = [group.ask(token, "GET", f"{PREFIX}/models").status_code for token in tokens]
    assert there == [401, 200, 200]
    monkeypatch.setattr(keybook, "_now", lambda: datetime.now(UTC) + timedelta(days=1))
    monkeypatch.setattr(room, "_is_over", lambda holder: holder.expires is not None)
    assert group.ask(tokens[2], "GET", f"{PREFIX}/models").status_code == 401
    group.ask("alice", "POST", f"{PREFIX}/sessions")
    engine = create_engine(group.settings.database_url)
    with Transaction(engine) as session:
        assert session.scalar(select(SessionRow).where(SessionRow.name == "bob")) is None
    engine.dispose()


# what is whose


@pytest.fixture
def dataset(group: Group) -> Iterator[str]:
    """A data set of alice's."""
    query = f"{PREFIX}/datasets?name=hers"
    answer = group.ask("alice", "POST", query, content=CSV)
    assert answer.status_code == 201, answer.text
    yield answer.json()["id"]
    group.ask("root", "DELETE", f"{PREFIX}/datasets/{answer.json()['id']}")


def test_a_data_set_is_changed_by_its_owner_and_administrators(group, dataset):
    path = f"{PREFIX}/datasets/{dataset}"
    assert group.ask("bob", "GET", path).json()["by"] == "alice"
    for method, where, body in (
        ("PATCH", path, {"name": "mine"}),
        ("PATCH", f"{path}/schema", {"index": None}),
        ("DELETE", path, None),
    ):
        refused = group.ask("bob", method, where, **({"json": body} if body else {}))
        problem(refused, 403, "NotAllowed", "'hers'", "'alice'", "'bob'")
    assert group.ask("alice", "PATCH", path, json={"name": "still hers"}).status_code == 200
    assert group.ask("root", "PATCH", path, json={"name": "looked at"}).status_code == 200
    assert group.ask("alice", "DELETE", path).status_code == 204


@pytest.fixture
def models(group: Group) -> Iterator[None]:
    """A model of alice's, one of bob's, and one from before anybody had to sign in."""
    for name, by in (("hers", "alice"), ("his", "bob"), ("old", "")):
        group.model(name, by)
    yield
    for name in ("hers", "his", "old"):
        group.ask("root", "DELETE", f"{PREFIX}/models/{name}")


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("name", ["hers", "old"])
def test_a_model_is_changed_by_its_owner_and_administrators(group, name):
    path = f"{PREFIX}/models/{name}"
    for method, where, body in (
        ("PATCH", path, {"note": "mine"}),
        ("PUT", f"{PREFIX}/aliases/best", {"model": name}),
        ("DELETE", path, None),
        ("DELETE", f"{V1}/remove_model/{name}", None),
        ("DELETE", f"{V1}/remove/{name}", None),
        ("DELETE", f"{V1}/remove_all", None),
    ):
        refused = group.ask("bob", method, where, **({"json": body} if body else {}))
        assert refused.status_code == 403, (method, where, refused.text)
        assert "model 'hers'" in refused.json()["detail"] or f"model '{name}'" in refused.json()["detail"]
    assert {each["name"] for each in group.ask("bob", "GET", f"{PREFIX}/models").json()["items"]} == {
        "hers", "his", "old"
    }  # fmt: skip
    assert group.ask("root", "PATCH", path, json={"note": "looked at"}).status_code == 200


@pytest.mark.usefixtures("models")
def test_an_alias_is_moved_by_the_owners_of_both_models(group):
    assert group.ask("alice", "PUT", f"{PREFIX}/aliases/best", json={"model": "hers"}).status_code == 200
    problem(group.ask("bob", "PUT", f"{PREFIX}/aliases/best", json={"model": "his"}), 403, "NotAllowed", "'hers'")
    problem(group.ask("bob", "DELETE", f"{PREFIX}/aliases/best"), 403, "NotAllowed", "'alice'")
    assert group.ask("alice", "DELETE", f"{PREFIX}/aliases/best").status_code == 204


@pytest.mark.usefixtures("models")
def test_the_choice_of_the_current_model_is_signed(group):
    chosen = group.ask("bob", "PUT", f"{PREFIX}/current", json={"model": "hers", "by": "alice"})
    assert chosen.json()["by"] == "bob"
    assert group.ask("alice", "POST", f"{V1}/set_model/his").status_code == 200
    assert group.ask("bob", "POST", f"{PREFIX}/current/rollback", json={"by": "root"}).json()["by"] == "bob"
    assert group.ask("alice", "DELETE", f"{PREFIX}/current").json()["by"] == "alice"
    history = group.ask("rita", "GET", f"{PREFIX}/current/history").json()["items"]
    assert [each["by"] for each in history[:4]] == ["alice", "bob", "alice", "bob"]
    problem(group.ask("rita", "PUT", f"{PREFIX}/current", json={"model": "his"}), 403, "NotAllowed", "trainer or admin")


def test_a_job_is_ended_by_its_owner_and_administrators(group):
    group.model("ended", "alice")
    job = group.ask("root", "GET", f"{PREFIX}/models/ended").json()["job"]
    problem(group.ask("bob", "DELETE", f"{PREFIX}/jobs/{job}"), 403, "NotAllowed", "'alice'")
    problem(group.ask("bob", "POST", f"{PREFIX}/jobs/{job}/stop"), 403, "NotAllowed", "'alice'")
    assert group.ask("root", "DELETE", f"{PREFIX}/jobs/{job}").status_code != 403
    assert group.ask("alice", "DELETE", f"{PREFIX}/models/ended").status_code == 204


def test_whose_everything_is_may_remove_all(tmp_path):
    with serving(locked(tmp_path)) as group:
        group.model("hers", "alice")
        assert group.ask("rita", "DELETE", f"{V1}/remove_all").status_code == 403
        assert group.ask("bob", "DELETE", f"{V1}/remove_all").status_code == 403
        removed = group.ask("alice", "DELETE", f"{V1}/remove_all")
        assert removed.json() == [{"id": "hers", "status": "removed"}]


# where nobody has to sign in


def test_without_keys_a_server_that_wants_them_says_so(tmp_path, capsys):
    with TestClient(create_app(locked(tmp_path))) as http:
        assert http.get(f"{PREFIX}/models").status_code == 401
    assert "eventsieve keys create" in capsys.readouterr().err


def test_where_nobody_has_to_sign_in_nothing_is_looked_at(tmp_path):
    with TestClient(create_app(locked(tmp_path, AUTH=False))) as http:
        known = http.get(f"{PREFIX}/access", headers={"Authorization": "nonsense"}).json()
        assert (known["required"], known["actor"]["role"], known["actor"]["name"]) == (False, "admin", "")
        assert http.get(f"{PREFIX}/models", headers={"Authorization": "nonsense"}).status_code == 200
        assert "security" not in http.get(f"{PREFIX}/openapi.json").json()
        problem(http.post(f"{PREFIX}/sessions"), 409, "Conflict", "AUTH")
        problem(http.delete(f"{PREFIX}/sessions/current"), 409, "Conflict", "AUTH")


@pytest.mark.parametrize("more", [{}, {"AUTH": True}, {"OPEN": True}], ids=["closed", "auth", "open"])
def test_other_machines_are_answered_only_where_that_is_wanted(tmp_path, more):
    settings = locked(tmp_path, **({"AUTH": False} | more))
    with TestClient(create_app(settings)) as http:
        group = Group(http, settings)
        headers = [(b"host", b"localhost")]
        if settings.AUTH:
            headers.append((b"authorization", f"Bearer {group.tokens['rita']}".encode()))
        for host, near in (("192.0.2.7", False), ("2001:db8::1", False), ("::ffff:10.0.0.1", False),
                           ("127.0.0.1", True), ("::1", True), ("/run/socket", True)):  # fmt: skip
            answered = status(group, "GET", f"{PREFIX}/models", server=(host, 80), headers=headers)
            assert answered == (200 if near or more else 403), host
        assert status(group, "GET", "/livez", server=("192.0.2.7", 80)) == 200
