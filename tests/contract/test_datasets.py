"""What every kind of data set holds to."""

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from faceparse.data import Dataset, kinds, open_dataset
from faceparse.data.dataset import dependencies
from faceparse.errors import ConfigError, DataError, FaceparseError
from tests.data import made


@dataclass(frozen=True)
class Case:
    make: Callable[[Path], Path]
    scheme: str
    given: str | None
    landmarks: int | None
    splits: dict[str, int]


CASES = {
    "folder": Case(made.folder, "celebamask19", "celebamask19", None, {"train": 4, "val": 1}),
    "celebamask-hq": Case(
        made.celebamask_hq, "maskgan19", "maskgan19", None, {"train": 1, "val": 1, "test": 1}
    ),
    "lapa": Case(made.lapa, "lapa11", None, 106, {"train": 2, "val": 1, "test": 1}),
    "helen": Case(made.helen, "helen11", None, 68, {"train": 2, "test": 1}),
    "facesynthetics": Case(made.facesynthetics, "synthface19", None, 70, {}),
    "webdataset": Case(made.webdataset, "celebamask19", None, None, {"train": 4, "val": 1}),
    "parquet": Case(made.parquet, "celebamask19", None, None, {"train": 4, "val": 1}),
}
every_kind = pytest.mark.parametrize("kind", sorted(CASES))


@pytest.fixture
def root(kind: str, tmp_path: Path) -> Path:
    return CASES[kind].make(tmp_path / "set")


@pytest.fixture
def dataset(kind: str, root: Path) -> Dataset:
    return open_dataset(kind, root, "all", CASES[kind].given)


def test_every_kind_is_tested() -> None:
    assert set(kinds()) == set(CASES)
    assert all(kind.title for kind in kinds().values())


@every_kind
def test_samples_are_numpy_in_a_scheme(kind: str, dataset: Dataset) -> None:
    assert dataset.scheme.name == CASES[kind].scheme
    assert len(dataset) == len(dataset.names) == len(set(map(str, dataset.names))) > 1
    for index, sample in enumerate(dataset):
        assert sample.name == str(dataset.names[index])
        assert sample.image.dtype == sample.labels.dtype == np.uint8
        assert sample.image.shape == (*sample.labels.shape, 3)
        dataset.scheme.check(sample.labels)
        assert len(np.unique(sample.labels)) > 2
        assert (dataset.labels(index) == sample.labels).all()
        points = CASES[kind].landmarks
        assert (sample.landmarks is None) == (points is None)
        if sample.landmarks is not None:
            assert sample.landmarks.dtype == np.float64
            assert sample.landmarks.shape == (points, 2)
    with pytest.raises(IndexError):
        dataset[len(dataset)]


@every_kind
def test_it_says_which_files_a_sample_is_made_of(kind: str, dataset: Dataset) -> None:
    for index, sample in enumerate(dataset):
        first, *rest = dependencies(dataset, index)
        assert isinstance(first, Path)
        assert (
            str(first / str(rest[0])) == sample.name
            if isinstance(rest[0], str)
            else str(first) == sample.name
        )
        assert len({first, *rest}) == 1 + len(rest) > 1
        assert all(file.is_file() for file in (first, *rest) if isinstance(file, Path))


@every_kind
def test_splits_are_disjoint_and_make_up_everything(kind: str, root: Path, dataset: Dataset) -> None:
    case = CASES[kind]
    assert dict.fromkeys(kinds()[kind].splits(root), 0) == dict.fromkeys(case.splits, 0)
    seen: list[str] = []
    for split, count in case.splits.items():
        part = open_dataset(kind, root, split, case.given)
        assert len(part) == count
        seen += map(str, part.names)
    if case.splits:
        assert sorted(seen) == sorted(map(str, dataset.names))
    with pytest.raises(DataError, match="nope"):
        open_dataset(kind, root, "nope", case.given)


@every_kind
def test_it_travels_to_worker_processes(kind: str, dataset: Dataset) -> None:
    for other in (copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
        assert (other[1].image == dataset[1].image).all()
        assert other.scheme == dataset.scheme


def _files(root: Path) -> Iterator[Path]:
    return (p for p in sorted(root.rglob("*")) if p.is_file())


@every_kind
def test_reading_leaves_the_files_alone(kind: str, root: Path, dataset: Dataset) -> None:
    before = {p: p.read_bytes() for p in _files(root)}
    list(dataset)
    assert {p: p.read_bytes() for p in _files(root)} == before


def _fault(kind: str, root: Path) -> str:
    try:
        list(open_dataset(kind, root, "all", CASES[kind].given))
    except FaceparseError as error:
        return str(error)
    return ""


NOT_READ = {
    "folder": ("train.txt", "val.txt"),
    "celebamask-hq": ("list_eval_partition.txt", "CelebA-HQ-to-CelebA-mapping.txt"),
    "helen": ("_viz.jpg", "test_resize/30427236_1_image.jpg", "test_resize/30427236_1_label.png"),
    "webdataset": ("dataset.json",),
    "parquet": ("dataset.json",),
}
"""Files of a layout that `all` has no use for."""


@every_kind
@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\nno", None], ids=["empty", "garbage", "cut short"]
)
def test_a_malformed_file_is_one_line_that_names_it(kind: str, root: Path, content: bytes | None) -> None:
    for path in _files(root):
        if path.as_posix().endswith(NOT_READ.get(kind, ())):
            continue
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 3] if content is None else content)
        said = _fault(kind, root)
        assert path.name in said, f"{path}: {said}"
        assert "\n" not in said
        path.write_bytes(whole)


@every_kind
def test_what_is_no_such_data_set_is_one_line(kind: str, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError) as caught:
            open_dataset(kind, root, "all", CASES[kind].given)
        assert str(root) in str(caught.value)
        assert "\n" not in str(caught.value)


@every_kind
def test_another_scheme_is_refused_where_it_is_known(kind: str, root: Path) -> None:
    if CASES[kind].given is None:
        with pytest.raises(DataError, match=f"in scheme {CASES[kind].scheme}, not face2"):
            open_dataset(kind, root, "all", "face2")


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(ConfigError, match="no kind of data set 'x'; there are celebamask-hq, facesynthetics"):
        open_dataset("x", ".", "all")
