"""Iconclass in its native text form: `notations.txt`, and labels by language in `txt/<language>/`.

A record of `notations.txt` is lines of a letter and a value, ended by `$`; `;` repeats the letter above it:

    N 11A          the notation            K 11k     name of the list of keys that may be added
    C 11A1         a narrower notation     R 11C     a related notation
    ; 11A2         another one             $

Keys (the `(+1)` of `25F33(+1)`) are parts of a notation's use and no concepts here: each of the 40,703 base notations
takes dozens of the 2,873 keys, and `base_notation` leads from any use to its base. Related notations, and keywords
(`kw/`), which are subjects and not names, are not read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from sherd.errors import SourceError
from sherd.thesaurus.folding import clean
from sherd.types import Concept

SCHEME = "https://iconclass.org/"
NOTATIONS = "notations.txt"
_TAGS = {"jp": "ja"}
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KEY = re.compile(r"\(\+[^()]*\)")


def notation_uri(notation: str) -> str:
    """The URI of a notation.

    >>> notation_uri("25F33(EAGLE)")
    'https://iconclass.org/25F33%28EAGLE%29'
    """
    return SCHEME + quote(notation, safe="")


def base_notation(notation: str) -> str:
    """A notation without the keys added to it.

    >>> base_notation("25F33(EAGLE)(+12)")
    '25F33(EAGLE)'
    """
    return _KEY.sub("", notation)


def read_iconclass(folder: Path) -> Iterator[Concept]:
    """All base notations, in the order of `notations.txt`, with the labels of every language there is.

    A line of labels that begins with `#` is not yet translated: it is taken only where it has a Chinese character, else
    it is the English text over again. Of two lines for one notation the one without `#` counts, then the first. A
    notation that is only named as narrower comes without labels.

    Raises:
        SourceError: a file is absent, not in UTF-8, or has a line of another form.
    """
    broader, known = _tree(folder / NOTATIONS)
    labels = {tag: _labels(folder, name) for tag, name in _languages(folder).items()}
    for notation in known:
        named = {tag: texts[notation] for tag, texts in labels.items() if notation in texts}
        above = tuple(notation_uri(one) for one in broader.get(notation, ()))
        facet = None if above else notation
        yield Concept(notation_uri(notation), named, {}, above, notation, facet, scheme=SCHEME)
    for notation, above_it in broader.items():
        if notation not in known:
            yield Concept(notation_uri(notation), broader=tuple(map(notation_uri, above_it)))


def _tree(path: Path) -> tuple[Mapping[str, list[str]], dict[str, None]]:
    """Notation -> broader ones; and the notations that have a record, in their order."""
    broader: dict[str, list[str]] = defaultdict(list)
    known: dict[str, None] = {}
    notation, letter = "", ""
    for number, line in _lines(path):
        if line == "$":
            notation, letter = "", ""
            continue
        first, space, value = line.partition(" ")
        if not space or len(first) != 1 or not value or (first == ";" and not letter):
            raise SourceError(f"{path} line {number}: is no letter and a value, but {clean(line)[:60]!r}")
        letter = letter if first == ";" else first
        if letter == "N":
            notation = value
            known[notation] = None
        elif not notation:
            raise SourceError(f"{path} line {number}: {clean(line)[:60]!r} belongs to no notation (N)")
        elif letter == "C" and notation not in broader[value]:
            broader[value].append(notation)
    return broader, known


def _languages(folder: Path) -> dict[str, str]:
    """Language tag -> name of the folder in `txt/`."""
    texts = folder / "txt"
    if not texts.is_dir():
        raise SourceError(f"{texts}: is no folder; Iconclass has its labels there, one folder a language")
    return {_TAGS.get(one.name, one.name): one.name for one in sorted(texts.iterdir()) if one.is_dir()}


def _labels(folder: Path, language: str) -> dict[str, str]:
    """Notation -> label."""
    final: dict[str, str] = {}
    drafts: dict[str, str] = {}
    for path in sorted((folder / "txt" / language).glob("*.txt")):
        if path.stem.endswith("_keys"):
            continue
        for number, line in _lines(path):
            if line == "#":
                continue
            notation, bar, text = line.removeprefix("#").partition("|")
            if not bar:
                raise SourceError(f"{path} line {number}: is no notation|label, but {clean(line)[:60]!r}")
            label = clean(text)
            if not label or (line[0] == "#" and not _HAN.search(label)):
                continue
            (drafts if line[0] == "#" else final).setdefault(notation, label)
    return drafts | final


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if text := line.rstrip("\r\n"):
                    yield number, text
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not in UTF-8 ({error.reason}, byte {error.start})") from error
