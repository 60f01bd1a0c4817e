"""What the pages promise is there: commands, options, settings, links, and examples that run."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import sherd
from sherd.cli import COMMANDS

_TYPERS = ("--help", "--install-completion", "--show-completion")
ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def everything() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def commands() -> Iterator[tuple[str, Any]]:
    for name, (module, attribute, _) in COMMANDS.items():
        target = getattr(importlib.import_module(module), attribute)
        if isinstance(target, typer.Typer):
            group: Any = typer.main.get_command(target)
            for inner in group.commands.values():
                yield f"{name} {inner.name}", inner
        else:
            app = typer.Typer(add_completion=False)
            app.command()(target)
            yield name, typer.main.get_command(app)


def test_every_command_and_option_is_in_the_docs() -> None:
    text = everything()
    missing = []
    for name, command in commands():
        if f"sherd {name}" not in text:
            missing.append(name)
        for parameter in command.params:
            options = [option for option in parameter.opts if option.startswith("--") and option not in _TYPERS]
            missing += [f"{name} {option}" for option in options if option not in text]
    assert not missing


def test_every_setting_of_a_training_run_is_in_its_page() -> None:
    from sherd.model.backbones import ImageSettings
    from sherd.model.clustering import ClusteringSettings
    from sherd.model.levels import LevelSettings
    from sherd.model.text import TextSettings
    from sherd.training.batches import CaptionSettings
    from sherd.training.config import DataSettings, Stage, TrainSettings
    from sherd.training.objective import MethodSettings, Weights

    page = (ROOT / "docs/training.md").read_text("utf-8")
    kinds = (TrainSettings, Stage, DataSettings, ImageSettings, LevelSettings, ClusteringSettings, TextSettings,
             CaptionSettings, MethodSettings, Weights)  # fmt: skip
    names = [field.name for kind in kinds for field in dataclasses.fields(kind)]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_tables_of_the_results_are_what_the_reports_say() -> None:
    command = [sys.executable, "benchmarks/tables.py", "--check"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_the_readme_opens_with_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```[a-z]*\n(.*?)```", readme, re.DOTALL)
    assert [line.split("#")[0].strip() for line in blocks[0].strip().splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    gone = [
        t for t in targets if not t.startswith(("http://", "https://", "mailto:")) and not (page.parent / t).exists()
    ]
    assert not gone


def modules() -> list[str]:
    found = pkgutil.walk_packages(sherd.__path__, "sherd.")
    # The decoder's worker is a script that runs on import by design: it is started by path.
    return [module.name for module in found if module.name != "sherd.ingest.decoder_worker"]


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    names = {"np": importlib.import_module("numpy")}
    assert doctest.testmod(module, extraglobs=names).failed == 0
