"""Which model was current when, and the way back."""

from __future__ import annotations

from itertools import islice

import streamlit as st

from eventsieve.client import Client
from eventsieve.web.access import barred
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _
from eventsieve.web.widgets.acting import act

__all__ = ["history"]

MOST = 100
"""Entries that are shown, the newest."""


def history(client: Client) -> None:
    """Draw the history of the current model, with a button that takes the last change back."""
    with st.expander(_("History of the current model"), icon=":material/history:"):
        with explained():
            choices = list(islice(client.history(), MOST))
        if not choices:
            st.caption(_("No model has been current yet."))
            return
        reason = barred()
        st.button(
            _("Back to the model before"),
            key="rollback",
            icon=":material/undo:",
            disabled=reason is not None,
            help=reason or _("Makes that model current again which was so before, if it is still there."),
            on_click=act,
            args=(client.rollback, _("The model before is current again.")),
        )
        st.dataframe(
            {
                _("Since"): [choice.created for choice in choices],
                _("Current model"): [choice.model or _("none") for choice in choices],
                _("By"): [choice.by for choice in choices],
            },
            hide_index=True,
            column_config={
                _("Since"): st.column_config.DatetimeColumn(format="localized", timezone=st.context.timezone)
            },
            alt=_("History of the current model"),
        )
