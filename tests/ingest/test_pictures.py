"""One safe way to open a picture: every accepted way of storing it looks the same, everything else is refused."""

from __future__ import annotations

import io
import os
import resource
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from sherd.errors import CorruptData, RejectedItem
from sherd.ingest.pictures import (
    PictureLimits,
    open_picture,
    open_picture_file,
    picture_size,
    thumbnail_pixels,
)
from tests.ingest import pictures
from tests.ingest.pictures import HEIGHT, WAYS, WIDTH, drawing, noisy, png, png_chunk, saved


def pixels(data: bytes, limits: PictureLimits | None = None) -> NDArray[np.float64]:
    return thumbnail_pixels(open_picture(data, limits).thumbnail).astype(np.float64)


def apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean difference of two pictures, in steps of 0..255."""
    assert one.shape == other.shape
    return float(np.abs(one - other).mean())


def refusal(data: bytes, limits: PictureLimits | None = None) -> str:
    with pytest.raises(RejectedItem) as refused:
        open_picture(data, limits)
    assert refused.value.detail
    return refused.value.reason


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_storing_a_picture_looks_the_same(way: str) -> None:
    opened = open_picture(WAYS[way](drawing()))
    assert (opened.width, opened.height) == (WIDTH, HEIGHT)
    assert opened.format == {"mpo": "jpeg"}.get(way, way).split()[0]
    # CMYK without a profile and palettes lose a little.
    assert apart(thumbnail_pixels(opened.thumbnail).astype(np.float64), np.asarray(drawing(), np.float64)) < 6


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_agree(form: str, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = drawing().transpose(turns[orientation]) if orientation in turns else drawing()
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, object] = {"quality": 95} if form in ("JPEG", "WEBP") else {}
    if form == "TIFF":
        options = {"tiffinfo": {274: orientation}}
    else:
        options["exif"] = exif
    data = saved(stored, form, **options)
    opened = open_picture(data)
    assert (opened.width, opened.height) == (WIDTH, HEIGHT)
    assert apart(thumbnail_pixels(opened.thumbnail).astype(np.float64), np.asarray(drawing(), np.float64)) < 5


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_bad_exif_block_is_ignored(exif: bytes) -> None:
    assert apart(pixels(saved(drawing(), "JPEG", quality=95, exif=exif)), np.asarray(drawing(), np.float64)) < 4


def test_16_bit_grey_is_full_scale() -> None:
    grey = np.linspace(0, 65_535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    expected = np.repeat((grey / 257)[:, :, None], 3, axis=2)
    assert apart(pixels(saved(Image.fromarray(grey), "PNG")), expected) < 2
    assert apart(pixels(pictures.tiff(grey.astype("<u2"), photometric=1, bits=(16,))), expected) < 2
    assert apart(pixels(pictures.tiff(grey.astype("<u2"), photometric=0, bits=(16,))), 255 - expected) < 2


@pytest.mark.parametrize("top", [1.0, 255.0, 65_535.0])
def test_float_grey_is_scaled_by_its_range_and_what_is_not_finite_is_black(top: float) -> None:
    grey = np.linspace(0, top, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype("<f4")
    grey[:8, :8] = np.nan
    found = pixels(pictures.tiff(grey, photometric=1, bits=(32,), sample_format=3))
    assert found[:6, :6].max() < 12
    assert found[-1, -1].min() > 245


@pytest.mark.parametrize("form", ["PNG", "TIFF", "GIF"])
def test_one_bit_is_black_and_white(form: str) -> None:
    image = Image.new("1", (WIDTH, HEIGHT))
    image.paste(1, (WIDTH // 2, 0, WIDTH, HEIGHT))
    found = pixels(saved(image, form))
    assert found[:, : WIDTH // 2 - 4].max() < 10
    assert found[:, WIDTH // 2 + 4 :].min() > 245


def test_grey_with_alpha_palette_with_alpha_and_a_key_colour_show_white_behind() -> None:
    clear = Image.new("LA", (32, 32), (0, 0))
    assert pixels(saved(clear, "PNG")).min() > 250
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([255, 0, 0, 0, 0, 0])
    assert pixels(saved(palette, "PNG", transparency=1)).min() > 250
    assert pixels(saved(palette, "GIF", transparency=1)).min() > 250
    keyed = Image.new("RGB", (32, 32), (0, 10, 20))
    assert pixels(saved(keyed, "PNG", transparency=(0, 10, 20))).min() > 250
    half = Image.new("RGBA", (32, 32), (0, 0, 0, 128))
    assert abs(pixels(saved(half, "WEBP", lossless=True)).mean() - 127) < 3


def test_a_colour_profile_is_applied_and_a_bad_one_is_ignored() -> None:
    swapped = _swapped_profile()
    plain = pixels(saved(drawing(), "PNG"))
    for form in ("PNG", "JPEG", "TIFF", "WEBP"):
        options: dict[str, object] = {"quality": 98} if form in ("JPEG", "WEBP") else {}
        through = pixels(saved(drawing(), form, icc_profile=swapped, **options))
        assert apart(through, plain) > 15
        for bad in (b"no profile", swapped[:200], ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()):
            assert apart(pixels(saved(drawing(), form, icc_profile=bad, **options)), plain) < 6


def _swapped_profile() -> bytes:
    """sRGB with red and blue exchanged: an error to ignore it cannot be missed."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    places = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    at = next(place for kind, place in places.items() if kind == b"desc")
    where, length = struct.unpack_from(">II", data, at + 4)
    data[where + 12 : where + length] = data[where + 12 : where + length].replace(b"s\0R\0G\0B", b"t\0R\0G\0B")
    return bytes(data)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_counts_and_the_others_are_counted(form: str) -> None:
    first, others = drawing(), [Image.new("RGB", (WIDTH, HEIGHT), (n * 40, 0, 0)) for n in range(4)]
    opened = open_picture(saved(first, form, save_all=True, append_images=others))
    assert opened.frames == 5
    assert apart(thumbnail_pixels(opened.thumbnail).astype(np.float64), np.asarray(first, np.float64)) < 8


