"""Refusals are problem documents, every one of them, and say what to do."""

from __future__ import annotations

import errno
import json

import pytest

from calls_v2 import PREFIX, V2, pointers, problem
from eventsieve import errors
from eventsieve.api.failures import STATUSES
from eventsieve.errors import BadHyperparameters, BadModels, BadRequest, BadTable, EventsieveError, NotReady


def below(kind: type[EventsieveError]) -> list[type[EventsieveError]]:
    found = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return found + [deeper for each in found for deeper in below(each)]


MADE = {
    BadTable: lambda: BadTable("Column x is text.", "Row 3 is short."),
    BadHyperparameters: lambda: BadHyperparameters({"C": "C must be positive."}),
    BadModels: lambda: BadModels({"/models/0/name": "The name is taken."}),
    NotReady: lambda: NotReady("It is being made.", 7),
}


def raising(fake, error):
    def get(ref):
        raise error

    fake.models.get = get


# ServerUnreachable is what a client raises where there is no answer.
SENT = [kind for kind in below(EventsieveError) if kind is not errors.ServerUnreachable]


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_every_error_has_its_status_and_type(fake, faked: V2, kind):
    error = MADE.get(kind, lambda: kind("The culprit is x; do y."))()
    raising(fake, error)
    status = next((status for above, status in STATUSES.items() if issubclass(kind, above)), 500)
    answer = faked.get("/models/m")
    document = problem(answer, status, kind.__name__ if status < 500 or status == 503 else None)
    if status != 500:
        assert document["detail"] == str(error)
        assert document["title"].replace(" ", "").lower() == kind.__name__.lower()


def test_faults_are_listed_with_their_places(fake, faked: V2):
    raising(fake, BadModels({"/models/0/hyperparameters/C": "C is bad.", "/models/1/name": "Taken."}))
    document = problem(faked.get("/models/m"), 422, "BadModels")
    assert document["errors"] == [
        {"pointer": "#/models/0/hyperparameters/C", "detail": "C is bad."},
        {"pointer": "#/models/1/name", "detail": "Taken."},
    ]
    raising(fake, BadHyperparameters({"a/b~ö": "No such."}))
    document = problem(faked.get("/models/m"), 422, "BadHyperparameters")
    assert pointers(document) == ["#/hyperparameters/a~1b~0%C3%B6"]
    raising(fake, BadTable("Column x is text.", "Row 3 is short."))
    assert problem(faked.get("/models/m"), 422, "BadTable")["errors"] == [
        {"detail": "Column x is text."},
        {"detail": "Row 3 is short."},
    ]
    raising(fake, BadRequest(faults={"/note": "The note is too long."}))
    assert problem(faked.get("/models/m"), 422, "BadRequest", "too long")["errors"][0]["pointer"] == "#/note"


def test_what_is_being_made_says_when_to_ask_again(fake, faked: V2):
    raising(fake, NotReady("It is being made.", 7))
    answer = faked.get("/models/m")
    problem(answer, 503, "NotReady")
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("error", [RuntimeError("secret"), OSError(errno.EBADF, "secret"), EventsieveError("secret")])
def test_a_failure_of_the_server_tells_only_where_its_log_has_it(fake, faked: V2, error, caplog):
    raising(fake, error)
    answer = faked.get("/models/m", headers={"X-Request-ID": "abc-1"})
    document = problem(answer, 500, None, "abc-1")
    assert document["request_id"] == "abc-1"
    assert "secret" not in answer.text
    assert [record for record in caplog.records if record.exc_info and "abc-1" in record.getMessage()]


def test_a_full_disk_is_told(fake, faked: V2):
    raising(fake, OSError(errno.ENOSPC, "No space left on device"))
    problem(faked.get("/models/m"), 507, None, "make room")


