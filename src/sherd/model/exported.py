"""Weights back out of an exported model folder, so that training can go on from a model that is shipped.

An export folds normalisation into convolutions, turns matrices and may keep them in 8 bits; its nodes still carry the
names of the modules that they come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from sherd.errors import CorruptData

_TABLES = {"clustering": ("bias", "prototypes"), "gfiu": ("queries", "queries")}
"""Learned vectors, and tables of them, that belong to a module itself; exports keep them with an axis more."""
_QUANTISED = "_quantized"
_TURNED = "_Transposed"
Named = Iterator[tuple[str, NDArray[np.generic]]]


def exported_weights(folder: Path) -> dict[str, Tensor]:
    """Weights of `folder`/image.onnx and text.onnx by the names that `DualEncoder` gives them, float32.

    Normalisation that was folded into a convolution comes back as one that only shifts: right as it is, and fit for
    training after `settle`. What an export leaves out, because none of its outputs depends on it, is not there.

    Raises:
        CorruptData: a file is no ONNX network.
    """
    weights: dict[str, Tensor] = {}
    for tower in ("image", "text"):
        path = folder / f"{tower}.onnx"
        try:
            graph = onnx.load(str(path)).graph
        except Exception as error:  # protobuf's errors have no parent in common with OSError
            raise CorruptData(f"{path}: no ONNX network ({error})") from error
        for name, array in _named(graph):
            weights[f"{tower}.{name.removeprefix('tower.')}"] = torch.from_numpy(np.array(array, np.float32))
    return weights


@torch.no_grad()
def settle(model: nn.Module, pictures: Tensor) -> None:
    """Have each normalisation that only shifts do the same by the means and variances of `pictures` (B, 3, H, W).

    What the model answers stays as it was; in training, where batches are normalised by their own, it nearly does.
    """
    model.eval()
    shifting = [one for one in model.modules() if isinstance(one, nn.BatchNorm2d) and _only_shifts(one)]

    def note(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean, variance = given[0].mean((0, 2, 3)), given[0].var((0, 2, 3))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)

    handles = [norm.register_forward_pre_hook(note) for norm in shifting]
    model(pictures)
    for handle in handles:
        handle.remove()


def _only_shifts(norm: nn.BatchNorm2d) -> bool:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return bool((norm.running_mean == 0).all() and torch.allclose(norm.running_var, torch.ones(()) - norm.eps))


def _named(graph: onnx.GraphProto) -> Named:
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type in ("Cast", "Identity")}
    taken: set[str] = set()
    for node in graph.node:
        if node.op_type in ("Cast", "Identity"):
            continue
        for given in node.input:
            name = given
            while name not in arrays and name in same:
                name = same[name]
            if name not in arrays or name in taken or not _is_weight(name, arrays):
                continue
            taken.add(name)
            plain = name.removesuffix(".f16").removesuffix(_QUANTISED)
            array = _plain_numbers(name, arrays)
            if plain.startswith("onnx::"):
                yield from _unnamed(node, array, _module(node.name))
            elif plain.endswith(_TURNED):
                yield plain.removesuffix(_TURNED), array.T
            else:
                yield plain, array


def _is_weight(name: str, arrays: dict[str, NDArray[np.generic]]) -> bool:
    return name.endswith(_QUANTISED) or (
        np.issubdtype(arrays[name].dtype, np.floating) and not name.endswith(("_scale", "_zero_point"))
    )


def _plain_numbers(name: str, arrays: dict[str, NDArray[np.generic]]) -> NDArray[np.generic]:
    """The weight, multiplied out where it is kept in 8 bits."""
    if not name.endswith(_QUANTISED):
        return arrays[name]
    stem = name.removesuffix(_QUANTISED)
    zero, scale = (np.asarray(arrays[f"{stem}{what}"], np.float32) for what in ("_zero_point", "_scale"))
    return np.asarray((arrays[name].astype(np.float32) - zero) * scale)


def _unnamed(node: onnx.NodeProto, array: NDArray[np.generic], module: str) -> Named:
    """A weight that the export gave a number for a name: what it is follows from the node that uses it."""
    if node.op_type.startswith("MatMul"):
        yield f"{module}.weight", array.T
    elif node.op_type == "Conv" and array.ndim > 1:
        yield f"{module}.weight", array
    elif node.op_type == "Conv":  # the shift of the normalisation that follows the convolution
        norm = module.rpartition(".")[0] + ".1"
        yield f"{norm}.bias", array
        yield f"{norm}.weight", np.ones_like(array)
        yield f"{norm}.running_mean", np.zeros_like(array)
        yield f"{norm}.running_var", np.full_like(array, 1 - nn.BatchNorm2d(1).eps, np.float32)
    elif (kind := module.rpartition(".")[2]) in _TABLES:
        vector, table = _TABLES[kind]
        flat = array.reshape(array.shape[-2:]) if array.shape[-1] > 1 else array.reshape(-1)
        yield f"{module}.{table if flat.ndim > 1 else vector}", flat


def _module(node: str) -> str:
    """The module that a node belongs to: `/quarter.2/first/first.0/Conv` -> `quarter.2.first.0`."""
    found: list[str] = []
    for piece in node.strip("/").split("/")[:-1]:
        if found and piece.startswith(f"{found[-1]}."):
            found[-1] = piece
        else:
            found.append(piece)
    return ".".join(found)
