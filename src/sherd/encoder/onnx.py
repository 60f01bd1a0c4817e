"""Encoders exported by `sherd train`: two ONNX files, a tokenizer and their settings, run without torch."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from sherd.encoder.fingerprint import fingerprint
from sherd.encoder.parts import PatchEncoder, boxes_from_masks, cluster_parts, unit
from sherd.encoder.preprocess import PREPROCESS_VERSION, input_shape, to_input
from sherd.errors import CorruptData, ModelUnavailable
from sherd.types import Embeddings, FloatArray, Picture

FILES = ("image.onnx", "text.onnx", "tokenizer.json", "model.json")
_BATCH = 32


@dataclass(frozen=True, slots=True)
class OnnxSettings:
    """What `model.json` holds. `heat_px` is the input size of heat maps and of boxes drawn on a query picture,
    `parts_px` that of part vectors; 0 takes them from the pass at `size_px` that makes the object vectors, for free.
    """

    name: str
    dim: int
    size_px: int
    heat_px: int
    parts_per_image: int
    max_tokens: int
    parts_px: int = 0


class OnnxEncoder(PatchEncoder):
    """See `Encoder`. Parts are the network's own where it has slots, else clusters of its patches.

    Pictures of one input shape go in together, so that no picture is padded.
    """

    def __init__(self, folder: Path, settings: OnnxSettings, *, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _cores()
        options.log_severity_level = 3
        self._image = onnxruntime.InferenceSession(folder / "image.onnx", options, providers=["CPUExecutionProvider"])
        self._text = onnxruntime.InferenceSession(folder / "text.onnx", options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._image.get_outputs()]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(settings.max_tokens)
        self._last: tuple[bytes, FloatArray] | None = None
        self.folder = folder
        self.settings = settings
        self.name = settings.name
        self.dim = settings.dim
        self.parts_per_image = settings.parts_per_image
        self.fingerprint = fingerprint(
            [folder / name for name in FILES], {"encoder": "onnx", "preprocess": PREPROCESS_VERSION}
        )

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> OnnxEncoder:
        """The encoder in `folder`.

        Raises:
            ModelUnavailable: a file is missing.
            CorruptData: model.json is not what `sherd train` writes, or a network cannot be read.
        """
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ModelUnavailable(f"{folder}: {', '.join(missing)} missing; a model folder holds {', '.join(FILES)}")
        try:
            settings = OnnxSettings(**json.loads((folder / "model.json").read_text("utf-8")))
            return cls(folder, settings, threads=threads)
        except OSError:
            raise
        # onnxruntime has a dozen exceptions without a common parent, tokenizers raises bare Exception.
        except Exception as error:
            raise CorruptData(f"{folder}: the model cannot be read ({error}); install or export it again") from error

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        k = self.parts_per_image
        whole = np.zeros((len(pictures), self.dim), np.float32)
        parts = np.zeros((len(pictures), k, self.dim), np.float32)
        boxes = np.zeros((len(pictures), k, 4), np.float32)
        size_px, parts_px = self.settings.size_px, self.settings.parts_px or self.settings.size_px
        for rows, made, aspect in self._passes(pictures, size_px):
            whole[rows] = made["object"]
            if parts_px == size_px:
                parts[rows], boxes[rows] = _parts(made, k, aspect)
        if parts_px != size_px:
            for rows, made, aspect in self._passes(pictures, parts_px):
                parts[rows], boxes[rows] = _parts(made, k, aspect)
        return Embeddings(whole, parts, boxes)

    def _passes(
        self, pictures: Sequence[Picture], size_px: int
    ) -> Iterator[tuple[list[int], dict[str, FloatArray], float]]:
        """The network's outputs for some of the pictures at a time: their places, the outputs, width over height."""
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for n, picture in enumerate(pictures):
            by_shape[input_shape(picture.shape[0], picture.shape[1], size_px)].append(n)
        for shape, members in by_shape.items():
            for start in range(0, len(members), _BATCH):
                rows = members[start : start + _BATCH]
                yield rows, self._run([to_input(pictures[n], shape) for n in rows]), shape[1] / shape[0]

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        # One by one: the 8-bit network scales its activations over all that goes in, so a text's vector would change
        # with its company, by .001 and more, and with it the order of hits.
        rows = [np.zeros((0, self.dim), np.float32)]
        for encoded in self._tokenizer.encode_batch(list(texts)):
            rows.append(self._text.run(["text"], {"ids": np.asarray([encoded.ids or [0]], np.int64)})[0])
        return np.concatenate(rows)

    def patches(self, picture: Picture) -> FloatArray:
        """(h, w, D) unit patch vectors at the size used for heat maps. The last picture's are kept: many labels are
        asked of one picture, one after the other."""
        key = blake2b(picture.tobytes() + repr(picture.shape).encode()).digest()
        last = self._last
        if last is None or last[0] != key:
            shape = input_shape(picture.shape[0], picture.shape[1], self.settings.heat_px)
            last = self._last = (key, unit(self._run([to_input(picture, shape)])["patches"][0]))
        return last[1]

    def _run(self, inputs: Sequence[NDArray[np.uint8]]) -> dict[str, FloatArray]:
        return dict(zip(self._outputs, self._image.run(self._outputs, {"pictures": np.stack(inputs)}), strict=True))


def _parts(made: dict[str, FloatArray], k: int, aspect: float) -> tuple[FloatArray, FloatArray]:
    """Part vectors (n, K, D) and boxes (n, K, 4) of a network's outputs."""
    if "parts" in made:
        return made["parts"], boxes_from_masks(made["masks"])
    return cluster_parts(unit(made["patches"]), k, aspect=aspect)


def _cores() -> int:
    """Cores this process may use; not every system tells how many those are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
