"""What is written in Python for readers runs: the page from top to bottom, and the notebook."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
import uproot
from typer.testing import CliRunner

from eventsieve.cli.app import app

DOCS = Path(__file__).resolve().parents[2] / "docs"
EVENTS = "mlhep2016_higgs_10000.root"
BLOCK = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.slow


@pytest.fixture
def _here(real_data: Path, tmp_path: Path) -> None:
    shutil.copy(real_data / EVENTS, tmp_path)


@pytest.mark.real
@pytest.mark.usefixtures("_here")
def test_the_python_page_runs_from_top_to_bottom(real_data, tmp_path):
    names: dict[str, object] = {}
    for block in BLOCK.findall((DOCS / "python.md").read_text(encoding="utf-8")):
        exec(compile(block, "python.md", "exec"), names)
    assert (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")
    with uproot.open(tmp_path / "friend.root") as file, uproot.open(real_data / EVENTS) as events:
        friend = file["eventsieve"].arrays(library="np")
        np.testing.assert_array_equal(friend["index"], events["tree"]["event_id"].array(library="np"))
        truth = events["tree"]["target"].array(library="np")
    assert np.mean((friend["label"] == 1) == (truth == 1)) > 0.65
    assert len(names["models"]) == 5


def test_the_notebook_runs_and_shows_its_tables_and_figures(tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("EVENTSIEVE_LOG_DIR", str(tmp_path / "logs"))
    assert CliRunner().invoke(app, ["simulate", "-n", "3000", "-o", str(tmp_path / "events.root")]).exit_code == 0
    notebook = nbformat.read(DOCS / "first-analysis.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [set(output.get("data", {})) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in kinds for kinds in shown) == 5
    assert sum("text/html" in kinds for kinds in shown) >= 5
    errors = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output["output_type"] == "error"
    ]
    assert errors == []
    assert (tmp_path / "friend.root").is_file()


def test_the_notebook_is_kept_without_output():
    notebook = nbformat.read(DOCS / "first-analysis.ipynb", as_version=4)
    assert all(cell.get("outputs", []) == [] for cell in notebook.cells)
