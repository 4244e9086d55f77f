"""The settings of the web client, and how the pages look."""

from __future__ import annotations

import pytest

from eventsieve import palette
from eventsieve.errors import BadConfiguration
from eventsieve.web.server import _found_at, _secrets
from eventsieve.web.settings import read_settings
from eventsieve.web.theme import DARK, LIGHT, OPTIONS, SIDEBAR


def test_what_is_given_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("EVENTSIEVE_FASTAPI_URL", "http://a:1")
    monkeypatch.setenv("EVENTSIEVE_WEB_PORT", "7")
    settings = read_settings(FASTAPI_URL="http://b:2", WEB_PORT=None)
    assert (settings.FASTAPI_URL, settings.WEB_PORT) == ("http://b:2", 7)


def test_a_script_reads_from_the_environment_what_was_given(monkeypatch):
    settings = read_settings(FASTAPI_URL="http://b:2/", ROUTE="/x", WEB_PORT=9, GITHUB_LINK="https://example.org/e")
    for name, value in settings.environment.items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x", "http://", "http://a:b"])
def test_what_is_no_address_is_named(address):
    with pytest.raises(BadConfiguration, match="EVENTSIEVE_FASTAPI_URL"):
        read_settings(FASTAPI_URL=address)


def test_all_faults_are_named_at_once():
    with pytest.raises(BadConfiguration, match=r"EVENTSIEVE_GITHUB_LINK: 'x' is no address.*EVENTSIEVE_WEB_PORT"):
        read_settings(GITHUB_LINK="x", WEB_PORT=70_000)


def test_a_page_that_signs_in_through_a_provider_says_what_it_lacks():
    with pytest.raises(
        BadConfiguration, match="OIDC_CLIENT_ID needs EVENTSIEVE_OIDC_ISSUER and EVENTSIEVE_OIDC_CLIENT_S"
    ):
        read_settings(OIDC_CLIENT_ID="eventsieve", PUBLIC_URL="https://a")
    found = read_settings(
        OIDC_CLIENT_ID="e", OIDC_ISSUER="https://b", OIDC_CLIENT_SECRET="hidden", PUBLIC_URL="https://a/sieve/"
    )
    assert (found.oidc, found.base, found.PUBLIC_URL) == (True, "/sieve", "https://a/sieve")
    assert "hidden" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COOKIE_SECRET", "short-one"),
        ("PUBLIC_URL", "https://u:word@a"),
        ("PUBLIC_URL", "https://a?b"),
        ("AUTH", "maybe"),
    ],
)
def test_what_cannot_keep_anybody_out_is_refused(name, value):
    with pytest.raises(BadConfiguration, match=f"EVENTSIEVE_{name}") as caught:
        read_settings(**{name: value})
    assert "short-one" not in str(caught.value)


def test_streamlit_hears_where_it_is_found_and_how_to_sign_in():
    found = read_settings(
        WEB_PORT=1, OIDC_CLIENT_ID="e", OIDC_ISSUER="https://b/", OIDC_CLIENT_SECRET="s", PUBLIC_URL="https://a:7/sieve"
    )
    assert _found_at(found) == {
        "server.address": "127.0.0.1",
        "server.port": 1,
        "server.corsAllowedOrigins": ["https://a:7"],
        "browser.serverAddress": "a",
        "server.baseUrlPath": "sieve",
    }
    secrets = _secrets(found)["auth"]
    assert secrets["redirect_uri"] == "https://a:7/sieve/oauth2callback"
    assert secrets["server_metadata_url"] == "https://b/.well-known/openid-configuration"
    assert len(secrets["cookie_secret"]) >= 32
    assert _secrets(read_settings()) is None


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """As WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read(theme):
    grounds = (theme["backgroundColor"], theme["secondaryBackgroundColor"])
    assert min(contrast(theme["textColor"], ground) for ground in grounds) >= 7
    assert min(contrast(theme["linkColor"], ground) for ground in grounds) >= 4.5
    assert contrast(theme["primaryColor"], "#FFFFFF") >= 4.5
    assert contrast(theme["primaryColor"], theme["backgroundColor"]) >= 3


def test_the_choice_of_the_menu_can_be_read():
    assert contrast(LIGHT["primaryColor"], LIGHT["secondaryBackgroundColor"]) >= 4.5
    assert contrast(SIDEBAR["primaryColor"], DARK["secondaryBackgroundColor"]) >= 4.5


def test_no_button_has_the_colour_of_a_class():
    used = {LIGHT["primaryColor"], DARK["primaryColor"], SIDEBAR["primaryColor"]}
    assert used & {palette.SIGNAL, *palette.CLASSES} == set()


def test_fonts_are_the_readers_own():
    assert not [value for value in OPTIONS.values() if "://" in str(value)]
