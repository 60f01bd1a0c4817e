"""A server that is cut off, stopped or killed again and again while an ingest goes on, and comes back each time.

The ingest is one process from beginning to end: it must wait, go on by itself and end well. Then everything that it
acknowledged is there, nothing twice, `verify` finds nothing, and the library is the same as one that was never cut.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.harness import ROOT, _environment, _inspection, make_source

_PATIENCE_S = 240.0


@dataclass
class CutTally:
    """What a series of cuts came to. All of the second group must be 0."""

    cuts: int = 0
    runs: int = 0
    acknowledged: int = 0
    seconds_away: float = 0.0

    failed: int = 0
    lost: int = 0
    duplicates: int = 0
    unsound: int = 0
    different_ends: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        return self.failed + self.lost + self.duplicates + self.unsound + self.different_ends


class CutSeries:
    """Ingests of one source, each into a new library, until there were so many cuts.

    Args:
        options: gives the options of `tests.crash.child` for the n-th library.
        cut: makes the server go away and come back; called with a random number generator.
    """

    def __init__(
        self, folder: Path, options: Callable[[int], Sequence[str]], cut: Callable[[random.Random], None], *,
        objects: int = 60, seed: int = 1,
    ) -> None:  # fmt: skip
        self.folder, self.options, self.cut = folder, options, cut
        self.dice = random.Random(seed)
        self.items = make_source(folder / "source", objects, seed)
        self.tally = CutTally()
        self._run(cuts=0)
        self.expected = str(_inspection(self._library)["state"])

    def run(self, cuts: int, *, minutes: float = 1e9) -> CutTally:
        """So many cuts, over as many ingests as it takes, or as many as come to their end in that time."""
        until = time.monotonic() + 60 * minutes
        while self.tally.cuts < cuts and not self.tally.violations and time.monotonic() < until:
            self._run(cuts=cuts - self.tally.cuts)
            self._inspect()
        return self.tally

    def _run(self, *, cuts: int) -> None:
        self.tally.runs += 1
        self._library = self.folder / f"library{self.tally.runs}"
        log, errors = self.folder / "acknowledged.jsonl", self.folder / "errors.txt"
        module = [sys.executable, "-m", "tests.crash.child", "ingest", str(self.folder / "source"), str(self._library)]
        with log.open("wb") as said, errors.open("wb") as told:
            child = subprocess.Popen(
                [*module, *self.options(self.tally.runs)], stdout=said, stderr=told, cwd=ROOT, env=_environment()
            )
            try:
                until = time.monotonic() + _PATIENCE_S
                _wait(lambda: log.stat().st_size > 0 or child.poll() is not None, until)
                while cuts and child.poll() is None:
                    time.sleep(self.dice.uniform(0.0, 0.4))
                    if child.poll() is not None:
                        break
                    start = time.monotonic()
                    self.cut(self.dice)
                    self.tally.seconds_away += time.monotonic() - start
                    self.tally.cuts += 1
                    cuts -= 1
                code = child.wait(_PATIENCE_S)
            finally:
                child.kill()
                child.wait()
        if code:
            self.tally.failed += 1
            self.tally.details.append(f"exit {code}: {errors.read_text(encoding='utf-8')[-2000:]}")
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        self._settled = max((line["settled"] for line in lines if line.get("event") == "progress"), default=0)
        self.tally.acknowledged += self._settled

    def _inspect(self) -> None:
        there = _inspection(self._library)
        if "error" in there:
            self.tally.unsound += 1
            self.tally.details.append(str(there["error"]))
            return
        for record_id, path in self.items[: self._settled]:
            self.tally.lost += path not in there["records"].get(record_id, ())
        self.tally.duplicates += sum(there["duplicates"].values())
        self.tally.unsound += len(there["problems"])
        self.tally.details += [str(one) for one in there["problems"][:3]]
        self.tally.different_ends += there["state"] != self.expected
        if not self.tally.violations:
            shutil.rmtree(self._library)


def _wait(reached: Callable[[], bool], until: float) -> None:
    while not reached() and time.monotonic() < until:
        time.sleep(0.01)
