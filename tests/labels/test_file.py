"""A user's own classes as a file."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import LabelError
from faceparse.labels import Scheme, conversion, plain, scheme, schemes
from faceparse.labels.file import scheme_from

SPOTS = """
title: Skin, and two kinds of spots
classes: [background, skin, l_spot, r_spot]
colours: {l_spot: [255, 128, 0], r_spot: "#00ff80"}
to: {celebamask19: {l_spot: skin, r_spot: skin}}
"""


def write(tmp_path: Path, text: str, name: str = "spots.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_yaml_file_is_a_scheme_wherever_a_name_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, SPOTS)
    for spots in (scheme(path), scheme(str(path))):
        assert (spots.name, spots.classes) == ("spots", ("background", "skin", "l_spot", "r_spot"))
        assert spots.pairs == ((2, 3),)
        assert spots.palette[2:4].tolist() == [[255, 128, 0], [0, 255, 128]]
        assert spots.palette[1].tolist() == [204, 0, 0]
    assert conversion(str(path), "celebamask19").table[:4].tolist() == [0, 1, 1, 1]


def test_labels_of_a_packaged_scheme_become_one_s_own(tmp_path: Path) -> None:
    text = (
        "classes: [background, face, hair]\nfrom: {face2: {face: hair}, maskgan19: {skin: face, hat: ignore}}"
    )
    own = scheme(write(tmp_path, text))
    assert conversion("face2", own).table[:2].tolist() == [0, 2]
    with pytest.raises(
        LabelError,
        match=r"cannot convert maskgan19 to spots: nose.*`from: \{maskgan19: \{nose: CLASS\}\}` to spots's",
    ):
        conversion("maskgan19", own)
    for again in (pickle.loads(pickle.dumps(own)), scheme_from(plain(own), "again")):
        assert again == own
        assert conversion("face2", again).table[:2].tolist() == [0, 2]


def test_the_docs_three_classes(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    text = next(b for b in docs.split("```yaml\n")[1:] if b.startswith("classes: [background, face, hair]"))
    own = scheme(write(tmp_path, text.split("```")[0], "three.yaml"))
    celeb = scheme("celebamask19")
    table = conversion(celeb, own).table
    assert [table[celeb.id(n)] for n in ("hair", "nose", "l_lip", "cloth", "ear_r")] == [2, 1, 1, 0, 255]


def test_pairs_are_the_whole_list_where_given(tmp_path: Path) -> None:
    made = scheme(write(tmp_path, SPOTS + "pairs: [[skin, r_spot]]"))
    assert made.pairs == ((1, 3),)
    assert made.flip(np.array([[1, 2, 3]], np.uint8)).tolist() == [[1, 2, 3]]
    assert not scheme(write(tmp_path, SPOTS + "pairs: []")).pairs


def test_toml_is_taken_too(tmp_path: Path) -> None:
    text = 'name = "two"\nclasses = ["background", "scalp"]\n'
    assert scheme(write(tmp_path, text, "x.toml")) == Scheme("two", ("background", "scalp"))


def test_a_packaged_scheme_may_be_a_file_but_its_name_means_one_thing(tmp_path: Path) -> None:
    text = json.dumps(plain(scheme("celebamask19")))
    assert scheme(write(tmp_path, text, "copy.yaml")) == scheme("celebamask19")
    with pytest.raises(LabelError, match="another scheme 'lapa11'"):
        scheme(write(tmp_path, "classes: [background, x]", "lapa11.yaml"))


colours = st.tuples(*[st.integers(0, 255)] * 3)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(st.lists(words, min_size=1, max_size=9, unique=True), st.data())
def test_plain_data_reads_back(names: list[str], data: st.DataObject) -> None:
    classes = ("background", *(n for n in names if n != "background"))
    picked = data.draw(st.dictionaries(st.sampled_from(classes), colours, max_size=3))
    sides = None if len(classes) < 3 else ((classes[1], classes[2]),)
    made = Scheme("mine", classes, "T", "viewer", {"face2": {"background": "ignore"}}, picked, sides)
    for again in (scheme(json.loads(json.dumps(plain(made)))), pickle.loads(pickle.dumps(made))):
        assert again == made
        assert (again.tables_to, again.colours) == (made.tables_to, made.colours)
        assert (again.palette == made.palette).all()


@pytest.mark.parametrize("name", sorted(schemes()))
def test_packaged_schemes_are_plain_data(name: str) -> None:
    assert scheme(plain(scheme(name))) == scheme(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes: [background, no]", "a class is a name, got False: write it in quotes"),
        ("classes: [skin, hair]", "label 0, is background; got 'skin'"),
        ("classes: background", "classes: expected a list, each text; got 'background'"),
        ("title: x", "has 0 classes"),
        ("- background", "expected a mapping"),
        ("", "expected a mapping"),
        ("classes: [background, a, a]", "names a more than once"),
        ("classes: [background, a]\nclass: 3", "unknown key 'class'; there are name"),
        (
            "classes: [background, a]\ncolours: {a: [1, 2]}",
            r"colours.a: expected a list of 3, .* 0 to 255 or '#rrggbb'; got \[1, 2\]",
        ),
        ("classes: [background, a]\ncolours: {a: '#12345g'}", "colours.a: expected .*; got '#12345g'"),
        ("classes: [background, a]\ncolours: {a: ''}", "colours.a: expected .*; got ''"),
        ("classes: [background, a]\ncolours: {b: [1, 2, 3]}", "colour for 'b', but no such class"),
        ("classes: [background, a]\ncolours: [1]", "colours: expected a table; got"),
        ("classes: [background, a]\npairs: [[a, b]]", "pair or colour for 'b'"),
        ("classes: [background, a, b]\npairs: [[a, b], [b, a]]", "pairs a class more than once"),
        ("classes: [background, a]\npairs: a", "pairs: expected a list, each a list of 2"),
        (
            "classes: [background, a]\nfrom: {face2: {face: b}}",
            "face2's face becomes 'b', which is no class here",
        ),
        (
            "classes: [background, skin]\nfrom: {face2: {face: skim}}",
            "'skim', which is no class here; did you mean 'skin'",
        ),
        ("classes: [background, a]\nto: {face2: face}", "to.face2: expected a table; got 'face'"),
        (
            "classes: [background, a]\nto: {face2: {no: face}}",
            "to.face2: expected keys that are text, in quotes; got false",
        ),
        ("classes: [background, a]\nmerges: {b: rest}", "merge, pair or colour for 'b'"),
        ("classes: [background, a]\nmerges: {a: [b]}", "merges.a: expected rest or a list, .* two or more"),
        (
            "classes: [background, a]\nmerges: {a: rest, background: rest}",
            "one class at most stands for the rest",
        ),
        ("classes: [background, a]\nleft_means: right", "left_means is subject, viewer, unverified"),
        ("classes: [background, a]\ntitle: 3", "title: expected text; got 3"),
        ("classes: [background, a]\nname: ''", "name is missing"),
        ("classes: [background, ' ']", "file names; got ' ': write it without"),
        ("classes: [background, a/b]", "file names; got 'a/b': write it without slashes"),
        ("classes: [background, 'a\\b']", "write it without slashes, backslashes"),
        ('classes: [background, "a\\tb"]', r"got 'a\\tb': write it without"),
        ("classes: [background, a", "is not YAML"),
        ("\x00", "is not YAML"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=message) as caught:
        scheme(write(tmp_path, text))
    assert str(caught.value).count("spots.yaml") == 1
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"cannot read label scheme none\.yaml: No such file"):
        scheme("none.yaml")
    (tmp_path / "b.yml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(LabelError, match="a text in UTF-8"):
        scheme(tmp_path / "b.yml")
    with pytest.raises(LabelError, match="not TOML"):
        scheme(write(tmp_path, "]", "c.toml"))
    with pytest.raises(LabelError, match="or give a YAML file"):
        scheme("nope")
