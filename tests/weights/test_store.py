"""The store: fetched once, held to its hash, found again offline."""

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceparse.errors import DownloadError, OutputError, TermsError, WeightsError
from faceparse.weights import Card, add_file, cache_folder, card, fetch, published_path, verify
from faceparse.weights.cache import is_offline, shelf
from faceparse.weights.records import FILE as RECORDS
from faceparse.weights.records import read_records
from faceparse.weights.terms import announce, is_accepted
from tests.weights.server import Served, Site

FILE = b"\x08\x07" + bytes(range(256)) * 500
OTHER = b"\x08\x07" + bytes(range(255, -1, -1)) * 500
DIGEST = hashlib.sha256(FILE).hexdigest()
Make = Callable[..., Card]


@pytest.fixture(autouse=True)
def served(site: Site) -> None:
    site.pages["model.onnx"] = Served(FILE)


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(folder.rglob("*"))}


def test_fetched_once_and_recorded(make_card: Make, site: Site, own_cache: Path) -> None:
    path = fetch(make_card())
    assert path == own_cache / "served" / "model.onnx"
    assert path.read_bytes() == FILE
    record = read_records(path.parent)["model.onnx"]
    assert (record.sha256, record.size, record.origin) == (DIGEST, len(FILE), site.at("model.onnx"))
    before = snapshot(own_cache)
    assert fetch(make_card()) == path
    assert fetch(make_card(), offline=True) == path
    assert len(site.asked) == 1
    assert snapshot(own_cache) == before  # so that a cache may be read-only


def test_the_first_hash_is_held_to(make_card: Make, site: Site) -> None:
    path = fetch(make_card())
    path.unlink()
    site.pages["model.onnx"] = Served(OTHER, etag='"two"')
    with pytest.raises(DownloadError, match=rf"not {DIGEST}; faceparse weights get served --renew") as raised:
        fetch(make_card())
    assert "the first download recorded" in str(raised.value)
    assert not path.exists()
    assert [p.name for p in sorted(path.parent.iterdir())] in ([".lock", RECORDS], [RECORDS])
    assert fetch(make_card(), renew=True).read_bytes() == OTHER
    assert verify(make_card())[0].status == "ok"


def test_a_failed_renewal_leaves_all_as_it_was(make_card: Make, site: Site) -> None:
    path = fetch(make_card())
    site.pages["model.onnx"] = Served(status=500)
    with pytest.raises(DownloadError):
        fetch(make_card(), renew=True)
    assert path.read_bytes() == FILE
    assert verify(make_card())[0].status == "ok"


def test_the_cards_hash_is_held_to(make_card: Make, site: Site) -> None:
    stated = make_card({"sha256": DIGEST, "size": len(FILE)})
    assert fetch(stated).read_bytes() == FILE
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch(make_card({"sha256": "0" * 64}, id="another"))
    assert not published_path(make_card(id="another")).exists()


@pytest.mark.parametrize("digest", ["", DIGEST])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page, not model.onnx"),
        (b"\n <HTML>", "is a web page"),
        (b"<?xml version='1.0'?><Error/>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        (b"", "is an empty file"),
        (b'{"error": 1}', r"is no .onnx file \(it begins with"),
    ],
)
def test_something_else_in_its_place(
    content: bytes, message: str, digest: str, make_card: Make, site: Site
) -> None:
    site.pages["model.onnx"] = Served(content)
    with pytest.raises(DownloadError, match=message) as raised:
        fetch(make_card({"sha256": digest}))
    assert "\n" not in str(raised.value)
    assert not published_path(make_card()).exists()
    site.pages["model.onnx"] = Served(FILE)  # and nothing of it is gone on from
    assert fetch(make_card({"sha256": digest})).read_bytes() == FILE


@pytest.mark.parametrize("content", [OTHER, FILE[:-100]])
def test_another_hash(content: bytes, make_card: Make, site: Site) -> None:
    site.pages["model.onnx"] = Served(content)
    message = f"SHA-256 {hashlib.sha256(content).hexdigest()}, not {DIGEST}"
    with pytest.raises(DownloadError, match=message):
        fetch(make_card({"sha256": DIGEST}))
    assert not published_path(make_card()).exists()


