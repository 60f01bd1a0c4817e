"""`sherd adapt`: see `sherd.training.adapt`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sherd.training.adapt import Adapted


def adapt(
    backbone: str = typer.Option(..., "--backbone", help="A model by name, its folder, or a ViT's .safetensors."),
    library: Path = typer.Option(..., "--library", help="Folder of the library that is learnt from."),
    name: str | None = typer.Option(None, "--name", help="What to call the new model (default: BACKBONE-LIBRARY)."),
    replace: bool = typer.Option(False, "--replace", help="Take the place of a model of the same name."),
    steps: int = typer.Option(600, "--steps", min=0, help="Training steps at most; 0 keeps the backbone's answers."),
    seed: int = typer.Option(0, "--seed", min=0, help="Of everything that is drawn by chance."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON lines; the last one is the result."),
) -> None:
    """Train small heads over a frozen model on a library's own pictures and texts."""
    from sherd.errors import MissingExtra

    try:
        from sherd.training.adapt import AdaptSettings
        from sherd.training.adapt import adapt as run
    except ModuleNotFoundError as error:
        raise MissingExtra(f"adapting needs {error.name}: pip install 'sherd[hub]'") from error
    from sherd.encoder.registry import suggested_name

    called = name or suggested_name(Path(f"{Path(backbone).name.split('.')[0][:24]}-{library.resolve().name}"))
    plain = not as_json and sys.stderr.isatty()

    def say(line: dict[str, object]) -> None:
        if as_json:
            print(json.dumps(line, ensure_ascii=False), flush=True)
        elif plain or line["event"] != "features" or line["done"] == line["of"]:
            print("  ".join(f"{key} {value}" for key, value in line.items()), file=sys.stderr, flush=True)

    settings = AdaptSettings(steps=steps, seed=seed)
    done = run(library, backbone, name=called, overwrite=replace, settings=settings, say=say)
    if as_json:
        print(json.dumps({"event": "adapted", **asdict(done)}, ensure_ascii=False))
    else:
        _tell(done)


def _tell(done: Adapted) -> None:
    print(f"features {done.seconds_features:.0f} s, training {done.seconds_training:.0f} s")
    for fold, (before, after) in (("validation", done.validation), ("held out", done.heldout)):
        for measure in ("captions", "recall_1", "recall_10", "phrases", "pointing"):
            one, other = getattr(before, measure), getattr(after, measure)
            if one is not None and other is not None:
                print(f"{fold:<10}  {measure:<9}  backbone {one:.3f}  with heads {other:.3f}")
    if not done.step:
        print("Nothing that was trained did better than the backbone by itself: the model answers as it does.")
    print(f"{done.name}: {done.parameters:,} numbers, in {done.folder}")
    print(f"Use it with: sherd reindex --library DIR --model {done.name}")
