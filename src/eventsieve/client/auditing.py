"""The verb about the audit trail."""

from __future__ import annotations

from datetime import datetime

from eventsieve import records
from eventsieve.client.bound import Listing
from eventsieve.client.grids import Grid
from eventsieve.client.verbs import Verbs

__all__ = ["Auditing"]


class Auditing(Verbs):
    """The audit trail."""

    def audit(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        object: str | None = None,  # noqa: A002 - the name of the field
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Listing[records.Deed]:
        """Who changed what, and who tried to, the newest first.

        Args:
            actor: only what this person did.
            action: only this operation (``"submit"``, ``"remove_model"``) or command (``"keys create"``).
            object: only what was done to this: ``"model:NAME"``, ``"dataset:ID"``, ``"job:ID"``, ``"key:ID"``.
            since: only from then on; a time without a zone is this machine's.
            until: only before then.

        Raises:
            NotAllowed: administrators alone may read it.
        """
        return self._listing(
            "/audit",
            records.Deed,
            _deeds,
            actor=actor,
            action=action,
            object=object,
            since=since and since.astimezone().isoformat(),
            until=until and until.astimezone().isoformat(),
        )


def _deeds(deeds: list[records.Deed]) -> Grid:
    rows = [
        (
            f"{each.moment.astimezone():%Y-%m-%d %H:%M:%S}",
            each.actor,
            each.role,
            each.action,
            ", ".join(map(repr, each.objects)),
            each.status or "",
            each.client,
        )
        for each in deeds
    ]
    return Grid(("when", "who", "as", "action", "to", "status", "from"), rows)
