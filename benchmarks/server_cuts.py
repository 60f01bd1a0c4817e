"""Does a server that goes away again and again cost anything but time? `python benchmarks/server_cuts.py postgresql`.

postgresql: the server of the catalogue is stopped (with a recovery at the next start, or with every connection cut)
under ingests that must go on by themselves; afterwards all that was acknowledged must be there once, `verify` must find
nothing, and the library must be the one of an ingest that was never cut.
milvus: the connection to the server of the index is cut, frozen or refused, and the server killed, while one thread
fills it and one searches; every answer must be that of exact search or a refusal.

Null control of `milvus`: the same with a search that passes over what the server lacks, which must be caught.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from provenance import write  # noqa: E402

from sherd.types import FloatArray, KeyArray  # noqa: E402
from sherd.vectors.exact import ExactIndex  # noqa: E402
from sherd.vectors.milvus_library import FarIndex  # noqa: E402
from tests.crash.test_cuts import cuts_of_postgres  # noqa: E402
from tests.milvus_server import MilvusServer  # noqa: E402
from tests.vectors.milvus_cuts import MilvusCuts, MilvusTally  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=["postgresql", "milvus"])
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--kills-every", type=int, default=40, help="of milvus; a start takes it 15 to 60 seconds")
    parser.add_argument(
        "--objects", type=int, default=120, help="of postgresql: pictures of an ingest, about twice as many"
    )
    parser.add_argument("--minutes", type=float, default=1e9, help="of postgresql: begin no ingest after so many")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sherd-cuts-") as folder:
        if given.server == "postgresql":
            chosen = {"objects": given.objects, "seed": given.seed, "minutes": given.minutes}
            tally = asdict(cuts_of_postgres(Path(folder), given.cuts, **chosen).tally)
        else:
            tally = _milvus(Path(folder), given.cuts, given.kills_every, given.seed)
    tally["seconds"] = round(time.monotonic() - start)
    for name, value in tally.items():
        print(f"{name:20} {value}")
    question = f"What is lost, doubled or wrong when the {given.server} server goes away again and again?"
    print(write(f"cuts-{given.server}", question, {"server": given.server, **tally}))


def _milvus(folder: Path, cuts: int, kills_every: int, seed: int) -> dict[str, object]:
    server = MilvusServer()
    server.start()
    try:
        tally = MilvusCuts(server, folder, seed).run(cuts, kill_every=kills_every)
        caught = _null_control(server, folder, seed)
    finally:
        server.remove()
    return {**asdict(tally), "null_control_caught": caught.wrong > 0}


def _null_control(server: MilvusServer, folder: Path, seed: int) -> MilvusTally:
    search = FarIndex.search

    def forgetful(self: FarIndex, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> object:
        self._tail = ExactIndex(self.dim)
        return search(self, queries, k, allowed)

    FarIndex.search = forgetful  # type: ignore[assignment,method-assign]
    try:
        return MilvusCuts(server, folder, seed).run(10)
    finally:
        FarIndex.search = search  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
