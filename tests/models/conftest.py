"""Parameters and inputs that follow from names alone, so that reference outputs need no weights."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

GOLDEN = Path(__file__).parent / "golden"


def filled(key: str, shape: tuple[int, ...], dtype: str = "float32") -> NDArray[Any]:
    """The tensor of that name: noise seeded by the SHA-256 of its key, scaled by its kind."""
    if not dtype.startswith("float"):
        return np.zeros(shape, dtype)
    if key.endswith("rope_embed.periods"):  # DINOv3's constants
        return (100 ** (np.arange(16) / 16)).astype(dtype)
    if key.endswith("qkv.bias_mask"):  # DINOv3 has no bias of the keys
        return np.repeat([1, 0, 1], shape[0] // 3).astype(dtype)
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    noise = np.asarray(np.random.Generator(np.random.PCG64(seed)).standard_normal(shape))
    if key.endswith("running_var"):
        value = 1 + 0.2 * np.abs(noise)
    elif key.endswith(("running_mean", "bias", "ls1.gamma", "ls2.gamma")):
        value = 0.1 * noise
    elif len(shape) <= 1:
        value = 1 + 0.1 * noise
    else:
        value = noise * (1.4 / max(int(np.prod(shape[1:])), 1) ** 0.5)
    return value.astype(dtype)


def published_state(name: str) -> dict[str, Any]:
    """A checkpoint of the published form: key → torch tensor."""
    torch = pytest.importorskip("torch")
    rows = json.loads((GOLDEN / f"{name}.keys.json").read_text(encoding="utf-8"))
    return {key: torch.from_numpy(filled(key, tuple(shape), dtype)) for key, shape, dtype in rows}


@pytest.fixture(scope="session")
def published() -> Callable[[str], dict[str, Any]]:
    """Network name → its published state dict, filled; made once, not to be written to."""
    made: dict[str, dict[str, Any]] = {}

    def get(name: str) -> dict[str, Any]:
        if name not in made:
            made[name] = published_state(name)
        return dict(made[name])

    return get


@pytest.fixture
def golden() -> Callable[[str], Mapping[str, NDArray[np.float32]]]:
    """Network name → its reference outputs."""

    def get(name: str) -> Mapping[str, NDArray[np.float32]]:
        with np.load(GOLDEN / f"{name}.npz") as file:
            return dict(file)

    return get


@pytest.fixture(scope="session")
def golden_input() -> NDArray[np.float32]:
    """The input of the reference outputs, (1, 3, 96, 128)."""
    return np.float32(10) * filled("input.bias", (3, 96, 128))[None]
