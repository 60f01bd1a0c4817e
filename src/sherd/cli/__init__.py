"""The command line: one file a command group, imported only when its command is called."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence

import typer

from sherd.errors import SherdError

# command -> (module, name in it, help). A name of "app" is a group of sub-commands.
# The table is what keeps `sherd --help` from importing any command's libraries.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "ingest": ("sherd.cli.library", "ingest", "Read pictures and their texts into a library."),
    "search": ("sherd.cli.search", "search", "Find relics by text, by picture or by a box on a picture."),
    "reindex": ("sherd.cli.library", "reindex", "Make all vectors and indexes of a library again."),
    "verify": ("sherd.cli.library", "verify", "Find anything in a library that is missing, extra or altered."),
    "repair": ("sherd.cli.library", "repair", "Mend what verify finds, from the catalogue and the sources."),
    "render": ("sherd.cli.render", "render", "Draw relics of our own, with exact truth."),
    "train": ("sherd.cli.train", "train", "Train a model on rendered relics and picture packs."),
    "adapt": ("sherd.cli.adapt", "adapt", "Train small heads over a frozen model on a library of your own."),
    "evaluate": ("sherd.cli.evaluate", "evaluate", "Measure a model on a folder in the pack format."),
    "suggest": ("sherd.cli.suggest", "suggest", "Suggest terms of a thesaurus for records, with probabilities."),
    "check-up": ("sherd.cli.suggest", "check_up", "Tell how well suggestions would have done on this collection."),
    "clusters": ("sherd.cli.suggest", "clusters", "Group parts that look alike, to be decided about at once."),
    "serve": ("sherd.cli.serve", "app", "Serve a library: a search page and an API."),
    "review": ("sherd.cli.review", "app", "Decide about suggestions; see and take back decisions."),
    "audit": ("sherd.cli.audit", "app", "Find out whether decisions are as they were made."),
    "export": ("sherd.cli.export", "export", "Write records, terms and decisions in the forms that others read."),
    "thesaurus": ("sherd.cli.thesaurus", "app", "Bring a thesaurus into a library, check it, look concepts up."),
    "models": ("sherd.cli.models", "app", "List, import and verify encoders."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 error, 2 wrong usage, 130 interrupted; commands may add codes."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in args
    try:
        result = build_app(args)(args, standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except SherdError as error:
        code = _report(error.code, str(error), 1, as_json=as_json)
    except OSError as error:
        code = _report("system", f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), 1, as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        code = _report("interrupted", "stopped by the user; what was acknowledged is kept", 130, as_json=as_json)
    except Exception as error:
        # Typer's own usage errors know how to tell themselves; anything else is our bug and keeps its traceback.
        tell = getattr(error, "format_message", None)
        if tell is None:
            raise
        code = _report("usage", str(tell()), 2, as_json=as_json)
    sys.exit(code)


def build_app(args: Sequence[str]) -> typer.Typer:
    """The application with the command named in `args` loaded, and the others only listed."""
    app = typer.Typer(
        name="sherd",
        help="Find and describe cultural relics by what is in them: parts, objects and themes.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    wanted = next((arg for arg in args if not arg.startswith("-")), None)
    for name, (module, attribute, text) in COMMANDS.items():
        if name != wanted:
            app.command(name, help=text)(_listed_only)
            continue
        target = getattr(importlib.import_module(module), attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=text)
        else:
            app.command(name, help=text)(target)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"sherd {version('sherd')}")
        raise typer.Exit(0)


def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
    ),
) -> None:
    pass


def _listed_only() -> None:
    raise AssertionError("a command that was not asked for was called")


def _report(code: str, message: str, status: int, *, as_json: bool) -> int:
    line = " ".join(message.split())
    print(f"sherd: {line}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": {"code": code, "message": line}}, ensure_ascii=False))
    return status
