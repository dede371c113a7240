"""Check that a run can resume from a checkpoint: both need the same settings.

>>> check_resume(Path("runs/mine/last.ckpt"), settings)  # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceparse.errors import WeightsError
from faceparse.train.options import MEMBER
from faceparse.train.provenance import describe
from faceparse.train.settings import Settings
from faceparse.weights.checkpoint import read_checkpoint

FREE = {
    "output", "resume", "backbone", "parts", "weights", "epochs", "patience", "tensorboard", "compile", "profile", "trainer",
    "data.root", "data.workers", "data.cache", "data.unlabelled", "data.also.NAME.root", "teachers.NAME.device",
}  # fmt: skip
"""Settings that a resumed run may change: paths, options of computing, and the length of the run."""

ALWAYS = ("network", "scheme", "data.also.", "teachers.")
"""Settings that must be equal even if the checkpoint or the run lacks them: another data set or teacher is a change."""


def check_resume(checkpoint: Path, settings: Settings) -> None:
    """Raise if a run with these settings cannot resume from a checkpoint, before any data is read.

    Raises:
        WeightsError: not a training checkpoint of faceparse; one of another network, other classes or other
            settings; or one of a finished run.
    """
    file = read_checkpoint(checkpoint)
    then, now = file.settings, describe(settings)
    if then is None:
        raise WeightsError(
            f"{checkpoint} is not a training checkpoint of faceparse: --resume takes last.ckpt"
        )
    # Compares the classes stored in the checkpoint, in case the scheme's file has changed since.
    before, after = (
        _flat({**about.get("settings", {}), "scheme": about.get("scheme")}) for about in (then, now)
    )
    # Other settings that only one version of faceparse has do not count as changed.
    compared = [k for k in {**before, **after} if (k in before and k in after) or k.startswith(ALWAYS)]
    changed = [
        f"{k} {before.get(k, 'none')}, now {after.get(k, 'none')}"
        for k in compared
        if before.get(k) != after.get(k) and not _free(k)
    ]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise WeightsError(
            f"{checkpoint} is of a run with other settings ({', '.join(changed[:3])}{more}): give the same ones, or start "
            "a new run from its weights with --weights"
        )
    done = file.progress.get("epoch")
    if isinstance(done, int) and done >= settings.epochs:
        raise WeightsError(f"{checkpoint} is in epoch {done + 1} of {settings.epochs}: raise --epochs")


def _free(key: str) -> bool:
    listed = re.sub(r"^(data\.also|teachers)\.[^.]+", rf"\1.{MEMBER}", key)
    return listed in FREE or key.split(".")[0] in FREE


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
