"""What became of the pictures of a run, counted and grouped by reason.

>>> tally = Tally()
>>> tally.add("failed", "a.jpg is empty (0 bytes)", "a.jpg")
>>> tally.add("failed", "b.jpg is empty (0 bytes)", "b.jpg")
>>> tally.reasons("failed")
[('… is empty (0 bytes)', 2)]
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

KINDS = 50
"""Kinds of reasons told apart; further ones are counted together."""

OTHERS = "other reasons"


@dataclass
class Tally:
    """Counts by status, and by reason: reasons that differ in the picture's name or in numbers count as one."""

    counts: Counter[str] = field(default_factory=Counter)
    _reasons: dict[str, dict[str, list[object]]] = field(default_factory=dict)

    def add(self, status: str, reason: str = "", *names: str) -> None:
        """Count one picture; `names` are what the reason may call it."""
        self.counts[status] += 1
        if not reason:
            return
        shown = reason
        for name in filter(None, names):
            shown = shown.replace(name, "…")
        kinds = self._reasons.setdefault(status, {})
        kind = re.sub(r"\d+", "0", shown)
        if kind not in kinds and len(kinds) >= KINDS:
            kind = shown = OTHERS
        kinds.setdefault(kind, [shown, 0])[1] += 1  # type: ignore[operator]

    def reasons(self, status: str) -> list[tuple[str, int]]:
        """Reasons, the first of each kind, and how often that kind came; the most frequent first."""
        found = [(str(shown), int(str(n))) for shown, n in self._reasons.get(status, {}).values()]
        return sorted(found, key=lambda pair: -pair[1])
