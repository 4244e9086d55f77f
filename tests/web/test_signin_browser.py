"""Readers sign in and out in a real browser, with keys and through a provider, before a server that asks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from eventsieve.client import Client
from eventsieve.records import AccessRole
from eventsieve.storage.keybook import open_keybook
from eventsieve.web.places import Place
from eventsieve.web.session import COOKIE
from web.browser import Reader, Site, free_port, run_site, screenshots
from web.provider import CLIENT, SECRET, Provider, run_provider

pytestmark = pytest.mark.slow

LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])


@dataclass
class Closed:
    """A site whose server asks who comes, with keys to it by their owners' names, and the provider that it trusts."""

    site: Site
    provider: Provider
    keys: dict[str, str]

    def revoke(self, name: str) -> None:
        with open_keybook(f"sqlite:///{self.site.folder}/models/registry.sqlite", self.site.folder / "models") as book:
            book.revoke(name)


@pytest.fixture(scope="module")
def closed(browser, tmp_path_factory, pytestconfig) -> Iterator[Closed]:
    folder, pictures, port = tmp_path_factory.mktemp("closed"), screenshots(pytestconfig.rootpath), free_port()
    store = folder / "models"
    store.mkdir()
    roles = {"root": "admin", "ann": "trainer", "rob": "reader", "late": "trainer", "ben": "trainer"}
    with open_keybook(f"sqlite:///{store}/registry.sqlite", store) as book:
        keys = {name: book.issue(name, AccessRole(role))[1] for name, role in roles.items()}
    with run_provider() as provider:
        page = {
            "AUTH": "true",
            "WEB_PORT": port,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "OIDC_ISSUER": provider.issuer,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
        }
        server = {
            "AUTH": "true",
            "OIDC_ISSUER": provider.issuer,
            "OIDC_AUDIENCE": CLIENT,
            "OIDC_ROLE_CLAIM": "groups",
            "OIDC_ROLES": json.dumps({"physics": "trainer"}),
        }
        with run_site(folder, browser, pictures, page, **server) as site:
            site.key = keys["root"]
            yield Closed(site, provider, keys)


def sign_in(reader: Reader, key: str) -> None:
    """Type a key into the page that asks for it."""
    reader.page.get_by_label(reader.say("Your key")).fill(key)
    reader.page.keyboard.press("Enter")


def is_asked(reader: Reader) -> None:
    """See that the page asks who he is, and shows nothing else."""
    expect(reader.page.get_by_label(reader.say("Your key"))).to_be_visible()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text(reader.say("Sign in"))
    assert reader.page.get_by_test_id("stSidebarNavLink").count() == 0


def is_in(reader: Reader, name: str) -> None:
    """See that he is signed in under this name."""
    expect(reader.page.get_by_test_id("stSidebar").get_by_text(name)).to_be_attached()
    reader.settle()


