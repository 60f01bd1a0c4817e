"""One file a topic, each with a `router`; `app.py` includes them in the order of `ROUTERS`."""

from __future__ import annotations

from fastapi import APIRouter

from sherd.server.routes import health, login, page, pictures, records, search

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    login.router,
    page.router,
    search.router,
    records.router,
    pictures.router,
)
