"""The audit trail: whoever changes something, or tries to, is written down before he has his answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from calls import ROUTE
from calls_v2 import PREFIX, V2
from eventsieve.api import v1
from eventsieve.api.app import create_app
from eventsieve.api.audit import is_audited
from eventsieve.api.v2.app import ROUTERS
from eventsieve.cli import console
from eventsieve.cli.app import app as commands
from eventsieve.client import Client
from eventsieve.errors import NotAllowed
from eventsieve.records import AccessRole
from eventsieve.settings import Settings
from eventsieve.storage.keybook import open_keybook
from eventsieve.storage.trail import MOST_OBJECTS, Trail

NOT_AUDITED = {"compare", "compare_models", "estimate", "predict", "predict_with_file"}
"""Operations that are POSTed and change nothing."""


@pytest.fixture
def signed(settings: Settings) -> Settings:
    return settings.model_copy(update={"AUTH": True})


@pytest.fixture
def keys(signed: Settings) -> dict[str, str]:
    """A key of each role, by the name of its holder."""
    with open_keybook(signed.database_url, signed.MODEL_DIR) as book:
        roles = {"ann": AccessRole.ADMIN, "tom": AccessRole.TRAINER, "rob": AccessRole.READER}
        return {name: book.issue(name, role)[1] for name, role in roles.items()}


@pytest.fixture
def http(signed: Settings, keys: dict[str, str]) -> Iterator[TestClient]:
    with TestClient(create_app(signed), raise_server_exceptions=False) as client:
        yield client


def by(http: TestClient, key: str) -> V2:
    class Signed:
        def request(self, *args: Any, **options: Any) -> Any:
            headers = options.pop("headers", {}) | {"Authorization": f"Bearer {key}"}
            return http.request(*args, headers=headers, **options)

    return V2(Signed())


def deeds(client: V2, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def brief(deed: dict[str, Any]) -> tuple[str, str, int]:
    return deed["actor"], deed["action"], deed["status"]


def test_what_is_changed_is_written_down_with_who_where_and_how_much(http: TestClient, keys: dict[str, str]) -> None:
    ann, tom, rob = (by(http, keys[name]) for name in ("ann", "tom", "rob"))
    dataset = tom.post("/simulations", json={"events": 50}, headers={"x-request-id": "made-1"}).json()["id"]
    assert rob.delete(f"/datasets/{dataset}").status_code == 403
    assert tom.patch(f"/datasets/{dataset}", json={"name": "mine"}).status_code == 200
    assert tom.patch("/datasets/none", json={"name": "mine"}).status_code == 404
    assert tom.patch(f"/datasets/{dataset}", json={"nme": "mine"}).status_code == 422
    assert http.delete(f"{PREFIX}/datasets/{dataset}").status_code == 401
    assert tom.get("/datasets").status_code == 200
    assert tom.post("/nothing").status_code == 404
    assert tom.delete("/datasets").status_code == 405
    assert ann.delete(f"/datasets/{dataset}").status_code == 204
    found = deeds(ann)
    assert [brief(each) for each in found[:-3]] == [
        ("ann", "remove_dataset", 204),
        ("tom", "rename_dataset", 422),
        ("tom", "rename_dataset", 404),
        ("tom", "rename_dataset", 200),
        ("rob", "remove_dataset", 403),
        ("tom", "simulate", 201),
    ]
    assert [each["number"] for each in found] == sorted((each["number"] for each in found), reverse=True)
    first = found[5]
    assert first["objects"] == [f"dataset:{dataset}"]
    assert (first["role"], first["size"], first["client"], first["request_id"]) == (
        "trainer",
        len('{"events":50}'),
        "testclient",
        "made-1",
    )
    assert {each["action"] for each in found[-3:]} == {"keys create"}
    assert deeds(ann, object="dataset:none")[0]["status"] == 404


def test_administrators_alone_may_read_it(http: TestClient, keys: dict[str, str]) -> None:
    for name in ("tom", "rob"):
        assert by(http, keys[name]).get("/audit").status_code == 403
    assert http.get(f"{PREFIX}/audit").status_code == 401
    with pytest.raises(NotAllowed, match="admin"):
        list(Client("http://testserver", key=keys["rob"], http=http).audit())
    found = Client("http://testserver", key=keys["ann"], http=http).audit(action="keys create")
    assert len(found) == 3
    assert found[0].action == "keys create"
    assert "keys create" in repr(found)


def test_models_and_jobs_are_named_whatever_the_request_called_them(trained: TestClient) -> None:
    client = V2(trained)
    name = "ж / x\n%"
    assert client.put("/current", json={"model": "m1"}).status_code == 200
    assert client.put(f"/aliases/{'best%20%D0%B6'}", json={"model": "current"}).status_code == 200
    assert client.patch("/models/current", json={"name": name}).status_code == 200
    assert client.patch("/models/current", json={"name": "m1"}).status_code == 200
    assert client.delete("/current").status_code == 200
    found = {each["number"]: each for each in deeds(client)}
    newest = [found[number] for number in sorted(found, reverse=True)][:5]
    assert [each["objects"] for each in newest] == [
        ["model:m1"],
        ["model:current", f"model:{name}", "model:m1"],
        ["model:current", "model:m1", f"model:{name}"],
        ["alias:best ж", "model:m1"],
        ["model:m1"],
    ]
    of_name = [each["number"] for each in deeds(client, object=f"model:{name}")]
    # The same store may have seen this before.
    assert [each for each in of_name if each >= newest[-1]["number"]] == [each["number"] for each in newest[1:3]]
    trainings = deeds(client, action="train_with_file")
    assert [each["objects"][1:] for each in trainings] == [["model:m1"]]
    assert trainings[0]["objects"][0].startswith("job:")
    assert trainings[0]["size"] > 100_000
    assert client.delete("/aliases/best%20%D0%B6").status_code == 204


def test_what_changes_nothing_is_not_written_down(trained: TestClient, unlabelled_csv: Path) -> None:
    before = len(deeds(V2(trained)))
    names = trained.get(f"{PREFIX}/models/m1").json()["features"]
    rows = {"events": [dict.fromkeys(names, 1.0)]}
    for _ in range(2):
        assert trained.post(f"{PREFIX}/models/m1/predictions", json=rows).status_code == 200
    assert trained.get(f"{ROUTE}models_list").status_code == 200
    assert trained.post(f"{PREFIX}/comparisons", json={"dataset": "x", "models": ["m1"]}).status_code == 404
    assert len(deeds(V2(trained))) == before


def test_every_operation_that_is_no_mere_question_is_audited() -> None:
    routes = [
        (method, route)
        for router in (v1.router, *ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    ]
    asked = {route.name for method, route in routes if method not in ("GET", "HEAD")}
    written = {route.name for method, route in routes if is_audited(method, route.path_format)}
    assert asked - written == NOT_AUDITED
    assert written <= asked


def test_the_entry_is_there_before_the_answer(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees the answer finds the entry: it is written when nothing of the answer has been sent."""
    events: list[str] = []
    add = Trail.add

    def noted(self: Trail, *args: Any, **options: Any) -> Any:
        events.append("written")
        return add(self, *args, **options)

    monkeypatch.setattr(Trail, "add", noted)
    inner = client.app

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            events.append(message["type"])
            await send(message)

        await inner(scope, receive, told)

    TestClient(outer).post(f"{PREFIX}/simulations", json={"events": 20})
    assert events == ["written", "http.response.start", "http.response.body"]


