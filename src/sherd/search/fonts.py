"""A font on this machine that can write Chinese, for pictures that carry text."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_log = logging.getLogger(__name__)
# Best first; the number is the simplified Chinese face in a collection of several.
_FILES = {
    "NotoSansCJK-Regular.ttc": 2, "NotoSansCJKsc-Regular.otf": 0, "NotoSansSC-Regular.otf": 0,
    "NotoSansSC-Regular.ttf": 0, "NotoSansSC[wght].ttf": 0, "SourceHanSansSC-Regular.otf": 0,
    "SourceHanSansCN-Regular.otf": 0, "SourceHanSans.ttc": 2, "PingFang.ttc": 0, "Hiragino Sans GB.ttc": 0,
    "STHeiti Medium.ttc": 0, "msyh.ttc": 0, "Microsoft YaHei.ttf": 0, "wqy-microhei.ttc": 0, "wqy-zenhei.ttc": 0,
    "NotoSerifCJK-Regular.ttc": 2, "DroidSansFallbackFull.ttf": 0, "DroidSansFallback.ttf": 0, "uming.ttc": 0,
    "ukai.ttc": 0, "simhei.ttf": 0, "simsun.ttc": 0,
}  # fmt: skip
_WIDE = re.compile("[\u2e80-\U0003ffff]+")
_SEARCH_TIMEOUT_S = 5


def font(size_px: int) -> Font:
    """A font of `size_px` that writes Chinese and Latin; without one on this machine, a Latin one and one warning."""
    found = chinese_font()
    if found is not None:
        return ImageFont.FreeTypeFont(str(found[0]), size_px, index=found[1], layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(size_px)


@lru_cache(maxsize=1)
def chinese_font() -> tuple[Path, int] | None:
    """File and face of a font with Chinese characters, or None; looked for once a process."""
    by_name: dict[str, Path] = {}
    for folder in _folders():
        for where, _, files in os.walk(folder):
            by_name.update({name: Path(where, name) for name in files if name in _FILES})
    candidates = [(by_name[name], face) for name, face in _FILES.items() if name in by_name]
    if not candidates:
        candidates = [(path, 0) for path in _of_fontconfig()]
    for path, face in candidates:
        try:
            ImageFont.FreeTypeFont(str(path), 12, index=face)  # truetype() would look for another file of this name
        except OSError:
            continue
        return path, face
    _log.warning("no font with Chinese characters is installed: a sheet leaves them out (install fonts-noto-cjk)")
    return None


def legible(text: str) -> str:
    """`text` as `font` can write it: without a font for them, runs of Chinese characters become an ellipsis."""
    return text if chinese_font() is not None else _WIDE.sub("…", text)


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        return [home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", home / "AppData/Local/Microsoft/Windows/Fonts"]
    shared = os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
    data = os.environ.get("XDG_DATA_HOME", str(home / ".local/share"))
    return [home / ".fonts", Path(data) / "fonts", *(Path(folder) / "fonts" for folder in shared if folder)]


def _of_fontconfig() -> list[Path]:
    program = shutil.which("fc-list")
    if program is None:
        return []
    try:
        listed = subprocess.run(
            [program, "--format=%{file}\n", ":lang=zh"], capture_output=True, timeout=_SEARCH_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [Path(line) for line in sorted(set(os.fsdecode(listed.stdout).splitlines())) if line]
