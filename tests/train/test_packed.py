"""Training on packed data sets is training on the folder that was packed."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.pack import pack  # noqa: E402
from tests.train.test_train_command import at_second_step, run, terminate  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(("form", "kind"), [("tars", "webdataset"), ("parquet", "parquet")])
def test_a_run_that_is_broken_off_and_resumed_is_the_same(
    form: str, kind: str, made_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    (made_faces / "val.txt").write_text("2\n")
    pack(made_faces, tmp_path / "packed", form, scheme="celebamask19")
    assert run(made_faces, tmp_path / "plain") == 0
    words = (tmp_path / "packed", tmp_path / "run", "--data.kind", kind, "--data.workers", "2")
    with monkeypatch.context() as patch:
        at_second_step(patch, terminate)
        assert run(*words) == 143
    assert run(*words, "--resume", str(tmp_path / "run" / "last.ckpt")) == 0
    plain, packed = (
        torch.load(tmp_path / name / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("plain", "run")
    )
    assert all((plain[key] == packed[key]).all() for key in plain)