def test_where_it_cannot_be_written_the_change_stands_and_everybody_can_see_the_gap(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Trail, "add", fail)
        answer = client.post(f"{PREFIX}/simulations", json={"events": 20}, headers={"x-request-id": "gap-1"})
    assert answer.status_code == 201
    text = (settings.LOG_DIR / "eventsieve.log").read_text(encoding="utf-8")
    (line,) = (each for each in text.splitlines() if "the audit trail lacks" in each)
    assert " ERROR " in line
    assert "simulate" in line
    assert answer.json()["id"] in line
    assert "id=gap-1" in line
    assert "eventsieve_audit_failures_total 1.0" in client.get("/metrics").text
    assert deeds(V2(client)) == []


def test_a_failure_of_the_server_is_an_entry_too(http: TestClient, keys: dict[str, str], monkeypatch: Any) -> None:
    from eventsieve.service.simulations import Simulations

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Simulations, "add", fail)
    assert by(http, keys["tom"]).post("/simulations", json={"events": 20}).status_code == 500
    assert brief(deeds(by(http, keys["ann"]))[0]) == ("tom", "simulate", 500)


def test_a_key_in_the_place_of_a_name_is_not_kept(http: TestClient, keys: dict[str, str]) -> None:
    ann = by(http, keys["ann"])
    assert ann.delete(f"/models/{keys['tom']}").status_code == 404
    deed = deeds(ann)[0]
    assert deed["objects"] == ["model:es_***"]


