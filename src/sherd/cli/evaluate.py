"""`sherd evaluate`: see `sherd.evaluation.harness`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sherd.evaluation.report import Report


def evaluate(
    model: str = typer.Argument(help="`builtin`, another encoder by name, or the path of its folder."),
    data: Path = typer.Argument(help="A folder in the pack format (records.jsonl and pictures)."),
    split: str | None = typer.Option(None, "--split", help="Only records of this split: the pack's word, or heldout."),
    language: str | None = typer.Option(None, "--language", help="Only texts in this language, for example zh."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON lines; the last one is the result."),
) -> None:
    """Measure a model on a folder in the pack format, with blind chance beside every figure."""
    from sherd.cli.library import model_name
    from sherd.cli.progress import reporter_for
    from sherd.encoder import load_encoder
    from sherd.evaluation.harness import evaluate as run

    encoder = load_encoder(model_name(model) or model)
    with reporter_for(as_json=as_json) as reporter:
        report = run(encoder, data, split=split, language=language, reporter=reporter)
    if as_json:
        print(json.dumps(report.as_dict(), ensure_ascii=False))
        return
    for line in _lines(report):
        print(line)


def _lines(report: Report) -> list[str]:
    """The report for people: one line a figure, chance beside it."""
    facts = report.data
    lines = [
        f"{facts.path}: {facts.pictures} pictures of {facts.records} records, {facts.refused} refused; "
        f"{report.model['name']}; {report.seconds:.0f} s"
    ]
    both = (("as served", report.retrieval), ("objects only", report.retrieval_object_only))
    for name, figures in (*both, ("chance", report.chance_retrieval)):
        if figures is not None:
            for way, one in figures.as_dict().items():
                numbers = "  ".join(f"{key} {value:.3f}" for key, value in one.items())
                lines.append(f"{name:<13} {way.replace('_', ' '):<15} {numbers}")
    if report.localisation is not None and report.chance_localisation is not None:
        found, blind = report.localisation, report.chance_localisation
        lines.append(
            f"pointing {found.pointing:.3f} over {facts.labels} labels "
            f"(anywhere {blind.uniform:.3f}, centre {blind.centre:.3f}, where the label usually is "
            f"{blind.location_prior:.3f}); overlap of the box {found.box_iou:.3f}"
        )
    return lines
