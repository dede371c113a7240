"""What a request gets: a picture's mask, edits or record, as the client accepts it."""

from __future__ import annotations

import io
import mimetypes
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from zipfile import ZipFile

from python_multipart.multipart import parse_options_header

from faceparse.edits.files import FORMATS
from faceparse.errors import OutputError
from faceparse.files import json_bytes
from faceparse.folder.encoding import encode_files
from faceparse.pictures.formats import HEAD, format_of
from faceparse.registry import either
from faceparse.results import Parsing
from faceparse.serve.problems import Problem
from faceparse.serve.queries import EditQuery, ParseQuery
from faceparse.serve.work import Work
from faceparse.writers import Writer

PNG, JSON, ZIP = "image/png", "application/json", "application/zip"

EDITED = {"image/jpeg": ".jpg", PNG: ".png", "image/webp": ".webp", "image/tiff": ".tif", "image/bmp": ".bmp"}
"""Media type → suffix of an edited picture."""


class Answer(NamedTuple):
    """The body of an answer and its media type."""

    content: bytes
    media_type: str


def choose(accept: str, offers: Sequence[str]) -> str:
    """Return the media type that an `Accept` header likes best; of several alike, the first that is offered.

    >>> choose("image/*;q=0.5, application/json", ["image/png", "application/json"])
    'application/json'

    Raises:
        Problem: it accepts none of them.
    """
    liked = {offer: _quality(accept or "*/*", offer) for offer in offers}
    best = max(offers, key=liked.__getitem__)
    if liked[best] <= 0:
        raise Problem(406, f"this answer is {either(offers)}; Accept was {accept:.200}")
    return best


def _quality(accept: str, media_type: str) -> float:
    """Return how much an `Accept` header likes a media type, 0 to 1, by the most exact of its ranges that fit."""
    qualities = dict(map(_range, accept.split(",")))
    ranges = media_type, f"{media_type.partition('/')[0]}/*", "*/*"
    return next((qualities[name] for name in ranges if name in qualities), 0.0)


def _range(part: str) -> tuple[str, float]:
    """Return a range of an `Accept` header and its quality: `image/*;q=0.5` → ("image/*", 0.5)."""
    name, options = parse_options_header(part.strip())
    quality = options.get(b"q", b"1")
    return name.decode("latin-1"), float(quality) if re.fullmatch(rb"0(\.\d*)?|1(\.0*)?", quality) else 0.0


def media_type_of(name: str) -> str:
    """Return the media type of a file's name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def parse_answer(work: Work, picture: bytes, query: ParseQuery, accept: str) -> Answer:
    """Answer `/v1/parse`: the mask, or the record as JSON, or the files of `save`.

    Raises:
        Problem: no answer that the client accepts.
        FaceparseError: a bad option or picture.
    """
    usual = "" if query.save else choose(accept, [PNG, JSON, ZIP])
    if usual == JSON:
        rle = query.forms("rle")["rle"]
        rle.check(work.parser(query.parser).scheme)
        return Answer(json_bytes(_record(work.parse(picture, query.parser), rle)), JSON)
    forms = query.forms("mask,overlay" if usual == ZIP else "mask")
    endings = {media_type_of(ending) for form in forms.values() for ending in form.endings}
    offers = [*endings, ZIP] if len(forms) == len(endings) == 1 else [ZIP]
    choose(accept, offers)  # a refusal comes before the work
    parser = work.parser(query.parser)
    for form in forms.values():
        form.check(parser.scheme)
    parsing = work.parse(picture, query.parser)
    files: dict[str, bytes] = {}
    for form in forms.values():
        files |= encode_files(parsing, form)
    chosen = choose(accept, offers if len(files) == 1 else [ZIP])
    return Answer(_zip(files) if chosen == ZIP else next(iter(files.values())), chosen)


def _record(parsing: Parsing, rle: Writer) -> dict[str, Any]:
    """Return a parsing's record, and a mask for each class in COCO's compressed run lengths."""
    coco: Any = rle.record(parsing)  # type: ignore[attr-defined]
    names = {category["id"]: category["name"] for category in coco["categories"]}
    masks = {names[mask["category_id"]]: mask["segmentation"] for mask in coco["annotations"]}
    return parsing.record() | {"masks": masks}


def _zip(files: dict[str, bytes]) -> bytes:
    """Return an archive of files that are compressed already."""
    archive = io.BytesIO()
    with ZipFile(archive, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


def edit_answer(work: Work, picture: bytes, query: EditQuery, accept: str) -> Answer:
    """Answer `/v1/edit`: the edited picture, in the picture's own format unless the client asks for another.

    Raises:
        Problem: no answer that the client accepts.
        FaceparseError: a bad edit or picture.
    """
    form = query.form
    form.check(work.parser(query.parser).scheme)
    format_ = format_of(picture[:HEAD])
    own = next((kind for kind, suffix in EDITED.items() if format_ and suffix in format_.suffixes), PNG)
    offers = [own, *(kind for kind in EDITED if kind != own)]
    if form.channels == 4:
        offers = [kind for kind in offers if FORMATS[EDITED[kind]] not in ("JPEG", "BMP")]
        offers.sort(key=lambda kind: kind not in (own, PNG))
    chosen = choose(accept, offers)
    parsing = work.parse(picture, query.parser)
    try:
        return Answer(form.encode(parsing, EDITED[chosen], picture), chosen)
    except OutputError as error:  # the picture itself is transparent
        raise Problem(406, str(error)) from None


def models_record(work: Work) -> list[dict[str, object]]:
    """Return the model that answers, with its terms, as JSON values."""
    card = work.card
    licence = {"weights": card.licence.weights, "url": card.licence.url, "terms": card.licence.terms}
    return [
        {
            "id": card.id,
            "title": card.title,
            "scheme": card.label_scheme.name,
            "classes": list(card.label_scheme.classes),
            "engine": work.description,
            "licence": licence,
        }
    ]
