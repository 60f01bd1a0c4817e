"""What do filters, deletions, a tail and merging cost a search? `python benchmarks/living.py --n 1000000`.

Recall@10 is against an exact search among the same vectors, with the depths that the dial has set for 0.95; times are
of one client. While the collection grows by a tenth, in additions of 2,000, segments are sealed and merged in the
background.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import Any

import faiss
import numpy as np
from collection import Collection, Rows
from provenance import write

from sherd.vectors.faiss_index import FaissIndex
from sherd.vectors.tuning import own_queries, tune

QUERIES, TIMED = 100, 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=1_000_000)
    given = parser.parse_args()
    collection = Collection()
    rows, queries = collection.rows(given.n + given.n // 10), collection.queries(QUERIES, 2)
    index = FaissIndex(rows.shape[1], background=True)
    index.build(np.arange(given.n), _Source(rows))
    index.dial = tune(index, own_queries(index), asked_with="own")
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    there = np.arange(given.n)
    print(f"{'state':<28}{'vectors':>10}{'recall':>9}{'p50':>8}{'p95':>8}   ms")
    told = [_row("sealed", index, rows, queries, there, None)]
    for share in (0.5, 0.02, 0.001):
        allowed = np.sort(rng.choice(given.n, int(share * given.n), replace=False))
        told.append(_row(f"filter, {share:.1%} of all", index, rows, queries, allowed, allowed))
    gone = rng.choice(given.n, given.n // 10, replace=False)
    index.remove(gone)
    there = np.setdiff1d(there, gone)
    told.append(_row("a tenth deleted", index, rows, queries, there, None))
    during = _grow(index, rows, given.n, queries)
    there = np.concatenate([there, np.arange(given.n, len(rows))])
    told.append(_row("a tenth added", index, rows, queries, there, None))
    segments = [len(layer.segment) for layer in index.state.layers]
    print(f"while growing: {during}; segments {segments}, tail {len(index.state.tail)}")
    print(write(f"living-{given.n}", "what filters, deletions, a tail and merging cost a search",
                {"n": given.n, "rows": told, "growing": during, "segments": segments}))  # fmt: skip


def _row(name: str, index: FaissIndex, rows: Rows, queries: Rows, there: Any, allowed: Any) -> dict[str, Any]:
    vectors = rows[there]
    near = queries @ vectors.T
    true = there[np.argpartition(-near, 10, axis=1)[:, :10]]
    found = index.search(queries, 10, allowed)[1]
    recall = float(np.mean([np.isin(one, got).mean() for one, got in zip(true, found, strict=True)]))
    took = []
    for n in range(TIMED):
        start = time.perf_counter()
        index.search(queries[n % QUERIES : n % QUERIES + 1], 10, allowed)
        took.append(time.perf_counter() - start)
    p50, p95 = (np.percentile(took, [50, 95]) * 1e3).round(2).tolist()
    print(f"{name:<28}{len(there):>10}{recall:>9.4f}{p50:>8}{p95:>8}", flush=True)
    return {"state": name, "vectors": len(there), "recall_at_10": round(recall, 4), "p50_ms": p50, "p95_ms": p95}


def _grow(index: FaissIndex, rows: Rows, start: int, queries: Rows) -> dict[str, Any]:
    """Add what is beyond `start`, with searches going on."""
    took: list[float] = []
    ended = threading.Event()

    def search() -> None:
        faiss.omp_set_num_threads(1)
        while not ended.is_set():
            begun = time.perf_counter()
            index.search(queries[len(took) % QUERIES :][:1], 10)
            took.append(time.perf_counter() - begun)

    searcher = threading.Thread(target=search)
    searcher.start()
    begun = time.perf_counter()
    for first in range(start, len(rows), 2_000):
        index.add(np.arange(first, min(first + 2_000, len(rows))), rows[first : first + 2_000])
    index.wait()
    seconds = time.perf_counter() - begun
    ended.set()
    searcher.join()
    p50, p95 = (np.percentile(took, [50, 95]) * 1e3).round(2).tolist()
    return {
        "added": len(rows) - start,
        "seconds": round(seconds, 1),
        "searches": len(took),
        "p50_ms": p50,
        "p95_ms": p95,
    }


class _Source:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def vectors(self, keys: Any) -> Rows:
        return self._rows[keys]


if __name__ == "__main__":
    main()
