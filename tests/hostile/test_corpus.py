"""Malformed inputs through the real `sherd ingest`: refused with a reason, one by one, and nothing else suffers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hostile.corpus import build
from tests.hostile.trial import judge, meet


def test_a_sample_of_every_kind_is_refused(tmp_path: Path) -> None:
    corpus = build(tmp_path / "corpus", per_kind=2)
    verdict = meet(corpus, tmp_path / "library")
    assert verdict.failures == []
    assert len(verdict.by_kind) >= 25
    assert verdict.neighbours_kept == verdict.neighbours > 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_corpus_is_refused(tmp_path: Path) -> None:
    verdict = meet(build(tmp_path / "corpus"), tmp_path / "library")
    print(json.dumps({"inputs": verdict.inputs, "kinds": len(verdict.by_kind), **verdict.memory}))
    assert verdict.failures == []
    assert verdict.inputs >= 200
    assert len(verdict.by_kind) >= 25


def test_the_judge_notices_what_is_accepted_or_lost(tmp_path: Path) -> None:
    corpus = build(tmp_path / "corpus", per_kind=1)
    ended = {"code": 0, "seen": 0, "added": 0, "updated": 0, "unchanged": 0, "rejected": 0, "seconds": 0, "rejects": []}
    silent = {
        name: dict(ended) for name in ("warm", "warm_table", "files", "pack", "export", "again", "tables/zip.csv")
    }
    results = {**silent, "memory": {"growth": 0.5}, "same_process": True}
    verdict = judge(corpus, results)
    assert sum(good for _, good in verdict.by_kind.values()) == 0
    said = "\n".join(verdict.failures)
    for part in ("memory grew by 50.0%", "must end with 1", "was expected", "nothing, not"):
        assert part in said
