"""Whether words stand in a text as whole words."""

from __future__ import annotations


def stands_in(value: str, term: str) -> bool:
    """Whether `value` (folded) is in `term` (folded) as whole words; Chinese has no word breaks, so any part counts.

    >>> stands_in("bronze", "gilt bronze"), stands_in("bronze", "bronzed wood"), stands_in("周", "西周中期")
    (True, False, True)
    """
    start = term.find(value)
    while start >= 0:
        end = start + len(value)
        if _is_edge(term[start - 1 : start], value[0]) and _is_edge(value[-1], term[end : end + 1]):
            return True
        start = term.find(value, start + 1)
    return False


def _is_edge(left: str, right: str) -> bool:
    """Whether a word can end between two neighbours ('' is the end of the text)."""
    return not (_joins(left) and _joins(right))


def _joins(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"
