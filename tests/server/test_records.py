from __future__ import annotations

import io

from PIL import Image
from starlette.testclient import TestClient


def test_records_are_listed_to_the_end(client: TestClient) -> None:
    found, after = [], ""
    while True:
        page = client.get("/api/v1/records", params={"after": after, "limit": 5}).json()
        assert page["total"] == 16
        found += [one["record_id"] for one in page["records"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert found == sorted(set(found))
    assert len(found) == 16


def test_a_record_is_found_by_an_identifier_with_a_slash(client: TestClient) -> None:
    record = client.get("/api/v1/record", params={"id": "R/red"}).json()
    assert (record["title"], record["culture"]) == ("red bowl", "Tang")
    (image,) = record["images"]
    assert (image["path"], image["width"], image["height"]) == ("red.png", 64, 64)
    picture = client.get(f"/api/v1/pictures/{image['picture']}").json()
    assert picture["records"] == [{"record_id": "R/red", "title": "red bowl"}]
    gone = client.get("/api/v1/record", params={"id": "nothing"})
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_record")


def test_a_thumbnail_may_be_kept_for_ever(client: TestClient) -> None:
    record = client.get("/api/v1/record", params={"id": "R/red"}).json()
    first = client.get(record["images"][0]["thumbnail"])
    assert Image.open(io.BytesIO(first.content)).format == "JPEG"
    assert "immutable" in first.headers["cache-control"]
    again = client.get(record["images"][0]["thumbnail"], headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_no_picture_of_the_library_is_not_read(client: TestClient) -> None:
    assert client.get(f"/api/v1/pictures/{'0' * 64}/thumbnail").status_code == 404
    for name in ("..%2f..%2fcatalogue.sqlite", "....//....//etc/passwd", "%2e%2e/%2e%2e", "ab", "A" * 64):
        for address in (f"/api/v1/pictures/{name}/thumbnail", f"/api/v1/pictures/{name}", f"/static/{name}"):
            answer = client.get(address)
            assert answer.status_code in (404, 422), (address, answer.status_code)
            assert "sqlite" not in answer.text.lower()
