"""What a run may be resumed from: a checkpoint of the same settings.

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
"""Settings that may change: where things lie, how they are computed, and how long the run goes on."""

ALWAYS = ("network", "scheme", "data.also.", "teachers.")
"""What must be alike even where one of both lacks it: another data set or teacher is a change."""


def check_resume(checkpoint: Path, settings: Settings) -> None:
    """Refuse what a run with these settings cannot go on from, before any data is read.

    Raises:
        WeightsError: not a training checkpoint of ours; of another network, other classes or another recipe; of a run
            that is over.
    """
    file = read_checkpoint(checkpoint)
    then, now = file.settings, describe(settings)
    if then is None:
        raise WeightsError(
            f"{checkpoint} is not a training checkpoint of faceparse: --resume takes last.ckpt"
        )
    # Classes are compared as they were, whatever the file that names them says today.
    before, after = (
        _flat({**about.get("settings", {}), "scheme": about.get("scheme")}) for about in (then, now)
    )
    # Any other setting that an older faceparse did not have yet is no change.
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
        raise WeightsError(
            f"{checkpoint} is in epoch {done + 1}, and this run has {settings.epochs}: raise --epochs"
        )


def _free(key: str) -> bool:
    listed = re.sub(r"^(data\.also|teachers)\.[^.]+", rf"\1.{MEMBER}", key)
    return listed in FREE or key.split(".")[0] in FREE


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
