"""The tables of the catalogue. What is derived from them (vectors, thumbnails, indexes) lies beside it as files.

How the tables hang together: a *source* (a folder or table that was ingested) has *items* (its lines, rows or files);
each item says something about one *record* and links it to *pictures* by *images*. A record is the merger of its items.
A picture is known by the sha256 of its file; its `key` is never given to another picture, so an index may keep it.
A *thesaurus* has *concepts*; labels and closure are compiled from their bodies, for looking up. A *decision* is a
person's word about a record; its rows are only ever added, and outlive the record.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 3
"""Goes up with every change of the tables, together with a step in `migrations/`."""

APPLICATION_ID = 0x53485244
"""Marks the SQLite file as a Sherd catalogue."""

metadata = MetaData()

# SQLite counts rows by itself only under the type INTEGER; elsewhere it is 64 bits wide.
_Number = BigInteger().with_variant(Integer, "sqlite")
# Order and ranges by code point everywhere; PostgreSQL would go by the language of the machine.
_Word = String().with_variant(String(collation="C"), "postgresql")
_Text = Text().with_variant(Text(collation="C"), "postgresql")


def _unique(*columns: str) -> tuple[UniqueConstraint | Index, ...]:
    """Columns that hold long texts, each row once. PostgreSQL cannot order more than 2.7 kB, so there the last of them
    has an index by hash, and the one writer sees to it that nothing comes twice."""
    named = "ix_by_" + "_".join(columns)
    return (
        UniqueConstraint(*columns).ddl_if(dialect="sqlite"),
        Index(named, columns[-1], postgresql_using="hash").ddl_if(dialect="postgresql"),
    )


meta = Table(
    "meta",
    metadata,
    Column("name", _Word, primary_key=True),
    Column("value", _Text, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("root", _Text, nullable=False),  # absolute, as given; never rewritten, it is needed to find the originals
    Column("metadata", _Text, nullable=False),  # the table that was read, '' where there was none to name
    Column("kind", _Word, nullable=False),
    UniqueConstraint("root", "metadata").ddl_if(dialect="sqlite"),  # some rows: no index needed elsewhere
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("kind", _Word, nullable=False),  # ingest, reindex, repair
    Column("source", ForeignKey("sources.number")),
    Column("state", _Word, nullable=False),  # running, done, interrupted
    Column("started", _Word, nullable=False),  # UTC, ISO 8601
    Column("updated", _Word, nullable=False),
    Column("counts", _Text, nullable=False),  # JSON
)

records = Table(
    "records",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("record_id", _Text, nullable=False, unique=True),
    Column("title", _Text, nullable=False),
    Column("body", _Text, nullable=False),  # JSON of everything but images and regions
)

items = Table(
    "source_items",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("source", ForeignKey("sources.number"), nullable=False),
    Column("item_key", _Word, nullable=False),  # hash of record id, image paths, and a count where those are repeated
    Column("ordinal", Integer, nullable=False),
    Column("place", _Text, nullable=False),  # for people: "records.jsonl line 12"
    Column("record", ForeignKey("records.number"), nullable=False, index=True),
    Column("digest", _Word, nullable=False),  # of all that the source says; equal means nothing to do
    Column("body", _Text, nullable=False),  # what this item alone says of the record
    Column("job", ForeignKey("jobs.number"), nullable=False),  # the job that brought the item in
    UniqueConstraint("source", "item_key"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("key", _Number, primary_key=True, autoincrement=False),
    Column("sha256", _Word, nullable=False, unique=True),
    Column("width", Integer, nullable=False),  # upright, full size
    Column("height", Integer, nullable=False),
    Column("format", _Word, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("thumbnail", _Word, nullable=False),  # blake2b-256 of the thumbnail file
)

images = Table(
    "images",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("item", ForeignKey("source_items.number", ondelete="CASCADE"), nullable=False, index=True),
    Column("record", ForeignKey("records.number"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("path", _Text, nullable=False),  # as in the source, below its root
    Column("view", _Text),
    Column("key", ForeignKey("pictures.key"), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),  # of the file; with the time, whether to read it again
    Column("mtime_ns", BigInteger, nullable=False),
)

regions = Table(
    "regions",
    metadata,
    Column("image", ForeignKey("images.number", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("x", Float, nullable=False),  # fractions 0..1 of the upright picture
    Column("y", Float, nullable=False),
    Column("w", Float, nullable=False),
    Column("h", Float, nullable=False),
    Column("label", _Text),
    Column("mask", _Text),
    Column("concept", _Text),
    sqlite_with_rowid=False,
)

terms = Table(
    "terms",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("field", _Word, nullable=False),
    Column("folded", _Text, nullable=False),
    *_unique("field", "folded"),
)

record_terms = Table(
    "record_terms",
    metadata,
    Column("term", ForeignKey("terms.number"), primary_key=True),
    Column("record", ForeignKey("records.number"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

encoders = Table(
    "encoders",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("fingerprint", _Word, nullable=False, unique=True),
    Column("name", _Text, nullable=False),  # under which it was loaded
)

vector_parts = Table(
    "vector_parts",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("encoder", ForeignKey("encoders.number"), nullable=False),
    Column("name", _Word, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("parts_per_image", Integer, nullable=False),
    Column("checksum", _Word, nullable=False),
    UniqueConstraint("encoder", "name"),
)

vectors = Table(
    "vectors",
    metadata,
    Column("encoder", ForeignKey("encoders.number"), primary_key=True),
    Column("key", ForeignKey("pictures.key"), primary_key=True),
    Column("part", ForeignKey("vector_parts.number"), nullable=False),
    Column("row", Integer, nullable=False),
    Index("ix_vectors_part", "part"),
    sqlite_with_rowid=False,
)

thesauri = Table(
    "thesauri",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("name", _Text, nullable=False),  # URI of the scheme, or the name of the file that has none
    Column("digest", _Word, nullable=False),  # of the bodies of all concepts, in their order
    Column("imported", _Word, nullable=False),  # UTC, ISO 8601
    Column("report", _Text, nullable=False),  # JSON of what was wrong with it when it came in
    *_unique("name"),
)

concepts = Table(
    "concepts",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("thesaurus", ForeignKey("thesauri.number"), nullable=False),
    Column("uri", _Text, nullable=False),
    Column("notation", _Text),
    Column("facet", _Text, nullable=False),
    Column("body", _Text, nullable=False),  # JSON of all that is known of it
    UniqueConstraint("thesaurus", "uri").ddl_if(dialect="sqlite"),
    Index("ix_concepts_uri", "uri", postgresql_using="hash"),
    Index("ix_concepts_notation", "notation", postgresql_using="hash"),
)

concept_labels = Table(
    "concept_labels",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),  # also its row in concept_words
    Column("concept", ForeignKey("concepts.number"), nullable=False, index=True),
    Column("language", _Word, nullable=False),
    Column("label", _Text, nullable=False),
    Column("preferred", Integer, nullable=False),  # 1 or 0
    Column("folded", _Text, nullable=False),
    Column("length", Integer, nullable=False),  # characters of the folded label
    Column("head", _Text, nullable=False),  # its first 24, for indexes that stay small
    Column("tail", _Text, nullable=False),  # its last 24 from the end: a slip early in a label leaves this whole
    Index("ix_concept_labels_head", "head"),
    Index("ix_concept_labels_length_head", "length", "head"),
    Index("ix_concept_labels_length_tail", "length", "tail"),
)

concept_closure = Table(
    "concept_closure",
    metadata,
    Column("descendant", ForeignKey("concepts.number"), primary_key=True),
    Column("ancestor", ForeignKey("concepts.number"), primary_key=True),
    Column("distance", Integer, nullable=False),  # steps on the shortest way up; 0 for the concept itself
    Index("ix_concept_closure_ancestor", "ancestor", "distance"),
    sqlite_with_rowid=False,
)

decisions = Table(
    "decisions",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),  # 1 and up, without a gap
    Column("record_id", _Text, nullable=False, index=True),  # the museum's, for the record may come back
    Column("action", _Word, nullable=False),
    Column("body", _Text, nullable=False),  # JSON of who, when, what was proposed, and what was decided
    Column("previous", _Word, nullable=False),  # hash of the row before
    Column("hash", _Word, nullable=False),  # SHA-256 of all of this row but this
)
