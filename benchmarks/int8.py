"""Would 8-bit weights do? `python benchmarks/int8.py [MODEL]`.

Makes variants of both towers in a temporary folder: the text tower with 8-bit weights (dynamic), the image tower in 8
bits (static, calibrated on 128 relics drawn with another seed). Each variant alone and both together stand beside the
float model: R@1 of both directions, pointing, what is lost of each with its interval, bytes, pictures and texts a
second. A variant replaces the float model if it is sure to lose less than half a point.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from galleries import CALIBRATION_SEED, TEST_SEED, TRAINED
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from provenance import write

from sherd.encoder import load_encoder
from sherd.encoder.onnx import FILES, OnnxEncoder
from sherd.encoder.preprocess import input_shape, to_input
from sherd.evaluation import drawn
from sherd.metrics.bootstrap import paired_interval
from sherd.search.settings import SearchSettings


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    """The calibration pictures, eight at a time."""

    def __init__(self, pictures: np.ndarray[Any, Any], size_px: int) -> None:
        shape = input_shape(pictures.shape[1], pictures.shape[2], size_px)
        inputs = np.stack([to_input(picture, shape) for picture in pictures])
        self._batches: Iterator[Any] = iter(np.array_split(inputs, len(inputs) // 8))

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": batch}


def main() -> None:
    """Make the variants, measure, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    given = parser.parse_args()
    encoder = load_encoder(given.model)
    assert isinstance(encoder, OnnxEncoder)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        test = drawn.draw_gallery(TRAINED, 125, TEST_SEED, folder / "relics")
        calibration = drawn.draw_gallery(TRAINED, 32, CALIBRATION_SEED, folder / "relics")
        plain = {
            tower: _as_float32(encoder.folder / f"{tower}.onnx", folder / f"{tower}.onnx")
            for tower in ("image", "text")
        }
        small = {tower: folder / f"{tower}.int8.onnx" for tower in plain}
        quantize_dynamic(plain["text"], small["text"], weight_type=QuantType.QInt8)
        reader = Pictures(calibration.corpus.pictures, encoder.settings.size_px)
        quantize_static(plain["image"], small["image"], reader, op_types_to_quantize=["Conv"], per_channel=True)
        queries = [query for query in drawn.motif_queries(test) if query.picture % 2 == 0]
        relics = [*range(len(test.captions))] * 2
        about = {"r1_object": relics, "r1_served": relics, "pointing": [query.picture for query in queries]}
        rows: dict[str, dict[str, Any]] = {}
        hits: dict[str, dict[str, drawn.Values]] = {}
        for label, chosen in (
            ("float", ()),
            ("text in 8 bits", ("text",)),
            ("image in 8 bits", ("image",)),
            ("both", ("image", "text")),
        ):
            variant = folder / label.replace(" ", "-")
            variant.mkdir()
            for file in FILES:
                shutil.copy(encoder.folder / file, variant / file)
            for tower in chosen:
                shutil.copy(small[tower], variant / f"{tower}.onnx")
            rows[label], hits[label] = measure(OnnxEncoder.load(variant), test, queries)
            print(f"{label:<16}", {key: round(value, 4) for key, value in rows[label].items()}, flush=True)
    plain_hits = hits.pop("float")
    for label, row in hits.items():
        lost = {name: paired_interval(plain_hits[name], row[name], clusters=about[name]) for name in row}
        rows[label]["lost"] = {name: asdict(gap) for name, gap in lost.items()}
        print(f"{label:<16} loses", {name: f"{g.mean:+.4f} [{g.low:+.4f}, {g.high:+.4f}]" for name, g in lost.items()})
    print(write("int8", "Would 8-bit weights do?", {"model": encoder.fingerprint, "variants": rows}))


def measure(
    encoder: OnnxEncoder, test: drawn.Gallery, queries: Sequence[drawn.MotifQuery]
) -> tuple[dict[str, Any], dict[str, drawn.Values]]:
    """Figures of one variant, and what each query found, by the name of the figure."""
    began = time.perf_counter()
    made = encoder.encode_images(list(test.corpus.pictures))
    pictures = len(test.captions) / (time.perf_counter() - began)
    began = time.perf_counter()
    captions = encoder.encode_text(test.captions)
    texts = len(test.captions) / (time.perf_counter() - began)
    seen = drawn.Seen(made.object, made.parts, captions, drawn.read(encoder, test.captions)[1])
    found = drawn.localisation_values(encoder, test, queries, drawn.patch_localiser(encoder))
    weights = {"r1_object": 0.0, "r1_served": SearchSettings().clauses_part}
    hits = {name: (drawn.both_ranks(seen, test.captions, weight) == 1) * 1.0 for name, weight in weights.items()}
    hits["pointing"] = found["pointing"]
    figures = {name: float(row.mean()) for name, row in hits.items()}
    return figures | {
        "bytes": sum((encoder.folder / f"{tower}.onnx").stat().st_size for tower in ("image", "text")),
        "pictures_per_s": pictures,
        "texts_per_s": texts,
    }, hits


def _as_float32(path: Path, target: Path) -> Path:
    """The graph without the casts from float16: the quantiser wants to see the weights."""
    model = onnx.load(path)
    graph = model.graph
    halves = {tensor.name: tensor for tensor in graph.initializer if tensor.name.endswith(".f16")}
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in halves]:
        weights = numpy_helper.to_array(halves[node.input[0]]).astype(np.float32)
        halves[node.input[0]].CopyFrom(numpy_helper.from_array(weights, node.output[0]))
        graph.node.remove(node)
    onnx.save(model, target)
    return target


if __name__ == "__main__":
    main()
