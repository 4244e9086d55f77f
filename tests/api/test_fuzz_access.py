"""Requests from generators where everybody has to sign in: as nobody, as a reader and as a trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from calls_v2 import PREFIX, eventually
from eventsieve.api import access as guard
from eventsieve.api import v1
from eventsieve.api.roles import role_of
from eventsieve.api.v2.app import ROUTERS
from eventsieve.records import AccessRole
from eventsieve.settings import read_settings
from eventsieve.storage.keybook import open_keybook
from fuzzing import description, few, small_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]
FEW = few(2)
OPERATIONS = sorted(
    (route.path_format, method, "/openapi.json" if router is v1.router else f"{PREFIX}/openapi.json")
    for router in (*ROUTERS, v1.router)
    for route in router.routes
    for method in route.methods
)
ROLES: dict[str, AccessRole | None] = {"nobody": None, "reader": AccessRole.READER, "trainer": AccessRole.TRAINER}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    """The keys of those who have one, by their roles."""
    settings = read_settings(MODEL_DIR=folder / "models")
    with open_keybook(settings.database_url, settings.MODEL_DIR) as book:
        return {name: book.issue(name, role)[1] for name, role in ROLES.items() if role is not None}


@pytest.fixture(scope="module")
def app(folder: Path, keys: dict[str, str]) -> Iterator[FastAPI]:
    app = small_app(folder, seconds=5.0, AUTH=True)
    with pytest.MonkeyPatch.context() as patch, TestClient(app):
        # Many wrong keys are tried here, and none of them is to be slowed down.
        patch.setattr(guard, "MOST_FAILURES", 1_000_000)
        yield app


@pytest.fixture(scope="module")
def described(app: FastAPI) -> Callable[[str], schemathesis.BaseSchema]:
    schemas = {path: description(app, path) for path in ("/openapi.json", f"{PREFIX}/openapi.json")}
    return schemas.__getitem__


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize(("path", "method", "version"), OPERATIONS)
def test_every_answer_is_as_described_whoever_asks(
    *,
    described: Callable[[str], schemathesis.BaseSchema],
    app: FastAPI,
    keys: dict[str, str],
    path: str,
    method: str,
    version: str,
    who: str,
) -> None:
    operation = described(version)[path][method]
    needed, has = role_of(method, path), ROLES[who]
    headers = {"Authorization": f"Bearer {keys[who]}"} if who in keys else {}

    def validate(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(headers=headers, checks=CHECKS, timeout=120)
        # Among what is generated are wrong keys.
        own = answer.request.headers.get("Authorization") == headers.get("Authorization")
        if needed is not None and (has is None or not own):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"][0].startswith("Bearer")
        elif needed is not None and has is not None and not has.includes(needed):
            assert answer.status_code == 403
        else:
            assert answer.status_code != 401

    for mode in GenerationMode if operation.body and has is not None else (GenerationMode.POSITIVE,):
        FEW(given(operation.as_strategy(generation_mode=mode))(validate))()
    eventually(lambda: not list(app.state.service._files._incoming.iterdir()), 60)


def test_every_operation_says_who_may_ask(described: Callable[[str], schemathesis.BaseSchema]) -> None:
    for path, method, version in OPERATIONS:
        operation = described(version)[path][method]
        optional = role_of(method, path) is None
        assert operation.definition.raw.get("security", [{"bearer": []}]) == ([] if optional else [{"bearer": []}])
        assert optional or {"401", "403"} <= set(operation.definition.raw["responses"])
