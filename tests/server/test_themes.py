"""Themes as a reason: told where the catalogue or a person says so of a hit, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.ingest.library import Library
from sherd.suggest import review
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import Action, Decision
from tests.server.museum import app_of, as_query, client_of, make_library
from tests.server.test_page import parsed

PURE_LAND = "urn:sherd:pure_land"
ROWS = [
    {"id": f"T-{n}", "image": f"{n}.png", "title": f"banner {n}", "theme": theme, "culture": "Tang"}
    for n, theme in enumerate(("the Pure Land", "heavenly music", "净土信仰", "", "long life"))
]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    library = make_library(tmp_path / "museum", ROWS)
    with Library.open(library) as there, there.writer():
        import_thesaurus(there.catalogue.database, builtin_thesaurus(), name="urn:sherd:scheme")
        said = [
            Decision("T-3", Action.OTHER, "Ada", review.now(), value=PURE_LAND),
            Decision("T-2", Action.REJECT, "Ada", review.now(), concept=PURE_LAND),
        ]
        review.decide(there, said)
    return library


@pytest.fixture
def client(library: Path) -> Iterator[TestClient]:
    with client_of(app_of(library)) as client:
        yield client


def chips(client: TestClient, lang: str = "en", **query: object) -> dict[str, list[str]]:
    """Title of a hit -> its chips of themes."""
    page = parsed(client.get("/", params={**as_query(**query), "lang": lang}).text)
    return {
        hit.xpath(".//h3")[0].text_content(): [
            one.text_content() for one in hit.xpath(".//*[contains(@class, 'by-theme')]")
        ]
        for hit in page.xpath("//*[@data-hit]")
    }


def test_a_theme_that_was_asked_for_by_words_is_a_reason_where_it_is_known(client: TestClient) -> None:
    assert chips(client, text="Pure Land") == {
        "banner 0": ["the theme: Pure Land"],
        "banner 1": [],
        "banner 2": [],  # the catalogue says so, and a person took it back
        "banner 3": ["the theme: Pure Land"],  # by a person alone
        "banner 4": [],
    }
    assert chips(client, "zh", text="净土信仰")["banner 0"] == ["题材: 净土信仰"]


def test_a_narrower_theme_counts_for_a_broader_one(client: TestClient) -> None:
    broader = builtin_thesaurus().concept(PURE_LAND).broader[0]
    label = builtin_thesaurus().concept(broader).pref_labels["en"]
    found = chips(client, text=label)
    assert found["banner 0"] == ["the theme: Pure Land"]
    assert found["banner 4"] == []


def test_a_picture_asks_for_the_themes_of_its_record(client: TestClient) -> None:
    picture = client.get("/api/v1/record", params={"id": "T-0"}).json()["images"][0]["picture"]
    found = chips(client, image={"picture": picture})
    assert found == {
        "banner 0": [], "banner 1": [], "banner 2": [], "banner 3": ["the theme: Pure Land"], "banner 4": []
    }  # fmt: skip


def test_words_that_are_no_theme_give_none(client: TestClient) -> None:
    assert not any(chips(client, text="lotus").values())


def test_the_row_of_one_theme_says_which_and_by_what(client: TestClient) -> None:
    page = parsed(client.get("/record", params={"id": "T-0"}).text)
    assert "by the terms of the catalogue and of people" in page.text_content()
    row = parsed(client.get("/record/like", params={"id": "T-0", "row": "theme"}).text)
    (one,) = row.xpath("//ul[@class='strip']/li")
    assert "banner 3" in one.text_content()
    assert "Pure Land" in one.text_content()
