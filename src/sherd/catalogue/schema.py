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

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("root", Text, nullable=False),  # absolute, as given; never rewritten, it is needed to find the originals
    Column("metadata", Text, nullable=False),  # the table that was read, '' where there was none to name
    Column("kind", String, nullable=False),
    UniqueConstraint("root", "metadata"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("kind", String, nullable=False),  # ingest, reindex, repair
    Column("source", ForeignKey("sources.number")),
    Column("state", String, nullable=False),  # running, done, interrupted
    Column("started", String, nullable=False),  # UTC, ISO 8601
    Column("updated", String, nullable=False),
    Column("counts", Text, nullable=False),  # JSON
)

records = Table(
    "records",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("record_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON of everything but images and regions
)

items = Table(
    "source_items",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("source", ForeignKey("sources.number"), nullable=False),
    Column("item_key", String, nullable=False),  # hash of record id, image paths, and a count where those are repeated
    Column("ordinal", Integer, nullable=False),
    Column("place", Text, nullable=False),  # for people: "records.jsonl line 12"
    Column("record", ForeignKey("records.number"), nullable=False, index=True),
    Column("digest", String, nullable=False),  # of all that the source says; equal means nothing to do
    Column("body", Text, nullable=False),  # what this item alone says of the record
    Column("job", ForeignKey("jobs.number"), nullable=False),  # the job that brought the item in
    UniqueConstraint("source", "item_key"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("key", _Number, primary_key=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("width", Integer, nullable=False),  # upright, full size
    Column("height", Integer, nullable=False),
    Column("format", String, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("thumbnail", String, nullable=False),  # blake2b-256 of the thumbnail file
)

images = Table(
    "images",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("item", ForeignKey("source_items.number", ondelete="CASCADE"), nullable=False, index=True),
    Column("record", ForeignKey("records.number"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("path", Text, nullable=False),  # as in the source, below its root
    Column("view", Text),
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
    Column("label", Text),
    Column("mask", Text),
    Column("concept", Text),
    sqlite_with_rowid=False,
)

terms = Table(
    "terms",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("field", String, nullable=False),
    Column("folded", Text, nullable=False),
    UniqueConstraint("field", "folded"),
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
    Column("number", _Number, primary_key=True),
    Column("fingerprint", String, nullable=False, unique=True),
    Column("name", Text, nullable=False),  # under which it was loaded
)

vector_parts = Table(
    "vector_parts",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("encoder", ForeignKey("encoders.number"), nullable=False),
    Column("name", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("parts_per_image", Integer, nullable=False),
    Column("checksum", String, nullable=False),
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
    Column("number", _Number, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # URI of the scheme, or the name of the file that has none
    Column("digest", String, nullable=False),  # of the bodies of all concepts, in their order
    Column("imported", String, nullable=False),  # UTC, ISO 8601
    Column("report", Text, nullable=False),  # JSON of what was wrong with it when it came in
)

concepts = Table(
    "concepts",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("thesaurus", ForeignKey("thesauri.number"), nullable=False),
    Column("uri", Text, nullable=False, index=True),
    Column("notation", Text, index=True),
    Column("facet", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON of all that is known of it
    UniqueConstraint("thesaurus", "uri"),
)

concept_labels = Table(
    "concept_labels",
    metadata,
    Column("number", _Number, primary_key=True),  # also its row in concept_words
    Column("concept", ForeignKey("concepts.number"), nullable=False, index=True),
    Column("language", String, nullable=False),
    Column("label", Text, nullable=False),
    Column("preferred", Integer, nullable=False),  # 1 or 0
    Column("folded", Text, nullable=False),
    Column("length", Integer, nullable=False),  # characters of the folded label
    Column("head", Text, nullable=False),  # its first 24, for indexes that stay small
    Column("tail", Text, nullable=False),  # its last 24 from the end: a slip early in a label leaves this whole
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
    Column("number", _Number, primary_key=True),  # 1 and up, without a gap
    Column("record_id", Text, nullable=False, index=True),  # the museum's, for the record may come back
    Column("action", String, nullable=False),
    Column("body", Text, nullable=False),  # JSON of who, when, what was proposed, and what was decided
    Column("previous", String, nullable=False),  # hash of the row before
    Column("hash", String, nullable=False),  # SHA-256 of all of this row but this
)
