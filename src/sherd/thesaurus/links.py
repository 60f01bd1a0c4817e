"""Labels of outside collections, linked by hand to concepts of our thesaurus and of Iconclass."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib import resources
from urllib.parse import quote

_FILE = "iconclass_links.tsv"
ICONCLASS = "https://iconclass.org/"


def linked_labels(*, iconclass: bool = False) -> Mapping[tuple[str, str], str]:
    """(pack, label in lower case) -> URI of the concept: our own, or with `iconclass` that of Iconclass.

    Labels without a fitting concept are left out.
    """
    text = resources.files("sherd.thesaurus").joinpath("data", _FILE).read_text("utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        name = row["iconclass_notation"] if iconclass else row["sherd_name"]
        if name:
            uri = ICONCLASS + quote(name, safe="") if iconclass else f"urn:sherd:{name}"
            found[row["pack"], row["label"].lower()] = uri
    return found
