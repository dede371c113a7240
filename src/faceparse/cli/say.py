r"""Print output of commands: escaped on a terminal, exact in a pipe.

>>> escaped("caf\x1b[31m.jpg")
'caf\\x1b[31m.jpg'
"""

from __future__ import annotations

import codecs
import sys

EXACT = "faceparse-exact"
"""Error handler for characters that a stream's encoding lacks: a name's undecodable bytes are written as they
are, other characters are escaped."""


def _encode(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.backslashreplace_errors(error)


codecs.register_error(EXACT, _encode)


def escaped(text: str) -> str:
    """Escape characters that control a terminal or make other text invisible; file names may contain them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(*lines: str, err: bool = False) -> None:
    """Print lines to stdout or stderr; escape them on a terminal."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None:  # None if it was closed before Python started
        shown = map(escaped, lines) if stream.isatty() else lines
        stream.write("".join(f"{line}\n" for line in shown))
        stream.flush()
