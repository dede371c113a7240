"""The pool that does the work: failures, reruns, stopping."""

import errno
import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from faceparse.errors import ConfigError, ImageError, NoFaceError, OutputError
from faceparse.files import atomic
from faceparse.folder import Jobs, Outcome, Run, encode, find_jobs
from faceparse.folder.manifest import Manifest
from faceparse.labels import scheme as find_scheme
from faceparse.pictures import read_picture
from faceparse.pictures.reader import PictureSource
from faceparse.results import Face, Parsing
from faceparse.writers import Writer, writers
from tests.folder.conftest import find, parse, pictures, tree

MASK = writers(["mask"])


def run(jobs: Jobs, chosen: dict[str, Writer] = MASK, parse: Any = parse, **options: Any) -> list[Outcome]:
    return list(Run(jobs, parse, chosen, jobs.output, **options))


def statuses(outcomes: Iterable[Outcome]) -> dict[str, str]:
    return {o.job.source.name: o.status for o in outcomes}


@dataclass(frozen=True)
class Parts(Writer):
    """One empty file for each label there is; and a list of all pictures."""

    name: ClassVar[str] = "parts"
    endings: ClassVar[tuple[str, ...]] = tuple(f"_{i}.txt" for i in range(19))
    text: str = ""
    fails: ClassVar[Callable[[Path], None]] = staticmethod(lambda path: None)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        paths = tuple(self.beside(stem, f"_{i}.txt") for i in np.unique(parsing.labels))
        for path in paths:
            with atomic(path, overwrite=True) as temporary:
                type(self).fails(path)
                temporary.write_text(self.text)
        return paths

    def finish(self, folder: Path, stems: Iterable[Path]) -> tuple[Path, ...]:
        path = folder / "all.txt"
        path.write_text("".join(f"{s.relative_to(folder).as_posix()}\n" for s in stems))
        return (path,)


def labelled(*labels: int) -> Callable[[Path], Parsing]:
    """A parser that sees these labels, one a row."""

    def parse(path: Path) -> Parsing:
        image = read_picture(path)
        given = np.resize(np.array(labels, np.uint8)[:, None], image.shape[:2])
        return Parsing.from_labels(image, given, "celebamask19")

    return parse


