"""`sherd models`: which encoders there are, bringing one in, and checking that none was altered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command("list")
def list_models(as_json: bool = typer.Option(False, "--json", help="Print one JSON object.")) -> None:
    """List the known and the imported encoders, with licence, size and languages."""
    from sherd.encoder.registry import models_folder

    rows = _rows()
    if as_json:
        print(json.dumps({"folder": str(models_folder()), "models": rows}, ensure_ascii=False))
        return
    widths = {key: max(len(str(row[key])) for row in rows) for key in ("name", "languages", "licence")}
    for row in rows:
        size = f"{row['size_bytes'] / 1e6:,.0f} MB" if row["size_bytes"] else "-"
        state = "here" if row["installed"] else "not here"
        columns = [f"{row[key]!s:{width}}" for key, width in widths.items()]
        print(f"{columns[0]}  {state:8}  {size:>9}  {columns[1]}  {columns[2]}  {row['note']}".rstrip())
    print(f"Imported models lie in {models_folder()}. To bring one in: sherd models import FOLDER")


@app.command("import")
def import_model(
    path: Path = typer.Argument(..., help="Folder with config.json, tokenizer.json and model.safetensors."),
    name: str | None = typer.Option(None, help="Name to give it; if not given, the known model's or the folder's."),
    replace: bool = typer.Option(False, "--replace", help="Take the place of a model of the same name."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Check a model folder and copy it in, with the sha256 of every file."""
    from sherd.encoder.folders import import_folder

    done = import_folder(path, name=name, replace=replace)
    if as_json:
        print(json.dumps({"name": done.name, "path": str(done.path), "files": done.files, "bytes": done.bytes}))
        return
    print(f"{done.name}: {done.files} files, {done.bytes / 1e6:,.1f} MB, in {done.path}")
    print(f"Use it with: sherd ingest SOURCE --library DIR --model {done.name}")


@app.command("verify")
def verify_models(
    name: str | None = typer.Argument(None, help="One imported model; all of them if not given."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Compare imported models with the hashes taken when they came in; exit code 1 when anything differs."""
    from sherd.encoder.folders import as_dicts, verify_folder
    from sherd.encoder.registry import installed
    from sherd.errors import ModelUnavailable

    here = installed()
    if name is not None and name not in here:
        raise ModelUnavailable(f"{name} was not imported on this machine; imported: {', '.join(here) or 'none'}")
    problems, files = [], 0
    chosen = here if name is None else {name: here[name]}
    for model, folder in chosen.items():
        count, found = verify_folder(model, folder)
        files += count
        problems += found
    if as_json:
        checked = {"models": len(chosen), "files": files}
        print(json.dumps({"ok": not problems, "checked": checked, "problems": as_dicts(problems)}, ensure_ascii=False))
    else:
        for problem in problems:
            print(f"{problem.kind}: {problem.what} ({problem.where})")
        print(f"{len(chosen)} models, {files} files checked, {len(problems)} problems")
    if problems:
        raise typer.Exit(1)


def _rows() -> list[dict[str, Any]]:
    """One entry a model: the known ones first, then what was imported under other names."""
    from sherd.encoder.folders import size_bytes
    from sherd.encoder.registry import KNOWN, ModelKind, folder_kind, installed, resolve
    from sherd.errors import ModelUnavailable

    rows = []
    for known in KNOWN.values():
        try:
            folder = resolve(known.name).folder
            present = known.kind is ModelKind.TOY or (folder is not None and folder_kind(folder) is not None)
        except ModelUnavailable:
            folder, present = None, False
        rows.append(
            {
                "name": known.name,
                "kind": known.kind.value,
                "installed": present,
                "path": str(folder) if folder and present else None,
                "hub_id": known.hub_id,
                "licence": known.licence,
                "languages": known.languages,
                "size_bytes": size_bytes(folder) if folder and present else known.size_bytes,
                "note": known.note,
            }
        )
    for name, folder in installed().items():
        if name not in KNOWN:
            kind = folder_kind(folder)
            rows.append(
                {
                    "name": name,
                    "kind": kind.value if kind else None,
                    "installed": True,
                    "path": str(folder),
                    "hub_id": None,
                    "licence": "see its card",
                    "languages": "see its card",
                    "size_bytes": size_bytes(folder),
                    "note": "imported",
                }
            )
    return rows
