"""The corpus of malformed inputs, made anew each time: what each is, where it stands, and how it must be refused.

It is laid out as a museum's folders would be: a folder of pictures, a pack, an export as CSV, and tables that cannot be
read at all; with valid neighbours between, which must come through.
"""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sherd.ingest.files import shown
from tests.hostile import pictures, tables
from tests.ingest.museum import colour, paint

BROKEN = ("image_truncated", "image_corrupt")
PICTURES: dict[str, tuple[Callable[[], pictures.Files], tuple[str, ...]]] = {
    "jpeg_cut": (pictures.cut_jpegs, BROKEN),
    "progressive_jpeg_cut": (pictures.cut_progressive_jpegs, BROKEN),
    "png_cut": (pictures.cut_pngs, BROKEN),
    "webp_cut": (pictures.cut_webps, BROKEN),
    "gif_cut": (pictures.cut_gifs, BROKEN),
    "tiff_cut": (pictures.cut_tiffs, BROKEN),
    "bmp_cut": (pictures.cut_bmps, BROKEN),
    "header_bomb": (pictures.bombs, ("image_too_large",)),
    "no_area": (pictures.without_area, ("image_zero_size",)),
    "too_much_to_decode": (pictures.too_much_to_decode, ("decoder_memory", "decoder_timeout", "decoder_died")),
    "other_format": (pictures.other_formats, ("unsupported_type",)),
    "markup_and_text": (pictures.markup, ("unsupported_type",)),
    "archive_or_program": (pictures.archives, ("unsupported_type",)),
    "noise": (pictures.noise, ("unsupported_type", "file_empty", "image_corrupt")),
    "png_damaged": (pictures.damaged_pngs, BROKEN),
    "jpeg_damaged": (pictures.damaged_jpegs, BROKEN),
    "tiff_damaged": (pictures.damaged_tiffs, BROKEN),
    "gif_webp_bmp_damaged": (pictures.damaged_others, BROKEN),
}
LINES: dict[str, tuple[Callable[[], list[bytes]], tuple[str, ...]]] = {
    "json_syntax": (tables.json_syntax, ("json_invalid",)),
    "json_shape": (tables.json_shape, ("json_not_object",)),
    "json_depth": (tables.json_depth, ("json_too_deep",)),
    "json_numbers": (tables.json_numbers, ("json_not_finite", "json_invalid")),
    "json_duplicate_keys": (tables.json_duplicates, ("json_duplicate_key",)),
    "json_types": (tables.json_types, ("field_invalid",)),
    "json_text": (tables.json_text, ("text_undecodable", "text_invalid", "json_invalid")),
    "json_long": (tables.long_lines, ("line_too_long", "text_too_long")),
    "json_ids": (tables.bad_ids, ("id_missing", "id_too_long", "id_invalid", "text_invalid")),
}
PATHS: dict[str, tuple[Callable[[], list[str]], tuple[str, ...]]] = {
    "path_outside": (tables.paths_outside, ("path_outside_root",)),
    "path_to_nothing": (tables.paths_to_nothing, ("file_missing",)),
    "path_invalid": (tables.paths_invalid, ("path_invalid", "text_invalid")),
}
ROWS: dict[str, tuple[Callable[[], list[bytes]], tuple[str, ...]]] = {
    "csv_ragged": (tables.ragged_rows, ("row_ragged",)),
    "csv_quotes": (tables.quoted_rows, ("quote_invalid",)),
    "csv_ids": (tables.rows_without_id, ("id_missing", "id_too_long", "id_invalid")),
    "csv_undecodable": (tables.undecodable_rows, ("text_undecodable",)),
    "csv_text": (
        tables.rows_of_odd_text,
        ("text_invalid", "path_invalid", "id_invalid", "text_too_long", "line_too_long"),
    ),
    "csv_pictures": (
        tables.rows_of_bad_names,
        ("path_outside_root", "path_invalid", "image_missing", "image_ambiguous", "file_missing"),
    ),
}
SOURCE_ERRORS = ("source_unreadable",)
NEIGHBOUR_EVERY = 4

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Case:
    """One malformed input.

    where: as rejects.jsonl names it, or the file of a whole table. expected: the reasons that it may be given.
    """

    kind: str
    where: str
    expected: tuple[str, ...]


@dataclass(slots=True)
class Corpus:
    """Folders on disk. cases: by source, in the order of its items. neighbours: valid items of each source."""

    folder: Path
    cases: dict[str, list[Case]] = field(default_factory=lambda: defaultdict(list))
    neighbours: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def source(self, name: str) -> Path:
        return self.folder / name


def build(folder: Path, per_kind: int | None = None) -> Corpus:
    """Write the corpus below `folder`, which is made; with `per_kind`, a sample of so many inputs of each kind."""
    corpus = Corpus(folder)
    _files(corpus, per_kind)
    _pack(corpus, per_kind)
    _export(corpus, per_kind)
    _tables(corpus, per_kind)
    return corpus


