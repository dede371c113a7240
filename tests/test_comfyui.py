"""The ComfyUI nodes in examples, loaded and run as ComfyUI does it."""

import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.errors import ConfigError, LabelError, NoFaceError
from faceparse.parser import Parser
from tests.conftest import ROOT

torch = pytest.importorskip("torch")

TYPES = {"IMAGE", "MASK", "STRING", "INT"}


@pytest.fixture(scope="module")
def nodes() -> Mapping[str, type]:
    """The classes of a custom node's file, as ComfyUI's `load_custom_node` imports it."""
    path = ROOT / "examples" / "comfyui_faceparse.py"
    spec = spec_from_file_location("custom_nodes.comfyui_faceparse", path)
    assert spec
    assert spec.loader
    module: ModuleType = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    assert set(module.NODE_DISPLAY_NAME_MAPPINGS) == set(module.NODE_CLASS_MAPPINGS)
    return module.NODE_CLASS_MAPPINGS  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def batch(collins: NDArray[np.uint8]) -> Any:
    """Two pictures, B × H × W × 3, 0 to 1, as LoadImage and ImageBatch give them."""
    picture = torch.from_numpy(collins.astype(np.float32) / 255)
    return torch.stack([picture, picture.flip(1)])


def ran(node: type[Any], **inputs: object) -> Any:
    """The one output of a node: checked, made anew and called with inputs by name, defaults filled in."""
    required = node.INPUT_TYPES()["required"]
    assert {kind for kind, *_ in required.values()} | {*node.RETURN_TYPES} <= TYPES
    values = {name: options[0]["default"] for name, (_, *options) in required.items() if options}
    values |= inputs
    assert set(values) == set(required)
    (text,) = values.keys() & {"names", "edits"}
    assert node.VALIDATE_INPUTS(**{text: values[text]}) is True
    outputs = getattr(node(), node.FUNCTION)(**values)
    assert isinstance(outputs, tuple)
    assert len(outputs) == len(node.RETURN_TYPES) == 1
    assert isinstance(node.CATEGORY, str)
    return outputs[0]


def test_mask_is_that_of_each_picture(
    nodes: Mapping[str, type], batch: Any, collins: NDArray[np.uint8]
) -> None:
    mask = ran(nodes["FaceparseMask"], image=batch, names="hair, lips")
    assert mask.shape == (2, 512, 512)
    assert mask.dtype == torch.float32
    assert 0 <= mask.min() < 0.1 < 0.9 < mask.max() <= 1
    expected = Parser().parse(collins).mask(["hair", "lips"], soft=True)
    np.testing.assert_allclose(mask[0], expected, atol=1e-5)
    assert abs(mask[1].flip(1) - mask[0]).mean() < 0.02, "the mirrored picture has the mirrored mask"
    wider = ran(nodes["FaceparseMask"], image=batch[:1], names="hair, lips", grow=5)
    assert wider.sum() > mask[0].sum()


def test_edit_changes_its_region_alone(nodes: Mapping[str, type], batch: Any) -> None:
    opaque = torch.cat([batch, torch.ones_like(batch[..., :1])], -1)
    hair, lips = (ran(nodes["FaceparseMask"], image=opaque[:1], names=name) for name in ("hair", "lips"))
    edited = ran(nodes["FaceparseEdit"], image=batch, edits="hair=#2040c0\n\n lips=crimson,strength=0.5 \n")
    assert edited.shape == batch.shape
    assert edited.dtype == torch.float32
    change = abs(edited - batch).amax(-1)[:1]
    assert change[hair > 0.9].mean() > 0.1
    assert change[(hair < 0.001) & (lips < 0.001)].max() < 1e-4
    cut = ran(nodes["FaceparseEdit"], image=batch[:1], edits="background=transparent")
    assert cut.shape == (1, 512, 512, 4)


def test_faults_are_shown_at_the_node(nodes: Mapping[str, Any], batch: Any) -> None:
    assert "tail" in nodes["FaceparseMask"].VALIDATE_INPUTS(names="hair, tail")
    assert nodes["FaceparseMask"].VALIDATE_INPUTS(names=" ") == "name one at least"
    assert "colour" in nodes["FaceparseEdit"].VALIDATE_INPUTS(edits="hair=mud")
    with pytest.raises(LabelError):
        nodes["FaceparseMask"]().run(batch, "tail")
    with pytest.raises(ConfigError):
        nodes["FaceparseEdit"]().run(batch, "hair=mud")
    with pytest.raises(NoFaceError, match="no face found to hide"):
        nodes["FaceparseEdit"]().run(torch.zeros(1, 64, 64, 3), "anonymise")
