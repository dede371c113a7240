"""Which picture goes where, and the pool that does the work."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.errors import ConfigError, ImageError, OutputError
from faceparse.results import Parsing
from faceparse.runtime import read_picture
from faceparse.runtime.folder import Job, find_jobs, run_jobs
from faceparse.writers import WRITERS, writers

ENDINGS = [e for w in WRITERS.values() for e in w.endings]


def pictures(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(root / name)
    return root


def stems(jobs: list[Job], output: Path) -> dict[str, str]:
    return {j.source.name: str(j.stem.relative_to(output)) for j in jobs}


def parse(path: Path) -> Parsing:
    image = read_picture(path)
    return Parsing.from_labels(image, np.full(image.shape[:2], 1, np.uint8), "celebamask19")


def test_paths_inside_the_folder_are_kept(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "sub/b.png", "sub/deep/c.webp")
    (root / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    assert stems(find_jobs([root], out, ENDINGS), out) == {"a.jpg": "a"}
    found = find_jobs([root], out, ENDINGS, recursive=True)
    assert stems(found, out) == {"a.jpg": "a", "b.png": "sub/b", "c.webp": "sub/deep/c"}


def test_colliding_stems_keep_their_extension(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "a.png", "b.jpg")
    out = tmp_path / "out"
    found = find_jobs([root], out, ENDINGS)
    assert stems(found, out) == {"a.jpg": "a.jpg", "a.png": "a.png", "b.jpg": "b"}
    assert {j.targets(WRITERS["mask"]())[0].name for j in found} == {
        "a.jpg_mask.png",
        "a.png_mask.png",
        "b_mask.png",
    }


def test_dots_in_names_are_kept(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "v1.2 final.jpg")
    job = find_jobs([root], tmp_path / "out", ENDINGS)[0]
    assert job.targets(WRITERS["mask"]())[0].name == "v1.2 final_mask.png"


def test_own_outputs_are_not_taken_for_pictures(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "b_mask.png")  # b_mask.png belongs to no picture here
    writer = writers(["mask", "overlay", "panel"])
    list(run_jobs(find_jobs([root], root, ENDINGS), parse, writer))
    assert stems(find_jobs([root], root, ENDINGS), root) == {"a.jpg": "a", "b_mask.png": "b_mask"}
    inner = root / "out"
    list(run_jobs(find_jobs([root], inner, ENDINGS), parse, writer))
    assert len(find_jobs([root], inner, ENDINGS, recursive=True)) == 2


def test_same_name_from_two_places_is_refused(tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", "a.jpg")
    two = pictures(tmp_path / "two", "a.jpg")
    with pytest.raises(ConfigError, match="common folder"):
        find_jobs([one, two], tmp_path / "out", ENDINGS)


def test_missing_and_empty_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file or folder: .*nowhere"):
        find_jobs([tmp_path / "nowhere"], tmp_path / "out", ENDINGS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no picture .* --recursive"):
        find_jobs([tmp_path / "empty"], tmp_path / "out", ENDINGS)


def test_a_failed_picture_stops_no_other(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", *(f"{i}.png" for i in range(9)))
    (root / "4.png").write_text("broken")
    out = tmp_path / "out"
    outcomes = list(run_jobs(find_jobs([root], out, ENDINGS), parse, writers(["mask"]), workers=3))
    assert {o.job.source.stem for o in outcomes if o.status == "failed"} == {"4"}
    assert sorted(p.name for p in out.iterdir()) == [f"{i}_mask.png" for i in range(9) if i != 4]
    assert "not a picture" in next(o.reason for o in outcomes if o.status == "failed")


def test_existing_results_are_skipped_unless_told(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")
    jobs = find_jobs([root], tmp_path / "out", ENDINGS)

    def run(*, overwrite: bool = False) -> list[str]:
        return [o.status for o in run_jobs(jobs, parse, writers(["mask"]), overwrite=overwrite)]

    assert run() == ["written"]
    assert run() == ["skipped"]
    assert run(overwrite=True) == ["written"]


def test_unwritable_output_is_named_before_work(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    def untouched(path: Path) -> Parsing:
        raise AssertionError("no picture is read")

    with pytest.raises(OutputError, match="cannot make output folder"):
        list(run_jobs(find_jobs([root], blocked / "out", ENDINGS), untouched, writers(["mask"])))


def test_leaving_early_stops_the_pool(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", *(f"{i}.png" for i in range(20)))
    seen = []

    def slow(path: Path) -> Parsing:
        seen.append(path)
        return parse(path)

    outcomes = run_jobs(find_jobs([root], tmp_path / "out", ENDINGS), slow, writers(["mask"]), workers=1)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert len(seen) <= 3


def test_unexpected_errors_are_raised_not_swallowed(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")

    def broken(path: Path) -> Parsing:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        list(run_jobs(find_jobs([root], tmp_path / "out", ENDINGS), broken, writers(["mask"])))


def test_no_partial_file_is_left(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")

    def fails(path: Path) -> Parsing:
        raise ImageError("no")

    out = tmp_path / "out"
    list(run_jobs(find_jobs([root], out, ENDINGS), fails, writers(["mask", "overlay"])))
    assert list(out.iterdir()) == []


def test_unknown_writer_is_named() -> None:
    with pytest.raises(ConfigError, match=r"takes mask, overlay, panel, .*; got doodle"):
        writers(["mask", "doodle"])
    with pytest.raises(ConfigError, match="got nothing"):
        writers([""])
