"""What does a living index lose when its writer is killed? `python benchmarks/index_kills.py --kills 200`.

A writer adds, deletes, merges and saves without end, and is killed with SIGKILL at a random moment, over and over. It
acknowledges a step to us when the vectors are in a synced part file and the list of what is there has been swapped;
the index is derived from both, as in a library. After each kill the index is opened from its files and compared:
nothing acknowledged may be missing, nothing deleted found, no key may answer with another's vector, and its recall
against an exact search must be what it was. A step that was begun and not acknowledged may be done or not, but not by
half, and from then on it is held to what was found. A writer that acknowledges before it has written is run too: it
must be caught, or the comparison is worth nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from collection import Collection
from provenance import write

from sherd.types import Embeddings
from sherd.vectors.depths import Depths
from sherd.vectors.exact import ExactIndex
from sherd.vectors.faiss_index import IndexSettings
from sherd.vectors.index_files import open_indexes, save_indexes
from sherd.vectors.parts import PartStore, write_durably
from sherd.vectors.rows import PartRows
from sherd.vectors.tuning import recall

DIM = 64
SETTINGS = IndexSettings(exact_limit=1_500, tail_limit=400, depths=Depths(30, 200, 40), merge_ratio=0.5)
STEPS = ("writing", "acknowledging", "sealing", "kept", "sealed", "tuned", "saved", "swapped", "cleared")
LEAST_RECALL = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--control-kills", type=int, default=40, help="kills at most until the broken writer is caught")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writer", nargs=2, metavar=("FOLDER", "SEED"), help=argparse.SUPPRESS)
    parser.add_argument("--early", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.writer:
        Writer(Path(given.writer[0]), int(given.writer[1]), early=given.early).run()
        return
    rows = [_series("sound", given.kills, given.seed, early=False)]
    rows.append(_series("acknowledges early", given.control_kills, given.seed, early=True))
    held, caught = not rows[0]["violations"], bool(rows[1]["violations"])
    print(f"{'no promise was broken' if held else 'PROMISES WERE BROKEN'}; "
          f"{'the broken writer was caught' if caught else 'THE BROKEN WRITER WAS NOT CAUGHT'}")  # fmt: skip
    about = {"seed": given.seed, "held": held, "control_caught": caught, "rows": rows}
    print(write("index-kills", "what a living index loses when its writer is killed", about))
    sys.exit(0 if held and caught else 1)


class Writer:
    """Adds 40 to 200 vectors or deletes some, saves the index now and then, and says so on stdout, step by step."""

    def __init__(self, folder: Path, seed: int, *, early: bool) -> None:
        self.folder, self._early, self._rng = folder, early, random.Random(seed)
        self.store = PartStore(folder / "vectors")
        self.truth = Truths(folder)

    def run(self) -> None:
        while True:
            there = sorted(self.truth.where)
            if len(there) > 4_000 or (len(there) > 2_500 and self._rng.random() < 0.4):
                gone = self._rng.sample(there, self._rng.randint(20, 400))
                self._commit(dict.fromkeys(gone))
            else:
                self._add(self._rng.randint(40, 200))
            if self._rng.random() < 0.5:
                save_indexes(self.folder / "index", self.truth.rows(), settings=SETTINGS, hook=_say_step)

    def _add(self, count: int) -> None:
        first = self.truth.next_key()
        keys = np.arange(first, first + count)
        given = embeddings(keys)
        if self._early:
            self._acknowledge({str(key): True for key in keys.tolist()})
        _say_step("writing")
        info = self.store.write(keys, [f"{key:064x}" for key in keys.tolist()], given)
        self._commit({int(key): (info.name, row) for row, key in enumerate(keys)}, acknowledged=self._early)

    def _commit(self, changes: dict[int, Any], *, acknowledged: bool = False) -> None:
        told = {str(key): place is not None for key, place in changes.items()}
        print(json.dumps({"begun": told}), flush=True)
        if self._early and not acknowledged:
            self._acknowledge(told)
        self.truth.change(changes)
        if not self._early:
            _say_step("acknowledging")
            self._acknowledge(told)

    def _acknowledge(self, told: dict[str, bool]) -> None:
        print(json.dumps({"acknowledged": told}), flush=True)


class Truths:
    """Where the vectors of each key lie, in one file that is swapped whole: what a catalogue is to a library."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "truth.json"
        said = json.loads(self._file.read_text()) if self._file.exists() else {"next": 0, "where": {}}
        self._next = said["next"]
        self.where: dict[int, tuple[str, int]] = {int(key): tuple(place) for key, place in said["where"].items()}

    def next_key(self) -> int:
        """Keys are never used twice."""
        return int(self._next)

    def change(self, changes: dict[int, Any]) -> None:
        for key, place in changes.items():
            self._next = max(self._next, key + 1)
            if place is None:
                self.where.pop(key, None)
            else:
                self.where[key] = place
        said = {"next": self._next, "where": self.where}
        write_durably(self._file, [json.dumps(said).encode()])

    def rows(self) -> PartRows:
        store = PartStore(self._folder / "vectors")
        names = sorted({name for name, _ in self.where.values()})
        number = {name: n for n, name in enumerate(names)}
        keys = np.array(list(self.where), np.int64)
        places = np.array([(number[name], row) for name, row in self.where.values()], np.int64).reshape(-1, 2)
        return PartRows(store, [store.describe(name).info for name in names], keys, places[:, 0], places[:, 1])


