"""From pictures to results: engines, views, faces, parser, folder."""

from faceparse.runtime.parser import Parser, parse
from faceparse.runtime.picture import read_picture

__all__ = ["Parser", "parse", "read_picture"]
