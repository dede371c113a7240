"""A misbehaving server, and cards whose files it serves."""

from collections.abc import Callable, Iterator

import pytest

from faceparse.weights import Card, parse_card
from tests.weights.server import Site, serving


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def make_card(site: Site) -> Callable[..., Card]:
    """A card of the server's `model.onnx`; `source` and `licence` add to its tables."""

    def make(
        source: dict[str, object] | None = None, licence: dict[str, object] | None = None, **more: object
    ) -> Card:
        given = source or {}
        where = {} if "hub" in given or "url" in given or "page" in given else {"url": site.at("model.onnx")}
        raw = {
            "id": "served",
            "title": "Served",
            "network": "bisenet-resnet18",
            "scheme": "celebamask19",
            "training": "Nothing",
            "input": {"size": [64, 64]},
            "output": {"stride": 1, "align_corners": False},
            "source": {"file": "model.onnx", **where, **given},
            "licence": {"weights": "MIT", "terms": "None.", **(licence or {})},
            **more,
        }
        return parse_card(raw, "here")

    return make
