"""The process that meets the corpus: one process, the command line's own entry for each source, its memory measured.

python -m tests.hostile.job CORPUS LIBRARY     prints one JSON object
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from sherd.cli import main as sherd
from tests.ingest.museum import colour, paint

OPTIONS = ("--model", "toy", "--json", "--workers", "1", "--memory-mib", "512", "--time-limit-s", "20")


def ingest(source: Path, library: Path) -> dict[str, Any]:
    """What `sherd ingest` says last, its exit code, and how long it took."""
    said, start = io.StringIO(), time.perf_counter()
    code = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        try:
            sherd(["ingest", str(source), "--library", str(library), *OPTIONS])
        except SystemExit as ended:
            code = int(ended.code or 0)
    last = json.loads(said.getvalue().splitlines()[-1])
    return {**last, "code": code, "seconds": round(time.perf_counter() - start, 3)}


def resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def main() -> None:
    corpus, library = Path(sys.argv[1]), Path(sys.argv[2])
    warm = corpus / "warm"
    for n in range(100):
        paint(warm / f"{n}.png", colour(n))
    (warm / "list.csv").write_text("id,title,image\n" + "".join(f"{n},x,{n}.png\n" for n in range(100)), "utf-8")
    # Two sound sources first, so that what is loaded once is not taken for a leak.
    results: dict[str, Any] = {"warm": ingest(warm, library), "warm_table": ingest(warm / "list.csv", library)}
    pid, before = os.getpid(), resident_bytes()
    for source in ("files", "pack", "export"):
        results[source] = ingest(corpus / source, library)
        results[source]["rejects"] = (library / "rejects.jsonl").read_text("utf-8").splitlines()
    for table in sorted((corpus / "tables").iterdir()):
        if table.suffix != ".png":
            results[f"tables/{table.name}"] = ingest(table, library)
    after = resident_bytes()
    results["again"] = ingest(warm, library)
    results["memory"] = {"before": before, "after": after, "growth": round(after / before - 1, 4)}
    results["same_process"] = os.getpid() == pid
    print(json.dumps(results))


if __name__ == "__main__":
    main()
