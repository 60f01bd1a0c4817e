"""`sherd search`: its JSON form, its listing, its options, exit codes and error lines."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sherd.cli import main
from sherd.search.listing import list_answer
from sherd.types import Box, Query
from tests.search.answers import asked, hit
from tests.search.memory import plain, quarters

RECORDS: list[tuple[str, str, tuple[str, str, str, str], str, str]] = [
    ("R-1", "red tripod 红鼎", ("red", "red", "red", "red"), "Tang", "bronze"),
    ("G-1", "green bowl", ("green", "green", "green", "green"), "Song", "jade"),
    ("B-1", "blue vase", ("blue", "blue", "blue", "blue"), "Song", "porcelain"),
    ("Q-1", "white dish with a purple mark", ("white", "white", "purple", "white"), "Ming", "porcelain"),
    ("M-1", "mixed", ("red", "green", "blue", "yellow"), "Ming", "gilt bronze"),
]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        assert self.out.count("\n") == 1
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def ids(self) -> list[str]:
        return [hit["record_id"] for hit in self.json["hits"]]


@pytest.fixture
def sherd(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Result(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with src/ and lib/, the library made of it."""
    folder = tmp_path_factory.mktemp("museum")
    (folder / "src/photos").mkdir(parents=True)
    lines = []
    for record_id, title, colours, culture, material in RECORDS:
        image = f"photos/{record_id}.png"
        Image.fromarray(quarters(*colours)).save(folder / "src" / image)
        line = {"id": record_id, "image": image, "title": title, "culture": culture, "materials": [material]}
        lines.append(json.dumps(line | {"rights": "CC0"}) + "\n")
    (folder / "src/records.jsonl").write_text("".join(lines), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["ingest", str(folder / "src"), "--library", str(folder / "lib"), "--model", "toy"])
    assert not ended.value.code
    return folder


@pytest.fixture
def ask(museum: Path, sherd: Any) -> Any:
    return lambda *arguments: sherd("search", *arguments, "--library", museum / "lib")


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    """A picture to ask with: green, with a purple quarter at the upper right."""
    Image.fromarray(quarters("green", "purple", "green", "green")).save(tmp_path / "patch.png")
    return tmp_path / "patch.png"


def test_the_json_form_is_as_documented(ask: Any) -> None:
    form = ask("purple", "--not", "red", "--where", "culture=Ming", "-k", 2, "--json").json
    assert list(form) == ["query", "understood", "hits", "timing_ms"]
    assert form["query"] == {
        "text": "purple", "minus": "red", "image": None, "box": None, "where": {"culture": ["Ming"]}, "k": 2,
        "plain": False,
    }  # fmt: skip
    first = form["hits"][0]
    assert list(first) == ["record_id", "title", "score", "probability", "guess", "level", "region", "reasons"]
    assert (first["record_id"], first["level"]) == ("Q-1", "part")
    assert first["region"] == {"image": "photos/Q-1.png", "x": 0, "y": 0.5, "w": 0.5, "h": 0.5}
    assert (first["probability"], first["guess"]) == (None, False)
    assert list(first["reasons"]) == ["object", "part", "lexical", "minus"]
    assert first["score"] == pytest.approx(sum(first["reasons"].values()), abs=1e-6)
    assert list(form["timing_ms"]) == ["encode", "index", "rerank", "catalogue", "total"]
    assert sum(form["timing_ms"].values()) <= 2 * form["timing_ms"]["total"] + 0.01
    assert len(form["hits"]) == 2


def test_a_picture_a_box_and_both_with_a_text(ask: Any, patch: Path) -> None:
    whole = ask("--image", patch, "--json")
    assert whole.ids[0] == "G-1"
    assert whole.json["query"]["image"] == str(patch)
    boxed = ask("--image", patch, "--box", "0.5,0,0.5,0.5", "--json")
    assert boxed.ids[0] == "Q-1"
    assert boxed.json["query"]["box"] == {"x": 0.5, "y": 0, "w": 0.5, "h": 0.5}
    assert boxed.json["hits"][0]["region"]["x"] == 0
    both = ask("red", "--image", patch, "--json").json
    assert (both["query"]["text"], both["query"]["image"]) == ("red", str(patch))


def test_a_query_picture_is_turned_upright(ask: Any, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = Image.fromarray(np.ascontiguousarray(quarters("green", "purple", "green", "green")[::-1, ::-1]))
    turned.save(tmp_path / "turned.png", exif=exif)
    assert ask("--image", tmp_path / "turned.png", "--box", "0.5,0,0.5,0.5", "--json").ids[0] == "Q-1"


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (["--where", "culture=Song"], {"G-1", "B-1"}),
        (["--where", "culture=song|Tang"], {"R-1", "G-1", "B-1"}),
        (["--where", "culture=Song", "--where", "culture=Tang"], {"R-1", "G-1", "B-1"}),
        (["--where", "culture=Song", "material=jade"], {"G-1"}),
        (["--where", "culture=Song", "material=jade|porcelain", "rights=CC0"], {"G-1", "B-1"}),
        (["--where", "materials=bronze"], {"R-1", "M-1"}),
        (["--where", " Material = porcelain "], {"B-1", "Q-1"}),
        (["--where", "rights=CC0"], {"R-1", "G-1", "B-1", "Q-1", "M-1"}),
    ],
)
def test_filters(ask: Any, filters: list[str], ids: set[str]) -> None:
    assert set(ask("red", *filters, "--json").ids) == ids
    assert set(ask(*filters, "red", "--json").ids) == ids


