"""Does kill -9 at any moment of an ingest lose, double or break anything? `python benchmarks/kills.py`.

Thin over tests/crash/harness.py. Null controls: the same harness on writers with a deliberate fault, which it must
catch. Exits with 1 when a sound writer broke a promise, or a broken one was not caught.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from provenance import ROOT, write

sys.path.insert(0, str(ROOT))
HARMS = ("lost", "duplicates", "unsound", "failed_restarts", "repeated", "different_ends", "orphans")


def main() -> None:
    from tests.crash.child import FAULTS

    parser = argparse.ArgumentParser(description="Kill ingests at random moments and count what goes wrong.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--control-kills", type=int, default=30, help="kills at most until a broken writer is caught")
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    columns = ("writer", "kills", "in flight", "acknowledged", *HARMS)
    print("".join(f"{column:>16}" for column in columns))
    rows = [_series("sound", None, given.kills, given)]
    rows += [_series(fault, fault, given.control_kills, given) for fault in FAULTS]
    held = rows[0]["violations"] == 0
    caught = all(row["violations"] > 0 for row in rows[1:])
    print(f"{'no promise was broken' if held else 'PROMISES WERE BROKEN'}; "
          f"{'every broken writer was caught' if caught else 'A BROKEN WRITER WAS NOT CAUGHT'}")  # fmt: skip
    if held:
        print(f"with none lost in {given.kills} kills, the rate of losses is below {3 / given.kills:.1%} (95 %)")
    file = write(
        "kills",
        "what is lost, doubled or broken when an ingest is killed at random moments",
        {"seed": given.seed, "all_zero": held, "controls_caught": caught, "rows": rows},
    )
    print(f"written: {file}")
    sys.exit(0 if held and caught else 1)


def _series(name: str, fault: str | None, kills: int, given: argparse.Namespace) -> dict[str, Any]:
    from tests.crash.harness import Harness

    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(Path(folder), objects=given.objects, seed=given.seed, fault=fault)
        tally = harness.kill_at_random(kills, until_caught=fault is not None)
    shown = (name, tally.kills, tally.in_flight, tally.acknowledged, *(getattr(tally, harm) for harm in HARMS))
    print("".join(f"{str(value)[:15]:>16}" for value in shown), flush=True)
    return {"writer": name, **asdict(tally), "details": tally.details[:5], "violations": tally.violations}


if __name__ == "__main__":
    main()
