"""Files on the Hugging Face Hub: the real client, against a server that answers as the Hub does."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")

from faceparse.errors import DownloadError, MissingExtraError, OutputError
from faceparse.weights import Card, fetch, published_path
from faceparse.weights.records import read_records
from tests.weights.server import Served, Site

FILE = b"PK\x03\x04" + bytes(range(256)) * 500
DIGEST = hashlib.sha256(FILE).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BRANCH = "someone/Model/resolve/main/swinb_512/model_299.pt"
PINNED = BRANCH.replace("main", COMMIT)
Make = Callable[..., Card]


def hub_file(content: bytes = FILE, digest: str = DIGEST, **more: object) -> Served:
    headers = {"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
    return Served(content, etag=f'"{digest}"', headers=headers, **more)  # type: ignore[arg-type]


@pytest.fixture
def hub_card(site: Site, make_card: Make, monkeypatch: pytest.MonkeyPatch) -> Card:
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site.pages[BRANCH] = site.pages[PINNED] = hub_file()
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
    assert {page for _, page, _ in site.asked if "resolve" in page} == {
        BRANCH,
        PINNED,
    }  # the branch is resolved once
    assert not (path.parent / ".download").exists()
    assert capfd.readouterr() == ("", "")
    asked = len(site.asked)
    assert fetch(hub_card) == path
    assert len(site.asked) == asked


def test_what_the_hub_says_it_hashes_to_is_held_to(hub_card: Card, site: Site) -> None:
    damaged = FILE[:-1] + b"\x00"
    site.pages[BRANCH] = site.pages[PINNED] = hub_file(damaged)
    with pytest.raises(DownloadError, match=f"came damaged: SHA-256 .*, not {DIGEST} as its Hub says"):
        fetch(hub_card)
    assert not published_path(hub_card).exists()


def test_the_first_hash_is_held_to(hub_card: Card, site: Site) -> None:
    fetch(hub_card).unlink()
    other = FILE + b"more"
    site.pages[BRANCH] = site.pages[PINNED] = hub_file(other, hashlib.sha256(other).hexdigest())
    with pytest.raises(DownloadError, match=f"not {DIGEST}; faceparse weights get served --renew"):
        fetch(hub_card)
    assert fetch(hub_card, renew=True).read_bytes() == other


def test_offline_asks_nobody(hub_card: Card, site: Site) -> None:
    with pytest.raises(DownloadError, match=r"would come from https://huggingface\.co/someone/Model"):
        fetch(hub_card, offline=True)
    assert site.asked == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "RepoNotFound", "there is no such repository, or it needs an account"),
        (404, "RevisionNotFound", "there is no revision main"),
        (404, "EntryNotFound", "there is no such file"),
        (
            403,
            "GatedRepo",
            "it is behind an account: accept its terms at https://huggingface.co/someone/Model",
        ),
        (500, "", "cannot download swinb_512/model_299.pt of someone/Model on the Hub: "),
    ],
)
def test_refusals_are_one_line(status: int, code: str, message: str, hub_card: Card, site: Site) -> None:
    site.pages[BRANCH] = Served(status=status, headers={"X-Error-Code": code})
    with pytest.raises(DownloadError) as raised:
        fetch(hub_card)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_page_in_its_place(hub_card: Card, site: Site) -> None:
    page = b"<!doctype html><html></html>"
    site.pages[BRANCH] = site.pages[PINNED] = hub_file(page, hashlib.sha256(page).hexdigest())
    with pytest.raises(DownloadError, match=r"is a web page, not model_299\.pt"):
        fetch(hub_card)


def test_a_cache_that_cannot_be_written(hub_card: Card, own_cache: Path) -> None:
    (own_cache / "served").mkdir(parents=True)
    (own_cache / "served" / ".download").touch()
    with pytest.raises(OutputError, match="FACEPARSE_CACHE moves the cache"):
        fetch(hub_card)


def test_without_the_client(hub_card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'faceparse\[hub\]'"):
        fetch(hub_card)
