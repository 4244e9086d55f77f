"""Which pages there are, and what frames each of them: title, menu, language."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.resources import files

import streamlit as st

from eventsieve.client import Client
from eventsieve.errors import BadConfiguration, EventsieveError, NotSignedIn
from eventsieve.web.access import learn
from eventsieve.web.i18n import _, language
from eventsieve.web.pages import compare, data, eda, intro, jobs, ml, model, models, predict, signin, train
from eventsieve.web.places import Place, register
from eventsieve.web.session import token_of
from eventsieve.web.settings import WebSettings
from eventsieve.web.widgets.language import switch_language
from eventsieve.web.widgets.signing import account

__all__ = ["navigate"]

Page = Callable[[Client], None]

ICON = (files("eventsieve.web") / "icon.svg").read_text("utf-8")
LOGO = (files("eventsieve.web") / "logo.svg").read_text("utf-8")
"""Our own: the browser would fetch one of Streamlit's names from another host."""


def navigate(client: Client, settings: WebSettings, start: Place = Place.INTRO) -> None:
    """Draw the page that the address names.

    Args:
        client: the server.
        settings: of the web client.
        start: the page of an address that names none.
    """
    st.set_page_config(page_icon=ICON, layout="wide")
    st.logo(LOGO, size="large", icon_image=ICON)
    language()
    gate = _gate(client, settings)
    contents: dict[Place, tuple[Page, str, str]] = {
        Place.INTRO: (partial(intro.page, github_link=settings.GITHUB_LINK), _("Intro"), "home"),
        Place.DATA: (data.page, _("Data sets"), "database"),
        Place.EDA: (eda.page, _("EDA"), "monitoring"),
        Place.ML: (ml.page, _("Classic ML"), "model_training"),
        Place.TRAIN: (train.page, _("Train a model"), "play_circle"),
        Place.JOBS: (jobs.page, _("Trainings"), "pending_actions"),
        Place.MODELS: (models.page, _("List of models"), "list"),
        Place.MODEL: (model.page, _("Model"), "deployed_code"),
        Place.COMPARE: (compare.page, _("Compare models"), "compare_arrows"),
        Place.PREDICT: (predict.page, _("Make a prediction"), "online_prediction"),
    }
    hidden = set(contents) if gate else {Place.MODEL}
    pages = {
        place: st.Page(
            gate or _bound(draw, client),
            title=_("Sign in") if gate else title,
            icon=f":material/{icon}:",
            url_path=str(place),
            default=place is start,
            visibility="hidden" if place in hidden else "visible",
        )
        for place, (draw, title, icon) in contents.items()
    }
    chosen = st.navigation(
        {
            "": [pages[place] for place in (Place.INTRO, Place.DATA, Place.EDA)],
            _("Machine learning"): [
                pages[place] for place in pages if place not in (Place.INTRO, Place.DATA, Place.EDA)
            ],
        }
    )
    register(pages, chosen)
    st.set_page_config(page_title=f"{chosen.title} \N{MIDDLE DOT} Eventsieve")
    with st.sidebar:
        switch_language()
        if gate is None:
            account(client.http.url)
    chosen.run()


def _gate(client: Client, settings: WebSettings) -> Callable[[], None] | None:
    """What stands in place of every page; ``None`` where the reader may see them.

    The pages keep their addresses meanwhile: who has signed in sees what he came for.
    """
    fault: EventsieveError | None = None
    oidc = False
    try:
        access = learn(client)
    except NotSignedIn as error:
        fault = error
    else:
        if access is None:
            return None  # the server does not answer, and the pages say so
        oidc = access.oidc
        if settings.AUTH and not access.required:
            fault = _unasked()
        elif access.actor is not None or not access.required:
            return None
    ended = token_of(st.context.cookies) is not None
    return lambda: signin.page(client, settings, oidc=oidc, ended=ended, fault=fault)


def _unasked() -> EventsieveError:
    return BadConfiguration(
        _(
            "The pages are to be seen only by who has signed in (EVENTSIEVE_AUTH), but the server asks nobody to. "
            "Set EVENTSIEVE_AUTH for the server too."
        )
    )


def _bound(draw: Page, client: Client) -> Callable[[], None]:
    return lambda: draw(client)
