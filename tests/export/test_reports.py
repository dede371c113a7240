"""Figures of a network and of its export on the same labelled pictures."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse.data import open_dataset
from faceparse.export import export_onnx, export_reports, load_source
from tests.data import made

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("form", ["network", "picture"])
def test_a_file_scores_as_its_network_does(tiny_path: Path, tmp_path: Path, form: str) -> None:
    data = open_dataset("folder", made.folder(tmp_path / "faces", 3), "all", "celebamask19")
    network, card = load_source(tiny_path)
    exported = export_onnx(network, card, tmp_path / "again.onnx", form=form)
    seen: list[tuple[str, int, int]] = []
    before, after = export_reports(network, card, exported, data, lambda *step: seen.append(step))
    assert before.names == after.names
    assert before.mean_f1 == pytest.approx(after.mean_f1, abs=1)
    assert seen == [(what, done, 3) for what in ("before", "after") for done in (1, 2, 3)]
