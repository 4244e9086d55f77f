"""The server's own sentences in the reader's language.

The server speaks English. What it says is known here by templates, grouped by where they come from: each is a message
of the catalogues, whose placeholders stand for what the server fills in. A test holds them to the server's code.
"""

from eventsieve.web.sentences.places import place_in_words
from eventsieve.web.sentences.translating import translated_sentence

__all__ = ["place_in_words", "translated_sentence"]