def test_a_failed_picture_stops_no_other(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", *(f"{i}.png" for i in range(9)))
    (root / "4.png").write_text("broken")
    out = tmp_path / "out"
    outcomes = run(find([root], out), workers=3)
    assert {o.job.source.stem for o in outcomes if o.status == "failed"} == {"4"}
    assert sorted(tree(out)) == [f"{i}_mask.png" for i in range(9) if i != 4]
    assert "not a picture" in next(o.reason for o in outcomes if o.status == "failed")


def test_outcomes_say_what_was_done(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    outcome = run(find([root], tmp_path / "out"), writers(["mask", "overlay"]))[0]
    assert [p.name for p in outcome.outputs] == ["a_mask.png", "a_overlay.jpg"]
    assert outcome.seconds["write"] > 0
    assert outcome.record()["outputs"] == [str(path) for path in outcome.outputs]


def test_a_run_sums_up_what_it_did(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "b.png")
    (root / "b.png").write_text("broken")
    jobs = find([root], tmp_path / "out")
    one = Run(jobs, parse, MASK, jobs.output)
    for counts in ({"written": 1, "failed": 1}, {"skipped": 1, "failed": 1}):
        outcomes = list(one)
        assert one.summary.counts == counts
        record = one.record()
        assert {k: v for k, v in record.items() if v and k in ("written", "skipped", "failed")} == counts
        assert (record["total"], record["ended"]) == (2, "")
        assert one.seconds > 0
        json.dumps([record, *(outcome.record() for outcome in outcomes)])


@pytest.mark.parametrize("workers", [1, 5])
def test_results_do_not_depend_on_the_number_of_threads(tmp_path: Path, workers: int) -> None:
    root = pictures(tmp_path / "in", *(f"{i}.png" for i in range(20)))
    for out, count in ((tmp_path / "one", 1), (tmp_path / "many", workers)):
        run(find([root], out), {**MASK, "parts": Parts()}, workers=count)
    assert tree(tmp_path / "one") == tree(tmp_path / "many")


def test_what_is_done_is_skipped_unless_told(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")
    jobs = find([root], tmp_path / "out")
    assert statuses(run(jobs)) == {"a.jpg": "written"}
    assert statuses(run(jobs)) == {"a.jpg": "skipped"}
    assert statuses(run(jobs, overwrite=True)) == {"a.jpg": "written"}


def test_what_changed_is_redone(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "b.png", "c.png")
    jobs = find([root], tmp_path / "out")
    identity = {"model": "default"}
    run(jobs, identity=identity)
    pictures(root, *("bcdefghi"[i] + ".png" for i in range(2)))  # b and c again, in other colours
    os.utime(root / "b.png", ns=(1, 1))
    os.utime(root / "c.png", ns=(1, 1))
    (tmp_path / "out" / "c_mask.png").unlink()
    assert statuses(run(jobs, identity=identity)) == {
        "a.png": "skipped",
        "b.png": "written",
        "c.png": "written",
    }
    assert set(statuses(run(jobs, identity=identity)).values()) == {"skipped"}
    assert set(statuses(run(jobs, identity={"model": "other"})).values()) == {"written"}
    assert set(statuses(run(jobs, identity=identity)).values()) == {"written"}


def test_a_lost_file_is_made_again(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "b.png")
    jobs = find([root], tmp_path / "out")
    run(jobs)
    (tmp_path / "out" / "b_mask.png").unlink()
    assert statuses(run(jobs)) == {"a.png": "skipped", "b.png": "written"}


def test_another_form_is_added_without_redoing_the_first(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    jobs = find([root], tmp_path / "out")
    run(jobs)
    both = writers(["mask", "overlay"])
    assert [p.name for p in run(jobs, both)[0].outputs] == ["a_overlay.jpg"]
    assert statuses(run(jobs, both)) == statuses(run(jobs)) == {"a.png": "skipped"}
    # Made by another model, each is redone when it is asked for.
    assert statuses(run(jobs, identity={"model": "x"})) == {"a.png": "written"}
    assert [p.name for p in run(jobs, both, identity={"model": "x"})[0].outputs] == ["a_overlay.jpg"]


def test_other_options_of_a_writer_redo_it_alone(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    jobs = find([root], tmp_path / "out")
    run(jobs, {**MASK, "parts": Parts()})
    outputs = run(jobs, {**MASK, "parts": Parts("new")})[0].outputs
    assert [p.name for p in outputs] == ["a_1.txt"]
    assert outputs[0].read_text() == "new"


def test_files_that_are_no_longer_made_are_removed(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    out = tmp_path / "out"
    jobs = find([root], out)
    run(jobs, {"parts": Parts()}, labelled(1, 2, 3))
    assert set(tree(out)) == {"a_1.txt", "a_2.txt", "a_3.txt", "all.txt"}
    run(jobs, {"parts": Parts()}, labelled(2, 4), identity={"model": "x"})
    assert set(tree(out)) == {"a_2.txt", "a_4.txt", "all.txt"}


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "b.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a_mask.png").write_bytes(b"painted by hand")
    jobs = find([root], out)
    outcomes = run(jobs, writers(["mask", "overlay"]))
    assert statuses(outcomes) == {"a.png": "refused", "b.png": "written"}
    assert sorted(tree(out)) == ["a_mask.png", "a_overlay.jpg", "b_mask.png", "b_overlay.jpg"]
    again = run(jobs, writers(["mask", "overlay"]))
    assert statuses(again) == {"a.png": "refused", "b.png": "skipped"}
    for reason in [o.reason for o in (*outcomes, *again) if o.reason]:
        assert reason == f"mask not written: {out / 'a_mask.png'} exists, and no run recorded it"
    assert (out / "a_mask.png").read_bytes() == b"painted by hand"
    run(jobs, MASK, overwrite=True)
    assert read_picture(out / "a_mask.png").shape == (20, 20, 3)


def test_a_summing_up_is_of_all_that_is_there(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "b.png", "sub/c.png")
    out = tmp_path / "out"
    chosen: dict[str, Writer] = {"parts": Parts()}
    run(find([root], out, recursive=True), chosen)
    (root / "b.png").write_text("broken")
    pictures(root, "d.png")
    whole = Run(find([root], out, recursive=True), parse, chosen, out, workers=3)
    assert set(statuses(whole).values()) == {"skipped", "failed", "written"}
    assert whole.summary_files == (out / "all.txt",)
    assert (out / "all.txt").read_text() == "a\nd\nsub/c\n"


@pytest.mark.parametrize("error", [OutputError("no list"), RuntimeError("no\nlist")])
def test_a_summing_up_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> tuple[Path, ...]:
        raise error

    monkeypatch.setattr(Parts, "finish", refuse)
    root = pictures(tmp_path / "in", "a.png")
    whole = Run(find([root], tmp_path / "out"), parse, {"parts": Parts()}, tmp_path / "out")
    assert statuses(whole) == {"a.png": "written"}
    (reason,) = whole.summary_errors
    assert re.fullmatch("parts: (RuntimeError: )?no list", reason)


def test_unwritable_output_is_named_before_work(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    def untouched(path: Path) -> Parsing:
        raise AssertionError("no picture is read")

    for out in (blocked, blocked / "out"):
        with pytest.raises(OutputError, match="cannot make output folder"):
            run(find([root], out), parse=untouched)


def test_an_unwritable_subfolder_fails_its_pictures_alone(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "sub/b.jpg")
    out = tmp_path / "out"
    out.mkdir()
    (out / "sub").write_text("in the way")
    outcomes = run(find([root], out, recursive=True))
    assert statuses(outcomes) == {"a.jpg": "written", "b.jpg": "failed"}
    assert any("cannot make output folder" in o.reason for o in outcomes)


def fails_after(count: int, error: Exception) -> Callable[[Path], None]:
    left = iter(range(count))

    def fail(path: Path) -> None:
        if next(left, None) is None:
            raise error

    return fail


def test_a_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pictures(tmp_path / "in", *(f"{i:02}.png" for i in range(40)))
    out = tmp_path / "out"
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(Parts, "fails", staticmethod(fails_after(5, full)))
    whole = Run(find([root], out), parse, {"parts": Parts()}, out, workers=2)
    outcomes = list(whole)
    assert whole.end_reason == "disk full"
    assert whole.summary_files == ()
    failed = [o.reason for o in outcomes if o.status == "failed"]
    assert 1 <= len(failed) <= 4  # twice as many as workers are in flight
    assert "No space left on device" in failed[0]
    assert len(tree(out)) == 5  # and nothing half written
    monkeypatch.undo()
    again = run(find([root], out), {"parts": Parts()})
    assert sum(o.status == "skipped" for o in again) == 5
    assert sum(o.status == "written" for o in again) == 35


def test_a_line_that_a_full_disk_cut_short_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, full = os.write, [False]

    def half(file: int, data: bytes) -> int:
        if full[0] and len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: len(data) // 2] if full[0] else data)

    (tmp_path / ".faceparse").mkdir()
    one = Manifest(tmp_path, {})
    one.begin("a", ["mask"])
    monkeypatch.setattr(os, "write", half)
    for full[0] in (True, False):
        with suppress(OutputError):
            one.begin("b", ["mask"])
    monkeypatch.undo()
    one.close()
    again = Manifest(tmp_path, {})
    assert [again.record(stem).begun for stem in "abc"] == [{"mask"}, {"mask"}, set()]
    again.close()


@pytest.mark.parametrize("error", [OSError(errno.EFBIG, "File too large"), RecursionError("a bug")])
def test_another_fault_of_one_file_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    root = pictures(tmp_path / "in", *(f"{i:02}.png" for i in range(9)))
    out = tmp_path / "out"
    monkeypatch.setattr(Parts, "fails", staticmethod(fails_after(5, error)))
    outcomes = run(find([root], out), {"parts": Parts()}, workers=2)
    assert len(outcomes) == 9
    assert sum(str(error)[-4:] in o.reason for o in outcomes) == 4


def test_fail_fast(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", *(f"{i:02}.png" for i in range(30)))
    (root / "03.png").write_text("broken")
    whole = Run(find([root], tmp_path / "out"), parse, MASK, tmp_path / "out", workers=1, fail_fast=True)
    # With more threads, one may parse any number of pictures while 03 waits for its turn.
    assert 4 <= len(list(whole)) <= 5
    assert whole.end_reason == "failed"


def test_stopping_finishes_what_is_in_flight(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", *(f"{i:02}.png" for i in range(30)))
    out, stop = tmp_path / "out", threading.Event()
    whole = Run(find([root], out), parse, {**MASK, "parts": Parts()}, out, workers=2, stop=stop)
    outcomes = []
    for outcome in whole:
        outcomes.append(outcome)
        stop.set()
    assert whole.end_reason == "stopped"
    assert 1 <= len(outcomes) <= 5
    assert {o.status for o in outcomes} == {"written"}
    assert len(tree(out)) == 2 * len(outcomes)  # all of them whole, and no summing up
    again = run(find([root], out))
    assert sum(o.status == "skipped" for o in again) == len(outcomes)


def test_stopped_before_it_began(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    stop = threading.Event()
    stop.set()
    whole = Run(find([root], tmp_path / "out"), parse, MASK, tmp_path / "out", stop=stop)
    assert list(whole) == []
    assert whole.end_reason == "stopped"


def test_leaving_early_stops_the_pool(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", *(f"{i}.png" for i in range(20)))
    seen = []

    def slow(path: PictureSource) -> Parsing:
        seen.append(path)
        return parse(path)

    outcomes = iter(Run(find([root], tmp_path / "out"), slow, MASK, tmp_path / "out", workers=1))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert len(seen) <= 3


@pytest.mark.parametrize("error", [RuntimeError("a\nbug"), MemoryError("a bug"), SystemExit("a bug")])
def test_an_unexpected_error_fails_its_picture_alone(tmp_path: Path, error: BaseException) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")

    def broken(path: Path) -> Parsing:
        if path.name == "b.jpg":
            raise error
        return parse(path)

    outcomes = run(find([root], tmp_path / "out"), parse=broken)
    assert statuses(outcomes) == {"a.jpg": "written", "b.jpg": "failed", "c.jpg": "written"}
    (reason,) = [o.reason for o in outcomes if o.reason]
    assert reason == f"{root / 'b.jpg'}: {type(error).__name__}: a bug"


def test_no_partial_file_is_left(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg")

    def fails(path: Path) -> Parsing:
        raise ImageError("no")

    out = tmp_path / "out"
    run(find([root], out), writers(["mask", "overlay"]), fails)
    assert tree(out) == {}


def test_two_runs_into_one_folder(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "b.jpg")
    jobs = find([root], tmp_path / "out")
    outcomes = iter(Run(jobs, parse, MASK, tmp_path / "out", workers=1))
    next(outcomes)
    with pytest.raises(
        OutputError, match=rf"another run \(process {os.getpid()}\) is writing into .*out: wait"
    ):
        run(jobs)
    run(find([root], tmp_path / "elsewhere"))
    list(outcomes)
    assert len(run(jobs)) == 2


def test_the_picture_from_stdin(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "stdin.png")
    data = (root / "a.png").read_bytes()
    out = tmp_path / "out"
    jobs = find((), out, data=data)
    assert statuses(run(jobs)) == {"-": "written"}
    assert statuses(run(jobs)) == {"-": "skipped"}
    assert statuses(run(find((), out, data=(root / "stdin.png").read_bytes()))) == {"-": "written"}
    assert set(tree(out)) == {"stdin_mask.png"}
    with pytest.raises(ConfigError, match="written as stdin"):
        find([root], out, data=data)


def test_one_file_as_bytes(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    run(find([root], tmp_path / "out"))
    data = encode(parse(root / "a.png"), MASK["mask"])
    assert data == (tmp_path / "out" / "a_mask.png").read_bytes()
    with pytest.raises(ConfigError, match="parts writes 2 files"):
        encode(labelled(1, 2)(root / "a.png"), Parts())


def manifest(out: Path) -> Path:
    return out / ".faceparse" / "manifest.jsonl"


def test_a_damaged_manifest_costs_no_more_than_its_lines(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "b.png", "c.png")
    out = tmp_path / "out"
    jobs = find([root], out)
    run(jobs, workers=1)
    before = tree(out)
    lines = manifest(out).read_bytes().splitlines(keepends=True)
    b = next(i for i, line in enumerate(lines) if json.loads(line).get("stem") == "b")
    lines[b] = b'{"stem": "b", "done": {"ma\xff\n'
    manifest(out).write_bytes(b"".join(lines) + b"\n[1]\nnull\n" + b'{"begin":"c","wr')  # and one cut short
    assert statuses(run(jobs)) == {"a.png": "skipped", "b.png": "written", "c.png": "skipped"}
    assert set(statuses(run(jobs)).values()) == {"skipped"}
    assert tree(out) == before
    manifest(out).write_bytes(b'{"stem":"a","faces":0,"done":{"mask":7}}\n{"stem":"b"}\n')
    assert set(statuses(run(jobs)).values()) == {"refused"}  # the files are there, and whose they are is lost


def test_a_picture_that_was_in_flight_is_redone(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "ab.png")
    out = tmp_path / "out"
    jobs = find([root], out)
    run(jobs, {"parts": Parts()}, labelled(1, 2))
    whole = tree(out)
    # As if a run with another model had been killed while it wrote.
    with manifest(out).open("ab") as file:
        file.write(b'{"begin":"a","writers":["parts"]}\n{"finishing":true}\n')
    for name in ("a_5.txt", ".a_1.txt.0123abcd.part", ".all.txt.0123abcd.part", "a_1.txt.part"):
        (out / name).write_text("left over")
    (out / "a_2.txt").unlink()
    assert statuses(run(jobs, {"parts": Parts()}, labelled(1, 2))) == {
        "a.png": "written",
        "ab.png": "skipped",
    }
    assert tree(out) == {**whole, "a_1.txt.part": b"left over"}  # a name that is not ours stays


def test_names_with_line_ends_keep_messages_on_one_line(tmp_path: Path) -> None:
    outcomes = run(find_jobs((), tmp_path / "out", (), from_list=["no\nsuch.jpg"]))
    assert [o.reason for o in outcomes] == [r"no such file: 'no\nsuch.jpg'"]


def test_every_failure_names_its_picture(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")

    def faceless(path: PictureSource) -> Parsing:
        raise NoFaceError("no face found")

    (outcome,) = run(find([root], tmp_path / "out"), parse=faceless)
    assert outcome.reason == f"{root / 'a.png'}: no face found"
    (outcome,) = run(find((), tmp_path / "out", data=b"no picture"))
    assert outcome.reason.startswith("cannot read stdin: it is not a picture")


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png")
    name = os.fsdecode(b"caf\xe9.png")
    try:
        (root / "a.png").rename(root / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    out = tmp_path / "out"
    run(find([root], out), writers(["json", "rle", "polygons", "npz", "parts"]))
    texts = {path.name: path.read_text(encoding="utf-8") for path in out.glob("*.json")}
    assert len(texts) == 4
    joined = json.loads(texts["annotations.json"])
    assert joined["images"][0]["file_name"] == name.removesuffix(".png")  # no source is told
    assert statuses(run(find([root], out), writers(["json", "rle"]))) == {name: "skipped"}


def test_faces_without_skin_are_counted_and_said(tmp_path: Path) -> None:
    def parse(picture: PictureSource) -> Parsing:
        image = read_picture(picture)
        points = np.array([[3, 4], [7, 4], [5, 6], [4, 8], [6, 8]])
        faces = tuple(Face((1, 1, 9, 9), 0.9, points, trust=trust) for trust in (0.0, 0.5))
        return Parsing(image, (), find_scheme("celebamask19"), faces, looks=5)

    jobs = find([pictures(tmp_path / "in", "a.png", "b.png")], tmp_path / "out")
    one = Run(jobs, parse, MASK, jobs.output)
    outcomes = list(one)
    assert [outcome.trust for outcome in outcomes] == [(0.0, 0.5)] * 2
    assert outcomes[0].record()["looks"] == 5
    assert (one.summary.no_face, one.summary.no_skin, one.record()["no_skin"]) == (0, 2, 2)
    (warning,) = one.summary.warnings()
    assert "2 faces" in warning
