"""The crash harness: a writer in a process of its own is killed; a fresh process tells what is left.

The parent reads the writer's JSON lines and keeps the log of what was acknowledged. After each kill it checks:
- every acknowledged item is there, with its pictures;
- nothing is there twice;
- verify finds nothing missing and nothing altered (files of the batch that was cut off may be extra);
- the next run starts, and takes every acknowledged item for unchanged;
- once a run reaches its end, verify finds nothing at all, and the library is the same as one that was never killed.

`python benchmarks/kills.py` prints the figures of a long series.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.crash.child import BATCH

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 60.0
_SHORTEST_S = 0.5
"""A random kill comes at most so long after an acknowledgement, or later where a batch takes longer."""
CLI = "import sys; from sherd.cli import main; main(sys.argv[1:])"


@dataclass
class Tally:
    """What a series of kills came to. All of the second group must be 0."""

    kills: int = 0
    runs: int = 0
    finished: int = 0
    in_flight: int = 0  # kills after which the library held more than was acknowledged, or files of a cut-off batch
    acknowledged: int = 0

    lost: int = 0
    duplicates: int = 0
    unsound: int = 0
    failed_restarts: int = 0
    repeated: int = 0  # acknowledged items that a later run did not take for unchanged
    different_ends: int = 0
    orphans: int = 0  # decoder processes that outlived their parent
    details: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        counts = (self.lost, self.duplicates, self.unsound, self.failed_restarts, self.repeated, self.different_ends)
        return sum(counts) + self.orphans


def make_source(folder: Path, objects: int, seed: int = 0) -> list[tuple[str, str]]:
    """A pack of `objects` objects of one to three views. Returns (record id, path) of each line."""
    dice = random.Random(seed)
    (folder / "images").mkdir(parents=True)
    lines, items = [], []
    for n in range(objects):
        for view in range(dice.randint(1, 3)):
            path = f"images/{n}-{view}.png"
            noise = Image.frombytes("RGB", (8, 8), dice.randbytes(192)).resize((64, 64))
            noise.save(folder / path)
            title = f"Relic {n} 饕餮纹鼎"
            lines.append(
                {"id": f"o{n}/{view}", "object_id": f"o{n}", "image": path, "title": title, "width": 64, "height": 64}
            )
            items.append((f"o{n}", path))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "records.jsonl").write_text(text, encoding="utf-8")
    return items


class Harness:
    """One series over one source; the library is begun anew whenever a run has reached its end."""

    def __init__(self, folder: Path, *, objects: int = 60, seed: int = 1, fault: str | None = None) -> None:
        self.folder, self.fault = folder, fault
        self.dice = random.Random(seed)
        self.items = make_source(folder / "source", objects, seed)
        self.tally = Tally()
        self.expected = "" if fault else self._reference()
        self._begin()

    def kill_at_random(self, kills: int, *, until_caught: bool = False) -> Tally:
        """Kill `kills` writers at random moments, or fewer where the first harm is enough (`until_caught`).

        Most kills come within the time that a batch takes, after one of the first few acknowledgements, and so land in
        the work itself however busy the machine is; every fifth one comes while the writer still starts.
        """
        while self.tally.kills < kills and not (until_caught and self.tally.violations):
            lines = 0 if self.tally.runs % 5 == 4 else self.dice.randint(1, 4)
            self._run(delay=self.dice.uniform(0.0, 1.0), lines=lines)
        return self.finish()

    def kill_at(self, step: str, count: int) -> None:
        """Let a writer kill itself the `count`-th time that it reaches a step."""
        self._run(kill=f"{step}:{count}")

    def finish(self) -> Tally:
        """Let a last run reach its end, and look at the whole once more."""
        if self.runs_here:
            self._run()
        return self.tally

    def _begin(self) -> None:
        self.library = self.folder / "library"
        shutil.rmtree(self.library, ignore_errors=True)
        self.settled = 0
        self.runs_here = 0

    def _command(self, kill: str | None) -> list[str]:
        if kill or self.fault:
            extra = [*(["--kill", kill] if kill else []), *(["--fault", self.fault] if self.fault else [])]
            module = [sys.executable, "-m", "tests.crash.child", "ingest"]
            return [*module, str(self.folder / "source"), str(self.library), *extra]
        options = ["--library", str(self.library), "--model", "toy", "--batch", str(BATCH), "--json"]
        return [sys.executable, "-c", CLI, "ingest", str(self.folder / "source"), *options]

    def _run(self, *, delay: float | None = None, lines: int = 0, kill: str | None = None) -> None:
        self.tally.runs += 1
        self.runs_here += 1
        log, errors = self.folder / "acknowledged.jsonl", self.folder / "errors.txt"
        with log.open("wb") as said, errors.open("wb") as told:
            child = subprocess.Popen(self._command(kill), stdout=said, stderr=told, cwd=ROOT, env=_environment())
            try:
                if delay is not None:
                    pace_s = _wait_for_lines(log, lines, child)
                    time.sleep(delay * max(_SHORTEST_S, 1.5 * pace_s))
                    workers = _children(child.pid)
                    child.send_signal(signal.SIGKILL)
                else:
                    workers = []
                code = child.wait(_PATIENCE_S)
            finally:
                child.kill()
                child.wait()
        killed = code == -signal.SIGKILL
        self.tally.kills += killed
        if not killed and code != 0:
            self.tally.failed_restarts += 1
            self.tally.details.append(f"exit {code}: {errors.read_text(encoding='utf-8')[-300:]}")
        self._read_log(log)
        self._check_orphans(workers)
        self._inspect(ended=not killed)
        if not killed:
            self.tally.finished += 1
            self._begin()

    def _read_log(self, log: Path) -> None:
        """Take up what was acknowledged, in this run and before."""
        before = self.settled
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                said = json.loads(line)
            except ValueError:  # the kill cut the line; it was not said
                continue
            if said.get("event") != "progress":
                continue
            self.settled = max(self.settled, said["settled"])
            # What earlier runs acknowledged, as far as this one has come, must be unchanged in it.
            known = min(before, said["settled"])
            if said["unchanged"] < known:
                self.tally.repeated += known - said["unchanged"]
                self.tally.details.append(f"{said['unchanged']} of {known} acknowledged items were unchanged")
                break
        self.tally.acknowledged += self.settled - before

    def _inspect(self, *, ended: bool) -> None:
        if not (self.library / "catalogue.sqlite").exists() and not self.settled:
            return
        there = _inspection(self.library)
        if "error" in there:
            if self.settled or not there["error"].startswith("schema_too_old"):
                self.tally.lost += self.settled
                self.tally.unsound += 1
                self.tally.details.append(str(there["error"]))
            return
        for record_id, path in self.items[: self.settled]:
            if path not in there["records"].get(record_id, ()):
                self.tally.lost += 1
                self.tally.details.append(f"{record_id} {path} was acknowledged and is lost")
        self.tally.duplicates += sum(there["duplicates"].values())
        self.tally.details += [f"twice: {there['duplicates']}"] if there["duplicates"] else []
        harm = [one for one in there["problems"] if ended or not one["kind"].endswith("_extra")]
        self.tally.unsound += len(harm)
        self.tally.details += [str(one) for one in harm[:3]]
        held = sum(len(paths) for paths in there["records"].values())
        if not ended:
            self.tally.in_flight += held > self.settled or bool(there["problems"])
        elif not self.fault and there["state"] != self.expected:
            self.tally.different_ends += 1
            self.tally.details.append("the library is not the same as one that was never interrupted")

    def _check_orphans(self, workers: list[int]) -> None:
        until = time.monotonic() + 5
        while any(_alive(pid) for pid in workers) and time.monotonic() < until:
            time.sleep(0.05)
        left = [pid for pid in workers if _alive(pid)]
        self.tally.orphans += len(left)

    def _reference(self) -> str:
        self.library = self.folder / "reference"
        subprocess.run(self._command(None), check=True, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL)
        return str(_inspection(self.library)["state"])


def _wait_for_lines(log: Path, lines: int, child: subprocess.Popen[bytes]) -> float:
    """Until the writer has said so many lines (the first says that it has begun), or has ended; gives the seconds
    between the last two."""
    until, said, at, pace_s = time.monotonic() + _PATIENCE_S, 0, time.monotonic(), 0.0
    while said < lines and child.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
        now = log.read_bytes().count(b"\n")
        if now > said:
            pace_s, at, said = (time.monotonic() - at) / (now - said) if said else 0.0, time.monotonic(), now
    return pace_s


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _inspection(library: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.inspection", str(library)],
        cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"error": f"the library cannot be looked at: {done.stderr[-500:]}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
