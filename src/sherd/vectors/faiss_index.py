"""The index of a library: exact while it is small, sealed segments with a tail when it is large.

Up to `exact_limit` vectors everything is tail, which is scored row by row and needs no file. Above, vectors lie in
segments (see `segment`) that never change; what is newer is in the tail until that is sealed too; a removed or replaced
row of a segment is a tombstone that no search looks at. Segments of like size are merged, so that there are few.

A search takes the state as it is and works on that: adding, removing, sealing and merging make another state and put
it in the first one's place, so a search never waits and never sees half a change.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.coder import Coder, learn_coder, sample_size
from sherd.vectors.depths import DEFAULT_TARGET, Depths, Dial, untuned
from sherd.vectors.funnel import funnel
from sherd.vectors.protocol import VectorSource, best_of_each, checked_queries, checked_rows
from sherd.vectors.sealing import BLOCK, Progress, seal_rows
from sherd.vectors.segment import Layer, Segment
from sherd.vectors.state import State, poured, to_merge
from sherd.vectors.tail import Tail

EXACT_LIMIT = 200_000
"""200,000 x 256 take 10 ms a query on one core and 205 MB; segments take 0.2 ms and 30 MB there."""
_ORDERED = 30
"""Rows to put in their exact order, at most, because of how many hits are asked for. Who asks for more wants
candidates, and will look at them more closely: for all but the dial's few the near bytes' scores do, where all bytes of
each would be a read of the disk."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index is built and searched.

    exact_limit: up to so many vectors, no segments.
    tail_limit: beside segments, a tail above so many vectors is sealed.
    kind: 'lists' (small, quick to build) or 'hnsw' (HNSW: faster to search, some 20 times slower to build; up to some
        millions).
    energy: share of the vectors' squared length that the coordinates for lists, codes and near bytes hold.
    recall: recall@10 that a search is to reach, by the index's dial.
    depths: set by hand, in place of the dial's.
    brute_limit: up to so many allowed rows of a segment, all are scored by their near bytes.
    segment_rows: no segment is larger.
    merge_ratio: segments are merged when the smaller ones together are above this share of the next larger one.
    retrain_growth: when the index has grown by this factor since its coder was learnt, it is built anew.
    """

    exact_limit: int = EXACT_LIMIT
    tail_limit: int = 20_000
    kind: Literal["lists", "hnsw"] = "lists"
    energy: float = 0.995
    recall: float = DEFAULT_TARGET
    depths: Depths | None = None
    brute_limit: int = 16_384
    segment_rows: int = 50_000_000
    merge_ratio: float = 0.5
    retrain_growth: float = 16.0

    def __post_init__(self) -> None:
        if not 0.5 <= self.recall < 1:
            raise InvalidArgument(f"a recall of {self.recall} cannot be asked for; give 0.9, 0.95 or 0.99")
        if self.kind not in ("lists", "hnsw"):
            raise InvalidArgument(f"there is no kind of index called {self.kind!r}; give 'lists' or 'hnsw'")


class FaissIndex:
    """See `VectorIndex`. Any number of threads may search while others add and remove.

    Args:
        dim: width D.
        group: what a key is divided by to get the picture key that `allowed` speaks of; PARTS_PER_KEY for part vectors.
        settings: see `IndexSettings`.
        folder: where segments are written; None keeps those that this index makes in memory.
        layers, dial: read from files.
        background: seal and merge in a thread of its own, so that `add` never waits for it.
    """

    def __init__(
        self,
        dim: int,
        *,
        group: int = 1,
        settings: IndexSettings | None = None,
        folder: Path | None = None,
        layers: Sequence[Layer] = (),
        dial: Dial | None = None,
        background: bool = False,
    ) -> None:
        self.dim = dim
        self.settings = settings or IndexSettings()
        self.dial = dial
        self.group = group
        self._folder = folder
        self._state = State(tuple(layers), Tail.empty(dim))
        self._change = threading.Lock()
        self._background = background
        self._upkeep = threading.Lock()
        self._worker: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._state)

    @property
    def state(self) -> State:
        """What a search begun now would see."""
        return self._state

    def keys(self) -> KeyArray:
        state = self._state
        return np.sort(np.concatenate([state.tail.keys(), *(layer.keys() for layer in state.layers)]))

    def depths(self) -> Depths:
        """How deep a search looks now."""
        if self.settings.depths is not None:
            return self.settings.depths
        if self.dial is not None:
            return self.dial.at(self.settings.recall).depths
        layers = self._state.layers
        lists = max((layer.segment.coder.coarse.lists for layer in layers), default=1)
        return untuned(self.settings.recall, lists, graph=any(layer.segment.graph for layer in layers))

    def add(self, keys: KeyArray, vectors: FloatArray) -> None:
        keys, vectors = checked_rows(keys, vectors, self.dim)
        with self._change:
            state = self._state
            layers = tuple(layer.without(keys) for layer in state.layers)
            self._state = State(layers, state.tail.added(keys, vectors))
        self._settle()

    def remove(self, keys: KeyArray) -> None:
        with self._change:
            self._state = self._state.without(np.asarray(keys, np.int64))
        self._settle()

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        queries = checked_queries(queries, k, self.dim)
        return self.search_state(self._state, queries, k, allowed, self.depths())

    def search_state(
        self, state: State, queries: FloatArray, k: int, allowed: KeyArray | None, depths: Depths
    ) -> tuple[FloatArray, KeyArray]:
        """`search` of checked queries in a state that was taken before, looking as deep as `depths`.

        Of more than 20 hits, those that are not among the `depths.exact` best have scores by their near bytes: off by
        some thousandths.
        """
        if allowed is not None:
            allowed = np.asarray(allowed, np.int64)
        room = k + k // 2
        exact = max(depths.exact, room) if room <= _ORDERED else depths.exact
        # 4-bit codes need room for their mistakes; a graph's scores are nearly exact.
        least = max(exact, room if all(layer.segment.graph for layer in state.layers) else 4 * k)
        depths = Depths(depths.probes, max(depths.rerank, least), exact)
        found = []
        if state.layers:
            found.append(funnel(state.layers, queries, depths, k, self.settings.brute_limit, allowed, self.group))
        if state.tail.count or not state.layers:
            tail = state.tail.search(queries, k, allowed, self.group)
            found.append((np.stack([one[0] for one in tail]), np.stack([one[1] for one in tail])))
        if len(found) == 1:
            return best_of_each(*found[0], k)
        return best_of_each(
            np.concatenate([one[0] for one in found], 1), np.concatenate([one[1] for one in found], 1), k
        )

    # -- sealing and merging

    def wait(self) -> None:
        """Wait until sealing and merging in the background have come to an end."""
        worker = self._worker
        if worker is not None:
            worker.join()

    def _settle(self) -> None:
        if not self._unsettled():
            return
        if not self._background:
            self.upkeep()
        elif self._worker is None or not self._worker.is_alive():
            self._worker = threading.Thread(target=self._work, name="sherd-index-upkeep", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        try:
            self.upkeep()
        except Exception:
            # Nothing is lost: the tail is still there, and the next addition tries again.
            _log.exception("an index could not be sealed or merged in the background")

    def _unsettled(self) -> bool:
        state = self._state
        limit = self.settings.tail_limit if state.layers else self.settings.exact_limit
        if len(state.tail) > limit or self._outgrown(state) or self._shrunk(state):
            return True
        return len(self._to_merge(state)) > 0

    def _to_merge(self, state: State) -> list[Layer]:
        return to_merge(state, self.settings.merge_ratio, self.settings.segment_rows)

    def _shrunk(self, state: State) -> bool:
        """Whether there are segments and far too few vectors for them."""
        return bool(state.layers) and len(state) <= self.settings.exact_limit / 2

    def upkeep(self) -> None:
        """Seal a tail that has become too large and merge segments, until there is nothing left to do."""
        with self._upkeep:
            while self._unsettled():
                state = self._state
                if self._outgrown(state) or self._shrunk(state):
                    self._rebuild(state)
                elif merged := self._to_merge(state):
                    self._merge(merged)
                else:
                    self._seal_tail(state)

    def seal(self) -> None:
        """Move the tail into a segment, if there are segments, whatever its size."""
        with self._upkeep:
            if self._state.layers and len(self._state.tail):
                self._seal_tail(self._state)

    def rebuild(self) -> None:
        """Learn a coder from what there is now and seal everything anew, or nothing up to `exact_limit` vectors."""
        with self._upkeep:
            self._rebuild(self._state)

    def build(
        self,
        keys: KeyArray,
        source: VectorSource,
        progress: Progress | None = None,
        *,
        sealed: Callable[[], None] = lambda: None,
        sample: KeyArray | None = None,
    ) -> None:
        """Seal vectors that the index does not have yet, straight from their source.

        Args:
            keys: (n,) ascending.
            source: gives their vectors.
            progress: told (vectors sealed, vectors in all).
            sealed: called after each segment, which the state has from then on.
            sample: keys of the vectors to learn a coder from, where one has to be learnt; None draws them evenly.
        """
        with self._upkeep:
            coder, size = self._state.coder(), len(self._state) + keys.size
            if coder is None or size > self.settings.retrain_growth * coder.trained_on:
                coder = self._learn(keys, source.vectors, sample)
            for start in range(0, keys.size, self.settings.segment_rows):
                part = keys[start : start + self.settings.segment_rows]

                def blocks(row: int, part: KeyArray = part, coder: Coder = coder) -> Iterator[FloatArray]:
                    for first in range(row, part.size, BLOCK):
                        yield coder.rotation.apply(source.vectors(part[first : first + BLOCK]))

                def told(done: int, _: int, start: int = start) -> None:
                    if progress is not None:
                        progress(start + done, keys.size)

                segment = self._sealed(coder, part, blocks, told)
                with self._change:
                    state = self._state.without(part)
                    self._state = replace(state, layers=(*state.layers, Layer(segment)))
                sealed()

    def _outgrown(self, state: State) -> bool:
        coder = state.coder()
        return coder is not None and len(state) > self.settings.retrain_growth * coder.trained_on

    def _seal_tail(self, state: State) -> None:
        tail = state.tail
        keys, vectors = tail.keys(), tail.vectors()
        order = np.argsort(keys)
        keys = keys[order]

        def of(some: KeyArray) -> FloatArray:
            return vectors[order[np.searchsorted(keys, some)]]

        coder = state.coder() or self._learn(keys, of)

        def blocks(row: int) -> Iterator[FloatArray]:
            for start in range(row, keys.size, BLOCK):
                yield coder.rotation.apply(vectors[order[start : start + BLOCK]])

        fresh = Layer(self._sealed(coder, keys, blocks))
        with self._change:
            now = self._state
            gone = keys[~np.isin(keys, now.tail.all_keys[: tail.count][now.tail.live[: tail.count]])]
            self._state = State((*now.layers, fresh.without(gone)), now.tail.since(tail.count))

    def _merge(self, layers: list[Layer]) -> None:
        coder = self._state.coder()
        assert coder is not None
        self._replace(layers, self._poured(layers, coder))

    def _poured(self, layers: Sequence[Layer], coder: Coder) -> list[Layer]:
        """The rows of some layers in new segments by `coder`."""
        parts = poured(layers, coder, self.settings.segment_rows, BLOCK)
        return [Layer(self._sealed(coder, keys, blocks)) for keys, blocks in parts]

    def _replace(self, old: Sequence[Layer], fresh: Sequence[Layer]) -> None:
        """Put `fresh` in the place of the layers that `old` were, less what has been removed since."""
        with self._change:
            now = self._state
            segments = [layer.segment for layer in old]
            kept = tuple(layer for layer in now.layers if not any(layer.segment is one for one in segments))
            for before in old:
                after = next(layer for layer in now.layers if layer.segment is before.segment)
                if after.bits is not before.bits:
                    gone = before.segment.keys[before.mask() & ~after.mask()]
                    fresh = [layer.without(gone) for layer in fresh]
            self._state = State((*kept, *(layer for layer in fresh if layer.alive)), now.tail)

    def _rebuild(self, state: State) -> None:
        if len(state) <= self.settings.exact_limit:
            keys = np.concatenate([layer.keys() for layer in state.layers] or [np.empty(0, np.int64)])
            with self._change:
                now = self._state
                holding = keys[np.isin(keys, np.concatenate([layer.keys() for layer in now.layers] or [keys]))]
                tail = now.tail.added(holding, now.sealed_vectors(holding)) if holding.size else now.tail
                self._state = State((), tail)
            return
        if state.layers and len(state.tail):
            self._seal_tail(state)
            state = self._state
        if not state.layers:
            self._seal_tail(state)
            return
        coder = self._learn(self.keys(), lambda keys: state.sealed_vectors(keys))
        self._replace(state.layers, self._poured(state.layers, coder))

    def _learn(
        self, keys: KeyArray, vectors: Callable[[KeyArray], FloatArray], sample: KeyArray | None = None
    ) -> Coder:
        size = sample_size(keys.size)
        if sample is None and size < keys.size:
            sample = keys[np.unique(np.random.default_rng(0).integers(keys.size, size=size))]
        elif sample is None:
            sample = keys
        rows = np.concatenate([vectors(sample[n : n + BLOCK]) for n in range(0, sample.size, BLOCK)])
        rows = rows[np.random.default_rng(1).permutation(len(rows))]
        coder = learn_coder(rows, int(keys.size), energy=self.settings.energy)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            coder = coder.save(self._folder, self._folder / "building.coder")
        return coder

    def _sealed(
        self,
        coder: Coder,
        keys: KeyArray,
        blocks: Callable[[int], Iterator[FloatArray]],
        progress: Progress = lambda done, total: None,
    ) -> Segment:
        graph = self.settings.kind == "hnsw"
        return seal_rows(coder, keys, blocks, folder=self._folder, graph=graph, progress=progress)
