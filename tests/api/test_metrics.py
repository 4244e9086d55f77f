"""Metrics: everything is counted, the quick way too, under names that nobody from outside can multiply."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from calls_v2 import PREFIX
from conftest import DATABASE
from eventsieve.api.app import create_app
from eventsieve.api.metrics import Metrics
from eventsieve.records import ModelSpec, Outcome, State
from eventsieve.settings import Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FOREIGN = {"up"}
"""What Prometheus itself tells."""


def told(client: TestClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All samples, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Any, name: str, **labels: str) -> float:
    return sum(found for (each, has), found in samples.items() if each == name and set(labels.items()) <= has)


def test_requests_are_counted_by_their_routes_and_not_by_their_paths(client: TestClient) -> None:
    for path in ("/models/a", "/models/b%0Ac", "/nothing", "/nothing/at/all", "/datasets/x", ""):
        client.get(PREFIX + path, follow_redirects=False)
    client.get("/nothing")
    client.get("/api/model_service/remove/x")
    client.delete("/api/model_service/remove/x%2Fy")
    client.get("/livez")
    client.get("/docs")
    samples = told(client)
    requests = "eventsieve_requests_total"
    assert value(samples, requests, api="v2", route=f"{PREFIX}/models/{{ref}}", status="404", method="GET") == 2
    assert value(samples, requests, api="v2", route="(none)", status="404") == 2
    assert value(samples, requests, api="server", route="(none)", status="404") == 1
    assert value(samples, requests, api="v1", route="/api/model_service/remove/{model_id}") == 2
    assert value(samples, requests, api="server", route="/livez", status="200") == 1
    assert value(samples, requests, api="server", route="/docs", status="200") == 1
    assert value(samples, "eventsieve_request_seconds_count", route=f"{PREFIX}/models/{{ref}}") == 2
    assert value(samples, "eventsieve_requests_in_flight") == 1  # this one


def test_an_attack_of_many_paths_and_methods_makes_no_many_series(client: TestClient) -> None:
    def attack(number: int) -> None:
        for name in (f"x{number}", f"{number}%2F..%2F{number}", f"%00{number}"):
            client.get(f"/{name}")
            client.get(f"{PREFIX}/{name}")
            client.get(f"{PREFIX}/models/{name}")
            client.request(f"BREW{number}", f"{PREFIX}/models/{name}", headers={"user-agent": name})

    attack(0)
    told(client)  # which counts itself from now on
    before = set(told(client))
    for number in range(1, 20):
        attack(number)
    assert set(told(client)) == before


def test_bytes_are_counted_and_files_apart(client: TestClient, unlabelled_csv: Path) -> None:
    data = unlabelled_csv.read_bytes()
    client.post(f"{PREFIX}/datasets", content=data, params={"filename": "t.csv"})
    body = b'{"name": "x"}'
    client.patch(f"{PREFIX}/datasets/none", content=body, headers={"content-type": "application/json"})
    samples = told(client)
    assert value(samples, "eventsieve_received_bytes_total", api="v2") == len(data) + len(body)
    assert value(samples, "eventsieve_uploaded_bytes_total", api="v2") == len(data)
    assert value(samples, "eventsieve_sent_bytes_total", route=f"{PREFIX}/datasets") > 100
    assert value(samples, "eventsieve_store_bytes", kind="datasets") > 0
    # Only a SQLite file is on this machine's disk.
    assert (value(samples, "eventsieve_store_bytes", kind="registry") > 0) == (DATABASE == "sqlite")


def test_trainings_and_predictions_are_counted_the_quick_ones_too(trained: TestClient, events_csv: Path) -> None:
    names = trained.get(f"{PREFIX}/models/m1").json()["features"]
    body = {"events": [dict.fromkeys(names, 1.0)]}
    before = told(trained)
    answers = [trained.post(f"{PREFIX}/models/m1/predictions", json=body) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    samples = told(trained)
    route = f"{PREFIX}/models/{{ref}}/predictions"

    def more(name: str, **labels: str) -> float:
        return value(samples, name, **labels) - value(before, name, **labels)

    assert more("eventsieve_requests_total", api="v2", route=route, method="POST", status="200") == 3
    assert more("eventsieve_request_seconds_count", api="v2", route=route) == 3
    assert more("eventsieve_quick_predictions_total") == 2  # the first makes the model ready
    assert value(samples, "eventsieve_models_ready") == 1
    assert value(samples, "eventsieve_model_cache_lookups_total", found="miss") >= 1
    assert value(samples, "eventsieve_trainings_total", outcome="trained") == 1
    assert value(samples, "eventsieve_training_seconds_count") == 1
    assert value(samples, "eventsieve_jobs_total", outcome="trained") == 1
    slots = {state: value(samples, "eventsieve_slots", state=state) for state in ("all", "running", "free")}
    assert slots == {"all": 4, "running": 0, "free": 4}
    assert value(samples, "eventsieve_queue_length") == 0
    assert value(samples, "eventsieve_ready") == 3
    assert 0 < value(samples, "eventsieve_disk_free_bytes") < value(samples, "eventsieve_disk_bytes")


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([State.TRAINED, State.TRAINED], "trained"),
        ([State.TRAINED, State.FAILED], "partly trained"),
        ([State.CANCELLED], "cancelled"),
        ([State.FAILED, State.TIMED_OUT], "failed"),
    ],
    ids=["trained", "partly", "cancelled", "failed"],
)
def test_a_job_counts_by_what_became_of_its_models(states: list[State], outcome: str) -> None:
    metrics = Metrics()
    metrics.job_ended(states)
    assert metrics.registry.get_sample_value("eventsieve_jobs_total", {"outcome": outcome}) == 1


def test_two_applications_in_one_process_share_nothing(settings: Settings, tmp_path: Path) -> None:
    one, other = Metrics(), Metrics()
    one.training_ended(ModelSpec(name="m", type="LogReg"), Outcome(state=State.TRAINED, seconds=2.0))
    assert b'outcome="trained"' in one.text("")[0]
    assert b'outcome="trained"' not in other.text("")[0]
    apps = [create_app(settings.model_copy(update={"MODEL_DIR": tmp_path / name})) for name in ("a", "b")]
    with TestClient(apps[0]) as first, TestClient(apps[1]) as second:
        for _ in range(3):
            first.get("/")
        assert value(told(first), "eventsieve_requests_total", route="/") == 3
        assert value(told(second), "eventsieve_requests_total", route="/") == 0


def test_metrics_are_told_while_the_database_is_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from eventsieve.api import health
    from eventsieve.errors import StoreUnavailable
    from eventsieve.service.vitals import Vitals

    def away(_: Vitals) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(Vitals, "try_database", away)
    samples = told(client)
    assert value(samples, "eventsieve_ready", check="database") == 0
    assert value(samples, "eventsieve_ready", check="store") == 1


def test_openmetrics_is_spoken_where_it_is_asked_for(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


# the files for Grafana and Prometheus speak of what there is


def names_in(expression: str) -> set[str]:
    """The metrics that an expression of PromQL asks for."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    return {
        word
        for word, call in re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\(?)", bare)
        if not call and word not in ("and", "or", "unless", "bool", "offset")
    }


