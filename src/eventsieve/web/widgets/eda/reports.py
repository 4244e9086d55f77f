"""The report of exploratory analysis, shown in the page: that of a sample, or that of a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from eventsieve.client import Client, Dataset
from eventsieve.errors import NotReady, ServerFailed
from eventsieve.web import relay_paths
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _
from eventsieve.web.sentences import translated_sentence

__all__ = ["dataset_report", "sample_report"]

PATIENCE = 600.0
POLL = 2.0
HEIGHT = 800
PDF = b"%PDF-"
NO_PDF = "The server answers with something that is no PDF; see that it is an Eventsieve server."


def sample_report(client: Client) -> None:
    """Show the report that the server has been given, or that of simulated events."""
    with explained():
        try:
            content = _written(client.report)
        except NotReady:
            st.fragment(_awaited, run_every=POLL)(client)
            return
    _show(content, relay_paths.report(), _("Report on sample events"))


def dataset_report(client: Client, dataset: Dataset, against: Dataset | None) -> None:
    """Show the report of a data set, or of two."""
    with explained(), st.spinner(_("The report is being drawn; this takes some seconds."), show_time=True):
        patient = client.waiting(PATIENCE).dataset(dataset.id)
        content = _written(lambda path: patient.report(path, against))
    link = relay_paths.report(dataset.id, against.id if against else None)
    _show(content, link, _("Report on {name}").format(name=dataset.name))


def _awaited(client: Client) -> None:
    with explained():
        try:
            _written(client.report)
        except NotReady as error:
            st.info(_("The report is being made; it appears here by itself."), icon=":material/hourglass_empty:")
            st.caption(translated_sentence(str(error)))
            return
    st.rerun()


def _written(write: Callable[[Path], object]) -> bytes:
    """The bytes of a report; some megabytes at most, however large the tables."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.pdf"
        write(path)
        content = path.read_bytes()
    if not content.startswith(PDF):
        raise ServerFailed(NO_PDF)
    return content


def _show(content: bytes, link: str, alt: str) -> None:
    st.link_button(_("Save"), link, icon=":material/download:")
    st.pdf(content, height=HEIGHT, alt=alt)
