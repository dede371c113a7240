"""Which pictures an epoch shows, and in what batches."""

from pathlib import Path

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
from faceparse.train.sampling import EpochSampler, labels_present, repeat_factors  # noqa: E402
from faceparse.weights.preprocessing import Preprocessing  # noqa: E402

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


def test_epochs_differ_and_repeat(made_faces: Path) -> None:
    sampler = EpochSampler(np.ones(50), seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert first == list(sampler)
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
        sampler = EpochSampler(factors, 7, size, rank, of)
        sampler.set_epoch(epoch)
        assert len(list(sampler)) == len(sampler)
        return list(sampler)

    shares = [draws(batch, rank, processes) for rank in range(processes)]
    assert len({len(s) for s in shares}) == 1, "processes step together"
    whole = draws(batch * processes, 0, 1)
    if len(whole) >= batch * processes:
        for step in range(len(whole) // (batch * processes)):
            together = [d for s in shares for d in s[step * batch : (step + 1) * batch]]
            assert together == whole[step * batch * processes : (step + 1) * batch * processes]


def test_skipping_leaves_out_what_was_seen_of_that_epoch_alone() -> None:
    sampler = EpochSampler(np.ones(10), 0, 2)
    sampler.set_epoch(3)
    whole = list(sampler)
    sampler.skip(3, 4)
    assert list(sampler) == whole[4:]
    sampler.set_epoch(4)
    assert len(list(sampler)) == 10


def made(root: Path, workers: int, split: str = "all") -> ParsingData:
    data = FolderDataset(root, split, "celebamask19")
    return ParsingData(
        data,
        data,
        CELEB,
        sizes=[(0, 64)],
        how=Augmentation(scene=0.5, occlude=0.5),
        preprocessing=Preprocessing((64, 64)),
        rare=0,
        batch_size=2,
        workers=workers,
        seed=5,
    )


@pytest.mark.filterwarnings("ignore")
def test_worker_count_does_not_matter(made_faces: Path) -> None:
    def batches(workers: int) -> list[Batch]:
        return list(made(made_faces, workers).train_dataloader())

    for a, b in zip(batches(0), batches(2), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_validation_counts_every_picture_once(made_faces: Path, processes: int) -> None:
    from faceparse.train.datamodule import _Shares

    shares = [list(_Shares(4, rank, processes)) for rank in range(processes)]
    assert len({len(s) for s in shares}) == 1
    assert sorted(i for s in shares for i in s if i >= 0) == [0, 1, 2, 3]


def test_filling_counts_nothing(made_faces: Path) -> None:
    loader = made(made_faces, 0).val_dataloader()
    assert (loader.dataset[-1].labels == 255).all()
    assert not (loader.dataset[0].labels == 255).any()
