"""What every database under a catalogue is: transactions to read and to write in, whatever engine keeps the tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")


class Database(ABC):
    """The tables of one library. Made by `sherd.catalogue.opening.open_database`."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, in words for a person; without a password."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one committed state from its first statement to its end.

        Raises:
            CorruptData: the data are damaged.
            ServerAway: there is no answer from the server.
        """

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that is on disk when the block ends, or leaves nothing when the block raises. One at a time.

        Raises:
            StorageRefused: the disk is full or may not be written to.
            LibraryBusy: somebody else is writing.
            CorruptData: the data are damaged.
            ServerAway: the server went away; nothing is kept, or the message says that this is not known.
        """

    @abstractmethod
    def table_names(self, connection: Connection) -> list[str]:
        """Of all tables that are there."""

    @abstractmethod
    def prepare(self, connection: Connection) -> None:
        """Ready an empty place for the tables, in the transaction that makes them."""

    @abstractmethod
    def close(self) -> None:
        """Give back the connections."""

    def transact(self, change: Callable[[Connection], T]) -> T:
        """`change` in one write transaction; begun anew when a server that was away comes back in time.

        Args:
            change: all that it does is done in its connection, so that doing it again is harmless.
        """

        def once() -> T:
            with self.write() as connection:
                return change(connection)

        return self.again(once)

    def again(self, call: Callable[[], T]) -> T:
        """`call`, and while this process holds the library, anew when a server that was away comes back in time.

        Args:
            call: something that may be done again without harm.
        """
        return call()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one process that ingests, reindexes or repairs; a file has a lock beside it that says so.

        Raises:
            LibraryBusy: another process is; the message names it.
        """
        yield
