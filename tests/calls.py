"""The calls that existing clients of the contract make, as they make them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROUTE = "/api/model_service/"

Table = Path | bytes


def upload(table: Table, name: str = "data.csv", kind: str = "text/csv") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, table if isinstance(table, bytes) else table.read_bytes(), kind)}


def train(http: Any, models: Any, table: Table, **options: Any) -> Any:
    """``models`` is what the form field holds if it is text, and what is written into it as JSON otherwise."""
    text = models if isinstance(models, str) else json.dumps(models)
    return http.post(ROUTE + "train_with_file", data={"models_str": text}, files=upload(table, **options))


def predict(http: Any, table: Table, **options: Any) -> Any:
    return http.post(ROUTE + "predict_with_file", files=upload(table, **options))


def compare(http: Any, ids: Any, table: Table, **options: Any) -> Any:
    text = ids if isinstance(ids, str) else json.dumps({"ids": ids})
    return http.post(ROUTE + "compare_models", data={"models_str": text}, files=upload(table, **options))


def choose(http: Any, model_id: str) -> Any:
    return http.post(ROUTE + "set_model/" + quote(model_id, safe=""))


def remove(http: Any, model_id: str, path: str = "remove") -> Any:
    return http.delete(f"{ROUTE}{path}/{quote(model_id, safe='')}")


def model(model_id: str, kind: str = "LogReg", **hyperparameters: Any) -> dict[str, Any]:
    return {"id": model_id, "type": kind, "hyperparameters": hyperparameters}


def statuses(answer: Any) -> dict[str, str]:
    """What became of each model of a training."""
    assert answer.status_code == 200, answer.text
    return {each["id"]: each["status"] for each in answer.json()}


def listed(http: Any) -> list[str]:
    """The ids of the trained models."""
    answer = http.get(ROUTE + "models_list")
    return [each["id"] for each in answer.json()["models"]] if answer.status_code == 200 else []


def refused(answer: Any, status: int, *says: str) -> str:
    """The text of a refusal, checked to be one of that status that says all of this."""
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert list(document) == ["detail"]
    detail = document["detail"]
    assert isinstance(detail, str)
    assert "Traceback" not in detail
    for text in says:
        assert text in detail
    return detail