def expressions() -> dict[str, str]:
    dashboard = json.loads((DEPLOY / "grafana" / "eventsieve.json").read_text(encoding="utf-8"))
    found = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    }
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    found |= {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    return found


def test_dashboard_and_alerts_ask_for_metrics_that_there_are(trained: TestClient) -> None:
    trained.get(f"{PREFIX}/models/nothing")
    there = {name for name, _ in told(trained)}
    asked = {title: names_in(text) for title, text in expressions().items()}
    assert all(asked.values())
    assert {title: names - there - FOREIGN for title, names in asked.items() if names - there - FOREIGN} == {}
    ours = {name for name in there if name.startswith("eventsieve_")}
    unseen = ours - set().union(*asked.values())
    assert {name for name in unseen if not re.search(r"_(sum|count|bucket)$", name)} == set()


def test_dashboard_and_alerts_ask_for_labels_that_there_are(trained: TestClient) -> None:
    labels = {label for _, has in told(trained) for label, _ in has} | {"instance", "job"}
    for text in expressions().values():
        for matchers in re.findall(r"\{([^}]*)\}", text):
            assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', matchers))) <= labels, text
        for listed in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", text):
            assert {each.strip() for each in listed.split(",")} <= labels, text


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert set(rule["annotations"]) == {"summary", "cure"}, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert config["rule_files"] == ["alerts.yml"]
    assert config["scrape_configs"][0]["metrics_path"] == "/metrics"


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "eventsieve.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_metric_and_alert_is_in_the_pages(trained: TestClient) -> None:
    page = (DEPLOY.parent / "docs" / "operate.md").read_text(encoding="utf-8")
    there = {re.sub(r"_(sum|count|bucket)$", "", name) for name, _ in told(trained) if name.startswith("eventsieve_")}
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    assert {name for name in there if f"`{name}`" not in page} == set()
    assert set(re.findall(r"`(eventsieve_\w+)`", page)) <= there
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert set(re.findall(r"^\| `(Eventsieve\w+)` \|", page, re.MULTILINE)) == alerts
