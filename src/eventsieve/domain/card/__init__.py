"""Model cards: everything that is needed to trust a model, as Markdown and as HTML."""

from eventsieve.domain.card.render import CardFormat, card
from eventsieve.domain.card.sections import Origin

__all__ = ["CardFormat", "Origin", "card"]
