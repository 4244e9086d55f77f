"""Names in paths: any text, percent-encoded."""

from __future__ import annotations

from typing import Final

from starlette.convertors import PathConvertor, register_url_convertor

__all__ = ["ROUTE", "TEXT"]

TEXT = "text"
"""The convertor's name: ``/models/{ref:text}``."""


ROUTE: Final = "eventsieve.route"
"""In the scope of a request that was answered before routing: the path's template that it counts for."""


class _Text(PathConvertor):
    # The one it inherits stops at a line feed, and takes the id "a" out of "a%0A".
    regex = "(?s:.*)"


register_url_convertor(TEXT, _Text())
