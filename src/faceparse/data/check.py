"""A check that finds faults in a data set before training.

>>> check = check_dataset("faces", scheme="celebamask19")  # doctest: +SKIP
>>> [f.text for f in check.findings if f.wrong]  # doctest: +SKIP
['images/7.jpg is 512×512 but its label map is 256×256']
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.data.finding import Finding
from faceparse.data.folder import Layout, SplitFile, scan
from faceparse.data.inspection import THUMB, Inspection, LabelledFiles, inspect
from faceparse.data.pairs import PairedFiles
from faceparse.data.record import folder_scheme
from faceparse.data.registry import DATASETS, Kind
from faceparse.data.similar import pairs_alike
from faceparse.errors import DataError, LabelError
from faceparse.labels import Scheme


@dataclass(frozen=True, eq=False)
class Check:
    """The result of checking a data set: contents and findings.

    Attributes:
        root: The data set's folder.
        scheme: Scheme of the label maps.
        splits: Split → number of pictures.
        pixels: Number of pixels of each label in all label maps, 256.
        pictures: Number of label maps in which each label occurs, 256.
        sides: (agree, contradict): number of pictures whose left and right classes lie as in most pictures,
            and number of pictures in which they do not.
        left_lies: `right` or `left`: the half of the picture on which left classes lie in most pictures;
            empty if no picture has both classes of a pair.
        findings: Faults and other findings.
        samples: Picture's name → (data set, index).
    """

    root: Path
    scheme: Scheme
    splits: Mapping[str, int]
    pixels: NDArray[np.int64]
    pictures: NDArray[np.int64]
    sides: tuple[int, int]
    left_lies: str
    findings: tuple[Finding, ...] = ()
    samples: Mapping[str, tuple[LabelledFiles, int]] = field(default_factory=dict, repr=False)

    @property
    def wrong(self) -> bool:
        """Whether any finding is a fault that must be repaired."""
        return any(f.wrong for f in self.findings)

    @property
    def kinds(self) -> dict[str, list[Finding]]:
        """Kind → findings, faults first."""
        grouped: dict[str, list[Finding]] = defaultdict(list)
        for finding in sorted(self.findings, key=lambda f: not f.wrong):
            grouped[finding.kind].append(finding)
        return dict(grouped)

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain data for JSON."""
        agree, contradict = self.sides
        return {
            "root": str(self.root),
            "scheme": self.scheme.name,
            "splits": dict(self.splits),
            "classes": {
                name: {"pixels": int(self.pixels[i]), "pictures": int(self.pictures[i])}
                for i, name in enumerate(self.scheme.classes)
            },
            "ignored_pixels": int(self.pixels[255]),
            "sides": {"left_lies_on_the_pictures": self.left_lies, "agree": agree, "contradict": contradict},
            "wrong": self.wrong,
            "findings": {
                kind: {"wrong": findings[0].wrong, "count": len(findings), "what": [f.text for f in findings]}
                for kind, findings in self.kinds.items()
            },
        }


