"""`Parse`, the function that travels: what it takes, what it gives, and what a bad picture becomes."""

import io
import multiprocessing
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceparse.errors import ConfigError, MissingExtraError
from faceparse.scale import Parse, Run, Workers
from faceparse.scale.table import COLUMNS
from tests.scale.conftest import fake_parse


def encoded(size: tuple[int, int] = (32, 24)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "gray").save(file, "PNG")
    return file.getvalue()


def test_the_columns_of_a_batch(photos: Path) -> None:
    columns = fake_parse()({"path": [str(photos / name) for name in ("sub/0.png", "bad.jpg", "gone.jpg")]})
    assert tuple(columns) == COLUMNS
    assert columns["width"] == [32, None, None]
    assert columns["engine"][0] == "fake"
    areas = {mask["name"]: mask["pixels"] for mask in columns["masks"][0]}
    assert areas["background"] + areas["hair"] == 24 * 32
    good, bad, gone = columns["error"]
    assert good is None
    assert "bad.jpg" in bad
    assert "no such file" in gone


def test_a_picture_comes_as_bytes_array_or_path(photos: Path) -> None:
    pytest.importorskip("pyarrow", reason="it reads an address")
    array = np.zeros((24, 32, 3), np.uint8)
    hugging = {"bytes": encoded(), "path": "a.png"}
    values: dict[str, Any] = {
        "bytes": [encoded(), None, None, None, None],
        "image": [None, array, encoded(), hugging, None],
        "path": [None, None, None, None, (photos / "white.png").as_uri()],
    }
    columns = fake_parse()(values)
    assert columns["error"] == [None] * 5
    assert columns["width"] == [32] * 5
    assert columns["key"][3] == "a.png"
    assert (
        columns["key"][0] == columns["key"][2] != columns["key"][1]
    )  # a hash of the picture, where nothing names it
    assert fake_parse()({**values, "key": [*"abcde"]})["key"] == [*"abcde"]


def test_the_picture_s_bytes_are_kept_if_asked_for(photos: Path) -> None:
    path = photos / "white.png"
    columns = fake_parse(keep_images=True)({"path": [str(path)], "key": ["a"]})
    assert columns["image"] == [path.read_bytes()]
    assert fake_parse()({"bytes": [path.read_bytes()]})["image"] == [None]


def test_a_row_without_a_picture_and_a_batch_without_a_column() -> None:
    assert "neither bytes" in fake_parse()({"bytes": [None], "key": ["a"]})["error"][0]
    with pytest.raises(ConfigError, match="bytes, image or path; got picture"):
        fake_parse()({"picture": [b""]})


def test_an_argument_that_parsers_lack_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="face"):
        Parse(face="whole")


def test_it_pickles_without_its_model_and_before_or_after_loading(tiny_path: Path) -> None:
    parse = Parse(tiny_path, faces="whole", scheme=None)
    fresh = pickle.dumps(parse)
    picture = {"bytes": [encoded()]}
    columns = parse(picture)
    assert len(pickle.dumps(parse)) == len(fresh)
    assert pickle.loads(fresh)(picture) == columns
    assert len(columns["sha256"][0]) == 64
    assert parse.header().identity["sha256"] == columns["sha256"][0]


def test_copies_in_a_process_share_the_model(tiny_path: Path) -> None:
    parse = Parse(tiny_path)
    assert pickle.loads(pickle.dumps(parse)).load() is parse.load()
    assert Parse(tiny_path).load() is not parse.load()


def test_without_the_extra_a_run_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "ray"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"needs ray.*pip install 'faceparse\[scale\]'"):
        Run("photos", "out", fake_parse())


@pytest.mark.slow
def test_an_address_without_a_cluster_is_one_line(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run = Run(str(photos), str(tmp_path), fake_parse(), workers=Workers(address="127.0.0.1:1"))
    with pytest.raises(ConfigError, match=r"no Ray cluster answers at .*: Connection refused"):
        list(run)


@pytest.mark.slow
def test_plain_processes(tiny_path: Path, photos: Path) -> None:
    batches = [{"path": [str(path)]} for path in sorted(photos.rglob("*.png"))]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        columns = pool.map(Parse(tiny_path, faces="whole", scheme=None), batches)
    assert [c["error"] for c in columns] == [[None]] * 12
