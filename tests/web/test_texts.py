"""Text of others in Markdown."""

from __future__ import annotations

import pytest

from eventsieve.web.texts import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b> $x$ :red[x]", r"\<b\> \$x\$ \:red\[x\]"),
        ("a\n===", "a\n\\=\\=\\="),
        ("    a*b", "\N{NO-BREAK SPACE}" * 4 + r"a\*b"),
        ("a\n\tb", "a\n\N{NO-BREAK SPACE}b"),
    ],
)
def test_it_stands_there_as_it_is(text, shown):
    assert plain(text) == shown
