"""Labels made comparable: no case, no difference of width, and one form for variants of Chinese characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache

_HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))


def clean(text: str) -> str:
    """One line without control characters, which a terminal would obey.

    >>> clean(" jade\\tdisc\\x1b[2J ")
    'jade disc [2J'
    """
    if not text.isprintable():  # nearly all texts are, and looking at each character takes ten times as long
        text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(text.split())


def fold_label(label: str) -> str:
    """`label` for comparing: compatibility forms made one (NFKC), no case, single spaces, simplified characters.

    Each character is mapped by itself with OpenCC's table, so that a part of a label folds to a part of its fold.

    >>> fold_label("圓鼎 ＴＲＩＰＯＤ") == fold_label("圆鼎 Tripod")
    True
    """
    return clean(unicodedata.normalize("NFKC", label).casefold()).translate(_simplified())


def speaks(tag: str, language: str) -> bool:
    """Whether text with this language tag is in `language`: the same tag, or one that begins with it and a hyphen.

    A transcription in Latin letters is in 'zh' only where 'zh-Latn' is asked for.

    >>> speaks("zh-Hant", "zh"), speaks("zh-Latn-pinyin", "zh"), speaks("en", "e")
    (True, False, False)
    """
    if tag == language:
        return True
    return tag.startswith(f"{language}-") and ("-Latn" not in tag or "-Latn" in language)


@cache
def _simplified() -> Mapping[int, str]:
    from opencc import OpenCC  # imported on use: it loads a dictionary

    characters = [chr(code) for start, stop in _HAN for code in range(start, stop)]
    simple = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(old): new for old, new in zip(characters, simple, strict=True) if old != new}