def check_dataset(
    root: str | Path,
    *,
    kind: str = "folder",
    scheme: str | Path | Scheme | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Check:
    """Check every file of a data set.

    Faults (`Finding.wrong`): files that cannot be read; pictures and label maps of different aspects; labels
    outside the scheme; pictures without a label map and label maps without a picture; split files that name
    an absent picture, or a picture twice; a picture in two splits, as the same file or a copy; left and right
    that contradict the other pictures (a mirrored picture whose sides were not swapped, or a pair with
    swapped names); masks of 0 and 255, because 255 is ignored. Other findings: pictures that resemble another
    picture, also mirrored; copies within a split; label maps of background only; classes that never occur.

    Args:
        root: The data set's folder.
        kind: Kind of data set; see `faceparse.data.kinds`.
        scheme: Scheme of the label maps; None if the data set states it.
        jobs: Number of pictures read at a time.
        progress: Function that is called with (done, total) after each picture.

    Raises:
        DataError: not a data set of this kind, or no scheme.
        LabelError: an unknown scheme.
    """
    root = Path(root)
    if kind == "folder":
        splits, findings = _open_folder(root, scheme)
    else:
        splits, findings = _open_splits(DATASETS.find(kind), root, scheme)
    label_scheme = next(iter(splits.values())).scheme
    samples: dict[str, tuple[LabelledFiles, int]] = {}
    members: dict[str, list[str]] = defaultdict(list)
    for split, dataset in splits.items():
        for index, name in enumerate(dataset.names):
            samples.setdefault(str(name), (dataset, index))
            if split != "all":
                members[str(name)].append(split)
    if not samples:
        raise DataError(f"{root} holds no labelled picture")
    inspections: dict[str, Inspection] = {}
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda name: inspect(*samples[name]), samples)
        for done, (name, result) in enumerate(zip(samples, results, strict=True), 1):
            inspections[name] = result
            progress(done, len(samples))
    side_findings, sides, half = _sides(inspections, label_scheme)
    findings += [
        *_file_findings(inspections, label_scheme),
        *_split_findings(members),
        *side_findings,
        *_copies(inspections, members),
    ]
    counts = np.stack([inspection.counts for inspection in inspections.values()])
    pixels, pictures = counts.sum(0), np.count_nonzero(counts, axis=0).astype(np.int64)
    for name, occurrences in zip(label_scheme.classes, pictures.tolist(), strict=False):
        if not occurrences:
            findings.append(Finding("class that never occurs", f"no label map has {name}", wrong=False))
    if pixels[255] and not pixels[1:255].any():
        text = f"every label is 0 or 255, and 255 is ignore: divide the label maps by 255 for {label_scheme.classes[1]}"
        findings.append(Finding("masks of 0 and 255", text))
    sizes = {split: len(dataset) for split, dataset in splits.items()}
    return Check(root, label_scheme, sizes, pixels, pictures, sides, half, tuple(findings), samples)


Splits = tuple[dict[str, LabelledFiles], list[Finding]]
"""Split → samples, and findings about splits that cannot be opened."""


def _open_folder(root: Path, scheme: str | Path | Scheme | None) -> Splits:
    """Open each split of a folder data set, and `all` labelled pictures."""
    layout, label_scheme = scan(root), folder_scheme(root, scheme)
    files: dict[str, SplitFile] = {}
    findings = []
    for split in layout.splits:
        try:
            files[split] = layout.read_split(split)
        except DataError as error:
            findings.append(Finding("split that cannot be opened", str(error)))
    stems: dict[str, Iterable[str]] = {split: file.stems for split, file in files.items()}
    stems["all"] = layout.images
    pairs = {split: layout.pairs(dict.fromkeys(names)) for split, names in stems.items()}
    splits = {split: PairedFiles(label_scheme, both) for split, both in pairs.items()}
    return dict(splits), [*findings, *_layout_findings(layout, files)]


def _open_splits(kind: type[Kind], root: Path, scheme: str | Path | Scheme | None) -> Splits:
    splits: dict[str, LabelledFiles] = {}
    findings = []
    for split in kind.splits(root) or ("all",):
        try:
            splits[split] = kind(root, split, scheme)
        except DataError as error:
            findings.append(Finding("split that cannot be opened", str(error)))
    if not splits:
        raise DataError(findings[0].text)
    return splits, findings


def _layout_findings(layout: Layout, files: Mapping[str, SplitFile]) -> Iterator[Finding]:
    for path in layout.clashes:
        yield Finding("pictures that share a label map", f"{path.name} and {layout.images[path.stem].name}")
    for path in layout.lossy:
        yield Finding("label map in a lossy format", f"{path.name}: label maps are PNG")
    for stem, path in layout.images.items():
        if stem not in layout.labels:
            yield Finding("picture without a label map", path.name, name=str(path))
    for stem, path in layout.labels.items():
        if stem not in layout.images:
            yield Finding("label map without a picture", path.name)
    for split, file in files.items():
        for name in file.absent:
            yield Finding("split names an absent picture", f"{split}.txt names {name}")
        for stem, times in Counter(file.stems).items():
            if times > 1:
                yield Finding("split names a picture twice", f"{split}.txt names {stem} {times} times")


