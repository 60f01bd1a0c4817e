"""A Milvus that is cut off, frozen, refusing or killed again and again while one thread fills it and another searches.

Every search must give exactly what an exact index gives, or say that the server is away. Every fill must come to its
end by itself, and at the end all that was filled must be there.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sherd.errors import IndexAway
from sherd.vectors.exact import ExactIndex
from sherd.vectors.milvus_address import parse_milvus
from sherd.vectors.milvus_library import MilvusIndexes, MilvusPlace, count, fill, forget
from sherd.vectors.parts import PartStore
from sherd.vectors.protocol import PARTS_PER_KEY
from sherd.vectors.rows import PartRows
from tests.cutting_proxy import CuttingProxy
from tests.milvus_server import MilvusServer
from tests.vectors.batches import digests, embeddings, random_unit

DIM, PARTS, STEP = 8, 3, 7
_AWAY_S = 1.5
_PAUSE_S = 0.1
_PATIENCE_S = 120.0


@dataclass
class MilvusTally:
    """What a series came to. All of the second group must be 0."""

    cuts: int = 0
    kills: int = 0
    fills: int = 0
    pictures: int = 0
    searches: int = 0
    refused: int = 0  # searches that were told that the server is away

    wrong: int = 0
    lost: int = 0
    failed: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        return self.wrong + self.lost + self.failed


class MilvusCuts:
    """One series over one server, by way of a proxy."""

    def __init__(self, server: MilvusServer, folder: Path, seed: int) -> None:
        self._server, self._folder = server, folder
        self._dice = random.Random(seed)
        self._proxy = CuttingProxy(server.port)
        url = f"milvus://127.0.0.1:{self._proxy.port}?answer_s=4&writer_patience_s=240"
        self._place = MilvusPlace(parse_milvus(url), uuid.uuid4().hex, "f" * 64)
        self._whole = embeddings(20_000, dim=DIM, parts=PARTS, seed=1)
        self._rows = self._grown(STEP)
        self._over = threading.Event()
        self.tally = MilvusTally()

    def run(self, cuts: int, *, kill_every: int = 0) -> MilvusTally:
        """So many cuts; every `kill_every`-th is a kill of the server, which takes it half a minute."""
        threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._fill, self._search)]
        for thread in threads:
            thread.start()
        try:
            while self.tally.cuts < cuts and not self.tally.violations:
                time.sleep(self._dice.uniform(0.2, 2.5))
                self.tally.cuts += 1
                if kill_every and self.tally.cuts % kill_every == 0:
                    self.tally.kills += 1
                    self._server.kill()
                    self._server.start()
                else:
                    self._dice.choice([self._cut, self._freeze, self._refuse])()
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
            self._look()
            forget(self._place, keep=None)
            self._proxy.close()
        return self.tally

    def _cut(self) -> None:
        self._proxy.cut()

    def _freeze(self) -> None:
        self._proxy.freeze()
        time.sleep(self._dice.uniform(0.1, _AWAY_S))
        self._proxy.thaw()

    def _refuse(self) -> None:
        self._proxy.refusing = True
        self._proxy.cut()
        time.sleep(self._dice.uniform(0.1, _AWAY_S))
        self._proxy.refusing = False

    def _guarded(self, work: object) -> None:
        while not self._over.is_set():
            try:
                work()  # type: ignore[operator]
            except Exception as error:
                self.tally.failed += 1
                self.tally.details.append(repr(error)[:500])
                return

    def _fill(self) -> None:
        grown = self._grown(len(self._rows) + STEP)
        self._rows = grown  # committed: from now on it is searched, whether or not the server has been told
        fill(self._place, grown)
        self.tally.fills += 1
        self.tally.pictures = len(grown)

    def _search(self) -> None:
        wanted, query = self._rows, random_unit((1, DIM), self._dice.randrange(1_000))
        opened = MilvusIndexes(self._place)
        try:
            found = [index.search(query, 5)[1][0].tolist() for index in opened.take(wanted)]
        except IndexAway:
            self.tally.refused += 1
            time.sleep(_PAUSE_S)
            return
        finally:
            opened.close()
        self.tally.searches += 1
        if found != _exact(wanted, query):
            self.tally.wrong += 1
            self.tally.details.append(f"{len(wanted)} pictures: {found} instead of {_exact(wanted, query)}")

    def _look(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                there = count(self._place)
                break
            except IndexAway:  # it was killed last
                if time.monotonic() > until:
                    raise
        for level, each in (("object", 1), ("part", PARTS)):
            self.tally.lost += max(0, self.tally.pictures * each - (there[level] or 0))

    def _grown(self, size: int) -> PartRows:
        keys = np.arange(1, size + 1)
        whole = self._whole
        some = type(whole)(whole.object[:size], whole.parts[:size], whole.boxes[:size])
        store = PartStore(self._folder)
        info = store.write(keys, digests(keys), some)
        return PartRows(store, [info], keys, np.zeros(size, np.int32), np.arange(size))


def _exact(wanted: PartRows, query: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[list[int]]:
    objects, parts = ExactIndex(DIM), ExactIndex(DIM, group=PARTS_PER_KEY)
    objects.add(wanted.keys, wanted.object_vectors(wanted.keys))
    parts.add(wanted.part_keys(wanted.keys), wanted.part_vectors(wanted.keys).reshape(-1, DIM))
    return [index.search(query, 5)[1][0].tolist() for index in (objects, parts)]
