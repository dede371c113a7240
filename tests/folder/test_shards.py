"""A run in parts: they meet in one folder, and make up the whole."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import ConfigError, OutputError
from faceparse.folder import Run, Shard
from faceparse.writers import Writer, writers
from tests.cli.conftest import Ran, faceparse  # noqa: F401
from tests.folder.conftest import find, parse, pictures, tree

Command = Callable[..., Ran]
FORMS = writers(["mask", "rle"])
NAMES = [f"{i % 3}/{i:02}.png" for i in range(20)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return pictures(tmp_path / "in", *NAMES)


def part(photos: Path, out: Path, text: str = "", forms: dict[str, Writer] = FORMS, **options: Any) -> Run:
    shard = {"shard": Shard.read(text)} if text else {}
    return Run(find([photos], out, recursive=True, **shard), parse, forms, out, workers=2, **options)


def statuses(run: Iterable[Any]) -> list[str]:
    return sorted({outcome.status for outcome in run})


@contextmanager
def begun(run: Run) -> Iterator[None]:
    """The run has begun and has not ended."""
    outcomes = iter(run)
    next(outcomes)
    yield
    list(outcomes)


def test_shards_make_up_the_whole(photos: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    list(part(photos, whole))
    shards = [part(photos, out, f"{i}/3") for i in (1, 2, 3)]
    assert sum(len(list(shard)) for shard in shards) == len(NAMES)
    assert all(len(shard.jobs) < len(NAMES) and not shard.summary_files for shard in shards)
    assert tree(out) == {name: data for name, data in tree(whole).items() if name != "annotations.json"}
    rest = part(photos, out)
    assert statuses(rest) == ["skipped"]
    assert tree(out) == tree(whole)
    assert statuses(part(photos, out, "4/5")) == ["skipped"]


def test_two_at_once(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with begun(part(photos, out, "1/2")), begun(part(photos, out, "2/2")):
        for other in ("", "1/2", "1/3"):
            with pytest.raises(OutputError, match=rf"another run \(process {os.getpid()}\) is writing into"):
                list(part(photos, out, other))
    with begun(part(photos, out)), pytest.raises(OutputError, match="another run"):
        list(part(photos, out, "1/2"))
    assert statuses(part(photos, out)) == ["skipped"]


@pytest.mark.slow
def test_two_processes(photos: Path, tmp_path: Path, tiny_path: Path, faceparse: Command) -> None:  # noqa: F811
    words = [str(w) for w in ("parse", photos, "--recursive", "--model", tiny_path, "--faces", "whole", "-o")]
    faceparse(*words, tmp_path / "whole")
    line = [sys.executable, "-m", "faceparse", *words, str(tmp_path / "out"), "--shard"]
    running = [subprocess.Popen([*line, f"{i}/2"]) for i in (1, 2)]
    assert [process.wait() for process in running] == [0, 0]
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert f"{len(NAMES)} skipped" in faceparse(*words, tmp_path / "out").out


def test_the_latest_record_counts(photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out, old, new = tmp_path / "out", {"model": "old"}, {"model": "new"}
    for i in (1, 2):
        list(part(photos, out, f"{i}/2", identity=old))
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        half = part(photos, out, "", identity=new)
        for count, _ in enumerate(half, 1):
            if count == 10:
                half.stop.set()
        first = statuses(part(photos, out, "1/2", identity=new))
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [
        "manifest-2-of-2"
    ]
    assert first == ["skipped", "written"]
    assert half.summary.counts["written"] < len(NAMES)
    again = part(photos, out, identity=old)
    stale = [outcome.job for outcome in again if outcome.status == "skipped"]
    mine = {job.source for job in part(photos, out, "1/2").jobs}
    assert len(stale) < len(NAMES) - len(mine) and not mine & {job.source for job in stale}  # noqa: PT018


def test_a_running_shard_keeps_its_temporary_files(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    list(part(photos, out, "1/2"))
    list(part(photos, out, "2/2"))
    manifest = out / ".faceparse" / "manifest-1-of-2.jsonl"
    with manifest.open("ab") as file:
        file.write(b'{"begin":"0/00","writers":["mask"]}\n')
    left_over = out / "0" / ".00_mask.png.0123abcd.part"
    left_over.write_text("half")
    list(part(photos, out, "2/2"))
    assert left_over.exists()
    list(part(photos, out, "1/2"))
    assert not left_over.exists()


@given(st.lists(st.text(max_size=9), max_size=9), st.integers(1, 9))
def test_each_path_is_in_one_shard_whatever_the_others_are(paths: list[str], count: int) -> None:
    shards = [Shard(i, count) for i in range(1, count + 1)]
    assert all(sum(shard.holds(path) for shard in shards) == 1 for path in paths)


@pytest.mark.parametrize(
    "text", ["", "a/b", "0/3", "4/3", "1/0", "-1/3", "1", "1/2/3", "1.0/2", " 1/2", "٣/٤"]
)
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ConfigError, match="expected I/N with I from 1 to N, such as 2/8"):
        Shard.read(text)


def test_the_command(tmp_path: Path, tiny_path: Path, faceparse: Command) -> None:  # noqa: F811
    one = pictures(tmp_path / "in", "a.png") / "a.png"
    words = ("parse", one, "--model", tiny_path, "--faces", "whole", "--save", "rle,mask", "-o")
    ran = [faceparse(*words, tmp_path / "out", "--shard", f"{i}/2") for i in (1, 2)]
    empty, full = sorted(ran, key=lambda each: "written" in each.out)
    assert (empty.code, full.code) == (0, 0)
    assert "holds none of the 1 pictures" in empty.out
    assert "the summary of rle is written by a run without --shard" in full.out
    assert faceparse(*words, tmp_path / "out", "--shard", "1/1").code == 0
    assert (tmp_path / "out" / "annotations.json").is_file()
    ran = [faceparse(*words[:-3], "-o", tmp_path / "a.png", "--shard", f"{i}/2") for i in (1, 2)]
    assert sorted(each.code for each in ran) == [0, 2]