def _file_findings(inspections: Mapping[str, Inspection], scheme: Scheme) -> Iterator[Finding]:
    for name, inspection in inspections.items():
        for fault in inspection.faults:
            yield Finding("unreadable file", fault, name=name)
        if inspection.sizes:
            yield Finding("picture and label map of different sizes", f"{name} {inspection.sizes}", name=name)
        try:
            scheme.check(np.flatnonzero(inspection.counts).astype(np.uint8), name)
        except LabelError as error:
            yield Finding("labels outside the scheme", str(error), name=name)
        if inspection.counts.any() and not inspection.counts[1:255].any():
            yield Finding("nothing labelled", f"{name}: background alone", wrong=False, name=name)


def _split_findings(members: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for name, splits in members.items():
        if len(set(splits)) > 1:
            yield Finding("picture in two splits", f"{name}: {', '.join(sorted(set(splits)))}", name=name)


def _sides(
    inspections: Mapping[str, Inspection], scheme: Scheme
) -> tuple[list[Finding], tuple[int, int], str]:
    """Return findings, (agree, contradict) counts of pictures, and the half on which left classes lie."""
    votes = {name: vote for name, inspection in inspections.items() if (vote := inspection.left_lies(scheme))}
    if not votes:
        return [], (0, 0), ""
    usual = 1 if sum(sum(vote.values()) for vote in votes.values()) >= 0 else -1
    half, other = ("right", "left") if usual == 1 else ("left", "right")
    findings = []
    for name, vote in votes.items():
        contrary = [label for label, side in vote.items() if side != usual]
        if contrary:
            text = f"{name}: {', '.join(contrary)} on the picture's {other}, elsewhere on its {half}"
            others = ", ".join(label for label in vote if label not in contrary)
            as_usual = f"; {others} as usual" if others else ""
            findings.append(Finding("left and right swapped", text + as_usual, name=name))
    contradict = len(findings)
    agree = len(votes) - contradict
    if {"subject": "right", "viewer": "left"}.get(scheme.left_means, half) != half:
        places = f"left classes lie on the picture's {half} half in {agree} of {len(votes)} pictures"
        meaning = f"scheme {scheme.name!r} says that left means the {scheme.left_means}'s"
        findings.append(Finding("the other left", f"{places}, but {meaning}"))
    return findings, (agree, contradict), half


def _copies(inspections: Mapping[str, Inspection], members: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    names = [name for name, inspection in inspections.items() if inspection.digest]
    by_digest: dict[bytes, list[str]] = defaultdict(list)
    for name in names:
        by_digest[inspections[name].digest].append(name)
    for same in by_digest.values():
        for other in same[1:]:
            across = _across(same[0], other, members)
            kind = "copy of a picture in another split" if across else "copy of a picture in the same split"
            yield Finding(kind, f"{other} is {same[0]}", wrong=across, name=other)
    thumbs = np.array([inspections[name].thumb for name in names], np.float32).reshape(len(names), THUMB**2)
    for first, second, mirrored in pairs_alike(thumbs):
        a, b = names[first], names[second]
        if inspections[a].digest != inspections[b].digest:
            how = "mirrored" if mirrored else "nearly the same"
            kind = f"resembles a picture in {'another' if _across(a, b, members) else 'the same'} split"
            yield Finding(kind, f"{b} and {a}: {how}", wrong=False, name=b)


def _across(a: str, b: str, members: Mapping[str, Sequence[str]]) -> bool:
    """Return whether two pictures are in different splits; a picture in no split does not count."""
    return bool(members[a] and members[b] and set(members[a]).isdisjoint(members[b]))
