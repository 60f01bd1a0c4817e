"""An ingest counts every item, repeats nothing, and changes no source file."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import EncoderMismatch, LibraryError, StorageRefused
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.ingest.pipeline import IngestSettings, count_items
from sherd.ingest.progress import IngestReport, Progress, Silent
from sherd.ingest.verify import verify
from sherd.types import Box, Embeddings, Picture, Record, Region, SourceImage
from tests.ingest.museum import ListSource, colour, ingest, museum, paint, record


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool() as there:
        yield there


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    assert report.seen == report.added + report.updated + report.unchanged + report.rejected
    return report.added, report.updated, report.unchanged, report.rejected


def rejects(report: IngestReport) -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(report.rejects_file).read_text(encoding="utf-8").splitlines()]


def state(folder: Path) -> dict[str, object]:
    """All that a library says, without the numbers that it gave out."""
    with Library.open(folder) as library:
        ids = [f"r{n}" for n in range(500)] + ["a", "b", "o"]
        found = library.catalogue.get_many(ids)
        paths = {name: [path for _, path in pairs] for name, pairs in library.catalogue.keys_of(ids).items()}
        thumbnails = {path.name: path.read_bytes() for path in library.thumbnails.rglob("*.jpg")}
        return {"records": found, "paths": paths, "thumbnails": thumbnails, "count": library.catalogue.count()}


def assert_sound(folder: Path) -> None:
    with Library.open(folder) as library:
        assert verify(library).problems == []


def test_everything_is_added_once_and_then_unchanged(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 150)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "src").rglob("*.png")}
    first = ingest(tmp_path / "lib", source, pool)
    assert counts(first) == (150, 0, 0, 0)
    assert first.pictures == 150
    there = state(tmp_path / "lib")
    second = ingest(tmp_path / "lib", source, pool)
    assert counts(second) == (0, 0, 150, 0)
    assert second.pictures == 150
    assert state(tmp_path / "lib") == there
    assert_sound(tmp_path / "lib")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_what_is_stored_is_what_the_encoder_made_of_the_thumbnail(tmp_path: Path, pool: DecoderPool) -> None:
    ingest(tmp_path / "lib", museum(tmp_path / "src", 3), pool)
    encoder = ToyEncoder()
    with Library.open(tmp_path / "lib") as library:
        table = library.catalogue.vector_table()
        store = library.parts(encoder.fingerprint)
        for picture in library.catalogue.pictures():
            names, rows = library.catalogue.locate(np.asarray([picture.key]))
            info = next(one for one in table.parts if one.name == names[0])
            stored = store.read(info).object[rows[0]].astype(np.float32)
            pixels = thumbnail_pixels(library.thumbnail(picture.sha256).read_bytes())
            assert float(stored @ encoder.encode_images([pixels]).object[0]) > 0.999
        assert library.catalogue.encoder_name() == "toy"


def test_texts_and_regions_reach_the_catalogue(tmp_path: Path, pool: DecoderPool) -> None:
    paint(tmp_path / "src/a.png", (200, 10, 10))
    whole = Record(
        "a",
        (SourceImage("a.png", (Region(Box(0, 0.5, 0.25, 0.5), "ear"),), "side"),),
        titles={"zh": "红釉瓶"},
        culture="Qing",
    )
    ingest(tmp_path / "lib", ListSource(tmp_path / "src", [whole]), pool)
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.get_many(["a"]) == {"a": whole}
        assert library.catalogue.lexical("釉", 5)[0][0] == "a"


def test_a_changed_text_is_an_update_and_opens_no_picture(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 5)
    ingest(tmp_path / "lib", source, pool)
    changed = [replace(one, titles={"en": "New"}) if one.record_id == "r2" else one for one in source.records if one]
    told = _Told()
    report = ingest(tmp_path / "lib", ListSource(source.root, changed), pool, reporter=told)
    assert counts(report) == (0, 1, 4, 0)
    assert told.progress[-1].pictures == 0
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.get_many(["r2"])["r2"].title == "New"
    assert_sound(tmp_path / "lib")


def test_a_changed_picture_is_an_update_and_the_old_one_is_gone(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 4)
    ingest(tmp_path / "lib", source, pool)
    with Library.open(tmp_path / "lib") as library:
        old = library.catalogue.keys_of(["r1"])["r1"][0][0]
    paint(tmp_path / "src/p/1.png", (1, 2, 3))
    assert counts(ingest(tmp_path / "lib", source, pool)) == (0, 1, 3, 0)
    with Library.open(tmp_path / "lib") as library:
        assert old not in library.catalogue.live_keys()
        assert library.catalogue.live_keys().size == 4
        assert len(list(library.thumbnails.rglob("*.jpg"))) == 4
    assert_sound(tmp_path / "lib")


def test_a_touched_picture_is_read_again_and_found_unchanged(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 3)
    ingest(tmp_path / "lib", source, pool)
    os.utime(tmp_path / "src/p/1.png", ns=(1, 1))
    assert counts(ingest(tmp_path / "lib", source, pool)) == (0, 0, 3, 0)
    told = _Told()
    assert counts(ingest(tmp_path / "lib", source, pool, reporter=told)) == (0, 0, 3, 0)


def test_rehash_finds_a_change_that_size_and_time_hide(tmp_path: Path, pool: DecoderPool) -> None:
    path = paint(tmp_path / "src/a.png", (10, 10, 10))
    stat = path.stat()
    source = ListSource(tmp_path / "src", [record("a", "a.png")])
    ingest(tmp_path / "lib", source, pool)
    paint(path, (20, 20, 20))
    path.write_bytes(path.read_bytes().ljust(stat.st_size, b"\0")[: stat.st_size])
    os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert counts(ingest(tmp_path / "lib", source, pool)) == (0, 0, 1, 0)
    assert counts(ingest(tmp_path / "lib", source, pool, settings=IngestSettings(rehash=True))) == (0, 1, 0, 0)
    assert counts(ingest(tmp_path / "lib", source, pool, settings=IngestSettings(rehash=True))) == (0, 0, 1, 0)


def test_bad_items_are_rejected_with_their_reason_and_the_others_go_on(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 3)
    (tmp_path / "src/p/1.png").write_bytes(b"no picture")
    more = [*source.records, None, record("x"), record("y", "p/none.png"), record("z", "p/0.png", title="\udc80")]
    report = ingest(tmp_path / "lib", ListSource(source.root, more), pool)
    assert counts(report) == (2, 0, 0, 5)
    assert report.pictures == 2
    told = rejects(report)
    assert [one["reason"] for one in told] == [
        "unsupported_type", "bad_json", "no_picture", "file_missing", "text_invalid",
    ]  # fmt: skip
    assert [one["where"] for one in told] == ["line 2", "line 4", "line 5", "line 6", "line 7"]
    assert all(set(one) == {"source", "where", "reason", "detail"} and one["detail"] for one in told)
    assert_sound(tmp_path / "lib")


def test_an_item_with_one_bad_picture_of_two_is_rejected_whole(tmp_path: Path, pool: DecoderPool) -> None:
    paint(tmp_path / "src/good.png", (9, 9, 9))
    report = ingest(tmp_path / "lib", ListSource(tmp_path / "src", [record("a", "good.png", "bad.png")]), pool)
    assert counts(report) == (0, 0, 0, 1)
    assert report.pictures == 0
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.count() == (0, 0)
    assert_sound(tmp_path / "lib")


def test_what_the_library_had_of_an_item_outlives_its_rejection(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 2)
    ingest(tmp_path / "lib", source, pool)
    (tmp_path / "src/p/1.png").write_bytes(b"damaged since")
    report = ingest(tmp_path / "lib", source, pool)
    assert counts(report) == (0, 0, 1, 1)
    assert report.pictures == 2
    assert_sound(tmp_path / "lib")


def test_the_rejects_are_those_of_the_last_run(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 2)
    report = ingest(tmp_path / "lib", ListSource(source.root, [None]), pool)
    assert len(rejects(report)) == 1
    assert rejects(ingest(tmp_path / "lib", source, pool)) == []


def test_views_of_one_object_are_one_record(tmp_path: Path, pool: DecoderPool) -> None:
    for n in range(3):
        paint(tmp_path / f"src/{n}.png", colour(n))
    views = [record("o", f"{n}.png", title=f"View {n}") for n in range(3)]
    report = ingest(tmp_path / "lib", ListSource(tmp_path / "src", views), pool)
    assert counts(report) == (3, 0, 0, 0)
    with Library.open(tmp_path / "lib") as library:
        there = library.catalogue.get_many(["o"])["o"]
        assert [image.path for image in there.images] == ["0.png", "1.png", "2.png"]
        assert there.title == "View 0"
        assert library.catalogue.count() == (1, 3)


def test_the_same_picture_twice_is_encoded_once(tmp_path: Path, pool: DecoderPool) -> None:
    for name in ("a", "b"):
        paint(tmp_path / f"src/{name}.png", (50, 60, 70))
    told = _Told()
    source = ListSource(tmp_path / "src", [record("a", "a.png"), record("b", "b.png")])
    report = ingest(tmp_path / "lib", source, pool, reporter=told)
    assert counts(report) == (2, 0, 0, 0)
    assert report.pictures == 2
    assert told.progress[-1].pictures == 1
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.count() == (2, 1)
    assert_sound(tmp_path / "lib")


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_identical_lines_are_items_of_their_own_and_stay_unchanged(
    tmp_path: Path, pool: DecoderPool, batch: int
) -> None:
    paint(tmp_path / "src/a.png", (5, 5, 5))
    lines = [record("a", "a.png", title=f"Text {n % 2}") for n in range(7)]
    source, settings = ListSource(tmp_path / "src", lines), IngestSettings(batch_pictures=batch)
    assert counts(ingest(tmp_path / "lib", source, pool, settings=settings)) == (7, 0, 0, 0)
    for _ in range(2):
        assert counts(ingest(tmp_path / "lib", source, pool, settings=settings)) == (0, 0, 7, 0)
    with Library.open(tmp_path / "lib") as library:
        there = library.catalogue.get_many(["a"])["a"]
        assert there.title == "Text 0"
        assert len(there.images) == 1


@pytest.mark.parametrize("batch", [1, 2, 64, 1000])
def test_the_size_of_a_batch_changes_nothing(tmp_path: Path, pool: DecoderPool, batch: int) -> None:
    source = museum(tmp_path / "src", 9)
    ingest(tmp_path / "lib", source, pool, settings=IngestSettings(batch_pictures=batch))
    ingest(tmp_path / "whole", source, pool)
    assert state(tmp_path / "lib") == state(tmp_path / "whole")
    assert_sound(tmp_path / "lib")


def test_a_row_in_front_of_the_others_changes_none_of_them(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 4)
    ingest(tmp_path / "lib", source, pool)
    paint(tmp_path / "src/new.png", (7, 8, 9))
    longer = ListSource(source.root, [record("a", "new.png"), *source.records])
    assert counts(ingest(tmp_path / "lib", longer, pool)) == (1, 0, 4, 0)


def test_an_exchanged_picture_is_one_update(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 3)
    ingest(tmp_path / "lib", source, pool)
    paint(tmp_path / "src/better.png", (7, 8, 9))
    lines = [record("r0", "better.png", title="Relic r0"), *source.records[1:]]
    report = ingest(tmp_path / "lib", ListSource(source.root, lines), pool)
    assert counts(report) == (0, 1, 2, 0)
    assert report.pictures == 3
    with Library.open(tmp_path / "lib") as library:
        assert [path for _, path in library.catalogue.keys_of(["r0"])["r0"]] == ["better.png"]
    assert_sound(tmp_path / "lib")


def test_a_view_that_vanished_is_dropped_and_a_record_that_vanished_is_kept(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 4)
    views = [record("o", "p/0.png"), record("o", "p/1.png"), record("a", "p/2.png"), record("b", "p/3.png")]
    ingest(tmp_path / "lib", ListSource(source.root, views), pool)
    report = ingest(tmp_path / "lib", ListSource(source.root, [views[1], views[3]]), pool)
    assert counts(report) == (0, 0, 2, 0)
    assert report.pictures == 3
    with Library.open(tmp_path / "lib") as library:
        assert [path for _, path in library.catalogue.keys_of(["o"])["o"]] == ["p/1.png"]
        assert set(library.catalogue.get_many(["o", "a", "b"])) == {"o", "a", "b"}
        assert library.catalogue.live_keys().size == 3
    assert_sound(tmp_path / "lib")


@pytest.mark.parametrize("trouble", [None, "other", "own"])
def test_nothing_is_dropped_when_what_is_missing_may_be_what_was_refused(
    tmp_path: Path, pool: DecoderPool, trouble: str | None
) -> None:
    source = museum(tmp_path / "src", 3)
    views = [record("o", "p/0.png"), record("o", "p/1.png"), record("a", "p/2.png")]
    ingest(tmp_path / "lib", ListSource(source.root, views), pool)
    # An unreadable line may have been the missing view, a refused view its successor; another record's is neither.
    more = {None: None, "other": record("x", "none.png"), "own": record("o", "none.png")}[trouble]
    ingest(tmp_path / "lib", ListSource(source.root, [views[0], views[2], more]), pool)
    with Library.open(tmp_path / "lib") as library:
        assert len(library.catalogue.keys_of(["o"])["o"]) == (1 if trouble == "other" else 2)


def test_two_sources_stand_beside_each_other(tmp_path: Path, pool: DecoderPool) -> None:
    ingest(tmp_path / "lib", museum(tmp_path / "one", 3), pool)
    report = ingest(tmp_path / "lib", museum(tmp_path / "two", 2, start=3), pool)
    assert counts(report) == (2, 0, 0, 0)
    assert report.pictures == 2
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.count() == (5, 5)
    assert_sound(tmp_path / "lib")


def test_another_encoder_is_refused_and_both_are_named(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 2)
    ingest(tmp_path / "lib", source, pool)
    other = ToyEncoder(version=2)
    with pytest.raises(EncoderMismatch) as refused:
        ingest(tmp_path / "lib", source, pool, encoder=other)
    for part in (ToyEncoder().fingerprint[:12], other.fingerprint[:12], "sherd reindex --model toy"):
        assert part in str(refused.value)
    assert_sound(tmp_path / "lib")


class _Blind(ToyEncoder):
    """Gives NaN for dark pictures."""

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        made = super().encode_images(pictures)
        for n, picture in enumerate(pictures):
            if picture.mean() < 20:
                made.object[n] = np.nan
        return made


def test_a_picture_without_a_usable_vector_is_rejected(tmp_path: Path, pool: DecoderPool) -> None:
    for name, value in (("a", 200), ("b", 5), ("c", 100)):
        paint(tmp_path / f"src/{name}.png", (value, value, value))
    source = ListSource(tmp_path / "src", [record(name, f"{name}.png") for name in "abc"])
    report = ingest(tmp_path / "lib", source, pool, encoder=_Blind())
    assert counts(report) == (2, 0, 0, 1)
    assert rejects(report)[0]["reason"] == "vector_unusable"
    assert_sound(tmp_path / "lib")


class _Told(Silent):
    def __init__(self) -> None:
        self.progress: list[Progress] = []
        self.warnings: list[tuple[str, str]] = []

    def settled(self, progress: Progress) -> None:
        self.progress.append(progress)

    def warned(self, where: str, what: str) -> None:
        self.warnings.append((where, what))


def test_items_are_acknowledged_in_order_after_their_commit(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 10)
    seen = []

    class Checks(_Told):
        def settled(self, progress: Progress) -> None:
            super().settled(progress)
            with Library.open(tmp_path / "lib") as other:
                seen.append(
                    (progress.settled, len(other.catalogue.get_many([f"r{n}" for n in range(progress.settled)])))
                )

    ingest(tmp_path / "lib", source, pool, reporter=Checks(), settings=IngestSettings(batch_pictures=4))
    assert seen == [(4, 4), (8, 8), (10, 10)]


def test_warnings_of_a_source_are_handed_on(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 1)
    source.warnings = ("box_outside: left out",)
    told = _Told()
    assert counts(ingest(tmp_path / "lib", source, pool, reporter=told)) == (1, 0, 0, 0)
    assert told.warnings == [("line 1", "box_outside: left out")]


def test_an_empty_source_makes_an_empty_library(tmp_path: Path, pool: DecoderPool) -> None:
    report = ingest(tmp_path / "lib", ListSource(tmp_path, []), pool)
    assert counts(report) == (0, 0, 0, 0)
    assert_sound(tmp_path / "lib")


def test_many_small_parts_are_merged(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 20)
    ingest(tmp_path / "lib", source, pool, settings=IngestSettings(batch_pictures=3))
    with Library.open(tmp_path / "lib") as library:
        assert len(library.catalogue.parts(ToyEncoder().fingerprint)) == 1
        assert len(list((library.folder / "vectors").rglob("*"))) == 2
    assert_sound(tmp_path / "lib")


def test_a_library_can_be_moved(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 3)
    ingest(tmp_path / "lib", source, pool)
    (tmp_path / "lib").rename(tmp_path / "moved")
    assert_sound(tmp_path / "moved")
    assert counts(ingest(tmp_path / "moved", source, pool)) == (0, 0, 3, 0)
    there = (tmp_path / "moved/catalogue.sqlite").read_bytes()
    assert os.fsencode(tmp_path / "lib") not in there


def test_a_full_disk_is_told_and_what_was_acknowledged_stays(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 9)
    steps = []

    def full(step: str) -> None:
        steps.append(step)
        if steps.count("thumbnails_written") == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x.vec")

    with pytest.raises(
        StorageRefused, match=r"lib: the disk refused \(No space left on device\); what was acknowledged"
    ):
        ingest(tmp_path / "lib", source, pool, settings=IngestSettings(batch_pictures=3), hook=full)
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.count() == (3, 3)
    assert counts(ingest(tmp_path / "lib", source, pool)) == (6, 0, 3, 0)
    assert_sound(tmp_path / "lib")


def test_a_folder_with_other_files_is_not_made_a_library(tmp_path: Path, pool: DecoderPool) -> None:
    source = museum(tmp_path / "src", 1)
    with pytest.raises(LibraryError, match="holds other files"):
        ingest(tmp_path / "src", source, pool)


def test_counting_gives_up_in_time(tmp_path: Path) -> None:
    source = ListSource(tmp_path, [None] * 50)
    assert count_items(source, 10) == 50
    assert count_items(source, 0) is None
