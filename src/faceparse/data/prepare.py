"""Part masks to label maps: a download with one mask file per part becomes a folder that `FolderDataset` reads.

>>> prepare("celebamask-hq", "CelebAMask-HQ", "prepared", "maskgan19", jobs=8).counts  # doctest: +SKIP
Counter({'written': 30000})

The source is only read. Every file is written completely or not at all; a stopped run goes on where it was,
because `prepare.jsonl` has a line for each finished picture.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.data import celebamaskhq, part_masks
from faceparse.data.celebamaskhq import SPLITS, PictureFiles
from faceparse.data.finding import Finding
from faceparse.data.painting import check_size, match_sizes, paint_files
from faceparse.data.reading import read_image, read_text
from faceparse.data.record import RECORD, read_record, write_record
from faceparse.errors import ConfigError, DataError
from faceparse.files import atomic, make_folder
from faceparse.labels import Scheme, reference
from faceparse.labels import scheme as find_scheme
from faceparse.pictures import SUFFIXES
from faceparse.version import __version__

JOURNAL = "prepare.jsonl"
_EXAMPLES = 20


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
        name: The picture, without ending.
        status: `written`, `skipped` (an earlier run wrote it), or `left out` (no picture or no masks, or a
            file that cannot be read).
        findings: What is unusual about its files.
    """

    name: str
    status: str
    findings: tuple[Finding, ...] = ()


class Prepared(NamedTuple):
    """The number of pictures by status, and the record that was written."""

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
    """Paint a download's part masks into label maps, in a folder that `FolderDataset` reads.

    >>> prepare("parts", "masks", "prepared", images="photos").record["pictures"]  # doctest: +SKIP
    1204

    Args:
        kind: `celebamask-hq`: the data set as it is downloaded; `parts`: a folder of masks `STEM_PART.png`.
        source: The download; only read.
        target: The folder to make; a stopped run goes on there.
        order: Painting order, and scheme of the label maps.
        images: Folder of the pictures, for `parts`.
        splits: Whether the official split files of `celebamask-hq` are written.
        size: Size of pictures and label maps: `masks`, `images`, or a number of pixels.
        overwrite: Whether pictures that an earlier run wrote are redone.
        jobs: Pictures at a time.
        progress: Called after each picture with the number of pictures done and of all.

    Raises:
        ConfigError: no such kind, or `parts` without `images`.
        DataError: another layout than the kind's, or a `target` that lies in `source` or holds another data set.
        LabelError: no such scheme, or one with classes that no mask makes.
        OutputError: a file cannot be written.
    """
    source, target, scheme = Path(source), Path(target), find_scheme(order)
    official = None
    if kind == "celebamask-hq":
        celebamaskhq.check_order(scheme)
        pictures, findings = celebamaskhq.find_pictures(source)
        official = celebamaskhq.official_split(source) if splits else None
    elif kind == "parts":
        if images is None:
            raise ConfigError("parts needs --images, the folder that the pictures lie in")
        pictures, findings = part_masks.find_pictures(source, images, scheme)
    else:
        raise ConfigError(f"there is no preparation of {kind!r}; there are celebamask-hq and parts")
    if target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{target} is or lies in {source}, which is only read: name a folder outside it")
    preparation = Preparation(pictures, findings, target, scheme, size=size, source=kind, overwrite=overwrite)
    counts: Counter[str] = Counter()
    for number, outcome in enumerate(preparation.run(jobs), 1):
        counts[outcome.status] += 1
        progress(number, len(preparation))
    return Prepared(counts, preparation.finish(official))


