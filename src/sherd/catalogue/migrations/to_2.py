"""From version 1 to 2: thesauri, with their concepts, labels, closure and words."""

from __future__ import annotations

from sqlalchemy import Connection


def apply(connection: Connection) -> None:
    """Make the tables, all empty."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)


def _table(name: str, *columns: str, end: str = "") -> str:
    """Word for word and blank for blank as version 2 makes the table, for `verify` compares that."""
    return f"CREATE TABLE {name} (\n\t" + ", \n\t".join(columns) + f"\n){end}"


_STATEMENTS = (
    _table(
        "thesauri",
        "number INTEGER NOT NULL",
        "name TEXT NOT NULL",
        "digest VARCHAR NOT NULL",
        "imported VARCHAR NOT NULL",
        "report TEXT NOT NULL",
        "PRIMARY KEY (number)",
        "UNIQUE (name)",
    ),
    _table(
        "concepts",
        "number INTEGER NOT NULL",
        "thesaurus INTEGER NOT NULL",
        "uri TEXT NOT NULL",
        "notation TEXT",
        "facet TEXT NOT NULL",
        "body TEXT NOT NULL",
        "PRIMARY KEY (number)",
        "UNIQUE (thesaurus, uri)",
        "FOREIGN KEY(thesaurus) REFERENCES thesauri (number)",
    ),
    "CREATE INDEX ix_concepts_uri ON concepts (uri)",
    "CREATE INDEX ix_concepts_notation ON concepts (notation)",
    _table(
        "concept_labels",
        "number INTEGER NOT NULL",
        "concept INTEGER NOT NULL",
        "language VARCHAR NOT NULL",
        "label TEXT NOT NULL",
        "preferred INTEGER NOT NULL",
        "folded TEXT NOT NULL",
        "length INTEGER NOT NULL",
        "head TEXT NOT NULL",
        "tail TEXT NOT NULL",
        "PRIMARY KEY (number)",
        "FOREIGN KEY(concept) REFERENCES concepts (number)",
    ),
    "CREATE INDEX ix_concept_labels_concept ON concept_labels (concept)",
    "CREATE INDEX ix_concept_labels_head ON concept_labels (head)",
    "CREATE INDEX ix_concept_labels_length_head ON concept_labels (length, head)",
    "CREATE INDEX ix_concept_labels_length_tail ON concept_labels (length, tail)",
    _table(
        "concept_closure",
        "descendant INTEGER NOT NULL",
        "ancestor INTEGER NOT NULL",
        "distance INTEGER NOT NULL",
        "PRIMARY KEY (descendant, ancestor)",
        "FOREIGN KEY(descendant) REFERENCES concepts (number)",
        "FOREIGN KEY(ancestor) REFERENCES concepts (number)",
        end="\n WITHOUT ROWID\n\n",
    ),
    "CREATE INDEX ix_concept_closure_ancestor ON concept_closure (ancestor, distance)",
    "CREATE VIRTUAL TABLE concept_words USING fts5(words, tokenize='porter unicode61', prefix='1')",
)
