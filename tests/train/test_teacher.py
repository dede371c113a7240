"""Soft labels of a trained model."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.data import FolderDataset  # noqa: E402
from faceparse.data.unlabelled import Concatenated, Unlabelled  # noqa: E402
from faceparse.errors import ConfigError, DataError, LabelError, WeightsError  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.train.fit import fit, prepare  # noqa: E402
from faceparse.train.settings import read_settings  # noqa: E402
from faceparse.train.teacher import Teacher, TeacherSettings  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
CELEB = scheme("celebamask19")


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher(TeacherSettings("default", weight=0.5, temperature=3), CELEB)


def test_soft_labels_are_probabilities(teacher: Teacher) -> None:
    image = torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8)
    found = teacher.probabilities(image)
    assert found.shape == (2, 19, 48, 64)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 48, 64))


def test_soft_labels_add_up_in_a_coarser_scheme(teacher: Teacher) -> None:
    lapa = scheme("lapa11")
    image = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    fine = teacher.probabilities(image)
    coarse = Teacher(TeacherSettings("default", temperature=3), lapa).probabilities(image)
    lips = fine[:, CELEB.id("hair")]
    kept = coarse[:, lapa.id("hair")]
    # What the coarser scheme ignores is left out of both numerator and sum.
    assert float((kept - lips).min()) >= -1e-5
    torch.testing.assert_close(coarse.sum(1), torch.ones(1, 32, 32))


def test_the_loss_is_weighted_kullback_leibler(teacher: Teacher) -> None:
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(19), (1, 2, 2)).transpose(0, 3, 1, 2)
    logits = rng.normal(size=(1, 19, 2, 2))
    p = np.exp(logits / 3) / np.exp(logits / 3).sum(1, keepdims=True)
    expected = 0.5 * 9 * (q * np.log(q / p)).sum(1).mean()
    got = teacher.loss(torch.tensor(logits), torch.tensor(q, dtype=torch.float32))
    assert float(got) == pytest.approx(expected, rel=1e-4)


def test_a_student_that_agrees_costs_nothing(teacher: Teacher) -> None:
    logits = torch.randn(1, 19, 4, 4)
    assert float(teacher.loss(logits, (logits / 3).softmax(1))) == pytest.approx(0, abs=1e-5)


def words(root: Path, output: Path, *more: str) -> list[str]:
    return [
        "--recipe", "default", "--data.root", str(root), "--data.scheme", "celebamask19", "--data.workers", "0",
        "--output", str(output), "--batch_size", "2", "--sizes", "[[0, 64]]", "--epochs", "1", "--tensorboard", "false",
        *more,
    ]  # fmt: skip


def test_a_run_learns_from_unlabelled_pictures_too(made_faces: Path, tmp_path: Path) -> None:
    more = ["--teacher.model", "default", "--data.unlabelled", str(made_faces / "images")]
    assert fit(read_settings(words(made_faces, tmp_path / "run", *more))).is_file()


@pytest.mark.parametrize(
    ("more", "kind", "message"),
    [
        (["--data.unlabelled", "."], ConfigError, "needs a teacher"),
        (["--teacher.model", "nobody"], WeightsError, "nobody"),
        (["--teacher.model", "default", "--teacher.weight", "0"], ConfigError, "above 0"),
        (["--teacher.model", "default", "--scheme", "spots.yaml"], LabelError, "celebamask19 to spots"),
    ],
)
def test_what_is_wrong_is_one_line(
    made_faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    kind: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spots.yaml").write_text("classes: [background, spot]\n")
    with pytest.raises(kind, match=message) as caught:
        fit(read_settings(words(made_faces, tmp_path / "run", *more)))
    assert "\n" not in str(caught.value)


def test_joined_data_sets_keep_order_and_names(made_faces: Path, tmp_path: Path) -> None:
    labelled = FolderDataset(made_faces, "all", "celebamask19")
    joined = Concatenated(labelled, Unlabelled(made_faces / "images", CELEB))
    assert len(joined) == len(joined.names) == 8
    assert (joined[1].labels == labelled[1].labels).all()
    assert (joined[5].labels == 255).all()
    assert (joined[5].image == labelled[1].image).all()
    with pytest.raises(DataError, match="one scheme"):
        Concatenated(labelled, Unlabelled(made_faces / "images", scheme("lapa11")))
    with pytest.raises(DataError, match="no picture"):
        Unlabelled(tmp_path / "none", CELEB)


def test_a_network_may_be_read_as_the_teacher_s_classes_convert(made_faces: Path, tmp_path: Path) -> None:
    """FCN-8s' twenty channels are read as face, and a teacher of 19 classes knows what face is."""
    words = ["--scheme", "voc21-face", "--data.scheme", "celebamask19", "--sizes", "[[0, 64]]", "--rare", "0"]
    module, data = prepare(
        read_settings(
            ["--recipe", "default", "--data.root", str(made_faces), "--data.workers", "0", "--batch_size", "2",
             "--teacher.model", "default", *words]
        )
    )  # fmt: skip
    batch = next(iter(data.train_dataloader()))
    assert int(batch.labels[batch.labels != 255].max()) == 1
    assert torch.isfinite(module.loss(batch.image, batch.labels.long()))
