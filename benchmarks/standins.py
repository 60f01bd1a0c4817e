"""How well does a model do on rendered stand-ins for collections that are not public? `benchmarks/standins.py [MODEL]`.

docs/data.md says what is known of the three. Drawn from a seed that no training used, each a pack that `sherd evaluate`
reads: `bronzes`, whose only regions are the boxes and masks of decoration; `murals`, asked for by their longest texts
in Chinese and English; `categories`, 20 object types over all trained cultures, each asked for by its two names, with
all of its pictures relevant. `--draw DIR` writes the packs there and stops.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from galleries import TEST_SEED, Line, draw_pack, parts_only
from provenance import write
from quality import show

from sherd.encoder import load_encoder
from sherd.evaluation.harness import evaluate
from sherd.relics import Culture, load_culture, resolve_spec
from sherd.relics.culture import LANGUAGES, ObjectType

EACH = 600
CATEGORIES = 20


def main() -> None:
    """Draw, measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    parser.add_argument("--each", type=int, default=EACH, help="relics of each stand-in")
    parser.add_argument("--draw", type=Path, help="write the packs below this new folder and stop")
    given = parser.parse_args()
    if given.draw:
        for pack in draw(given.draw, given.each):
            print(pack)
        return
    encoder = load_encoder(given.model)
    reports = {}
    with tempfile.TemporaryDirectory() as folder:
        for pack in draw(Path(folder), given.each):
            reports[pack.name] = evaluate(encoder, pack).as_dict(queries=False)
            reports[pack.name]["data"]["path"] = pack.name
            show(pack.name, reports[pack.name])
    question = "How well does the model do on rendered stand-ins for collections that are not public?"
    print(write("standins", question, {"model": given.model, "seed": TEST_SEED, "reports": reports}))


def draw(folder: Path, each: int) -> Iterator[Path]:
    """The three packs below `folder`, `each` relics in every one; given one by one as they are finished."""
    yield draw_pack([load_culture("ritual_bronze")], folder / "bronzes", each, decoration_only)
    yield draw_pack([load_culture("cave_mural")], folder / "murals", each, longest_texts)
    cultures = narrowed(resolve_spec("all"), CATEGORIES)
    yield draw_pack(cultures, folder / "categories", each, named_by_type(cultures), masks=False)


def decoration_only(line: Line) -> Line:
    """The record with the regions of its motifs alone: no whole object, handles, legs or damage."""
    motifs = {motif.uri for motif in load_culture(line["culture_id"]).motifs}
    return {**line, "phrases": [], "regions": [region for region in line["regions"] if region["concept"] in motifs]}


def longest_texts(line: Line) -> Line:
    """The record's parts, and one caption a language: its longest."""
    longest = [
        max((c for c in line["captions"] if c["language"] == language), key=lambda c: len(c["text"]))
        for language in LANGUAGES
    ]
    return {**parts_only(line), "captions": longest}


def named_by_type(cultures: list[Culture]) -> Callable[[Line], Line]:
    """A change that leaves of a record its picture and the names of its object type.

    All pictures of a type are views of one object: a type is asked for once a language, all its pictures are relevant,
    and intervals are over types, which are what the figure is about.
    """
    types = {(c.id, entry.names["en"][0]): entry for c in cultures for entry in c.objects}

    def change(line: Line) -> Line:
        entry = types[line["culture_id"], line["object_type"]]
        names = [{"language": code, "style": "name", "text": entry.names[code][0]} for code in LANGUAGES]
        kept = {key: line[key] for key in ("id", "image", "width", "height", "licence", "rights", "culture_id")}
        return {**kept, "object_id": f"{line['culture_id']}/{entry.id}", "captions": names}

    return change


def narrowed(cultures: tuple[Culture, ...], count: int) -> list[Culture]:
    """The cultures with `count` object types between them, as evenly as can be, all equally frequent.

    No two have a name in common in either language.
    """
    chosen: dict[str, list[ObjectType]] = {culture.id: [] for culture in cultures}
    taken: set[str] = set()
    waiting = {culture.id: list(culture.objects) for culture in cultures}
    while sum(map(len, chosen.values())) < count and any(waiting.values()):
        for culture in cultures:
            while waiting[culture.id] and sum(map(len, chosen.values())) < count:
                entry = waiting[culture.id].pop(0)
                names = {name for code in LANGUAGES for name in entry.names[code]}
                if not names & taken:
                    taken |= names
                    chosen[culture.id].append(replace(entry, weight=1.0))
                    break
    return [replace(culture, objects=tuple(chosen[culture.id])) for culture in cultures]


if __name__ == "__main__":
    main()
