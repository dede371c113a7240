"""The errors of faceparse: every fault in a user's input raises a `FaceparseError`.

Each message is one line that says what was expected, what came, and how to repair it. The command line prints
this line and exits non-zero; library users catch `FaceparseError` or a subclass.
"""

from __future__ import annotations

LONGEST = 2000
"""Maximal number of characters of a message, which may quote a whole file."""


def display_name(name: object) -> str:
    r"""Return a file's name for a message: quoted if it is empty or has control characters, shortened if very long.

    >>> print(display_name("a.jpg"), display_name("a\n.jpg"))
    a.jpg 'a\n.jpg'
    """
    text = str(name)
    return _shortened(text if text and text.isprintable() else repr(text))


def _shortened(text: str) -> str:
    """Leave out the middle of a text that is too long for a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 4 :]}"


def in_words(error: BaseException) -> str:
    """Return an error as one line: a system error as its file and fault, an unforeseen one with its class.

    >>> in_words(OSError(28, "No space left on device", "a.png")), in_words(KeyError("a"))
    ('a.png: No space left on device', "KeyError: 'a'")
    """
    if isinstance(error, FaceparseError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{display_name(error.filename)}: {error.strerror}" if error.filename else error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


class FaceparseError(Exception):
    """Base class of all errors for bad input; the message is one line, and a very long one loses its middle."""

    def __init__(self, message: object = "") -> None:
        super().__init__(_shortened(" ".join(str(message).splitlines())))


class LabelError(FaceparseError, ValueError):
    """A class, group, scheme or conversion that does not exist, or a label map outside its scheme."""


class ImageError(FaceparseError, ValueError):
    """A picture that cannot be read, or an array that is not an RGB picture."""


class ResultError(FaceparseError, ValueError):
    """A view, face or parsing made from arguments that do not fit together."""


class NoFaceError(FaceparseError):
    """A picture without a face, where one is required."""


class WeightsError(FaceparseError):
    """A checkpoint, model file or card that is missing, unsafe, cut short, or of another network."""


class DownloadError(FaceparseError):
    """A published file that cannot be downloaded now, or that differs from the expected file."""


class TermsError(FaceparseError):
    """Weights whose terms a user must accept first."""


class EngineError(FaceparseError):
    """An engine or device that is unknown, not installed, or not available on this machine."""


class MissingExtraError(EngineError, ImportError):
    """An optional dependency that is not installed; the message names the install command."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed: pip install 'faceparse[{extra}]'"
        )


class DataError(FaceparseError):
    """A data set, split or label file that is missing or does not have the expected layout."""


class ConfigError(FaceparseError, ValueError):
    """A recipe or option that is unknown or out of range."""


class OutputError(FaceparseError, OSError):
    """An output folder or file that cannot be written."""