@pytest.mark.parametrize("path", ["/nothing", "/datasets/", "/datasets/a/b", "/jobs/j1/nothing"])
def test_a_path_without_anything_says_where_to_look(faked: V2, path):
    problem(faked.get(path), 404, "NotFound", f"{PREFIX}/docs")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/datasets/d1", "PUT", "DELETE, GET, PATCH"),
        ("/current", "PATCH", "DELETE, GET, PUT"),
        ("/jobs/estimate", "PUT", "DELETE, GET, POST"),
        ("/models/m1/artefact", "POST", "DELETE, GET, HEAD, PATCH"),
    ],
)
def test_another_method_than_the_path_has_is_told_which_there_are(faked: V2, path, method, allowed):
    answer = getattr(faked, method.lower())(path)
    problem(answer, 405, None, allowed)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"models": [{"type": "LogReg"}]}, ["#/dataset"]),
        ({"dataset": "d", "models": [{"type": 3, "extra": 1}]}, ["#/models/0/type", "#/models/0/extra"]),
        ({"dataset": "d", "models": []}, ["#/models"]),
        ({"dataset": "d", "models": [{"type": "LogReg"}], "seconds": -1, "seed": -1}, ["#/seconds", "#/seed"]),
        ({"dataset": "d", "models": [{"type": "LogReg"}], "validation": {"fraction": 2}}, ["#/validation/fraction"]),
        ({"dataset": "d", "models": [{"type": "LogReg"}], "validation": {"kind": "dataset"}}, ["#/validation"]),
        ([], ["#"]),
        (None, ["#"]),
    ],
)
def test_each_field_that_cannot_be_used_is_pointed_at(faked: V2, body, places):
    answer = faked.post("/jobs", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert pointers(problem(answer, 422, "BadRequest")) == places


def test_a_body_that_is_missing_is_told(faked: V2):
    assert pointers(problem(faked.post("/jobs"), 422, "BadRequest", "required")) == ["#"]
    assert pointers(problem(faked.post("/jobs", headers={"Content-Type": "application/json"}), 422, "BadRequest")) == [
        "#"
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b'{"dataset": "\xff"}', "no JSON"),
        (b'{"dataset": "\\ud800"}', "no JSON"),
        (b'{"seconds": NaN}', "null"),
        (b'{"seconds": -Infinity}', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "no JSON"),
        (b"1" * 10_000, "no JSON"),
    ],
)
def test_what_is_no_json_is_refused(faked: V2, body, says):
    answer = faked.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    assert pointers(problem(answer, 422, "BadRequest", says)) == ["#"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "/"])
def test_json_that_does_not_say_so_is_refused(faked: V2, kind):
    answer = faked.post("/jobs", content=b"{}", headers={"Content-Type": kind} if kind else {})
    problem(answer, 415, None, "application/json")


def test_compressed_bodies_are_refused_with_the_cure(faked: V2):
    for path in ("/jobs", "/datasets", "/models/m1/predictions"):
        answer = faked.post(path, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        problem(answer, 415, None, "gzip", "as it is")
    assert faked.get("/models/m1", headers={"Content-Encoding": "identity"}).status_code == 200


def test_json_that_is_too_long_is_refused(fake, settings):
    from fastapi.testclient import TestClient

    from eventsieve.api.app import create_app

    body = b'{"dataset": "' + b"a" * (17 << 20) + b'"}'
    with TestClient(create_app(settings)) as client:
        for path, most in (("/jobs", "2 MB"), ("/models/m1/predictions", "16 MB")):
            answer = V2(client).post(path, content=body, headers={"Content-Type": "application/json"})
            problem(answer, 413, "TooLarge", most)


@pytest.mark.parametrize(
    ("path", "name", "says"),
    [
        ("/schemas?lmit=3", "lmit", "do you mean limit?"),
        ("/models/m1?a=1", "a", "takes none"),
        ("/schemas?limit=3&OFFSET=1", "OFFSET", "limit, offset"),
    ],
)
def test_parameters_that_a_path_does_not_have_are_refused(faked: V2, path, name, says):
    document = problem(faked.get(path), 422, "BadRequest", says)
    assert pointers(document) == [name]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "offset=-1", "offset=99999999999999999999", "limit=a", "limit=", "limit=1.5"],
)
def test_pages_have_limits(faked: V2, query):
    assert pointers(problem(faked.get(f"/schemas?{query}"), 422, "BadRequest")) == [query.partition("=")[0]]


def test_pages_begin_and_end_where_asked(faked: V2):
    whole = faked.get("/schemas").json()
    assert whole["offset"] == 0
    assert whole["total"] == len(whole["items"]) > 0
    rest = faked.get(f"/schemas?offset={2**53 - 1}&limit=1000").json()
    assert (rest["items"], rest["total"]) == ([], whole["total"])


def test_a_long_list_of_nonsense_is_not_told_whole(faked: V2):
    models = [{"type": "LogReg", "x": 1}] * 1000
    document = problem(faked.post("/jobs", json={"dataset": "d", "models": models}), 422, "BadRequest", "990 more")
    assert len(document["errors"]) == 100
    assert len(document["detail"]) < 2000


def test_version_one_keeps_its_own_shape(faked: V2):
    answer = faked.http.get("/api/model_service/nothing")
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["detail"]
    answer = faked.http.post("/api/model_service/train_with_file", content=b"x" * (2 << 20))
    assert (answer.status_code, list(answer.json())) == (413, ["detail"])
