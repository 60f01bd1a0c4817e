"""Old catalogues open, new ones are refused, and a step that fails leaves nothing behind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from sherd.catalogue import concepts, decisions, lexical, schema
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.fulltext import LABELS, RECORDS
from sherd.catalogue.fulltext_sqlite import CREATE
from sherd.catalogue.migrations import Step, upgrade, version_of
from sherd.catalogue.soundness import faults
from sherd.catalogue.sqlite import SqliteDatabase
from sherd.errors import LibraryError, SchemaTooNew, SchemaTooOld
from sherd.types import Action, Decision
from tests.catalogue.shelf import BELL, DING, FINGERPRINT, VASE, filled
from tests.catalogue.vessels import SCHEME, TRIPOD, VESSEL, VESSELS

NEWEST = schema.SCHEMA_VERSION
GOLDEN = Path(__file__).parent / "golden"

pytestmark = pytest.mark.engine("sqlite")

DECISION = Decision("bell", Action.ACCEPT, "李", "2026-11-27T10:00:00+00:00", "type", TRIPOD, TRIPOD, probability=0.8)
FULL_TEXT = {
    RECORDS: (CREATE[RECORDS], ("rowid", *lexical.COLUMNS)),
    LABELS: (CREATE[LABELS], ("rowid", "words")),
}


def stocked(folder: Path) -> Catalogue:
    """What the golden file of a version is the dump of: `shelf.filled`, from 2 on a thesaurus, from 3 on a decision."""
    shelf = filled(folder)
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    decisions.append(shelf.database, [DECISION])
    return shelf


def dump(path: Path) -> str:
    """A catalogue as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        others = [*FULL_TEXT, "writable_schema"]
        lines = [line for line in connection.iterdump() if not any(name in line for name in others)]
        for name, (create, columns) in FULL_TEXT.items():
            lines.insert(-1, f"{create};")
            names = ", ".join(columns)
            for row in connection.execute(f"SELECT {names} FROM {name} ORDER BY rowid").fetchall():
                values = ", ".join(repr(value) if isinstance(value, int) else f"'{value}'" for value in row)
                lines.insert(-1, f"INSERT INTO {name}({names}) VALUES ({values});")
    return "\n".join([*lines, ""])


def golden(version: int, folder: Path) -> Path:
    path = folder / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"v{version}.sql").read_text(encoding="utf-8"))
    return path


@pytest.mark.parametrize("version", range(1, schema.SCHEMA_VERSION + 1))
def test_a_catalogue_of_every_version_opens_with_all_that_was_in_it(version: int, tmp_path: Path) -> None:
    shelf = Catalogue.open(golden(version, tmp_path), create=True)
    assert shelf.get_many(["1982.30.1", "v-7", "bell"]) == {one.record_id: one for one in (DING, VASE, BELL)}
    assert shelf.live_keys({"material": ("bronze",)}).tolist() == [1]
    assert [name for name, _ in shelf.lexical("青铜", 5)] == ["1982.30.1"]
    assert shelf.encoder_fingerprint() == FINGERPRINT
    assert version_of(shelf.database) == schema.SCHEMA_VERSION
    assert list(faults(shelf.database)) == []
    if version >= 2:
        assert concepts.concept(shelf.database, TRIPOD) == VESSELS.concept(TRIPOD)
        assert [found.uri for found in concepts.search(shelf.database, "圓鼎")] == [TRIPOD]
        assert concepts.ancestors(shelf.database, TRIPOD) == [(VESSEL, 1)]
        assert [found.uri for found in concepts.search(shelf.database, "yuanding")] == [TRIPOD]
    if version >= 3:
        assert [kept.decision for kept in decisions.everything(shelf.database)] == [DECISION]
    assert list(decisions.faults(shelf.database)) == []
    shelf.close()


def test_a_thesaurus_comes_into_a_catalogue_that_was_made_before_there_were_any(tmp_path: Path) -> None:
    shelf = Catalogue.open(golden(1, tmp_path), create=True)
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    assert concepts.concept(shelf.database, TRIPOD) == VESSELS.concept(TRIPOD)
    assert list(faults(shelf.database)) == []
    shelf.close()


def test_the_tables_are_those_of_the_golden_file(tmp_path: Path) -> None:
    """Changing the schema without a new version and a new golden file fails here."""

    def tables(path: Path) -> set[str]:
        with closing(sqlite3.connect(path)) as connection:
            return {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}

    filled(tmp_path).close()
    for version in range(1, schema.SCHEMA_VERSION + 1):
        other = tmp_path / f"golden{version}"
        other.mkdir()
        old = golden(version, other)
        Catalogue.open(old, create=True).close()
        assert tables(tmp_path / "catalogue.sqlite") == tables(old)


def _set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", [str(version)])


def test_a_newer_catalogue_is_refused_with_a_sentence(tmp_path: Path) -> None:
    filled(tmp_path).close()
    path = tmp_path / "catalogue.sqlite"
    _set_version(path, schema.SCHEMA_VERSION + 1)
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(
            SchemaTooNew, match=rf"newer Sherd .schema {NEWEST + 1}; this one reads up to {NEWEST}.; update"
        ):
            Catalogue.open(path, create=create)
    assert path.read_bytes() == before


def test_a_step_brings_an_old_catalogue_up_to_date_and_keeps_a_copy(tmp_path: Path) -> None:
    filled(tmp_path).close()
    database = SqliteDatabase(tmp_path / "catalogue.sqlite")
    steps = [Step(n, partial(_add_column, n)) for n in (NEWEST + 1, NEWEST + 2)]
    copies = upgrade(database, steps=steps, newest=NEWEST + 2)
    assert version_of(database, newest=NEWEST + 2) == NEWEST + 2
    assert [copy.name for copy in copies] == [f"catalogue.sqlite.v{n}" for n in (NEWEST, NEWEST + 1)]
    old = Catalogue.open(copies[0])
    assert set(old.get_many(["bell"])) == {"bell"}
    old.close()
    database.close()


def _add_column(version: int, connection: Connection) -> None:
    connection.execute(text(f"ALTER TABLE records ADD COLUMN added_in_{version} TEXT"))


def test_a_step_that_fails_leaves_the_old_version_whole(tmp_path: Path) -> None:
    filled(tmp_path).close()
    database = SqliteDatabase(tmp_path / "catalogue.sqlite")

    def breaks(connection: Connection) -> None:
        _add_column(2, connection)
        connection.execute(text("DELETE FROM regions"))
        raise RuntimeError("the lights went out")

    with pytest.raises(RuntimeError, match="lights"):
        upgrade(database, steps=[Step(NEWEST + 1, breaks)], newest=NEWEST + 1)
    database.close()
    shelf = Catalogue.open(tmp_path / "catalogue.sqlite")
    assert shelf.get_many(["1982.30.1"]) == {"1982.30.1": DING}
    shelf.close()


def test_without_a_step_an_old_catalogue_is_refused(tmp_path: Path) -> None:
    filled(tmp_path).close()
    database = SqliteDatabase(tmp_path / "catalogue.sqlite")
    with pytest.raises(LibraryError, match="can no longer bring up to date"):
        upgrade(database, steps=[], newest=NEWEST + 1)
    database.close()


def test_an_empty_file_is_made_a_catalogue_only_by_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.touch()
    with pytest.raises(SchemaTooOld, match="is empty") as refused:
        Catalogue.open(path)
    assert refused.value.version == 0
    Catalogue.open(path, create=True).close()
    Catalogue.open(path).close()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    for create in (False, True):
        with pytest.raises(LibraryError, match="no Sherd catalogue"):
            Catalogue.open(path, create=create)
