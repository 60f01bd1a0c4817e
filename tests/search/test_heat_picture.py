from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sherd.errors import InvalidArgument
from sherd.search.heat_picture import heat_picture


def alpha_of(heat: np.ndarray, width: int, height: int) -> np.ndarray:
    picture = Image.open(io.BytesIO(heat_picture(heat.astype(np.float32), width, height)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (width, height))
    return np.asarray(picture)[..., 3].astype(int)


def test_what_is_hot_is_covered_and_what_is_cold_is_clear() -> None:
    heat = np.zeros((4, 6))
    heat[3, 5] = 1
    alpha = alpha_of(heat, 60, 40)
    assert alpha[35, 55] > 150
    assert alpha[:20, :30].max() == 0


def test_nothing_stands_out_of_a_flat_map() -> None:
    assert alpha_of(np.full((3, 3), 0.7), 9, 9).max() == 0


@pytest.mark.parametrize("heat", [np.zeros((0, 3)), np.zeros(3), np.array([[np.nan]])])
def test_what_is_no_map_is_refused(heat: np.ndarray) -> None:
    with pytest.raises(InvalidArgument):
        heat_picture(heat.astype(np.float32), 10, 10)