def test_a_trainer_works_and_a_reader_looks_on(closed):
    site = closed.site
    with site.reader("ann") as ann, site.reader("rob", "ru", width=400, dark=True) as rob:
        ann.visit(Place.DATA)
        is_asked(ann)
        ann.shot("1-asked")
        sign_in(ann, closed.keys["ann"])
        is_in(ann, "ann")
        ann.click("button", "Use the simulated sample")
        ann.page.wait_for_url(re.compile(r"/data\?id="))
        ann.sees("Yours (ann)")
        ann.shot("2-data")
        (dataset,) = site.client.datasets()
        assert dataset.by == "ann"
        small = site.client.simulate(1_000, 5)
        own = Client(str(site.server.http.base_url), http=site.server.http, key=closed.keys["ann"])
        own.train(small, [{"name": "m1", "type": "LogReg"}], progress=False)
        site.client.train(small, [{"name": "m2", "type": "LogReg"}], progress=False)
        ann.visit(Place.MODEL, name="m2")
        expect(ann.page.get_by_role("button", name="Remove the model")).to_be_disabled()
        ann.visit(Place.MODEL, name="m1")
        expect(ann.page.get_by_role("button", name="Remove the model")).to_be_enabled()
        ann.visit(Place.MODELS)
        ann.shot("3-models")
        ann.page.get_by_text("Only mine").click()
        ann.page.wait_for_url(re.compile("mine=1"))
        ann.settle()
        ann.shot("4-mine")

        rob.visit(Place.DATA, id=dataset.id)
        is_asked(rob)
        rob.shot("1-asked")
        sign_in(rob, closed.keys["rob"])
        is_in(rob, "rob")
        assert dataset.id in rob.page.url
        rob.sees(rob.say("Of {name}", name="ann"))
        rob.shot("2-data")
        for button in ("Remove", "Rename"):
            expect(rob.page.get_by_role("button", name=rob.say(button), exact=True)).to_be_disabled()
        rob.visit(Place.DATA)
        expect(rob.page.get_by_role("button", name=re.compile(rob.say("Upload")))).to_be_disabled()
        assert rob.page.request.get(f"{site.url}/files/models/m1/card.md").status == 200

        # Each has what only the own script and the own browser know, and no page can read it.
        kept = {each["name"]: each for each in ann.page.context.cookies()}
        assert kept[COOKIE]["httpOnly"]
        assert COOKIE not in ann.page.evaluate("document.cookie")
        ann.click("button", "Sign out")
        is_asked(ann)
        assert COOKIE not in {each["name"] for each in ann.page.context.cookies()}
        assert ann.page.request.get(f"{site.url}/files/models/m1/card.md").status == 401
        stolen = {"Cookie": f"{COOKIE}={kept[COOKIE]['value']}"}
        assert ann.page.request.get(f"{site.url}/files/models/m1/card.md", headers=stolen).status == 401
        rob.visit(Place.JOBS)
        is_in(rob, "rob")


@LANGUAGES
def test_a_wrong_key_is_told_and_the_right_one_leads_on(closed, language):
    with closed.site.reader("wrong-key", language, dark=True) as reader:
        reader.visit(Place.TRAIN, dataset="none")
        sign_in(reader, "es_1_wrong")
        reader.sees(reader.say("You could not be signed in"))
        reader.complaints = [each for each in reader.complaints if "401" not in each]
        reader.shot("refused")
        sign_in(reader, closed.keys["ben"])
        is_in(reader, "ben")
        reader.sees(re.compile("none"))
        assert reader.page.url.endswith("/train?dataset=none")


@LANGUAGES
def test_who_is_revoked_comes_back_to_the_sign_in(closed, language):
    site, name = closed.site, {"en": "late", "ru": "ben"}[language]
    with site.reader("revoked", language) as reader:
        reader.visit(Place.MODELS)
        sign_in(reader, closed.keys[name])
        is_in(reader, name)
        closed.revoke(name)
        reader.main_link(reader.say("Back"))
        is_asked(reader)
        ended = "Your session has ended: its time is over, or its key was revoked. Sign in again to go on here."
        reader.sees(reader.say(ended))
        reader.shot("ended")
        assert reader.page.url.endswith("/ml")


def test_a_provider_vouches_for_a_reader(closed):
    site = closed.site
    closed.provider.claims = {"email": "eva@example.org", "email_verified": True, "groups": ["physics"]}
    with site.reader("oidc") as reader:
        reader.visit(Place.JOBS, id="some")
        is_asked(reader)
        reader.shot("1-asked")
        reader.page.get_by_role("button", name=re.compile("Sign in with 127.0.0.1")).click()
        is_in(reader, "eva@example.org")
        reader.page.wait_for_url(re.compile(r"/jobs\?id=some"))
        reader.shot("2-in")
        names = {each["name"] for each in reader.page.context.cookies()}
        assert COOKIE in names
        assert not [name for name in names if name.startswith("_streamlit_user")]
        reader.click("button", "Sign out")
        is_asked(reader)


def test_whom_the_provider_knows_and_the_server_does_not_may_try_a_key(closed):
    site = closed.site
    closed.provider.claims = {"email": "nobody@example.org", "email_verified": True, "groups": ["catering"]}
    with site.reader("oidc-refused", "ru") as reader:
        reader.visit(Place.DATA)
        reader.page.get_by_role("button", name=re.compile("127.0.0.1")).click()
        reader.sees(reader.say("You could not be signed in"))
        reader.complaints = [each for each in reader.complaints if "403" not in each]
        reader.shot("refused")
        sign_in(reader, closed.keys["root"])
        is_in(reader, "root")
