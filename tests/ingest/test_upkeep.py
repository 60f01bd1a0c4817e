"""Whatever happens to the files of a library, verify sees it and repair mends it or says what it cannot."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.protocol import Encoder
from sherd.encoder.toy import ToyEncoder
from sherd.errors import CorruptData, EncoderMismatch, InvalidArgument, LibraryBusy, LibraryError
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import IngestSettings
from sherd.ingest.reindex import Reindexed, reindex
from sherd.ingest.repair import Repair, repair
from sherd.ingest.verify import Verification, verify
from sherd.types import Box, Embeddings, Picture, Record, Region, SourceImage
from tests.ingest.museum import ListSource, ingest, museum, paint, record

Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool() as there:
        yield there


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, pool: DecoderPool) -> Path:
    """A library of 12 pictures with texts and regions, and its source beside it."""
    root = tmp_path_factory.mktemp("sound")
    source = museum(root / "src", 11)
    paint(root / "src/marked.png", (200, 30, 40))
    image = SourceImage("marked.png", (Region(Box(0.1, 0.2, 0.3, 0.4), "ear"),), "front")
    marked = Record("marked", (image,), titles={"zh": "饕餮纹鼎"}, culture="Shang", motifs=("taotie",))
    settings = IngestSettings(batch_pictures=4)
    ingest(root / "lib", ListSource(source.root, [*source.records, marked]), pool, settings=settings)
    return root


@pytest.fixture
def lib(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound library, to be harmed."""
    shutil.copytree(sound / "lib", tmp_path / "lib")
    return tmp_path / "lib"


def check(folder: Path) -> Verification:
    with Library.open(folder) as library:
        return verify(library)


def mend(folder: Path, pool: DecoderPool, load: Callable[[str], Encoder] = lambda name: ToyEncoder()) -> Repair:
    with Library.open(folder) as library:
        return repair(library, pool, load)


def content(folder: Path) -> dict[str, object]:
    """Everything that a search can see."""
    with Library.open(folder) as library:
        ids = [*(f"r{n}" for n in range(11)), "marked"]
        table = library.catalogue.vector_table()
        store = library.parts(library.catalogue.encoder_fingerprint() or "")
        parts = [store.read(info) for info in table.parts]
        vectors = {
            parts[part].sha256(row): parts[part].object[row].tolist()
            for part, row in zip(table.part_of.tolist(), table.rows.tolist(), strict=True)
        }
        words = {name: round(score, 9) for name, score in library.catalogue.lexical("饕餮 relic taotie", 50)}
        thumbnails = {path.name: path.read_bytes() for path in library.thumbnails.rglob("*.jpg")}
        return {"records": library.catalogue.get_many(ids), "vectors": vectors, "words": words, "files": thumbnails}


def flip(path: Path, at: int = -40) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def a_thumbnail(lib: Path) -> Path:
    return min(lib.rglob("*.jpg"))


def a_part(lib: Path) -> Path:
    return min(lib.rglob("*.vec"))


def sql(statement: str) -> Harm:
    def run(lib: Path) -> None:
        with closing(sqlite3.connect(lib / "catalogue.sqlite")) as connection, connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(statement)

    return run


def test_a_sound_library_is_found_sound(sound: Path) -> None:
    found = check(sound / "lib")
    assert found.as_dict() == {
        "ok": True,
        "checked": {"catalogue": 1, "records": 12, "items": 12, "thumbnails": 12, "vectors": 12, "indexes": 0},
        "problems": [],
    }


