"""Parts of pictures against numpy's own slicing and turning."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sherd.errors import RejectedItem
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.rendering import PictureRenderer, Rendering, rendered
from sherd.types import Picture

RNG = np.random.default_rng(1)
NOISE = RNG.integers(0, 255, (40, 60, 3), np.uint8)


def pixels(file: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def part(picture: Picture, wanted: Rendering) -> Picture:
    return pixels(rendered(Image.fromarray(picture), wanted, picture.shape[1::-1]))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_region_is_cut_then_mirrored_then_turned_clockwise(rotation: int, mirrored: bool) -> None:
    cut = NOISE[5:25, 10:40]
    expected = np.rot90(cut[:, ::-1] if mirrored else cut, -rotation // 90)
    wanted = Rendering((10, 5, 30, 20), (30, 20), mirrored, rotation, format="png")
    np.testing.assert_array_equal(part(NOISE, wanted), expected)


def test_sizes_and_qualities() -> None:
    flat = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    found = part(flat, Rendering((0, 0, 60, 40), (15, 20), format="png"))
    assert found.shape == (20, 15, 3)
    assert (found == (200, 100, 50)).all()
    grey = part(flat, Rendering((0, 0, 60, 40), (60, 40), quality="gray", format="png"))
    assert set(grey.reshape(-1).tolist()) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}
    two = part(NOISE, Rendering((0, 0, 60, 40), (60, 40), quality="bitonal", format="png"))
    assert set(two.reshape(-1).tolist()) == {0, 255}


def test_a_smaller_copy_serves_where_it_has_pixels_enough() -> None:
    big = np.repeat(np.repeat(NOISE[:4, :6], 100, 0), 100, 1)  # 400 x 600, squares of 100
    wanted = Rendering((200, 100, 100, 200), (20, 40), format="png")
    small = Image.fromarray(big).resize((150, 100), Image.Resampling.BOX)
    found = pixels(rendered(small, wanted, (600, 400)))
    np.testing.assert_allclose(found[3:17, 3:17].mean((0, 1)), NOISE[1, 2], atol=1)
    np.testing.assert_allclose(found[23:37, 3:17].mean((0, 1)), NOISE[2, 2], atol=1)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, str]:
    """Name -> sha256. The JPEG is turned by EXIF: upright it is 60 wide and 40 high."""
    exif = Image.Exif()
    exif[0x0112] = 6
    big = np.repeat(np.repeat(NOISE, 20, 0), 20, 1)
    Image.fromarray(np.rot90(big, 1)).save(tmp_path / "turned.jpg", quality=95, exif=exif)
    Image.fromarray(NOISE).save(tmp_path / "plain.png")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}


def test_pictures_are_upright_at_every_scale(tmp_path: Path, sources: dict[str, str]) -> None:
    renderer = PictureRenderer(PictureLimits())
    for size in ((1200, 800), (600, 400), (300, 200), (150, 100), (60, 40)):
        wanted = Rendering((0, 0, 1200, 800), size, format="png")
        found = pixels(renderer.render(tmp_path, "turned.jpg", sources["turned.jpg"], wanted))
        small = np.asarray(Image.fromarray(found).resize((60, 40), Image.Resampling.BOX))
        assert np.abs(small.astype(int) - NOISE).mean() < 30  # noise in blocks suffers in a JPEG
        assert np.corrcoef(small.reshape(-1), NOISE.reshape(-1))[0, 1] > 0.9


def test_a_worker_renders_and_keeps_the_picture_that_it_decoded(tmp_path: Path, sources: dict[str, str]) -> None:
    wanted = Rendering((10, 5, 30, 20), (30, 20), format="png")
    with DecoderPool() as pool:
        first = pool.render(tmp_path, "plain.png", sources["plain.png"], wanted)
        np.testing.assert_array_equal(pixels(first), NOISE[5:25, 10:40])
        (tmp_path / "plain.png").unlink()
        assert pool.render(tmp_path, "plain.png", sources["plain.png"], wanted) == first
        with pytest.raises(RejectedItem, match="file_missing"):
            pool.render(tmp_path, "nothing.png", "0" * 64, wanted)
        with pytest.raises(RejectedItem, match="path_outside_root"):
            pool.render(tmp_path, "../plain.png", "0" * 64, wanted)
        with pytest.raises(RejectedItem, match="content_changed"):
            pool.render(tmp_path, "turned.jpg", "0" * 64, wanted)
        with pytest.raises(RejectedItem, match="file_missing"):  # the last one gave way
            pool.render(tmp_path, "plain.png", sources["plain.png"], wanted)


def test_limits_hold_for_rendering_too(tmp_path: Path, sources: dict[str, str]) -> None:
    wanted = Rendering((0, 0, 10, 10), (10, 10))
    with DecoderPool(limits=PictureLimits(max_pixels=100)) as pool, pytest.raises(RejectedItem, match="too_large"):
        pool.render(tmp_path, "plain.png", sources["plain.png"], wanted)
