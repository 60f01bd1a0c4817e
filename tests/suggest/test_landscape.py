"""A map on which what looks alike lies together, nothing hides anything, and names stand where their records are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import CorruptData, InvalidArgument
from sherd.ingest.library import Library
from sherd.suggest import landscape
from sherd.suggest.landscape import lay_out, load_landscape, save_landscape
from sherd.suggest.suggest import Suggester
from tests.server.painted import RECORDS, TAOTIE, make_painted


@pytest.fixture(scope="module")
def suggester(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suggester]:
    with Library.open(make_painted(tmp_path_factory.mktemp("land"))) as library:
        yield Suggester(library, ToyEncoder())


def test_every_picture_has_a_cell_of_its_own(suggester: Suggester) -> None:
    land = lay_out(suggester, 7)
    cells = {(one.x, one.y) for one in land.spots}
    assert len(cells) == len(land.spots) == land.pictures == RECORDS
    assert all(0 <= x < land.width and 0 <= y < land.height for x, y in cells)
    assert land.generation == 7
    assert lay_out(suggester, 7) == land


def test_neighbours_look_more_alike_than_others(suggester: Suggester) -> None:
    land = lay_out(suggester, 0)
    vectors = dict(zip(suggester.looks.keys.tolist(), suggester.looks.objects, strict=True))
    here = np.array([(one.x, one.y) for one in land.spots], float)
    looks = np.array([vectors[one.key] for one in land.spots])
    distance = np.linalg.norm(here[:, None] - here[None], axis=2)
    alike = looks @ looks.T
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argsort(1)[:, :3]
    near = np.take_along_axis(alike, nearest, 1).mean()
    others = alike[~np.eye(len(looks), dtype=bool)].mean()
    assert near > others + 0.05


def test_names_stand_in_the_middle_of_their_records(suggester: Suggester) -> None:
    land = lay_out(suggester, 0)
    motifs = {name: facets.get("motif") for name, facets in suggester.known.items()}
    known = {name for name, motif in motifs.items() if motif is not None and TAOTIE in motif.right}
    for name in land.names:
        assert 0 <= name.x <= land.width
        assert name.records >= 4
        if name.uri == TAOTIE:
            there = [one for one in land.spots if one.record_id in known]
            assert name.records == len(there)
            assert name.x == pytest.approx(np.median([one.x for one in there]), abs=0.01)


def test_a_map_takes_no_more_pictures_than_it_has_room_for(
    suggester: Suggester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape, "MOST", 10)
    land = lay_out(suggester, 0)
    assert len(land.spots) == 10
    assert land.pictures == RECORDS


def test_it_is_kept_and_a_damaged_one_is_told(suggester: Suggester, tmp_path: Path) -> None:
    land = lay_out(suggester, 3)
    assert load_landscape(tmp_path, "f" * 64) is None
    file = save_landscape(land, tmp_path, "f" * 64)
    assert load_landscape(tmp_path, "f" * 64) == land
    assert load_landscape(tmp_path, "e" * 64) is None
    file.write_text("{}")
    with pytest.raises(CorruptData):
        load_landscape(tmp_path, "f" * 64)


def test_too_few_pictures_make_no_map(suggester: Suggester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggester, "looks", suggester.looks.rows(np.arange(4)))
    with pytest.raises(InvalidArgument, match="5 pictures"):
        lay_out(suggester, 0)
