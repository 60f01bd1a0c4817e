"""Is a decision that was acknowledged ever lost? `python benchmarks/decision_kills.py --decisions 10000 --kills 50`.

A process decides about records one after another and says each number once it is kept; it is killed (SIGKILL) at random
moments and started again, until there are so many decisions. Then every number that was said must be there with what
was decided, the chain sound, and the head the last one. Null control: the same with a writer that says the number
before it keeps the decision, which must be caught.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from provenance import write

from sherd.catalogue import decisions
from sherd.catalogue.catalogue import Catalogue

_WRITER = """
import sys
from pathlib import Path
from sherd.catalogue import decisions
from sherd.catalogue.catalogue import Catalogue
from sherd.types import Action, Decision
shelf = Catalogue.open(Path(sys.argv[1]))
wanted, early = int(sys.argv[2]), sys.argv[3] == "early"
n = decisions.head(shelf.database).number
while n < wanted:
    n += 1
    made = Decision(f"R-{n % 97}", Action.OTHER, "Li", "2026-11-27T10:00:00+00:00", "motif", None, f"urn:c:{n}")
    if early:
        print(n, flush=True)
    kept = decisions.append(shelf.database, [made])
    if not early:
        print(kept[0].number, flush=True)
"""


def run(folder: Path, wanted: int, kills: int, *, early: bool, seed: int) -> dict[str, int | float]:
    """Write `wanted` decisions through `kills` kills; what was lost."""
    chance = random.Random(seed)
    path = folder / "catalogue.sqlite"
    Catalogue.open(path, create=True).close()
    said: set[int] = set()
    killed = restarts = 0
    began = time.monotonic()
    last = gone = 0
    while last < wanted:
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(wanted), "early" if early else "late"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        restarts += 1
        # so that the kills are spread over all decisions
        left = max(1, (wanted - last) // (kills - killed + 1)) if killed < kills else 0
        stop = last + chance.randrange(1, 2 * left) if left else wanted + 1
        for line in child.stdout:
            last = int(line)
            said.add(last)
            if last >= stop:
                time.sleep(chance.random() * 0.01)
                child.send_signal(signal.SIGKILL)
                killed += 1
                break
        rest = child.stdout.read().split()
        child.wait()
        said |= {int(number) for number in rest if number.isdigit()}
        last = max(said, default=0)
        shelf = Catalogue.open(path)
        missing = set(range(decisions.head(shelf.database).number + 1, last + 1)) & said
        shelf.close()
        gone += len(missing)
        said -= missing
        last = max(said, default=0)
    shelf = Catalogue.open(path)
    there = {kept.number: kept.decision.value for kept in decisions.everything(shelf.database)}
    lost = [n for n in said if there.get(n) != f"urn:c:{n}"]
    faults = list(decisions.faults(shelf.database))
    shelf.close()
    return {
        "decisions": len(there),
        "acknowledged": len(said),
        "kills": killed,
        "starts": restarts,
        "lost": gone + len(lost),
        "faults_of_the_chain": len(faults),
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """Both writers, printed and written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        ours = run(Path(one), given.decisions, given.kills, early=False, seed=1)
        control = run(Path(other), given.decisions, given.kills, early=True, seed=2)
    print("ours", ours)
    print("null control", control, "caught" if control["lost"] else "NOT CAUGHT")
    print(write("decision-kills", "Is a decision ever lost?", {"ours": ours, "null_control": control}))


if __name__ == "__main__":
    main()
