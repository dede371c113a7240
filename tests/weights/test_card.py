import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceparse.errors import WeightsError
from faceparse.labels import scheme
from faceparse.weights import Figure, Source, Variant, card, cards, parse_card, read_card

FIGURE = {"data": "somewhere", "metric": "mean F1", "value": 80}


def raw() -> dict[str, Any]:
    return {
        "id": "mine",
        "title": "Mine",
        "network": "fpn-efficientnet_lite0",
        "scheme": "lapa11",
        "training": "faces",
        "input": {"size": [256, 192], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        "output": {"stride": 4, "align_corners": False},
        "source": {"file": "mine.ckpt"},
        "licence": {"weights": "MIT", "terms": "None."},
        "figures": [FIGURE],
    }


def test_a_card_round_trips_through_json() -> None:
    made = parse_card(raw(), "here")
    assert made.input.size == (256, 192)
    assert made.figures[0].value == 80
    assert made.label_scheme is scheme("lapa11")
    assert parse_card(json.loads(made.to_json()), "there") == made
    hash(made)


def test_what_an_export_made_of_a_network_rides_along() -> None:
    plain = parse_card(raw(), "here")
    assert plain.variant is None
    assert "variant" not in json.loads(plain.to_json())
    made = replace(plain, variant=Variant("int8", "phone"))
    assert parse_card(json.loads(made.to_json()), "there") == made
    assert str(made.variant) == "int8, phone"
    assert str(Variant("fp16")) == "fp16"


def edit(path: str, value: object) -> dict[str, Any]:
    made = raw()
    *parents, last = path.split(".")
    table: Any = made
    for key in parents:
        table = table[key]
    if value is None:
        del table[last]
    else:
        table[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("id", None, "here: id: missing"),
        ("id", 3, "here: id: expected text; got 3"),
        ("colour", "red", "here: colour: unknown key; there are id, title"),
        ("figure", [], "here: figure: unknown key; is it figures"),
        ("input", None, "here: input: missing; expected a table"),
        ("variant", "int8", "here: variant: expected a table or null; got 'int8'"),
        ("variant", {"precision": "int4"}, "variant.precision: expected fp32, fp16 or int8; got 'int4'"),
        ("input", 3, "here: input: expected a table; got 3"),
        ("input.size", None, "here: input.size: missing"),
        ("input.size", [256], r"input.size: expected a list of 2, .* got \[256\]"),
        ("input.size", [256, 0], r"input.size\[1\]: expected a whole number, 1 to 32,768; got 0"),
        ("input.size", [256, 10**30], r"input.size\[1\]: expected a whole number"),
        ("input.size", [256, 10**5000], r"input.size\[1\]: expected a whole number"),
        ("input.size", ["a", "b"], r"input.size\[0\]: expected a whole number"),
        ("input.size", 256, "input.size: expected a list of 2"),
        ("input.mean", [0.5, 0.5], "input.mean: expected a list of 3, each a number"),
        ("input.mean", ["a", "b", "c"], r"input.mean\[0\]: expected a number"),
        ("input.mean", [0.5, 0.5, float("nan")], r"input.mean\[2\]: expected a number; got nan"),
        ("input.std", [0.5, 0.5, 0], r"input.std\[2\]: expected a number"),
        ("input.interpolation", "nearest", "interpolation: expected bilinear or bicubic; got 'nearest'"),
        ("input.channels", "GBR", "input.channels: expected RGB or BGR; got 'GBR'"),
        ("input.scale", "255", "input.scale: expected a number"),
        ("input.multiple", 100, "input: multiple must divide both sides of size"),
        ("input.multiple", 0, "input.multiple: expected a whole number, 1"),
        ("input.warp", "helen", "input.warp: expected lapa or empty"),
        ("output.stride", 4.0, "output.stride: expected a whole number; got 4.0"),
        ("output.stride", 0, "output.stride: expected a whole number, 1"),
        ("output.stride", True, "output.stride: expected a whole number; got true"),
        ("output.align_corners", 1, "align_corners: expected true or false; got 1"),
        ("source.url", "ftp://there", "source.url: expected an http or https address; got 'ftp://there'"),
        ("source.hub", "name", "source.hub: expected organisation/name"),
        ("source.sha256", "ABC", "source.sha256: expected 64 hexadecimal digits"),
        ("source.size", -1, "source.size: expected a whole number, 0"),
        ("source.size", "1", "source.size: expected a whole number"),
        ("source", {"file": "f", "url": "https://a/b", "hub": "a/b"}, "source: .* not from both"),
        ("licence.consent", "yes", "licence.consent: expected true or false"),
        ("licence.terms", None, "licence.terms: missing"),
        ("scheme", "nope", "here: no label scheme 'nope'"),
        ("scheme", "/etc/passwd.yaml", "here: no label scheme '/etc/passwd.yaml'"),
        ("scheme", {"name": "x"}, "label scheme 'x': .* has 0 classes"),
        (
            "scheme",
            {"name": "lapa11", "classes": ["background", "a"]},
            "faceparse has another scheme 'lapa11'",
        ),
        ("figures", [{"data": "x"}], r"figures\[0\].metric: missing"),
        ("figures", 3, "figures: expected a list"),
        ("figures", [{**FIGURE, "value": 10**400}], r"figures\[0\].value: expected a number"),
    ],
)
def test_faults_are_named(path: str, value: object, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        parse_card(edit(path, value), "here")
    assert "\n" not in str(caught.value)


def test_a_card_is_a_table() -> None:
    with pytest.raises(WeightsError, match=r"here: expected a table; got \[1\]"):
        parse_card([1], "here")


def test_cards_in_the_package_and_beside_it(tmp_path: Path) -> None:
    found = card("bisenet-resnet18-zllrunning")
    assert found is cards()["bisenet-resnet18-zllrunning"]
    assert found.source.sha256.startswith("468e13ca")
    text = Path(str(tmp_path / "mine.toml"))
    text.write_text(
        'id = "m"\ntitle = "M"\nnetwork = "n"\nscheme = "face2"\ntraining = "t"\n'
        "[input]\nsize = [8, 8]\n[output]\nstride = 1\nalign_corners = false\n"
        '[source]\nfile = "f"\n[licence]\nweights = "MIT"\nterms = "None."\n',
        encoding="utf-8",
    )
    assert card(str(text)) == read_card(text)
    assert card(str(text)).id == "m"


def test_cards_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no model 'nope': .*weights list.*TOML"):
        card("nope")
    with pytest.raises(WeightsError, match="cannot read card"):
        card(str(tmp_path / "nope.toml"))
    (tmp_path / "bad.toml").write_text("= 3", encoding="utf-8")
    with pytest.raises(WeightsError, match="is not TOML"):
        read_card(tmp_path / "bad.toml")


def test_headline_and_data() -> None:
    figures = [FIGURE | {"value": 1}, FIGURE | {"data": "test", "value": 2}, FIGURE | {"metric": "F1 hair"}]
    made = parse_card({**raw(), "figures": figures, "training": "Faces: ten of them"}, "here")
    assert made.data == "Faces"
    assert made.headline is not None
    assert made.headline.value == 2
    figures.append(FIGURE | {"origin": "published", "value": 3})
    assert parse_card({**raw(), "figures": figures}, "here").headline == Figure(
        "somewhere", "mean F1", 3, origin="published"
    )
    assert parse_card({**raw(), "figures": []}, "here").headline is None


def test_a_source_says_where_it_is() -> None:
    assert Source("a/b.pt", hub="o/n").name == "b.pt"
    assert Source("a/b.pt", hub="o/n").origin == "https://huggingface.co/o/n"
    assert Source("b.pt", url="https://u", page="https://p").origin == "https://p"
    assert Source("b.pt", url="https://u", project="https://p").origin == "https://u"
    assert Source("b.pt", project="https://p").origin == "https://p"
