r"""What commands print: harmless on a terminal, exact in a pipe.

>>> escaped("caf\x1b[31m.jpg")
'caf\\x1b[31m.jpg'
"""

from __future__ import annotations

import codecs
import sys

EXACT = "faceparse-exact"
"""Handler of characters that a stream's encoding lacks: a name's odd bytes as they are, others escaped."""


def _encode(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.backslashreplace_errors(error)


codecs.register_error(EXACT, _encode)


def escaped(text: str) -> str:
    """A text without characters that a terminal obeys or that hide others: names may hold any."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(*lines: str, err: bool = False) -> None:
    """Print lines to stdout, or to stderr; on a terminal escaped."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None:  # one that was closed before Python began
        shown = map(escaped, lines) if stream.isatty() else lines
        stream.write("".join(f"{line}\n" for line in shown))
        stream.flush()