def _sample(found: Iterable[Item], per_kind: int | None) -> list[Item]:
    everything = list(found)
    if per_kind is None or len(everything) <= per_kind:
        return everything
    return everything[:: max(1, len(everything) // per_kind)][:per_kind]


def _files(corpus: Corpus, per_kind: int | None) -> None:
    """A bare folder: hostile files, links that lead elsewhere, things that are no files, names that are no text."""
    root = corpus.source("files")
    outside = corpus.folder / "outside"
    paint(outside / "secret.png", (1, 2, 3))
    cases = corpus.cases["files"]
    for kind, (make, expected) in PICTURES.items():
        for name, data in _sample(make(), per_kind):
            path = root / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            cases.append(Case(kind, f"{kind}/{name}", expected))
    links = {
        "relative.png": ("../../outside/secret.png", "path_outside_root"),
        "absolute.png": (str(outside / "secret.png"), "path_outside_root"),
        "passwd.png": ("/etc/passwd", "path_outside_root"),
        "environment.png": ("/proc/self/environ", "path_outside_root"),
        "device.png": ("/dev/zero", "path_outside_root"),
        "loop.png": ("loop.png", "symlink_loop"),
        "loop-a.png": ("loop-b.png", "symlink_loop"),
        "loop-b.png": ("loop-a.png", "symlink_loop"),
        "nowhere.png": ("gone.png", "file_missing"),
        "folder.png": (".", "not_a_file"),
    }
    (root / "links").mkdir()
    for name, (target, expected_reason) in links.items():
        (root / "links" / name).symlink_to(target)
        cases.append(Case("symbolic_link", f"links/{name}", (expected_reason,)))
    (root / "things/pipe").mkdir(parents=True)
    os.mkfifo(root / "things/fifo.png")
    (root / "things/folder.png").mkdir()
    (root / "things/link.png").symlink_to("fifo.png")
    _socket(root / "things/socket.png")
    for name in ("fifo.png", "folder.png", "link.png", "socket.png"):
        cases.append(Case("no_regular_file", f"things/{name}", ("not_a_file",)))
    (root / "names").mkdir()
    for raw in (b"not-utf8-\xff.png", b"line\nend.png", b"escape\x1b[31m.png", b"back\\slash.png", b"bell\x07.png"):
        with open(os.path.join(os.fsencode(root / "names"), raw), "wb") as file:
            file.write(b"x")
        cases.append(Case("name_is_no_text", shown(os.fsdecode(b"names/" + raw)), ("path_invalid",)))
    for n in range(len(cases) // NEIGHBOUR_EVERY):
        kinds = list(PICTURES)
        paint(root / kinds[n % len(kinds)] / f"neighbour-{n}.png", colour(n))
        corpus.neighbours["files"] += 1


def _socket(path: Path) -> None:
    """Bound by a relative name, for such names are short."""
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as made:
        try:
            os.chdir(path.parent)
            made.bind(path.name)
        finally:
            os.chdir(here)


def _pack(corpus: Corpus, per_kind: int | None) -> None:
    cases: list[tuple[str, bytes, tuple[str, ...]]] = []
    for kind, (make, expected) in LINES.items():
        cases += [(kind, line, expected) for line in _sample(make(), per_kind)]
    for kind, (paths, expected) in PATHS.items():
        cases += [(kind, tables.line(image=path), expected) for path in _sample(paths(), per_kind)]
    _write(corpus, "pack", "records.jsonl", "line", [], cases, lambda n: tables.line(id=f"good-{n}", image="good.png"))


def _export(corpus: Corpus, per_kind: int | None) -> None:
    cases: list[tuple[str, bytes, tuple[str, ...]]] = []
    for kind, (make, expected) in ROWS.items():
        cases += [(kind, row, expected) for row in _sample(make(), per_kind)]
    _write(corpus, "export", "metadata.csv", "row", [b"id,title,image"], cases, lambda n: b"good-%d,x,good.png" % n)
    for folder in ("one", "two"):
        paint(corpus.source("export") / folder / "twice.png", (5, 5, 5))


def _write(
    corpus: Corpus,
    source: str,
    name: str,
    unit: str,
    head: list[bytes],
    cases: list[tuple[str, bytes, tuple[str, ...]]],
    neighbour: Callable[[int], bytes],
) -> None:
    root = corpus.source(source)
    paint(root / "good.png", (200, 10, 10))
    lines = list(head)
    for n, (kind, line, expected) in enumerate(cases):
        if n % NEIGHBOUR_EVERY == 0:
            lines.append(neighbour(n))
            corpus.neighbours[source] += 1
        lines.append(line)
        corpus.cases[source].append(Case(kind, f"{name} {unit} {len(lines)}", expected))
    lines.append(neighbour(len(cases)))
    corpus.neighbours[source] += 1
    (root / name).write_bytes(b"\n".join(lines) + b"\n")


def _tables(corpus: Corpus, per_kind: int | None) -> None:
    root = corpus.source("tables")
    paint(root / "good.png", (200, 10, 10))
    kept: dict[str, int] = defaultdict(int)
    slow = [tables.exploding_workbook()] if per_kind is None else []
    for kind, name, data in [*tables.whole_tables(), *slow]:
        kept[kind] += 1
        if per_kind is not None and kept[kind] > per_kind:
            continue
        (root / name).write_bytes(data)
        corpus.cases["tables"].append(Case(kind, name, SOURCE_ERRORS))
