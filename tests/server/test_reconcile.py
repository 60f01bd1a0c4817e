"""The reconciliation service: its schemas, a real client, and what a preview shows."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft7Validator
from PIL import Image
from referencing import Registry, Resource
from starlette.testclient import TestClient

from sherd.server.reconciling import MOST_QUERIES, PREVIEW
from tests.server.bronzes import DRAGON, TAOTIE, make_bronzes
from tests.server.museum import app_of, client_of, served

Json = dict[str, Any]


@pytest.fixture(scope="module")
def bronzes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bronzes(tmp_path_factory.mktemp("bronzes"))


@pytest.fixture(scope="module")
def client(bronzes: Path) -> Iterator[TestClient]:
    with client_of(app_of(bronzes, title="Bronzes")) as client:
        yield client


class Schemas:
    """The published schemas of version 0.2, by file name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]

    def check(self, name: str, document: Any) -> None:
        Draft7Validator(self._read(f"{name}.json"), registry=self._registry).validate(document)

    def _retrieve(self, uri: str) -> Resource[Any]:
        from referencing.jsonschema import DRAFT7

        name = "openapi.json" if "swagger" in uri else uri.rpartition("/")[2]
        return Resource.from_contents(self._read(name), default_specification=DRAFT7)

    def _read(self, name: str) -> Any:
        return json.loads((self._folder / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def schemas(shared: Path) -> Schemas:
    return Schemas(shared / "conformance/reconciliation/0.2/schemas")


def ask(client: TestClient, queries: Json, where: str = "/reconcile") -> Json:
    answer = client.post(where, data={"queries": json.dumps(queries)})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    assert client.get(where, params={"queries": json.dumps(queries)}).json() == found
    return found


def test_the_service_describes_itself_and_everything_it_names_answers(client: TestClient, schemas: Schemas) -> None:
    for language in ("any", "en", "zh"):
        manifest = client.get("/reconcile" if language == "any" else f"/reconcile/{language}").json()
        schemas.check("manifest", manifest)
        assert (manifest["name"], manifest["identifierSpace"]) == ("Bronzes", "urn:sherd:scheme")
        for kind, reply in (("entity", "entities"), ("type", "types"), ("property", "properties")):
            service = manifest["suggest"][kind]
            found = client.get(service["service_url"] + service["service_path"], params={"prefix": "m"}).json()
            schemas.check(f"suggest-{reply}-response", found)
            assert found["result"] or language == "zh"
        flyout = manifest["suggest"]["entity"]
        address = flyout["flyout_service_url"] + flyout["flyout_service_path"].replace("${id}", TAOTIE)
        assert client.get(address).json()["id"] == TAOTIE
        assert client.get(manifest["preview"]["url"].replace("{{id}}", TAOTIE)).status_code == 200
        proposing = manifest["extend"]["propose_properties"]
        told = client.get(proposing["service_url"] + proposing["service_path"], params={"type": "motif", "limit": 3})
        schemas.check("data-extension-property-proposal", told.json())
        assert len(told.json()["properties"]) == 3
    types = {one["id"]: one["name"] for one in client.get("/reconcile/zh").json()["defaultTypes"]}
    assert set(types) == {"culture", "material", "motif", "theme", "type"}
    assert re.search("[\u4e00-\u9fff]", types["motif"])


def test_a_batch_is_answered_query_by_query(client: TestClient, schemas: Schemas) -> None:
    queries = {
        "q0": {"query": "taotie", "type": "motif", "limit": 3, "type_strict": "should"}, "q1": {"query": "饕餮紋"},
        "q2": {"query": "taotei"}, "q3": {"query": "taotie", "type": ["material"]},
        "q4": {"properties": [{"pid": "label-en", "v": ["x", {"id": "dragon"}]}]},
    }  # fmt: skip
    schemas.check("reconciliation-query-batch", queries)
    found = ask(client, queries)
    schemas.check("reconciliation-result-batch", found)
    assert list(found) == list(queries)
    for key, certain in (("q0", True), ("q1", True), ("q2", False)):
        first = found[key]["result"][0]
        assert (first["id"], first["match"], first["type"][0]["id"]) == (TAOTIE, certain, "motif")
    assert found["q3"]["result"] == []
    assert [one["id"] for one in found["q4"]["result"]] == [DRAGON]
    assert len(found["q0"]["result"]) <= 3
    assert found["q0"]["result"][0]["name"] == "taotie"
    assert re.search("[\u4e00-\u9fff]", found["q1"]["result"][0]["name"])
    assert ask(client, {"q": {"query": "饕餮纹"}}, "/reconcile/en")["q"]["result"][0]["name"] == "taotie"


def test_the_outside_examples_of_queries_are_taken_or_refused_as_they_are_valid(
    client: TestClient, shared: Path, schemas: Schemas
) -> None:
    folder = shared / "conformance/reconciliation/0.2/examples"
    for path in sorted((folder / "reconciliation-query-batch").glob("*/*.json")):
        answer = client.post("/reconcile", data={"queries": path.read_text("utf-8")})
        assert answer.status_code == (200 if path.parent.name == "valid" else 422), path.name
        if answer.status_code == 200:
            schemas.check("reconciliation-result-batch", answer.json())
    for path in sorted((folder / "data-extension-query/valid").glob("*.json")):
        asked = path.read_text("utf-8").replace("variantName", "other-labels").replace("geographicAreaCode", "facet")
        asked = asked.replace("professionOrOccupation", "broader").replace("wikidataId", "exact-match")
        if "content" in asked:
            asked = re.sub(r',\s*"content": "id"', "", asked)
        answer = client.post("/reconcile", data={"extend": asked})
        assert answer.status_code == 200, answer.text
        schemas.check("data-extension-response", answer.json())


def test_concepts_are_extended_by_labels_broader_ones_and_addresses(client: TestClient, schemas: Schemas) -> None:
    asked = {
        "ids": [TAOTIE, "urn:sherd:nothing"],
        "properties": [
            {"id": "label-zh", "settings": {"limit": "1"}}, {"id": "label-en"}, {"id": "broader"},
            {"id": "definition-en"}, {"id": "other-labels", "settings": {"limit": 0}},
        ],
    }  # fmt: skip
    schemas.check("data-extension-query", asked)
    found = client.get("/reconcile/zh", params={"extend": json.dumps(asked)}).json()
    schemas.check("data-extension-response", found)
    row = found["rows"][TAOTIE]
    assert (row["label-zh"], row["label-en"]) == ([{"str": "饕餮纹"}], [{"str": "taotie"}])
    assert row["broader"][0]["id"].startswith("urn:sherd:")
    assert re.search("[\u4e00-\u9fff]", row["broader"][0]["name"])
    assert len(row["other-labels"]) > 1
    assert not any(found["rows"]["urn:sherd:nothing"].values())
    assert found["meta"][0]["name"] == "名称（中文）"
    wrong = client.post("/reconcile", data={"extend": json.dumps({"ids": [], "properties": [{"id": "colour"}]})})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_argument")


@pytest.mark.parametrize(
    "queries",
    ["", "x", "[]", "{", '{"q": {}}', '{"q": {"query": ""}}', '{"q": {"query": "a", "more": 1}}', "[" * 5_000,
     '{"q": {"query": "a", "limit": 0}}', '{"q": {"query": "a", "limit": "5"}}', '{"q": {"query": 5}}',
     json.dumps({str(n): {"query": "a"} for n in range(MOST_QUERIES + 1)}), json.dumps({"q": {"query": "a" * 2_001}})],
)  # fmt: skip
def test_what_is_no_batch_is_refused(client: TestClient, queries: str) -> None:
    answer = client.post("/reconcile", data={"queries": queries})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_post_without_a_question_is_refused_and_no_callback_is_offered(client: TestClient) -> None:
    assert client.post("/reconcile", data={}).status_code == 422
    answer = client.get("/reconcile", params={"callback": "alert"})
    assert answer.headers["content-type"] == "application/json"
    assert "alert" not in answer.text


def test_suggestions_go_on_where_the_cursor_stands(client: TestClient) -> None:
    def names(**given: str | int) -> list[str]:
        return [one["id"] for one in client.get("/reconcile/en/suggest/entity", params=given).json()["result"]]

    first, second = names(prefix="b"), names(prefix="b", cursor=20)
    assert len(first) == 20
    assert second
    assert not set(first) & set(second)
    assert names(prefix=TAOTIE) == [TAOTIE]
    assert names(prefix="taoti")[0] == TAOTIE
    properties = client.get("/reconcile/en/suggest/property", params={"prefix": "chin"}).json()["result"]
    assert {one["id"] for one in properties} == {"label-zh", "definition-zh"}
    types = client.get("/reconcile/en/suggest/type", params={"prefix": "mot"}).json()["result"]
    assert [one["id"] for one in types] == ["motif"]


def test_a_preview_shows_what_it_means_and_a_crop_from_the_collection(client: TestClient) -> None:
    answer = client.get("/reconcile/en/preview", params={"id": TAOTIE})
    assert 'lang="en"' in answer.text
    assert "<h1>taotie</h1>" in answer.text
    assert "饕餮纹" in answer.text
    assert "frame-ancestors http://127.0.0.1:* http://localhost:*" in answer.headers["content-security-policy"]
    picture = re.search('src="data:image/jpeg;base64,([^"]+)"', answer.text)
    assert picture is not None
    crop = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture[1]))))
    # The box with a margin: of one colour inside.
    assert max(crop.shape) <= 200
    middle = crop[crop.shape[0] // 4 : -crop.shape[0] // 4, crop.shape[1] // 4 : -crop.shape[1] // 4]
    assert middle.std((0, 1)).max() < 8
    assert PREVIEW == (440, 240)
    zh = client.get("/reconcile/zh/preview", params={"id": TAOTIE}).text
    assert "<h1>饕餮纹</h1>" in zh
    assert client.get("/reconcile/en/preview", params={"id": "urn:sherd:nothing"}).status_code == 404


def test_what_people_said_shows_too_and_what_they_refused_does_not(client: TestClient) -> None:
    shown = client.get("/reconcile/en/preview", params={"id": DRAGON}).text
    assert 'alt="饕餮纹鼎"' in shown  # where Ann saw it; Li Wei refused the bowl's
    assert "data:" not in client.get("/reconcile/en/preview", params={"id": "urn:sherd:jade"}).text


def test_names_are_shown_as_text(client: TestClient) -> None:
    html = client.get("/reconcile/en/flyout", params={"id": TAOTIE}).json()["html"]
    assert html.startswith("<b>taotie</b> ")
    for address in ("preview", "flyout"):
        answer = client.get(f"/reconcile/en/{address}", params={"id": "<script>alert(1)</script>"})
        assert "<script>" not in answer.text or answer.headers["content-type"] == "application/problem+json"


def test_a_page_that_may_read_may_ask_by_post_and_another_may_not(bronzes: Path) -> None:
    queries = {"queries": json.dumps({"q": {"query": "taotie"}})}
    with client_of(app_of(bronzes)) as client:
        for origin, status in (("http://127.0.0.1:3333", 200), ("https://evil.example", 403), ("null", 403)):
            headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            assert client.post("/reconcile", data=queries, headers=headers).status_code == status
        headers = {"Origin": "http://127.0.0.1:3333", "Sec-Fetch-Site": "cross-site"}
        assert client.post("/api/v1/decisions", json={}, headers=headers).status_code == 403


CLIENT = """
import json, sys
import pandas
from reconciler import reconcile
names = pandas.Series(json.loads(sys.argv[2]))
found = reconcile(names, type_id="motif", top_res=1, reconciliation_endpoint=sys.argv[1])
print(json.dumps(found[["input_value", "id", "match", "name", "type_id"]].to_dict("records")))
"""


def test_a_client_library_reconciles_a_column(bronzes: Path) -> None:
    names = ["taotie", "饕餮", "Dragon", "cloud", "taotie"]
    with served(app_of(bronzes)) as address:
        told = subprocess.run(
            [sys.executable, "-c", CLIENT, f"{address}/reconcile/en", json.dumps(names)],
            capture_output=True, text=True, timeout=100, check=True,
        )  # fmt: skip
    found = {one["input_value"]: one for one in json.loads(told.stdout)}
    assert set(found) == {"taotie", "饕餮", "Dragon", "cloud"}
    assert [found[name]["id"] for name in ("taotie", "饕餮", "Dragon")] == [TAOTIE, TAOTIE, DRAGON]
    assert found["taotie"]["match"] is True
    assert {one["type_id"] for one in found.values()} == {"motif"}
