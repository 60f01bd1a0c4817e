"""`sherd train`: see `sherd.training.train`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer


def train(
    config: Path = typer.Argument(help="Settings of the run, a TOML file; see docs/training.md."),
    export_only: bool = typer.Option(False, "--export-only", help="Export the last checkpoint and stop."),
    as_json: bool = typer.Option(False, "--json", help="Log lines as JSON, as they always are when not on a terminal."),
) -> None:
    """Train a model, going on from the last checkpoint if there is one, and export it."""
    from sherd.errors import MissingExtra

    try:
        from sherd.training.train import train as run_training
    except ModuleNotFoundError as error:
        raise MissingExtra(f"training needs {error.name}: pip install 'sherd[train]'") from error
    plain = not as_json and sys.stdout.isatty()

    def say(line: dict[str, object]) -> None:
        print(
            "  ".join(f"{k} {v}" for k, v in line.items()) if plain else json.dumps(line, ensure_ascii=False),
            flush=True,
        )

    run_training(config, say=say, export_only=export_only)
