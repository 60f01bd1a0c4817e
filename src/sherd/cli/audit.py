"""`sherd audit`: whether the decisions are as they were made."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

LIBRARY = typer.Option(..., "--library", help="Folder of the library.")


@app.command("head")
def head(
    library: Path = LIBRARY,
    out: Path | None = typer.Option(None, "--out", metavar="FILE.json", help="Write it there; keep it elsewhere."),
) -> None:
    """Print the number and the hash of the last decision, to be kept where nobody who could alter the library can."""
    from sherd.catalogue import decisions
    from sherd.ingest.library import Library

    with Library.open(library) as there:
        line = json.dumps(asdict(decisions.head(there.catalogue.database)))
    if out is not None:
        out.write_text(line + "\n", "utf-8")
    print(line)


@app.command("verify")
def verify(
    library: Path = LIBRARY,
    against: Path | None = typer.Option(None, "--against", metavar="FILE.json", help="A head that was kept elsewhere."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> int:
    """Find decisions that were altered, removed or put elsewhere. Exits with 1 when there are any.

    Without --against a chain whose end was cut off, or that was made anew from the beginning, looks sound.
    """
    from sherd.catalogue import decisions
    from sherd.ingest.library import Library

    noted = decisions.read_head(against) if against is not None else None
    with Library.open(library) as there:
        database = there.catalogue.database
        found = list(decisions.faults(database, against=noted))
        count = decisions.head(database).number
    if as_json:
        print(json.dumps({"decisions": count, "faults": found, "against": noted and asdict(noted)}))
    else:
        for fault in found:
            print(fault)
        if not found:
            bound = "" if noted else "; whether the end was cut off or all made anew, only --against a kept head tells"
            print(f"{count} decisions, each as it was made{bound}")
    return int(bool(found))
