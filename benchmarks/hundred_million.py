"""A hundred million vectors on one machine, from nothing to answers: `python benchmarks/hundred_million.py --work DIR`.

Unattended, and it may be stopped: each stage goes on where it was. Disk and memory are checked before anything is
made. Stages: the index is built (and on the way the true answers of the queries are found, by looking at every
vector), its dial is set, catalogue and part vectors are written; then `large_measures.py` asks. `--build-only` stops
before that, so that measuring can wait until the machine has nothing else to do: the same command without it goes on
there. What cannot be had on the machine is left out, and the result says what.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from collection import CHUNK, Collection, Rows, Truth
from large_measures import DIM, PARTS, measure, rss_gib
from provenance import ROOT

from sherd.types import KeyArray
from sherd.vectors.coder import sample_size
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.manifest import Manifest, open_layers, read_manifest, saved, write_manifest
from sherd.vectors.rounding import learn_rotation
from sherd.vectors.tuning import tune

TRUE_QUERIES = 200
TARGETS = (0.9, 0.95, 0.97, 0.975, 0.98, 0.99)
GIB = 1 << 30
SPARE_GIB = 4
"""Left free on the disk: others work there too."""
_TRUTH_EVERY = 16
"""Chunks after which the truth is saved."""
_AHEAD = 2
_TITLE = "'vessel ' || (n % 977) || ' with lotus'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=100_000_000)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument("--part-records", type=int, default=5_000_000,
                        help="records with part vectors, keys wrap around; 0 leaves out the whole way")  # fmt: skip
    parser.add_argument("--rerank", type=int, default=200, help="candidates re-ranked by their parts")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--build-only", action="store_true", help="stop before measuring")
    given = parser.parse_args()
    run = Run(given)
    run.check_room()
    run.stage("build", run.build)
    run.stage("truth", run.truth)
    run.stage("tune", run.tune)
    if given.part_records:
        run.stage("catalogue", run.write_catalogue)
        run.stage("parts", run.write_parts)
    if not given.build_only:
        measure(run.work, given.n, run.state, rerank=given.rerank, seconds=given.seconds)


class Run:
    """One run in one folder; `state.json` there says which stages are done and what they measured."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.n, self.work, self.given = given.n, given.work / f"run-{given.n}", given
        self.work.mkdir(parents=True, exist_ok=True)
        self.collection = Collection(DIM)
        file = self.work / "state.json"
        self.state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"left_out": [], "seconds": {}}

    def check_room(self) -> None:
        """Stop before anything is made, where it would not fit; leave out what can be left out."""
        near = learn_rotation(self.collection.chunk(0)[:16_384], energy=IndexSettings().energy).near
        lists = near // 4 + 8
        row, segment = 8 + near + DIM + 4 + lists, min(self.n, IndexSettings().segment_rows)
        index = 0 if self._done("build") else (self.n * row + segment * (near // 4 + 4)) / GIB
        catalogue = self.n * 50 / GIB if self.given.part_records and not self._done("catalogue") else 0
        free = shutil.disk_usage(self.work).free / GIB + self._there()
        memory, has = self.n * (near + lists + 12) / GIB + 2, psutil.virtual_memory().total / GIB
        print(f"disk: {index:.1f} GiB for the index, {catalogue:.1f} for the catalogue; {free:.1f} free", flush=True)
        print(f"memory: {memory:.1f} GiB to be had, {has:.1f} there", flush=True)
        if index + catalogue + SPARE_GIB > free or memory > has:
            raise SystemExit("that does not fit this machine; give a smaller --n, or another --work")

    def _there(self) -> float:
        """GiB that an interrupted build has taken already."""
        return sum(path.stat().st_blocks * 512 for path in (self.work / "index").glob("*")) / GIB

    def _done(self, name: str) -> bool:
        return bool(self.state["seconds"].get(name, {}).get("done"))

    def stage(self, name: str, work: Callable[[], None]) -> None:
        """Do a stage unless it is done; its seconds by the clock and of the cores add up over interruptions."""
        if self._done(name):
            return
        before = self.state["seconds"].get(name, {})
        start, cores = time.monotonic(), time.process_time()

        def note(*, done: bool) -> None:
            took, cpu = time.monotonic() - start, time.process_time() - cores
            self.state["seconds"][name] = {
                "took": round(before.get("took", 0.0) + took, 1),
                "cpu": round(before.get("cpu", 0.0) + cpu, 1),
                "done": done,
            }
            self.save()

        self._note = note
        try:
            work()
        except BaseException:
            note(done=False)
            raise
        note(done=True)
        took = self.state["seconds"][name]
        print(f"{name}: {took['took']:.0f} s by the clock, {took['cpu']:.0f} s of the cores", flush=True)

    def build(self) -> None:
        files, manifest = self.work / "index", read_manifest(self.work / "manifest")
        layers = open_layers(manifest, files) if manifest is not None else []
        index = FaissIndex(DIM, settings=IndexSettings(), folder=files, layers=layers)
        told, sealed = time.monotonic(), len(index)

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > 30:
                told = time.monotonic()
                self._note(done=False)
                spent = self.state["seconds"]["build"]
                print(f"  {sealed + done:,} of {self.n:,} sealed; {spent['took']:.0f} s, {spent['cpu']:.0f} s of the "
                      f"cores, {rss_gib('VmHWM'):.1f} GiB at most", flush=True)  # fmt: skip

        def keep() -> None:
            layers = saved(index.state.layers, files)
            write_manifest(self.work / "manifest", Manifest(DIM, "lists", 0.95, layers))

        # The chunks are alike, so whole ones are as good to learn from as rows from everywhere, and soon made.
        chunks = np.random.default_rng(0).permutation(-(-self.n // CHUNK))[: -(-sample_size(self.n) // CHUNK)]
        sample = (np.sort(chunks)[:, None] * CHUNK + np.arange(CHUNK)).reshape(-1)
        seen = Seen(self.work / "truth.npz", self.collection, self.n)
        source = Chunks(self.collection, seen)
        index.build(np.arange(sealed, self.n), source, progress, sealed=keep, sample=sample[sample < self.n])
        seen.save()
        self.state["sealed_peak_rss_gib"] = round(rss_gib("VmHWM"), 2)

    def truth(self) -> None:
        """The chunks that were not seen while building."""
        seen = Seen(self.work / "truth.npz", self.collection, self.n)
        for number in np.flatnonzero(~seen.chunks).tolist():
            seen.see(number, self.collection.chunk(number))
        seen.save()

    def tune(self) -> None:
        manifest = read_manifest(self.work / "manifest")
        assert manifest is not None
        index = FaissIndex(DIM, layers=open_layers(manifest, self.work / "index"))
        index.dial = tune(index, self.collection.queries(200, 1), targets=TARGETS)
        print(index.dial, flush=True)
        write_manifest(self.work / "manifest", Manifest(DIM, "lists", 0.95, manifest.layers, index.dial))

    def write_catalogue(self) -> None:
        with sqlite3.connect(self.work / "catalogue.sqlite") as link:
            link.execute("PRAGMA synchronous = OFF")
            link.execute("CREATE TABLE IF NOT EXISTS records (key INTEGER PRIMARY KEY, record_id TEXT, title TEXT)")
            first = link.execute("SELECT coalesce(max(key) + 1, 0) FROM records").fetchone()[0]
            for start in range(first, self.n, 1_000_000):
                link.execute(
                    "WITH RECURSIVE made(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM made WHERE n + 1 < ?) "
                    f"INSERT INTO records SELECT n, printf('R-%09d', n), {_TITLE} FROM made",
                    (start, min(start + 1_000_000, self.n)),
                )
                link.commit()
        self.leave_out("the catalogue is one table of key, record id and title, without full text")

    def write_parts(self) -> None:
        """As many as there is room for."""
        file = self.work / "parts.bin"
        file.unlink(missing_ok=True)
        room = (shutil.disk_usage(self.work).free / GIB - SPARE_GIB) * GIB / (PARTS * DIM * 2)
        count = int(min(self.given.part_records, self.n, max(room, 0)))
        if count < min(self.n, 10_000):
            raise SystemExit("there is no room for part vectors")
        some = self.collection.chunk(0)[: CHUNK // PARTS * PARTS].astype(np.float16).reshape(-1, PARTS * DIM)
        with file.open("wb") as handle:
            for start in range(0, count, len(some)):
                handle.write(some[: count - start].tobytes())
        self.state["part_records"] = count
        self.leave_out(f"part vectors are those of {count} records, which keys wrap around")

    def leave_out(self, what: str) -> None:
        if what not in self.state["left_out"]:
            self.state["left_out"].append(what)
            self.save()

    def save(self) -> None:
        draft = self.work / "state.json.tmp"
        draft.write_text(json.dumps(self.state, indent=1))
        draft.replace(self.work / "state.json")


class Seen:
    """The true answers among the chunks that were looked at so far, kept in a file."""

    def __init__(self, file: Path, collection: Collection, n: int) -> None:
        self.file, self.n = file, n
        self.truth = Truth(collection.queries(TRUE_QUERIES, 2))
        self.chunks = np.zeros(-(-n // CHUNK), np.bool_)
        if file.exists():
            with np.load(file) as kept:
                self.truth.keys, self.truth.scores, self.chunks = kept["keys"], kept["scores"], kept["chunks"]

    def see(self, number: int, rows: Rows) -> None:
        if self.chunks[number]:
            return
        keys = np.arange(number * CHUNK, min((number + 1) * CHUNK, self.n))
        self.truth.see(keys, rows[: len(keys)])
        self.chunks[number] = True
        if self.chunks.sum() % _TRUTH_EVERY == 0:
            self.save()

    def save(self) -> None:
        draft = self.file.with_suffix(".tmp.npz")
        np.savez(draft, keys=self.truth.keys, scores=self.truth.scores, chunks=self.chunks)
        draft.replace(self.file)


class Chunks:
    """The collection as a source of vectors, and `seen` looks at them. Chunks to come are made by threads meanwhile."""

    def __init__(self, collection: Collection, seen: Seen) -> None:
        self._collection, self._seen, self._last = collection, seen, -1
        self._pool = ThreadPoolExecutor(_AHEAD)
        self._made: dict[int, Future[Rows]] = {}

    def vectors(self, keys: KeyArray) -> Rows:
        out = np.empty((len(keys), DIM), np.float32)
        numbers = keys // CHUNK
        for number in np.unique(numbers).tolist():
            chunk = self._chunk(number)
            out[numbers == number] = chunk[keys[numbers == number] % CHUNK]
        return out

    def _chunk(self, number: int) -> Rows:
        if number == self._last:
            return self._made[number].result()
        following = range(number, number + 1 + (_AHEAD if number == self._last + 1 else 0))
        self._made = {n: self._made.get(n) or self._pool.submit(self._collection.chunk, n) for n in following}
        chunk, self._last = self._made[number].result(), number
        self._seen.see(number, chunk)
        return chunk


if __name__ == "__main__":
    main()
