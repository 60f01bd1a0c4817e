"""Full-text search in PostgreSQL by tables of our own: no extension, and the answers of SQLite's FTS5.

`lexical` and `concept_words` keep the texts; `lexical_postings` and `concept_postings` keep, by token, who has it and
at which places. A place is `column << 24 | place in the column`. Tokens are FTS5's (`tokenizer`), the score is its BM25
(k1 1.2, b 0.75, at least 1e-6 for a word that most records have).
Source: https://www.sqlite.org/fts5.html#the_bm25_function
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Numeric,
    Select,
    Table,
    Text,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    text,
    union_all,
    update,
)

from sherd.catalogue.fulltext import LABELS, RECORDS, Scored, Ts
from sherd.catalogue.lexical import COLUMNS, WEIGHTS, Term
from sherd.catalogue.schema import concept_labels, concepts, records
from sherd.catalogue.tokenizer import Tokenizer

_K1, _B, _LEAST_IDF = 1.2, 0.75, 1e-6
_SHIFT = 24
_CHUNK = 2_000
_LAST = "\U0010ffff"
_NEVER = "\x01"
"""No token: stands for a term that has no token in it."""

metadata = MetaData()
_C = Text(collation="C")


def _text_table(name: str, *columns: str) -> Table:
    texts = [Column(column, _C, nullable=False) for column in columns]
    return Table(
        name,
        metadata,
        Column("rowid", BigInteger, primary_key=True, autoincrement=False),
        *texts,
        Column("length", Integer, nullable=False, server_default="0"),  # tokens in all columns
    )


def _postings(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("token", _C, primary_key=True),
        Column("rowid", BigInteger, primary_key=True, autoincrement=False),
        Column("weight", Integer, nullable=False),  # of all its places
        Column("places", ARRAY(Integer), nullable=False),
        Index(f"ix_{name}_rowid", "rowid"),
    )


lexical = _text_table(RECORDS, *COLUMNS)
concept_words = _text_table(LABELS, "words")
lexical_postings = _postings("lexical_postings")
concept_postings = _postings("concept_postings")
totals = Table(
    "lexical_totals",
    metadata,
    Column("documents", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
)
_TABLES = {RECORDS: (lexical, lexical_postings), LABELS: (concept_words, concept_postings)}
_tokenizer = Tokenizer()


class PostgresFullText:
    """See `FullText`."""

    def create(self, connection: Connection, table: str) -> None:
        made = [*_TABLES[table], *([totals] if table == RECORDS else [])]
        for one in made:
            connection.execute(text(f"DROP TABLE IF EXISTS {one.name}"))
        metadata.create_all(connection, tables=made, checkfirst=False)
        if table == RECORDS:
            connection.execute(totals.insert(), {"documents": 0, "tokens": 0})

    def put(self, connection: Connection, rows: Mapping[int, Mapping[str, str]]) -> None:
        numbers = list(rows)
        connection.execute(delete(lexical_postings).where(lexical_postings.c.rowid.in_(numbers)))
        gone = connection.scalars(delete(lexical).where(lexical.c.rowid.in_(numbers)).returning(lexical.c.length)).all()
        texts = [(number, *(row[name] for name in COLUMNS)) for number, row in rows.items()]
        added = _store(connection, RECORDS, texts)
        documents = totals.c.documents + len(rows) - len(gone)
        connection.execute(update(totals).values(documents=documents, tokens=totals.c.tokens + added - sum(gone)))

    def search(
        self, connection: Connection, terms: Sequence[Term], limit: int, restrict: Sequence[Select[int]]
    ) -> list[tuple[str, float]]:
        found = _matches(lexical_postings, terms).cte("found")
        documents, tokens = connection.execute(select(totals)).one()
        holding = select(found.c.phrase, func.count().label("n")).group_by(found.c.phrase).cte("holding")
        rarity = func.ln((documents - holding.c.n + 0.5) / (holding.c.n + 0.5))
        idf = case((rarity > 0, rarity), else_=_LEAST_IDF)
        length = lexical.c.length / literal(tokens / max(documents, 1), Float)
        saturated = found.c.freq * (_K1 + 1) / (found.c.freq + _K1 * (1 - _B + _B * length))
        # Rounded: a sum goes in any order here, and equal records must come by their number.
        score = func.round(cast(func.sum(idf * saturated), Numeric), 12)
        rows = (
            select(records.c.record_id, score.label("score"))
            .select_from(found)
            .join(holding, holding.c.phrase == found.c.phrase)
            .join(lexical, lexical.c.rowid == found.c.rowid)
            .join(records, records.c.number == found.c.rowid)
            .group_by(records.c.number, records.c.record_id)
            .order_by(score.desc(), records.c.number)
            .limit(limit)
        )
        for allowed in restrict:
            rows = rows.where(found.c.rowid.in_(allowed))
        return [(record_id, float(one)) for record_id, one in connection.execute(rows)]

    def scores(self, connection: Connection, term: Term) -> Scored | None:
        return None

    def put_labels(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        it = iter(rows)
        while chunk := list(islice(it, _CHUNK)):
            _store(connection, LABELS, chunk)

    def remove_labels(self, connection: Connection, thesaurus: int) -> None:
        own = (
            select(concept_labels.c.number)
            .join(concepts, concepts.c.number == concept_labels.c.concept)
            .where(concepts.c.thesaurus == thesaurus)
        )
        for one in (concept_words, concept_postings):
            connection.execute(delete(one).where(one.c.rowid.in_(own)))

    def labels_with(self, rows: Select[*Ts], terms: Sequence[Term]) -> Select[*Ts]:
        for phrase, prefix in _tokenized(terms):
            holding = _phrase(concept_postings, phrase, prefix=prefix).subquery()
            rows = rows.where(concept_labels.c.number.in_(select(holding.c.rowid)))
        return rows.order_by(concept_labels.c.number)

    def faults(self, connection: Connection, table: str) -> Iterator[str]:
        texts, postings = _TABLES[table]
        last, documents, tokens = -1, 0, 0
        while True:
            page = select(texts).where(texts.c.rowid > last).order_by(texts.c.rowid).limit(_CHUNK)
            rows = connection.execute(page).all()
            wanted = {
                (token, row.rowid): (weight, places)
                for row, found in zip(rows, _tokens([row[1:-1] for row in rows]), strict=True)
                for token, (weight, places) in found[0].items()
            }
            here = postings.c.rowid.between(last + 1, rows[-1].rowid) if rows else postings.c.rowid > last
            found = connection.execute(select(postings).where(here))
            there = {(one.token, one.rowid): (one.weight, one.places) for one in found}
            if wanted != there:
                yield "the full-text index does not match its texts"
                return
            if not rows:
                break
            last, documents = rows[-1].rowid, documents + len(rows)
            tokens += sum(row.length for row in rows)
        if table == RECORDS and connection.execute(select(totals)).all() != [(documents, tokens)]:
            yield "the full-text index does not count its texts right"


def _store(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Put in new texts (rowid, text, ...) with their postings. Returns the number of tokens."""
    texts, postings = _TABLES[table]
    found = _tokens([row[1:] for row in rows])
    copy(connection, texts, ((*row, length) for row, (_, length) in zip(rows, found, strict=True)))
    copy(
        connection,
        postings,
        (
            (token, row[0], weight, places)
            for row, (tokens, _) in zip(rows, found, strict=True)
            for token, (weight, places) in tokens.items()
        ),
    )
    return sum(length for _, length in found)


