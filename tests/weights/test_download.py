"""Downloads from a server that truncates, drops, redirects, stalls, lies or is not there."""

import gzip
import io
import re
import resource
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import DownloadError, FaceparseError, OutputError
from faceparse.weights import download
from faceparse.weights.download import fetch_url
from tests.weights.server import Served, Site, serving

FILE = b"\x08\x07" + bytes(range(256)) * 2000
OTHER = b"\x08\x07" + bytes(range(255, -1, -1)) * 2000
NAME = "model.onnx"


@pytest.fixture
def get(site: Site, tmp_path: Path) -> Callable[..., Path]:
    def get(**options: object) -> Path:
        more = {"timeout": 30, **options}
        return fetch_url(site.at(NAME), tmp_path / "staging", NAME, **more).path  # type: ignore[arg-type]

    return get


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def fault(get: Callable[..., object], kind: type[FaceparseError] = DownloadError, **options: object) -> str:
    with pytest.raises(kind) as raised:
        get(**options)
    text = str(raised.value)
    assert "\n" not in text
    assert len(text) < 400
    assert "0x" not in text
    return text


def test_a_file_comes_whole_and_silently(
    site: Site, get: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    site.pages[NAME] = Served(FILE)
    seen: list[tuple[int, int | None]] = []
    path = get(size=len(FILE), progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == FILE
    assert left(path.parent) == [NAME]
    assert seen[-1] == (len(FILE), len(FILE))
    assert seen == sorted(seen)
    assert capfd.readouterr() == ("", "")
    plain = path.with_name("plain")
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode  # others may read it as they may other files
    assert site.asked[0][2]["user-agent"].startswith("faceparse/")


def test_without_a_length(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, length=False)
    totals: list[int | None] = []
    assert get(progress=lambda _, total: totals.append(total)).read_bytes() == FILE
    assert set(totals) == {None}


@pytest.mark.parametrize("length", ["\u00b2", "9" * 5000, "-1", "x"])
def test_a_length_that_is_no_number(length: str, site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, length=False, headers={"Content-Length": length})
    assert get().read_bytes() == FILE


def test_a_dropped_connection_is_taken_up_where_it_broke(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, cuts=[200_000, 100_000])
    assert get().read_bytes() == FILE
    first, second, third = site.ranges()
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) < int(third.removeprefix("bytes=").rstrip("-"))
    assert [headers.get("if-range") for _, _, headers in site.asked] == [None, '"one"', '"one"']


def test_the_next_call_goes_on_too(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, cuts=[200_000, 0])
    text = fault(get)
    assert "bytes are kept and the next attempt goes on from there" in text
    assert get().read_bytes() == FILE
    assert [bool(r) for r in site.ranges()] == [False, True, True]


def test_a_date_does_where_there_is_no_etag(site: Site, get: Callable[..., Path]) -> None:
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    site.pages[NAME] = Served(FILE, etag="", date=date, cuts=[200_000])
    assert get().read_bytes() == FILE
    assert site.asked[1][2]["if-range"] == date


@pytest.mark.parametrize("etag", ["", 'W/"one"'])
def test_without_a_version_the_file_comes_whole(etag: str, site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, etag=etag, cuts=[200_000])
    assert "kept" not in fault(get)
    assert get().read_bytes() == FILE
    assert site.ranges() == ["", ""]


def test_a_server_that_ignores_ranges(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, ranges=False, cuts=[200_000])
    assert get().read_bytes() == FILE
    assert len(site.asked) == 2


def test_a_changed_file_is_not_glued(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, cuts=[200_000, 0])
    fault(get)
    site.pages[NAME] = Served(OTHER, etag='"two"')
    assert get().read_bytes() == OTHER


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"two"'},
        {"Content-Range": "bytes 5-9/10"},
        {"Content-Range": "nonsense"},
        {"Content-Range": f"bytes {'9' * 5000}-"},
    ],
)
def test_a_rest_of_something_else_is_not_glued(
    headers: dict[str, str], site: Site, get: Callable[..., Path]
) -> None:
    site.pages[NAME] = Served(FILE, cuts=[200_000, 0])
    fault(get)
    site.pages[NAME] = Served(OTHER, headers=headers)
    assert get().read_bytes() == OTHER
    assert [bool(r) for r in site.ranges()[-2:]] == [True, False]


def test_a_range_that_is_refused(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, cuts=[200_000, 0])
    fault(get)
    site.pages[NAME] = Served(status=416)
    assert "416" in fault(get)
    site.pages[NAME] = Served(FILE)
    assert get().read_bytes() == FILE


def test_a_damaged_note_of_the_part(site: Site, get: Callable[..., Path], tmp_path: Path) -> None:
    site.pages[NAME] = Served(FILE, cuts=[200_000, 0])
    fault(get)
    note = tmp_path / "staging" / f".{NAME}.note"
    for text in ("", "[]", "elsewhere\none"):
        note.write_text(text, encoding="utf-8")
        site.pages[NAME] = Served(FILE)
        assert get().read_bytes() == FILE
        (tmp_path / "staging" / NAME).unlink()


