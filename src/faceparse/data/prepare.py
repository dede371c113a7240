"""Parts to label maps: a download of one mask file per part becomes a folder that `FolderDataset` reads.

>>> work = Preparation(*celebamaskhq.sources(source), "prepared", scheme("celebamask19"))  # doctest: +SKIP
>>> for done in work.run(jobs=8):  # doctest: +SKIP
...     print(done.name, done.status)
>>> record = work.finish(celebamaskhq.official_split(source))  # doctest: +SKIP

The source is only read. Every file is written whole or not at all; a run that was stopped goes on where
it was, because `prepare.jsonl` keeps one line per finished picture.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.data.celebamaskhq import SPLITS, Source
from faceparse.data.painting import Odd, check_size, paint_files, same_size
from faceparse.data.reading import read_image, read_text
from faceparse.data.record import RECORD, read_record, write_record
from faceparse.errors import DataError, OutputError
from faceparse.files import atomic
from faceparse.labels import Scheme, reference
from faceparse.pictures import SUFFIXES

JOURNAL = "prepare.jsonl"
_SHOWN = 20


@dataclass(frozen=True)
class Done:
    """What became of one picture.

    Attributes:
        name: The picture, without ending.
        status: `written`, `skipped` (an earlier run wrote it), or `left out` (no picture or no masks, or a
            file that cannot be read).
        odd: What was unusual about its files.
    """

    name: str
    status: str
    odd: tuple[Odd, ...] = ()


def check_outside(source: Path, target: Path) -> None:
    """Raise a `DataError` where `target` is or lies in `source`, which is only read."""
    if target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{target} is or lies in {source}, which is only read: name a folder outside it")


class Preparation:
    """One preparation: settings, and what there is to do.

    Args:
        found: The pictures of the source.
        stray: What else was odd about it.
        target: Folder to be: `images/`, `labels/`, split files, `dataset.json`, `prepare.jsonl`.
        scheme: Painting order, and scheme of the label maps.
        size: `masks`, `images`, or a number of pixels: what size both get.
        source: What is prepared, for the record.
        overwrite: Whether pictures that an earlier run wrote are done again.

    Raises:
        DataError: `size` is none of these, or `target` holds another data set.
        OutputError: the folder cannot be made or written.
    """

    def __init__(
        self,
        found: Sequence[Source],
        stray: Sequence[Odd],
        target: str | Path,
        scheme: Scheme,
        *,
        size: str | int = "masks",
        source: str = "celebamask-hq",
        overwrite: bool = False,
    ) -> None:
        self.target = Path(target)
        self._found, self._stray, self._scheme = list(found), list(stray), scheme
        self._size = check_size(size)
        self._settings = {"source": source, "scheme": reference(scheme), "size": self._size}
        self._overwrite = overwrite
        self._check_target()
        self._done = {} if overwrite else self._read_journal()

    def __len__(self) -> int:
        return len(self._found)

    def run(self, jobs: int = 1) -> Iterator[Done]:
        """Do every picture, `jobs` at a time; yields in order as they are done.

        Raises:
            OutputError: a file cannot be written; what was written before stays, and a rerun goes on.
        """
        self._begin()
        with (
            ThreadPoolExecutor(jobs) as pool,
            (self.target / JOURNAL).open("a", encoding="utf-8") as journal,
        ):
            for done in _in_order(pool, self._one, self._found, ahead=4 * jobs):
                if done.status != "skipped":
                    journal.write(_line(done))
                    journal.flush()
                self._done[done.name] = done
                yield done

    def finish(self, splits: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Write split files and the record, which is returned.

        Args:
            splits: Name → split, of which the pictures in the folder are listed; None for no split files.
        """
        written = [d.name for d in self._done.values() if d.status != "left out"]
        lists: dict[str, list[str]] = {s: [] for s in SPLITS} if splits is not None else {}
        odd: dict[str, list[str]] = defaultdict(list)
        for name in written:
            if splits is None:
                continue
            if _key(name) in splits:
                lists[splits[_key(name)]].append(name)
            else:
                odd["picture in no split"].append(name)
        for split, names in lists.items():
            with atomic(self.target / f"{split}.txt", overwrite=True) as temporary:
                temporary.write_text("".join(f"{n}\n" for n in names), encoding="utf-8")
        for entry in (*self._stray, *(o for d in self._done.values() for o in d.odd)):
            odd[entry.kind].append(entry.detail)
        record = {
            **self._settings,
            "order": self._scheme.name,
            "made_by": f"faceparse {_version()}",
            "pictures": len(written),
            "left_out": len(self._done) - len(written),
            "splits": {split: len(names) for split, names in lists.items()},
            "odd": {k: {"count": len(v), "first": v[:_SHOWN]} for k, v in sorted(odd.items())},
        }
        write_record(self.target, record)
        return record

    def _check_target(self) -> None:
        record = read_record(self.target)
        if not record:
            if self.target.is_dir() and any(self.target.iterdir()):
                raise DataError(
                    f"{self.target} is not empty and not a prepared data set: name a folder to be made"
                )
            return
        for key, value in self._settings.items():
            if record.get(key) != value and not self._overwrite:
                raise DataError(
                    f"{self.target} was prepared with {key} {_short(record.get(key))}, not {_short(value)}: "
                    f"name another folder, or redo it with --overwrite"
                )

    def _begin(self) -> None:
        try:
            for folder in ("images", "labels"):
                (self.target / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {self.target}: {error.strerror}") from error
        if self._overwrite or not (self.target / RECORD).exists():
            write_record(self.target, self._settings)
        # Afresh, for a run that was cut off may have left half a line.
        with atomic(self.target / JOURNAL, overwrite=True) as temporary:
            temporary.write_text("".join(map(_line, self._done.values())), encoding="utf-8")

    def _read_journal(self) -> dict[str, Done]:
        file = self.target / JOURNAL
        done = {}
        for line in read_text(file).splitlines() if file.is_file() else ():
            try:
                raw = json.loads(line)
                done[raw["name"]] = Done(raw["name"], raw["status"], tuple(Odd(*o) for o in raw["odd"]))
            except (ValueError, KeyError, TypeError):
                continue  # the line at which a run was cut off
        return done

    def _one(self, source: Source) -> Done:
        before = self._done.get(source.name)
        label = self.target / "labels" / f"{source.name}.png"
        if before and before.status != "left out" and label.is_file():
            return Done(source.name, "skipped", before.odd)
        label.unlink(missing_ok=True)
        if source.image is None or not source.parts:
            return Done(source.name, "left out", source.odd)
        try:
            painted, odd = paint_files(source.parts, self._scheme)
            image = read_image(source.image)
        except DataError as error:
            return Done(source.name, "left out", (*source.odd, Odd("unreadable file", str(error))))
        outside = [p for p, _ in source.parts if p not in self._scheme]
        if outside:
            odd.append(Odd("parts outside the order", f"{source.name}: {', '.join(outside)}"))
        shown, labels = same_size(image, painted, self._size)
        # The picture first: a label map that exists says that both do.
        self._write_image(source, image, shown)
        _write_labels(label, labels, self._scheme)
        return Done(source.name, "written", (*source.odd, *odd))

    def _write_image(self, source: Source, image: NDArray[np.uint8], shown: NDArray[np.uint8]) -> None:
        assert source.image is not None
        suffix = source.image.suffix.lower() if shown is image else ".jpg"
        for other in SUFFIXES:  # of an earlier run with other settings
            if other != suffix:
                (self.target / "images" / f"{source.name}{other}").unlink(missing_ok=True)
        with atomic(self.target / "images" / f"{source.name}{suffix}", overwrite=True) as temporary:
            if shown is image:
                temporary.write_bytes(source.image.read_bytes())
            else:
                Image.fromarray(shown).save(temporary, "JPEG", quality=95, subsampling=0)


def _line(done: Done) -> str:
    kept = {"name": done.name, "status": done.status, "odd": done.odd}
    return json.dumps(kept, ensure_ascii=False) + "\n"


def _write_labels(path: Path, labels: NDArray[np.uint8], scheme: Scheme) -> None:
    picture = Image.fromarray(np.ascontiguousarray(labels))
    picture.putpalette(scheme.palette.tobytes())
    with atomic(path, overwrite=True) as temporary:
        # Run lengths alone: on label maps several times as fast as zlib's default, and smaller.
        picture.save(temporary, "PNG", compress_type=zlib.Z_RLE)


def _in_order(pool: ThreadPoolExecutor, work: Any, items: Sequence[Source], ahead: int) -> Iterator[Done]:
    waiting: deque[Future[Done]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _key(name: str) -> str:
    return str(int(name)) if name.isdecimal() else name


def _short(value: object) -> str:
    return str(value.get("name")) if isinstance(value, dict) else str(value)


def _version() -> str:
    from faceparse.version import __version__

    return __version__
