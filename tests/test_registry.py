"""What other packages bring to each room, whole and broken."""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import faceparse
from faceparse import labels
from faceparse.errors import EngineError, FaceparseError, LabelError
from faceparse.registry import Registry, in_short, nearest
from tests.conftest import Install

ROOMS = {
    "schemes": ("labels", "SCHEMES", "face2"),
    "datasets": ("data", "DATASETS", "lapa"),
    "engines": ("engines", "ENGINES", "onnx"),
    "writers": ("writers", "WRITERS", "mask"),
    "networks": ("models", "NETWORKS", "fcn8s"),
}
Find = Callable[[str], Registry[Any]]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """A room's registry, which afterwards is as it was."""

    def one(group: str) -> Registry[Any]:
        if group == "networks":
            pytest.importorskip("torch")
        room, name, _ = ROOMS[group]
        registry: Registry[Any] = getattr(import_module(f"faceparse.{room}.registry"), name)
        monkeypatch.setattr(registry, "_things", registry.all())
        monkeypatch.setattr(registry, "_faults", {})
        return registry

    return one


@pytest.mark.parametrize("group", ROOMS)
def test_a_broken_package_is_one_warning_and_ends_no_run(
    group: str, find: Find, install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    registry, ours = find(group), ROOMS[group][2]
    names = set(registry)
    module = f"broken_{group}"
    install(
        f"{group}_package", group, {"thing": f"{module}:Thing", "other": module}, **{module: "import nowhere"}
    )
    with caplog.at_level(logging.WARNING):
        assert registry.find(ours) is registry.all()[ours]
        assert set(registry) == names
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2, "one for each entry point, once"
    for name, message in zip(("thing", "other"), messages, strict=True):
        assert f"{name!r} of package {group}_package ({module}" in message
        assert "does not load: ModuleNotFoundError: No module named 'nowhere'" in message
        assert "\n" not in message
        with pytest.raises(FaceparseError, match=f"{name!r} of package {group}_package .*does not load"):
            registry.find(name)
    with pytest.raises(FaceparseError, match=rf"^no .* 'nothing'; there are .*{ours}"):
        registry.find("nothing")


@pytest.mark.parametrize("group", ROOMS)
def test_what_is_none_of_a_kind_is_said(group: str, find: Find, install: Install) -> None:
    registry = find(group)
    install(f"{group}_package", group, {"thing": f"wrong_{group}:Thing"}, **{f"wrong_{group}": "Thing = 3"})
    with pytest.raises(FaceparseError, match=f"'thing' of package {group}_package .*(is no|lacks)"):
        registry.find("thing")


def test_a_scheme_of_another_package(find: Find, install: Install) -> None:
    find("schemes")
    code = "from faceparse import Scheme\nSPOTS = Scheme('spots', ('background', 'spot'))"
    install("spots_package", "schemes", {"spots": "spots_module:SPOTS"}, spots_module=code)
    assert faceparse.scheme("spots").classes == ("background", "spot")
    assert "spots" in faceparse.schemes()
    labels = np.array([[0, 1]], np.uint8)
    parsing = faceparse.Parsing.from_labels(np.zeros((1, 2, 3), np.uint8), labels, "spots")
    assert parsing.mask("spot").tolist() == [[False, True]]


def test_a_module_registers_what_it_has(find: Find, install: Install) -> None:
    registry = find("engines")
    code = (
        "from faceparse.engines import EngineKind, register\n"
        "for name in ('upside', 'downside'):\n"
        "    register(EngineKind(name, '.up', None))"
    )
    points = {"downside": "sides_module", "sides": "sides_module", "upside": "sides_module"}
    install("sides_package", "engines", points, sides_module=code)
    assert registry.find("downside").suffix == ".up"
    assert {"upside", "downside"} < {*registry}
    assert registry.faults == []
    with pytest.raises(EngineError, match=r"no engine 'sides' .*sides_package registers .* another name"):
        registry.find("sides")


def test_large_families_are_in_short() -> None:
    assert in_short(["a-x", "a-y", *(f"b-{i}" for i in range(6))]) == "a-x, a-y, b-… (6)"


@pytest.mark.parametrize(
    ("name", "names", "near"),
    [
        ("data-root", ["data.root", "data.rot"], ["data.root"]),
        ("Epoch", ["ema", "epochs"], ["epochs"]),
        ("bisnet", ["segface", "bisenet-resnet18-yakhyo"], ["bisenet-resnet18-yakhyo"]),
        ("defalt", ["default-a", "default-b", "default-c", "default"], ["default", "default-a", "default-b"]),
        ("nothing", ["epochs"], []),
    ],
)
def test_nearest_names(name: str, names: list[str], near: list[str]) -> None:
    assert nearest(name, names) == near


def test_endless_names_are_in_short() -> None:
    with pytest.raises(LabelError) as caught:
        labels.scheme("celebamask" * 10_000)
    assert len(str(caught.value)) < 1000
    assert nearest("celebamask" * 10_000, ["celebamask19"]) == []


def test_a_module_that_registers_nothing_is_said(
    find: Find, install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    registry = find("schemes")
    code = "from faceparse import Scheme\nSPOTS = Scheme('spots', ('background', 'spot'))"
    install("spots_package", "schemes", {"spots": "spots_bare"}, spots_bare=code)
    registry.all()
    assert caplog.messages[0].startswith("warning: label scheme 'spots' of package spots_package")
    with pytest.raises(LabelError, match=r"registers nothing.* spots_bare:NAME$"):
        faceparse.scheme("spots")
