"""The truth of a library: which records there are, which pictures they show, and where each picture's vectors lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sherd.types import KeyArray, PartInfo, Record

Where = Mapping[str, tuple[str, ...]]
FIELDS = ("culture", "licence", "material", "motif", "object_type", "period", "rights", "theme")
"""What `where` may filter by."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record that shows a picture: its title, and the path of the picture as in the source."""

    record_id: str
    title: str
    image: str


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Where all live vectors of one encoder lie, in one consistent state of the catalogue.

    keys: (n,) ascending. names[i] and rows[i] tell the part and the row in it of keys[i]; every name is in `parts`.
    """

    generation: int
    parts: tuple[PartInfo, ...]
    keys: KeyArray
    names: tuple[str, ...]
    rows: KeyArray


class Catalogue:
    """Reading. Any number of processes may read while one writes; each call sees one committed state."""

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False) -> Catalogue:
        """The catalogue in the SQLite file `path`.

        Raises:
            LibraryError: there is none and `create` is false, or the file is no catalogue.
            SchemaTooNew: a newer Sherd wrote it.
        """
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def encoder_fingerprint(self) -> str | None:
        """Of the encoder that made the vectors; None before the first ingest."""
        raise NotImplementedError

    def encoder_name(self) -> str | None:
        """The name under which that encoder was loaded, for `load_encoder`."""
        raise NotImplementedError

    def generation(self) -> int:
        """Grows with every committed change."""
        raise NotImplementedError

    def parts(self, fingerprint: str) -> list[PartInfo]:
        """The committed part files of an encoder, oldest first."""
        raise NotImplementedError

    def locate(self, keys: KeyArray) -> tuple[list[str], KeyArray]:
        """The part name and the row of each key (n,), for the library's encoder; InvalidArgument for a key without."""
        raise NotImplementedError

    def vector_table(self) -> VectorTable:
        """`generation`, `parts`, `live_keys` and `locate` of the library's encoder, in one transaction."""
        raise NotImplementedError

    def live_keys(self, where: Where | None = None) -> KeyArray:
        """Keys (n,), ascending, of the pictures that some record shows and that have vectors.

        Args:
            where: field -> accepted values: any of the values of a field, all of the fields. A value matches without
                regard to case when it is the whole term of the record or stands in it as whole words
                ("bronze" finds "gilt bronze"; Chinese has no word breaks, so there any part of the term counts).
        Raises:
            InvalidArgument: an unknown field (the known ones are named), or a field without a value.
        """
        raise NotImplementedError

    def hits_for(self, keys: KeyArray) -> dict[int, list[Shown]]:
        """Who shows each picture; a key that nobody shows is left out."""
        raise NotImplementedError

    def get_many(self, record_ids: Sequence[str]) -> dict[str, Record]:
        """Whole records; identifiers that are unknown are left out."""
        raise NotImplementedError

    def keys_of(self, record_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
        """(key, image path) of each record's pictures, in the order of the record."""
        raise NotImplementedError

    def lexical(self, text: str, limit: int, where: Where | None = None) -> list[tuple[str, float]]:
        """(record_id, score) of the records whose words match, best first, at most `limit`; score above 0 (BM25)."""
        raise NotImplementedError

    def count(self) -> tuple[int, int]:
        """(records, pictures that some record shows)."""
        raise NotImplementedError
