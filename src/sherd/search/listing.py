"""An answer as it is listed in a terminal: a table for people, one line a hit where the output goes elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from sherd.search.asked import Asked
from sherd.search.words import (
    Language,
    count_words,
    matched_by,
    place_words,
    printable,
    query_words,
    reason_words,
    timing_words,
    understood_words,
)
from sherd.types import Hit

if TYPE_CHECKING:
    from rich.console import Console

_HEADS: dict[Language, tuple[str, ...]] = {
    "en": ("", "record", "title", "score", "matched by", "where", "shares of the score"),
    "zh": ("", "藏品号", "名称", "得分", "相合于", "位置", "得分构成"),
}


def list_answer(asked: Asked, *, language: Language = "en", stream: TextIO | None = None) -> None:
    """Print the hits of one question with their reasons, and what the search took.

    Args:
        stream: stdout by default. A terminal gets a table; anything else gets plain lines: rank, record, title, score,
            what matched, where and why, with two spaces between.
        language: of the words; titles stay as they are.
    """
    from rich.console import Console

    stream = stream or sys.stdout
    for one in asked.answer.understood:
        print(printable(understood_words(one, language)), file=stream)
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        _table(asked, console, language)
    else:
        for n, hit in enumerate(asked.answer.hits, 1):
            print(f"{n}.", *_cells(hit, language), sep="  ", file=stream)
        print(_foot(asked, language), file=stream)


def _table(asked: Asked, console: Console, language: Language) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text(printable(query_words(asked.query, language)), style="bold"))
    if asked.answer.hits:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for n, head in enumerate(_HEADS[language]):
            table.add_column(
                head, justify="right" if n in (0, 3) else "left", overflow="fold", ratio=3 if n == 2 else None,
                no_wrap=n in (0, 3), vertical="top",
            )  # fmt: skip
        for n, hit in enumerate(asked.answer.hits, 1):
            cells = [Text(cell) for cell in (str(n), *_cells(hit, language, line="\n"))]
            cells[0].stylize("dim")
            cells[3].stylize("bold")
            cells[6].stylize("dim")
            table.add_row(*cells)
        console.print(table)
    console.print(Text(_foot(asked, language), style="dim"))


def _cells(hit: Hit, language: Language, *, line: str = "") -> tuple[str, str, str, str, str, str]:
    where = printable(hit.image)
    if hit.region is not None:
        place, image = place_words(hit.region.box, language), printable(hit.region.image)
        where = f"{place}{line or ': '}{image}"
    level = matched_by(hit, language)
    if hit.guess:
        level += "（存疑）" if language == "zh" else " (a guess)"
    shares = (line or ", ").join(f"{words} {share:.2f}" for words, share in reason_words(hit.reasons, language))
    return printable(hit.record_id), printable(hit.title), f"{hit.score:.3f}", level, where, shares


def _foot(asked: Asked, language: Language) -> str:
    times = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in timing_words(asked.answer.timing_ms, language))
    return f"{printable(count_words(asked.answer, language))}; {times}"