def copy(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Put in rows by COPY, in this transaction: ten times faster than INSERT."""
    driver: Any = connection.connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def _tokens(rows: Sequence[Sequence[str]]) -> list[tuple[dict[str, tuple[int, list[int]]], int]]:
    """For each row of texts, token -> (weight, places), and the number of tokens."""
    made = []
    for found in _tokenizer.columns(rows):
        places: dict[str, list[int]] = defaultdict(list)
        for column, place, token in found:
            places[token].append(column << _SHIFT | place)
        weighed = {token: (sum(WEIGHTS[place >> _SHIFT] for place in some), some) for token, some in places.items()}
        made.append((weighed, len(found)))
    return made


def _tokenized(terms: Sequence[Term]) -> list[tuple[list[str], bool]]:
    """The tokens of each term, and whether the last one is only a beginning; terms without any are left out."""
    found = _tokenizer.tokens([term.text for term in terms])
    return [(tokens, term.prefix) for tokens, term in zip(found, terms, strict=True) if tokens]


def _matches(postings: Table, terms: Sequence[Term]) -> Any:
    """A select of (phrase, rowid, freq): the number of the term, who has it, and its weight there."""
    phrases = _tokenized(terms) or [([_NEVER], False)]
    single = [(n, tokens[0]) for n, (tokens, prefix) in enumerate(phrases) if len(tokens) == 1 and not prefix]
    parts: list[Select[int, int, int]] = []
    if single:
        numbers, tokens = zip(*single, strict=True)
        asked = (
            func.unnest(cast(list(numbers), ARRAY(Integer)), cast(list(tokens), ARRAY(_C)))
            .table_valued("phrase", "token", name="asked")
            .render_derived(name="asked")
        )
        parts.append(
            select(cast(asked.c.phrase, Integer).label("phrase"), postings.c.rowid, postings.c.weight.label("freq"))
            .select_from(asked)
            .join(postings, postings.c.token == asked.c.token.collate("C"))
        )
    for n, (words, prefix) in enumerate(phrases):
        if len(words) > 1 or prefix:
            one = _phrase(postings, words, prefix=prefix).subquery()
            parts.append(select(literal(n, Integer).label("phrase"), one.c.rowid, one.c.freq))
    return union_all(*parts)


def _phrase(postings: Table, tokens: Sequence[str], *, prefix: bool) -> Select[int, int]:
    """A select of (rowid, freq) of those that have the tokens in neighbouring places."""

    def holding(n: int) -> ColumnElement[bool]:
        token = postings.c.token
        if prefix and n == len(tokens) - 1:
            return (token >= tokens[n]) & (token < tokens[n] + _LAST)
        return token == tokens[n]

    if len(tokens) == 1:
        freq = cast(func.sum(postings.c.weight), Integer)
        return select(postings.c.rowid, freq.label("freq")).where(holding(0)).group_by(postings.c.rowid)
    at = [
        select(postings.c.rowid, func.unnest(postings.c.places).label("place")).where(holding(n)).subquery(f"at{n}")
        for n in range(len(tokens))
    ]
    column = at[0].c.place.op(">>")(_SHIFT)
    weight = case(*((column == n, one) for n, one in enumerate(WEIGHTS)), else_=0)
    rows = select(at[0].c.rowid, cast(func.sum(weight), Integer).label("freq")).group_by(at[0].c.rowid)
    joined: Any = at[0]
    for n, one in enumerate(at[1:], 1):
        joined = joined.join(one, (one.c.rowid == at[0].c.rowid) & (one.c.place == at[0].c.place + n))
    return rows.select_from(joined)
