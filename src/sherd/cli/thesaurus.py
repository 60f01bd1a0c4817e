"""`sherd thesaurus`: bring one into a library, check it, look concepts up."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sherd.catalogue.database import Database
    from sherd.thesaurus.thesaurus import Thesaurus
    from sherd.types import Concept

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

BUILTIN = "builtin"
_SHOWN = 20
_CHINESE = ("zh-Hans", "zh", "zh-Hant")
_PATH_HELP = "A SKOS file, a folder of them, a folder of Iconclass, or the word builtin for Sherd's own."
LIBRARY = typer.Option(..., "--library", help="Folder of the library.")
JSON = typer.Option(False, "--json", help="Print one JSON object.")


@app.command("import")
def import_(
    path: str = typer.Argument(metavar="PATH", help=_PATH_HELP),
    library: Path = typer.Option(..., "--library", help="Folder of the library; made where it is absent or empty."),
    as_json: bool = JSON,
) -> None:
    """Bring a thesaurus into a library, in the place of an older one of the same scheme."""
    from sherd.catalogue.concept_writing import import_thesaurus
    from sherd.ingest.library import Library

    start = time.monotonic()
    thesaurus, name = _read(path)
    with Library.open(library, create=True) as there, there.writer():
        done = import_thesaurus(there.catalogue.database, thesaurus, name=name)
    seconds = round(time.monotonic() - start, 1)
    counts = thesaurus.report.counts
    if as_json:
        print(json.dumps(asdict(done) | {"problems": counts, "seconds": seconds}, ensure_ascii=False))
        return
    state = "now in the library" if done.changed else "in the library already, unchanged"
    print(f"{name}: {done.concepts} concepts with {done.labels} labels are {state}; {seconds} s")
    if counts:
        _print_counts(counts)
        print(f"To see them: sherd thesaurus check --library {library}")


@app.command("check")
def check(
    path: str | None = typer.Argument(None, metavar="[PATH]", help=f"{_PATH_HELP} Nothing is stored."),
    library: Path | None = typer.Option(
        None, "--library", help="Without a PATH: tell what was found when the thesauri of this library came in."
    ),
    as_json: bool = JSON,
) -> int:
    """Tell what is wrong with a thesaurus, and what is done about it. Exits with 1 when more is than shared labels."""
    reports: dict[str, dict[str, Any]] = {}
    if path is not None:
        thesaurus, name = _read(path)
        reports[name] = thesaurus.report.as_dict()
    elif library is not None:
        from sherd.catalogue.concepts import stored_thesauri
        from sherd.ingest.library import Library

        with Library.open(library) as there:
            reports = {one.name: one.report for one in stored_thesauri(there.catalogue.database)}
    else:
        raise typer.BadParameter("give what to check: a PATH, or --library DIR for what is in a library")
    if as_json:
        print(json.dumps({"thesauri": reports}, ensure_ascii=False))
    else:
        for name, report in reports.items():
            _print_report(name, report)
        if not reports:
            print(_no_thesaurus(library))
    return int(any(kind != "duplicate_label" for report in reports.values() for kind in report["counts"]))


@app.command("show")
def show(
    name: str = typer.Argument(metavar="URI-OR-LABEL", help="A URI, a notation, or a label in any language."),
    library: Path = LIBRARY,
    as_json: bool = JSON,
) -> None:
    """Show a concept: its labels and notes, and what is above and below it."""
    from sherd.catalogue.concepts import resolve, stored_thesauri
    from sherd.errors import LibraryError, UnknownConcept
    from sherd.ingest.library import Library

    with Library.open(library) as there:
        database = there.catalogue.database
        try:
            found = [_family(database, concept) for concept in resolve(database, name)]
        except UnknownConcept:
            if stored_thesauri(database):
                raise
            raise LibraryError(_no_thesaurus(library)) from None
    if as_json:
        print(json.dumps({"concepts": found}, ensure_ascii=False))
    else:
        print("\n\n".join(map(_card, found)))


@app.command("search")
def search(
    text: str = typer.Argument(metavar="TEXT", help="A label, its beginning, or words of it; in quotes."),
    library: Path = LIBRARY,
    language: str | None = typer.Option(None, "--language", help="Only labels in it, such as zh, zh-Hant or en."),
    facet: str | None = typer.Option(None, "--facet", help="Only concepts of this facet, such as motif."),
    k: int = typer.Option(_SHOWN, "-k", min=1, max=1_000, help="How many concepts."),
    as_json: bool = JSON,
) -> None:
    """Find concepts by label: the same, beginning so, with all the words, or one slip away."""
    from sherd.catalogue import concepts
    from sherd.errors import LibraryError
    from sherd.ingest.library import Library

    with Library.open(library) as there:
        database = there.catalogue.database
        found = concepts.search(database, text, language=language, facet=facet, limit=k)
        if not found and not concepts.stored_thesauri(database):
            raise LibraryError(_no_thesaurus(library))
    if as_json:
        print(json.dumps({"found": [asdict(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        print(f"{one.how:6}  {one.label} ({one.language})  {one.facet}  {one.uri}")
    if not found:
        looked = [f"{word} '{value}'" for word, value in (("language", language), ("facet", facet)) if value]
        print(f"no concept has such a label{' in ' if looked else ''}{' and '.join(looked)}")


@app.command("link")
def link(
    text: str = typer.Argument(metavar="TEXT", help="A term of a catalogue, or a sentence; in quotes."),
    library: Path | None = typer.Option(
        None, "--library", help="Folder of a library, for its thesauri; without it Sherd's own."
    ),
    facet: list[str] = typer.Option([], "--facet", help="Only concepts of this facet; may be repeated."),
    as_json: bool = JSON,
) -> None:
    """Tell which concepts a term or a sentence means, and by which rule each was matched."""
    from sherd.thesaurus import linking
    from sherd.thesaurus.thesaurus import builtin_thesaurus

    if library is None:
        found = linking.link(text, builtin_thesaurus(), facets=facet or None)
    else:
        from sherd.catalogue.concepts import LibraryLabels, stored_thesauri
        from sherd.errors import LibraryError
        from sherd.ingest.library import Library

        with Library.open(library) as there:
            found = linking.link(text, LibraryLabels(there.catalogue.database), facets=facet or None)
            if not found and not stored_thesauri(there.catalogue.database):
                raise LibraryError(_no_thesaurus(library))
    if as_json:
        print(json.dumps({"links": [asdict(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        print(f"{one.words}  {one.rule:11}  {one.score:.2f}  {one.label} ({one.language})  {one.facet}  {one.uri}")
    if not found:
        print("no concept is meant, as far as labels tell")


def _read(path: str) -> tuple[Thesaurus, str]:
    """A thesaurus, and the name that it is kept under."""
    from sherd.thesaurus.thesaurus import builtin_thesaurus, load_thesaurus

    thesaurus = builtin_thesaurus() if path == BUILTIN else load_thesaurus(Path(path))
    return thesaurus, thesaurus.scheme or Path(path).resolve().name


def _no_thesaurus(library: Path | None) -> str:
    return (
        f"{library}: holds no thesaurus; `sherd thesaurus import {BUILTIN} --library {library}` brings in Sherd's own"
    )


def _print_counts(counts: dict[str, int]) -> None:
    from sherd.thesaurus.check import KINDS

    for kind, count in counts.items():
        print(f"{KINDS[kind]}: {count}")


def _print_report(name: str, report: dict[str, Any]) -> None:
    print(f"{name}: {report['concepts']} concepts, {report['labels']} labels, {report['roots']} without a broader one")
    print("  facets     " + ", ".join(f"{facet or '(none)'} {count}" for facet, count in report["facets"].items()))
    print("  preferred  " + ", ".join(f"{tag} {count}" for tag, count in report["languages"].items()))
    print("  without    " + ", ".join(f"{tag} {count}" for tag, count in report["without"].items()))
    _print_counts(report["counts"])
    for kind, count in report["counts"].items():
        of_kind = [problem for problem in report["problems"] if problem["kind"] == kind]
        for problem in of_kind[:_SHOWN]:
            print(f"{kind}: {problem['uri']} {problem['what']}: {problem['done']}")
        if count > _SHOWN:
            print(f"{kind}: and {count - _SHOWN} more; --json has all of them")


def _family(database: Database, concept: Concept) -> dict[str, Any]:
    """A concept with its relatives, as data for JSON."""
    from sherd.catalogue import concepts

    above = concepts.ancestors(database, concept.uri)
    below = concepts.descendants(database, concept.uri)
    near = [uri for uri, steps in below if steps == 1]
    labels = {
        uri: dict(one.pref_labels)
        for uri, one in concepts.get_many(database, [*(uri for uri, _ in above), *near]).items()
    }
    return asdict(concept) | {
        "ancestors": [{"uri": uri, "steps": steps, "labels": labels[uri]} for uri, steps in above],
        "narrower": [{"uri": uri, "labels": labels[uri]} for uri in near],
        "descendants": len(below),
    }


def _card(concept: dict[str, Any]) -> str:
    notation = f"  {concept['notation']}" if concept["notation"] else ""
    lines = [f"{_name(concept['pref_labels'], concept['uri'])}{notation}  {concept['facet']}  {concept['uri']}"]
    for tag in dict.fromkeys((*concept["pref_labels"], *concept["alt_labels"])):
        preferred = concept["pref_labels"].get(tag, "-")
        lines.append(f"  {tag:14} {'; '.join((preferred, *concept['alt_labels'].get(tag, ())))}")
    lines += [f"  note           {note} ({tag})" for tag, note in concept["scope_notes"].items()]
    lines += [f"  {word:14} {', '.join(uris)}" for word, uris in concept["matches"].items()]
    for one in concept["ancestors"]:
        lines.append(f"  {'above ' + str(one['steps']):14} {_name(one['labels'], one['uri'])}  {one['uri']}")
    for one in concept["narrower"][:_SHOWN]:
        lines.append(f"  {'below 1':14} {_name(one['labels'], one['uri'])}  {one['uri']}")
    rest = concept["descendants"] - len(concept["narrower"][:_SHOWN])
    if rest > 0:
        lines.append(f"  {'below':14} and {rest} more")
    return "\n".join(lines)


def _name(labels: dict[str, str], uri: str) -> str:
    """Chinese and English where there are both, else the first label there is."""
    chinese = next((labels[tag] for tag in _CHINESE if tag in labels), None)
    told = [label for label in (chinese, labels.get("en")) if label]
    return " ".join(told) or next(iter(labels.values()), uri)
