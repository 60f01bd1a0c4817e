"""`sherd suggest`: terms of the thesaurus for the records of a library, with probabilities, places and reasons."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sherd.suggest.suggest import Suggester
    from sherd.types import Proposal, Suggestion


def suggest(
    records: list[str] | None = typer.Argument(None, metavar="[RECORD]...", help="Record ids; all without any."),
    library: Path = typer.Option(..., "--library", help="Folder of the library."),
    facet: list[str] = typer.Option([], "--facet", help="Only this facet, such as motif; may be repeated."),
    coverage: float = typer.Option(
        0.9, "--coverage", min=0.01, max=0.99, help="How often the set of a facet shall hold what is true."
    ),
    at_least: float = typer.Option(
        0.5, "--at-least", min=0.01, max=0.99, help="From which probability on a term is suggested."
    ),
    most: int = typer.Option(5, "--most", min=1, max=100, help="Suggestions a facet."),
    unjudged: bool = typer.Option(
        False, "--unjudged", help="Suggest, in order only, where too little is known here to tell how likely a term is."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object a record."),
) -> None:
    """Suggest terms of the thesaurus, with honest probabilities; where it is unsure, a broader term or none."""
    from sherd.ingest.library import Library
    from sherd.suggest.suggest import Suggester, SuggestSettings

    settings = SuggestSettings(coverage=coverage, at_least=at_least, most=most, unjudged=unjudged)
    with Library.open(library) as there:
        suggester = Suggester.open(there, settings=settings)
        for warning in suggester.warnings(facet or None):
            typer.echo(f"sherd: {warning}", err=True)
        for record, proposals in suggester.propose(records or None, facet or None).items():
            if as_json:
                print(json.dumps(as_data(record, proposals), ensure_ascii=False))
            else:
                print("\n".join(_lines(suggester, record, proposals)))


def as_data(record: str, proposals: list[Proposal]) -> dict[str, Any]:
    """The form of `--json`."""
    return {"record_id": record, "facets": {one.facet: _facet(one) for one in proposals}}


def _facet(proposal: Proposal) -> dict[str, Any]:
    found = asdict(proposal)
    found["suggestions"] = [
        {name: value for name, value in one.items() if name not in ("record_id", "facet")}
        for one in found["suggestions"]
    ]
    return {name: value for name, value in found.items() if name not in ("record_id", "facet")}


def _lines(suggester: Suggester, record: str, proposals: list[Proposal]) -> list[str]:
    lines = [record]
    for one in proposals:
        if not one.suggestions:
            continue
        strange = "  (unlike all that is known here: the numbers promise nothing)" if one.strange else ""
        lines.append(f"  {one.facet}{strange}")
        lines += [f"    {_line(suggester, suggestion)}" for suggestion in one.suggestions]
        if one.within is not None:
            names = ", ".join(suggester.name(uri) for uri, _ in one.within[:8])
            rest = f" and {len(one.within) - 8} more" if len(one.within) > 8 else ""
            lines.append(f"    one that holds is with {one.coverage:.0%} among: {names or 'none'}{rest}")
    if len(lines) == 1:
        lines.append("  nothing likely enough")
    return lines


def _line(suggester: Suggester, one: Suggestion) -> str:
    how = f"{one.probability:4.0%}" if one.probability is not None else "   ?"
    told = f"{how}  {suggester.name(one.concept)}"
    if one.leaf != one.concept and (one.leaf_probability or 0) >= 0.2:
        told += f" (perhaps {suggester.name(one.leaf)}, {one.leaf_probability:.0%})"
    if one.catalogued:
        told += "  [in the catalogue]"
    if one.region is not None:
        box = one.region.box
        told += f"  at {box.x:.2f},{box.y:.2f},{box.w:.2f},{box.h:.2f} of {one.region.image}"
    if one.examples:
        told += f"  like {', '.join(name for name, _ in one.examples[:2])}"
    return told


def clusters(
    library: Path = typer.Option(..., "--library", help="Folder of the library."),
    facet: str = typer.Option("motif", "--facet", help="The facet whose terms the clusters are named by."),
    least: int = typer.Option(5, "--least", min=2, help="Records a cluster."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object a cluster."),
) -> None:
    """Group parts that look alike over the whole collection, so that many can be decided about at once."""
    from sherd.ingest.library import Library
    from sherd.suggest.clusters import find_clusters
    from sherd.suggest.suggest import Suggester

    with Library.open(library) as there:
        suggester = Suggester.open(there)
        for one in find_clusters(suggester.looks, suggester.facet(facet).concepts, least=least):
            known = suggester.shared_terms([member.record_id for member in one.members], facet)
            if as_json:
                print(json.dumps({**asdict(one), "known": known}, ensure_ascii=False))
                continue
            print(f"{one.name}  {len(one.members)} records, likeness {one.likeness:.2f}")
            for uri, share in known[:3]:
                print(f"    {share:4.0%} are known as {suggester.name(uri)}  {uri}")
            print(f"    looks like {', '.join(suggester.name(uri) for uri, _ in one.terms)}")
            shown = ", ".join(member.record_id for member in one.members[:5])
            print(f"    {shown}{' ...' if len(one.members) > 5 else ''}")


def check_up(
    library: Path = typer.Option(..., "--library", help="Folder of the library."),
    facet: list[str] = typer.Option([], "--facet", help="Only this facet; may be repeated."),
    coverage: float = typer.Option(0.9, "--coverage", min=0.01, max=0.99, help="As for `sherd suggest`."),
    at_least: float = typer.Option(0.5, "--at-least", min=0.01, max=0.99, help="As for `sherd suggest`."),
    report: Path | None = typer.Option(None, "--report", metavar="FILE.html", help="Write a page with pictures."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Tell how well suggestions would have done here, on the records that have terms already."""
    from sherd.ingest.library import Library
    from sherd.suggest.checkup import check_up as run
    from sherd.suggest.checkup import times
    from sherd.suggest.suggest import Suggester, SuggestSettings
    from sherd.suggest.trust import keep_confidence

    with Library.open(library) as there:
        suggester = Suggester.open(there, settings=SuggestSettings(coverage=coverage, at_least=at_least))
        found = run(suggester, facet or None)
        kept = None
        try:
            kept = keep_confidence(suggester, there)
        except OSError as error:  # a library that may only be read can still be checked
            typer.echo(f"sherd: {there.folder}: searches get no probabilities ({error.strerror})", err=True)
        if report is not None:
            from sherd.suggest.checkup_page import checkup_page

            report.write_text(checkup_page(found, suggester, there), "utf-8")
        if as_json:
            print(json.dumps(found.as_dict(), ensure_ascii=False))
            return
        for one in found.facets:
            print(f"{one.facet}: {one.records} records with {one.terms} terms")
            print(f"    first guess right {one.first:.0%}, one of the first five {one.first_five:.0%}")
            print(f"    {one.answered:.0%} get a suggestion, {one.right:.0%} of these are right")
            sets = f"true terms inside their sets {one.coverage:.1%} (wanted {one.wanted:.0%})"
            print(f"    {sets}, {one.set_size:.1f} terms a set")
            for mark in one.marks:
                told = f"of 100 suggestions marked {mark.low:.0%} to {mark.high:.0%}, {100 * mark.share:.0f} were right"
                print(f"    {told} (of {mark.count})")
            for pair in one.confusions[:3]:
                print(f"    {suggester.name(pair.true)} was taken for {suggester.name(pair.said)} {times(pair.count)}")
            for weak in one.weak[:3]:
                print(f"    {suggester.name(weak.uri)} needs examples: it stands on {weak.examples} records")
        for name in found.too_little:
            print(f"{name}: too little is known to judge")
        curves = (("names", kept.names), ("sentences", kept.sentences)) if kept is not None else ()
        if kinds := [name for name, curve in curves if curve is not None]:
            print(f"searches by {' and '.join(kinds)} now tell how likely a hit is right")
        if report is not None:
            print(report)
