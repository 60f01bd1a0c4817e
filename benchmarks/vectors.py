"""How do vector engines compare at equal recall? `python benchmarks/vectors.py --n 1000000`.

Each engine builds in one process and answers in another, alone. Its dial is turned, on queries kept for that, until
recall@10 is at least 0.90, 0.95 and 0.99; other queries are then asked by 1, 8 and 32 clients in a closed loop, each a
thread, for the same time. The vectors are made by `collection.py`, or, with --relics FILE (which `candidates.py` leaves
in its folder), are those of the parts of rendered relics, asked for by clauses of other relics' captions. Memory is
what the answering process has resident, mapped files included, less what it had before it opened. An engine that is not
installed, or does not end in time, is a row that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from collection import Collection, Truth
from engines import ENGINES, Engine, disk_mib, empty
from galleries import TEST_SEED, TRAINED
from provenance import ROOT, write

TARGETS = (0.90, 0.95, 0.99)
CLIENTS = (1, 8, 32)
TUNED_WITH, ASKED = 200, 4_000
CHECKED = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--relics", type=Path, help="vectors that candidates.py has read, in place of made ones")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument(
        "--work", type=Path, default=ROOT / "benchmarks" / "work", help="folder for vectors and indexes"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--limit-s", type=float, default=3_600, help="time for one step of one engine")
    parser.add_argument("--child", nargs=2, metavar=("STEP", "ENGINE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_child(*given.child, given)))
        return
    given.work.mkdir(parents=True, exist_ok=True)
    if given.relics:
        _prepare_relics(given)
    else:
        _prepare(given)
    rows: list[dict[str, Any]] = []
    print(f"{'engine':<12}{'target':>7}{'recall':>8}{'clients':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'qps':>8}   ms")
    engines = {}
    for name in given.engines.split(","):
        built = _run("build", name, given)
        served = _run("serve", name, given) if "failed" not in built else built
        engines[name] = {key: value for key, value in (built | served).items() if key != "rows"}
        if "failed" in served:
            print(f"{name:<12} {served['failed']}", flush=True)
        for row in served.get("rows", []):
            rows.append({"engine": name, **row})
            tail = "".join(f"{row[key]:>8}" for key in ("clients", "p50_ms", "p95_ms", "p99_ms", "qps"))
            print(f"{name:<12}{row['target']:>7}{row['recall']:>8}{tail}   {row['step']}", flush=True)
        told = (f"{key} {engines[name].get(key)}" for key in ("build_s", "build_rss_mib", "rss_mib", "disk_mib"))
        print(f"{name:<12} {', '.join(told)}", flush=True)
        empty(given.work / name).rmdir()
    of = "parts of rendered relics, asked for by clauses" if given.relics else "made by collection.py"
    result = {"n": given.n, "dim": given.dim, "of": of, "engines": engines, "rows": rows}
    print(write(f"vectors-{given.n}", "vector engines at equal recall", result))


def _prepare(given: argparse.Namespace) -> None:
    """Vectors, queries and what is true of them, made once for all engines."""
    mark = given.work / f"vectors-{given.n}-{given.dim}"
    if mark.with_suffix(".npz").exists():
        return
    collection = Collection(given.dim)
    queries = np.concatenate([collection.queries(TUNED_WITH, 1), collection.queries(ASKED, 2)])
    truth = Truth(queries[: TUNED_WITH + CHECKED])
    vectors = np.lib.format.open_memmap(mark.with_suffix(".npy"), "w+", np.float32, (given.n, given.dim))
    for start in range(0, given.n, 65_536):
        rows = collection.rows(min(65_536, given.n - start), start)
        vectors[start : start + len(rows)] = rows
        truth.see(np.arange(start, start + len(rows)), rows)
    vectors.flush()
    np.savez(mark.with_suffix(".npz"), queries=queries, keys=truth.keys)


def _prepare_relics(given: argparse.Namespace) -> None:
    """The same of the parts of rendered relics; `given.n` becomes how many these are."""
    from sherd.encoder import load_encoder
    from sherd.evaluation import drawn
    from sherd.search.question import clauses

    with np.load(given.relics) as kept:
        vectors = kept["parts"].reshape(-1, kept["parts"].shape[-1]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors[np.random.default_rng(0).permutation(len(vectors))]
    given.n, given.dim = vectors.shape
    mark = given.work / f"vectors-{given.n}-{given.dim}"
    if mark.with_suffix(".npz").exists():
        return
    gallery = drawn.draw_gallery(TRAINED, 500, TEST_SEED, given.work / "galleries")
    texts = list(dict.fromkeys(text for caption in gallery.captions for text in clauses(caption) or [caption]))
    queries = load_encoder("builtin").encode_text(texts)[: TUNED_WITH + ASKED]
    truth = Truth(queries[: TUNED_WITH + CHECKED])
    truth.see(np.arange(given.n), vectors)
    np.save(mark.with_suffix(".npy"), vectors)
    np.savez(mark.with_suffix(".npz"), queries=queries, keys=truth.keys)


def _run(step: str, name: str, given: argparse.Namespace) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, __file__, "--child", step, name, "--n", str(given.n), "--dim", str(given.dim)]
    command += ["--work", str(given.work), "--seconds", str(given.seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=given.limit_s, env=os.environ)
    except subprocess.TimeoutExpired:
        return {"failed": f"{step}: not done in {given.limit_s:.0f} s"}
    if done.returncode:
        return {"failed": f"{step}: {(done.stderr.strip().splitlines() or ['ended'])[-1][:200]}"}
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


def _child(step: str, name: str, given: argparse.Namespace) -> dict[str, Any]:
    mark, folder = given.work / f"vectors-{given.n}-{given.dim}", given.work / name
    engine = ENGINES[name](folder)
    if step == "build":
        empty(folder)
        vectors = np.load(mark.with_suffix(".npy"), mmap_mode="r")
        start = time.monotonic()
        engine.build(vectors)
        peak = _status("VmHWM")
        return {"build_s": round(time.monotonic() - start, 1), "build_rss_mib": peak, "disk_mib": disk_mib(folder)}
    said = np.load(mark.with_suffix(".npz"))
    queries, keys = said["queries"], said["keys"]
    before, start = _status("VmRSS"), time.monotonic()
    engine.open(given.n)
    opened = round(time.monotonic() - start, 2)
    engine.worker()
    sys.setswitchinterval(
        0.0005
    )  # as `sherd serve` does; with 5 ms a client waits longer for its turn than for the answer
    rows = list(_rows(engine, queries, keys, given.seconds))
    mine = psutil.Process()
    helpers = sum(child.memory_info().rss for child in mine.children(recursive=True)) >> 20
    result = {"open_s": opened, "rss_mib": _status("VmRSS") - before + helpers, "rows": rows}
    engine.close()
    return result


def _rows(engine: Engine, queries: Any, keys: Any, seconds: float) -> Any:
    recalls: dict[int, float] = {}

    def recall(step: int) -> float:
        if step not in recalls:
            found = [engine.search(query, engine.steps[step]) for query in queries[:TUNED_WITH]]
            recalls[step] = _recall(found, keys[:TUNED_WITH])
        return recalls[step]

    for target in TARGETS:
        step = _cheapest(engine, target, recall, queries)
        if step is None:
            yield {"target": target, "recall": round(max(recalls.values()), 4), "clients": 0, "step": "not reached",
                   "p50_ms": 0, "p95_ms": 0, "p99_ms": 0, "qps": 0}  # fmt: skip
            continue
        fresh = queries[TUNED_WITH:]
        found = [engine.search(query, engine.steps[step]) for query in fresh[:CHECKED]]
        reached = round(_recall(found, keys[TUNED_WITH:]), 4)
        for clients in CLIENTS:
            figures = asked(engine, fresh, engine.steps[step], clients, seconds)
            yield {"target": target, "recall": reached, "clients": clients, "step": str(engine.steps[step]), **figures}


def _cheapest(engine: Engine, target: float, recall: Any, queries: Any) -> int | None:
    """The step that reaches the target in the least time, among the first that do."""
    good = []
    for step in range(len(engine.steps)):
        if recall(step) >= target:
            start = time.perf_counter()
            for query in queries[:TUNED_WITH]:
                engine.search(query, engine.steps[step])
            good.append((time.perf_counter() - start, step))
            if len(good) == 4:
                break
    return min(good)[1] if good else None


def asked(engine: Engine, queries: Any, step: Any, clients: int, seconds: float) -> dict[str, float]:
    """Milliseconds and queries a second of so many clients, each asking again when it has its answer."""
    times: list[list[float]] = [[] for _ in range(clients)]
    until = time.perf_counter() + seconds

    def client(number: int) -> None:
        engine.worker()
        place = number
        while (start := time.perf_counter()) < until:
            engine.search(queries[place % len(queries)], step)
            times[number].append(time.perf_counter() - start)
            place += clients

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = np.array([one for some in times for one in some]) * 1e3
    p50, p95, p99 = np.percentile(took, [50, 95, 99]).round(2).tolist()
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "qps": round(took.size / (time.perf_counter() - start))}


def _recall(found: Any, keys: Any) -> float:
    return float(np.mean([np.isin(true, got).mean() for true, got in zip(keys, found, strict=False)]))


def _status(field: str) -> int:
    """MiB that this process has (VmRSS) or had at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) >> 10


if __name__ == "__main__":
    main()