@given(cuts=st.lists(st.integers(1, len(FILE) - 1), max_size=4), sound=st.booleans())
def test_any_breaks_give_the_file(
    cuts: list[int], sound: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("staging")
    with pytest.MonkeyPatch.context() as patch, serving() as site:
        patch.setenv("NO_PROXY", "127.0.0.1")
        site.pages[NAME] = Served(FILE, cuts=list(cuts), ranges=sound)
        while True:
            try:
                path = fetch_url(site.at(NAME), folder, NAME).path
                break
            except DownloadError:  # a break right after the last one: a person calls again
                assert len(site.asked) <= len(cuts)
    assert path.read_bytes() == FILE


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418, 429, 500, 503])
def test_refusals(status: int, site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(status=status)
    assert f"{site.at(NAME)} was answered with {status}" in fault(get)
    assert len(site.asked) == 1


def test_a_token_stays_with_its_server(site: Site, get: Callable[..., Path]) -> None:
    with serving() as other:
        other.pages["elsewhere"] = Served(FILE)
        site.pages[NAME] = Served(
            status=302, location=other.at("elsewhere").replace("127.0.0.1", "localhost")
        )
        assert get(token="secret").read_bytes() == FILE
    assert site.asked[0][2]["authorization"] == "Bearer secret"
    assert "authorization" not in other.asked[0][2]


def test_redirects(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(status=302, location="/elsewhere")
    site.pages["elsewhere"] = Served(FILE, cuts=[200_000])
    assert get().read_bytes() == FILE
    assert [path for _, path, _ in site.asked] == [NAME, "elsewhere"] * 2
    assert site.asked[-1][2]["range"]


def test_a_circle_of_redirects(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(status=302, location=f"/{NAME}")
    assert "redirects" in fault(get)


@pytest.mark.parametrize("target", ["http://[x", "file:///etc/passwd", "ftp://there/x", "//", "http://"])
def test_a_redirect_to_nowhere(target: str, site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(status=302, location=target)
    fault(get)


def test_a_redirect_off_encryption_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = requests.Response()
    answer.status_code, answer.url, answer.raw = 200, "http://there/model.onnx", io.BytesIO()
    monkeypatch.setattr(requests, "get", lambda *_, **__: answer)
    with pytest.raises(DownloadError, match="not encrypted: refused"):
        fetch_url("https://here/model.onnx", tmp_path, NAME)


def test_a_server_that_stalls(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, etag="", hold=threading.Event())
    assert "no answer within 0.2 s (--timeout)" in fault(get, timeout=0.2)


def test_a_server_that_stalls_once(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, hold=threading.Event())

    def release(done: int, _: int | None) -> None:  # what comes next finds the server quick again
        site.pages[NAME] = Served(FILE)

    assert get(timeout=3, progress=release).read_bytes() == FILE
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + bytes(5000),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx",
    ],
    ids=["status", "content", "later content", "chunk's size", "trailer"],
)
def test_a_server_that_drips_somewhere(start: bytes, site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(drips=start)
    assert "(--timeout)" in fault(get, timeout=0.1)


def test_what_a_redirect_says_is_not_read(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(
        drips=b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 9999999\r\n\r\nx"
    )
    site.pages["elsewhere"] = Served(FILE)
    assert get(timeout=0.5).read_bytes() == FILE


def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as site:
        url = site.at(NAME)
    text = fault(lambda: fetch_url(url, tmp_path, NAME))
    assert text.startswith(f"cannot download {url}: ")
    assert "refused" in text


@pytest.mark.parametrize("url", ["http://", "http://[::1", "nonsense://here/x"])
def test_no_address(url: str, tmp_path: Path) -> None:
    fault(lambda: fetch_url(url, tmp_path, NAME))


def test_another_size_is_told_before_it_comes(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE)
    assert f"serves {len(FILE):,} bytes where {NAME} has 3" in fault(get, size=3)


def test_a_disk_that_fills_up(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        text = fault(get, OutputError)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert text.startswith("cannot write ")
    assert "FACEPARSE_CACHE" in text
    assert get().read_bytes() == FILE


def test_a_folder_that_cannot_be(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        fetch_url(site.at(NAME), tmp_path / "file" / "staging", NAME)
    assert site.asked == []


def test_more_than_the_size_is_not_taken(site: Site, get: Callable[..., Path], tmp_path: Path) -> None:
    site.pages[NAME] = Served(FILE, length=False)
    assert "serves more than the 1,000 bytes" in fault(get, size=1000)
    site.pages[NAME] = Served(FILE[:900], length=False)
    assert "ended after 900 of 1,000 bytes" in fault(get, size=1000)


@pytest.mark.parametrize("length", [True, False])
def test_a_file_of_unknown_size_has_a_limit(
    length: bool, site: Site, get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LARGEST", 1000)
    site.pages[NAME] = Served(FILE, length=length)
    assert re.search("serves .* at most" if length else "serves more than the 1,000 bytes", fault(get))


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoding_that_was_not_asked_for(encoding: str, site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(gzip.compress(FILE), headers={"Content-Encoding": encoding})
    assert f"comes encoded as {encoding}" in fault(get)
    assert site.asked[0][2]["accept-encoding"] == "identity"


def test_a_server_that_stalls_each_time(site: Site, get: Callable[..., Path]) -> None:
    site.pages[NAME] = Served(FILE, hold=threading.Event())
    assert "slower than 1,024 bytes a second" in fault(get, timeout=0.3)
    assert len(site.asked) == 5  # each time something came
