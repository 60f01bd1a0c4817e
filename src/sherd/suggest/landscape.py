"""A collection as a landscape: pictures that look alike lie near each other, and terms are its place names.

Laid out once and kept in the library; PCA to 50 directions, then t-SNE, then a grid, so that no picture hides another.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData, InvalidArgument
from sherd.search.sampling import evenly
from sherd.suggest.known import Known
from sherd.suggest.suggest import Suggester
from sherd.types import FloatArray
from sherd.vectors.parts import write_durably

MOST = 1_500
"""Pictures on a map, taken evenly from all."""
_LEAST = 5
_DIRECTIONS, _PERPLEXITY, _ROOM = 50, 30.0, 1.5
_FACETS = ("theme", "motif", "type")
_NAMES, _SHARE = 24, 0.35


@dataclass(frozen=True, slots=True)
class Spot:
    """A picture on the map: of which record, and its cell."""

    record_id: str
    key: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class PlaceName:
    """A concept whose records lie together: the middle of them in cells, and how many they are."""

    uri: str
    x: float
    y: float
    records: int


@dataclass(frozen=True, slots=True)
class Landscape:
    """width, height: in cells. generation: of the catalogue when it was laid out. pictures: how many there were."""

    generation: int
    pictures: int
    width: int
    height: int
    spots: tuple[Spot, ...]
    names: tuple[PlaceName, ...]


def lay_out(suggester: Suggester, generation: int, *, seed: int = 0) -> Landscape:
    """The landscape of a collection.

    Raises:
        InvalidArgument: there are fewer than 5 pictures.
    Source: t-SNE (van der Maaten and Hinton 2008) over the main directions of the object vectors.
    """
    looks = suggester.looks
    if len(looks) < _LEAST:
        raise InvalidArgument(f"a map needs {_LEAST} pictures or more; there are {len(looks)}")
    chosen = looks.rows(evenly(np.arange(len(looks)), MOST))
    cells, width, height = _on_grid(_flat(chosen.objects, seed))
    spots = tuple(
        Spot(record, int(key), int(x), int(y))
        for record, key, (x, y) in zip(chosen.records, chosen.keys, cells.tolist(), strict=True)
    )
    return Landscape(generation, len(looks), width, height, spots, _place_names(suggester, spots, width, height))


def load_landscape(folder: Path, fingerprint: str) -> Landscape | None:
    """The one that is kept for an encoder; None where there is none.

    Raises:
        CorruptData: the file is there and cannot be used.
    """
    file = _file(folder, fingerprint)
    if not file.exists():
        return None
    try:
        said = json.loads(file.read_text("utf-8"))
        spots = tuple(Spot(**one) for one in said.pop("spots"))
        return Landscape(**said | {"spots": spots, "names": tuple(PlaceName(**one) for one in said["names"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptData(f"{file}: cannot be used ({error!r}); remove it, and the map is drawn again") from error


def save_landscape(found: Landscape, folder: Path, fingerprint: str) -> Path:
    """Put it into the library, whole or not at all."""
    file = _file(folder, fingerprint)
    write_durably(file, [json.dumps(asdict(found), ensure_ascii=False).encode(), b"\n"])
    return file


def _flat(vectors: FloatArray, seed: int) -> NDArray[np.float64]:
    """(n, 2) in fractions 0..1."""
    from sklearn.decomposition import PCA  # imported on use: it takes a second
    from sklearn.manifold import TSNE

    width = min(_DIRECTIONS, *vectors.shape)
    main = PCA(width, svd_solver="covariance_eigh").fit_transform(vectors.astype(np.float64))
    perplexity = min(_PERPLEXITY, (len(main) - 1) / 3)
    flat = TSNE(2, init="pca", perplexity=perplexity, random_state=seed).fit_transform(main).astype(np.float64)
    low, high = flat.min(0), flat.max(0)
    return np.asarray((flat - low) / np.maximum(high - low, 1e-9), np.float64)


def _on_grid(flat: NDArray[np.float64]) -> tuple[NDArray[np.int64], int, int]:
    """(n, 2) a cell of its own for each point, near to where it lies; and how many cells there are each way."""
    width = int(np.ceil(np.sqrt(len(flat) * _ROOM * 1.6)))
    height = int(np.ceil(len(flat) * _ROOM / width))
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
    wanted = flat * [width - 1, height - 1]
    free = np.ones(len(grid), bool)
    cells = np.zeros((len(flat), 2), np.int64)
    # Those in the middle choose first: at the edges there is room to give way.
    for n in np.argsort(np.abs(flat - 0.5).max(1), kind="stable").tolist():
        distances = np.square(grid - wanted[n]).sum(1)
        best = int(np.where(free, distances, np.inf).argmin())
        cells[n], free[best] = grid[best], False
    return cells, width, height


def _place_names(suggester: Suggester, spots: tuple[Spot, ...], width: int, height: int) -> tuple[PlaceName, ...]:
    """Concepts of at least 4 records that lie closer together than chance would have them, the closest first."""
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for spot in spots:
        for facet in _FACETS:
            for uri in suggester.known.get(spot.record_id, {}).get(facet, Known()).right:
                places[uri].append((spot.x, spot.y))
    found = []
    for uri, cells in places.items():
        if len(cells) < 4:
            continue
        points = np.array(cells, np.float64)
        middle = np.median(points, 0)
        x, y = (round(float(one), 2) for one in middle)
        spread = float(np.median(np.abs((points - middle) / [width, height]).max(1)))
        if spread <= _SHARE:
            found.append((spread / np.sqrt(len(cells)), PlaceName(uri, x, y, len(cells))))
    kept: list[PlaceName] = []
    for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].uri)):
        apart = all(abs(one.x - other.x) > width / 5 or abs(one.y - other.y) > height / 14 for other in kept)
        if apart and len(kept) < _NAMES:
            kept.append(one)
    return tuple(kept)


def _file(folder: Path, fingerprint: str) -> Path:
    return folder / f"map-{fingerprint[:16]}.json"
