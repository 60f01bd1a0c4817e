"""A TCP proxy on this machine that can cut, freeze or refuse: a network that fails when a test wants it to."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class CuttingProxy:
    """Leads from `port` to `target`, until `close`.

    Args:
        watch: told every piece that the client sends and that the server answers (True); True from it cuts the
            connection before the piece is passed on.
    """

    def __init__(self, target: int, watch: Callable[[bytes, bool], bool] = lambda piece, answer: False) -> None:
        self._target, self.watch = target, watch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._going = threading.Event()
        self._going.set()
        self.refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Cut every connection there is."""
        for pair in self._pairs:
            _end(*pair)
        self._pairs.clear()

    def freeze(self) -> None:
        """Pass nothing on, and close nothing."""
        self._going.clear()

    def thaw(self) -> None:
        """Go on."""
        self._going.set()

    def close(self) -> None:
        """End."""
        self._going.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.refusing:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._pairs.append((client, server))
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for one in ready:
                    piece = one.recv(65_536)
                    self._going.wait()
                    if not piece or self.watch(piece, one is server):
                        _end(client, server)
                        return
                    (client if one is server else server).sendall(piece)
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
