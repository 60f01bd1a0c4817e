"""A record about which the catalogue, two people and a machine have spoken."""

from __future__ import annotations

from sherd.exports.described import Author, Described, Shot, Statement
from sherd.types import Box, Caption, Concept, Phrase, Record, Region, SourceImage

AAT = "http://vocab.getty.edu/aat/"
MODEL = f"toy {'f' * 64}"


def concept(facet: str, name: str, zh: str, *, broader: str = "", **matches: tuple[str, ...]) -> Concept:
    labels = {"zh-Hans": zh, "en": name}
    above = (f"urn:t:{broader or facet}",)
    return Concept(f"urn:t:{name}", labels, broader=above, facet=facet, matches=matches, scheme="urn:t:")


VESSEL = concept("type", "vessel", "容器")
TRIPOD = concept("type", "tripod", "鼎", broader="vessel", closeMatch=(f"{AAT}300198840", "https://other.example/d"))
BRONZE = concept("material", "bronze", "青铜", exactMatch=(f"{AAT}300010957",))
GILDING = concept("material", "gilding", "鎏金")
SHANG = concept("culture", "shang", "商")
TAOTIE = concept("motif", "taotie", "饕餮", broader="beast")
CLOUD = concept("motif", "cloud", "云纹")
DRAGON = concept("motif", "dragon", "龙", broader="beast")
RITE = concept("theme", "rite", "祭祀")
LUCK = concept("theme", "luck", "吉祥")
CONCEPTS = (VESSEL, TRIPOD, BRONZE, GILDING, SHANG, TAOTIE, CLOUD, DRAGON, RITE, LUCK)

FRONT, BACK = "a/front 1.png", "a/back.png"
MASK, EAR, FOOT = Box(0.25, 0.25, 0.5, 0.25), Box(0.0, 0.0, 0.125, 0.25), Box(0.5, 0.75, 0.125, 0.25)
RECORD = Record(
    "1987/10 a",
    (
        SourceImage(FRONT, (Region(EAR, "handle"), Region(MASK, "饕餮纹"), Region(FOOT)), "front"),
        SourceImage(BACK),
    ),
    titles={"zh": "饕餮纹鼎", "en": "Tripod <with> taotie & masks"},
    descriptions={"zh": "商代晚期青铜礼器。", "en": "A ritual vessel."},
    object_type="ding",
    materials=("Gilt bronze", "cobalt"),
    culture="Shang",
    period="商代晚期",
    motifs=("taotie", "unknown band"),
    themes=("rite", "luck"),
    rights="The museum",
    licence="CC0 1.0",
    captions=(Caption("en", "A tripod with a mask."), Caption("zh", "饕餮纹鼎一件。", "long")),
    phrases=(Phrase("mask on the belly", "en", 1), Phrase("heavy", "en")),
)
SHOTS = (Shot(FRONT, 320, 240, "1" * 64), Shot(BACK, 300, 200, "2" * 64))

_BY_CATALOGUE = (
    Statement(TRIPOD, "type", Author.CATALOGUE, label="ding"),
    Statement(BRONZE, "material", Author.CATALOGUE, label="Gilt bronze"),
    Statement(GILDING, "material", Author.CATALOGUE, label="Gilt bronze"),
    Statement(SHANG, "culture", Author.CATALOGUE, label="Shang"),
    Statement(SHANG, "culture", Author.CATALOGUE, label="商代晚期"),
    Statement(TAOTIE, "motif", Author.CATALOGUE, label="taotie"),
    Statement(RITE, "theme", Author.CATALOGUE, label="rite"),
    Statement(LUCK, "theme", Author.CATALOGUE, label="luck"),
    Statement(TAOTIE, "motif", Author.CATALOGUE, label="饕餮纹", image=FRONT, box=MASK),
)
_BY_PEOPLE = (
    Statement(
        CLOUD, "motif", Author.PERSON, image=FRONT, box=FOOT, who="Li Wei", at="2026-11-27T10:00:00+00:00", number=1
    ),
    Statement(VESSEL, "type", Author.PERSON, who="Ann", at="2026-11-27T11:00:00+00:00", number=2),
    Statement(LUCK, "theme", Author.PERSON, holds=False, who="Ann", at="2026-11-27T12:00:00+00:00", number=3),
)
_BY_MACHINE = (
    Statement(DRAGON, "motif", Author.MACHINE, image=BACK, box=MASK, probability=0.8125, model=MODEL),
    Statement(BRONZE, "material", Author.MACHINE, image=FRONT, probability=0.75, model=MODEL),
)
DING = Described(RECORD, SHOTS, (*_BY_CATALOGUE, *_BY_PEOPLE, *_BY_MACHINE))
PLAIN = Described(Record("b.2", (SourceImage("b.jpg"),), titles={"und": "青"}), (Shot("b.jpg", 10, 20, "3" * 64),), ())
"""A record of which hardly anything is known."""
