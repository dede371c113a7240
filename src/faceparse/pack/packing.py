"""Packing: the pictures of a source, checked and filtered, in another form.

>>> packing = pack("faces", "tars", "tars")  # doctest: +SKIP
>>> packing.pictures, packing.left_out  # doctest: +SKIP
(1204, {'… has no label map': 3})
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from faceparse.data.packed import Member
from faceparse.data.painting import encode_labels
from faceparse.data.pairs import aspects_differ
from faceparse.data.reading import read_image, read_labels
from faceparse.data.record import read_record, write_record
from faceparse.errors import ConfigError, DataError, FaceparseError, OutputError
from faceparse.files import make_folder
from faceparse.folder import Summary
from faceparse.labels import reference
from faceparse.pack.condition import Condition
from faceparse.pack.forms import FORMS
from faceparse.pack.opening import open_source
from faceparse.pack.source import Entry, Item, Source
from faceparse.pictures.formats import HEAD, format_of
from faceparse.pictures.reader import SUFFIXES
from faceparse.registry import either
from faceparse.version import __version__

_LONGEST = 200
"""Maximal number of bytes of a name between two slashes; file systems take 255, and endings are added."""


class Packing(NamedTuple):
    """The result of a packing.

    Attributes:
        pictures: Number of pictures packed.
        left_out: Reason → number of pictures left out, the most frequent first.
    """

    pictures: int
    left_out: Mapping[str, int]


def pack(
    source: str | Path,
    target: str | Path,
    to: str,
    *,
    images: str | Path | None = None,
    scheme: str | None = None,
    where: str = "",
    overwrite: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Packing:
    """Pack labelled pictures into another form: every picture that can be read and fulfils a condition.

    >>> pack("results", "faces", "parquet", where="trust > 0.7 and size >= 64")  # doctest: +SKIP

    Args:
        source: A data set folder, the output folder of `faceparse parse`, the Parquet of `faceparse scale`, or what
            `pack` wrote as `tars` or `parquet`; it is only read.
        target: The folder to make; it appears when it is complete.
        to: `tars`, `parquet`, `coco` or `folder`.
        images: Folder of the photos of `faceparse parse`, or below which paths in a table lie.
        scheme: Scheme of the label maps; None if the source states it.
        where: Condition on the source's columns; empty for all pictures.
        overwrite: Whether `target` may be the folder of an earlier packing, which is replaced.
        jobs: Number of pictures read at a time.
        progress: Function that is called with (done, total) after each picture.

    Raises:
        ConfigError: no such form, or a condition that cannot be understood.
        DataError: the source cannot be read, or no picture of it is left; `target` is in `source` or the reverse.
        LabelError: no such scheme.
        MissingExtraError: Parquet without pyarrow.
        OutputError: `target` exists or cannot be written.
    """
    source, target = Path(source), Path(target)
    if to not in FORMS:
        raise ConfigError(f"there is no form {to!r} to pack to: --to {either(FORMS)}")
    for path in (source, *([Path(images)] if images else [])):
        real, new = path.resolve(), target.resolve()
        if real.is_relative_to(new) or (path.is_dir() and new.is_relative_to(real)):
            raise DataError(
                f"{target} is, holds or lies in {path}, and inputs are only read: name another folder"
            )
    contents = open_source(source, None if images is None else Path(images), scheme)
    condition = Condition(where, contents.columns) if where else None
    summary, written = Summary(), 0

    def items() -> Iterator[Item]:
        nonlocal written
        for done, (entry, item) in enumerate(entries, 1):
            if isinstance(item, str):
                summary.add("left out", item, entry.name)
            else:
                written += 1
                yield item
            progress(done, contents.count)

    # Closed here: if a writer fails, the garbage collector could close it in one of its own threads.
    with closing(_read(contents, condition, jobs)) as entries, _new_folder(target, overwrite) as folder:
        for split, group in groupby(items(), attrgetter("split")):
            FORMS[to](folder, split, group, contents)
        left_out = dict(summary.reasons("left out"))
        if not written:
            first = "; ".join(list(left_out)[:3])
            raise DataError(f"no picture of {source} is left of {contents.count}: {first or 'it holds none'}")
        record = {
            "packed": to,
            "scheme": reference(contents.scheme),
            "made_by": f"faceparse {__version__}",
            "pictures": written,
            "where": where,
            "left_out": left_out,
        }
        write_record(folder, record)
    return Packing(written, left_out)


def _read(
    source: Source, condition: Condition | None, jobs: int
) -> Generator[tuple[Entry, Item | str], None, None]:
    """Yield each entry with its item, or with the reason why it is left out."""

    def read(entry: Entry) -> Item | str:
        if fault := entry.fault or (condition.reason(entry.columns) if condition else ""):
            return fault
        try:
            image, label_map = entry.read()
            what = f"label map of {entry.name}"
            labels = read_labels(Member(label_map, what)) if isinstance(label_map, bytes) else label_map
            picture = read_image(Member(image, entry.name))
            name = entry.name
            if PurePosixPath(name).suffix.lower() not in SUFFIXES:
                name += format_of(image[:HEAD]).suffixes[0]  # type: ignore[union-attr]  # it could be read
            source.scheme.check(labels, what)
            if different := aspects_differ(picture, labels):
                return f"{entry.name} {different}"
            size = picture.shape[0], picture.shape[1]
            return Item(
                name, entry.split, entry.columns, image, size, labels, encode_labels(labels, source.scheme)
            )
        except FaceparseError as error:
            return str(error)

    names: set[str] = set()
    entries = iter(source.entries)
    with ThreadPoolExecutor(jobs) as pool:
        # Few at a time, which bounds the memory.
        waiting = deque((entry, pool.submit(read, entry)) for entry in islice(entries, 2 * jobs))
        while waiting:
            entry, future = waiting.popleft()
            item = future.result()
            waiting.extend((entry, pool.submit(read, entry)) for entry in islice(entries, 1))
            yield entry, _named(item, names) if isinstance(item, Item) else item


def _named(item: Item, names: set[str]) -> Item | str:
    """Return an item under a name whose stem no item before it has; or why its name is refused."""
    name = item.name
    parts = name.split("/")
    bad = any(not part or part.startswith(".") for part in parts) or set("\\:") & {*name}
    if bad or not name.isprintable() or max(len(os.fsencode(part)) for part in parts) > _LONGEST:
        return f"{name!r} is no name for a file of a data set: rename it"
    for new in (name, name + PurePosixPath(name).suffix):  # `a.png.png` for `a.png` beside `a.jpg`
        stem = new.replace("/", "__").rpartition(".")[0].casefold()
        if stem not in names:
            names.add(stem)
            return item._replace(name=new)
    return f"{name} has the name of another picture: rename it"


@contextmanager
def _new_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` after the block; if the block fails, nothing is left of it."""
    old = target if os.path.lexists(target) else None
    if old and (
        not old.is_dir() or old.is_symlink() or (any(old.iterdir()) and "packed" not in read_record(old))
    ):
        raise OutputError(
            f"{target} exists and is no folder that faceparse data pack made: name another folder"
        )
    if old and any(old.iterdir()) and not overwrite:
        raise OutputError(f"{target} exists already: name another folder, or replace it with --overwrite")
    make_folder(target.absolute().parent)
    temporary, aside = (target.with_name(f".{target.name}.{secrets.token_hex(4)}.part") for _ in range(2))
    try:
        temporary.mkdir()
        yield temporary
        if old:
            old.rename(aside)
        temporary.rename(target)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        if aside.exists() and not target.exists():  # the renaming failed
            aside.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