def test_thumbnails_are_bounded_and_small_pictures_stay_small() -> None:
    big = saved(Image.new("RGB", (2000, 500)), "PNG")
    assert pixels(big).shape == (128, 512, 3)
    assert pixels(big, PictureLimits(thumbnail_px=100)).shape == (25, 100, 3)
    assert pixels(saved(Image.new("RGB", (1, 3)), "PNG")).shape == (3, 1, 3)
    assert pixels(saved(Image.new("RGB", (3000, 1)), "PNG")).shape == (1, 512, 3)


TRUNCATED = {
    "jpeg": saved(noisy(), "JPEG", quality=90),
    "jpeg progressive": saved(noisy(), "JPEG", quality=90, progressive=True),
    "png": saved(noisy(), "PNG"),
    "webp": saved(noisy(), "WEBP", quality=90),
    "tiff": saved(noisy(), "TIFF"),
    "tiff lzw": saved(noisy(), "TIFF", compression="tiff_lzw"),
    "gif": saved(noisy().quantize(256), "GIF"),
    "bmp": saved(noisy(), "BMP"),
}


@pytest.mark.parametrize("sixteenth", range(1, 16))
@pytest.mark.parametrize("form", TRUNCATED)
def test_a_file_that_is_cut_anywhere_is_refused(form: str, sixteenth: int) -> None:
    data = TRUNCATED[form]
    assert refusal(data[: len(data) * sixteenth // 16]) in ("image_truncated", "image_corrupt")


@pytest.mark.parametrize("form", TRUNCATED)
def test_a_file_without_its_last_bytes_is_refused(form: str) -> None:
    data = TRUNCATED[form]
    cut = 8 if form.startswith("tiff") else 2
    # A TIFF's directory may stand at the end, its pixels before it.
    assert refusal(data[:-cut]) in ("image_truncated", "image_corrupt")
    assert open_picture(data)


BOMBS = {
    "png": png(50_000, 50_000, 8, 2, b"\0" * 64),
    "png huge": png(2**31 - 1, 2**31 - 1, 16, 6, b"\0"),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",",
    "bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "bmp lowest": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 99_999, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0),
    "tiff": pictures.tiff(np.zeros((1, 1), np.uint8), photometric=1, bits=(8,)).replace(
        struct.pack("<HHII", 256, 4, 1, 1), struct.pack("<HHII", 256, 4, 1, 2_000_000_000)
    ),
    "jpeg": b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01",
    "webp": b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff" * 6,
}


@pytest.mark.parametrize("form", BOMBS)
def test_bombs_are_refused_by_their_header_fast_and_for_nothing(form: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    reason = refusal(BOMBS[form])
    assert time.perf_counter() - start < 0.2  # 50 ms is the aim; the machine may be busy
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB
    assert reason == "image_too_large" or (form == "webp" and reason == "image_corrupt")


def test_the_limits_are_settings() -> None:
    data = saved(drawing(), "PNG")
    assert refusal(data, PictureLimits(max_pixels=WIDTH * HEIGHT - 1)) == "image_too_large"
    assert open_picture(data, PictureLimits(max_pixels=WIDTH * HEIGHT))
    assert refusal(data, PictureLimits(max_file_bytes=len(data) - 1)) == "file_too_large"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file_empty"),
        (b"hello", "unsupported_type"),
        (b"%PDF-1.7", "unsupported_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "unsupported_type"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "unsupported_type"),
        (b"8BPS\0\1" + bytes(40), "unsupported_type"),
        (png(0, 5, 8, 2, b""), "image_zero_size"),
        (png(4, 4, 8, 2, b"\0" * 52)[:-20] + b"\0" * 20, "image_corrupt"),
        (png(4, 4, 8, 2, b"\0" * 20), "image_truncated"),
        (png(4, 4, 8, 3, b"\0" * 20), "image_corrupt"),
        (b"\xff\xd8\xff\xd9", "image_corrupt"),
    ],
)
def test_what_is_no_picture_is_refused_by_content(data: bytes, reason: str) -> None:
    assert refusal(data) == reason


def test_what_follows_the_picture_is_ignored_and_never_handed_on() -> None:
    for form in ("JPEG", "PNG", "GIF", "WEBP"):
        glued = saved(drawing(), form) + b"<html><script>alert(1)</script></html>PK\x03\x04"
        opened = open_picture(glued)
        assert b"script" not in opened.thumbnail


def test_a_bomb_in_a_text_chunk_or_a_profile_of_a_png_is_not_unpacked() -> None:
    import zlib

    bomb = zlib.compress(bytes(200 * 1024 * 1024), 9)
    for chunk in (
        png_chunk(b"zTXt", b"Comment\0\0" + bomb),
        png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb),
        png_chunk(b"iCCP", b"icc\0\0" + bomb),
    ):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert open_picture(png(8, 8, 8, 2, (b"\0" + b"\x80" * 24) * 8, before=chunk))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_the_size_is_told_without_decoding(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    (tmp_path / "a.jpg").write_bytes(saved(drawing(), "JPEG", exif=exif))
    assert picture_size(tmp_path, "a.jpg") == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../outside.png", "path_outside_root"),
        ("/etc/passwd", "path_outside_root"),
        ("C:\\pictures\\a.png", "path_outside_root"),
        ("\\\\server\\share\\a.png", "path_outside_root"),
        ("file:///etc/passwd", "path_outside_root"),
        ("http://127.0.0.1/a.png", "path_outside_root"),
        ("jar:file:///a.png", "path_outside_root"),
        ("a\0.png", "path_invalid"),
        ("", "path_invalid"),
        (".", "path_invalid"),
        ("%2e%2e/outside.png", "file_missing"),
        ("x" * 300, "path_invalid"),
        ("none.png", "file_missing"),
        ("good.png/more.png", "file_missing"),
        ("folder", "not_a_file"),
        ("pipe", "not_a_file"),
        ("link_out.png", "path_outside_root"),
        ("link_folder_out/outside.png", "path_outside_root"),
        ("link_absolute.png", "path_outside_root"),
        ("link_loop", "symlink_loop"),
        ("link_nowhere.png", "file_missing"),
        ("link_pipe", "not_a_file"),
        ("empty.png", "file_empty"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused_and_nothing_blocks(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(RejectedItem) as refused:
        open_picture_file(_tree(tmp_path), path)
    assert refused.value.reason == reason
    assert str(tmp_path) not in refused.value.detail


def test_links_inside_the_root_are_followed(tmp_path: Path) -> None:
    root = _tree(tmp_path)
    for path in ("good.png", "link_in.png", "link_folder/good.png"):
        assert open_picture_file(root, path).width == WIDTH


def _tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    data = saved(drawing(), "PNG")
    for path in (root / "good.png", root / "folder/good.png", tmp_path / "outside.png"):
        path.write_bytes(data)
    (root / "empty.png").write_bytes(b"")
    os.mkfifo(root / "pipe")
    for name, target in {
        "link_in.png": "folder/good.png",
        "link_folder": "folder",
        "link_out.png": "../outside.png",
        "link_absolute.png": str(tmp_path / "outside.png"),
        "link_folder_out": "..",
        "link_loop": "link_loop",
        "link_nowhere.png": "nowhere.png",
        "link_pipe": "pipe",
    }.items():
        (root / name).symlink_to(target)
    return root


def test_a_damaged_thumbnail_is_told() -> None:
    thumbnail = open_picture(saved(drawing(), "PNG")).thumbnail
    for bad in (b"", b"x", thumbnail[:200]):
        with pytest.raises(CorruptData, match="repair"):
            thumbnail_pixels(bad)
    assert Image.open(io.BytesIO(thumbnail)).format == "JPEG"
