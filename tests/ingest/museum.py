"""A small museum for tests: pictures of one colour each, and a source made of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from sherd.encoder.protocol import Encoder
from sherd.encoder.toy import ToyEncoder
from sherd.errors import RejectedItem
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.encoding import PicturePool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest, IngestSettings
from sherd.ingest.progress import IngestReport, Reporter
from sherd.ingest.sources.item import Source, SourceItem
from sherd.types import Record, SourceImage

SIZE_PX = 24


def paint(path: Path, colour: tuple[int, int, int]) -> Path:
    """A picture of one colour, another file for each colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (SIZE_PX, SIZE_PX), colour).save(path, "PNG")
    return path


def colour(n: int) -> tuple[int, int, int]:
    return (n * 37) % 256, (n * 91 + n // 7) % 256, (n // 256 * 53 + n) % 256


@dataclass
class ListSource:
    """A source whose records are given; `None` stands for a line that cannot be read."""

    root: Path
    records: Sequence[Record | None]
    kind: str = "records"
    columns: ColumnRoles | None = None
    warnings: tuple[str, ...] = field(default=())

    def items(self) -> Iterator[SourceItem]:
        for n, record in enumerate(self.records):
            where = f"line {n + 1}"
            if record is None:
                yield SourceItem(n, where, reject=RejectedItem("bad_json", "not a record"))
            else:
                yield SourceItem(n, where, record=record, warnings=self.warnings)


def record(record_id: str, *paths: str, title: str | None = None, **values: object) -> Record:
    images = tuple(SourceImage(path) for path in paths)
    return Record(record_id, images, titles={"en": title or f"Relic {record_id}"}, **values)  # type: ignore[arg-type]


def museum(root: Path, count: int, *, start: int = 0) -> ListSource:
    """`count` records of one picture each: r0 on p/0.png..."""
    names = [str(n) for n in range(start, start + count)]
    for n, name in enumerate(names, start):
        paint(root / f"p/{name}.png", colour(n))
    return ListSource(root, [record(f"r{name}", f"p/{name}.png") for name in names])


def ingest(
    folder: Path,
    source: Source,
    pool: PicturePool,
    *,
    encoder: Encoder | None = None,
    settings: IngestSettings | None = None,
    reporter: Reporter | None = None,
    hook: Callable[[str], None] = lambda step: None,
) -> IngestReport:
    """One run into the library at `folder`, which is made where it is absent."""
    with Library.open(folder, create=True) as library:
        return Ingest(
            library, source, encoder or ToyEncoder(), pool, settings=settings, reporter=reporter, hook=hook
        ).run()
