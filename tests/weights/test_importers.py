"""The foreign names correspond to ours one to one, in both directions; no torch needed."""

import json
from pathlib import Path

import pytest

from faceparse.weights.importers import OWN, Renaming
from faceparse.weights.importers.yakhyo import YAKHYO
from faceparse.weights.importers.zllrunning import ZLLRUNNING

GOLDEN = Path(__file__).parents[1] / "models" / "golden"


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    rows = json.loads((GOLDEN / f"{name}.keys.json").read_text(encoding="utf-8"))
    return {key: tuple(shape) for key, shape, _ in rows}


@pytest.mark.parametrize(
    ("name", "form"),
    [("bisenet-resnet18", YAKHYO), ("bisenet-resnet34", YAKHYO), ("bisenet-zllrunning", ZLLRUNNING)],
)
def test_there_and_back(name: str, form: Renaming) -> None:
    used = {k: v for k, v in shapes(name).items() if form.uses(k)}
    own = form(shapes(name))
    assert len(own) == len(used)
    assert not set(own) & set(used)
    assert form.expects(own) == used


def test_both_publishers_name_the_same_network() -> None:
    assert YAKHYO(shapes("bisenet-resnet18")) == ZLLRUNNING(shapes("bisenet-zllrunning"))


def test_only_the_classifier_is_unused() -> None:
    unused = [k for k in shapes("bisenet-resnet18") if not YAKHYO.uses(k)]
    assert unused == ["fpn.backbone.fc.weight", "fpn.backbone.fc.bias"]
    assert all(map(ZLLRUNNING.uses, shapes("bisenet-zllrunning")))


def test_the_longest_rule_counts_and_other_keys_stay() -> None:
    form = Renaming({"a.": "b.", "a.c.": "d."})
    assert form({"a.x": 1, "a.c.x": 2, "e.a.x": 3}) == {"b.x": 1, "d.x": 2, "e.a.x": 3}
    assert OWN({"a.x": 1}) == {"a.x": 1}
    assert OWN.uses("a.x")
