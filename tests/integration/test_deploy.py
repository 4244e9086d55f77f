"""Images, compose, Caddy, units, blueprint: what of them can run without an engine runs, the rest is read."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import yaml
from packaging.requirements import Requirement

from calls_v2 import eventually
from conftest import run_server
from eventsieve.client import Client
from eventsieve.settings import Settings
from eventsieve.web.settings import WebSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAMES = {f"EVENTSIEVE_{name}" for settings in (Settings, WebSettings) for name in settings.model_fields}
# What is no setting of ours, but of these files.
OWN_NAMES = {
    "EVENTSIEVE_CADDY_ADMIN",
    "EVENTSIEVE_DOMAIN",
    "EVENTSIEVE_HTTPS_PORT",
    "EVENTSIEVE_HTTP_PORT",
    "EVENTSIEVE_MEMORY",
    "EVENTSIEVE_SERVER",
    "EVENTSIEVE_VERSION",
    "EVENTSIEVE_WEB",
}
SUFFIXES = {".service", ".env", ".conf", ".yaml", ".yml", ""}
FILES = [
    ROOT / "Dockerfile",
    ROOT / "compose.yaml",
    ROOT / "render.yaml",
    *sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix in SUFFIXES),
]
PATIENCE = 60.0


def program(name: str) -> str:
    """A program of the environment, or of the machine."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not here; `make test` installs it where there is one for this machine")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(words: list[str], ready: Callable[[], bool], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(words, **how)
    try:
        give_up = time.monotonic() + PATIENCE
        while not ready():
            assert process.poll() is None, f"{words[0]} has ended with {process.returncode}"
            assert time.monotonic() < give_up, f"{words[0]} is not ready"
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str, **how: Any) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            return httpx2.get(url, trust_env=False, **how).status_code < 500
        except httpx2.TransportError:
            return False

    return ask


def stages() -> dict[str, list[list[str]]]:
    """The Dockerfile's stages, each a list of instructions of words."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Dockerfile").read_text()))
    found: dict[str, list[list[str]]] = {}
    name = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        words = line.split()
        if words[0] == "FROM":
            name = words[3]
            found[name] = []
        found.setdefault(name, []).append(words)
    return found


# the images


@pytest.mark.parametrize("target", ["server", "web"])
def test_an_image_runs_as_nobody_special_and_says_how_it_is(target):
    instructions = {words[0]: words[1:] for words in stages()[target]}
    assert instructions["USER"] == ["10001:10001"]
    assert instructions["ENTRYPOINT"] == ['["eventsieve"]']
    assert "HEALTHCHECK" in instructions
    assert instructions["STOPSIGNAL"] == ["SIGTERM"]


def test_what_the_images_copy_is_there_and_is_let_into_the_build():
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for instructions in stages().values():
        for words in instructions:
            if words[0] == "COPY" and not words[1].startswith("--from"):
                for source in words[1:-1]:
                    assert (ROOT / source).exists(), source
                    assert any(source == each or source.startswith(f"{each}/") for each in let_in), source


def test_nothing_secret_gets_into_the_build():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    assert not {"!.", "!.env", "!deploy", "!deploy/secrets"} & set(lines)


def test_the_dockerfile_is_clean():
    subprocess.run([program("hadolint"), str(ROOT / "Dockerfile")], check=True)


def test_the_pages_image_asks_for_what_the_package_asks_for():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    of_package = {*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["web"]}
    assert set(project["dependency-groups"]["page"]) <= of_package
    pinned = re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements" / "page.txt").read_text())
    assert {Requirement(each).name for each in project["dependency-groups"]["page"]} <= set(pinned)
    assert not {"scikit-learn", "scipy", "sqlalchemy", "fastapi", "uproot", "matplotlib"} & set(pinned)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """The environment of the image of the pages, filled as the image fills it."""
    folder = tmp_path_factory.mktemp("image") / "web"
    environment = os.environ | {"PYTHON": getattr(sys, "_base_executable", sys.executable)}
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    done = subprocess.run(
        ["sh", str(DEPLOY / "image.sh"), "web", str(folder)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode and "onnection" in done.stderr:
        pytest.skip(f"no package index answers, so the image's environment cannot be made: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def as_nobody_special() -> list[str]:
    """Words that run a command as one who may read all and write nothing; none where we are no root ourselves."""
    if os.geteuid():
        return []
    ids = ["--reuid=10001", "--regid=10001", "--clear-groups"]
    return [program("setpriv"), *ids, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"]


IMPORT_ALL = """
import importlib, importlib.util, pkgutil, sys
import eventsieve.cli.app, eventsieve.client, eventsieve.web
for module in pkgutil.walk_packages(eventsieve.web.__path__, "eventsieve.web."):
    if not module.name.endswith(".main"):
        importlib.import_module(module.name)
