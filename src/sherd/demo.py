"""`python -m sherd.demo`: a sample museum is drawn, read into a library and asked five questions.

What it leaves in the folder: museum/ (pictures and records.jsonl), library/, contact_sheet.png, report.html and
report.zh.html. Run again, it makes them anew.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.encoder import BUILTIN, load_encoder
from sherd.encoder.protocol import Encoder
from sherd.errors import InvalidArgument, SherdError
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.relics import Culture, render_pack, resolve_spec
from sherd.search.asked import Asked
from sherd.search.listing import list_answer
from sherd.search.picture import open_query_picture
from sherd.search.report import write_report
from sherd.search.searcher import Searcher
from sherd.search.sheet import write_sheet
from sherd.search.words import language_of
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import Box, Query

MARK = ".sherd-demo"
"""A file that tells a folder made by the demo, which may be emptied, from any other, which may not."""
RELICS_PER_CULTURE = 64
SIZE_PX = 320
SEED = 20
HITS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code is 0, or 1 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m sherd.demo", description="A sample museum, and five questions.")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder to write to (default: demo)")
    out = parser.parse_args(arguments).out
    try:
        run_demo(out)
    except (SherdError, OSError) as error:
        print(f"sherd: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def run_demo(
    out: Path,
    *,
    encoder: Encoder | None = None,
    cultures: Sequence[Culture] | None = None,
    relics_per_culture: int = RELICS_PER_CULTURE,
    size_px: int = SIZE_PX,
    stream: TextIO | None = None,
) -> list[Asked]:
    """Draw a museum into `out`, read it into a library, ask it five questions and write sheet and reports.

    Args:
        out: absent, empty, or left by an earlier run.
        encoder: the built-in model if not given.
        cultures: of the relics; all shipped ones that may be trained on if not given.
        stream: where to tell about it; stdout if not given.
    Returns:
        The questions with their answers.
    Raises:
        InvalidArgument: `out` holds something else.
        ModelUnavailable: the built-in model is not there.
    """
    stream = stream or sys.stdout
    name = encoder.name if encoder is not None else BUILTIN
    encoder = encoder or load_encoder(BUILTIN)  # first: without a model there is nothing to show
    started = time.perf_counter()
    museum, folder = _emptied(out)
    cultures = cultures or resolve_spec("all")
    records = _draw_museum(museum, cultures, relics_per_culture, size_px)
    rendered = time.perf_counter() - started
    print(f"{len(records)} relics drawn, with their records: {museum} ({rendered:.0f} s)", file=stream)

    with Library.open(folder, create=True) as library:
        with library.writer(), DecoderPool(_workers()) as pool:
            read = Ingest(library, open_source(museum), encoder, pool, encoder_name=name).run()
            thesaurus = builtin_thesaurus()
            import_thesaurus(library.catalogue.database, thesaurus, name=thesaurus.scheme or "builtin")
        print(f"{read.added} records read into the library: {folder} ({read.seconds:.0f} s)", file=stream)
        searcher = Searcher(library, encoder)
        answers = []
        for n, (query, image) in enumerate(_questions(museum, records), 1):
            asked = Asked(query, searcher.search(query), image)
            print(f"\n{n}. {_command(asked, folder)}", file=stream)
            list_answer(asked, language=language_of(query.text), stream=stream)
            answers.append(asked)
        about = searcher.about(datetime.now().astimezone())
        sheet, report, report_zh = out / "contact_sheet.png", out / "report.html", out / "report.zh.html"
        write_sheet(sheet, answers, library.thumbnail)
        write_report(report, answers, library.thumbnail, about)
        write_report(report_zh, answers, library.thumbnail, about, language="zh")
    print(
        f"\nContact sheet: {sheet}\nReport: {report}, in Chinese {report_zh}\n"
        f"All of it took {time.perf_counter() - started:.0f} s. Ask a question of your own, then read your pictures:\n"
        f'  {_sherd()} search "your question" --library {folder} --sheet found.png\n'
        f"  {_sherd()} ingest PICTURES --library my-library\n"
        f"Or look at it in a browser:\n  {_sherd()} serve --library {folder}",
        file=stream,
    )
    return answers


def _emptied(out: Path) -> tuple[Path, Path]:
    """The places of museum and library in `out`, with what an earlier run left there removed."""
    mark = out / MARK
    if out.exists() and not mark.is_file() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidArgument(f"{out} holds something that the demo did not make; give another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text("made by python -m sherd.demo, which empties museum and library here when it runs again\n", "utf-8")
    museum, library = out / "museum", out / "library"
    for folder in (museum, library):
        if folder.exists():
            shutil.rmtree(folder)
    return museum, library


def _draw_museum(museum: Path, cultures: Sequence[Culture], each: int, size_px: int) -> list[dict[str, Any]]:
    """Render the relics, and give their records the short bilingual titles that a museum would."""
    pack = render_pack(cultures, each * len(cultures), SEED, museum, size_px=size_px, workers=_workers())
    records = [json.loads(line) for line in pack.records.read_text("utf-8").splitlines()]
    for number, record in enumerate(records, 1):
        record["id"] = record["object_id"] = f"SM-{number:04d}"
        names = [p["text"] for p in record["phrases"] if p["language"] == "zh" and p["region"] == 0]
        decor = f" with {' and '.join(record['motifs'][:2])}" if record["motifs"] else ""
        english = f"{record['period']} {record['object_type']}{decor}"
        record["title"] = f"{min(names, key=len)} {english}" if names else english
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    pack.records.write_text("".join(lines), encoding="utf-8")
    return records


def _questions(museum: Path, records: Sequence[dict[str, Any]]) -> list[tuple[Query, str | None]]:
    """Five questions, each with the path of its picture: two texts, one with conditions, a picture, a box on one."""
    whole = records[len(records) // 2]
    boxed, box = _box_worth_asking([r for r in records if r["culture"] != whole["culture"]] or records)
    pictures = [museum / record["image"] for record in (whole, boxed)]
    where = {"material": ("porcelain", "silk")}
    return [
        (Query(text="taotie mask on a bronze tripod", k=HITS), None),
        (Query(text="瓷瓶上的凤纹", k=HITS), None),
        (Query(text="phoenix", minus="dragon", where=where, k=HITS), None),
        (Query(image=open_query_picture(pictures[0]), k=HITS), str(pictures[0])),
        (Query(image=open_query_picture(pictures[1]), box=box, k=HITS), str(pictures[1])),
    ]


def _box_worth_asking(records: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], Box]:
    """A record and the box of what is on it: a motif that most other relics have too, neither tiny nor the whole."""
    often = Counter(concept for record in records for concept in {r["concept"] for r in record["regions"][1:]})
    best: tuple[float, dict[str, Any], Box] | None = None
    for record in records:
        motifs = set(record["motifs"])
        for region in record["regions"][1:]:
            x, y, w, h = region["bbox"]
            share = w * h / (record["width"] * record["height"])
            if region["label"] not in motifs or not 0.02 <= share <= 0.25:
                continue
            if best is None or often[region["concept"]] > best[0]:
                corners = [round(v, 3) for v in (x / record["width"], y / record["height"])]
                sides = [round(v, 3) for v in (w / record["width"], h / record["height"])]
                kept = [min(side, 1 - corner) for side, corner in zip(sides, corners, strict=True)]
                best = often[region["concept"]], record, Box(*corners, *kept)
    if best is None:
        return records[0], Box(0.25, 0.25, 0.5, 0.5)
    return best[1], best[2]


def _command(asked: Asked, folder: Path) -> str:
    """What a person types to ask the same."""
    query = asked.query
    words = ["sherd search"]
    if query.text:
        words.append(f'"{query.text}"')
    if asked.image:
        words.append(f"--image {asked.image}")
    if query.box:
        words.append(f"--box {query.box.x:g},{query.box.y:g},{query.box.w:g},{query.box.h:g}")
    if query.minus:
        words.append(f'--not "{query.minus}"')
    words += [f'--where {field}="{"|".join(values)}"' for field, values in query.where.items()]
    return " ".join([*words, f"--library {folder}", f"-k {query.k}"])


def _workers() -> int:
    return min(4, os.cpu_count() or 1)


def _sherd() -> str:
    """How this installation's command is called from here."""
    beside = Path(sys.executable).with_name("sherd")
    if not beside.is_file() or shutil.which("sherd") == str(beside):
        return "sherd"
    inside = os.path.relpath(beside)
    return str(beside) if inside.startswith("..") else inside


if __name__ == "__main__":
    sys.exit(main())
