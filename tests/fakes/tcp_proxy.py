"""A TCP connection that tests can cut or freeze: a forwarder on a thread of its own.

Cutting is what the other side sees of ``kill -9``; freezing is what both sides see of a
network or a process that has stopped moving while the connection stays up.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

#: Bytes moved at once.
CHUNK = 65536


class TcpProxy:
    """Forwards connections to the server of *url*; a context manager."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp proxy")
        self._moving = asyncio.Event()
        self._moving.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self._port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The URL that leads through here."""
        login, at, _host = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{login}{at}127.0.0.1:{self._port}"))

    def cut(self) -> None:
        """Break every connection; new ones are welcome."""
        self._run(self._cut())

    def shut(self) -> None:
        """Break every connection and refuse new ones, for ever."""
        self._run(self._shut())

    def freeze(self) -> None:
        """Keep connections open and move nothing."""
        self._loop.call_soon_threadsafe(self._moving.clear)

    def thaw(self) -> None:
        """Move again, beginning with what was held up."""
        self._loop.call_soon_threadsafe(self._moving.set)

    def close(self) -> None:
        """Break everything and end the thread."""
        if self._thread.is_alive():
            self.shut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _cut(self) -> None:
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _shut(self) -> None:
        self._server.close()
        await self._cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._forward(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            upstream, onward = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            ends.append(onward)
            moves = [self._move(reader, onward), self._move(upstream, writer)]
            tasks = [self._loop.create_task(move) for move in moves]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass  # nobody there: the client finds its connection closed
        finally:
            for end in ends:
                end.transport.abort()
            for end in ends:
                with suppress(OSError):
                    await end.wait_closed()

    async def _move(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(CHUNK):
            await self._moving.wait()
            sink.write(chunk)
            await sink.drain()
