"""From words to concepts: a raw term or a sentence in Chinese, English or pinyin, and by which rule each was matched.

The longest label counts, wherever in the text it stands: in 'belt with a taotie mask' it is
'taotie mask', not 'mask'.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sherd.thesaurus.folding import clean, fold_label, fold_pinyin, is_han

_TOKENS_A_LABEL = 12
"""Longer stretches are looked up only where they are the whole text."""
_SHORT_TERM = 8
"""Characters up to which a text is a term, whose last character alone may be its head (as in 青铜鼎)."""
_LEAST_FUZZY = 0.87
_FUZZY_FROM = 7
"""Letters: shorter words are other words too often (father, feather). Of Chinese characters 4."""
_LEAST_NEAREST = 0.5
_SYNTAX = re.compile(r"[/;,，、；]| or |\(also | also ")
_POSSESSIVE = re.compile(r"(?<=[a-z])['’]s\b|(?<=s)['’](?=\s)")
_BRACKETS = re.compile(r"[(（][^()（）]*[)）]")


class Rule(StrEnum):
    """How a text came to a concept, the surest first."""

    EXACT = "exact"
    ALTERNATIVE = "alternative"
    VARIANT = "variant"
    PINYIN = "pinyin"
    FUZZY = "fuzzy"
    EMBEDDING = "embedding"


PLAIN = (Rule.EXACT, Rule.ALTERNATIVE, Rule.VARIANT, Rule.PINYIN)
"""Rules by which a label says it."""
_SCORES = {Rule.EXACT: 1.0, Rule.ALTERNATIVE: 0.96, Rule.VARIANT: 0.94, Rule.PINYIN: 0.9}


@dataclass(frozen=True, slots=True)
class Named:
    """A label and the concept that bears it."""

    uri: str
    label: str
    language: str
    preferred: bool
    facet: str


@dataclass(frozen=True, slots=True)
class Link:
    """A concept that a stretch of a text means.

    words: the stretch as written. rule: a preferred label, an alternative one, one in the other Chinese script, one by
    its pinyin, one spelt a little otherwise, or the nearest in meaning. score: 0..1, to order by; no probability.
    """

    uri: str
    words: str
    label: str
    language: str
    facet: str
    rule: Rule
    score: float


class Labels(Protocol):
    """Where labels are looked up: a thesaurus in memory, or those of a library."""

    def named(self, folded: Collection[str]) -> Mapping[str, Sequence[Named]]:
        """The labels with these folded forms; those in Latin transcription by `fold_pinyin`."""
        ...

    def alike(self, folded: str) -> Sequence[Named]:
        """Labels that are spelt nearly so, to choose from."""
        ...


Nearest = Callable[[str], Sequence[tuple[Named, float]]]
"""A text -> the concepts whose names are nearest to it in meaning, with the cosine, best first."""


def link(
    text: str, labels: Labels, *, facets: Collection[str] | None = None, nearest: Nearest | None = None
) -> list[Link]:
    """The concepts that `text` means, in the order of the text; what one stretch may mean, likeliest first.

    Rules are tried from the surest on: labels that the text is, then labels that stand in it, then, for what is left
    when there is none, labels spelt alike and at last the nearest meaning.

    Args:
        text: a term or a sentence, up to some thousands of characters.
        labels: where to look.
        facets: only concepts of these.
        nearest: gives the nearest in meaning; None leaves that rule out.
    """
    text = clean(_POSSESSIVE.sub("", unicodedata.normalize("NFKC", text)).replace("_", " "))
    if not text:
        return []
    found = _whole(text, labels, facets)
    if not found:
        found = _stretches(text, labels, facets)
    if not found:
        found = _fuzzy(text, labels, facets)
    if not found and nearest is not None:
        found = [
            Link(one.uri, text, one.label, one.language, one.facet, Rule.EMBEDDING, 0.8 * cosine)
            for one, cosine in nearest(text)
            if cosine >= _LEAST_NEAREST and (facets is None or one.facet in facets)
        ]
    return found


def spellings(term: str) -> list[str]:
    """A term as catalogues write it -> what may be a label: as it is, without brackets, in the singular, and so on.

    >>> spellings("Drinking horns (keras)")
    ['Drinking horns (keras)', 'Drinking horns', 'Drinking horn', 'keras', 'kera']
    """
    bare = clean(_BRACKETS.sub(" ", term)).strip(" ?")
    inside = [found[1:-1].removeprefix("also ").strip(" ?") for found in _BRACKETS.findall(term)]
    turned = [f"{b} {a}" for a, b in re.findall(r"^([^,]+), ([^,]+?)-?$", bare)]
    found = [term, bare, singular(bare), *turned, *(form for one in inside for form in (one, singular(one)))]
    return [one for one in dict.fromkeys(found) if one]


def singular(words: str) -> str:
    """English words with the last one in the singular, by its ending.

    >>> singular("lotus leaves"), singular("Birds"), singular("glass"), singular("lilies")
    ('lotus leaf', 'Bird', 'glass', 'lily')
    """
    for ending, instead in (
        ("leaves", "leaf"),
        ("ies", "y"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("sses", "ss"),
        ("xes", "x"),
    ):
        if words.lower().endswith(ending) and len(words) > len(ending) + 1:
            return words[: -len(ending)] + instead
    if re.search(r"[a-z]{2}[^siu\W]s$", words, re.IGNORECASE):
        return words[:-1]
    return words


def _whole(text: str, labels: Labels, facets: Collection[str] | None) -> list[Link]:
    """The text as a label, or else all of its pieces that are labels."""
    for term in spellings(text):
        if found := _named(text, [term], labels, facets, transcribed=True):
            return found
    pieces = [piece for piece in map(clean, _SYNTAX.split(text)) if piece]
    if len(pieces) < 2:
        return []
    each = [_named(piece, spellings(piece), labels, facets, transcribed=True) for piece in pieces]
    return [one for found in each for one in found] if all(each) else []


def _named(
    words: str, terms: Sequence[str], labels: Labels, facets: Collection[str] | None, *, transcribed: bool
) -> list[Link]:
    """Links of the first of `terms` that is a label."""
    forms = {term: (fold_label(term), fold_pinyin(term)) for term in terms}
    found = labels.named({form for both in forms.values() for form in both if form})
    for term, (folded, squeezed) in forms.items():
        plain = [one for one in found.get(folded, ()) if "-Latn" not in one.language]
        pinyin = [one for one in found.get(squeezed, ()) if "-Latn" in one.language] if transcribed else []
        links = [
            Link(one.uri, words, one.label, one.language, one.facet, rule, _SCORES[rule])
            for one in [*plain, *pinyin]
            if facets is None or one.facet in facets
            for rule in [_rule(term, one)]
        ]
        if links:
            return _best(links)
    return []


def _rule(term: str, one: Named) -> Rule:
    if "-Latn" in one.language:
        return Rule.PINYIN
    if unicodedata.normalize("NFKC", one.label).casefold() != term.casefold():
        return Rule.VARIANT
    return Rule.EXACT if one.preferred else Rule.ALTERNATIVE


def _best(links: Sequence[Link]) -> list[Link]:
    """Each concept once, by its best label; best first."""
    best: dict[str, Link] = {}
    for one in sorted(links, key=lambda one: -one.score):
        best.setdefault(one.uri, one)
    return list(best.values())


def _stretches(text: str, labels: Labels, facets: Collection[str] | None) -> list[Link]:
    """Labels that stand in the text; of those that overlap the longest, then the first."""
    tokens = list(_tokens(text))
    keys: dict[tuple[int, int], list[str]] = {}
    for first in range(len(tokens)):
        for last in range(first, min(first + _TOKENS_A_LABEL, len(tokens))):
            words = text[tokens[first][0] : tokens[last][1]]
            if len(words) > 1 or (is_han(words) and _is_head(text, *tokens[first])):
                keys[first, last] = list(dict.fromkeys([words, singular(words)]))
    wanted = {fold(term) for terms in keys.values() for term in terms for fold in (fold_label, fold_pinyin)}
    known = labels.named({form for form in wanted if form})
    chosen: list[tuple[int, list[Link]]] = []
    taken: set[int] = set()
    for (first, last), terms in sorted(keys.items(), key=lambda one: (one[0][0] - one[0][1], one[0])):
        if taken & set(range(first, last + 1)):
            continue
        words = text[tokens[first][0] : tokens[last][1]]
        # One syllable of pinyin is an English word too often.
        found = _named(words, terms, _Kept(known), facets, transcribed=last > first or len(words) > 6)
        if found:
            taken |= set(range(first, last + 1))
            chosen.append((first, found))
    return [one for _, found in sorted(chosen, key=lambda one: one[0]) for one in found]


def _is_head(text: str, start: int, stop: int) -> bool:
    """Whether one Chinese character may stand for itself: it ends a short term (青铜鼎), or is alone (鶴の丸)."""
    if stop == len(text) and len(text) <= _SHORT_TERM:
        return True
    return not (is_han(text[start - 1 : start] or " ") or is_han(text[stop : stop + 1] or " "))


@dataclass(frozen=True, slots=True)
class _Kept:
    """Labels that have been looked up already."""

    found: Mapping[str, Sequence[Named]]

    def named(self, folded: Collection[str]) -> Mapping[str, Sequence[Named]]:
        return {form: self.found[form] for form in folded if form in self.found}

    def alike(self, folded: str) -> Sequence[Named]:
        return ()


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """(start, stop) of each word in letters, and of each Chinese character."""
    start = None
    for n, character in enumerate(f"{text} "):
        han = is_han(character)
        if start is not None and (han or not (character.isalnum() or character in "'’-")):
            yield start, n
            start = None
        if han:
            yield n, n + 1
        elif start is None and character.isalnum():
            start = n


def _fuzzy(text: str, labels: Labels, facets: Collection[str] | None) -> list[Link]:
    from rapidfuzz import fuzz  # imported on use: most texts never come here

    links = []
    for term in spellings(text):
        folded = fold_label(term)
        if len(folded) < (4 if any(map(is_han, folded)) else _FUZZY_FROM):
            continue
        for one in labels.alike(folded):
            likeness = fuzz.ratio(folded, fold_label(one.label)) / 100
            if likeness >= _LEAST_FUZZY and (facets is None or one.facet in facets):
                links.append(Link(one.uri, text, one.label, one.language, one.facet, Rule.FUZZY, 0.9 * likeness))
    best = _best(links)
    return [one for one in best if one.score > best[0].score - 0.02]
