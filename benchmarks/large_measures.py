"""What a built run of `hundred_million.py` answers, how fast and how right: figures, written as they come.

Queries that were never asked before are asked by 1, 8 and 32 clients, with the originals not in memory at the start;
then the whole way: text in, ten hits out.
"""

from __future__ import annotations

import itertools
import json
import mmap
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from collection import CHUNK, Collection, Rows
from engines import disk_mib
from provenance import RESULTS, ROOT, commit, machine

from sherd.search.question import Question
from sherd.search.rerank import score
from sherd.types import KeyArray
from sherd.vectors.ahead import ask_ahead
from sherd.vectors.cores import cores
from sherd.vectors.depths import Depths, Setting
from sherd.vectors.faiss_index import FaissIndex
from sherd.vectors.manifest import open_layers, read_manifest
from sherd.vectors.pool import SearchPool

DIM, PARTS = 256, 8
CLIENTS = (1, 8, 32)
PART_BYTES = PARTS * DIM * 2


def measure(work: Path, n: int, state: dict[str, Any], *, rerank: int, seconds: float) -> None:
    """All figures of the run in the folder `work`; the file of results holds what there is so far.

    Args:
        state: what building it found, see `hundred_million.Run`.
        rerank: candidates of the whole way.
        seconds: of each measurement.
    """
    sys.setswitchinterval(0.0005)  # as `sherd serve` does; with 5 ms a client waits longer for its turn than for hits
    forget([*(work / "index").glob("*.rows"), work / "parts.bin", work / "catalogue.sqlite"])
    manifest, collection = read_manifest(work / "manifest"), Collection(DIM)
    assert manifest is not None
    assert manifest.dial is not None
    start = time.monotonic()
    layers = open_layers(manifest, work / "index")
    opened = time.monotonic() - start
    for layer in layers:
        for first in range(0, len(layer.segment), CHUNK):  # what stays in memory is read once, in order
            layer.segment.near[first : first + CHUNK].sum()
            layer.segment.scales[first : first + CHUNK].sum()
    warmed = time.monotonic() - start
    index = FaissIndex(DIM, layers=layers, dial=manifest.dial)
    with np.load(work / "truth.npz") as kept:
        true, all_seen = kept["keys"], bool(kept["chunks"].all())
    assert all_seen, "the true answers are not known yet"
    queries = collection.queries(len(true), 2)
    # Never the same questions again: disks and hosts remember what was read, whatever this system forgets.
    seeds = itertools.count(fresh_seed := int(time.time()))
    print(f"opened in {opened:.1f} s, warm in {warmed:.1f} s, {rss_gib('VmRSS'):.1f} GiB resident")
    left_out = [
        *state["left_out"],
        "questions are encoded for their cost; the index is asked with the collection's own",
    ]
    took = state["seconds"]
    result: dict[str, Any] = {
        "n": n,
        "dim": DIM,
        "rss_gib": 0.0,
        "disk_gib": round(disk_mib(work / "index") / 1024, 2),
        "build_s": took["build"]["took"],
        "build_cpu_s": took["build"].get("cpu"),
        "left_out": left_out,
        "fresh_seed": fresh_seed,
        "rows": [],
        "end_to_end": None,
        "build": {"stages": took, "sealed_peak_rss_gib": state.get("sealed_peak_rss_gib"),
                  "shared": "while other programs used the cores; making the vectors and their true answers is in it"},
        "open_s": round(opened, 2),
        "warm_s": round(warmed, 2),
        "machine": machine(),
        "commit": commit(),
    }  # fmt: skip
    file = RESULTS / f"hundred_million-{n}-{datetime.now(UTC):%Y-%m-%d}.json"

    def keep() -> None:
        result["rss_gib"] = round(rss_gib("VmRSS"), 2)
        result["date"] = datetime.now(UTC).isoformat(timespec="seconds")
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")

    print(f"{'recall':>8}{'asked':>7}{'clients':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'qps':>8}   ms", flush=True)
    for setting in manifest.dial.settings:
        recall = recall_at_10(index, setting.depths, queries, true)
        for clients in CLIENTS:
            fresh = collection.queries(60_000, next(seeds))
            result["rows"].append(_row(index, setting, recall, fresh, clients, seconds))
            keep()
    if (work / "parts.bin").exists():
        at = manifest.dial.at(0.95)
        whole, *fewer = [
            end_to_end(work, index, at, count, next(seeds), seconds) for count in (rerank, rerank // 2, rerank // 4)
        ]
        result["end_to_end"] = {**whole, "fewer": fewer}
    else:
        left_out.append("the whole way from text to hits")
    keep()
    print(file.relative_to(ROOT))


def recall_at_10(index: FaissIndex, depths: Depths, queries: Rows, true: KeyArray) -> float:
    found = [index.search_state(index.state, query[None], 10, None, depths)[1][0] for query in queries]
    return float(np.mean([np.isin(one, got).mean() for one, got in zip(true, found, strict=True)]))


def _row(
    index: FaissIndex, setting: Setting, recall: float, fresh: Rows, clients: int, seconds: float
) -> dict[str, Any]:
    # Where the disk is read, a search waits for it half of its time.
    waits = any(layer.segment.soon for layer in index.state.layers)
    with SearchPool(Fixed(index, setting.depths), workers=(1 + waits) * cores()) as pool:
        figures = closed_loop(partial(_ask, pool, fresh), len(fresh), clients, seconds)
    row = {"recall_at_10": round(recall, 4), "target": setting.target, "clients": clients, "fresh": True, **figures}
    shown = "".join(f"{row[key]:>8}" for key in ("p50_ms", "p95_ms", "p99_ms", "qps"))
    print(f"{recall:>8.4f}{setting.target:>7}{clients:>8}{shown}   {setting.depths}", flush=True)
    return row


def end_to_end(
    work: Path, index: FaissIndex, setting: Setting, rerank: int, seed: int, seconds: float
) -> dict[str, Any]:
    """Text in, ten hits out, by 8 clients: first come first served by twice as many workers as there are cores, for
    half of the way is waiting for the disk. The object's share of a score is the index's own."""
    from sherd.encoder.onnx import OnnxEncoder
    from sherd.encoder.registry import resolve

    folder = resolve("builtin").folder
    assert folder is not None
    encoder = OnnxEncoder.load(folder, threads=1)  # each worker has one core
    queries, parts, local = Collection(DIM).queries(20_000, seed), PartFile(work / "parts.bin"), threading.local()
    stages: list[tuple[float, ...]] = []

    def one(number: int) -> int:
        marks = [time.perf_counter()]
        encoder.encode_text([f"a vessel with lotus and dragon number {number}"])
        marks.append(time.perf_counter())
        query = queries[number : number + 1]
        by_object, keys = (found[0] for found in index.search_state(index.state, query, rerank, None, setting.depths))
        marks.append(time.perf_counter())
        near = parts.read(keys)
        marks.append(time.perf_counter())
        asked = Question(query[0], query, np.ones(1, np.float32), None, None, 0.0, 0.7, None, None)
        scores = 0.3 * by_object + score(asked, near[:, 0], near, sharpness=30.0, minus=0.0).part
        best = keys[np.argsort(-scores, kind="stable")[:10]].tolist()
        marks.append(time.perf_counter())
        if not hasattr(local, "link"):
            local.link = sqlite3.connect(f"file:{work / 'catalogue.sqlite'}?mode=ro", uri=True)
        wanted = ",".join("?" * len(best))
        hits = local.link.execute(f"SELECT record_id, title FROM records WHERE key IN ({wanted})", best).fetchall()
        marks.append(time.perf_counter())
        stages.append(tuple(np.diff(marks)))
        return len(hits)

    with ThreadPoolExecutor(2 * cores(), initializer=faiss.omp_set_num_threads, initargs=(1,)) as pool:
        figures = closed_loop(lambda n: pool.submit(one, n).result(), len(queries), 8, seconds)
    names = ("encode", "index", "read_parts", "rerank", "catalogue")
    medians = dict(zip(names, np.median(np.array(stages) * 1e3, axis=0).round(2).tolist(), strict=True))
    print(f"text to hits, 8 clients: {figures}; of it in ms {medians}", flush=True)
    return {"clients": 8, "rerank": rerank, "target": setting.target, "encoder": encoder.name, **figures,
            "median_ms": medians}  # fmt: skip


class PartFile:
    """Part vectors of some records; all others are given those of the record that their key wraps around to."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._data.madvise(mmap.MADV_RANDOM)
        self._rows = np.frombuffer(self._data, np.float16).reshape(-1, PARTS, DIM)

    def read(self, keys: KeyArray) -> Rows:
        """(n, PARTS, DIM); all are asked of the disk at once, and others run while it works."""
        rows = keys % len(self._rows)
        ask_ahead(self._data, rows * PART_BYTES, PART_BYTES)
        return self._rows.take(rows, axis=0, mode="clip").astype(np.float32)


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


def forget(files: list[Path]) -> None:
    """Ask the system to keep nothing of some files in memory."""
    for file in files:
        if file.exists():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
                os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def rss_gib(field: str) -> float:
    """GiB that this process has (VmRSS) or had at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / (1 << 20)
