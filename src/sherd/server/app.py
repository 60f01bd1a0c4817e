"""The application: layers around it, routes in it, and what becomes of errors."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sherd.encoder.protocol import Encoder
from sherd.errors import SherdError
from sherd.server.admission import Admission
from sherd.server.auth import Identify, to_login, wants_page
from sherd.server.cross_origin import CrossOrigin
from sherd.server.layers import Envelope, Guard
from sherd.server.problems import Refusal, faults_of, refusal_of, refusal_of_status
from sherd.server.routes import ROUTERS
from sherd.server.schemas import ProblemTold
from sherd.server.services import Services
from sherd.server.settings import ServerSettings

STATIC = Path(__file__).parent / "static"
_log = logging.getLogger(__name__)


def create_app(folder: Path, settings: ServerSettings | None = None, *, encoder: Encoder | None = None) -> FastAPI:
    """The server of one library, as an ASGI application.

    Args:
        folder: of the library.
        encoder: in place of the one that the library names; for tests.
    Raises:
        LibraryError: the folder is no library.
    """
    settings = settings or ServerSettings()
    services = Services(folder, settings, encoder=encoder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.start()
        try:
            yield
        finally:
            await services.stop()

    app = FastAPI(
        title="Sherd",
        description="Find and describe cultural relics by what is in them: parts, objects and themes.",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(Envelope, services.metrics),
            Middleware(CrossOrigin, settings),
            Middleware(Guard, settings, services.metrics),
            Middleware(Identify, settings, services.tokens, services.metrics),
            Middleware(Admission, settings, services.metrics, services.stopping),
        ],
        exception_handlers={
            Refusal: _on_refusal,
            SherdError: _on_error,
            RequestValidationError: _on_invalid,
            HTTPException: _on_status,
        },
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", GZipMiddleware(_Files(directory=STATIC)))
    _describe(app)
    return app


class _Files(StaticFiles):
    """The page's own files: kept by browsers, and asked about before they are used again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def _describe(app: FastAPI) -> None:
    """Adds to the description what all routes share: the form of problems, and tokens."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            parts = schema.setdefault("components", {})
            problem = ProblemTold.model_json_schema(ref_template="#/components/schemas/{model}")
            parts.setdefault("schemas", {}).update({**problem.pop("$defs", {}), "ProblemTold": problem})
            _tell_queries(schema)
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"token": []}, {}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _tell_queries(schema: dict[str, Any]) -> None:
    """The query in an address of the API is JSON of the same form as in a body."""
    form = {"application/json": {"schema": {"$ref": "#/components/schemas/QueryForm"}}}
    paths = [path for name, path in schema["paths"].items() if name.startswith("/api/")]
    for operation in (one for path in paths for one in path.values()):
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "q":
                del parameter["schema"]
                parameter["content"] = form


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    if error.code == "unauthorized" and wants_page(request.headers, request.method, request.url.path):
        return to_login(request.url.path)
    return error.response(request.state.request_id)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SherdError)
    services: Services = request.app.state.services
    refusal = refusal_of(error, services.places)
    if refusal.status_code >= 500:
        _log.error("request %s: %s", request.state.request_id, error)
    return refusal.response(request.state.request_id)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Refusal("invalid_request", faults=faults_of(error.errors())).response(request.state.request_id)


async def _on_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = refusal_of_status(error.status_code).response(request.state.request_id)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = ", ".join(sorted(_methods_of(request.url.path)))
    return answer


def _methods_of(path: str) -> set[str]:
    """All methods that an address takes, over all routes; the framework tells those of the first route only."""
    routes = [route for router in ROUTERS for route in router.routes]
    return {
        method
        for route in routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    }
