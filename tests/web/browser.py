"""Readers in a real browser, before a real page over a real server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTime

from conftest import Server, run_server
from eventsieve.client import Client, Dataset
from eventsieve.records import State
from eventsieve.web.i18n import _catalogue
from eventsieve.web.places import Place
from web.proxy import Proxy

__all__ = ["CHROMIUMS", "Reader", "Site", "find_chromium", "free_port", "run_site", "screenshots", "until_served"]

SEEDED = 4_000
"""Events of a data set that tests of other things begin with."""
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
LOCALES = {"ru": "ru-RU", "en": "en-GB"}
PATIENCE = 45_000
"""Milliseconds until something that must come is given up; nothing takes that long but on a machine that is busy."""
ATTEMPTS = 3

SETTLED = """
() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const still = app && app.dataset.testScriptState === 'notRunning' && !document.querySelector('[data-stale="true"]')
    && !document.querySelector('[data-testid="stSkeleton"]') && !document.querySelector('[data-testid="stSpinner"]');
  window.__still = still ? (window.__still || 0) + 1 : 0;
  return window.__still > 4;
}
"""
"""That the script has ended and stays so for a moment: a click takes a while to reach the server."""

NOISE = re.compile(r"favicon|ERR_CONNECTION_REFUSED|ERR_ABORTED|WebSocket|/[a-z]+/_stcore/", re.IGNORECASE)
"""Errors on the console that are the browser's own, or Streamlit's when it looks below which path it is served."""


def find_chromium() -> str:
    """The path of a Chromium, or a skip that says how to get one."""
    for name in CHROMIUMS:
        if found := shutil.which(name):
            return found
    pytest.skip(f"no browser: none of {', '.join(CHROMIUMS)} is on the path; apt-get install chromium")


def screenshots(root: Path) -> Path:
    """The folder of screenshots: build/screenshots, or what SCREENSHOTS names."""
    folder = Path(os.environ.get("SCREENSHOTS") or root / "build" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class Reader:
    """Somebody before the page: a browser context of one's own."""

    page: Page
    site: Site
    language: str
    prefix: str
    """Of the names of screenshots."""
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.page.on("console", lambda message: self._heard(message.type, f"{message.text} {message.location['url']}"))
        self.page.on("pageerror", lambda error: self._heard("error", str(error)))

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and not NOISE.search(text):
            self.complaints.append(text)

    def say(self, message: str, **values: object) -> str:
        """A text of the page in the reader's language."""
        return str(_catalogue(self.language).gettext(message)).format(**values)

    def visit(self, place: Place | str = Place.INTRO, **query: Any) -> None:
        """Go to a place of the site, and wait until it is drawn."""
        # The first page is that of an address without a path.
        path = "" if place == Place.INTRO else str(place)
        self.page.goto(f"{self.site.url}/{path}" + ("?" + urlencode(query, doseq=True) if query else ""))
        self.settle()

    def settle(self) -> None:
        """Wait until the page has been drawn and rests."""
        self.page.evaluate("() => { window.__still = 0 }")
        self.page.wait_for_function(SETTLED, polling=80, timeout=PATIENCE)

    def click(self, role: Any, name: str | re.Pattern[str], *, exact: bool = True, nth: int = 0) -> None:
        """Click what has a role and a name, as a screen reader finds it, and wait for what comes of it."""
        self.page.get_by_role(role, name=name, exact=exact).nth(nth).click()
        self.settle()

    def main_link(self, name: str, *, nth: int = 0) -> None:
        """Follow a link of the page itself, not of the menu beside it."""
        self.main.get_by_role("link", name=name, exact=True).nth(nth).click()
        self.settle()

    def choose(self, label: str, option: str | re.Pattern[str]) -> None:
        """Choose an option of a select box; a page that is drawn anew closes it, and it is opened again."""
        found = self.page.get_by_role("option", name=option).first
        for _ in range(ATTEMPTS):
            self.page.get_by_role("combobox", name=re.compile(re.escape(label))).first.click()
            with suppress(NotInTime):
                found.click(timeout=PATIENCE // ATTEMPTS)
                return self.settle()
        raise AssertionError(f"{label} has no option {option}.")

    def opens_a_file_chooser_by(self, key: str) -> None:
        """Press a key until it opens one: a browser that is slow to react takes it for nobody's doing."""
        for _ in range(ATTEMPTS):
            with suppress(NotInTime), self.page.expect_file_chooser(timeout=PATIENCE // ATTEMPTS):
                self.page.keyboard.press(key)
                return
        raise AssertionError(f"{key} opens no file chooser.")

    def sees(self, text: str | re.Pattern[str], *, within: int = PATIENCE) -> None:
        """Wait until a text is there to be read, so many milliseconds at most."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=within)

    @property
    def main(self) -> Locator:
        """The page itself, without the menu beside it."""
        return self.page.get_by_test_id("stMain")

    def tab_to(self, wanted: Locator, *, most: int = 120) -> None:
        """Move the focus by the Tab key alone, until it is there."""
        expect(wanted).to_be_visible()
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"Tab does not come to {wanted} at {self.page.url}")

    def within(self, dialog: str) -> Locator:
        """What stands in a dialog of that title."""
        found = self.page.get_by_role("dialog").filter(has_text=dialog)
        expect(found).to_be_visible()
        return found

    def shot(self, name: str) -> Path:
        """Keep a picture of the page as it is; and see that it is healthy."""
        path = self.site.pictures / f"{self.prefix}-{name}.png"
        self.page.screenshot(path=path, full_page=False)
        self.is_healthy()
        return path

    def whole(self, name: str) -> Path:
        """Keep a picture of the page down to its end."""
        height = self.page.evaluate(
            """() => Math.max(...[...document.querySelectorAll('[data-testid="stMain"]')].map(e => e.scrollHeight))"""
        )
        size = self.page.viewport_size or {"width": 1280, "height": 900}
        self.page.set_viewport_size({"width": size["width"], "height": min(max(int(height), size["height"]), 8000)})
        self.settle()
        path = self.shot(name)
        self.page.set_viewport_size(size)
        return path

    def is_healthy(self) -> None:
        """No traceback, no exception's box, nothing that the browser complains of."""
        boxes = self.page.locator('[data-testid="stException"]')
        assert boxes.count() == 0, boxes.first.inner_text()
        assert "Traceback" not in self.page.inner_text("body")
        assert not self.complaints, self.complaints

    def is_as_wide_as_its_window(self) -> None:
        """Nothing sticks out to the side, so that one need not scroll."""
        beyond = self.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{beyond} pixels stick out at {self.page.url}"

    def saved(self, name: str | re.Pattern[str], folder: Path) -> Path:
        """Follow a link to a file, and where the file lies then."""
        with self.page.context.expect_event("download") as download:
            self.page.get_by_role("link", name=name).first.click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


@dataclass
class Site:
    """A page over a server, with a wire between them."""

    url: str
    server: Server
    proxy: Proxy
    folder: Path
    browser: Browser
    pictures: Path
    settings: dict[str, object]
    stack: ExitStack
    key: str | None = None
    """With which the server is asked past the page, where everybody has to sign in."""

    @contextmanager
    def reader(
        self, name: str, language: str = "en", *, width: int = 1280, height: int = 900, dark: bool = False
    ) -> Iterator[Reader]:
        """A reader with a browser of this language, width and theme."""
        context = self.browser.new_context(
            locale=LOCALES[language],
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
            timezone_id="Europe/Zurich",
        )
        try:
            reader = Reader(context.new_page(), self, language, f"{name}-{language}")
            yield reader
        finally:
            context.close()

    @property
    def client(self) -> Client:
        """The server, asked past the wire and the page."""
        return Client(str(self.server.http.base_url), http=self.server.http, key=self.key)

    def seed(self, **models: dict[str, Any]) -> Dataset:
        """Events with labels, and models trained on them: ``seed(forest={"type": "RandomForest"})``."""
        client = self.client
        dataset = client.simulate(SEEDED)
        wanted = [{"name": name} | spec for name, spec in models.items()]
        if wanted:
            job = client.train(dataset, wanted, progress=False)
            assert {model.state for model in job.models} == {State.TRAINED}
        return dataset

    def restart(self) -> None:
        """Kill the server as kill -9 does, and start one over the same store."""
        self.proxy.cut = True
        self.server.kill()
        self.server = self.stack.enter_context(run_server(self.folder, **self.settings))
        self.proxy.target = self.server.http.base_url.port or 0
        self.proxy.cut = False


def free_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def run_site(
    folder: Path, browser: Browser, pictures: Path, page: Mapping[str, object] | None = None, **settings: object
) -> Iterator[Site]:
    """A server over a fresh store, and the page before it; both are ended at the end of the block.

    Args:
        folder: of the store and the logs.
        browser: of the readers.
        pictures: folder of the screenshots.
        page: settings of the page.
        settings: of the server.
    """
    settings = {"NUM_CPUS": 2, "TIME_LIMIT": 60} | settings
    with ExitStack() as stack:
        server = stack.enter_context(run_server(folder, **settings))
        proxy = Proxy(server.http.base_url.port or 0)
        stack.callback(proxy.close)
        url = stack.enter_context(_run_page(folder, proxy.url, page or {}))
        yield Site(url, server, proxy, folder, browser, pictures, dict(settings), stack)


@contextmanager
def _run_page(folder: Path, server: str, settings: Mapping[str, object]) -> Iterator[str]:
    port = settings.get("WEB_PORT") or free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "eventsieve", "web", "--url", server, "--port", str(port)]
    environment = os.environ | {f"EVENTSIEVE_{name}": str(value) for name, value in settings.items()}
    with (folder / "page.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        until_served(url, process, folder / "page.log")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_served(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a page's server; a test that waits in vain tells what it has logged."""
    deadline = time.monotonic() + 60
    with httpx2.Client(trust_env=False) as http:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                http.get(f"{url}/_stcore/health").raise_for_status()
            except httpx2.HTTPError:
                time.sleep(0.1)
            else:
                return
    pytest.fail(f"the page did not start: {log.read_text()}")
