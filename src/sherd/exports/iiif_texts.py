"""Words in IIIF manifests: labels, names of files, languages, rights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from sherd.ingest.sources.iiif_manifest import RECORD_LABEL, RIGHTS
from sherd.types import Record

Json: TypeAlias = dict[str, Any]
Texts: TypeAlias = Mapping[str, Sequence[str]]
"""Language tag or 'none' -> texts."""

LABELS: Mapping[str, Texts] = {
    "identifier": {"en": [RECORD_LABEL], "zh-Hans": ["记录编号"], "zh-Hant": ["記錄編號"]},
    "object_type": {"en": ["Object type"], "zh-Hans": ["类别"], "zh-Hant": ["類別"]},
    "materials": {"en": ["Materials"], "zh-Hans": ["材质"], "zh-Hant": ["材質"]},
    "culture": {"en": ["Culture"], "zh-Hans": ["文化"], "zh-Hant": ["文化"]},
    "period": {"en": ["Period"], "zh-Hans": ["年代"], "zh-Hant": ["年代"]},
    "motifs": {"en": ["Motifs"], "zh-Hans": ["纹饰"], "zh-Hant": ["紋飾"]},
    "themes": {"en": ["Themes"], "zh-Hans": ["主题"], "zh-Hant": ["主題"]},
    "rights": {"en": ["Rights"], "zh-Hans": ["权利"], "zh-Hant": ["權利"]},
}  # fmt: skip
LAYERS: Mapping[str, Texts] = {
    "catalogue": {"en": ["Stated by the catalogue"], "zh-Hans": ["目录所述"], "zh-Hant": ["目錄所述"]},
    "reviewed": {"en": ["Stated by people"], "zh-Hans": ["人员所述"], "zh-Hant": ["人員所述"]},
    "machine": {
        "en": ["Suggested by a machine, not reviewed"],
        "zh-Hans": ["机器建议，未经审核"],
        "zh-Hant": ["機器建議，未經審核"],
    },
}  # fmt: skip
_PLAIN_NAME = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[a-z0-9](?:[a-z0-9._-]{0,78}[a-z0-9_-])?")
_DEED = re.compile(r"/(?:deed|legalcode)(?:\.[\w-]+)?/?$")


def file_name(record_id: str) -> str:
    """A name for a file, without extension, that every system takes and that no two records share: the identifier where
    it is plain and in lower case (some systems do not tell cases apart), else what is plain of it and a checksum.

    >>> file_name("1982.30.1"), file_name("T-01"), file_name("../鼎 1")
    ('1982.30.1', 'T-01~6de5874e2816c572', '1~da659a28d7f8cb21')
    """
    if _PLAIN_NAME.fullmatch(record_id):
        return record_id
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", record_id)[:60].strip("-")
    return f"{plain}~{hashlib.sha256(record_id.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def rights_of(record: Record) -> tuple[str | None, list[str]]:
    """The one address that says the rights, in the form that IIIF wants, and what else is said of them.

    >>> rights_of(Record("a", (), rights="The museum", licence="https://creativecommons.org/licenses/by/4.0/deed.zh"))
    ('http://creativecommons.org/licenses/by/4.0/', ['The museum'])
    """
    given = [text for text in (record.licence, record.rights) if text]
    addresses = [(text, found) for text in given if (found := _rights_address(text)) is not None]
    chosen = addresses[0] if addresses else ("", None)
    return chosen[1], [text for text in reversed(dict.fromkeys(given)) if text != chosen[0]]


def _rights_address(text: str) -> str | None:
    plain = re.sub(r"^https?://(?:www\.)?", "http://", text.strip()).partition("?")[0]
    plain = plain.replace("http://rightsstatements.org/page/", "http://rightsstatements.org/vocab/")
    return _DEED.sub("/", plain) if plain.startswith(RIGHTS) and not re.search(r"\s", plain) else None


def language_of(tag: str, text: str) -> str:
    """The language tag under which a text is published: 'none' where it is not known; Chinese by its characters.

    >>> language_of("und", "x"), language_of("zh", "饕餮纹"), language_of("zh", "饕餮紋"), language_of("zh", "青花")
    ('none', 'zh-Hans', 'zh-Hant', 'zh')
    """
    if tag in ("", "und"):
        return "none"
    if tag != "zh":
        return tag
    # Many texts are the same in both; those with characters of both are left undecided too.
    old, new = _converted("s2t", text) != text, _converted("t2s", text) != text
    return "zh" if old == new else "zh-Hans" if old else "zh-Hant"


def _converted(how: str, text: str) -> str:
    return str(_converter(how).convert(text))


@cache
def _converter(how: str) -> Any:
    from opencc import OpenCC  # imported on use: it loads a dictionary

    return OpenCC(how)


def metadata(record: Record) -> list[Json]:
    """The fields of a record that are not its titles, descriptions and rights; our own identifier first."""
    rows: list[tuple[Texts, Sequence[str]]] = [(LABELS["identifier"], [record.record_id])]
    for name in ("object_type", "materials", "culture", "period", "motifs", "themes"):
        value = getattr(record, name)
        rows.append((LABELS[name], [value] if isinstance(value, str) else list(value or ())))
    rows += [({"none": [name]}, [value]) for name, value in record.extra.items()]
    return [{"label": label, "value": {"none": values}} for label, values in rows if values]


def by_language(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Texts under the tags that they are published under."""
    found: dict[str, list[str]] = {}
    for tag, text in texts.items():
        found.setdefault(language_of(tag, text), []).append(text)
    return found
