"""Lets one process of `sherd ingest` meet the corpus, and judges what came of each input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hostile.corpus import Corpus

ROOT = Path(__file__).resolve().parents[2]
MEMORY_BACK_WITHIN = 0.10


@dataclass(slots=True)
class Verdict:
    """by_kind: kind -> (inputs, refused as they should be). reasons: kind -> reason -> inputs. failures: for people."""

    by_kind: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    neighbours: int = 0
    neighbours_kept: int = 0
    memory: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        return sum(inputs for inputs, _ in self.by_kind.values())


def meet(corpus: Corpus, library: Path) -> Verdict:
    """Run the job over the whole corpus in a process of its own and judge it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.job", str(corpus.folder), str(library)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return Verdict(failures=[f"the process ended with {done.returncode}: {done.stderr[-1000:]}"])
    return judge(corpus, json.loads(done.stdout))


def judge(corpus: Corpus, results: dict[str, Any]) -> Verdict:
    """Compare what the process said with what the corpus expects."""
    verdict = Verdict(memory=results["memory"])
    given: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for source, cases in corpus.cases.items():
        told = _told(source, results)
        for case in cases:
            given[case.kind] += 1
            reason = told.get(case.where, "nothing")
            reasons.setdefault(case.kind, Counter())[reason] += 1
            if reason in case.expected:
                refused[case.kind] += 1
            else:
                verdict.failures.append(f"{case.kind}: {source}: {case.where!r}: {reason}, not {case.expected}")
    for source in ("files", "pack", "export"):
        _check_counts(corpus, source, results[source], verdict)
    _check_the_rest(results, verdict)
    verdict.by_kind = {kind: (given[kind], refused[kind]) for kind in given}
    verdict.reasons = {kind: dict(counts) for kind, counts in reasons.items()}
    verdict.seconds = round(
        sum(one["seconds"] for one in results.values() if isinstance(one, dict) and "code" in one), 1
    )
    return verdict


def _told(source: str, results: dict[str, Any]) -> dict[str, str]:
    """Where -> reason, as rejects.jsonl or the error of a whole table says."""
    if source == "tables":
        return {
            name.removeprefix("tables/"): one.get("error", {}).get("code", f"exit {one['code']}")
            for name, one in results.items()
            if name.startswith("tables/")
        }
    told = [json.loads(line) for line in results[source]["rejects"]]
    return {one["where"]: one["reason"] for one in told if one["detail"]}


def _check_counts(corpus: Corpus, source: str, result: dict[str, Any], verdict: Verdict) -> None:
    cases, neighbours = len(corpus.cases[source]), corpus.neighbours[source]
    verdict.neighbours += neighbours
    verdict.neighbours_kept += result["added"]
    sums = result["added"] + result["updated"] + result["unchanged"] + result["rejected"]
    expected = {"code": 0, "seen": cases + neighbours, "added": neighbours, "rejected": cases}
    wrong = {name: result[name] for name, value in expected.items() if result[name] != value}
    if wrong or sums != result["seen"]:
        verdict.failures.append(f"{source}: {wrong} where {expected} was expected; the sum is {sums}")


def _check_the_rest(results: dict[str, Any], verdict: Verdict) -> None:
    if results["again"]["unchanged"] != results["warm"]["added"] or results["again"]["code"]:
        verdict.failures.append(f"the library does not work afterwards: {results['again']}")
    if not results["same_process"]:
        verdict.failures.append("another process answered")
    if results["memory"]["growth"] > MEMORY_BACK_WITHIN:
        verdict.failures.append(f"memory grew by {results['memory']['growth']:.1%}")
    codes = {name: one["code"] for name, one in results.items() if name.startswith("tables/") and one["code"] != 1}
    if codes:
        verdict.failures.append(f"tables that cannot be read must end with 1: {codes}")
