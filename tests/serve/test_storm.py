"""Storms on loopback: many clients at once, cut connections, workers that are killed meanwhile; `benchmarks/storm.py`."""

import asyncio
import io
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.serve.test_processes import PATIENT, answers, serving, until

CLIENTS = 120


def picture(size: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, 80), (size % 256, 90, 60)).save(file, "PNG")
    return file.getvalue()


async def storm(address: str, pictures: list[bytes]) -> list[httpx.Response | None]:
    """Send all pictures at once; None where the connection ended."""
    limits = httpx.Limits(max_connections=None)

    async def one(client: httpx.AsyncClient, body: bytes) -> httpx.Response | None:
        try:
            return await client.post(f"{address}/v1/parse?faces=whole", content=body)
        except httpx.TransportError:
            return None

    async with httpx.AsyncClient(timeout=PATIENT, limits=limits) as client:
        return await asyncio.gather(*(one(client, body) for body in pictures))


def test_each_client_gets_its_own_answer_or_none(tiny_path: Path, tmp_path: Path) -> None:
    sizes = [80 + number % 60 for number in range(CLIENTS)]
    pictures = {size: picture(size) for size in set(sizes)}
    with serving(tiny_path, tmp_path, "--queue", "16") as server:
        expected = {size: server.post(pictures[size], params={"faces": "whole"}).content for size in pictures}

        def check(results: list[httpx.Response | None]) -> list[int]:
            """Return the statuses, 0 where the connection ended; every mask must be the client's own."""
            for size, result in zip(sizes, results, strict=True):
                if result is not None and result.status_code == 200:
                    assert result.content == expected[size]
            return [0 if result is None else result.status_code for result in results]

        statuses = check(asyncio.run(storm(server.address, [pictures[size] for size in sizes])))
        assert {*statuses} <= {200, 503}
        assert 200 in statuses
        for _ in range(30):  # cut in the middle of their uploads
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"POST /v1/parse HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n\x89PNG")

        async def with_a_kill() -> list[httpx.Response | None]:
            running = asyncio.create_task(storm(server.address, [pictures[size] for size in sizes]))
            await asyncio.sleep(0)
            await asyncio.to_thread(server.worker().kill)
            return await running

        assert {*check(asyncio.run(with_a_kill()))} <= {0, 200, 503}
        until(lambda: answers(server.address))
        assert server.post(pictures[80], params={"faces": "whole"}).content == expected[80]
        code, errors = server.stop()
    assert code == 0
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")
@pytest.mark.parametrize(
    "parts", ["--part burst", "--part bombs --part cuts --part slow --part kills", "--part row --short"]
)
def test_the_long_storm(parts: str) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "storm.py"), *parts.split()]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
