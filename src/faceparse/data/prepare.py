"""Preparation of a data set: a download with one mask file per part becomes a folder that `FolderDataset` reads.

>>> prepare("celebamask-hq", "CelebAMask-HQ", "prepared", "maskgan19", jobs=8).counts  # doctest: +SKIP
Counter({'written': 30000})

The source is only read. Every file is written completely or not at all. A stopped run can continue, because
`prepare.jsonl` has a line for each finished picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.data import celebamaskhq, part_masks
from faceparse.data.celebamaskhq import SPLITS, PictureFiles
from faceparse.data.finding import Finding
from faceparse.data.painting import check_size, encode_labels, match_sizes, paint_files
from faceparse.data.reading import read_image
from faceparse.data.record import read_record, write_record
from faceparse.errors import ConfigError, DataError, FaceparseError, OutputError
from faceparse.files import atomic, json_bytes, make_folder, write_atomic
from faceparse.labels import Scheme, reference
from faceparse.labels import scheme as find_scheme
from faceparse.pictures import SUFFIXES
from faceparse.tables import convert, parse
from faceparse.version import __version__

JOURNAL = "prepare.jsonl"
_EXAMPLES = 20


class Outcome(NamedTuple):
    """The result for one picture.

    Attributes:
        name: The picture's file name without suffix.
        status: `written`, `skipped` (an earlier run wrote it), or `left out` (no picture or no masks, or a
            file that cannot be read).
        findings: Findings about the picture's files.
    """

    name: str
    status: str
    findings: tuple[Finding, ...] = ()


class Prepared(NamedTuple):
    """The number of pictures by status, and the contents of `dataset.json`."""

    counts: Counter[str]
    record: dict[str, Any]


def prepare(
    kind: str,
    source: str | Path,
    target: str | Path,
    order: str | Scheme = "celebamask19",
    *,
    images: str | Path | None = None,
    splits: bool = True,
    size: str | int = "masks",
    overwrite: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prepared:
    """Paint the part masks of a download into label maps, and write a folder that `FolderDataset` reads.

    >>> prepare("parts", "masks", "prepared", images="photos").record["pictures"]  # doctest: +SKIP
    1204

    Args:
        kind: `celebamask-hq`: the data set as downloaded; `parts`: a folder of masks `STEM_PART.png`.
        source: Folder of the download, which is only read.
        target: The folder to make, or the folder of a stopped run.
        order: Scheme of the label maps; its label order is the painting order.
        images: Folder of the pictures, for `parts`.
        splits: Whether to write the official split files of `celebamask-hq`.
        size: Size of pictures and label maps: `masks`, `images`, or a number of pixels.
        overwrite: Whether to write pictures again that an earlier run wrote.
        jobs: Number of pictures processed at a time.
        progress: Function that is called after each picture with the number of pictures done and of all
            pictures.

    Raises:
        ConfigError: no such kind, or `parts` without `images`.
        DataError: `source` does not have the layout of the kind, or `target` is in `source` or holds another
            data set.
        LabelError: no such scheme, or a scheme with classes that have no masks.
        OutputError: a file cannot be written.
    """
    source, target, scheme = Path(source), Path(target), find_scheme(order)
    official: Mapping[int, str] | None = None
    if kind == "celebamask-hq":
        celebamaskhq.check_order(scheme)
        pictures, stray = celebamaskhq.find_pictures(source)
        official = celebamaskhq.official_split(source) if splits else None
    elif kind == "parts":
        if images is None:
            raise ConfigError("parts needs --images, the folder that the pictures lie in")
        pictures, stray = part_masks.find_pictures(source, images, scheme)
    else:
        raise ConfigError(f"there is no preparation of {kind!r}; there are celebamask-hq and parts")
    if target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{target} is or lies in {source}, which is only read: name a folder outside it")
    size = check_size(size)
    settings = {"source": kind, "scheme": reference(scheme), "size": size}
    _begin(target, settings, overwrite)
    earlier = {} if overwrite else _read_journal(target / JOURNAL)
    paint = partial(_prepare, target=target, scheme=scheme, size=size, earlier=earlier)
    outcomes: list[Outcome] = []
    with (
        ThreadPoolExecutor(jobs) as pool,
        (target / JOURNAL).open("wb" if overwrite else "ab") as journal,
    ):
        journal.write(b"\n")  # ends the incomplete last line of a killed run
        for outcome in pool.map(paint, pictures):
            if outcome.status != "skipped":
                journal.write(json_bytes(outcome) + b"\n")
                journal.flush()
            outcomes.append(outcome)
            progress(len(outcomes), len(pictures))
    names = [outcome.name for outcome in outcomes if outcome.status != "left out"]
    findings = [*stray, *(finding for outcome in outcomes for finding in outcome.findings)]
    lists: dict[str, list[str]] = {}
    if official is not None:
        lists = {split: [name for name in names if official.get(int(name)) == split] for split in SPLITS}
        findings += [Finding("picture in no split", name) for name in names if int(name) not in official]
    for split, members in lists.items():
        with atomic(target / f"{split}.txt", overwrite=True) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in members), encoding="utf-8")
    texts: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        texts[finding.kind].append(finding.text)
    record = {
        **settings,
        "order": scheme.name,
        "made_by": f"faceparse {__version__}",
        "pictures": len(names),
        "left_out": len(outcomes) - len(names),
        "splits": {split: len(members) for split, members in lists.items()},
        "findings": {k: {"count": len(v), "first": v[:_EXAMPLES]} for k, v in sorted(texts.items())},
    }
    write_record(target, record)
    return Prepared(Counter(outcome.status for outcome in outcomes), record)


def _begin(target: Path, settings: Mapping[str, Any], overwrite: bool) -> None:
    """Make the target folder; refuse a folder with other contents."""
    if (journal := target / JOURNAL).is_symlink() or (journal.exists() and not journal.is_file()):
        raise OutputError(f"{journal} is not a regular file, and must be written: remove it")
    record = read_record(target)
    if not record and target.is_dir() and any(target.iterdir()):
        raise DataError(f"{target} is not empty and not a prepared data set: name another folder")
    for key, value in settings.items() if record and not overwrite else ():
        if (before := record.get(key)) != value:
            raise DataError(
                f"{target} was prepared with {key} {_short(before)}, not {_short(value)}: "
                f"name another folder, or redo it with --overwrite"
            )
    for folder in ("images", "labels"):
        make_folder(target / folder)
    if overwrite or not record:
        write_record(target, settings)


def _read_journal(file: Path) -> dict[str, Outcome]:
    outcomes = {}
    for line in file.read_bytes().splitlines() if file.is_file() else ():
        try:
            plain = parse(line.decode(), "JSON", JOURNAL)
            name, status, findings = convert(tuple[str, str, list[tuple[str, str, bool, str]]], plain)
            outcomes[name] = Outcome(name, status, tuple(Finding(*finding) for finding in findings))
        except (FaceparseError, UnicodeDecodeError):
            continue  # an incomplete line of a killed run
    return outcomes


def _prepare(
    files: PictureFiles, *, target: Path, scheme: Scheme, size: str | int, earlier: Mapping[str, Outcome]
) -> Outcome:
    before = earlier.get(files.name)
    label_file = target / "labels" / f"{files.name}.png"
    if before and before.status != "left out" and label_file.is_file():
        return before._replace(status="skipped")
    label_file.unlink(missing_ok=True)
    if files.image is None or not files.masks:
        return Outcome(files.name, "left out", tuple(files.findings))
    try:
        labels, findings = paint_files(files.masks, scheme)
        image = read_image(files.image)
    except DataError as error:
        return Outcome(files.name, "left out", (*files.findings, Finding("unreadable file", str(error))))
    outside = [part for part in files.masks if part not in scheme]
    if outside:
        findings.append(Finding("parts outside the order", f"{files.name}: {', '.join(outside)}"))
    resized, labels = match_sizes(image, labels, size)
    # The picture is written first, so that an existing label map means that both exist.
    _write_image(target / "images", files.image, files.name, None if resized is image else resized)
    write_atomic(label_file, encode_labels(labels, scheme))
    return Outcome(files.name, "written", (*files.findings, *findings))


def _write_image(folder: Path, source: Path, name: str, resized: NDArray[np.uint8] | None) -> None:
    """Write the resized picture, or copy the file byte for byte if the picture keeps its size."""
    suffix = source.suffix.lower() if resized is None else ".jpg"
    for other in SUFFIXES:  # pictures of an earlier run with other settings
        if other != suffix:
            (folder / f"{name}{other}").unlink(missing_ok=True)
    with atomic(folder / f"{name}{suffix}", overwrite=True) as temporary:
        if resized is None:
            temporary.write_bytes(source.read_bytes())
        else:
            Image.fromarray(resized).save(temporary, "JPEG", quality=95, subsampling=0)


def _short(value: object) -> str:
    return str(value.get("name")) if isinstance(value, dict) else str(value)
