"""kill -9 loses nothing acknowledged, doubles nothing, and the next run starts; and the harness would notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.ingest.library import Library
from sherd.ingest.verify import verify
from tests.crash.harness import ROOT, Harness, make_source

STEPS = (
    "started", "encoded", "thumbnails_written", "vectors_written", "before_commit", "committed", "acknowledged",
    "dropped", "merged", "finished",
)  # fmt: skip
ONCE = ("started", "dropped", "merged", "finished")


def test_kills_at_the_steps_of_a_batch_harm_nothing(tmp_path: Path) -> None:
    harness = Harness(tmp_path, objects=20)
    for step in ("thumbnails_written", "vectors_written", "committed", "merged"):
        harness.kill_at(step, 1)
    tally = harness.finish()
    assert tally.violations == 0, tally
    assert tally.kills == 4
    assert tally.in_flight >= 3


def test_kills_at_random_moments_harm_nothing(tmp_path: Path) -> None:
    tally = Harness(tmp_path, objects=60, seed=3).kill_at_random(4)
    assert tally.violations == 0, tally
    assert tally.kills == 4


@pytest.mark.parametrize(
    ("fault", "step", "harm"),
    [
        ("acknowledges_too_early", "before_commit:2", "lost"),
        ("commits_too_early", "committed:1", "unsound"),
        ("forgets_who_is_who", "acknowledged:2", "duplicates"),
    ],
)
def test_a_broken_writer_is_caught(tmp_path: Path, fault: str, step: str, harm: str) -> None:
    harness = Harness(tmp_path, objects=20, fault=fault)
    name, count = step.split(":")
    harness.kill_at(name, int(count))
    tally = harness.finish()
    assert getattr(tally, harm) > 0, tally


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifty_kills_at_random_moments_harm_nothing(tmp_path: Path) -> None:
    tally = Harness(tmp_path, objects=200, seed=5).kill_at_random(50)
    print(tally)
    assert tally.violations == 0, tally
    assert tally.in_flight >= 5, "too few kills landed between a commit and its acknowledgement"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_at_every_step_harm_nothing(tmp_path: Path) -> None:
    harness = Harness(tmp_path, objects=30)
    for count in (1, 2, 3):
        for step in STEPS:
            if count == 1 or step not in ONCE:
                harness.kill_at(step, count)
    tally = harness.finish()
    assert tally.violations == 0, tally
    assert tally.kills >= len(STEPS)


@pytest.mark.parametrize("step", ["part_done:1", "switched:1"])
def test_a_killed_reindex_leaves_one_encoder_or_the_other(tmp_path: Path, step: str) -> None:
    make_source(tmp_path / "source", 6)
    library = tmp_path / "library"

    def run(*arguments: str) -> int:
        command = [sys.executable, "-m", "tests.crash.child", *arguments[:1], str(tmp_path / "source"), str(library)]
        return subprocess.run([*command, *arguments[1:]], cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode

    assert run("ingest") == 0
    assert run("reindex", "--version", "2", "--kill", step) == -9
    with Library.open(library) as there:
        done = there.catalogue.encoder_fingerprint() == ToyEncoder(2).fingerprint
        assert done == step.startswith("switched")
        assert {problem.kind for problem in verify(there).problems} <= {"part_extra"}
        assert there.catalogue.vector_table().keys.size == there.catalogue.count()[1]
    assert run("reindex", "--version", "2") == 0
    with Library.open(library) as there:
        assert there.catalogue.encoder_fingerprint() == ToyEncoder(2).fingerprint
        assert verify(there).ok
