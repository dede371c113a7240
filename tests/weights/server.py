"""A web server on this machine that misbehaves as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What a path answers.

    Attributes:
        content: The file.
        etag: Its ETag, quotes included; empty for none.
        date: Its Last-Modified; empty for none.
        ranges: Whether a Range is honoured.
        cuts: Of how many bytes each coming answer is cut short, its connection dropped, in order;
            what comes after is whole.
        status: Another status than 200: nothing else counts then but `location`.
        location: Where it redirects to.
        hold: The answer stops half-way until this is set.
        length: Whether a Content-Length is sent.
        headers: More headers; they replace the server's own.
        drips: Sent as the whole answer, and then its last byte over and over, each after 20 ms, until the client goes.
    """

    content: bytes = b""
    etag: str = '"one"'
    date: str = ""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    location: str = ""
    hold: threading.Event | None = None
    length: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    drips: bytes = b""


@dataclass
class Site:
    """The server: its address, what it answers by path, and what was asked of it."""

    url: str
    pages: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> str:
        """Address of a path."""
        return f"{self.url}/{path}"

    def ranges(self) -> list[str]:
        """The Range of each GET, empty where it had none."""
        return [headers.get("range", "") for method, _, headers in self.asked if method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        asked = {k.lower(): v for k, v in self.headers.items()}
        path = self.path.lstrip("/").split("?")[0]
        self.site.asked.append((self.command, path, asked))
        page = self.site.pages.get(path, Served(status=404))
        if page.drips:
            self._drip(page.drips)
            return
        start = self._start(page, asked)
        content = b"" if page.status != 200 else page.content[start:]
        status = page.status if page.status != 200 else 206 if start else 200
        headers = {"Content-Length": str(len(content))} if page.length else {"Connection": "close"}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(page.content) - 1}/{len(page.content)}"
        headers |= {"ETag": page.etag} if page.etag else {}
        headers |= {"Last-Modified": page.date} if page.date else {}
        headers |= {"Location": page.location} if page.location else {}
        self.send_response(status)
        for name, value in (headers | page.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        cut = page.cuts.pop(0) if page.cuts and page.status == 200 else None
        if cut is not None or not page.length:
            self.close_connection = True
        if page.hold is not None:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            page.hold.wait()
            content = content[len(content) // 2 :]
        try:
            self.wfile.write(content if cut is None else content[:cut])
        except OSError:  # the client has gone
            self.close_connection = True

    def _drip(self, content: bytes) -> None:
        self.close_connection = True
        with suppress(OSError):  # the client has gone
            while not self.site.closing.wait(0.02):
                self.wfile.write(content)
                content = content[-1:]

    def _start(self, page: Served, asked: dict[str, str]) -> int:
        wanted = asked.get("range", "")
        if not (page.ranges and wanted) or asked.get("if-range") not in (page.etag, page.date):
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that go away in the middle are what these tests are about."""


@contextmanager
def serving() -> Iterator[Site]:
    """A running server; every answer that is held back is let go at the end."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    handler.site = site  # type: ignore[attr-defined]  # made by type()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        for page in site.pages.values():
            if page.hold is not None:
                page.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
