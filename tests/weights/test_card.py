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
        ("id", None, "here: missing.*'id'"),
        ("id", 3, "here: id is text, got 3"),
        ("colour", "red", "here: unknown key colour; known are id, title"),
        ("input", None, r"a card needs a \[input\] table"),
        ("variant", "int8", r"here \[variant\]: expected a table, got str"),
        (
            "variant",
            {"precision": "int4"},
            r"precision is fp32, fp16, int8 and form .* got 'int4' and 'network'",
        ),
        ("input", 3, r"here \[input\]: expected a table, got int"),
        ("input.size", None, r"here \[input\]: missing.*'size'"),
        ("input.size", [256], r"size is \[height, width\]"),
        ("input.size", [256, 0], r"size is \[height, width\]"),
        ("input.size", ["a", "b"], r"size is \[height, width\]"),
        ("input.size", 256, r"size is \[height, width\]"),
        ("input.mean", [0.5, 0.5], "three numbers each"),
        ("input.mean", ["a", "b", "c"], "three numbers each"),
        ("input.std", [0.5, 0.5, 0], "three numbers each, std above 0"),
        ("input.interpolation", "nearest", "interpolation is bilinear or bicubic"),
        ("input.channels", "GBR", "channels RGB or BGR"),
        ("input.scale", "255", "scale is a number"),
        ("input.multiple", 100, "multiple is 1 or more and divides both sides"),
        ("input.multiple", 0, "multiple is 1 or more and divides both sides"),
        ("output.stride", 4.0, "stride is a whole number, got 4.0"),
        ("output.stride", 0, "stride is 1 or more"),
        ("output.stride", True, "stride is a whole number"),
        ("output.align_corners", 1, "align_corners is true or false"),
        ("source.url", "ftp://there", "url is an http or https address, got 'ftp://there'"),
        ("source.hub", "name", "hub is organisation/name"),
        ("source.sha256", "ABC", "sha256 is 64 hexadecimal digits"),
        ("source.size", -1, "size is in bytes"),
        ("source.size", "1", "size is a whole number"),
        ("source", {"file": "f", "url": "https://a/b", "hub": "a/b"}, "not from both"),
        ("licence.consent", "yes", "consent is true or false"),
        ("licence.terms", None, r"here \[licence\]: missing.*'terms'"),
        ("scheme", "nope", "here: no label scheme 'nope'"),
        ("figures", [{"data": "x"}], r"\[\[figures\]\]: missing"),
        ("figures", 3, "figures are"),
    ],
)
def test_faults_are_named(path: str, value: object, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        parse_card(edit(path, value), "here")


def test_a_card_is_a_table() -> None:
    with pytest.raises(WeightsError, match="here: a card is a table, got list"):
        parse_card([1], "here")  # type: ignore[arg-type]  # as a damaged file has it


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
    with pytest.raises(WeightsError, match="no model card 'nope'; there are bisenet"):
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
