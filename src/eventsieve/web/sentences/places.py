"""Where in a request a fault is, for people."""

from __future__ import annotations

import re

from eventsieve.web.i18n import N_, _

__all__ = ["place_in_words"]

MODEL = re.compile(r"/models/(?P<number>\d+)(?:/hyperparameters)?(?:/(?P<field>.*))?")
FIELDS = {"name": N_("name"), "type": N_("type")}


def place_in_words(pointer: str) -> str:
    """A JSON pointer into a request for trainings as words, ``model 2, C``; a name stays as it is."""
    found = MODEL.fullmatch(pointer)
    if found is None:
        return pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")
    number, field = int(found["number"]) + 1, found["field"]
    if not field:
        return _("model {number}").format(number=number)
    known = _(FIELDS[field]) if field in FIELDS else field.replace("~1", "/").replace("~0", "~")
    return _("model {number}, {field}").format(number=number, field=known)