def test_a_text_with_an_equals_sign_is_a_text_where_nothing_is_filtered(ask: Any) -> None:
    assert ask("x=red", "--json").json["query"] | {"k": 0} == {
        "text": "x=red", "minus": None, "image": None, "box": None, "where": {}, "k": 0, "plain": False,
    }  # fmt: skip


def test_nothing_found_is_no_error_and_says_why(ask: Any) -> None:
    result = ask("red", "--where", "culture=Maya", "--json")
    assert (result.code, result.json["hits"]) == (0, [])
    assert "culture=Maya" in result.err
    told = ask("red", "--where", "culture=Maya")
    assert "none of the 5 pictures of the library has culture=Maya" in told.out


def test_without_a_terminal_a_hit_is_a_line_of_plain_text(ask: Any) -> None:
    result = ask("red")
    lines = result.out.splitlines()
    assert len(lines) == len(RECORDS) + 1
    assert lines[0].startswith("1.  R-1  red tripod 红鼎  ")
    assert "words 0.15" in lines[0]
    assert "photos/R-1.png" in lines[0]
    assert lines[-1].startswith("5 records; encoding ")
    assert "\x1b" not in result.out
    assert result.err == ""


def test_the_answer_is_in_the_language_of_the_question_or_as_asked(ask: Any) -> None:
    assert "合计" in ask("红").out
    assert "total" in ask("红", "--language", "en").out
    assert "合计" in ask("red", "--language", "zh").out