def test_a_damaged_file_is_got_again(make_card: Make, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    path = fetch(make_card())
    path.write_bytes(FILE[:-1])
    assert verify(make_card())[0].status == "CHANGED"
    assert fetch(make_card()).read_bytes() == FILE
    assert "is damaged" in caplog.text
    assert len(site.asked) == 2


def test_offline(make_card: Make, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARSE_OFFLINE", "1")
    with pytest.raises(DownloadError) as raised:
        fetch(make_card())
    text = str(raised.value)
    assert "\n" not in text
    for part in (str(published_path(make_card())), site.at("model.onnx"), "FACEPARSE_OFFLINE", "--from"):
        assert part in text
    assert fetch(make_card(), offline=False).read_bytes() == FILE
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("value", "means"), [("1", True), ("yes", True), ("0", False), ("No", False), ("", False)]
)
def test_what_offline_means(value: str, means: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARSE_OFFLINE", value)
    assert is_offline() is means


def test_no_address(make_card: Make) -> None:
    with pytest.raises(
        DownloadError, match=r"get it from https://there, then faceparse weights get served --from"
    ):
        fetch(make_card({"page": "https://there"}))


def test_the_cache_folder(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == own_cache
    monkeypatch.setenv("FACEPARSE_CACHE", "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere" / "weights"
    monkeypatch.delenv("FACEPARSE_CACHE")
    assert "faceparse" in cache_folder().parts
    for bad in ("", "..", "a/b", "../x", "."):
        with pytest.raises(WeightsError, match="a card's id"):
            shelf(bad)


@pytest.mark.parametrize("name", ["", ".", "..", "x/..", "a\\..\\b", ".lock", "a\nb", "x" * 300])
def test_a_file_of_a_card_lies_on_its_shelf(name: str, make_card: Make, site: Site) -> None:
    for use in (fetch, verify, published_path):
        with pytest.raises(WeightsError, match="a card's id and its file's name have letters") as caught:
            use(make_card({"file": name}))
        assert "\n" not in str(caught.value)
    assert site.asked == []


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e300, "x"])
def test_a_wait_is_a_day_at_most(timeout: float, make_card: Make, site: Site) -> None:
    with pytest.raises(DownloadError, match="timeout: expected a number"):
        fetch(make_card(), timeout=timeout)
    assert site.asked == []


def test_a_cache_that_cannot_be_written(
    make_card: Make, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FACEPARSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="FACEPARSE_CACHE moves the cache"):
        fetch(make_card())
    assert site.asked == []


def test_two_processes_at_once(make_card: Make, site: Site, own_cache: Path) -> None:
    code = (
        "import json, sys; from faceparse.weights import fetch, parse_card; "
        "print(fetch(parse_card(json.loads(sys.argv[1]), 'there')))"
    )
    words = [sys.executable, "-c", code, make_card().to_json()]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ) for _ in range(2)]
    printed = [process.communicate()[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert printed == [str(own_cache / "served" / "model.onnx")] * 2
    assert Path(printed[0]).read_bytes() == FILE
    assert len(site.asked) == 1


def test_consent(make_card: Make, site: Site) -> None:
    asking = make_card(licence={"consent": True, "terms": "Be kind.", "url": "https://terms"})
    with pytest.raises(TermsError, match=r"Be kind. \(https://terms\) - read them, then add --accept-terms"):
        fetch(asking)
    with pytest.raises(TermsError):
        add_file(asking, "nowhere")
    assert site.asked == []
    assert not is_accepted(asking)
    assert fetch(asking, accept_terms=True).read_bytes() == FILE
    assert is_accepted(asking)
    assert fetch(asking) == published_path(asking)
    other = make_card(licence={"consent": True, "terms": "Be kinder.", "url": "https://terms"})
    with pytest.raises(TermsError, match="Be kinder"):
        fetch(other)


def test_a_file_that_a_person_has(make_card: Make, site: Site, tmp_path: Path) -> None:
    mine = tmp_path / "downloads.onnx"
    for content, message in (
        (b"<html>", "is a web page, not model.onnx"),
        (b"", "an empty file"),
        (OTHER, f"has another model.onnx .*SHA-256 .*, not {DIGEST}"),
    ):
        mine.write_bytes(content)
        with pytest.raises(DownloadError, match=message):
            add_file(make_card({"sha256": DIGEST}), mine)
    with pytest.raises(DownloadError, match="cannot read"):
        add_file(make_card(), tmp_path)
    with pytest.raises(DownloadError, match="cannot read"):
        add_file(make_card(), tmp_path / "nowhere")
    assert not published_path(make_card()).exists()
    mine.write_bytes(FILE)
    path = add_file(make_card({"sha256": DIGEST}), mine)
    assert path.read_bytes() == mine.read_bytes() == FILE
    assert fetch(make_card({"sha256": DIGEST})) == path
    assert site.asked == []


def test_verify(make_card: Make) -> None:
    (missing,) = verify(make_card())
    assert (missing.actual, missing.expected) == ("", "")
    assert missing.status == "missing"
    path = fetch(make_card())
    (whole,) = verify(make_card())
    assert whole.status == "ok"
    assert whole.actual == DIGEST
    (path.parent / RECORDS).unlink()
    (unknown,) = verify(make_card())
    assert (unknown.expected, unknown.status) == ("", "unknown")
    fetch(make_card())  # counts as what came first
    assert verify(make_card())[0].status == "ok"
    (path.parent / RECORDS).write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"records.json is not JSON: .*: delete it"):
        verify(make_card())


def test_the_model_in_the_box_is_here() -> None:
    default = card("default")
    assert fetch(default, offline=True) == published_path(default)
    assert published_path(default).is_file()
    assert verify(default) == ()


def test_terms_are_said_once(make_card: Make, caplog: pytest.LogCaptureFixture) -> None:
    one, two = make_card(id="said-once"), make_card(id="said-too")
    with caplog.at_level(logging.INFO, "faceparse.weights"):
        for item in (one, one, two, one):
            announce(item)
    assert [r.getMessage() for r in caplog.records] == [
        "weights of said-once: MIT; terms: None.",
        "weights of said-too: MIT; terms: None.",
    ]
    assert {r.levelno for r in caplog.records} == {logging.INFO}
