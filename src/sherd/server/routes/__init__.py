"""One file a topic, each with a `router`; `app.py` includes them in the order of `ROUTERS`."""

from __future__ import annotations

from fastapi import APIRouter

from sherd.server.routes import (
    board_page,
    decisions,
    health,
    iiif,
    iiif_changes,
    iiif_image,
    iiif_search,
    ingest_page,
    jobs,
    login,
    map_page,
    object_page,
    page,
    pictures,
    receiving_page,
    reconcile,
    record_export,
    records,
    regions,
    review_page,
    search,
    suggestions,
    thesaurus,
    thesaurus_page,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    login.router,
    page.router,
    object_page.router,
    record_export.router,
    review_page.router,
    thesaurus_page.router,
    board_page.router,
    ingest_page.router,
    receiving_page.router,
    map_page.router,
    search.router,
    records.router,
    pictures.router,
    regions.router,
    suggestions.router,
    decisions.router,
    thesaurus.router,
    jobs.router,
    iiif.router,
    iiif_image.router,
    iiif_search.router,
    iiif_changes.router,
    reconcile.router,
)
