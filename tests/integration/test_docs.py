"""What is written for readers holds: nothing is left out, and what they are told to type works."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
import uproot
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from conftest import run_server
from eventsieve import errors
from eventsieve.api.app import create_app
from eventsieve.api.failures import STATUSES
from eventsieve.api.v2.app import ROUTERS
from eventsieve.api.v2.bodies import AddFields
from eventsieve.api.v2.problems import REASONS
from eventsieve.cli.app import app
from eventsieve.cli.console import EXIT_CODES
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.metrics import METRICS
from eventsieve.domain.schema import load_schema
from eventsieve.records import State
from eventsieve.settings import Settings
from eventsieve.storage.outputs import MEDIA_TYPES
from eventsieve.storage.readers import read_events
from eventsieve.web.settings import WebSettings

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PREFIX = "/api/model_service"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
READMES = ("README.md", "README.ru.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [match["text"] for match in BLOCK.finditer(text) if match["language"] == language]


# every setting, error, endpoint, command, state, type and metric is in the pages


def settings_row(name: str, field: FieldInfo) -> str:
    """A setting as its row in docs/settings.md; a default that depends on something is told by the description."""
    default = field.get_default()
    if field.default_factory is not None or default in (None, ""):
        shown = ""
    else:
        shown = f"`{default if isinstance(default, (str, Path)) else json.dumps(default)}`"
    return f"| `{name}` | {shown} | {field.description} |"


ALL_SETTINGS = Settings.model_fields | WebSettings.model_fields


@pytest.mark.parametrize("name", ALL_SETTINGS)
def test_every_setting_has_its_row(name):
    assert settings_row(name, ALL_SETTINGS[name]) in read("docs/settings.md").splitlines()


def test_no_setting_is_described_that_does_not_exist():
    rows = re.findall(r"^\| `(\w+)` \|", read("docs/settings.md"), re.MULTILINE)
    assert rows == list(ALL_SETTINGS)


def kinds(kind: type[errors.EventsieveError] = errors.EventsieveError) -> Iterator[type[errors.EventsieveError]]:
    if kind.__module__ == errors.__name__:
        yield kind
        for below in kind.__subclasses__():
            yield from kinds(below)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_has_its_row(kind):
    status = next((status for above, status in STATUSES.items() if issubclass(kind, above)), 500)
    code = next((code for above, code in EXIT_CODES.items() if issubclass(kind, above)), 1)
    assert f"\n| `{kind.__name__}` | {status} | {code} | " in read("docs/rest.md")


def test_every_status_and_exit_code_is_explained(settings):
    page = read("docs/rest.md")
    paths = create_app(settings).openapi()["paths"].values()
    statuses = {int(code) for path in paths for operation in path.values() for code in operation["responses"]}
    for status in {*statuses, *STATUSES.values(), 500, 507} - {200}:
        assert f"\n| {status} | " in page
    for code in {0, 1, *EXIT_CODES.values()}:
        assert f"\n| {code} | " in read("docs/cli.md")


def test_every_endpoint_is_described(settings):
    page = read("docs/rest.md")
    described = set(re.findall(r"`(GET|POST|DELETE) (/[^` ]*)`", page))
    offered = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, operations in create_app(settings).openapi()["paths"].items()
        for method in operations
    }
    assert described == offered


def test_every_endpoint_of_version_2_is_described():
    page = read("docs/api.md")
    described = set(re.findall(r"^\| `([A-Z]+) (/[^` ]*)`", page, re.MULTILINE))
    offered = {(method, route.path_format) for router in ROUTERS for route in router.routes for method in route.methods}
    assert described == offered


def test_every_status_and_parameter_of_version_2_is_explained():
    page = read("docs/api.md")
    for status in {*REASONS, 405}:
        assert f"\n| {status} | " in page
    for name in {field.alias or name for name, field in AddFields.model_fields.items()}:
        assert f"\n| `{name}` | " in page
    for name, media_type in MEDIA_TYPES.items():
        assert f"\n| `{name}` | `{media_type.partition(';')[0]}` | " in page


def commands(command: Any = None, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(above), command
        return
    for name, each in below.items():
        yield from commands(each, (*above, name))


@pytest.mark.parametrize("name", dict(commands()))
def test_every_command_has_its_section_with_an_example_and_all_options(name):
    _, _, section = read("docs/cli.md").partition(f"\n## {name}\n")
    section = section.partition("\n## ")[0]
    assert f"eventsieve {name}" in section
    for parameter in dict(commands())[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}`" in section or f" {option} " in section, option


def test_no_command_is_described_that_does_not_exist():
    headings = re.findall(r"^## (.+)$", read("docs/cli.md"), re.MULTILINE)
    assert set(headings) == {*dict(commands()), "Exit codes"}


def test_every_state_type_and_metric_is_described():
    for state in State:
        assert f"\n| `{state}` | " in read("docs/training.md")
    for name in (*CATALOGUE, *METRICS):
        assert f"\n| `{name}` | " in read("docs/estimators.md")


# what readers are told to type works


@pytest.fixture
def tables(tmp_path):
    """The tables that the examples speak of, in the working folder."""
    runner = CliRunner()
    for line in ("simulate -n 2000 -o train.csv", "simulate -n 500 -o test.csv --seed 1 --first-id 350000"):
        assert runner.invoke(app, shlex.split(line)).exit_code == 0
    return tmp_path


@pytest.mark.slow
def test_the_first_python_example_runs(tmp_path):
    write = ["simulate", "-n", "2000", "-o", str(tmp_path / "events.root")]
    assert CliRunner().invoke(app, write).exit_code == 0
    (block,) = blocks(read("README.md"), "py")
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert len(names["comparison"].ranking) == 5
    assert (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")
    with uproot.open(tmp_path / "friend.root") as friend, uproot.open(tmp_path / "events.root") as events:
        index = friend["eventsieve"]["index"].array(library="np")
        np.testing.assert_array_equal(index, events["events"]["EventId"].array(library="np"))


@pytest.mark.slow
def test_the_command_lines_of_the_readme_run(tmp_path):
    lines = [
        line
        for block in blocks(read("README.md"), "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("eventsieve ")
    ]
    assert len(lines) >= 8
    for line in lines:
        answer = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert answer.exit_code == 0, (line, answer.output)
    assert (tmp_path / "predictions.csv").is_file()
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_curl_lines_of_the_readme_run(tables):
    (tables / "eda.pdf").write_bytes(b"%PDF-1.7 of the test")
    (block,) = (block for block in blocks(read("README.md"), "sh") if "curl" in block)
    with run_server(tables, PDF_PATH=tables / "eda.pdf") as server:
        block = block.replace("http://127.0.0.1:8000", str(server.http.base_url).rstrip("/"))
        block = block.replace("curl ", "curl --noproxy '*' --fail-with-body ")
        command = ["sh", "-e", "-c", block]
        ran = subprocess.run(command, check=False, cwd=tables, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    assert ran.stdout.count('"status":"trained"') == 2
    assert '"index_name":"EventId"' in ran.stdout
    assert (tables / "eda.pdf").read_bytes() == (tables / "report.pdf").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_curl_lines_of_the_native_interface_run(tables):
    session = [block for block in blocks(read("docs/api.md"), "sh") if "curl" in block]
    assert len(session) == 3
    with run_server(tables) as server:
        script = "\n".join(session).replace("http://127.0.0.1:8000", str(server.http.base_url).rstrip("/"))
        script = script.replace("curl ", "curl --noproxy '*' --fail-with-body ")
        command = ["sh", "-e", "-c", script]
        ran = subprocess.run(command, check=False, cwd=tables, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    assert "event: end" in ran.stdout
    assert '"ranking":["' in ran.stdout
    assert pq.read_table(tables / "predictions.parquet").num_rows == 500
    assert uproot.open(tables / "friend.root")["eventsieve"].num_entries == 2000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "number"),
    [(page, number) for page in PAGES for number, _ in enumerate(blocks(read(f"docs/{page}"), "python"))],
)
def test_the_python_of_the_pages_runs(tables, page, number):
    schema = load_schema("atlas-higgs-2014")
    names = {name: read_events(tables / f"{name}.csv", schema, labels="required") for name in ("train", "test")}
    exec(compile(blocks(read(f"docs/{page}"), "python")[number], str(page), "exec"), names)


def test_the_settings_for_own_columns_work(tmp_path):
    page = read("docs/data.md")
    (settings,) = blocks(page, "ini")
    assert blocks(read("README.md"), "ini") == [settings]
    (tmp_path / ".env").write_text(settings)
    random = np.random.default_rng(0)
    (head,) = (block for block in blocks(page, "text") if block.startswith("run_event"))
    rows = [f"{3 + i},{random.uniform(20, 90):.1f},{random.normal():.2f},{i % 4},{'zh' if i % 3 else 'ttbar'},b"
            for i in range(60)]  # fmt: skip
    (tmp_path / "own.csv").write_text(head + "\n".join(rows) + "\n")
    answer = CliRunner().invoke(app, ["train", "own.csv", "-m", "line=LogReg", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["models"][0]["features"] == ["pt", "eta", "njets"]


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", *(f"docs/{page}" for page in PAGES)])
def test_words_of_make_exist(name):
    known = set(re.findall(r"^([a-z]+):.*## ", read("Makefile"), re.MULTILINE))
    told = set(re.findall(r"(?:`|^\$ |^)make ([a-z]+)", read(name), re.MULTILINE))
    assert told <= known


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_links_lead_somewhere(name):
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", read(name)) if "://" not in link]
    assert [link for link in links if link and not (ROOT / link).exists()] == []


# the two readmes are one


def test_the_readmes_have_the_same_structure():
    english, russian = (re.findall(r"^(#+) ", BLOCK.sub("", read(name)), re.MULTILINE) for name in READMES)
    assert english == russian


def test_the_readmes_have_the_same_blocks_of_code():
    english, russian = ([match.groups() for match in BLOCK.finditer(read(name))] for name in READMES)
    assert english == russian


def test_the_readmes_have_the_same_pictures_and_pages():
    english, russian = (set(re.findall(r"\]\(([^)]+)\)", read(name))) - set(READMES) for name in READMES)
    assert english == russian


# nothing tells where it was written


def test_no_file_names_a_registry_or_a_folder_of_somebodys_machine():
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, check=False, cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("this is no git repository")
    registry = runpy.run_path(str(ROOT / "tools" / "check_pins.py"))["REGISTRY"]
    folder = re.compile(rb"(?<![\w.])/(?:home|root|Users|workspace|work)/\w")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        found += [(name, match[0]) for pattern in (registry, folder) if (match := pattern.search(content))]
    assert found == []