HARMS: dict[str, tuple[Harm, set[str]]] = {
    "thumbnail gone": (lambda lib: a_thumbnail(lib).unlink(), {"thumbnail_missing"}),
    "thumbnail altered": (lambda lib: flip(a_thumbnail(lib)), {"thumbnail_altered"}),
    "thumbnail empty": (lambda lib: a_thumbnail(lib).write_bytes(b""), {"thumbnail_altered"}),
    "thumbnails swapped": (
        lambda lib: shutil.copy(a_thumbnail(lib), max(lib.rglob("*.jpg"))),
        {"thumbnail_altered"},
    ),
    "all thumbnails gone": (lambda lib: shutil.rmtree(lib / "thumbnails"), {"thumbnail_missing"}),
    "thumbnail extra": (lambda lib: paint(lib / "thumbnails/ab/x.jpg", (1, 2, 3)), {"thumbnail_extra"}),
    "unfinished thumbnail": (lambda lib: (lib / "thumbnails/x.tmp").touch(), {"thumbnail_extra"}),
    "part gone": (lambda lib: a_part(lib).unlink(), {"part_missing"}),
    "part altered": (lambda lib: flip(a_part(lib)), {"part_altered"}),
    "part cut short": (lambda lib: a_part(lib).write_bytes(a_part(lib).read_bytes()[:-100]), {"part_altered"}),
    "part empty": (lambda lib: a_part(lib).write_bytes(b""), {"part_altered"}),
    "part extra": (lambda lib: shutil.copy(a_part(lib), a_part(lib).with_name("0.vec")), {"part_extra"}),
    "unfinished part": (lambda lib: a_part(lib).with_name(".x.vec.1.tmp").touch(), {"part_extra"}),
    "another encoder's folder": (lambda lib: paint(lib / "vectors/0123/x.vec", (1, 2, 3)), {"part_extra"}),
    "index extra": (lambda lib: paint(lib / "index/0123/x.index", (1, 2, 3)), {"index_extra"}),
    "vectors forgotten": (sql("DELETE FROM vectors WHERE key = 3"), {"vectors_missing"}),
    "vectors exchanged": (
        sql("UPDATE vectors SET row = CASE key WHEN 1 THEN 1 WHEN 2 THEN 0 ELSE row END"),
        {"vectors_misplaced"},
    ),
    "row beyond the part": (sql("UPDATE vectors SET row = 99 WHERE key = 5"), {"vectors_misplaced"}),
    "title altered": (sql("UPDATE records SET title = 'Fake' WHERE number = 2"), {"record_altered"}),
    "record altered": (sql("UPDATE records SET body = '{}' WHERE number = 2"), {"record_altered"}),
    "words altered": (sql("UPDATE lexical SET title = 'fake' WHERE rowid = 2"), {"words_altered"}),
    "words gone": (sql("DELETE FROM lexical WHERE rowid = 2"), {"words_altered"}),
    "words extra": (sql("INSERT INTO lexical(rowid, title) VALUES (99, 'fake')"), {"words_altered"}),
    "word index altered": (
        sql("UPDATE lexical_data SET block = zeroblob(length(block)) WHERE id > 10"),
        {"words_altered"},
    ),
    "filter term altered": (sql("DELETE FROM record_terms"), {"words_altered"}),
}


@pytest.mark.parametrize("name", HARMS)
def test_harm_is_found_by_its_kind_and_mended(name: str, lib: Path, sound: Path, pool: DecoderPool) -> None:
    harm, kinds = HARMS[name]
    harm(lib)
    found = check(lib)
    assert {problem.kind for problem in found.problems} == kinds
    assert all(problem.what and problem.where for problem in found.problems)
    done = mend(lib, pool)
    assert done.after.problems == []
    assert done.as_dict()["found"] == len(found.problems)
    assert check(lib).ok
    assert content(lib) == content(sound / "lib")


UNMENDABLE: dict[str, tuple[Harm, str]] = {
    "item text altered": (sql("UPDATE source_items SET body = replace(body, 'Shang', 'Ming')"), "item_altered"),
    "item text broken": (sql("UPDATE source_items SET body = '{' WHERE number = 12"), "item_altered"),
    "path altered": (sql("UPDATE images SET path = 'other.png' WHERE number = 1"), "item_altered"),
    "image gone": (sql("DELETE FROM images WHERE number = 1"), "item_altered"),
    "region altered": (sql("UPDATE regions SET x = 0.15"), "item_altered"),
    "region out of the picture": (sql("UPDATE regions SET x = 15"), "item_altered"),
    "region gone": (sql("DELETE FROM regions"), "item_altered"),
    "record id altered": (sql("UPDATE records SET record_id = 'fake' WHERE number = 1"), "item_altered"),
    "column gone": (sql("ALTER TABLE pictures RENAME COLUMN frames TO pages"), "catalogue_damaged"),
    "dangling image": (sql("UPDATE images SET key = 99 WHERE number = 1"), "catalogue_damaged"),
}


@pytest.mark.parametrize("name", UNMENDABLE)
def test_harm_to_the_truth_itself_is_found_and_not_hidden(name: str, lib: Path, pool: DecoderPool) -> None:
    harm, kind = UNMENDABLE[name]
    harm(lib)
    assert kind in {problem.kind for problem in check(lib).problems}
    assert not mend(lib, pool).after.ok


def test_an_altered_text_comes_back_with_the_next_ingest(lib: Path, sound: Path, pool: DecoderPool) -> None:
    sql("UPDATE source_items SET body = replace(body, 'Relic r3', 'Fake') WHERE ordinal = 3")(lib)
    mend(lib, pool)
    source = ListSource(sound / "src", [record(f"r{n}", f"p/{n}.png") for n in range(11)])
    report = ingest(lib, source, pool)
    assert (report.updated, report.unchanged) == (1, 10)
    assert check(lib).ok
    assert content(lib)["records"] == content(sound / "lib")["records"]


