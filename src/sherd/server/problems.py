"""What is answered when something is wrong: RFC 9457 problem details with a stable code.

Nothing of the inside is told: no path, no SQL, no stack and no version. What a person cannot act upon is in the log,
under the request's number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from sherd.errors import DecisionConflict, InvalidArgument, RejectedItem, SherdError, UnknownConcept

MEDIA_TYPE = "application/problem+json"

CODES: dict[str, tuple[int, str]] = {
    "invalid_request": (422, "The request is not as the API describes it"),
    "bad_image_request": (400, "No picture can be made as the address says"),
    "original_gone": (404, "The picture's file is not where it was when it was ingested"),
    "invalid_argument": (422, "A value is outside its range"),
    "picture_refused": (422, "The picture cannot be used"),
    "unauthorized": (401, "A token is needed"),
    "forbidden": (403, "The token does not allow this"),
    "cross_origin": (403, "A page of another site may not do this"),
    "host_not_allowed": (421, "The server is not known by this name"),
    "not_found": (404, "There is no such address"),
    "unknown_record": (404, "There is no such record"),
    "unknown_picture": (404, "There is no such picture"),
    "unknown_upload": (404, "The uploaded picture is gone; upload it again"),
    "unknown_concept": (404, "No thesaurus has this concept"),
    "unknown_source": (404, "There is no such folder to ingest from"),
    "source_unreadable": (422, "The folder or table cannot be read"),
    "unknown_group": (404, "This group is no more: the collection has changed"),
    "unknown_facet": (404, "The thesaurus has no such facet"),
    "no_place": (404, "What was asked with is in no place of a picture"),
    "unknown_job": (404, "There is no such job"),
    "method_not_allowed": (405, "The address does not take this method"),
    "decision_conflict": (409, "Somebody else decided in the meantime"),
    "decision_impossible": (409, "The decision does not fit what there is"),
    "key_reused": (409, "The key of the request was that of another one"),
    "library_empty": (409, "The library holds no pictures yet"),
    "library_busy": (503, "Another process is writing to the library"),
    "encoder_mismatch": (503, "The library is being indexed with another model"),
    "model_unavailable": (503, "The model of the library is not on this machine"),
    "server_away": (503, "A server that the library needs does not answer"),
    "storage_refused": (507, "The disk is full or refuses"),
    "library_damaged": (500, "Stored data are damaged"),
    "body_too_slow": (408, "The body did not come in time"),
    "body_too_large": (413, "The body is too large"),
    "too_many_files": (413, "Too many files"),
    "address_too_long": (414, "The address is too long"),
    "unsupported_type": (415, "The body is of a type that is not taken here"),
    "headers_too_large": (431, "The headers are too large"),
    "too_many_requests": (429, "One client asks too much at once"),
    "busy": (503, "The server is busy"),
    "too_late": (503, "The request waited too long"),
    "learning": (503, "Suggestions are still being learnt from what the collection knows"),
    "stopping": (503, "The server is about to stop"),
    "internal": (500, "The server failed"),
}
"""Code -> (status, what it means). Codes are kept; a new one is a new line."""

_OF_ERRORS = {
    "library_unusable": "library_damaged", "schema_too_new": "library_damaged", "schema_too_old": "library_damaged",
    "corrupt_data": "library_damaged", "decoder_unavailable": "busy", "rejected": "picture_refused",
    "missing_extra": "model_unavailable",
}  # fmt: skip
_TOLD = (InvalidArgument, UnknownConcept, DecisionConflict)
"""Errors whose own words say what the asker did; they are told without the library's place."""
_MOST_FAULTS = 20
_STATUSES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large",
             415: "unsupported_type"}  # fmt: skip

_PICTURES = {
    "file_empty": "it has no bytes",
    "file_too_large": "the file is too large",
    "unsupported_type": "it is no JPEG, PNG, WebP, TIFF, GIF or BMP",
    "image_zero_size": "it has no pixels",
    "image_too_large": "it has too many pixels",
    "image_truncated": "the file ends early",
    "image_corrupt": "it is damaged",
    "decoder_memory": "opening it needs too much memory",
    "decoder_timeout": "opening it takes too long",
    "decoder_died": "opening it fails",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: where in it, and what."""

    where: str
    what: str


def faults_of(errors: Iterable[Mapping[str, Any]], *before: str) -> list[Fault]:
    """What a validator of forms found, without the names of its own functions.

    Args:
        errors: as pydantic tells them.
        before: where in the request the form is.
    """
    found = []
    for error in errors:
        where = [one for one in error["loc"] if isinstance(one, int) or not set("[(<") & set(str(one))]
        if error["type"] != "none_required":  # one way to leave a value out; the other way is told too
            found.append(Fault(".".join(map(str, (*before, *where))), str(error["msg"])))
    return found[:_MOST_FAULTS]


class Refusal(HTTPException):
    """A request that is answered with a problem.

    Args:
        code: one of `CODES`.
        detail: what to do about it, in words for the asker.
        retry_after: seconds, where trying again helps.
        extra: further members of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        status, title = CODES[code]
        super().__init__(status, detail or title)
        self.code, self.title, self.words, self.faults = code, title, detail, tuple(faults)
        self.retry_after, self.extra = retry_after, extra or {}

    def body(self, request_id: str) -> bytes:
        """The answer as JSON."""
        said: dict[str, Any] = {
            "type": f"urn:sherd:problem:{self.code}",
            "title": self.title,
            "status": self.status_code,
            "code": self.code,
            "detail": self.words or self.title,
            "request_id": request_id,
        }
        if self.faults:
            said["faults"] = [{"where": one.where, "what": one.what} for one in self.faults]
        return json.dumps({**said, **self.extra}, ensure_ascii=False).encode("utf-8", "replace")

    def own_headers(self) -> dict[str, str]:
        """Headers that belong to the problem."""
        found = {}
        if self.retry_after is not None:
            found["Retry-After"] = str(self.retry_after)
        if self.status_code == HTTPStatus.UNAUTHORIZED:
            found["WWW-Authenticate"] = 'Bearer realm="sherd"'
        return found

    def response(self, request_id: str) -> Response:
        """The whole answer."""
        return Response(self.body(request_id), self.status_code, self.own_headers(), MEDIA_TYPE)


def refusal_of(error: SherdError, places: Sequence[str] = ()) -> Refusal:
    """What an error of the library is to somebody outside.

    Args:
        places: texts such as the library's folder that must not be told.
    """
    if isinstance(error, RejectedItem):
        why = _PICTURES.get(error.reason, "it cannot be opened")
        code = "unsupported_type" if error.reason == "unsupported_type" else "picture_refused"
        return Refusal(code, f"The picture cannot be used: {why}", extra={"reason": error.reason})
    code = _OF_ERRORS.get(error.code, error.code)
    if code not in CODES:
        code = "internal"
    words = ""
    if isinstance(error, _TOLD):
        words = str(error)
        for place in sorted(places, key=len, reverse=True):
            words = words.replace(f"{place}: ", "").replace(place, "the library")
    return Refusal(code, words, retry_after=5 if CODES[code][0] == HTTPStatus.SERVICE_UNAVAILABLE else None)


def refusal_of_status(status: int, headers: dict[str, str] | None = None) -> Refusal:
    """What a bare status of the framework is to somebody outside."""
    code = _STATUSES.get(status, "internal" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request")
    refusal = Refusal(code)
    refusal.headers = headers
    return refusal