class Preparation:
    """One preparation: its pictures and its settings.

    Args:
        pictures: The pictures of the source, as `find_pictures` gives them.
        findings: Findings about files of no picture, from there too.
        target: The folder to make: `images/`, `labels/`, split files, `dataset.json`, `prepare.jsonl`.
        scheme: Painting order, and scheme of the label maps.
        size: Size of pictures and label maps: `masks`, `images`, or a number of pixels.
        source: What is prepared, for the record.
        overwrite: Whether pictures that an earlier run wrote are redone.

    Raises:
        DataError: `size` is none of these, or `target` holds another data set.
        OutputError: the folder cannot be made or written.
    """

    def __init__(
        self,
        pictures: Sequence[PictureFiles],
        findings: Sequence[Finding],
        target: str | Path,
        scheme: Scheme,
        *,
        size: str | int = "masks",
        source: str = "celebamask-hq",
        overwrite: bool = False,
    ) -> None:
        self.target = Path(target)
        self._pictures, self._findings, self._scheme = list(pictures), list(findings), scheme
        self._size = check_size(size)
        self._settings = {"source": source, "scheme": reference(scheme), "size": self._size}
        self._overwrite = overwrite
        self._check_target()
        self._outcomes = {} if overwrite else self._read_journal()

    def __len__(self) -> int:
        return len(self._pictures)

    def run(self, jobs: int = 1) -> Iterator[Outcome]:
        """Prepare every picture, `jobs` at a time, and yield the outcomes in order.

        Raises:
            OutputError: a file cannot be written; what is written stays, and a rerun goes on.
        """
        self._begin()
        with (
            ThreadPoolExecutor(jobs) as pool,
            (self.target / JOURNAL).open("a", encoding="utf-8") as journal,
        ):
            for outcome in pool.map(self._prepare, self._pictures):
                if outcome.status != "skipped":
                    journal.write(_line(outcome))
                    journal.flush()
                self._outcomes[outcome.name] = outcome
                yield outcome

    def finish(self, splits: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Write split files and the record, which is returned.

        Args:
            splits: Name → split, of which the pictures in the folder are listed; None for no split files.
        """
        written = [o.name for o in self._outcomes.values() if o.status != "left out"]
        lists: dict[str, list[str]] = {s: [] for s in SPLITS} if splits is not None else {}
        texts: dict[str, list[str]] = defaultdict(list)
        for name in written if splits is not None else ():
            split = (splits or {}).get(_key(name))
            if split:
                lists[split].append(name)
            else:
                texts["picture in no split"].append(name)
        for split, names in lists.items():
            with atomic(self.target / f"{split}.txt", overwrite=True) as temporary:
                temporary.write_text("".join(f"{n}\n" for n in names), encoding="utf-8")
        for finding in (*self._findings, *(f for o in self._outcomes.values() for f in o.findings)):
            texts[finding.kind].append(finding.text)
        record = {
            **self._settings,
            "order": self._scheme.name,
            "made_by": f"faceparse {__version__}",
            "pictures": len(written),
            "left_out": len(self._outcomes) - len(written),
            "splits": {split: len(names) for split, names in lists.items()},
            "findings": {k: {"count": len(v), "first": v[:_EXAMPLES]} for k, v in sorted(texts.items())},
        }
        write_record(self.target, record)
        return record

    def _check_target(self) -> None:
        record = read_record(self.target)
        if not record:
            if self.target.is_dir() and any(self.target.iterdir()):
                raise DataError(
                    f"{self.target} is not empty and not a prepared data set: name another folder"
                )
            return
        for key, value in self._settings.items():
            if record.get(key) != value and not self._overwrite:
                raise DataError(
                    f"{self.target} was prepared with {key} {_short(record.get(key))}, not {_short(value)}: "
                    f"name another folder, or redo it with --overwrite"
                )

    def _begin(self) -> None:
        for folder in ("images", "labels"):
            make_folder(self.target / folder)
        if self._overwrite or not (self.target / RECORD).exists():
            write_record(self.target, self._settings)
        # A run that was killed may have left half a line.
        with atomic(self.target / JOURNAL, overwrite=True) as temporary:
            temporary.write_text("".join(map(_line, self._outcomes.values())), encoding="utf-8")

    def _read_journal(self) -> dict[str, Outcome]:
        file = self.target / JOURNAL
        outcomes = {}
        for line in read_text(file).splitlines() if file.is_file() else ():
            try:
                raw = json.loads(line)
                findings = tuple(Finding(*f) for f in raw["findings"])
                outcomes[raw["name"]] = Outcome(raw["name"], raw["status"], findings)
            except (ValueError, KeyError, TypeError):
                continue  # half a line of a run that was killed
        return outcomes

    def _prepare(self, files: PictureFiles) -> Outcome:
        before = self._outcomes.get(files.name)
        label = self.target / "labels" / f"{files.name}.png"
        if before and before.status != "left out" and label.is_file():
            return Outcome(files.name, "skipped", before.findings)
        label.unlink(missing_ok=True)
        if files.image is None or not files.masks:
            return Outcome(files.name, "left out", files.findings)
        try:
            painted, findings = paint_files(files.masks, self._scheme)
            image = read_image(files.image)
        except DataError as error:
            return Outcome(files.name, "left out", (*files.findings, Finding("unreadable file", str(error))))
        outside = [part for part, _ in files.masks if part not in self._scheme]
        if outside:
            findings.append(Finding("parts outside the order", f"{files.name}: {', '.join(outside)}"))
        resized, labels = match_sizes(image, painted, self._size)
        # The picture first: a label map that exists says that both do.
        self._write_image(files.image, files.name, None if resized is image else resized)
        _write_labels(label, labels, self._scheme)
        return Outcome(files.name, "written", (*files.findings, *findings))

    def _write_image(self, source: Path, name: str, resized: NDArray[np.uint8] | None) -> None:
        """Write the resized picture, or copy a picture that keeps its size byte for byte."""
        suffix = source.suffix.lower() if resized is None else ".jpg"
        for other in SUFFIXES:  # of an earlier run with other settings
            if other != suffix:
                (self.target / "images" / f"{name}{other}").unlink(missing_ok=True)
        with atomic(self.target / "images" / f"{name}{suffix}", overwrite=True) as temporary:
            if resized is None:
                temporary.write_bytes(source.read_bytes())
            else:
                Image.fromarray(resized).save(temporary, "JPEG", quality=95, subsampling=0)


def _line(outcome: Outcome) -> str:
    findings = [(finding.kind, finding.text) for finding in outcome.findings]
    raw = {"name": outcome.name, "status": outcome.status, "findings": findings}
    return json.dumps(raw, ensure_ascii=False) + "\n"


def _write_labels(path: Path, labels: NDArray[np.uint8], scheme: Scheme) -> None:
    picture = Image.fromarray(np.ascontiguousarray(labels))
    picture.putpalette(scheme.palette.tobytes())
    with atomic(path, overwrite=True) as temporary:
        # Run lengths alone: on label maps several times as fast as zlib's default, and smaller.
        picture.save(temporary, "PNG", compress_type=zlib.Z_RLE)


def _key(name: str) -> str:
    return str(int(name)) if name.isdecimal() else name


def _short(value: object) -> str:
    return str(value.get("name")) if isinstance(value, dict) else str(value)
