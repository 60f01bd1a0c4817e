"""`sherd evaluate`: see `sherd.evaluation.harness` and `sherd.evaluation.compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sherd.evaluation.compare import Compared
    from sherd.evaluation.report import Report
    from sherd.evaluation.table import Figure, Figures


def evaluate(
    model: str = typer.Argument(help="`builtin`, another encoder by name, or the path of its folder."),
    data: Path = typer.Argument(help="A folder in the pack format (records.jsonl and pictures)."),
    split: str | None = typer.Option(None, "--split", help="Only records of this split: the pack's word, or heldout."),
    language: str | None = typer.Option(None, "--language", help="Only texts in this language, for example zh."),
    against: Path | None = typer.Option(None, "--against", help="Compare with another report: a file of --json."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON lines; the last one is the result."),
) -> None:
    """Measure a model on a folder in the pack format, with intervals, and with blind chance beside every figure."""
    from sherd.cli.library import model_name
    from sherd.cli.progress import reporter_for
    from sherd.encoder import load_encoder
    from sherd.evaluation.compare import compare
    from sherd.evaluation.harness import evaluate as run
    from sherd.evaluation.report import read_measured

    other = read_measured(against) if against is not None else None
    encoder = load_encoder(model_name(model) or model)
    with reporter_for(as_json=as_json) as reporter:
        report = run(encoder, data, split=split, language=language, reporter=reporter)
    compared = compare(report.measured, other) if other is not None else None
    if as_json:
        found = report.as_dict() | ({"against": compared.as_dict()} if compared is not None else {})
        print(json.dumps(found, ensure_ascii=False))
        return
    for line in [*_lines(report), *(_compared_lines(compared) if compared is not None else [])]:
        print(line)


def _lines(report: Report) -> list[str]:
    """The report for people: one line a system, chance beside it."""
    facts = report.data
    lines = [
        f"{facts.path}: {facts.pictures} pictures of {facts.records} records, {facts.refused} refused; "
        f"{report.model['name']}; {report.seconds:.0f} s",
        "figure low..high: 95 % of draws over the objects",
    ]
    if facts.refused_masks or facts.refused_boxes:
        lines.append(
            f"left out: {facts.refused_boxes} boxes that are not inside their picture, "
            f"{facts.refused_masks} labels whose mask cannot be used"
        )
    both = (("as served", report.retrieval), ("objects only", report.retrieval_object_only))
    for name, ways in (*both, ("chance", report.chance_retrieval)):
        lines += [f"{name:<13} {way.replace('_', ' '):<15} {_row(figures)}" for way, figures in ways.items()]
    for row, figures in report.localisation.items():
        asked = f"labels, {row}"
        systems = {"model": figures} | dict(report.chance_localisation[row])
        systems["over the prior"] = report.over_location_prior[row]
        lines += [f"{name.replace('_', ' '):<14} {asked:<14} {_row(of)}" for name, of in systems.items()]
    for facet, figures in report.naming.items():
        systems = {"model": figures} | dict(report.chance_naming[facet])
        if facet in report.calibration:
            systems |= {"calibration": report.calibration[facet], "if true": report.chance_calibration[facet]}
        lines += [f"{name:<11} {f'naming, {facet}':<17} {_row(of)}" for name, of in systems.items()]
    return lines


def _compared_lines(compared: Compared) -> list[str]:
    """What the model has over the other one; * where the interval of the difference excludes 0."""
    same = "the same data" if compared.same_data else "OTHER DATA: only figures of labels can be compared fairly"
    lines = [f"{compared.a} against {compared.b}, on {same}"]
    for one in compared.figures:
        mark = "*" if one.decided else " "
        ratio = _shown(one.ratio) if one.ratio is not None else "-"
        values = f"{one.a:.3f} against {one.b:.3f}  difference {_shown(one.difference)}  ratio {ratio}"
        lines.append(f"{mark} {one.figure:<42} {values}")
    return lines


def _row(figures: Figures) -> str:
    return "  ".join(f"{name} {_shown(figure)}" for name, figure in figures.items())


def _shown(figure: Figure) -> str:
    if figure.low != figure.low:
        return f"{figure.value:.3f} ?..?"
    return f"{figure.value:.3f} {figure.low:.3f}..{figure.high:.3f}"
