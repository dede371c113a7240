"""Files on the Hugging Face Hub, from a server that answers as the Hub does."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from faceparse.errors import DownloadError, OutputError
from faceparse.weights import Card, fetch, published_path
from faceparse.weights.records import read_records
from tests.weights.server import Served, Site

FILE = b"PK\x03\x04" + bytes(range(256)) * 500
DIGEST = hashlib.sha256(FILE).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BRANCH = "someone/Model/resolve/main/swinb_512/model_299.pt"
CONTENT = "elsewhere/0123"
Make = Callable[..., Card]


def serve(site: Site, content: bytes = FILE, digest: str = DIGEST) -> None:
    """The Hub redirects to the content, and its redirect says commit and hash."""
    headers = {"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
    site.pages[BRANCH] = Served(status=302, location=site.at(CONTENT), headers=headers)
    site.pages[CONTENT] = Served(content, etag=f'"{digest[:9]}"')


@pytest.fixture
def hub_card(site: Site, make_card: Make, monkeypatch: pytest.MonkeyPatch) -> Card:
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    monkeypatch.setenv("HF_TOKEN", "secret")
    serve(site)
    return make_card({"file": "swinb_512/model_299.pt", "hub": "someone/Model", "revision": "main"})


def test_a_file_comes_with_its_commit(
    hub_card: Card, site: Site, own_cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch(hub_card, progress=lambda done, total: seen.append((done, total)))
    assert path == own_cache / "served" / "model_299.pt" == published_path(hub_card)
    assert path.read_bytes() == FILE
    assert seen[-1] == (len(FILE), len(FILE))
    record = read_records(path.parent)["model_299.pt"]
    assert (record.sha256, record.revision, record.origin) == (DIGEST, COMMIT, "someone/Model")
    assert [page for _, page, _ in site.asked] == [BRANCH, CONTENT]
    assert site.asked[0][2]["authorization"] == "Bearer secret"
    assert not (path.parent / ".download").exists()
    assert capfd.readouterr() == ("", "")
    asked = len(site.asked)
    assert fetch(hub_card) == path
    assert len(site.asked) == asked


def test_what_the_hub_says_it_hashes_to_is_held_to(hub_card: Card, site: Site) -> None:
    damaged = FILE[:-1] + b"\x00"
    serve(site, damaged)
    with pytest.raises(DownloadError, match=f"arrived damaged: SHA-256 .*, its Hub says {DIGEST}"):
        fetch(hub_card)
    assert not published_path(hub_card).exists()


def test_the_first_hash_is_held_to(hub_card: Card, site: Site) -> None:
    fetch(hub_card).unlink()
    other = FILE + b"more"
    serve(site, other, hashlib.sha256(other).hexdigest())
    with pytest.raises(DownloadError, match=f"not {DIGEST}; faceparse weights get served --renew"):
        fetch(hub_card)
    assert fetch(hub_card, renew=True).read_bytes() == other


def test_offline_asks_nobody(hub_card: Card, site: Site) -> None:
    with pytest.raises(DownloadError, match=r"would come from https://huggingface\.co/someone/Model"):
        fetch(hub_card, offline=True)
    assert site.asked == []


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_refusals_are_one_line(status: int, hub_card: Card, site: Site) -> None:
    site.pages[BRANCH] = Served(status=status)
    with pytest.raises(DownloadError, match=rf"{BRANCH} was answered with {status} [^\n]*$"):
        fetch(hub_card)


def test_a_file_outside_the_large_file_store(hub_card: Card, site: Site) -> None:
    site.pages[BRANCH] = Served(
        FILE, headers={"X-Repo-Commit": COMMIT, "X-Linked-Etag": '"' + "0" * 40 + '"'}
    )
    assert fetch(hub_card).read_bytes() == FILE


def test_a_page_in_its_place(hub_card: Card, site: Site) -> None:
    page = b"<!doctype html><html></html>"
    serve(site, page, hashlib.sha256(page).hexdigest())
    with pytest.raises(DownloadError, match=r"is a web page, not model_299\.pt"):
        fetch(hub_card)


def test_a_cache_that_cannot_be_written(hub_card: Card, own_cache: Path) -> None:
    (own_cache / "served").mkdir(parents=True)
    (own_cache / "served" / ".download").touch()
    with pytest.raises(OutputError, match="FACEPARSE_CACHE moves the cache"):
        fetch(hub_card)
