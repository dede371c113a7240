"""The outcomes of a run, counted by status and by reason.

>>> summary = Summary()
>>> summary.add("failed", "a.jpg is empty (0 bytes)", "a.jpg")
>>> summary.add("failed", "b.jpg is empty (0 bytes)", "b.jpg")
>>> summary.reasons("failed")
[('… is empty (0 bytes)', 2)]
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

MOST_REASONS = 50
"""Number of reasons that are counted separately; further reasons are counted together."""

OTHERS = "other reasons"


@dataclass
class Summary:
    """Counts by status and by reason; reasons that differ only in the picture's name or in numbers count as one.

    Attributes:
        counts: Status → number of pictures.
        no_face: Pictures written without a face although faces were searched for.
        no_skin: Faces without skin, whose trust is 0.
        false_faces: Detections in which the network sees no face.
    """

    counts: Counter[str] = field(default_factory=Counter)
    no_face: int = 0
    no_skin: int = 0
    false_faces: int = 0
    _reasons: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)

    def add(self, status: str, reason: str = "", *names: str) -> None:
        """Count one picture; `names` are the names that the reason may contain for the picture."""
        self.counts[status] += 1
        if not reason:
            return
        for name in filter(None, names):
            reason = reason.replace(name, "…")
        counts = self._reasons.setdefault(status, {})
        kind = re.sub(r"\d+", "0", reason)
        if kind not in counts and len(counts) >= MOST_REASONS:
            kind = reason = OTHERS
        first, count = counts.get(kind, (reason, 0))
        counts[kind] = first, count + 1

    def warnings(self) -> list[str]:
        """Return warnings about the faces of a run, one line each."""
        lines = [
            (self.no_face, "no face found in", "picture"),
            (self.no_skin, "the network sees no skin, and trust is 0, in", "face"),
            (self.false_faces, "not taken for a face by the network:", "detection"),
        ]
        return [f"{before} {n} {what}{'s' * (n > 1)}" for n, before, what in lines if n]

    def reasons(self, status: str) -> list[tuple[str, int]]:
        """Return (reason, count) pairs, the most frequent first; similar reasons count as one, with the first one's text."""
        return sorted(self._reasons.get(status, {}).values(), key=lambda pair: -pair[1])
