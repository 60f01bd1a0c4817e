"""The words under which records are found, with tokens of our own making; `fulltext` keeps and finds them.

SQLite's full-text search (FTS5) takes a run of Chinese for one word, and its trigram tokenizer finds nothing below
three characters, while the usual query has one or two (瓷, 青铜). So runs of Chinese, Japanese and Korean are cut here
into overlapping pairs, the last character of a run standing alone: 饕餮纹 becomes 饕餮 餮纹 纹. Each character then
begins exactly one token: a query of one character is a prefix search, and a longer one is its pairs. Other words go
through FTS5's own tokenizer with Porter's English stems. A query's text reaches an engine only as words.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sherd.types import Record

COLUMNS = ("identifier", "title", "terms", "description")
WEIGHTS = (8, 4, 3, 1)
"""What a word counts in each column."""

_PIECE = re.compile(
    # kana and their marks, Han with its extensions, Hangul
    "(?P<cjk>[\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)"
    r"|(?P<word>[^\W_]+)"
)
_STOP = frozenset(
    {"a", "an", "and", "are", "as", "at", "by", "for", "from", "has", "in", "is", "it", "its", "of", "on", "or", "that"}
    | {"the", "this", "to", "was", "were", "which", "with", "的", "和", "与", "在", "有", "之"}
)
_MAX_QUERY_TOKENS = 64
_MAX_LABELS = 128


def fold(value: str) -> str:
    """`value` for comparing: compatibility forms made one (NFKC), no case, single spaces, no control characters."""
    plain = unicodedata.normalize("NFKC", value).casefold()
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in plain).split())


def tokens_of(value: str) -> list[str]:
    """The tokens under which a text is stored.

    >>> tokens_of("Bronze 饕餮纹鼎")
    ['bronze', '饕餮', '餮纹', '纹鼎', '鼎']
    """
    tokens: list[str] = []
    for piece in _PIECE.finditer(fold(value)):
        if piece["cjk"]:
            run = piece["cjk"]
            tokens += [_plain(run[n : n + 2]) for n in range(len(run))]
        else:
            tokens += _words(piece["word"])
    return tokens


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for: a word, several words that must stand together, or what a word begins with (`prefix`)."""

    text: str
    prefix: bool = False


def terms_of(value: str, labels: Iterable[str] = ()) -> list[Term]:
    """What a search looks for, any of which counts: the words that a person typed, and further `labels` for the same
    things, of each of which all words must stand together. Empty when there is no word in it."""
    phrases = [Term(" ".join(tokens)) for label in labels if (tokens := tokens_of(label))]
    return [*_typed(value), *dict.fromkeys(phrases[:_MAX_LABELS])]  # a label that was typed too counts twice


def _typed(value: str) -> list[Term]:
    folded = fold(value)
    found = _terms(folded)
    wanted = [term for term in found if term.text not in _STOP] or found
    if not wanted:
        return []
    identifiers = {identifier_token(part) for part in [folded, *folded.split()][: _MAX_QUERY_TOKENS // 2]}
    return [*wanted[:_MAX_QUERY_TOKENS], *(Term(token) for token in sorted(identifiers))]


def every_word_of(value: str) -> list[Term]:
    """All the words of `value`, for texts that must have every one of them."""
    return _terms(fold(value))[:_MAX_QUERY_TOKENS]


def _terms(folded: str) -> list[Term]:
    found: list[Term] = []
    for piece in _PIECE.finditer(folded):
        if piece["cjk"]:
            found += _cjk_terms(piece["cjk"])
        else:
            found += [Term(word) for word in _words(piece["word"])]
    return list(dict.fromkeys(found))


def identifier_token(record_id: str) -> str:
    """A record's identifier as one token, so that it is found whole and its pieces are no words of the record."""
    return f"id{hashlib.blake2b(fold(record_id).encode(), digest_size=12).hexdigest()}0"


def texts(record: Record) -> dict[str, str]:
    """What is stored of a record, by column: its tokens, in their order."""
    said = [*record.descriptions.values(), *(caption.text for caption in record.captions)]
    titles = dict.fromkeys(record.titles.values())
    terms = [record.object_type, record.culture, record.period, *record.materials, *record.motifs, *record.themes]
    phrases = [phrase.text for phrase in record.phrases]
    return {
        "identifier": identifier_token(record.record_id),
        "title": _joined(titles),
        "terms": _joined(dict.fromkeys(term for term in [*terms, *phrases] if term)),
        "description": _joined(text for text in dict.fromkeys(said) if text not in titles),
    }


def _joined(values: Iterable[str]) -> str:
    return " ".join(token for value in values for token in tokens_of(value))


def _cjk_terms(run: str) -> list[Term]:
    """A run of Chinese, Japanese or Korean: its pairs, or what begins with its one character."""
    pairs = [run[n : n + 2] for n in range(len(run) - 1)]
    return [Term(_plain(pair)) for pair in pairs] or [Term(_plain(run), prefix=True)]


def _words(word: str) -> list[str]:
    """A run of other letters and digits without its accents, which FTS5 leaves on those that come as one character."""
    if word.isascii():
        return [word]
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return [piece for piece in re.split(r"[\W_]+", bare) if piece]


def _plain(token: str) -> str:
    """Characters that FTS5's tokenizer (Unicode 6.1) may not know for letters, in letters that it does know."""
    return "".join(c if c < "\U00020000" else f"u{ord(c):x}0" for c in token)
