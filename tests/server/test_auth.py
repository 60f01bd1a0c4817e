from __future__ import annotations

import hmac
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from sherd.errors import CorruptData, InvalidArgument
from sherd.server import auth
from sherd.server.auth import ALLOWED, COOKIE, TOKEN_ROLES, Permission, Role, Tokens, permission_of
from sherd.server.routes import ROUTERS
from sherd.server.routes.login import own_path
from tests.server.museum import app_of, client_of, make_library

ROUTES = [route for router in ROUTERS for route in router.routes]
PUBLIC = {"/health/live", "/health/ready", "/login", "/logout"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A library with a token of each role."""
    library = make_library(tmp_path_factory.mktemp("guarded"))
    tokens = Tokens(library / auth.TOKENS)
    secrets = {role.value: tokens.add(f"one {role}", role)[1] for role in TOKEN_ROLES}
    return library, secrets


@pytest.fixture(scope="module")
def outsider(guarded: tuple[Path, dict[str, str]]) -> Iterator[TestClient]:
    with client_of(app_of(guarded[0], tokens_required=True)) as client:
        yield client


def test_every_route_is_known_and_declares_one_permission() -> None:
    for route in ROUTES:
        assert isinstance(route, APIRoute), route
        assert permission_of(route.dependencies) is not None, route.path
    assert {route.path for route in ROUTES if permission_of(route.dependencies) is Permission.PUBLIC} == PUBLIC  # type: ignore[attr-defined]


def test_nothing_answers_that_is_not_in_the_list_of_routers(app: FastAPI) -> None:
    own = [route for route in app.routes if not hasattr(route, "original_router")]
    assert [getattr(route, "path", "") for route in own] == ["/static"]
    assert [route.original_router for route in app.routes if hasattr(route, "original_router")] == list(ROUTERS)


@pytest.fixture(scope="module")
def public(guarded: tuple[Path, dict[str, str]]) -> Iterator[TestClient]:
    with client_of(app_of(guarded[0], tokens_required=True, open_reading=True)) as client:
        yield client


@pytest.mark.parametrize("role", [None, *TOKEN_ROLES])
def test_every_route_asks_every_role(
    outsider: TestClient, guarded: tuple[Path, dict[str, str]], role: Role | None
) -> None:
    headers = {"Authorization": f"Bearer {guarded[1][role]}"} if role is not None else {}
    for route in ROUTES:
        assert isinstance(route, APIRoute)
        permission = permission_of(route.dependencies)
        assert permission is not None
        path = route.path.format(**dict.fromkeys(route.param_convertors, "0" * 64))
        for method in route.methods or ():
            answer = outsider.request(method, path, headers=headers, follow_redirects=False)
            refused = answer.status_code in (401, 403)
            if role is None:
                # what is public may still say no to an empty form
                assert refused == (permission is not Permission.PUBLIC), (method, path, answer.status_code)
            else:
                assert refused == (permission not in ALLOWED[role]), (method, path, role, answer.status_code)


@pytest.mark.parametrize("role", [Role.VISITOR, Role.READER])
def test_where_everybody_may_read_every_route_still_asks_for_all_else(
    public: TestClient, guarded: tuple[Path, dict[str, str]], role: Role
) -> None:
    headers = {"Authorization": f"Bearer {guarded[1][role]}"} if role in TOKEN_ROLES else {}
    for route in ROUTES:
        assert isinstance(route, APIRoute)
        permission = permission_of(route.dependencies)
        path = route.path.format(**dict.fromkeys(route.param_convertors, "0" * 64))
        for method in route.methods or ():
            answer = public.request(method, path, headers=headers, follow_redirects=False)
            refused = 401 if role is Role.VISITOR else 403
            if permission is Permission.PUBLIC:
                assert answer.status_code != 403, (method, path)
            else:
                assert (answer.status_code == refused) == (permission not in ALLOWED[role]), (method, path, role)


def test_a_visitor_reads_and_a_wrong_token_does_not(public: TestClient) -> None:
    found = public.post("/api/v1/search", json={"text": "red", "k": 1})
    assert found.json()["hits"][0]["record_id"] == "R/red"
    assert public.get("/").status_code == 200
    decision = {"record_id": "R/red", "action": "accept", "concept": "urn:sherd:ding", "seen": 0}
    asked = public.post("/api/v1/decisions", json={"decisions": [decision], "who": "visitor"})
    assert (asked.status_code, asked.json()["code"]) == (401, "unauthorized")
    assert public.get("/api/v1/records", headers={"Authorization": "Bearer wrong"}).status_code == 401
    for inner in ("/metrics", "/api/v1/decisions", "/api/v1/jobs"):
        assert public.get(inner).status_code == 401
    page = public.get("/ingest", headers={"accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/ingest")


def test_nobody_gets_the_token_of_a_visitor(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="reader, curator, admin"):
        Tokens(tmp_path / "tokens.json").add("Ada", Role.VISITOR)


def test_roles_may_more_and_more() -> None:
    assert ALLOWED[Role.VISITOR] < ALLOWED[Role.READER] < ALLOWED[Role.CURATOR] < ALLOWED[Role.ADMIN] == set(Permission)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer sherd_" + "x" * 43}, {"Cookie": f"{COOKIE}=wrong"}, {"X-Forwarded-For": "127.0.0.1"},
        {"X-Http-Method-Override": "GET"}, {"Cookie": f"{COOKIE}="},
    ],
)  # fmt: skip
def test_without_a_token_that_is_right_nothing_is_told(outsider: TestClient, headers: dict[str, str]) -> None:
    for path in ("/api/v1/records", "/metrics", "/openapi.json", "/api/v1/records?token=x", "//api/v1/records"):
        answer = outsider.get(path, headers=headers)
        assert answer.status_code in (401, 404), path
        assert "R/red" not in answer.text
    answer = outsider.get("/api/v1/records", headers=headers)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthorized"


def test_a_person_logs_in_by_the_form_and_out_again(guarded: tuple[Path, dict[str, str]]) -> None:
    library, secrets = guarded
    with client_of(app_of(library, tokens_required=True), accept="text/html") as browser:
        asked = browser.get("/", follow_redirects=False)
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/")
        assert browser.post("/login", data={"token": "wrong"}).status_code == 401
        answer = browser.post("/login", data={"token": secrets["reader"], "next": "/"}, follow_redirects=False)
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert browser.get("/", follow_redirects=False).status_code == 200
        browser.post("/logout")
        assert browser.get("/", follow_redirects=False).status_code == 303


def test_after_logging_in_nobody_is_led_elsewhere(guarded: tuple[Path, dict[str, str]]) -> None:
    library, secrets = guarded
    with client_of(app_of(library, tokens_required=True)) as browser:
        for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
            form = {"token": secrets["reader"], "next": target}
            assert browser.post("/login", data=form, follow_redirects=False).headers["location"] == "/"
            assert own_path(target) == "/"


def test_a_token_is_kept_as_a_hash_that_only_the_owner_reads(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    token, secret = tokens.add("Ada", Role.CURATOR)
    kept = (tmp_path / "tokens.json").read_text("utf-8")
    assert secret not in kept
    assert token.sha256 in kept
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600
    principal = tokens.principal(secret)
    assert principal is not None
    assert (principal.name, principal.role) == ("Ada", Role.CURATOR)
    assert tokens.principal(secret + "x") is None


def test_a_revoked_token_is_gone_at_once_for_all_who_look(tmp_path: Path) -> None:
    here, there = Tokens(tmp_path / "tokens.json"), Tokens(tmp_path / "tokens.json")
    _, secret = here.add("Ada", Role.READER)
    here.add("Bob", Role.READER)
    assert there.principal(secret) is not None
    here.revoke("Ada")
    assert there.principal(secret) is None
    assert [one.name for one in there.all()] == ["Bob"]
    with pytest.raises(InvalidArgument, match="no token"):
        here.revoke("Ada")


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 65, "<b>", "Ada"])
def test_a_token_needs_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.add("Ada", Role.READER)
    with pytest.raises(InvalidArgument):
        tokens.add(name, Role.READER)


def test_a_file_of_tokens_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("{}")
    with pytest.raises(CorruptData):
        Tokens(tmp_path / "tokens.json").principal("x")


def test_tokens_are_compared_in_constant_time_and_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    secrets = [tokens.add(f"n{n}", Role.READER)[1] for n in range(4)]
    compared = []

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for secret in (secrets[0], secrets[-1], "wrong"):
        compared.clear()
        tokens.principal(secret)
        assert compared == [(64, 64)] * 4
