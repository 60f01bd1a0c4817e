"""`sherd render`: see `sherd.relics.pack`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import typer

_SAY_EVERY_S = 1.0


def render(
    spec: str = typer.Argument(help="A shipped culture, a TOML file, several with commas between, or `all`."),
    count: int = typer.Option(100, "--count", min=1, help="How many relics; several cultures take turns."),
    seed: int = typer.Option(0, "--seed", min=0, help="The same seed draws the same relics."),
    out: Path = typer.Option(..., "--out", help="Folder for images and records.jsonl; must not hold a pack yet."),
    size: int = typer.Option(160, "--size", help="Height and width of the pictures, in pixels."),
    masks: bool = typer.Option(False, "--masks", help="Write the mask of each region too."),
    workers: int = typer.Option(1, "--workers", min=1, help="Processes that draw; the files do not depend on it."),
    sheet: Path | None = typer.Option(None, "--sheet", help="Write a contact sheet of the first 100 to this file."),
    boxes: bool = typer.Option(False, "--boxes", help="Draw the regions' boxes on the contact sheet."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON lines; the last one is the result."),
) -> None:
    """Draw relics of our own, with exact truth: pictures, regions, and words in Chinese and English."""
    from sherd.cli.progress import reporter_for
    from sherd.relics import contact_sheet, render_pack, resolve_spec

    cultures = resolve_spec(spec)
    with reporter_for(as_json=as_json) as reporter:
        said = time.monotonic()

        def progress(done: int) -> None:
            nonlocal said
            if done == count or time.monotonic() - said >= _SAY_EVERY_S:
                said = time.monotonic()
                reporter.advanced(done, count)

        report = render_pack(cultures, count, seed, out, size_px=size, masks=masks, workers=workers, progress=progress)
    if sheet is not None:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(out, boxes=boxes).save(sheet)
    per_second = report.pictures / max(report.seconds, 1e-9)
    if as_json:
        result = {
            "records": str(report.records),
            "pictures": report.pictures,
            "seconds": round(report.seconds, 3),
            "per_second": round(per_second, 1),
            "per_second_a_worker": round(per_second / workers, 1),
            "shared_captions": {language: round(share, 4) for language, share in report.shared_captions.items()},
            "mutual_information_bits": {
                culture: {pair: round(bits, 4) for pair, bits in pairs.items()}
                for culture, pairs in report.mutual_information.items()
            },
            "sheet": None if sheet is None else str(sheet),
        }
        print(json.dumps(result, ensure_ascii=False))
        return
    print(f"{report.pictures} pictures in {report.seconds:.1f} s, {per_second / workers:.0f} a second a worker")
    print("share of records with a caption that another has too:")
    print("  " + "  ".join(f"{language} {share:.1%}" for language, share in report.shared_captions.items()))
    print("mutual information, bits (0: independent):")
    for culture, pairs in report.mutual_information.items():
        print(f"  {culture}: " + "  ".join(f"{pair} {bits:.3f}" for pair, bits in pairs.items()))
    if sheet is not None:
        print(f"contact sheet: {sheet}")
