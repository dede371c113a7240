"""A server in processes of its own, on a loopback port: workers that die, hang or grow, slow clients, the end."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from faceparse.cli.process import tune_process
from faceparse.errors import ConfigError
from faceparse.serve import Settings, connection, supervisor
from faceparse.serve.supervisor import Supervisor, listen
from faceparse.serve.worker import new_server
from tests.conftest import ROOT
from tests.serve.test_refusals import refused

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")

PATIENT = httpx.Timeout(60)


class Server:
    """A running `faceparse serve`."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self.port = int(address.rpartition(":")[2])

    def worker(self) -> Any:
        (worker,) = (
            p for p in psutil.Process(self.process.pid).children() if "spawn_main" in " ".join(p.cmdline())
        )
        return worker

    def post(self, picture: bytes, **options: Any) -> httpx.Response:
        return httpx.post(f"{self.address}/v1/parse", content=picture, timeout=PATIENT, **options)

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM; return the exit code and what was printed as errors."""
        self.process.terminate()
        return self.process.wait(60), self.process.stderr.read() if self.process.stderr else ""


@contextmanager
def serving(tiny_path: Path, folder: Path, *words: str, **environment: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "faceparse", "serve", "--port", "0", "--model", str(tiny_path), *words]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), **environment},
    )
    assert process.stdout
    assert process.stderr
    try:
        line = process.stdout.readline()
        address = re.match(r"http://\S+", line)
        assert address, line + process.stderr.read()
        yield Server(process, address[0])
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
        process.stderr.close()


def until(check: Callable[[], bool]) -> None:
    """Try again until it holds; the server's own limits end the wait."""
    while not check():
        pass


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready", timeout=PATIENT).status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_worker_is_replaced(tiny_path: Path, tmp_path: Path, photo: bytes) -> None:
    with serving(tiny_path, tmp_path) as server:
        before = server.post(photo).content
        worker = server.worker()
        worker.kill()
        psutil.wait_procs([worker])
        until(lambda: answers(server.address))
        assert server.worker().pid != worker.pid
        assert server.post(photo).content == before
        code, errors = server.stop()
    assert code == 0
    assert "it is replaced" in errors
    assert "POST /v1/parse 200" in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_workers_end_with_their_supervisor(tiny_path: Path, tmp_path: Path) -> None:
    with serving(tiny_path, tmp_path) as server:
        worker = server.worker()
        server.process.kill()
        assert psutil.wait_procs([worker], timeout=60)[0]
        assert not list(tmp_path.iterdir())


def test_slow_clients_are_cut_off(tiny_path: Path, tmp_path: Path, photo: bytes) -> None:
    with serving(tiny_path, tmp_path, "--upload", "0.3", "--timeout", "0.5") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"POST /v1/parse HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + photo[:100])
            answer = slow.makefile("rb").read()
            assert b" 408 " in answer.splitlines()[0]
            assert b"0.3 s" in answer
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"POST /v1/par")  # a header that never ends
            with suppress(ConnectionResetError):
                assert slow.recv(1) == b""
        assert answers(server.address)


def test_the_end_waits_for_requests(tiny_path: Path, tmp_path: Path, photo: bytes) -> None:
    with serving(tiny_path, tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            head = f"POST /v1/parse HTTP/1.1\r\nHost: a\r\nContent-Length: {len(photo)}\r\n"
            client.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
            assert b"100" in client.recv(100)  # the request is in work
            server.process.send_signal(signal.SIGINT)
            client.sendall(photo)
            answer = client.makefile("rb").read()
        assert b" 200 " in answer.splitlines()[0]
        assert Image.open(io.BytesIO(answer.partition(b"\r\n\r\n")[2])).size == (512, 512)
        assert server.process.wait(60) == 0


def test_a_token_and_other_hosts(tiny_path: Path, tmp_path: Path) -> None:
    words = ("--host", "0.0.0.0")
    with serving(tiny_path, tmp_path, *words) as server:
        port = server.port
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models").status_code == 200
        assert "FACEPARSE_TOKEN" in server.stop()[1].splitlines()[0]
    with serving(tiny_path, tmp_path, *words, FACEPARSE_TOKEN="s3cret") as server:
        assert httpx.get(f"http://127.0.0.1:{server.port}/v1/models").status_code == 401
        errors = server.stop()[1]
        assert "warning" not in errors
        assert "s3cret" not in errors


def ill(tiny_path: Path, hurt: Callable[[Any], object]) -> tuple[int, int]:
    """Return the worker's process id before and after something is done to it."""
    listener = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Supervisor(Settings(model=str(tiny_path), grace=1), listener, tune_process)
    ids: list[int] = []

    def worker() -> Any:
        (process,) = (p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline()))
        return process

    def watch() -> None:
        try:
            first = worker()
            hurt(first)
            psutil.wait_procs([first])
            until(lambda: answers(address))
            ids.extend((first.pid, worker().pid))
        finally:
            server.stop()

    thread = Thread(target=watch)
    server.run(thread.start)
    thread.join()
    return ids[0], ids[1]


def test_a_worker_that_hangs_is_replaced(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SILENT", 3.0)
    before, after = ill(tiny_path, lambda worker: worker.suspend())
    assert before != after


def test_a_worker_that_grows_is_replaced(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large: list[int] = []

    class Process(psutil.Process):  # type: ignore[misc]
        def memory_info(self) -> Any:
            return SimpleNamespace(rss=1 << 40) if self.pid in large else super().memory_info()

    monkeypatch.setattr("faceparse.serve.supervisor.psutil.Process", Process)
    before, after = ill(tiny_path, lambda worker: large.append(worker.pid))
    assert before != after


def test_what_keeps_a_server_from_starting(tmp_path: Path) -> None:
    def failed(*words: str) -> str:
        command = [sys.executable, "-m", "faceparse", "serve", "--port", "0", *words]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        (line,) = ran.stderr.splitlines()
        return line

    assert "no model 'nope'" in failed("--model", "nope")
    assert "--max-memory" in failed("--max-memory", "1")
    with pytest.raises(ConfigError, match="--port"), socket.create_server(("127.0.0.1", 0)) as taken:
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ConfigError, match="--host"):
        listen(70 * "a", 0)


@contextmanager
def in_a_thread(tiny_path: Path) -> Iterator[int]:
    """Run a worker's server in this process, and yield its port."""
    beats, pipe = Pipe(duplex=False)
    listener = listen("127.0.0.1", 0)
    server = new_server(Settings(model=str(tiny_path)), pipe)
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    with beats, pipe:
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def test_more_connections_than_the_limit(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FILES", 4)
    with in_a_thread(tiny_path) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/health/live").status_code == 200
        further = httpx.post(client.base_url.join("/v1/parse"), content=b"picture")
        refused(further, 503, "try again")
        assert int(further.headers["retry-after"]) > 0
        assert client.get("/health/live").status_code == 200


def test_what_is_no_http(tiny_path: Path) -> None:
    with in_a_thread(tiny_path) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert b"application/problem+json" in head
    assert "HTTP/1.1" in json.loads(body)["detail"]


def test_a_long_upload_is_refused_before_it_is_sent(tiny_path: Path) -> None:
    with in_a_thread(tiny_path) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST /v1/parse HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n")
        client.sendall(b"Expect: 100-continue\r\n\r\n")
        assert b" 413 " in client.makefile("rb").readline()
