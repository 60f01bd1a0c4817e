from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.errors import InvalidArgument
from sherd.ingest.library import Library
from sherd.suggest.checkup import check_up
from sherd.suggest.checkup_page import checkup_page
from sherd.suggest.suggest import Suggester
from tests.cli.test_suggest import museum as museum


@pytest.fixture
def suggester(museum: Path) -> Iterator[Suggester]:
    with Library.open(museum / "lib") as library:
        yield Suggester.open(library)


def test_records_are_judged_without_their_own_terms(suggester: Suggester) -> None:
    found = check_up(suggester)
    assert found.too_little == ("type",)
    (one,) = found.facets
    assert (one.facet, one.records, one.terms) == ("motif", 48, 48)
    # the toy sees colours, so it is nearly always right
    assert one.first > 0.9
    assert one.first_five == 1
    assert one.right > 0.9
    assert one.coverage > 0.8
    assert 0.8 < one.set_size < 3
    assert one.ece < 0.15
    assert sum(mark.count for mark in one.marks) > 40
    assert found.as_dict()["facets"][0]["facet"] == "motif"


def test_what_is_confused_is_shown_with_pictures(tmp_path: Path, museum: Path) -> None:
    """Records whose terms are wrong in the catalogue come out as confusions."""
    import json
    import shutil

    from sherd.cli import main

    shutil.copytree(museum / "src", tmp_path / "src")
    lines = [json.loads(line) for line in (tmp_path / "src/records.jsonl").read_text("utf-8").splitlines()]
    for line in lines[:12]:
        line["motifs"] = ["red" if line["motifs"] == ["green"] else line["motifs"][0]]
    (tmp_path / "src/records.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    for command in (
        ["ingest", str(tmp_path / "src"), "--library", str(tmp_path / "lib"), "--model", "toy"],
        ["thesaurus", "import", str(museum / "colours.ttl"), "--library", str(tmp_path / "lib")],
        ["check-up", "--library", str(tmp_path / "lib"), "--facet", "motif", "--report", str(tmp_path / "page.html")],
    ):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert not ended.value.code
    with Library.open(tmp_path / "lib") as library:
        suggester = Suggester.open(library)
        found = check_up(suggester, ["motif"])
        assert ("urn:c:red", "urn:c:green") in [(one.true, one.said) for one in found.facets[0].confusions]
        page = checkup_page(found, suggester, library)
    assert page == (tmp_path / "page.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 2 * len(found.facets[0].confusions)
    assert "red taken for green" in page


def test_an_unknown_facet_is_named(suggester: Suggester) -> None:
    with pytest.raises(InvalidArgument, match="no facet 'colour'"):
        check_up(suggester, ["colour"])