def test_it_is_read_in_parts_and_by_what_is_asked(client: TestClient) -> None:
    trail: Trail = client.app.state.service.trail
    for number in range(5):
        trail.add(f"a{number % 2}", [f"model:{number}", "x:y"], status=200 + number)
    http = V2(client)
    page = http.get("/audit", params={"limit": 2, "offset": 1}).json()
    assert (page["total"], page["offset"], [each["status"] for each in page["items"]]) == (5, 1, [203, 202])
    assert [each["status"] for each in deeds(http, action="a1")] == [203, 201]
    assert [each["status"] for each in deeds(http, object="model:4")] == [204]
    assert deeds(http, object="model") == deeds(http, object="model:44") == deeds(http, actor="nobody") == []
    now = datetime.now(UTC)
    assert len(deeds(http, since=(now - timedelta(minutes=1)).isoformat())) == 5
    assert deeds(http, since=(now + timedelta(minutes=1)).isoformat()) == []
    assert len(deeds(http, until=(now + timedelta(hours=2)).astimezone().isoformat())) == 5
    for extreme in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        assert http.get("/audit", params={"since": extreme, "until": extreme}).status_code == 200
    assert http.get("/audit", params={"since": "yesterday"}).status_code == 422
    assert http.get("/audit", params={"by": "ann"}).status_code == 422


def test_old_entries_are_forgotten_and_long_ones_cut(client: TestClient) -> None:
    trail: Trail = client.app.state.service.trail
    trail.add("x" * 500, [f"model:{n}" for n in range(MOST_OBJECTS + 7)], client="c" * 500, request_id="r" * 500)
    (deed,) = trail.page().items
    assert len(deed.objects) == MOST_OBJECTS + 1
    assert deed.objects[-1] == "and 7 more"
    assert trail.prune(datetime.now(UTC) - timedelta(days=1)) == 0
    assert trail.prune(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert trail.page().total == 0


def test_the_command_shows_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # The console may have been made, and taken its width, under another test's environment.
    monkeypatch.setattr(console.out, "_width", 200)
    with TestClient(create_app(settings)) as client:
        client.post(f"{PREFIX}/simulations", json={"events": 20})
        client.delete(f"{PREFIX}/models/a%1B%5B31m%0Ab")
    where = ["--model-dir", str(settings.MODEL_DIR)]
    answer = CliRunner().invoke(commands, ["audit", *where])
    assert answer.exit_code == 0, answer.output
    head, *lines = answer.stdout.splitlines()
    assert head.split() == ["when", "who", "as", "action", "to", "status", "from"]
    assert "remove_model" in lines[0]
    assert "\x1b" not in answer.stdout
    assert r"model:a\x1b[31m\nb" in lines[0]
    one = CliRunner().invoke(commands, ["audit", "--action", "simulate", "--json", *where])
    assert [deed["status"] for deed in json.loads(one.stdout)] == [201]
    few = CliRunner().invoke(commands, ["audit", "-n", "1", *where])
    assert "1 older entries" in few.stderr
    none = CliRunner().invoke(commands, ["audit", "--since", "2999-01-01", *where])
    assert "no such entry" in none.stdout
    assert CliRunner().invoke(commands, ["audit", "--since", "soon", *where]).exit_code == 2
