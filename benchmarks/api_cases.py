"""Does the API keep what its description promises? `python benchmarks/api_cases.py --cases 5000`.

Schemathesis reads /openapi.json of a server over a small library and sends what fits it and what does not, in all its
phases (examples, coverage, fuzzing, stateful) and with all its checks, as a reader, as a curator and as an admin.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from provenance import ROOT, write

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.encoder.toy import ToyEncoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.server.auth import TOKEN_ROLES, TOKENS, Role, Tokens
from sherd.thesaurus.thesaurus import builtin_thesaurus

PHASES = "examples,coverage,fuzzing,stateful"
OPERATIONS = 46
"""So many examples an operation make about so many cases in all."""
# What a description cannot say, with the reason; everything else is held to the letter.
SETTINGS = """
[checks.negative_data_rejection]
# too long is told apart from wrong
expected-statuses = ["400", "401", "403", "404", "405", "408", "409", "413", "414", "415", "422", "431"]

[[operations]]
include-operation-id = "upload_picture"
# what a picture is no schema can say
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "415", "422", "429"]

[[operations]]
include-operation-id = ["reconcile_service", "reconcile_names", "reconcile_service_in", "reconcile_names_in"]
# nor what JSON in a field of a form is
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "422", "429"]

[[operations]]
include-operation-id = "iiif_image_part"
# nor which parts a picture has
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "429"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=5_000, help="at least, over the three roles")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = run_all(Path(folder), given.cases, given.seed)
    print(f"{'role':<10}{'cases':>8}{'failures':>10}{'seconds':>9}")
    for row in rows:
        print(f"{row['role']:<10}{row['cases']:>8}{len(row['failures']):>10}{row['seconds']:>9.0f}")
        for failure in row["failures"]:
            print(f"    {failure}")
    if given.cases >= 1_000:
        print(
            write("api-cases", "does the API keep what its description promises?", {"seed": given.seed, "rows": rows})
        )
    sys.exit(1 if any(row["failures"] for row in rows) else 0)


def run_all(folder: Path, cases: int, seed: int) -> list[dict[str, Any]]:
    """One row a role, until there are `cases` in all; more than that in the phases that count by themselves."""
    library, sources = make_library(folder)
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS, "utf-8")
    tokens = Tokens(library / TOKENS)
    secrets = {role: tokens.add(role.value, role)[1] for role in TOKEN_ROLES}
    examples = max(1, round(cases / len(TOKEN_ROLES) / OPERATIONS))
    with serving(library, sources) as address:
        return [run(address, settings, role, secret, examples, seed) for role, secret in secrets.items()]


def run(address: str, settings: Path, role: Role, secret: str, examples: int, seed: int) -> dict[str, Any]:
    """Schemathesis as one role."""
    start = time.monotonic()
    report = settings.with_name(f"{role}.json")
    told = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "--config-file", settings, "run", f"{address}/openapi.json",
            "--header", f"Authorization: Bearer {secret}", "--phases", PHASES, "--checks", "all", "--mode", "all",
            "--max-examples", str(examples), "--seed", str(seed), "--max-response-time", "5", "--continue-on-failure",
            "--no-color", "--warnings", "off",
        ],
        capture_output=True, text=True, cwd=settings.parent,
    )  # fmt: skip
    (report.with_suffix(".txt")).write_text(told.stdout + told.stderr, "utf-8")
    found = re.search(r"(\d+) generated", told.stdout)
    failures = re.findall(r"^\s*❌ (ST\d+.*|[A-Z].*: \d+)$", told.stdout, re.MULTILINE)
    failures += [
        f"not tested: {name}" for name in re.findall(r"^_{3,} (.+ /.+) _{3,}\n.*Error", told.stdout, re.MULTILINE)
    ]
    if found is None or (told.returncode and not failures):
        failures.append(f"did not run: {(told.stdout + told.stderr)[-2000:]}")
    cases = int(found[1]) if found else 0
    return {"role": str(role), "cases": cases, "failures": failures, "seconds": round(time.monotonic() - start, 1)}


@contextmanager
def serving(library: Path, sources: Path) -> Any:
    """`sherd serve` in a process of its own. Gives its address."""
    process = subprocess.Popen(
        [
            sys.executable, "-c", "import sherd.cli; sherd.cli.main()", "serve", "--library", library, "--port", "0",
            "--tokens", "--ingest", sources,
        ],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rstrip("/")
        assert process.poll() is None, "the server ended"
    finally:
        process.terminate()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def make_library(folder: Path) -> tuple[Path, Path]:
    """A library of 24 records with Sherd's own thesaurus, and a folder to ingest from. Record 1995.10 is that of the
    examples in the API's description."""
    rng = np.random.default_rng(0)
    source, library, more = folder / "source", folder / "library", folder / "photographs"
    source.mkdir()
    with (source / "records.jsonl").open("w", encoding="utf-8") as lines:
        for n in range(24):
            picture = np.kron(rng.integers(0, 256, (4, 4, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
            Image.fromarray(picture).save(source / f"{n}.png")
            record = {"id": f"1995.{n}", "image": f"{n}.png", "title": f"bronze vessel {n}", "culture": "Tang"}
            lines.write(json.dumps(record) + "\n")
    (more / "2026").mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(more / "2026" / "new.png")
    with Library.open(library, create=True) as there, there.writer(), DecoderPool(1) as pool:
        Ingest(there, open_source(source), ToyEncoder(), pool, encoder_name="toy").run()
        import_thesaurus(there.catalogue.database, builtin_thesaurus(), name="urn:sherd:")
    return library, more


if __name__ == "__main__":
    main()
