"""What tests of the web client share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
import streamlit as st
from playwright.sync_api import Browser, sync_playwright
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.context import ContextProxy

from web import fakes
from web.browser import Site, find_chromium, run_site, screenshots


@pytest.fixture(autouse=True, scope="session")
def _components_are_looked_for_once() -> Iterator[None]:
    # AppTest reads the metadata of every installed package for each page anew, which takes half of a test's time.
    with patch.object(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests)):
        yield


@pytest.fixture(autouse=True, scope="session")
def _readers_bring_no_cookies() -> Iterator[None]:
    # Of AppTest's readers every cookie is there, as a mock.
    with patch.object(ContextProxy, "cookies", {}):
        yield


@pytest.fixture(autouse=True)
def _fakes_are_closed() -> Iterator[None]:
    yield
    fakes.close_all()


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    # What one test's page had computed must not be what the next one shows.
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def filled() -> fakes.FakeClient:
    return fakes.FakeClient.filled()


@pytest.fixture
def empty() -> fakes.FakeClient:
    return fakes.FakeClient.empty()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium; of a module, because Playwright keeps the thread's event loop for itself while it is there."""
    path = find_chromium()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Site]:
    """A page over a server, for all tests of a module."""
    with run_site(tmp_path_factory.mktemp("site"), browser, screenshots(pytestconfig.rootpath)) as running:
        yield running


@pytest.fixture
def own_site(browser: Browser, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Site]:
    """A page over a server of one's own, to be tortured."""
    with run_site(tmp_path, browser, screenshots(pytestconfig.rootpath)) as running:
        yield running