assert importlib.util.find_spec("sklearn") is None
assert importlib.util.find_spec("fastapi") is None
"""


def test_the_pages_need_nothing_of_the_service(page, tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run([page / "bin" / "python", "-W", "ignore", "-c", IMPORT_ALL], check=True, env=environment)


def test_the_pages_are_served_from_their_image_by_one_who_may_write_nothing(page, tmp_path):
    port = free_port()
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "EVENTSIEVE_WEB_PORT": str(port),
        "EVENTSIEVE_AUTH": "true",
        "EVENTSIEVE_WEB_HOST": "0.0.0.0",
    }
    url = f"http://127.0.0.1:{port}"
    words = [*as_nobody_special(), str(page / "bin" / "eventsieve"), "web"]
    with running(words, answers(f"{url}/_stcore/health"), env=environment, cwd=home):
        healthy = [str(page / "bin" / "python"), "-I", str(DEPLOY / "healthy.py"), str(port), "/_stcore/health"]
        assert subprocess.run(healthy, check=False).returncode == 0
        assert "streamlit" in httpx2.get(url, trust_env=False).text.lower()
    assert subprocess.run(healthy, check=False, stdout=subprocess.DEVNULL).returncode == 1
    assert list(home.iterdir()) == []


# the files around them


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_setting_that_is_named_is_one(path):
    named = set(re.findall(r"\bEVENTSIEVE_[A-Z_]+[A-Z]\b", path.read_text()))
    assert named <= NAMES | OWN_NAMES


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


@pytest.mark.parametrize("name", sorted(services()))
def test_every_container_is_hardened_and_bounded(name):
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name == "bucket" or "mem_limit" in service
    assert not service.get("privileged")
    assert ":" in service["image"]
    assert not service["image"].endswith(":latest")


def test_only_the_proxy_is_reached_from_outside():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"caddy", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in published["grafana"])


def test_the_containers_have_room_to_stop():
    server = services()["server"]
    grace = int(server["stop_grace_period"].removesuffix("s"))
    assert grace > int(server["environment"]["EVENTSIEVE_STOP_SECONDS"])


def test_compose_takes_the_file(tmp_path):
    compose = program("docker-compose")
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    shutil.copy(DEPLOY / "example.env", tmp_path / ".env")
    files = ["-f", "compose.yaml", "-f", "deploy/compose.oidc.yaml"]
    done = subprocess.run([compose, *files, "config"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load(done.stdout)["services"]
    assert made["web"]["environment"]["EVENTSIEVE_PUBLIC_URL"] == "https://eventsieve.example.org"
    assert str(made["server"]["environment"]["EVENTSIEVE_NUM_CPUS"]) == "4"
    assert "outside" in made["server"]["networks"]


def test_compose_wants_a_host_name(tmp_path):
    compose = program("docker-compose")
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    done = subprocess.run([compose, "config"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


@pytest.mark.parametrize("unit", ["eventsieve-server.service", "eventsieve-web.service"])
def test_systemd_takes_the_unit_and_thinks_it_safe(unit):
    analyze = program("systemd-analyze")
    done = subprocess.run(
        [analyze, "verify", str(DEPLOY / "systemd" / unit)], check=False, capture_output=True, text=True
    )
    # The commands are where docs/deploy.md puts them, not here.
    said = [line for line in done.stderr.splitlines() if unit in line and "is not executable" not in line]
    assert said == []
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", str(DEPLOY / "systemd" / unit)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_unit_waits_as_long_as_its_settings_say():
    unit = (DEPLOY / "systemd" / "eventsieve-server.service").read_text()
    settings = (DEPLOY / "systemd" / "server.env").read_text()
    waits = int(re.search(r"TimeoutStopSec=(\d+)", unit)[1])  # type: ignore[index]
    assert waits > int(re.search(r"STOP_SECONDS=(\d+)", settings)[1])  # type: ignore[index]


@pytest.mark.parametrize("name", ["example.env", "systemd/server.env", "systemd/web.env"])
def test_example_settings_can_be_read(name, monkeypatch):
    from eventsieve.settings import read_settings
    from eventsieve.web.settings import read_settings as read_web_settings

    for line in (DEPLOY / name).read_text().splitlines():
        setting, given, value = line.removeprefix("#").partition("=")
        if given and re.fullmatch(r"EVENTSIEVE_[A-Z_]+", setting) and value:
            monkeypatch.setenv(setting, value.strip("'"))
    monkeypatch.setenv("EVENTSIEVE_OIDC_CLIENT_SECRET", "secret")
    monkeypatch.setenv("EVENTSIEVE_PUBLIC_URL", "https://eventsieve.example.org")
    assert read_settings()
    assert read_web_settings()


def test_the_blueprint_asks_for_no_more_than_a_small_machine_has():
    server, web = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    given = {each["key"]: each.get("value") for each in server["envVars"]}
    assert int(given["EVENTSIEVE_NUM_CPUS"]) * int(given["EVENTSIEVE_MEMORY_LIMIT_MB"]) <= 1024
    assert given["EVENTSIEVE_AUTH"] == "true"
    assert "$PORT" in web["startCommand"]
    assert server["type"] == "pserv"


# the proxy, really


class Proxied(NamedTuple):
    url: str
    plain: str
    trust: ssl.SSLContext
    folder: Path


@pytest.fixture(scope="module")
def proxied(tmp_path_factory) -> Iterator[Proxied]:
    """A server and its pages behind Caddy, as docs/deploy.md has them."""
    caddy = program("caddy")
    folder = tmp_path_factory.mktemp("proxied")
    https, plain, web = free_port(), free_port(), free_port()
    environment = os.environ | {
        "EVENTSIEVE_AUTH": "true",
        "EVENTSIEVE_PUBLIC_URL": f"https://localhost:{https}",
        "EVENTSIEVE_DOMAIN": "localhost",
        "EVENTSIEVE_HTTPS_PORT": str(https),
        "EVENTSIEVE_HTTP_PORT": str(plain),
        "EVENTSIEVE_CADDY_ADMIN": "off",
        "EVENTSIEVE_WEB": f"127.0.0.1:{web}",
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    with run_server(folder, AUTH="true", TRUSTED_PROXIES='["127.0.0.1"]') as server:
        upstream = str(server.http.base_url).rstrip("/")
        environment |= {"EVENTSIEVE_SERVER": upstream.removeprefix("http://"), "EVENTSIEVE_FASTAPI_URL": upstream}
        pages = [sys.executable, "-m", "eventsieve", "web", "--port", str(web)]
        proxy = [caddy, "run", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
        root = folder / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        with (
            (folder / "web.log").open("wb") as log,
            running(pages, answers(f"http://127.0.0.1:{web}/_stcore/health"), env=environment, stderr=log, stdout=log),
            running(proxy, lambda: root.is_file() and root.stat().st_size > 0, env=environment, stderr=log, stdout=log),
        ):
            trust = ssl.create_default_context(cafile=str(root))
            give_up = time.monotonic() + PATIENCE
            while not answers(f"https://localhost:{https}/livez", verify=trust)():
                assert time.monotonic() < give_up, (folder / "web.log").read_text()[-3000:]
                time.sleep(0.2)
            yield Proxied(f"https://localhost:{https}", f"http://localhost:{plain}", trust, folder)


@pytest.fixture(scope="module")
def key(proxied) -> str:
    folder = proxied.folder
    environment = os.environ | {"EVENTSIEVE_MODEL_DIR": str(folder / "models")}
    words = [sys.executable, "-m", "eventsieve", "keys", "create", "ada", "--role", "trainer", "--json"]
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return re.search(r"es_[\w-]+", done.stdout)[0]  # type: ignore[index]


def test_plain_http_is_sent_on_to_https(proxied):
    sent_on = httpx2.get(f"{proxied.plain}/livez", trust_env=False)
    assert sent_on.status_code == 308
    assert sent_on.headers["location"].startswith("https://localhost")
    answer = httpx2.get(f"{proxied.url}/livez", verify=proxied.trust, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in answer.headers


def test_a_table_becomes_a_model_and_predictions_through_the_proxy(proxied, key, events_csv):
    url, trust = proxied.url, proxied.trust
    with httpx2.Client(verify=trust, trust_env=False, timeout=120) as http, Client(url, key=key, http=http) as client:
        data = client.upload(events_csv)
        seen: list[str] = []
        job = client.train(data, ["LogReg"], progress=lambda each: seen.append(each.id))
        model = job.models[0].spec.name
        assert job.models[0].state == "trained"
        assert len(client.model(model).predict(data)) == 2000
        assert client.model(model).by == "ada"


def test_without_a_key_the_door_is_shut(proxied):
    url, trust = proxied.url, proxied.trust
    for path in ("/api/v2/models", "/api/model_service/models_list", "/files/report.pdf"):
        answer = httpx2.get(f"{url}{path}", verify=trust, trust_env=False)
        assert answer.status_code == 401, path
    assert httpx2.get(f"{url}/", verify=trust, trust_env=False).status_code == 200


def test_a_client_cannot_say_that_it_is_another(proxied, key):
    url, trust, folder = proxied.url, proxied.trust, proxied.folder
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": "6.6.6.6", "X-Request-ID": "forged-address"}
    assert httpx2.get(f"{url}/api/v2/models", verify=trust, trust_env=False, headers=headers).status_code == 200
    path = folder / "logs" / "eventsieve.log"
    eventually(lambda: "forged-address" in path.read_text())  # the line comes after the answer
    log = path.read_text()
    assert "6.6.6.6" not in log
    assert key not in log
