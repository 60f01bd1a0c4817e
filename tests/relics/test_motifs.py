from __future__ import annotations

import numpy as np
import pytest

from sherd.relics.motifs import PROGRAMS, motif_tile
from sherd.relics.pen import TILE_PX

Values = tuple[tuple[str, float], ...]


def _values(program: str, end: int) -> Values:
    return tuple((name, bounds[end]) for name, bounds in PROGRAMS[program].params.items())


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_draws_a_motif_that_fills_its_tile(program: str) -> None:
    for end in (0, 1):
        tile = np.asarray(motif_tile(program, _values(program, end)))
        assert tile.shape == (TILE_PX, max(1, round(PROGRAMS[program].aspect * TILE_PX)), 3)
        inked = tile.max(2) > 0
        assert 0.12 < inked.mean() <= 1.0
        # At least two inks, or the motif would be a mere shadow of itself.
        assert np.count_nonzero(tile.max((0, 1))) >= 2 or program in ("thunder", "key_fret", "triangles")
        for axis in (0, 1):
            seen = np.flatnonzero(inked.max(axis))
            assert np.ptp(seen) > 0.45 * inked.shape[1 - axis]


@pytest.mark.parametrize("program", [name for name, entry in PROGRAMS.items() if not entry.seamless])
def test_a_motif_that_stands_alone_is_not_cut_off_by_its_tile(program: str) -> None:
    for end in (0, 1):
        inked = np.asarray(motif_tile(program, _values(program, end))).max(2) > 0
        for edge in (inked[0], inked[-1], inked[:, 0], inked[:, -1]):
            assert edge.mean() < 0.35


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_parameter_changes_the_drawing(program: str) -> None:
    low = dict(_values(program, 0))
    plain = motif_tile(program, tuple(low.items())).tobytes()
    for name, (_, high) in PROGRAMS[program].params.items():
        assert motif_tile(program, tuple({**low, name: high}.items())).tobytes() != plain, name


def test_programs_do_not_look_alike() -> None:
    tiles = {}
    for name in PROGRAMS:
        small = motif_tile(name, _values(name, 0)).resize((24, 24))
        tiles[name] = np.asarray(small, float).ravel() / 255
    names = list(tiles)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert np.abs(tiles[one] - tiles[other]).mean() > 0.03, (one, other)