def test_sheet_and_report_are_written_and_named(ask: Any, patch: Path, tmp_path: Path) -> None:
    sheet, report = tmp_path / "sheet.png", tmp_path / "report.html"
    result = ask("红", "--image", patch, "--sheet", sheet, "--report", report)
    assert result.out.splitlines()[-2:] == [str(sheet), str(report)]
    with Image.open(sheet) as picture:
        assert picture.format == "PNG"
    html = report.read_text("utf-8")
    assert "检索报告" in html
    assert html.count("<img ") == len(RECORDS) + 1
    assert "red tripod 红鼎" in html
    quiet = ask("red", "--sheet", sheet, "--report", report, "--json")
    assert quiet.json["hits"]
    assert "Search report" in report.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--image FILE"),
        (["--not", "red"], "--image FILE"),
        (["red", "tripod"], "quotes"),
        (["red", "--box", "0,0,1,1"], "--image"),
        (["--image", "{patch}", "--box", "0,0,1"], "X,Y,W,H"),
        (["--image", "{patch}", "--box", "a,b,c,d"], "X,Y,W,H"),
        (["red", "--where", "culture"], "FIELD=VALUE"),
        (["red", "--where", "culture="], "FIELD=VALUE"),
        (["red", "--where", "=Tang"], "FIELD=VALUE"),
        (["red", "-k", "0"], "-k"),
        (["red", "-k", "1001"], "1000"),
        (["red", "--language", "fr"], "fr"),
        (["red", "--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_usage_exits_with_2(ask: Any, patch: Path, arguments: list[str], words: str) -> None:
    result = ask(*(argument.format(patch=patch) for argument in arguments), "--json")
    assert result.code == 2
    assert result.json["error"]["code"] == "usage"
    assert words in result.json["error"]["message"]
    assert result.err.count("\n") == 1


def test_a_library_must_be_given(sherd: Any) -> None:
    result = sherd("search", "red")
    assert (result.code, "--library" in result.err) == (2, True)


@pytest.mark.parametrize("box", ["0,0,0,1", "0.5,0.5,0.6,0.5", "-0.1,0,1,1", "nan,0,1,1", "0,0,100,100", "inf,0,1,1"])
def test_a_box_must_lie_on_the_picture(ask: Any, patch: Path, box: str) -> None:
    result = ask("--image", patch, f"--box={box}", "--json")
    assert result.code == 1
    assert result.json["error"]["code"] == "invalid_argument"
    assert "fractions 0..1" in result.json["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["red", "--where", "colour=red"], "invalid_argument", "culture, licence, material"),
        (["red", "--where", "culture=Tang", "colour=red"], "invalid_argument", "colour"),
        (["--image", "{tmp}/none.png"], "rejected", "none.png"),
        (["--image", "{tmp}"], "rejected", "{tmp}"),
        (["--image", "{tmp}/text.png"], "rejected", "text.png"),
        (["--image", "{tmp}/cut.png"], "rejected", "image_truncated"),
        (["red", "--sheet", "{tmp}/none/sheet.png"], "system", "none/sheet.png"),
        (["red", "--report", "{tmp}/none/report.html"], "system", "none/report.html"),
        (["red", "--model", "nobody"], "model_unavailable", "nobody"),
        (["x" * 2001], "invalid_argument", "2000"),
        (["   "], "invalid_argument", "needs a text"),
    ],
)
def test_errors_are_one_line_that_names_what_and_where(
    ask: Any, patch: Path, tmp_path: Path, arguments: list[str], code: str, words: str
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(patch.read_bytes()[:-40])
    result = ask(*(argument.format(tmp=tmp_path) for argument in arguments), "--json")
    assert result.code == 1
    assert result.json["error"]["code"] == code
    assert words.format(tmp=tmp_path) in result.json["error"]["message"]
    assert result.err.count("\n") == 1


def test_no_library_and_an_empty_one(sherd: Any, tmp_path: Path) -> None:
    assert sherd("search", "red", "--library", tmp_path / "none", "--json").json["error"]["code"] == "library_unusable"
    (tmp_path / "empty").mkdir()
    assert sherd("ingest", tmp_path / "empty", "--library", tmp_path / "lib", "--model", "toy").code == 0
    result = sherd("search", "red", "--library", tmp_path / "lib", "--json")
    assert (result.code, result.json["error"]["code"]) == (1, "library_unusable")
    assert f"sherd ingest SOURCE --library {tmp_path / 'lib'}" in result.err


def test_another_encoder_is_refused_and_both_are_named(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sherd.encoder.toy import ToyEncoder

    other = ToyEncoder(version=2)
    other.name = "newer"
    monkeypatch.setattr("sherd.search.searcher.load_encoder", lambda name: other)
    result = ask("red", "--model", "newer", "--json")
    assert result.code == 1
    error = result.json["error"]
    assert error["code"] == "encoder_mismatch"
    assert "'toy' (" in error["message"]
    assert "'newer' (" in error["message"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def table(monkeypatch: pytest.MonkeyPatch, *hits: Any, columns: int = 120, **given: Any) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    list_answer(asked(*hits, **given), stream=stream)
    return stream.getvalue().splitlines()


def test_on_a_terminal_it_is_a_table_in_which_chinese_takes_two_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.cells import cell_len
    from rich.text import Text

    rows = [Text.from_ansi(row).plain for row in table(monkeypatch, hit(1, title="饕餮纹鼎"), hit(2, title="Tripod"))]
    assert rows[0] == "“lotus”"
    found = [next(row for row in rows if name in row) for name in ("R-1", "R-2")]
    assert [cell_len(row[: row.index("0.750")]) for row in found] == [cell_len(found[0][: found[0].index("0.750")])] * 2
    assert "centre" in found[0]
    assert rows[-1].startswith("2 records; encoding 1 ms")
    assert all(cell_len(row) <= 120 for row in rows)


def test_a_title_cannot_steer_the_terminal_or_be_taken_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = hit(title="\x1b]0;owned\x07\x1b[2J[red]x[/red] :smile:", record_id="\x1b[31mR")
    text = "\n".join(table(monkeypatch, wild, columns=200))
    assert "\x1b]" not in text
    assert "\x1b[2J" not in text
    assert "\x1b[31m" not in text
    assert "[red]x[/red] :smile:" in text


def test_a_narrow_terminal_folds_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join("".join(table(monkeypatch, hit(title="a very long title of a relic" * 3), columns=60)).split())
    assert "0.750" in text


def test_an_answer_without_hits_and_a_query_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    query = Query(image=plain("red"), box=Box(0, 0, 1, 1))
    rows = table(monkeypatch, query=query, message="nothing found")
    assert "a box on a picture" in rows[0]
    assert "nothing found; encoding" in rows[-1]


def test_what_the_thesaurus_knows_of_a_word_is_looked_for_too(ask: Any, museum: Path, sherd: Any) -> None:
    """The catalogue says 'dish'; the question says 盘, which only the thesaurus brings together."""
    turtle = museum / "dishes.ttl"
    turtle.write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<urn:d:vessel> a skos:Concept ; skos:prefLabel "vessel"@en, "器皿"@zh-Hans .\n'
        '<urn:d:dish> a skos:Concept ; skos:broader <urn:d:vessel> ; skos:prefLabel "dish"@en, "盘"@zh-Hans .\n',
        "utf-8",
    )
    assert ask("盘", "--json").json["understood"] == []
    assert sherd("thesaurus", "import", turtle, "--library", museum / "lib").code == 0
    for word in ("盘", "器皿"):
        found = ask(word, "--json").json
        assert {hit["record_id"] for hit in found["hits"] if hit["reasons"]["lexical"] > 0} == {"Q-1"}
        assert [one["words"] for one in found["understood"]] == [word]
    plain = ask("盘", "--plain", "--json").json
    assert plain["understood"] == []
    assert all(hit["reasons"]["lexical"] == 0 for hit in plain["hits"])
    assert "'器皿' is urn:d:vessel" in ask("器皿", "--language", "en").out