def test_a_thumbnail_whose_original_is_gone_or_changed_stays_a_problem(tmp_path: Path, pool: DecoderPool) -> None:
    ingest(tmp_path / "lib", museum(tmp_path / "src", 2), pool)
    shutil.rmtree(tmp_path / "lib/thumbnails")
    (tmp_path / "src/p/0.png").unlink()
    paint(tmp_path / "src/p/1.png", (1, 1, 1))
    assert {problem.kind for problem in mend(tmp_path / "lib", pool).after.problems} == {"thumbnail_missing"}
    assert len(check(tmp_path / "lib").problems) == 2


def test_repair_asks_for_no_encoder_when_vectors_are_whole(lib: Path, pool: DecoderPool) -> None:
    def none(name: str) -> Encoder:
        raise AssertionError(name)

    a_thumbnail(lib).unlink()
    assert mend(lib, pool, none).after.ok


def test_repair_does_not_mix_the_vectors_of_two_encoders(lib: Path, pool: DecoderPool) -> None:
    a_part(lib).unlink()
    with pytest.raises(EncoderMismatch, match="sherd reindex"):
        mend(lib, pool, lambda name: ToyEncoder(version=2))
    assert mend(lib, pool).after.ok


def test_flipped_bits_of_the_catalogue_are_found_or_have_no_effect(lib: Path, sound: Path) -> None:
    dice, wanted = random.Random(3), content(sound / "lib")
    path = lib / "catalogue.sqlite"
    before, found = path.read_bytes(), 0
    for _ in range(60):
        # Half of the flips go where text is, for much of a small file is empty.
        letters = [at for at in range(0, len(before), 7) if before[at] > 32]
        at = dice.choice([dice.randrange(len(before)), dice.choice(letters)])
        path.write_bytes(before[:at] + bytes([before[at] ^ 1 << dice.randrange(8)]) + before[at + 1 :])
        for log in lib.glob("catalogue.sqlite-*"):
            log.unlink()
        try:
            if check(lib).ok:
                assert content(lib) == wanted, f"byte {at}"
            else:
                found += 1
        except LibraryError:  # CorruptData among them
            found += 1
    assert found > 10


@pytest.mark.parametrize("kind", ["*.jpg", "*.vec"])
def test_every_single_bit_of_a_derived_file_counts(kind: str, lib: Path) -> None:
    dice = random.Random(7)
    files = sorted(lib.rglob(kind))
    for _ in range(25):
        path = dice.choice(files)
        before = path.read_bytes()
        at, bit = dice.randrange(len(before)), dice.randrange(8)
        path.write_bytes(before[:at] + bytes([before[at] ^ 1 << bit]) + before[at + 1 :])
        assert not check(lib).ok, f"{path.name}: bit {bit} of byte {at}"
        path.write_bytes(before)
    assert check(lib).ok


def test_verify_waits_for_no_writer(lib: Path) -> None:
    with Library.open(lib) as library, Library.open(lib) as other, other.writer(), pytest.raises(LibraryBusy):
        verify(library)


def again(folder: Path, encoder: Encoder, **options: object) -> Reindexed:
    with Library.open(folder) as library:
        return reindex(library, encoder, **options)  # type: ignore[arg-type]


class _Counting(ToyEncoder):
    """Counts what it encodes."""

    encoded = 0

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        self.encoded += len(pictures)
        return super().encode_images(pictures)


def test_reindex_makes_all_vectors_anew(lib: Path, sound: Path) -> None:
    encoder = _Counting()
    done = again(lib, encoder)
    assert (done.pictures, done.encoded, done.model) == (12, 12, "toy") == (12, encoder.encoded, encoder.name)
    assert check(lib).ok
    assert content(lib)["vectors"] == content(sound / "lib")["vectors"]


def test_reindex_with_another_encoder_switches_the_library(lib: Path, sound: Path, pool: DecoderPool) -> None:
    other = ToyEncoder(version=2)
    again(lib, other, encoder_name="toy-2")
    with Library.open(lib) as library:
        assert library.catalogue.encoder_fingerprint() == other.fingerprint
        assert library.catalogue.encoder_name() == "toy-2"
    assert [path.name for path in (lib / "vectors").iterdir()] == [other.fingerprint[:16]]
    assert check(lib).ok
    source = ListSource(sound / "src", [record(f"r{n}", f"p/{n}.png") for n in range(11)])
    assert ingest(lib, source, pool, encoder=other).unchanged == 11
    with pytest.raises(EncoderMismatch, match="toy-2"):
        ingest(lib, source, pool)


