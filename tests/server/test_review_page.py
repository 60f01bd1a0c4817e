"""Reviewing without a script: groups and records are decided about, taken back, and told who and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sherd.catalogue import decisions
from sherd.catalogue.standings import standings
from sherd.ingest.library import Library
from sherd.suggest import review
from sherd.types import Action, Decision
from tests.server.museum import app_of, client_of
from tests.server.painted import BEAST, RECORDS, TAOTIE, make_painted, take_all_back
from tests.server.test_page import parsed


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_painted(tmp_path_factory.mktemp("painted"))


@pytest.fixture(scope="module")
def app(museum: Path) -> Iterator[TestClient]:
    with client_of(app_of(museum)) as client:
        yield client


@pytest.fixture
def client(app: TestClient, museum: Path) -> TestClient:
    """Somebody who finds nothing decided."""
    take_all_back(museum)
    return app


def standing(museum: Path) -> dict[tuple[str, str], bool]:
    """What people's decisions leave."""
    with Library.open(museum) as there:
        said = standings(decisions.everything(there.catalogue.database))
    return {(one.record_id, one.concept): one.holds for one in said}


def form_of(page: object, **given: object) -> dict[str, object]:
    """What the form that decides would send, with some of it changed."""
    (form,) = page.xpath("//form[contains(@class, 'decide')]")  # type: ignore[attr-defined]
    fields = {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}
    fields |= {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='radio'][@checked]")}
    return fields | given


def test_a_group_is_decided_about_but_for_those_left_out_and_taken_back(client: TestClient, museum: Path) -> None:
    page = parsed(client.get("/review").text)
    first = page.xpath("//ul[@class='groups']//a/@href")[0]
    group = parsed(client.get(first).text)
    members = group.xpath("//input[@name='without']/@value")
    assert len(members) >= 5
    assert len(group.xpath("//ul[@class='members']//*[@class='crop']")) == len(members)
    assert group.xpath("//input[@name='concept'][@checked]")
    sent = form_of(group, concept=TAOTIE, does="accept", without=members[:2], who="Ada")
    kept = client.post("/review/group", data=sent)
    assert standing(museum) == {(one, TAOTIE): True for one in members[2:]}
    after = parsed(kept.text)
    assert f"Kept: {len(members) - 2} decisions" in after.text_content()
    line = after.xpath("//ul[@class='log']/li")[0].text_content()
    assert "taotie" in line
    assert "Ada" in line
    assert f"{len(members) - 2} records" in line
    (numbers,) = after.xpath("//form[@class='kept']//input/@value")
    undone = parsed(client.post("/review/undo", data={"numbers": numbers}).text)
    assert standing(museum) == {}
    assert "taken back" in undone.xpath("//ul[@class='log']/li")[0].text_content()


def test_a_group_that_is_not_that_is_refused_and_another_term_is_found_by_its_name(
    client: TestClient, museum: Path
) -> None:
    group = parsed(client.get(parsed(client.get("/review").text).xpath("//ul[@class='groups']//a/@href")[0]).text)
    members = group.xpath("//input[@name='without']/@value")
    client.post("/review/group", data=form_of(group, concept=TAOTIE, does="refuse"))
    assert standing(museum) == {(one, TAOTIE): False for one in members}
    answer = client.post("/review/group", data=form_of(group, other="莲花", does="accept"))
    assert answer.status_code == 200
    assert sum(standing(museum).values()) == len(members)
    assert client.post("/review/group", data=form_of(group, other="no such thing", does="accept")).status_code == 404
    assert client.post("/review/group", data=form_of(group, name="0" * 10, does="accept")).status_code == 422


