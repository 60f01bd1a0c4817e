"""What the catalogue gives back is what was put in, in one state, for those who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sherd.catalogue.catalogue import Catalogue, Shown
from sherd.catalogue.lookup import remove_unused_pictures
from sherd.catalogue.whole_words import stands_in
from sherd.errors import CorruptData, InvalidArgument, LibraryError
from sherd.types import Record, SourceImage
from tests.catalogue.shelf import BELL, DING, FINGERPRINT, VASE, catalogue, filled, item, put


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Catalogue]:
    there = filled(tmp_path)
    yield there
    there.close()


def test_records_come_back_as_they_were(shelf: Catalogue) -> None:
    there = shelf.get_many(["v-7", "1982.30.1", "unknown", "bell"])
    assert there == {one.record_id: one for one in (DING, VASE, BELL)}


def test_an_empty_catalogue_answers_everything_with_nothing(tmp_path: Path) -> None:
    empty = catalogue(tmp_path)
    assert empty.encoder_fingerprint() is None
    assert empty.encoder_name() is None
    assert empty.live_keys().tolist() == []
    assert empty.live_keys({"culture": ("Shang",)}).tolist() == []
    assert empty.hits_for(np.asarray([1])) == {}
    assert empty.lexical("ding", 5) == []
    assert empty.count() == (0, 0)
    assert empty.vector_table().keys.tolist() == []
    empty.close()


def test_vectors_are_located(shelf: Catalogue) -> None:
    put(shelf, [item(Record("new", (SourceImage("n.jpg"),)), [9])], [9], name="p2.vec")
    names, rows = shelf.locate(np.asarray([9, 1, 3]))
    assert names == ["p2.vec", "p1.vec", "p1.vec"]
    assert rows.tolist() == [0, 0, 2]
    table = shelf.vector_table()
    assert table.keys.tolist() == [1, 2, 3, 9]
    assert table.part_of.tolist() == [0, 0, 0, 1]
    assert table.rows.tolist() == [0, 1, 2, 0]
    assert [info.name for info in table.parts] == ["p1.vec", "p2.vec"] == [i.name for i in shelf.parts(FINGERPRINT)]
    assert table.generation == shelf.generation()
    with pytest.raises(InvalidArgument, match="key 77"):
        shelf.locate(np.asarray([77]))


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ({"culture": ("shang",)}, [1]),
        ({"culture": ("SHANG", "Ming")}, [1, 2]),
        ({"material": ("bronze",)}, [1]),  # "Gilt bronze", not "bronzed wood"
        ({"material": ("gilt BRONZE",)}, [1]),
        ({"period": ("商代",)}, [1]),  # part of a Chinese term
        ({"period": ("代",)}, [1, 2]),
        ({"culture": ("Shang",), "material": ("porcelain",)}, []),
        ({"theme": ("music",), "material": ("wood",)}, [3]),
        ({"rights": ("public domain",)}, [1]),
        ({"licence": ("cc0",)}, [2]),
        ({"object_type": ("vase", "ding")}, [1, 2]),
        ({"motif": ("雷纹",)}, [1]),
        ({"culture": ("%",)}, []),
        ({}, [1, 2, 3]),
    ],
)
def test_filters(shelf: Catalogue, where: dict[str, tuple[str, ...]], keys: list[int]) -> None:
    assert shelf.live_keys(where).tolist() == keys
    assert sorted(shelf.hits_for(np.arange(10), where)) == keys


def test_picture_keys_are_those_of_the_records(shelf: Catalogue) -> None:
    for ids in (["ding"], ["bell", "vase"], ["nothing"], []):
        wanted = sorted(key for pairs in shelf.keys_of(ids).values() for key, _ in pairs)
        assert shelf.picture_keys(ids).tolist() == wanted


def test_titles_come_a_page_at_a_time(shelf: Catalogue) -> None:
    whole = shelf.titles("", 100)
    assert [name for name, _ in whole] == shelf.record_ids()
    assert [title for _, title in whole] == [shelf.get_many([name])[name].title for name, _ in whole]
    assert shelf.titles(whole[0][0], 1) == whole[1:2]
    assert shelf.titles(whole[-1][0], 1) == []


@pytest.mark.parametrize("where", [{"colour": ("red",)}, {"culture": ()}, {"culture": (" ",)}])
def test_a_filter_that_means_nothing_is_refused(shelf: Catalogue, where: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(InvalidArgument):
        shelf.live_keys(where)
    with pytest.raises(InvalidArgument):
        shelf.lexical("ding", 5, where)


def test_an_unknown_field_is_answered_with_the_known_ones(shelf: Catalogue) -> None:
    with pytest.raises(InvalidArgument, match="culture, licence, material"):
        shelf.live_keys({"colour": ("red",)})


def test_a_value_stands_in_a_term_as_whole_words_only() -> None:
    assert stands_in("east", "the east wing, eastern court")
    assert not stands_in("east", "eastern court, northeast")
    assert stands_in("青铜", "鎏金青铜器")


def test_live_keys_follow_what_is_committed(shelf: Catalogue) -> None:
    assert shelf.live_keys().tolist() == [1, 2, 3]
    before = shelf.generation()
    put(shelf, [item(Record("new", (SourceImage("n.jpg"),), culture="Shang"), [9])], [9], name="p2.vec")
    assert shelf.generation() > before
    assert shelf.live_keys().tolist() == [1, 2, 3, 9]
    assert shelf.live_keys({"culture": ("Shang",)}).tolist() == [1, 9]
    with pytest.raises(ValueError, match="read-only"):
        shelf.live_keys()[0] = 5


def test_a_picture_that_a_record_no_longer_shows_is_not_live(shelf: Catalogue) -> None:
    other = Record("bell", (SourceImage("c/bell.jpg"),), titles={"en": "Bell"})
    put(shelf, [item(other, [8])], [8], name="p2.vec")  # the same path holds another picture now
    assert shelf.live_keys().tolist() == [1, 2, 8]
    assert remove_unused_pictures(shelf.database) == [f"{3:064x}"]
    assert remove_unused_pictures(shelf.database) == []
    assert [one.key for one in shelf.pictures()] == [1, 2, 8]


def test_two_records_may_show_one_picture(shelf: Catalogue) -> None:
    put(shelf, [item(Record("twin", (SourceImage("t.jpg"),), titles={"en": "Twin"}, culture="Qing"), [1])])
    shown = shelf.hits_for(np.asarray([1, 2, 99]))
    assert {one.record_id for one in shown[1]} == {"1982.30.1", "twin"}
    assert shown[2] == [Shown("v-7", "青花瓷瓶", "b/vase.jpg")]
    assert 99 not in shown
    assert [one.record_id for one in shelf.hits_for(np.asarray([1]), {"culture": ("qing",)})[1]] == ["twin"]
    assert shelf.live_keys().tolist() == [1, 2, 3]


def test_a_record_of_two_sources_is_one_and_the_later_source_speaks_first(shelf: Catalogue) -> None:
    again = Record("bell", (SourceImage("moved/bell.jpg"),), titles={"en": "Bronze bell"}, materials=("bronze",))
    put(shelf, [item(again, [3])], root="/elsewhere")
    there = shelf.get_many(["bell"])["bell"]
    assert there.title == "Bronze bell"
    assert [image.path for image in there.images] == ["moved/bell.jpg"]  # the same picture is shown once
    assert there.materials == ("bronze", "bronzed wood")
    assert there.themes == ("Music",)
    assert shelf.keys_of(["bell"]) == {"bell": [(3, "moved/bell.jpg")]}
    assert shelf.hits_for(np.asarray([3]))[3] == [Shown("bell", "Bronze bell", "moved/bell.jpg")]


def test_views_of_one_object_are_one_record(shelf: Catalogue) -> None:
    front = Record("o", (SourceImage("1.jpg"),), titles={"en": "Jar"}, motifs=("lotus",))
    back = Record("o", (SourceImage("2.jpg"),), titles={"en": "Jar, back", "zh": "罐"}, motifs=("crane", "lotus"))
    put(shelf, [item(front, [5], ordinal=7), item(back, [6], ordinal=8)], [5, 6], name="p2.vec")
    there = shelf.get_many(["o"])["o"]
    assert [image.path for image in there.images] == ["1.jpg", "2.jpg"]
    assert dict(there.titles) == {"en": "Jar", "zh": "罐"}
    assert there.motifs == ("lotus", "crane")
    assert shelf.count() == (4, 5)
    assert shelf.keys_of(["o"]) == {"o": [(5, "1.jpg"), (6, "2.jpg")]}


def test_committing_a_batch_twice_changes_nothing(tmp_path: Path) -> None:
    shelf = filled(tmp_path)
    put(shelf, [item(one, [n + 1], ordinal=n) for n, one in enumerate((DING, VASE, BELL))])
    assert shelf.count() == (3, 3)
    assert shelf.get_many(["1982.30.1"]) == {"1982.30.1": DING}
    assert [name for name, _ in shelf.lexical("tripod", 5)] == ["1982.30.1"]
    shelf.close()


def test_a_reader_sees_one_state_from_begin_to_end(shelf: Catalogue) -> None:
    with shelf.database.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM records").scalar()
        put(shelf, [item(Record("new", (SourceImage("n.jpg"),)), [9])], [9], name="p2.vec")
        assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar() == before == 3
    assert shelf.count() == (4, 4)


def test_a_batch_that_fails_leaves_nothing(shelf: Catalogue) -> None:
    generation = shelf.generation()
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        put(shelf, [item(Record("new", (SourceImage("n.jpg"),)), [12345])])
    assert shelf.get_many(["new"]) == {}
    assert shelf.generation() == generation


@pytest.mark.engine("sqlite")
def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no Sherd library"):
        Catalogue.open(tmp_path / "catalogue.sqlite")
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(CorruptData, match="damaged"):
        Catalogue.open(other)


@pytest.mark.engine("sqlite")
def test_every_commit_is_synchronised_and_logged_ahead(shelf: Catalogue) -> None:
    with shelf.database.read() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
        assert values == {"journal_mode": "wal", "synchronous": 2}
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
