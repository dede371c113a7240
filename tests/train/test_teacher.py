"""Soft labels of a trained model."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.data import FolderDataset  # noqa: E402
from faceparse.data.derived import Concatenated  # noqa: E402
from faceparse.data.unlabelled import Unlabelled  # noqa: E402
from faceparse.engines import open_engine  # noqa: E402
from faceparse.errors import ConfigError, DataError, LabelError, WeightsError  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.train.fit import fit, prepare  # noqa: E402
from faceparse.train.settings import read_settings  # noqa: E402
from faceparse.train.teacher import Teacher, Teachers, TeacherSettings  # noqa: E402
from tests.train.conftest import make_teacher, two_of_each  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
CELEB = scheme("celebamask19")


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher(TeacherSettings("default", weight=0.5, temperature=3), CELEB)


def test_soft_labels_are_probabilities(teacher: Teacher) -> None:
    image = torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8)
    found = teacher.probabilities(teacher.answer(image))
    assert found.shape == (2, 19, 12, 16)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 12, 16))


def test_soft_labels_add_up_in_a_coarser_scheme(teacher: Teacher) -> None:
    lapa = scheme("lapa11")
    answer = teacher.answer(torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8))
    fine = teacher.probabilities(answer)
    coarse = Teacher(TeacherSettings("default", temperature=3), lapa).probabilities(answer)
    hair, kept = fine[:, CELEB.id("hair")], coarse[:, lapa.id("hair")]
    # What the coarser scheme ignores is left out of both numerator and sum.
    assert float((kept - hair).min()) >= -1e-5
    torch.testing.assert_close(coarse.sum(1), torch.ones(1, 8, 8))


def some_logits() -> tuple[Any, Any]:
    """A teacher's answer and a network's logits, 2 × 2 pixels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(1, 19, 2, 2)), rng.normal(size=(1, 19, 2, 2))


def softened(logits: Any) -> Any:
    p = np.exp(logits / 3)
    return p / p.sum(1, keepdims=True)


def test_the_loss_is_weighted_kullback_leibler(teacher: Teacher) -> None:
    answer, logits = some_logits()
    q, p = softened(answer), softened(logits)
    each = (q * np.log(q / p)).sum(1)
    tensors = torch.tensor(logits), torch.tensor(answer, dtype=torch.float32)
    assert float(teacher.loss(*tensors)) == pytest.approx(0.5 * 9 * each.mean(), rel=1e-4)
    genuine = torch.tensor([[[True, False], [False, True]]])
    kept = each[0][[0, 1], [0, 1]].mean()
    assert float(teacher.loss(*tensors, genuine)) == pytest.approx(0.5 * 9 * kept, rel=1e-4)
    assert float(teacher.loss(*tensors, torch.zeros(1, 2, 2, dtype=torch.bool))) == 0


def test_a_bounded_teacher_counts_all_else_as_one_class() -> None:
    bounded = Teacher(TeacherSettings("default", temperature=3, classes=("hair", "lips")), CELEB)
    answer, logits = some_logits()
    ids = [*CELEB.ids("lips"), CELEB.id("hair")]
    q, p = (
        np.concatenate([x[:, ids], 1 - x[:, ids].sum(1, keepdims=True)], 1)
        for x in map(softened, (answer, logits))
    )
    expected = 9 * (q * np.log(q / p)).sum(1).mean()
    got = bounded.loss(torch.tensor(logits), torch.tensor(answer, dtype=torch.float32))
    assert float(got) == pytest.approx(expected, rel=1e-3)


def test_a_student_that_agrees_costs_nothing(teacher: Teacher) -> None:
    logits = torch.randn(1, 19, 4, 4)
    assert float(teacher.loss(logits, logits)) == pytest.approx(0, abs=1e-5)


def test_a_pytorch_teacher_answers_as_its_engine_does(tmp_path: Path) -> None:
    """Without NumPy in between; a quarter of the sides is this network's own grid, but for the way there and back."""
    file = make_teacher(tmp_path / "own.safetensors")
    own = Teacher(TeacherSettings(str(file), size=64), CELEB)
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "numpy", None)
        answer = own.answer(image)
    engine = open_engine(file)
    logits = engine.run({"image": engine.card.input.normalise(image[0].permute(1, 2, 0).numpy())})["logits"]
    torch.testing.assert_close(answer, torch.from_numpy(logits), rtol=0, atol=0.02)


