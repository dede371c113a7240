"""Metadata of a checkpoint: settings, versions, git revision."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from faceparse.labels import reference, scheme
from faceparse.train.settings import Settings
from faceparse.version import __version__


def describe(settings: Settings) -> dict[str, Any]:
    """Return settings and versions as plain data, which every checkpoint and the run's folder store."""
    plain = settings.plain()
    preprocessing = {key: plain[key] for key in ("mean", "std", "channels", "scale", "interpolation")}
    return {
        "network": settings.network,
        "scheme": reference(scheme(settings.scheme)),
        "size": settings.size,
        **preprocessing,
        "settings": plain,
        "versions": {
            "faceparse": __version__,
            "revision": _revision(),
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", "pytorch-lightning")},
        },
    }


def _revision() -> str | None:
    """Return the git revision of the code, with `-dirty` if files differ; None outside a checkout."""
    folder = Path(__file__).parent
    words = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"]
    try:
        # A package in an environment inside another project's checkout does not belong to that checkout.
        tracked = [*words[:3], "ls-files", "--error-unmatch", Path(__file__).name]
        subprocess.run(tracked, check=True, capture_output=True, timeout=10)
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