@pytest.mark.parametrize("version", [1, 2])
def test_an_interrupted_reindex_goes_on_where_it_was(
    lib: Path, pool: DecoderPool, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sherd.ingest.reindex._PART", 4)
    steps: list[str] = []

    def stop(step: str) -> None:
        steps.append(step)
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(lib, ToyEncoder(version), hook=stop)
    with Library.open(lib) as library:
        assert library.catalogue.encoder_fingerprint() == ToyEncoder().fingerprint
        assert library.catalogue.live_keys().size == 12  # searching goes on with the old vectors
    assert check(lib).ok
    ingest(lib, museum(lib.parent / "more", 1, start=50), pool)  # a picture that the new encoder has not seen either
    encoder = _Counting(version)
    told: list[tuple[int, int]] = []
    done = again(lib, encoder, settled=lambda at, total: told.append((at, total)))
    assert done.pictures == 13
    assert encoder.encoded == 5
    assert told[-1] == (13, 13)
    assert check(lib).ok


def test_reindex_stops_at_a_damaged_thumbnail_and_keeps_the_old_encoder(lib: Path, pool: DecoderPool) -> None:
    flip(a_thumbnail(lib))
    with pytest.raises(CorruptData, match="sherd repair"):
        again(lib, ToyEncoder(version=2))
    with Library.open(lib) as library:
        assert library.catalogue.encoder_fingerprint() == ToyEncoder().fingerprint
    assert mend(lib, pool).after.ok
    again(lib, ToyEncoder(version=2))
    assert check(lib).ok


def test_an_empty_library_can_be_reindexed(tmp_path: Path) -> None:
    Library.open(tmp_path / "lib", create=True).close()
    assert again(tmp_path / "lib", ToyEncoder()).pictures == 0
    assert check(tmp_path / "lib").ok


def test_large_libraries_get_index_files_that_verify_knows(
    lib: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sherd.ingest import tidy
    from sherd.vectors.faiss_index import IndexSettings
    from sherd.vectors.index_files import save_indexes

    small = IndexSettings(exact_limit=10)
    monkeypatch.setattr(tidy, "save_indexes", lambda folder, rows, **_: save_indexes(folder, rows, settings=small))
    rng = np.random.default_rng(1)
    for n in range(100, 160):
        paint(lib.parent / f"many/{n}.png", tuple(rng.integers(0, 255, 3).tolist()))
    lines = [record(f"m{n}", f"{n}.png") for n in range(100, 160)]
    ingest(lib, ListSource(lib.parent / "many", lines), pool)
    files = sorted(path for path in (lib / "index").rglob("*") if path.is_file())
    assert {path.suffix for path in files} == {".index", ".rows", ".lists", ".coder"}
    found = check(lib)
    assert found.ok
    assert found.checked["indexes"] == len(files)
    flip(files[0], 200)
    assert {problem.kind for problem in check(lib).problems} == {"index_altered"}
    assert mend(lib, pool).after.ok


def test_indexes_are_made_as_chosen_and_measured(lib: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import partial

    from sherd.ingest.reindex import index_anew
    from sherd.vectors.faiss_index import IndexSettings

    monkeypatch.setattr(
        "sherd.vectors.index_files.IndexSettings", partial(IndexSettings, exact_limit=40, tail_limit=10)
    )
    monkeypatch.setattr("sherd.ingest.reindex._TITLES_LEAST", 10)
    rng = np.random.default_rng(1)
    for n in range(100, 160):
        paint(lib.parent / f"many/{n}.png", tuple(rng.integers(0, 255, 3).tolist()))
    lines = [record(f"m{n}", f"{n}.png") for n in range(100, 160)]
    ingest(lib, ListSource(lib.parent / "many", lines), pool)
    with Library.open(lib) as library:
        told: list[tuple[str, int, int]] = []
        found = index_anew(library, ToyEncoder(), kind="hnsw", recall=0.9, told=lambda *one: told.append(one))
        assert {(one.kind, one.recall_asked_for, one.asked_with) for one in found.values()} == {("hnsw", 0.9, "texts")}
        assert found["object"].vectors == 72
        assert (found["object"].recall or 0) >= 0.9, found  # the parts of one colour are all alike: a graph misses some
        assert ("object", 72, 72) in told
        before = content(lib)["vectors"]
        assert {one.kind for one in index_anew(library, ToyEncoder(), recall=0.99).values()} == {"hnsw"}
        assert content(lib)["vectors"] == before
        assert {one.recall_asked_for for one in reindex(library, ToyEncoder()).indexes.values()} == {0.99}
        with pytest.raises(InvalidArgument, match="kind"):
            reindex(library, ToyEncoder(), kind="tree")
    assert check(lib).ok
