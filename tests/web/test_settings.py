"""The settings of the web client, and how the pages look."""

from __future__ import annotations

import pytest

from eventsieve import palette
from eventsieve.errors import BadConfiguration
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
