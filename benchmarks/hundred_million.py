"""A hundred million vectors on one machine, from nothing to answers: `python benchmarks/hundred_million.py --work DIR`.

Unattended, and it may be stopped: each stage goes on where it was. Disk and memory are checked before anything is
made. Stages: the index is built and its dial set; the true answers of the queries are found by looking at every
vector; queries that were never asked before are asked by 1, 8 and 32 clients, with the originals not in memory at the
start; then the whole way, text in and hits out. What cannot be had on the machine is left out, and the result says
what.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from collection import CHUNK, Collection, Rows, Truth
from engines import disk_mib
from provenance import RESULTS, ROOT, commit, machine

from sherd.search.question import Question
from sherd.search.rerank import score
from sherd.vectors.depths import Depths, Setting
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.manifest import Manifest, open_layers, read_manifest, saved, write_manifest
from sherd.vectors.pool import SearchPool
from sherd.vectors.tuning import tune

DIM, PARTS, TRUE_QUERIES = 256, 8, 200
TARGETS = (0.9, 0.95, 0.97, 0.98, 0.99)
CLIENTS = (1, 8, 32)
GIB = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=100_000_000)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument(
        "--part-records", type=int, default=5_000_000, help="records with part vectors; keys wrap around"
    )
    parser.add_argument("--rerank", type=int, default=200, help="candidates re-ranked by their parts")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    given = parser.parse_args()
    run = Run(given)
    run.check_room()
    run.stage("build", run.build)
    run.stage("truth", run.truth)
    run.stage("parts", run.write_parts)
    run.stage("catalogue", run.write_catalogue)
    run.measure()


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
        done = self.state["seconds"]
        index = 0 if "build" in done else self.n * (8 + DIM + DIM + 4 + 76) // GIB + 1
        parts, rows = 4 * self.given.part_records * 1024 // GIB + 1, self.n * 60 // GIB + 1
        free = shutil.disk_usage(self.work).free // GIB
        memory = self.n * 180 // GIB + 2
        has = psutil.virtual_memory().total // GIB
        print(f"disk: {index} GiB for the index, {parts} for parts, {rows} for the catalogue; {free} free", flush=True)
        print(f"memory: {memory} GiB to be had, {has} there", flush=True)
        if index > free or memory > has:
            raise SystemExit("that does not fit this machine; give a smaller --n, or another --work")
        while "parts" not in done and index + parts + rows > free and self.given.part_records > 10_000:
            self.given.part_records //= 2
            parts = 4 * self.given.part_records * 1024 // GIB + 1
        self._leave_out(f"part vectors are those of {self.given.part_records} records, which keys wrap around")
        self._leave_out("the catalogue is one table of key, record id and title, without full text")
        self._leave_out("questions are encoded for their cost; the index is asked with the collection's own queries")

    def stage(self, name: str, work: Callable[[], None]) -> None:
        """Do a stage unless it is done; its seconds add up over interruptions."""
        if self.state["seconds"].get(name, {}).get("done"):
            return
        before, start = self.state["seconds"].get(name, {}).get("took", 0.0), time.monotonic()
        try:
            work()
        except BaseException:
            self.state["seconds"][name] = {"took": before + time.monotonic() - start, "done": False}
            self._save()
            raise
        took = round(before + time.monotonic() - start, 1)
        self.state["seconds"][name] = {"took": took, "done": True}
        self._save()
        print(f"{name}: {took:.0f} s", flush=True)

    def build(self) -> None:
        files = self.work / "index"
        index = FaissIndex(DIM, settings=IndexSettings(), folder=files)
        told = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(f"  {done:,} of {total:,} sealed", flush=True)

        index.build(np.arange(self.n), Chunks(self.collection), progress)
        self.state["sealed_peak_rss_gib"] = round(_rss("VmHWM"), 2)
        start = time.monotonic()
        index.dial = tune(index, self.collection.queries(200, 1), targets=TARGETS)
        self.state["tune_s"] = round(time.monotonic() - start, 1)
        layers = saved(index.state.layers, files)
        write_manifest(self.work / "manifest", Manifest(DIM, "lists", 0.95, layers, index.dial))

    def truth(self) -> None:
        truth = Truth(self.collection.queries(TRUE_QUERIES, 2))
        for start in range(0, self.n, CHUNK):
            rows = self.collection.rows(min(CHUNK, self.n - start), start)
            truth.see(np.arange(start, start + len(rows)), rows)
        np.save(self.work / "truth.npy", truth.keys)

    def write_parts(self) -> None:
        shape = (min(self.given.part_records, self.n), PARTS, DIM)
        self.state["part_records"] = shape[0]
        parts = np.lib.format.open_memmap(self.work / "parts.npy", "w+", np.float16, shape)
        some = self.collection.chunk(0)[: CHUNK // PARTS * PARTS].reshape(-1, PARTS, DIM).astype(np.float16)
        for start in range(0, shape[0], len(some)):
            parts[start : start + len(some)] = some[: shape[0] - start]
        parts.flush()

    def write_catalogue(self) -> None:
        file = self.work / "catalogue.sqlite"
        file.unlink(missing_ok=True)
        with sqlite3.connect(file) as link:
            link.execute("PRAGMA journal_mode = OFF")
            link.execute("CREATE TABLE records (key INTEGER PRIMARY KEY, record_id TEXT, title TEXT)")
            rows = ((key, f"R-{key:09}", f"vessel {key % 977} with lotus") for key in range(self.n))
            link.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)

    def measure(self) -> None:
        for file in [*(self.work / "index").glob("*.rows"), self.work / "parts.npy", self.work / "catalogue.sqlite"]:
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
                os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        manifest = read_manifest(self.work / "manifest")
        assert manifest is not None
        assert manifest.dial is not None
        start = time.monotonic()
        layers = open_layers(manifest, self.work / "index")
        opened = time.monotonic() - start
        for layer in layers:
            for first in range(0, len(layer.segment), CHUNK):  # what stays in memory is read once, in order
                layer.segment.near[first : first + CHUNK].sum()
                layer.segment.scales[first : first + CHUNK].sum()
        warmed = time.monotonic() - start
        index = FaissIndex(DIM, layers=layers, dial=manifest.dial)
        truth, true_queries = np.load(self.work / "truth.npy"), self.collection.queries(TRUE_QUERIES, 2)
        print(f"opened in {opened:.1f} s, warm in {warmed:.1f} s")
        print(f"{'recall':>8}{'asked':>7}{'clients':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'qps':>8}   ms", flush=True)
        rows = []
        for setting in manifest.dial.settings:
            rows += self._rows(index, setting, true_queries, truth)
        result = {
            "n": self.n,
            "dim": DIM,
            "rss_gib": round(_rss("VmRSS"), 2),
            "disk_gib": round(disk_mib(self.work / "index") / 1024, 2),
            "build_s": self.state["seconds"]["build"]["took"],
            "left_out": self.state["left_out"],
            "rows": rows,
            "end_to_end": self._end_to_end(index, manifest.dial.at(0.95)),
            "build": {key: self.state.get(key) for key in ("tune_s", "sealed_peak_rss_gib")},
            "open_s": round(opened, 2),
            "warm_s": round(warmed, 2),
            "machine": machine(),
            "commit": commit(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        size = "" if self.n == 100_000_000 else f"-{self.n}"
        file = RESULTS / f"hundred_million{size}-{datetime.now(UTC):%Y-%m-%d}.json"
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(file.relative_to(ROOT))

    def _rows(self, index: FaissIndex, setting: Setting, queries: Rows, truth: Any) -> list[dict[str, Any]]:
        found = index.search_state(index.state, queries, 10, None, setting.depths)[1]
        recall = float(np.mean([np.isin(true, got).mean() for true, got in zip(truth, found, strict=True)]))
        rows = []
        for clients in CLIENTS:
            fresh = self.collection.queries(60_000, 100 + clients + int(setting.target * 1_000))
            with SearchPool(Fixed(index, setting.depths)) as pool:
                figures = closed_loop(partial(_ask, pool, fresh), len(fresh), clients, self.given.seconds)
            row = {
                "recall_at_10": round(recall, 4),
                "target": setting.target,
                "clients": clients,
                "fresh": True,
                **figures,
            }
            shown = "".join(f"{row[key]:>8}" for key in ("p50_ms", "p95_ms", "p99_ms", "qps"))
            print(f"{recall:>8.4f}{setting.target:>7}{clients:>8}{shown}   {setting.depths}", flush=True)
            rows.append(row)
        return rows

    def _end_to_end(self, index: FaissIndex, setting: Setting) -> dict[str, Any]:
        """Text in, ten hits out, by 8 clients."""
        from sherd.encoder import load_encoder

        encoder = load_encoder("builtin")
        parts = np.load(self.work / "parts.npy", mmap_mode="r")
        local, lock = threading.local(), threading.Lock()
        queries = self.collection.queries(20_000, 77)

        def one(number: int, pool: SearchPool) -> int:
            with lock:  # one encoder for all
                encoder.encode_text([f"a vessel with lotus and dragon number {number}"])
            query = queries[number : number + 1]
            keys = pool.search(query, self.given.rerank)[1][0]
            keys = keys[keys >= 0]
            near = np.stack([parts[key] for key in (keys % len(parts)).tolist()]).astype(np.float32)
            asked = Question(query[0], query, np.ones(1, np.float32), None, None, 0.3, 0.7, None, None)
            scores = score(asked, near[:, 0], near, sharpness=30.0, minus=0.0).total
            best = keys[np.argsort(-scores, kind="stable")[:10]].tolist()
            if not hasattr(local, "link"):
                local.link = sqlite3.connect(f"file:{self.work / 'catalogue.sqlite'}?mode=ro", uri=True)
            marks = ",".join("?" * len(best))
            hits = local.link.execute(f"SELECT record_id, title FROM records WHERE key IN ({marks})", best).fetchall()
            return len(hits)

        with SearchPool(Fixed(index, setting.depths)) as pool:
            figures = closed_loop(lambda n: one(n, pool), len(queries), 8, self.given.seconds)
        print(f"text to hits, 8 clients: {figures}", flush=True)
        return {"clients": 8, "rerank": self.given.rerank, "target": setting.target, "encoder": encoder.name, **figures}

    def _leave_out(self, what: str) -> None:
        if what not in self.state["left_out"]:
            self.state["left_out"].append(what)
            self._save()

    def _save(self) -> None:
        (self.work / "state.json").write_text(json.dumps(self.state, indent=1))


class Chunks:
    """The collection as a source of vectors; neighbours in one call are made together."""

    def __init__(self, collection: Collection) -> None:
        self._collection, self._number, self._chunk = collection, -1, np.empty((0, DIM), np.float32)

    def vectors(self, keys: Any) -> Rows:
        out = np.empty((len(keys), DIM), np.float32)
        numbers = keys // CHUNK
        for number in np.unique(numbers).tolist():
            if number != self._number:
                self._number, self._chunk = number, self._collection.chunk(number)
            out[numbers == number] = self._chunk[keys[numbers == number] % CHUNK]
        return out


class Fixed:
    """Our index at depths of the dial, as one that a pool can search."""

    def __init__(self, index: FaissIndex, depths: Depths) -> None:
        self._index, self._depths = index, depths

    def search(self, queries: Rows, k: int, allowed: Any = None) -> Any:
        return self._index.search_state(self._index.state, queries, k, allowed, self._depths)


def _ask(pool: SearchPool, queries: Rows, number: int) -> Any:
    return pool.search(queries[number : number + 1], 10)


def closed_loop(work: Callable[[int], Any], most: int, clients: int, seconds: float) -> dict[str, float]:
    """Milliseconds and answers a second of so many clients, each with work that nobody had before."""
    took: list[float] = []
    numbers, until = iter(range(most)), time.perf_counter() + seconds

    def client() -> None:
        for number in numbers:
            start = time.perf_counter()
            if start > until:
                return
            work(number)
            took.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p95, p99 = np.percentile(np.array(took) * 1e3, [50, 95, 99]).round(2).tolist()
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "qps": round(len(took) / (time.perf_counter() - start), 1)}


def _rss(field: str) -> float:
    """GiB that this process has (VmRSS) or had at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / (1 << 20)


if __name__ == "__main__":
    main()
