"""One tree of errors: every fault in the user's input is a `FaceparseError`.

Each message is one line: what was expected, what came, how to mend it. The command line prints
that line and exits non-zero; a library user catches `FaceparseError` or one of its subclasses.
"""

from __future__ import annotations

LONGEST = 2000
"""Characters of a message at most: what it quotes may be a whole file."""


def display_name(name: object) -> str:
    r"""A file's name for a message, quoted where it is empty or has control characters.

    >>> print(display_name("a.jpg"), display_name("a\n.jpg"))
    a.jpg 'a\n.jpg'
    """
    text = str(name)
    return text if text and text.isprintable() else repr(text)


class FaceparseError(Exception):
    """Base of all errors that faceparse raises for bad input: one line; of a very long one the middle is left out."""

    def __init__(self, message: object = "") -> None:
        text = " ".join(str(message).splitlines())
        super().__init__(
            text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 4 :]}"
        )


class LabelError(FaceparseError, ValueError):
    """A class, group, scheme or conversion that does not exist, or a label map outside its scheme."""


class ImageError(FaceparseError, ValueError):
    """A picture that cannot be read, or an array that is not an RGB picture."""


class ResultError(FaceparseError, ValueError):
    """A view, face or parsing whose parts do not fit together."""


class NoFaceError(FaceparseError):
    """Faces were asked for and none was found."""


class WeightsError(FaceparseError):
    """A checkpoint, model file or card that is missing, unsafe, cut short, or of another network."""


class DownloadError(FaceparseError):
    """A published file that cannot be downloaded now, or is another than expected."""


class TermsError(FaceparseError):
    """Weights whose terms a person must accept first."""


class EngineError(FaceparseError):
    """An engine or device that is unknown, not installed, or not on this machine."""


class MissingExtraError(EngineError, ImportError):
    """An optional dependency is not installed; the message names the install command."""

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
