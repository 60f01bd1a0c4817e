"""What does the built-in model look at? `python benchmarks/pictures.py`: the pictures of docs/results.md.

docs/images/heat.jpg: names of motifs on relics of a seed that no training used, drawn by lot; the heat map's hot area
in red, its peak as a cross, the motif's true outline in white; hits above, misses below, as many of each as were
asked for.
docs/images/slots.jpg: a row a slot, the crops of its boxes where it is most present. Rendered relics only.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np
from galleries import TEST_SEED, TRAINED
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from provenance import ROOT

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.evaluation import drawn
from sherd.metrics import localisation
from sherd.search.fonts import font, legible
from sherd.types import FloatArray, Picture

SIDE, LABEL, COLUMNS = 200, 22, 6


def main() -> None:
    """Draw both sheets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    parser.add_argument("--each", type=int, default=60, help="relics of each culture to look at")
    given = parser.parse_args()
    encoder = load_encoder(given.model)
    folder = ROOT / "docs" / "images"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        gallery = drawn.draw_gallery(TRAINED, given.each, TEST_SEED, Path(cache))
    heat_sheet(encoder, gallery).save(folder / "heat.jpg", quality=85)
    slot_sheet(encoder, gallery).save(folder / "slots.jpg", quality=85)
    print("docs/images/heat.jpg, docs/images/slots.jpg")


def heat_sheet(encoder: Encoder, gallery: drawn.Gallery) -> Image.Image:
    """Two rows of hits and two of misses."""
    queries = drawn.motif_queries(gallery)
    random.Random(0).shuffle(queries)
    wanted = 2 * COLUMNS
    hits: list[Image.Image] = []
    misses: list[Image.Image] = []
    for query in queries:
        if len(hits) >= wanted and len(misses) >= wanted:
            break
        picture = gallery.corpus.pictures[query.picture]
        heat = encoder.heat(picture, encoder.encode_text([query.name])[0])
        x, y = localisation.peak(heat)
        size = query.mask.shape[0]
        right = bool(query.mask[min(int(y * size), size - 1), min(int(x * size), size - 1)])
        chosen = hits if right else misses
        if len(chosen) < wanted:
            chosen.append(_overlay(picture, heat, query))
    return _sheet([*hits, *misses], COLUMNS)


def _overlay(picture: Picture, heat: FloatArray, query: drawn.MotifQuery) -> Image.Image:
    image = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(np.float32)
    hot = localisation.hot_area(heat, (SIDE, SIDE))
    image[hot] = image[hot] * 0.55 + np.array([255, 40, 30], np.float32) * 0.45
    outline = _outline(np.asarray(Image.fromarray(query.mask).resize((SIDE, SIDE), Image.Resampling.NEAREST)))
    image[outline] = 255
    tile = Image.new("RGB", (SIDE, SIDE + LABEL), "white")
    tile.paste(Image.fromarray(image.astype(np.uint8)))
    pen = ImageDraw.Draw(tile)
    x, y = (value * SIDE for value in localisation.peak(heat))
    pen.line([(x - 7, y), (x + 7, y)], fill="yellow", width=2)
    pen.line([(x, y - 7), (x, y + 7)], fill="yellow", width=2)
    pen.text((4, SIDE + 2), legible(query.name), fill="black", font=font(14))
    return tile


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = np.pad(mask, 2)
    inside = inner[:-4, 2:-2] & inner[4:, 2:-2] & inner[2:-2, :-4] & inner[2:-2, 4:]
    return mask & ~inside


def slot_sheet(encoder: Encoder, gallery: drawn.Gallery, columns: int = 10) -> Image.Image:
    """A row a slot: the boxes whose vectors are nearest to the slot's mean vector, from different pictures."""
    made = encoder.encode_images(list(gallery.corpus.pictures))
    tiles = []
    for slot in range(made.parts.shape[1]):
        vectors = made.parts[:, slot]
        mean = vectors.mean(0)
        for row in np.argsort(-(vectors @ mean), kind="stable")[:columns]:
            x, y, w, h = made.boxes[row, slot]
            picture = gallery.corpus.pictures[row]
            side = picture.shape[0]
            left, top = int(x * side), int(y * side)
            cut = picture[top : max(top + 4, int((y + h) * side)), left : max(left + 4, int((x + w) * side))]
            tile = Image.new("RGB", (SIDE // 2, SIDE // 2), "white")
            crop = Image.fromarray(cut)
            crop.thumbnail((SIDE // 2, SIDE // 2))
            scale = (SIDE // 2) / max(crop.size)
            crop = crop.resize((round(crop.width * scale), round(crop.height * scale)))
            tile.paste(crop, ((SIDE // 2 - crop.width) // 2, (SIDE // 2 - crop.height) // 2))
            tiles.append(tile)
    return _sheet(tiles, columns)


def _sheet(tiles: list[Image.Image], columns: int) -> Image.Image:
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (width + 4), rows * (height + 4)), "white")
    for n, tile in enumerate(tiles):
        sheet.paste(tile, (n % columns * (width + 4), n // columns * (height + 4)))
    return sheet


if __name__ == "__main__":
    main()
