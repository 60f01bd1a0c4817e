"""The ONNX encoder, on a network of a few nodes whose vectors are colours, so that every answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from sherd.encoder import load_encoder
from sherd.encoder.onnx import FILES, OnnxEncoder
from sherd.encoder.toy import ToyEncoder
from sherd.errors import CorruptData, ModelUnavailable
from sherd.types import Box, Picture

onnx = pytest.importorskip("onnx")

WORDS = {"[PAD]": 0, "red": 1, "green": 2, "blue": 3}
SETTINGS = {"name": "colours", "dim": 3, "size_px": 64, "heat_px": 128, "parts_per_image": 2, "max_tokens": 4}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder: patches are the mean colours of 16 x 16 pixels, words are colours."""
    from onnx import TensorProto, helper, numpy_helper

    def save(name: str, nodes: list[object], inputs: list[object], outputs: list[object], **weights: object) -> None:
        tensors = [numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items()]
        graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
        opset = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(tmp_path / f"{name}.onnx"))

    def unit(source: str, result: str) -> object:
        return helper.make_node("LpNormalization", [source], [result], axis=-1, p=2)

    value, node = helper.make_tensor_value_info, helper.make_node
    save(
        "image",
        [
            node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT),
            node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
            node("AveragePool", ["planes"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
            node("Transpose", ["cells"], ["grid"], perm=[0, 2, 3, 1]),
            unit("grid", "patches"),
            node("ReduceMean", ["grid"], ["mean"], axes=[1, 2], keepdims=0),
            unit("mean", "object"),
        ],
        [value("pictures", TensorProto.UINT8, ["n", "h", "w", 3])],
        [
            value("object", TensorProto.FLOAT, ["n", 3]),
            value("patches", TensorProto.FLOAT, ["n", "rows", "columns", 3]),
        ],
    )
    save(
        "text",
        [
            node("Gather", ["table", "ids"], ["rows"]),
            node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0),
            node("Add", ["mean", "little"], ["nearly"]),
            unit("nearly", "text"),
        ],
        [value("ids", TensorProto.INT64, ["n", "t"])],
        [value("text", TensorProto.FLOAT, ["n", 3])],
        table=np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32),
        little=np.full(3, 1e-6, np.float32),
    )
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[PAD]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "model.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    return tmp_path


def halves(height: int = 96, width: int = 96) -> Picture:
    """Red on the left, blue on the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = 200
    picture[:, width // 2 :, 2] = 200
    return picture


def test_pictures_of_several_shapes_come_back_in_their_order(folder: Path) -> None:
    encoder = OnnxEncoder.load(folder, threads=1)
    pictures = [halves(), halves(60, 180), np.full((40, 40, 3), (0, 90, 0), np.uint8), halves()]
    made = encoder.encode_images(pictures)
    assert made.object.shape == (4, 3)
    assert made.parts.shape == (4, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(made.object, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(made.object[2], [0, 1, 0], atol=1e-5)
    np.testing.assert_allclose(made.object[0], made.object[3], atol=1e-6)
    left = int(made.boxes[0, :, 0].argmin())
    np.testing.assert_allclose(made.parts[0, left], [1, 0, 0], atol=0.05)
    np.testing.assert_allclose(made.boxes[0, left], [0, 0, 0.5, 1], atol=1e-3)
    assert len(encoder.encode_images([])) == 0


def test_parts_may_come_from_a_pass_of_their_own(folder: Path) -> None:
    plain = OnnxEncoder.load(folder).encode_images([halves()])
    finer = OnnxEncoder.load(_with(folder, parts_px=128))
    made = finer.encode_images([halves(), halves()])
    assert np.array_equal(made.object[0], plain.object[0])
    # 8 x 8 cells now, not 4 x 4: the halves are still told apart, and their boxes are as good
    assert np.allclose(np.sort(made.boxes[1, :, 0]), [0, 0.5], atol=0.02)
    assert finer.fingerprint != OnnxEncoder.load(_with(folder, parts_px=0)).fingerprint


def _with(folder: Path, **changes: int) -> Path:
    (folder / "model.json").write_text(json.dumps({**SETTINGS, **changes}), encoding="utf-8")
    return folder


def test_words_boxes_and_heat_lie_in_the_space_of_the_pictures(folder: Path) -> None:
    encoder = OnnxEncoder.load(folder, threads=1)
    red, blue = encoder.encode_text(["red", "a blue thing"])
    np.testing.assert_allclose([red, blue], [[1, 0, 0], [0, 0, 1]], atol=1e-4)
    inside = encoder.encode_boxes(halves(), [Box(0, 0, 0.4, 1), Box(0.6, 0.2, 0.3, 0.3)])
    np.testing.assert_allclose(inside, [[1, 0, 0], [0, 0, 1]], atol=0.05)
    heat = encoder.heat(halves(), blue)
    assert heat.shape == (8, 8)
    assert heat[:, 5:].min() > 0.9 > 0.1 > heat[:, :3].max()
    assert encoder.encode_text([]).shape == encoder.encode_boxes(halves(), []).shape == (0, 3)
    assert np.isfinite(encoder.encode_text([""])).all()


def test_the_vector_of_a_text_does_not_depend_on_its_company() -> None:
    encoder = load_encoder("builtin")
    texts = [
        "red bowl",
        "饕餮纹",
        "a tripod with taotie masks on a ground of spirals, and cicada blades below them",
        "",
    ]
    together = encoder.encode_text(texts * 10)
    alone = np.concatenate([encoder.encode_text([text]) for text in texts * 10])
    np.testing.assert_array_equal(together, alone)


def test_patches_that_are_kept_are_those_of_the_picture_asked(folder: Path) -> None:
    encoder = OnnxEncoder.load(folder)
    rng = np.random.default_rng(3)
    one, other = (rng.integers(0, 255, (64, 48, 3), np.uint8) for _ in range(2))
    first, second = encoder.patches(one), encoder.patches(other)
    assert not np.allclose(first, second)
    one[:] = other  # the same array, another picture
    assert np.array_equal(encoder.patches(one), second)
    assert encoder.patches(one.reshape(48, 64, 3)).shape == (second.shape[1], second.shape[0], second.shape[2])


def test_every_file_and_only_its_bytes_decide_the_fingerprint(folder: Path) -> None:
    first = OnnxEncoder.load(folder, threads=1)
    assert OnnxEncoder.load(folder, threads=2).fingerprint == first.fingerprint
    (folder / "model.json").write_text(json.dumps(SETTINGS | {"heat_px": 64}), encoding="utf-8")
    assert OnnxEncoder.load(folder, threads=1).fingerprint != first.fingerprint


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json missing"):
        OnnxEncoder.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_corrupt_data(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\x08\x07not what it should be")
    with pytest.raises(CorruptData, match="cannot be read"):
        OnnxEncoder.load(folder)


def test_load_encoder_takes_names_and_folders(folder: Path) -> None:
    assert isinstance(load_encoder("toy"), ToyEncoder)
    assert load_encoder(str(folder)).name == "colours"
    with pytest.raises(ModelUnavailable, match="neither a model nor a model folder"):
        load_encoder("nobody")
