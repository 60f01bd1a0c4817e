"""What somebody chose, to take along: crops, credits, rights, and what the motifs on them mean."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from sherd.exports.described import Described, Statement
from sherd.exports.facts import facts, label_of
from sherd.exports.table import csv_line
from sherd.thesaurus.folding import speaks
from sherd.types import Box

LANGUAGES = ("zh", "en")
_CREDITS = ("file", "record_id", "caption_zh", "caption_en", "credit", "rights", "licence", "culture", "period",
            "picture", "x", "y", "w", "h", "width_px", "height_px", "resolution", "address")  # fmt: skip
_MEANINGS = ("file", "record_id", "term_zh", "term_en", "meaning_zh", "meaning_en", "said_by", "uri")
_TELLING = ("motif", "theme")
_OVERLAP = 0.05
_PLAIN = re.compile(r"[^\w.-]+")
_LONG = 60


@dataclass(frozen=True, slots=True)
class Chosen:
    """A picture of a record, or a box on it. address: of the record's page, '' where it has none that others reach."""

    described: Described
    sha256: str
    box: Box | None
    address: str = ""

    @property
    def region(self) -> tuple[int, int, int, int]:
        """x, y, w, h in whole pixels of the upright picture, inside it; the whole of it where there is no box."""
        shot = next(shot for shot in self.described.shots if shot.sha256 == self.sha256)
        if self.box is None:
            return 0, 0, shot.width, shot.height
        x, y = (min(int(side * most), most - 1) for side, most in ((self.box.x, shot.width), (self.box.y, shot.height)))
        w, h = max(round(self.box.w * shot.width), 1), max(round(self.box.h * shot.height), 1)
        return x, y, min(w, shot.width - x), min(h, shot.height - y)


@dataclass(frozen=True, slots=True)
class Crop:
    """The picture of something chosen, as a JPEG. full: whether it has all the pixels of the museum's file."""

    chosen: Chosen
    jpeg: bytes
    width: int
    height: int
    full: bool


def caption(one: Described, language: str) -> str:
    """A line for under a picture: the title in the language, else what the record is and shows, by its terms.

    '' where nothing is known in the language.
    """
    titles = [title for tag, title in one.record.titles.items() if speaks(tag, language)]
    if titles:
        return titles[0]
    held = facts(one)
    names = [
        label_of(said.concept, language)
        for facet in ("type", *_TELLING)
        for said in held
        if said.facet == facet and any(speaks(tag, language) for tag in said.concept.pref_labels)
    ]
    return ("，" if language == "zh" else ", ").join(dict.fromkeys(names[:4]))


def credit(one: Described) -> str:
    """The line to print under a picture: title, number, rights; it says so where nothing is said about rights."""
    record = one.record
    rights = "; ".join(said for said in (record.rights, record.licence) if said) or "rights not stated"
    return ". ".join(dict.fromkeys([record.title, record.record_id, rights]))


def telling(chosen: Chosen) -> list[Statement]:
    """Motifs and themes that hold; of a box those that are marked there, where any are, and the themes."""
    held = [said for said in facts(chosen.described) if said.facet in _TELLING]
    if chosen.box is not None:
        image = next(shot.path for shot in chosen.described.shots if shot.sha256 == chosen.sha256)
        there = [
            said for said in held if said.image == image and said.box is not None and _overlap(said.box, chosen.box)
        ]
        if there:
            held = [*there, *(said for said in held if said.facet == "theme")]
    return list({said.concept.uri: said for said in held}.values())


def write_board(crops: Iterable[Crop], stream: BinaryIO) -> int:
    """Write a ZIP: pictures/, credits.csv and meanings.csv (UTF-8 with a mark, for spreadsheets). Gives how many."""
    credits, meanings = [csv_line(_CREDITS)], [csv_line(_MEANINGS)]
    count = 0
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file:
        for count, crop in enumerate(crops, 1):
            name = _name(count, crop)
            file.writestr(name, crop.jpeg)
            credits.append(_credits(name, crop))
            meanings += _meanings(name, crop.chosen)
        for name, lines in (("credits.csv", credits), ("meanings.csv", meanings)):
            file.writestr(name, b"\xef\xbb\xbf" + b"".join(lines), zipfile.ZIP_DEFLATED)
    return count


def _credits(name: str, crop: Crop) -> bytes:
    chosen, record = crop.chosen, crop.chosen.described.record
    shot = next(shot for shot in chosen.described.shots if shot.sha256 == chosen.sha256)
    resolution = "full" if crop.full else "small: the museum's file is not at hand"
    said = [
        name, record.record_id, *(caption(chosen.described, language) for language in LANGUAGES),
        credit(chosen.described), record.rights or "", record.licence or "", record.culture or "", record.period or "",
        shot.path,
    ]  # fmt: skip
    return csv_line([*said, *chosen.region, crop.width, crop.height, resolution, chosen.address])


def _meanings(name: str, chosen: Chosen) -> list[bytes]:
    lines = []
    for said in telling(chosen):
        notes = [
            next((note for tag, note in said.concept.scope_notes.items() if speaks(tag, language)), "")
            for language in LANGUAGES
        ]
        labels = [label_of(said.concept, language) for language in LANGUAGES]
        who = said.who or str(said.author)
        row = [name, chosen.described.record.record_id, *labels, *notes, who, said.concept.uri]
        lines.append(csv_line(row))
    return lines


def _name(number: int, crop: Crop) -> str:
    """A file name that every system takes."""
    plain = _PLAIN.sub("_", crop.chosen.described.record.record_id)[:_LONG].strip("._") or "record"
    return f"pictures/{number:03}-{plain}.jpg"


def _overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share more than a little of the smaller one."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return w > 0 and h > 0 and w * h > _OVERLAP * min(one.w * one.h, other.w * other.h)
