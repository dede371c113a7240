"""Which pictures an epoch shows, and in what batches."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.data import FolderDataset  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.train.augment import Augmentation  # noqa: E402
from faceparse.train.datamodule import Batch, ParsingData  # noqa: E402
from faceparse.train.sampling import (  # noqa: E402
    Draw,
    EpochSampler,
    labels_present,
    repeat_factors,
    validation_shares,
)
from faceparse.train.settings import DataSettings, FurtherData, Settings  # noqa: E402
from faceparse.train.teacher import TeacherSettings  # noqa: E402
from tests.train.conftest import make_hair  # noqa: E402

pytestmark = pytest.mark.torch
CELEB = scheme("celebamask19")


def test_rare_classes_are_shown_more_often(made_faces: Path) -> None:
    data = FolderDataset(made_faces, "all", "celebamask19")
    factors = repeat_factors(labels_present(data), 1.0)
    assert factors.tolist() == pytest.approx([1, 1, 1, 2])  # the hat is in one of four pictures
    sampler = EpochSampler(factors, seed=0)
    counts = np.bincount([d.sample for d in sampler], minlength=4)
    assert counts.tolist() == [1, 1, 1, 2]
    assert repeat_factors(labels_present(data), 0).tolist() == [1, 1, 1, 1]


def test_epochs_differ_and_repeat() -> None:
    first, second, again = (list(EpochSampler(np.ones(50), 3, epoch)) for epoch in (0, 1, 0))
    assert first == again
    assert [d.sample for d in first] != [d.sample for d in second]
    assert sorted(d.sample for d in second) == list(range(50))


@given(
    st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.sampled_from([1.0, 1.7])
)
def test_processes_share_one_process_s_batches(
    count: int, batch: int, processes: int, epoch: int, factor: float
) -> None:
    """Batch for batch, what several processes draw together is what one draws with as large a batch."""
    factors = np.full(count, factor)

    def draws(size: int, rank: int, of: int) -> list[object]:
        sampler = EpochSampler(factors, 7, epoch, 0, size, rank, of)
        assert len(list(sampler)) == len(sampler)
        return list(sampler)

    shares = [draws(batch, rank, processes) for rank in range(processes)]
    assert len({len(s) for s in shares}) == 1, "processes step together"
    whole = draws(batch * processes, 0, 1)
    if len(whole) >= batch * processes:
        for step in range(len(whole) // (batch * processes)):
            together = [d for s in shares for d in s[step * batch : (step + 1) * batch]]
            assert together == whole[step * batch * processes : (step + 1) * batch * processes]


def test_an_epoch_goes_on_after_the_draws_that_are_done() -> None:
    whole = EpochSampler(np.ones(10), 0, 3, batch_size=2)
    rest = EpochSampler(np.ones(10), 0, 3, 4, batch_size=2)
    assert list(rest) == list(whole)[4:]
    assert len(rest) == len(whole) == 10, "Lightning counts an epoch's steps by it"


def test_only_the_epoch_that_was_broken_off_begins_after_them(made_faces: Path) -> None:
    data = made(made_faces, 0)
    data.load_state_dict({"epoch": 0, "batches": 1})
    assert len(list(data.train_dataloader())) == 1
    data.load_state_dict({"epoch": 1, "batches": 1})
    assert len(list(data.train_dataloader())) == 2


def parsing_data(root: Path, how: Augmentation, **options: Any) -> ParsingData:
    """All pictures of a folder for training and validation, at 64 px."""
    names = {f.name for f in fields(DataSettings)}
    data: dict[str, Any] = {"scheme": "celebamask19", "train": "all", "val": "all", "workers": 0}
    data |= {name: options.pop(name) for name in set(options) & names}
    settings = Settings(DataSettings(root, **data), sizes=[(0, 64)], augmentation=how, **options)
    return ParsingData(settings, scheme(settings.scheme))


def made(root: Path, workers: int) -> ParsingData:
    how = Augmentation(scene=0.5, occlude=0.5)
    return parsing_data(root, how, workers=workers, batch_size=2, seed=5)


@pytest.mark.filterwarnings("ignore")
def test_worker_count_does_not_matter(made_faces: Path) -> None:
    def batches(workers: int) -> list[Batch]:
        return list(made(made_faces, workers).train_dataloader())

    for a, b in zip(batches(0), batches(2), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_validation_counts_every_picture_once(processes: int) -> None:
    shares = [validation_shares(4, rank, processes) for rank in range(processes)]
    assert len({len(s) for s in shares}) == 1
    assert sorted(i for s in shares for i in s if i >= 0) == [0, 1, 2, 3]


def test_filling_counts_nothing(made_faces: Path) -> None:
    loader = made(made_faces, 0).val_dataloader()
    assert (loader.dataset[-1].labels == 255).all()
    assert not (loader.dataset[0].labels == 255).any()


def test_data_sets_of_other_schemes_have_their_shares(made_faces: Path, tmp_path: Path) -> None:
    hair = FurtherData(make_hair(tmp_path / "hair"), 0.5, scheme="hair2", train="all")
    teachers = {"a": TeacherSettings("default")}
    how = Augmentation(scene=1, paste=1)
    data = parsing_data(made_faces, how, also={"hair": hair}, teachers=teachers, batch_size=4, seed=1)
    batches = list(data.train_dataloader())
    samples = torch.cat([b.sample for b in batches])
    assert (samples >= 4).sum() == 4, "half of the samples are the other data set's"
    assert len(data.train.names) == 10
    (may_be,) = data.open_classes
    assert may_be == [i for i in range(19) if i != CELEB.id("hair")]
    for batch in batches:
        for labels, place in zip(batch.labels, batch.sample.tolist(), strict=True):
            present = set(labels.unique().tolist()) - {255}
            assert present <= ({19, CELEB.id("hair")} if place >= 4 else set(range(19)))
        assert batch.clean.shape == batch.image.shape
        assert batch.genuine.dtype == torch.bool
        assert batch.genuine.shape == batch.labels.shape
    assert len(made(made_faces, 0).train_dataloader().dataset[Draw(0, 0, 0)].clean) == 0, "nobody teaches"


def test_unlabelled_pictures_are_no_portraits_to_paste_into_and_make_no_class_rare(made_faces: Path) -> None:
    """Their framing is not known, and a class is as rare as among the pictures that have labels."""
    teachers = {"a": TeacherSettings("default")}
    how = Augmentation(scene=1, paste=1)
    data = parsing_data(
        made_faces, how, unlabelled=made_faces / "images", teachers=teachers, rare=1.0, batch_size=3
    )
    assert data._factors.tolist() == pytest.approx([1, 1, 1, 2, 1, 1, 1, 1])
    batches = list(data.train_dataloader())
    labels, samples = (torch.cat([getattr(b, name) for b in batches]) for name in ("labels", "sample"))
    assert (labels[samples >= 4] == 255).all()
    assert torch.cat([b.genuine for b in batches])[samples >= 4].any(), "teachers label them"


def test_every_nth_is_a_split(made_faces: Path) -> None:
    val, train = (
        FolderDataset(made_faces, split, "celebamask19").names for split in ("every-3", "not-every-3")
    )
    assert [Path(n).stem for n in val] == ["0", "3"]
    assert [Path(n).stem for n in train] == ["1", "2"]


def test_a_network_may_learn_the_merging_scheme_itself(made_faces: Path, tmp_path: Path) -> None:
    hair = make_hair(tmp_path / "hair")
    more = FurtherData(hair, 0.5, scheme="hair2", train="all")
    data = parsing_data(
        made_faces, Augmentation(), scheme="celebamask19", also={"hair": more}, batch_size=4, seed=1
    )
    data = ParsingData(replace(data._settings, scheme="hair2"), scheme("hair2"))
    assert data.open_classes == []
    assert {int(v) for b in data.train_dataloader() for v in b.labels.unique()} <= {0, 1, 255}
