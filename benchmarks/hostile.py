"""Is every malformed input refused with a reason, and is the memory given back? `python benchmarks/hostile.py`.

The corpus is made by tests/hostile; one process of `sherd ingest` meets all of it. Exits with 1 when anything was
accepted, lost, or refused for a wrong reason.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from provenance import ROOT, write

sys.path.insert(0, str(ROOT))


def main() -> None:
    from tests.hostile.corpus import build
    from tests.hostile.trial import meet

    parser = argparse.ArgumentParser(description="Let `sherd ingest` meet the corpus of malformed inputs.")
    parser.add_argument("--per-kind", type=int, help="only so many inputs of each kind")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdict = meet(build(Path(folder) / "corpus", given.per_kind), Path(folder) / "library")
    print(f"{'kind':<24}{'inputs':>8}{'refused':>9}  reasons")
    for kind, (inputs, refused) in verdict.by_kind.items():
        reasons = ", ".join(f"{reason} {count}" for reason, count in verdict.reasons[kind].items())
        print(f"{kind:<24}{inputs:>8}{refused:>9}  {reasons}")
    refused = sum(refused for _, refused in verdict.by_kind.values())
    print(f"{len(verdict.by_kind)} kinds{verdict.inputs:>16}{refused:>9}")
    print(f"valid neighbours kept: {verdict.neighbours_kept} of {verdict.neighbours}")
    print(f"memory of the process: {verdict.memory.get('growth', 0):+.1%} after the corpus; {verdict.seconds} s in all")
    print("\n".join(verdict.failures) or "no failures")
    file = write(
        "hostile",
        "are all malformed inputs refused with a reason, the process alive, memory back",
        {
            "inputs": verdict.inputs,
            "kinds": len(verdict.by_kind),
            "refused_with_an_expected_reason": refused,
            "neighbours": verdict.neighbours,
            "neighbours_kept": verdict.neighbours_kept,
            "memory_bytes": verdict.memory,
            "seconds": verdict.seconds,
            "failures": verdict.failures,
            "rows": [
                {"kind": kind, "inputs": inputs, "refused": refused, "reasons": verdict.reasons[kind]}
                for kind, (inputs, refused) in verdict.by_kind.items()
            ],
        },
    )
    print(f"written: {file}")
    sys.exit(1 if verdict.failures else 0)


if __name__ == "__main__":
    main()