def test_progress_counts_persons_the_catalogue_and_nothing(client: TestClient, museum: Path) -> None:
    with Library.open(museum) as there:
        review.decide(there, [Decision("p-00", Action.OTHER, "Ada", review.now(), value=TAOTIE)])
    names = parsed(client.get("/review").text).xpath("//dl/dt")
    text = {one.text_content().strip(): one.getnext().text_content() for one in names}
    assert "decided by a person: 1 ·" in text["motif and part"]
    numbers = [int(part.rsplit(" ", 1)[1]) for part in text["motif and part"].strip().split(" · ")]
    assert sum(numbers) == RECORDS
    assert "decided by a person: 0" in text["culture and period"]


def test_a_record_is_decided_about_and_a_faster_person_is_not_overwritten(client: TestClient, museum: Path) -> None:
    page = parsed(client.get("/review/record", params={"id": "p-01"}).text)
    cards = page.xpath("//fieldset[@data-card]")
    assert cards
    concept = cards[0].xpath(".//input[starts-with(@name, 'concept-')]/@value")[0]
    number = cards[0].xpath(".//input[starts-with(@name, 'concept-')]/@name")[0].removeprefix("concept-")
    assert cards[0].xpath(".//*[@class='odds']")[0].text_content().strip()
    sent = form_of(page, **{f"does-{number}": "accept"})
    assert client.post("/review/record", data=sent).status_code == 200
    assert standing(museum) == {("p-01", concept): True}
    late = client.post("/review/record", data=sent)
    assert late.status_code == 409
    assert "Somebody else decided" in parsed(late.text).text_content()
    assert len(standing(museum)) == 1
    again = parsed(client.get("/review/record", params={"id": "p-01"}).text)
    assert concept not in again.xpath("//input[starts-with(@name, 'concept-')]/@value")
    assert again.xpath("//ul[@class='log']/li")


def test_a_narrower_term_is_chosen_and_a_form_that_is_none_refused(client: TestClient, museum: Path) -> None:
    seen = parsed(client.get("/review/record", params={"id": "p-02"}).text).xpath("//input[@name='seen']/@value")[0]
    base = {"record": "p-02", "seen": seen, "concept-1": BEAST, "does-1": "narrow"}
    assert client.post("/review/record", data=base | {"narrower-1": TAOTIE}).status_code == 200
    assert standing(museum) == {("p-02", TAOTIE): True}
    assert client.post("/review/record", data=base).status_code == 400
    for wrong in ({"seen": "x", "does-1": "accept"}, {"does-1": "eat", "concept-1": BEAST}, {"does-1": "accept"}):
        assert client.post("/review/record", data={"record": "p-03", **wrong}).status_code == 400
    nobody = {"record": "no", "does-1": "accept", "concept-1": BEAST}
    assert client.post("/review/record", data=nobody).status_code == 422


def test_the_queue_goes_on_with_those_of_whom_least_is_known(client: TestClient, museum: Path) -> None:
    first = parsed(client.get("/review/record").text).xpath("//input[@name='record']/@value")[0]
    with Library.open(museum) as there:
        assert not there.catalogue.get_many([first])[first].motifs
        review.decide(there, [Decision(first, Action.OTHER, "Ada", review.now(), value=TAOTIE)])
    assert parsed(client.get("/review/record").text).xpath("//input[@name='record']/@value")[0] != first
    assert client.post("/review/learn", follow_redirects=False).status_code == 303


def test_a_library_without_a_thesaurus_gets_one_by_a_button(tmp_path: Path) -> None:
    with client_of(app_of(make_painted(tmp_path, thesaurus=False))) as client:
        page = parsed(client.get("/review").text)
        assert "no thesaurus" in page.text_content()
        client.post(page.xpath("//form[contains(@action, 'thesaurus')]/@action")[0])
        assert parsed(client.get("/review").text).xpath("//ul[@class='groups']/li")


def test_a_span_of_undoing_is_bounded(client: TestClient) -> None:
    assert client.post("/review/undo", data={"numbers": "1,999999999"}).status_code == 422
    assert client.post("/review/undo", data={"numbers": "x"}).status_code == 422
