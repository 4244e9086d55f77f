"""The parameters of a model, every one of them."""

from __future__ import annotations

import streamlit as st

from eventsieve.records import Model
from eventsieve.web.i18n import _

__all__ = ["parameters_table"]


def parameters_table(model: Model) -> None:
    """Draw type and hyperparameters, a row each, with the values as scikit-learn writes them."""
    given = {_("Type"): model.type} | {name: str(value) for name, value in model.hyperparameters.items()}
    st.dataframe(
        {_("Parameter"): list(given), _("Value"): list(given.values())},
        hide_index=True,
        height="content",
        alt=_("Parameters of model {name}").format(name=model.name),
    )
