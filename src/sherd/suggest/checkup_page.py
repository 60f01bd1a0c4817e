"""The check-up as a page for people: one HTML file with pictures, to be read offline."""

from __future__ import annotations

import base64
from pathlib import Path

from sherd.errors import CorruptData
from sherd.ingest.library import Library
from sherd.search.markup import Html, element
from sherd.search.report_style import STYLE
from sherd.suggest.checkup import CheckUp, Confusion, FacetCheck, times
from sherd.suggest.suggest import Suggester

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = Html(
    STYLE
    + """
table { border-collapse: collapse; margin: 12px 0 20px; } th, td { text-align: left; padding: 4px 18px 4px 0; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.bars { display: grid; grid-template-columns: max-content 240px max-content; gap: 4px 14px; align-items: center; }
.bar { position: relative; height: 14px; background: var(--mount); }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--object); }
.bar b { position: absolute; top: -3px; bottom: -3px; width: 2px; background: var(--cinnabar); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 22px; margin: 14px 0 26px; }
.pairs figure { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
.pairs img { width: 100%; height: 150px; object-fit: contain; background: var(--mount); }
.pairs figcaption { grid-column: 1 / -1; }
"""
)


def checkup_page(found: CheckUp, suggester: Suggester, library: Library) -> str:
    """The page as HTML; it loads nothing and runs nothing."""
    body = [element("header", None, element("h1", None, f"Check-up of {library.folder.absolute().name}"), _head())]
    body += [_facet(one, suggester, library) for one in found.facets]
    if found.too_little:
        body.append(
            element(
                "p",
                None,
                f"Too little is known to judge: {', '.join(found.too_little)}. Terms of the catalogue and decisions "
                "count; some twenty a facet are enough to begin with.",
            )
        )
    page = element(
        "html",
        {"lang": "en"},
        element(
            "head",
            None,
            element("meta", {"charset": "utf-8"}),
            element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
            element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
            element("title", None, f"Check-up of {library.folder.absolute().name}"),
            element("style", None, _STYLE),
        ),
        element("body", None, *body, element("footer", None, "Judged by machine; not a person's judgement.")),
    )
    return f"<!doctype html>\n{page}\n"


def _head() -> Html:
    return element(
        "p",
        None,
        "Each record that has terms was judged as if it had none. What is wrong here may also be a gap in the "
        "catalogue: a term that nobody wrote down counts as not true.",
    )


def _facet(one: FacetCheck, suggester: Suggester, library: Library) -> Html:
    rows = [
        ("records with terms of it", f"{one.records}"),
        ("the first guess is right", f"{one.first:.0%}"),
        ("one of the first five is right", f"{one.first_five:.0%}"),
        ("records that get a suggestion", f"{one.answered:.0%}"),
        ("suggestions that are right", f"{one.right:.0%}"),
        (f"true terms inside their sets (wanted {one.wanted:.0%})", f"{one.coverage:.1%}"),
        ("terms in a set, on average", f"{one.set_size:.1f}"),
        ("mean distance of probabilities from the truth", f"{one.ece:.3f}"),
    ]
    table = element(
        "table", None, *(element("tr", None, element("td", None, a), element("td", {"class": "n"}, b)) for a, b in rows)
    )
    bars = []
    for mark in one.marks:
        said = f"of 100 marked {mark.low:.0%} to {mark.high:.0%}"
        middle = f"left:{(mark.low + mark.high) / 2:.0%}"
        bar = element("i", {"style": f"width:{mark.share:.1%}"}), element("b", {"style": middle})
        bars += [
            element("span", None, said),
            element("span", {"class": "bar"}, *bar),
            element("span", None, f"{100 * mark.share:.0f} were right (of {mark.count})"),
        ]
    parts = [element("h2", None, one.facet), table, element("div", {"class": "bars"}, *bars)]
    if one.confusions:
        parts.append(element("h3", None, "Most often taken for something else"))
        pairs = (_pair(pair, suggester, library) for pair in one.confusions)
        parts.append(element("div", {"class": "pairs"}, *pairs))
    if one.weak:
        parts.append(element("h3", None, "Terms that need examples"))
        lines = (
            f"{suggester.name(weak.uri)}: on {weak.examples} records, among the first five for {weak.found:.0%} of them"
            for weak in one.weak
        )
        parts.append(element("ul", None, *(element("li", None, line) for line in lines)))
    return element("section", None, *parts)


def _pair(pair: Confusion, suggester: Suggester, library: Library) -> Html:
    pictures = [
        _picture(library, pair.record_id, pair.image, suggester.name(pair.true)),
        _picture(library, pair.example_id, pair.example_image, suggester.name(pair.said)),
    ]
    told = f"{suggester.name(pair.true)} taken for {suggester.name(pair.said)}, {times(pair.count)}: "
    return element("figure", None, *pictures, element("figcaption", None, f"{told}{pair.record_id}, {pair.example_id}"))


def _picture(library: Library, record: str, path: str, name: str) -> Html:
    keys = {image: key for key, image in library.catalogue.keys_of([record]).get(record, ())}
    stored = library.catalogue.pictures_by_key([keys[path]]) if path in keys else {}
    for one in stored.values():
        file: Path = library.thumbnail(one.sha256)
        try:
            data = base64.b64encode(file.read_bytes()).decode("ascii")
        except (OSError, CorruptData):
            break
        return element("img", {"src": f"data:image/jpeg;base64,{data}", "alt": f"{name}: {record}"})
    return element("span", None, "no thumbnail")
