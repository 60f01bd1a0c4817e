"""Finding records by their words, with SQLite's full-text search (FTS5) and tokens of our own making.

FTS5 takes a run of Chinese for one word, and its trigram tokenizer finds nothing below three characters, while the
usual query has one or two (瓷, 青铜). So runs of Chinese, Japanese and Korean are cut here into overlapping pairs, the
last character of a run standing alone: 饕餮纹 becomes 饕餮 餮纹 纹. Each character then begins exactly one token: a
query of one character is a prefix search, and a longer one is its pairs. Other words go through FTS5's own tokenizer
with Porter's English stems. A query's text reaches FTS5 only as quoted words.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, Select, column, literal_column, select, table, text

from sherd.catalogue.schema import records
from sherd.types import Record

COLUMNS = ("identifier", "title", "terms", "description")
_WEIGHTS = (8.0, 4.0, 3.0, 1.0)
CREATE = f"CREATE VIRTUAL TABLE lexical USING fts5({', '.join(COLUMNS)}, tokenize='porter unicode61', prefix='1')"
CREATE_CONCEPT_WORDS = "CREATE VIRTUAL TABLE concept_words USING fts5(words, tokenize='porter unicode61', prefix='1')"
"""The words of each label of a thesaurus, cut as those of records are."""

_table = table("lexical", column("rowid"), *(column(name) for name in COLUMNS))
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


def query_of(value: str) -> str | None:
    """The FTS5 expression for what a person typed: any of its words counts; None when there is no word in it."""
    found: list[str] = []
    folded = fold(value)
    for piece in _PIECE.finditer(folded):
        if piece["cjk"]:
            found += _cjk_terms(piece["cjk"])
        else:
            found += [_quoted(word) for word in _words(piece["word"])]
    stop = {_quoted(word) for word in _STOP} | {_quoted(word) + " *" for word in _STOP}
    wanted = list(dict.fromkeys(token for token in found if token not in stop)) or list(dict.fromkeys(found))
    if not wanted:
        return None
    identifiers = {identifier_token(part) for part in [folded, *folded.split()][: _MAX_QUERY_TOKENS // 2]}
    return " OR ".join([*wanted[:_MAX_QUERY_TOKENS], *(_quoted(token) for token in sorted(identifiers))])


def every_word_of(value: str) -> str | None:
    """The FTS5 expression for texts that have all the words of `value`; None when there is no word in it."""
    found: list[str] = []
    for piece in _PIECE.finditer(fold(value)):
        if piece["cjk"]:
            found += _cjk_terms(piece["cjk"])
        else:
            found += [_quoted(word) for word in _words(piece["word"])]
    return " AND ".join(dict.fromkeys(found[:_MAX_QUERY_TOKENS])) or None


def identifier_token(record_id: str) -> str:
    """A record's identifier as one token, so that it is found whole and its pieces are no words of the record."""
    return f"id{hashlib.blake2b(fold(record_id).encode(), digest_size=12).hexdigest()}0"


def put(connection: Connection, rows: Mapping[int, Record]) -> None:
    """Make records (by their number) findable as they are now."""
    if not rows:
        return
    remove(connection, rows)
    names = ", ".join(COLUMNS)
    connection.execute(
        text(f"INSERT INTO lexical(rowid, {names}) VALUES (:rowid, :{', :'.join(COLUMNS)})"),
        [{"rowid": number} | texts(record) for number, record in rows.items()],
    )


def remove(connection: Connection, numbers: Iterable[int]) -> None:
    """Forget records."""
    connection.execute(text("DELETE FROM lexical WHERE rowid = :rowid"), [{"rowid": number} for number in numbers])


def search(
    connection: Connection,
    query: str,
    limit: int,
    restrict: Sequence[Select[int]] = (),
    labels: Iterable[str] = (),
) -> list[tuple[str, float]]:
    """(record_id, score) best first; score is BM25 with the sign turned, above 0.

    Args:
        query: as a person typed it.
        restrict: selects of record numbers; a record must be in all of them.
        labels: further words for the same things; of each all words must stand together.
    """
    phrases = [f'"{" ".join(tokens)}"' for label in labels if (tokens := tokens_of(label))]
    asked = [one for one in (query_of(query), *phrases[:_MAX_LABELS]) if one is not None]
    if not asked or limit < 1:
        return []
    expression = " OR ".join(dict.fromkeys(asked))
    rank: ColumnElement[float] = literal_column(f"bm25(lexical, {', '.join(map(str, _WEIGHTS))})")
    rows = (
        select(records.c.record_id, rank.label("rank"))
        .select_from(_table.join(records, records.c.number == _table.c.rowid))
        .where(text("lexical MATCH :expression").bindparams(expression=expression))
        .order_by(text("rank"), records.c.number)
        .limit(limit)
    )
    # The plus keeps SQLite from asking the full-text index once for every allowed record (3 s instead of 20 ms).
    number: ColumnElement[int] = literal_column("+lexical.rowid")
    for allowed in restrict:
        rows = rows.where(number.in_(allowed))
    return [(row.record_id, -float(row.rank)) for row in connection.execute(rows)]


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


def _cjk_terms(run: str) -> list[str]:
    """A run of Chinese, Japanese or Korean as FTS5 terms: its pairs, or what begins with its one character."""
    pairs = [run[n : n + 2] for n in range(len(run) - 1)]
    return [_quoted(_plain(pair)) for pair in pairs] or [_quoted(_plain(run)) + " *"]


def _words(word: str) -> list[str]:
    """A run of other letters and digits without its accents, which FTS5 leaves on those that come as one character."""
    if word.isascii():
        return [word]
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return [piece for piece in re.split(r"[\W_]+", bare) if piece]


def _plain(token: str) -> str:
    """Characters that FTS5's tokenizer (Unicode 6.1) may not know for letters, in letters that it does know."""
    return "".join(c if c < "\U00020000" else f"u{ord(c):x}0" for c in token)


def _quoted(token: str) -> str:
    return '"' + token.replace('"', '""') + '"'
