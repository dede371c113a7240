"""Jobs in several processes with Ray: nothing is lost or doubled, whatever dies."""

import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from faceparse.errors import ConfigError, EngineError
from faceparse.scale import Parse, Run, Workers
from faceparse.scale.destination import FORMS
from faceparse.scale.place import Place
from faceparse.scale.session import ray_session
from tests.scale.conftest import Deadly, fake_parse

pytest.importorskip("ray")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # of Ray

TWO = Workers(actors=2, batch=4)


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """Ray for all runs of this file, because its start takes seconds."""
    with ray_session(TWO):
        yield


def rows(folder: Path, form: str = "parquet") -> list[dict[str, Any]]:
    found = []
    for name, _ in Place.of(folder).entries():
        if name.startswith("rows-"):
            with (Place.of(folder) / name).open() as file:
                found += list(FORMS[form].read(file))
    return found


def all_keys(photos: Path) -> list[str]:
    return sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.*"))


def test_a_bad_picture_and_a_worker_that_dies_lose_and_double_nothing(
    ray: None, photos: Path, tmp_path: Path
) -> None:
    parse = fake_parse(Deadly(tmp_path / "died"))
    run = Run(str(photos), str(tmp_path / "out"), parse, workers=TWO, recursive=True)
    assert [*run][-1] == run.total == 13
    assert (tmp_path / "died").exists()
    found = rows(tmp_path / "out")
    assert sorted(row["key"] for row in found) == all_keys(photos)
    assert {row["key"]: row["error"] for row in found if row["error"]}.keys() == {"bad.jpg"}
    assert run.summary.counts == Counter(written=12, failed=1)
    assert run.summary.reasons("failed")[0][0].startswith("cannot read …: it is not a picture")


def test_a_picture_that_kills_each_worker_is_a_row_with_an_error(
    ray: None, photos: Path, tmp_path: Path
) -> None:
    run = Run(str(photos), str(tmp_path), fake_parse(Deadly()), workers=TWO, recursive=True, form="tars")
    list(run)
    found = rows(tmp_path, "tars")
    assert sorted(row["key"] for row in found) == all_keys(photos)
    errors = {row["key"]: row["error"] for row in found if row["error"]}
    assert errors.keys() == {"bad.jpg", "white.png"}
    assert "3 processes that parsed it died" in errors["white.png"]


def test_a_stopped_run_goes_on_where_it_ended(ray: None, photos: Path, tmp_path: Path) -> None:
    def run() -> Run:
        return Run(str(photos), str(tmp_path), fake_parse(), workers=TWO, recursive=True, rows=3)

    first = run()
    for _ in first:
        first.stop.set()
    there = len(rows(tmp_path))
    assert 0 < there < 13
    second = run()
    list(second)
    assert sorted(row["key"] for row in rows(tmp_path)) == all_keys(photos)
    assert second.summary.counts["skipped"] == there
    assert second.total == 13 - there
    third = run()
    assert list(third) == []


def test_tables_and_tars_are_sources_again(ray: None, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.jpg").unlink()
    source = photos
    for number, form in enumerate(("parquet", "tars", "parquet")):
        output, parse = tmp_path / str(number), fake_parse(keep_images=True)
        run = Run(str(source), str(output), parse, form=form, workers=TWO, recursive=True, rows=5)
        list(run)
        found = rows(output, form)
        assert len(found) == len({row["key"] for row in found}) == run.summary.counts["written"] == 12
        assert all(row["image"].startswith(b"\x89PNG") and row["masks"] for row in found)
        source = output


def test_a_model_that_no_worker_can_load_is_one_line(
    ray: None, photos: Path, tmp_path: Path, tiny_path: Path
) -> None:
    parse = Parse(tiny_path, device="cuda", faces="whole", scheme=None)
    with pytest.raises(EngineError, match="cuda"):
        list(Run(str(photos), str(tmp_path), parse, workers=TWO))


def test_a_tar_without_a_picture_makes_an_empty_run(ray: None, tmp_path: Path) -> None:
    tarfile.open(tmp_path / "a.tar", "w").close()
    run = Run(str(tmp_path / "a.tar"), str(tmp_path / "out"), fake_parse(), workers=TWO)
    assert list(run) == []
    assert rows(tmp_path / "out") == []


def test_more_gpus_than_there_are_is_one_line(ray: None, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2 processes with 64 GPUs each do not fit"):
        list(Run(str(photos), str(tmp_path), fake_parse(), workers=Workers(actors=2, gpus=64)))


def test_a_killed_command_goes_on_where_it_ended(photos: Path, tmp_path: Path, tiny_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "faceparse",
        "scale",
        str(photos),
        "-o",
        str(tmp_path / "out"),
        "--recursive",
    ]
    command += ["--model", str(tiny_path), "--faces", "whole", "--scheme", "celebamask19"]
    command += ["--actors", "1", "--batch-size", "1", "--rows", "1"]
    with TemporaryDirectory() as folder:  # in which the killed command leaves Ray's files
        env = {**os.environ, "TMPDIR": folder, "COLUMNS": "200"}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        while not list((tmp_path / "out").glob("rows-*")) and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        process.kill()
        process.wait()
        there = len(rows(tmp_path / "out"))
        assert there > 0
        result = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert result.returncode in (0, 1)  # one picture is bad, before the kill or after it
    assert sorted(row["key"] for row in rows(tmp_path / "out")) == all_keys(photos)
    assert f"{there} skipped" in result.stdout
    assert result.stderr == ""
