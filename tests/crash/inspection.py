"""What is in a library, seen from a fresh process that only reads: one JSON object on stdout.

python -m tests.crash.inspection LIBRARY
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from sqlalchemy import text

from sherd.errors import SherdError
from sherd.ingest.library import Library
from sherd.ingest.verify import verify

_TWICE = {
    "image": "SELECT count(*) - count(DISTINCT record || '|' || path) FROM images",
    "record": "SELECT count(*) - count(DISTINCT record_id) FROM records",
    "picture": "SELECT count(*) - count(DISTINCT sha256) FROM pictures",
    "words": "SELECT count(*) - count(DISTINCT identifier) FROM lexical",
}


def inspect(folder: Path) -> dict[str, object]:
    """records: identifier -> paths of its pictures. duplicates: by kind. state: a digest of all that a search sees."""
    with Library.open(folder) as library:
        with library.catalogue.database.read() as connection:
            ids = list(connection.scalars(text("SELECT record_id FROM records ORDER BY record_id")))
            duplicates = {name: connection.scalar(text(query)) for name, query in _TWICE.items()}
        found = verify(library)
        shown = {name: [path for _, path in pairs] for name, pairs in library.catalogue.keys_of(ids).items()}
        table = library.catalogue.vector_table()
        whole = hashlib.blake2b()
        for record_id, record in sorted(library.catalogue.get_many(ids).items()):
            whole.update(repr((record_id, record)).encode())
        for path in sorted(library.thumbnails.rglob("*.jpg")):
            whole.update(path.name.encode() + path.read_bytes())
        return {
            "records": shown,
            "duplicates": {name: count for name, count in duplicates.items() if count},
            "problems": [problem.as_dict() for problem in found.problems],
            "live": int(table.keys.size),
            "state": whole.hexdigest(),
        }


if __name__ == "__main__":
    try:
        print(json.dumps(inspect(Path(sys.argv[1]))))
    except SherdError as error:
        print(json.dumps({"error": f"{error.code}: {error}"}))
