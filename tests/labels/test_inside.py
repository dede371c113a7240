"""A scheme that a file states inside is a name or the scheme itself: no path there is opened."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceparse.data.record import folder_scheme
from faceparse.errors import FaceparseError
from faceparse.labels import Scheme, plain
from faceparse.results import Parsing
from faceparse.weights import card, parse_card
from faceparse.weights.merging import scheme_of_results


def a_card(entry: object, folder: Path) -> None:
    parse_card(json.loads(card("default").to_json()) | {"scheme": entry}, "here")


def a_scheme_of_results(entry: object, folder: Path) -> None:
    table = {"name": "mine", "classes": ["background", "x"], "read_as": entry}
    scheme_of_results(parse_card(json.loads(card("default").to_json()) | {"scheme": table}, "here"))


def a_data_set(entry: object, folder: Path) -> None:
    (folder / "dataset.json").write_text(json.dumps({"scheme": entry}), encoding="utf-8")
    folder_scheme(folder, None)


def a_result(entry: object, folder: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    labels = np.zeros((8, 8), np.uint8)
    path = folder / "a.npz"
    Parsing(image, (), Scheme("mine", ("background", "x")), label_map=labels).save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    record = json.loads(str(arrays["record"]))
    record["whole"]["scheme"] = entry
    np.savez(path, **(arrays | {"record": np.array(json.dumps(record))}))
    Parsing.load(path)


@pytest.mark.parametrize("read", [a_card, a_scheme_of_results, a_data_set, a_result])
@pytest.mark.parametrize("name", ["secret.yaml", "secret.toml"])
def test_a_path_is_no_name(read: Callable[[object, Path], None], name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("classes: [background, secret\n", encoding="utf-8")
    with pytest.raises(FaceparseError, match="no label scheme") as caught:
        read(str(path), tmp_path)
    assert "column" not in str(caught.value)  # what a reader says of a file that it opened


def test_names_and_whole_schemes_are_read(tmp_path: Path) -> None:
    for entry in ("face2", plain(Scheme("mine", ("background", "x")))):
        a_card(entry, tmp_path)
        a_result(entry, tmp_path)
