"""What does a search cost beside other servers? `python benchmarks/peers.py --records 100000`.

In one run, one after the other, over the same 100,000 object vectors, with the same text encoder, each as its own
process and asked by the same generator for 20 hits: Sherd; the least that one writes with FastAPI and FAISS; and, where
`--clip-retrieval DIR` names a folder into which it was installed (`pip install --target DIR --no-deps clip-retrieval`,
and flask, flask_restful, flask_cors, h5py and fire), the back end of clip-retrieval.

They do not do the same beyond that: Sherd also searches 800,000 part vectors and the words, ranks anew, and tells the
box of each hit, reasons, and whether it is a guess; and it keeps the vectors of texts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from large_library import make_large_library, texts_of
from provenance import ROOT, write
from server_load import Served, measured

_CLIENTS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each row")
    parser.add_argument("--folder", type=Path, help="where the library is made, and kept")
    parser.add_argument("--clip-retrieval", type=Path, help="folder into which it was installed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        library = make_large_library(given.folder or Path(temporary), given.records)
        same, new = texts_of(library, 60), texts_of(library, 3_000, seed=2)
        peer = [sys.executable, str(ROOT / "benchmarks" / "peer_server.py"), "--library", str(library)]
        servers: dict[str, list[str] | None] = {"Sherd": None, "FastAPI + FAISS": peer}
        if given.clip_retrieval:
            servers["clip-retrieval"] = [*peer, "--clip-retrieval", str(given.clip_retrieval)]
        rows = []
        for name, command in servers.items():
            rows += _rows(name, Served(library, command), same, new, given.seconds)
    print(f"\n{'':<32}{'answered/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms each':>13}{'MiB':>7}")
    for row in rows:
        print(
            f"{row['row']:<32}{row['answered_per_s']:>11}{row['p50_ms']:>9}{row['p99_ms']:>9}{row['cpu_ms_each']:>13}"
            f"{row['rss_mib'][1]:>7}"
        )
    print(write(f"peers-{given.records}", "what does a search cost beside other servers?", {
        "records": given.records, "clients": _CLIENTS, "hits": 20, "rows": rows,
    }))  # fmt: skip


def _rows(name: str, served: Served, same: list[str], new: list[str], seconds: float) -> list[dict[str, Any]]:
    """Closed loops of 8 clients: texts that were asked before, and texts that never were."""
    try:
        measured(served, f"{name}, warming up", "once", same)
        unheard = [f"{text} {n}" for n, text in enumerate(new * 10)]
        rows = [
            measured(served, f"{name}, texts again", "closed", same, _CLIENTS, seconds),
            measured(served, f"{name}, new texts", "closed", unheard, _CLIENTS, seconds),
        ]
    finally:
        with suppress(ProcessLookupError):
            served.close()
    for row in rows:
        answered = row["answered_per_s"] * row["seconds"]
        row["cpu_ms_each"] = round(1e3 * row["server_cores"] * row["seconds"] / answered, 1) if answered else None
    return rows


if __name__ == "__main__":
    main()