class Sure:
    """Stands for a teacher that is sure of one class."""

    def __init__(self, label: int, confidence: float, weight: float = 1.0) -> None:
        self.weight, self.asked = weight, 0
        self._p = torch.full((19,), (1 - confidence) / 18)
        self._p[label] = confidence

    def answer(self, image: Any) -> Any:
        self.asked += len(image)
        return self._p[None, :, None, None].expand(len(image), 19, 4, 4)

    def probabilities(self, answer: Any, temperature: float) -> Any:
        return answer


@pytest.mark.parametrize(
    ("first", "second", "filled"),
    [
        (Sure(1, 0.9), Sure(1, 0.7), 1),  # both say skin
        (Sure(1, 0.9), Sure(1, 0.5), None),  # one is not sure
        (Sure(1, 0.9), Sure(14, 0.9), None),
        (Sure(17, 0.9), Sure(17, 0.9), None),  # hair, which the label excludes
    ],
)
def test_an_open_label_is_filled_in_where_teachers_agree(first: Any, second: Any, filled: int | None) -> None:
    may_be = [i for i in range(19) if i != CELEB.id("hair")]
    teachers = Teachers({}, CELEB, 0.6, [may_be])
    second.weight = 0
    teachers._teachers = [first, second]
    labels = torch.tensor([[[19, 19], [17, 255]], [[3, 3], [3, 3]]])
    settled, answers = teachers.look(torch.zeros(2, 3, 2, 2, dtype=torch.uint8), labels)
    expected = labels.clone()
    if filled is not None:
        expected[0, 0] = filled
    assert torch.equal(settled, expected)
    assert (labels[0, 0] == 19).all(), "the batch stays"
    assert len(answers) == 1
    assert second.asked == 1, "one without a weight is asked about pictures with open labels alone"


def words(root: Path, output: Path, *more: str) -> list[str]:
    return [
        "--recipe", "default", "--data.root", str(root), "--data.scheme", "celebamask19", "--data.workers", "0",
        "--output", str(output), "--batch_size", "2", "--sizes", "[[0, 64]]", "--epochs", "1", "--tensorboard", "false",
        *more,
    ]  # fmt: skip


def test_a_run_learns_from_unlabelled_pictures_too(made_faces: Path, tmp_path: Path) -> None:
    more = ["--teachers.a.model", "default", "--data.unlabelled", str(made_faces / "images")]
    assert fit(read_settings(words(made_faces, tmp_path / "run", *more))).is_file()


@pytest.mark.parametrize(
    ("more", "kind", "message"),
    [
        (["--data.unlabelled", "."], ConfigError, "needs a teacher"),
        (["--teachers.a.model", "nobody"], WeightsError, "nobody"),
        (
            ["--teachers.a.model", "default", "--teachers.a.classes", "tail"],
            LabelError,
            "no class or group 'tail'",
        ),
        (["--teachers.a.model", "default", "--scheme", "spots.yaml"], LabelError, "celebamask19 to spots"),
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
             "--teachers.a.model", "default", *words]
        )
    )  # fmt: skip
    batch = next(iter(data.train_dataloader()))
    assert int(batch.labels[batch.labels != 255].max()) == 1
    assert torch.isfinite(module.loss(batch))


def test_two_data_sets_partial_labels_and_two_teachers(made_faces: Path, tmp_path: Path) -> None:
    options = two_of_each(tmp_path)
    best = fit(read_settings(words(made_faces, tmp_path / "run", "--epochs", "2", *options)))
    assert torch.load(best.parent / "last.ckpt", weights_only=True)["global_step"] >= 4
    rows = list(csv.DictReader((best.parent / "log" / "metrics.csv").open()))
    assert all(np.isfinite(float(row["train/loss"])) for row in rows if row["train/loss"])


def test_each_of_them_shapes_what_is_learned(made_faces: Path, tmp_path: Path) -> None:
    """Without a teacher's weight, or without agreement, the same batch costs something else."""
    options = words(made_faces, tmp_path / "run", *two_of_each(tmp_path), "--rare", "0")
    losses = []
    for more in ([], ["--teachers.own.weight", "0"], ["--teachers.box.weight", "0"], ["--agree", "1"]):
        module, data = prepare(read_settings([*options, *more]))
        module.eval()
        batches = list(data.train_dataloader())
        batch = next(b for b in batches if ((b.labels > 18) & (b.labels < 255)).any())
        with torch.no_grad():
            losses.append(float(module.loss(batch)))
    assert len(set(losses)) == 4