def embeddings(keys: Any) -> Embeddings:
    """The vectors of keys: the same for the same key, whoever asks."""
    rows = _collection().rows(int(keys[-1]) + 1 - int(keys[0]), int(keys[0]))
    parts = rows[:, None, ::-1].copy()
    return Embeddings(rows, parts, np.tile(np.array([0.1, 0.1, 0.5, 0.5], np.float32), (len(rows), 1, 1)))


_COLLECTIONS: list[Collection] = []


def _collection() -> Collection:
    if not _COLLECTIONS:
        _COLLECTIONS.append(Collection(DIM, latent=32, clusters=300))
    return _COLLECTIONS[0]


def _say_step(step: str) -> None:
    print(json.dumps({"step": step}), flush=True)


def _series(name: str, kills: int, seed: int, *, early: bool) -> dict[str, Any]:
    rng = random.Random(seed)
    tally: dict[str, Any] = {"writer": name, "kills": 0, "acknowledged": 0, "violations": 0, "at": {}, "details": []}
    tally["in_doubt"] = 0
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        held, doubted = dict[int, bool](), dict[int, bool]()
        for number in range(kills):
            step = _kill(Path(folder), number + seed * 1_000, rng, held, doubted, early=early)
            tally["kills"], tally["acknowledged"] = number + 1, len(held)
            tally["at"][step] = tally["at"].get(step, 0) + 1
            tally["in_doubt"] += bool(doubted)
            wrong = _settle(Path(folder), held, doubted)
            more, found = _compare(Path(folder), held)
            wrong += more
            worst = min(worst, found)
            tally["violations"] += len(wrong)
            tally["details"] += [f"kill {number + 1} at {step}: {one}" for one in wrong][:3]
            if wrong and early:
                break
    tally["worst_recall"] = round(worst, 4)
    print(
        {key: value for key, value in tally.items() if key != "details"}, *tally["details"][:5], sep="\n  ", flush=True
    )
    return tally


def _kill(
    folder: Path, seed: int, rng: random.Random, held: dict[int, bool], doubted: dict[int, bool], *, early: bool
) -> str:
    """Let a writer work for a while and kill it at or shortly after a step; what it acknowledged goes into `held`, what
    it had begun only into `doubted`."""
    command = [sys.executable, __file__, "--writer", str(folder), str(seed), *(["--early"] if early else [])]
    wanted, after = rng.choice(STEPS), rng.randint(1, 4)
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    until, last = time.monotonic() + 20, ""
    for line in writer.stdout:
        said = json.loads(line)
        _note(said, held, doubted)
        last = said.get("step", last)
        after -= last == wanted and "step" in said
        if after <= 0 or time.monotonic() > until:
            time.sleep(rng.random() * 0.02)
            break
    writer.send_signal(signal.SIGKILL)
    for line in writer.stdout:
        if line.endswith("\n"):
            _note(json.loads(line), held, doubted)
    writer.wait()
    return last


def _note(said: dict[str, Any], held: dict[int, bool], doubted: dict[int, bool]) -> None:
    if "acknowledged" in said:
        held.update({int(key): there for key, there in said["acknowledged"].items()})
        doubted.clear()
    if "begun" in said:  # what was acknowledged before it was done is not in doubt
        begun = {int(key): there for key, there in said["begun"].items()}
        doubted.update({key: there for key, there in begun.items() if held.get(key) != there})


def _settle(folder: Path, held: dict[int, bool], doubted: dict[int, bool]) -> list[str]:
    """What is wrong with a step that was begun and not acknowledged; whether it was done goes into `held`."""
    where = Truths(folder).where
    done = [(key in where) == there for key, there in doubted.items()]
    if all(done):
        held.update(doubted)
    doubted.clear()
    return [] if all(done) or not any(done) else ["half of a step was done"]


def _compare(folder: Path, held: dict[int, bool]) -> tuple[list[str], float]:
    """What is wrong, and the recall."""
    truth = Truths(folder)
    if not truth.where:
        return ([f"{sum(held.values())} acknowledged vectors lost"] if any(held.values()) else []), 1.0
    wrong = []
    index, parts = open_indexes(folder / "index", truth.rows(), settings=SETTINGS)
    there = set(index.keys().tolist())
    lost = [key for key, kept in held.items() if kept and key not in there]
    back = [key for key, kept in held.items() if not kept and key in there]
    if lost:
        wrong.append(f"{len(lost)} acknowledged vectors lost")
    if back:
        wrong.append(f"{len(back)} deleted vectors found")
    if len(there) != len(index) or {key // 256 for key in parts.keys().tolist()} != there:
        wrong.append("the indexes hold other keys than they say")
    queries = _collection().queries(60)
    scores, keys = index.search(queries, 10)
    oracle, known = ExactIndex(DIM), sorted(there)
    for start in range(0, len(known), 500):
        some = np.array(known[start : start + 500])
        rows = _collection().rows(int(some[-1]) + 1 - int(some[0]), int(some[0]))
        oracle.add(some, rows[some - some[0]])
    true = oracle.search(queries, 10)[1]
    own = oracle.vectors(keys[keys >= 0])
    expected = np.einsum("nd,nd->n", own, np.repeat(queries, (keys >= 0).sum(1), axis=0))
    if np.abs(expected - scores[keys >= 0]).max() > 2e-3:  # parts keep float16
        wrong.append("a key answers with another's vector")
    found = recall(keys, true)
    if found < LEAST_RECALL:
        wrong.append(f"recall {found:.3f}")
    return wrong, found


if __name__ == "__main__":
    main()
