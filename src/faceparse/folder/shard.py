"""One part of a run that several processes or machines share, without anything between them.

>>> shards = [Shard.read(text) for text in ("1/2", "2/2")]
>>> [shard.holds("sub/a.jpg") for shard in shards]
[True, False]
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from faceparse.errors import ConfigError


@dataclass(frozen=True)
class Shard:
    """Part `index`, from 1 to `count`, of a run.

    The hash of a picture's path decides which shard has it, not its place in the list: shards that start at
    different times agree, although pictures have been added since.
    """

    index: int
    count: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """Read `I/N`, such as `2/8`.

        Raises:
            ConfigError: another text, or I outside 1 to N.
        """
        numbers = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
        shard = cls(*map(int, numbers.groups())) if numbers else cls(0, 0)
        if not 1 <= shard.index <= shard.count:
            raise ConfigError(f"--shard {text}: expected I/N with I from 1 to N, such as 2/8")
        return shard

    def holds(self, path: str) -> bool:
        """Return whether the shard has the picture with this path in the run's input."""
        digest = hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index - 1

    @property
    def ending(self) -> str:
        """Ending of the names of the shard's own manifest and lock: `-2-of-8`; empty for the whole run, 1/1."""
        return f"-{self.index}-of-{self.count}" if self.count > 1 else ""


WHOLE = Shard(1, 1)
"""The whole run."""
