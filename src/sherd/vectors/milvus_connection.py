"""Speaking to Milvus: connected on use, errors in our words, waiting for a server that is away."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sherd.errors import IndexAway, LibraryError, MissingExtra
from sherd.vectors.milvus_address import MilvusAddress

if TYPE_CHECKING:
    from pymilvus import MilvusClient

_PAUSE_S = 0.5
_MISSING = (100, 1600)
_MISSING_WORDS = ("not found", "does not exist", "can't find")
_NOT_LOADED_WORDS = ("not loaded", "'released'", "has not been loaded")
_REFUSED = ("auth", "permission", "privilege")
T = TypeVar("T")


class NotThere(LibraryError):
    """The server has no collection or alias of this name."""

    code = "index_missing"


class NotLoaded(IndexAway):
    """The server has the collection on its disk, but not in memory."""


class MilvusConnection:
    """One connection, made when it is first used and again after an error. Any number of threads may share it.

    Args:
        patience_s: how long a call waits for a server that is away, before it says so.
    """

    def __init__(self, address: MilvusAddress, *, patience_s: float = 0.0) -> None:
        self.address, self.patience_s = address, patience_s
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()

    def call(self, name: str, *arguments: Any, answer_s: float | None = None, **named: Any) -> Any:
        """What a method of pymilvus's client answers.

        Args:
            name: of the method.
            answer_s: instead of the address's.
        Raises:
            IndexAway: no answer in time.
            NotThere: there is no such collection or alias.
            LibraryError: the server refuses the user.
        """
        limit = self.address.answer_s if answer_s is None else answer_s
        return self.use(lambda client: getattr(client, name)(*arguments, timeout=limit, **named))

    def use(self, what: Callable[[MilvusClient], T]) -> T:
        """`what`, done with the client, with errors in our words; anew while a server that is away may come back in
        time."""
        until = time.monotonic() + self.patience_s
        while True:
            try:
                return what(self._connected())
            except Exception as error:
                raised = _translated(error, self.address)
                if raised is None:
                    raise
                waits = isinstance(raised, IndexAway) and not isinstance(raised, NotLoaded)
                if not waits or time.monotonic() >= until:
                    raise raised from error
                self._forget()
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        self._forget()

    def _connected(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                self._client = _connect(self.address)
            return self._client

    def _forget(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def _connect(address: MilvusAddress) -> MilvusClient:
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise MissingExtra(
            "an index in Milvus needs pymilvus: install it with `pip install 'sherd[milvus]'`"
        ) from error
    # It writes each error with its stack; they are told in our words.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    if address.is_file:
        return MilvusClient(address.uri, timeout=address.answer_s)
    token = os.environ.get("MILVUS_TOKEN", "")
    return MilvusClient(address.uri, token=token, db_name=address.database, timeout=address.answer_s)


def _translated(error: Exception, address: MilvusAddress) -> LibraryError | None:
    """The error in our words; None where it is not the server's."""
    import grpc
    from pymilvus.exceptions import MilvusException, ParamError

    if isinstance(error, ParamError) or not isinstance(error, (MilvusException, grpc.RpcError, OSError, ValueError)):
        return None
    said = str(getattr(error, "message", None) or error).strip().splitlines()[0][:300]
    if isinstance(error, ValueError) and not isinstance(error, MilvusException):
        # gRPC says so of a channel that another thread has closed
        return IndexAway(f"{address}: the connection was closed ({said})") if "closed" in said else None
    if isinstance(error, MilvusException):
        if any(word in said for word in _NOT_LOADED_WORDS):
            return NotLoaded(f"{address}: the index is not in the server's memory yet ({said}); try again")
        missing = any(word in said for word in _MISSING_WORDS)
        if missing and (error.code in _MISSING or "collection" in said or "alias" in said):
            return NotThere(f"{address}: {said}")
        if any(word in said.lower() for word in _REFUSED):
            return LibraryError(
                f"{address}: the server refuses the user ({said}); user:password come from MILVUS_TOKEN"
            )
    return IndexAway(
        f"{address}: no answer from the index ({said}); nothing is lost, for vectors are kept in the library. Try "
        "again when it is back"
    )
