"""From what a table calls a picture to the file that is meant: exact, else the one file that it can only be."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.files import checked_relative, shown
from sherd.ingest.sources.folder import READ, REFUSED, walk

_STRONG = re.compile(r"\s*[;；、|｜\r\n]+\s*")
_COMMA = re.compile(r"\s*[,，]\s*")
_VIEW = re.compile(r"[ _-]+\d{1,4}$|\s*[(（]\d{1,4}[)）]$")
_DIGITS = re.compile(r"(\d+)")


class PictureNames:
    """Finds pictures below `root` by name. The folder is listed only when a name is not there exactly."""

    def __init__(self, root: Path, exclude: Iterable[Path] = ()) -> None:
        self._root = root
        self._exclude = frozenset(os.path.realpath(folder) for folder in exclude)

    def of_cell(self, cell: str) -> list[str]:
        """Paths of the pictures that a cell names, separated by ; ； 、 | , or line ends.

        A name that is not there is given back as it is, for the opener to refuse.

        Raises:
            RejectedItem: path_outside_root, path_invalid, or image_ambiguous where several files could be meant.
        """
        cell = cell.strip()
        if not cell:
            return []
        if len(cell) < 1_000 and self._is_there(cell):
            return [self._found(cell)]
        names: list[str] = []
        for part in filter(None, _STRONG.split(cell)):
            commas = list(filter(None, _COMMA.split(part)))
            several = len(commas) > 1 and all(_is_picture_name(one) for one in commas) and not self._is_there(part)
            names += commas if several else [part]
        return [self._found(name) for name in names]

    def of_number(self, number: str) -> list[str]:
        """Pictures named like an accession number: "1987.10.jpg", "1987.10_2.jpg", "1987.10 (3).jpg" in any folder."""
        found = self._by_number.get(_even(number.replace("/", "_"))) or self._by_number.get(_even(number), [])
        return sorted(found, key=lambda path: [int(p) if p.isdigit() else p for p in _DIGITS.split(_even(path))])

    def _is_there(self, name: str) -> bool:
        try:
            return os.path.lexists(os.path.join(self._root, checked_relative(name.replace("\\", "/"))))
        except (RejectedItem, OSError, ValueError):
            return False

    def _found(self, name: str) -> str:
        path = checked_relative(name.replace("\\", "/"))
        if os.path.lexists(os.path.join(self._root, path)):
            return path
        even = _even(path)
        for names in self._by_name:
            found = names.get(even, ())
            if len(found) > 1:
                some = ", ".join(shown(one) for one in found[:3])
                raise RejectedItem("image_ambiguous", f"{shown(name)} may mean {some}; write the path of one")
            if found:
                return found[0]
        return path

    @cached_property
    def _paths(self) -> list[str]:
        try:
            return [path for path in walk(self._root, self._exclude) if isinstance(path, str)]
        except SourceError:
            return []

    @cached_property
    def _by_name(self) -> tuple[Mapping[str, list[str]], ...]:
        """Ways to find a path, the strictest first: other case, no extension, other folder, both."""
        ways: tuple[defaultdict[str, list[str]], ...] = tuple(defaultdict(list) for _ in range(4))
        for path in self._paths:
            even = _even(path)
            stem, base = os.path.splitext(even)[0], os.path.basename(even)
            for way, name in zip(ways, (even, stem, base, os.path.splitext(base)[0]), strict=True):
                way[name].append(path)
        return ways

    @cached_property
    def _by_number(self) -> Mapping[str, list[str]]:
        numbers: defaultdict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            stem = os.path.splitext(os.path.basename(_even(path)))[0]
            for name in dict.fromkeys((stem, _VIEW.sub("", stem))):
                numbers[name].append(path)
        return numbers


def _even(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


def _is_picture_name(name: str) -> bool:
    return name.lower().endswith(READ + REFUSED)
