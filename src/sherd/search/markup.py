"""HTML that is safe by the way it is made: every text is escaped, only what `element` gives is taken as HTML."""

from __future__ import annotations

import html
from typing import TypeAlias

_EMPTY = frozenset(("br", "wbr", "img", "meta"))
"""Elements of HTML without a closing tag; those of SVG have one, or the next would lie inside."""


class Html(str):
    """Text that is HTML already. Only `element` and constants of our own code make it."""

    __slots__ = ()


Value: TypeAlias = str | int | float | None


def element(name: str, attributes: dict[str, Value] | None = None, *inside: str) -> Html:
    """An element; `inside` is escaped wherever it is not `Html`.

    Args:
        attributes: those with None are left out; their values are escaped.

    >>> element("p", {"title": '"<'}, "a < b", element("br"))
    '<p title="&quot;&lt;">a &lt; b<br></p>'
    """
    given = "".join(f' {key}="{escaped(str(value))}"' for key, value in (attributes or {}).items() if value is not None)
    if name in _EMPTY:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{''.join(map(escaped, inside))}</{name}>")


def escaped(text: str) -> Html:
    """`text` as HTML; characters that HTML does not allow become spaces, halves of a surrogate pair a question mark.

    >>> escaped("<b>\\x00"), escaped(Html("<b>"))
    ('&lt;b&gt; ', '<b>')
    """
    if isinstance(text, Html):
        return text
    plain = text.encode("utf-8", "replace").decode()
    return Html(html.escape("".join(c if c >= " " and not "\x7f" <= c <= "\x9f" else " " for c in plain), quote=True))
