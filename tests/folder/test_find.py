"""Which pictures a run is about, and what their results are called."""

import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import ConfigError
from faceparse.folder import Run, read_list
from faceparse.folder.jobs import Group, Jobs
from faceparse.writers import writers
from tests.folder.conftest import find, parse, pictures, stems

Link = Callable[[Path, Path], None]


def test_paths_inside_the_folder_are_kept(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "sub/b.png", "sub/deep/c.webp")
    (root / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    assert stems(find([root], out)) == {"a.jpg": "a"}
    found = find([root], out, recursive=True)
    assert stems(found) == {"a.jpg": "a", "b.png": "sub/b", "c.webp": "sub/deep/c"}
    assert [job.source for job in found] == [root / "a.jpg", root / "sub/b.png", root / "sub/deep/c.webp"]


def test_colliding_stems_keep_their_extension(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "a.png", "b.jpg")
    found = find([root], tmp_path / "out")
    assert stems(found) == {"a.jpg": "a.jpg", "a.png": "a.png", "b.jpg": "b"}


def test_names_that_differ_in_case_alone_collide_on_some_systems(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "A.jpg", "a.png")
    assert stems(find([root], tmp_path / "out")) == {"A.jpg": "A.jpg", "a.png": "a.png"}
    (root / "a.png").rename(root / "a.JPG")  # one file's name on those systems
    if len(list(root.iterdir())) == 2:
        with pytest.raises(ConfigError, match=r"A\.jpg, a\.JPG: rename one"):
            find([root], tmp_path / "out")


FILE_NAMES = st.lists(
    st.builds(
        lambda a, b, c: a + b + c,
        st.text("ab_", min_size=1, max_size=2),
        st.sampled_from(["", ".jpg", ".png", "_x", "_mask"]),
        st.sampled_from([".jpg", ".png", ".webp"]),
    ),
    unique=True,
    max_size=8,
)


@given(FILE_NAMES)
def test_results_never_share_a_name(names: list[str]) -> None:
    endings = ["_mask.png", "_x_mask.png", ".json", "_overlay.jpg"]
    jobs = Jobs([Group("in", "", list(names))], Path("out"), endings=endings)
    targets = [job.stem.name + ending for job in jobs for ending in endings]
    assert len(jobs) == len(names)
    assert len(set(targets)) == len(targets)
    jobs.check_names(endings)


def test_dots_in_names_are_kept(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "v1.2 final.jpg")
    (job,) = find([root], tmp_path / "out")
    assert job.stem.name == "v1.2 final"


def test_own_outputs_are_not_taken_for_pictures(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "b_mask.png")  # b_mask.png belongs to no picture here
    chosen = writers(["mask", "overlay", "panel"])
    list(Run(find([root], root), parse, chosen, root))
    again = {"a.jpg": "a", "b_mask.png": "b_mask"}
    assert stems(find([root], root)) == again
    (root / ".b_mask.png.01234567.part").write_bytes(b"half a file")
    assert stems(find([root], root, recursive=True)) == again
    inner = root / "out"
    list(Run(find([root], inner), parse, chosen, inner))
    assert stems(find([root], inner, recursive=True)) == again


def test_results_of_earlier_runs_elsewhere_are_not_taken(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "sub/c.jpg")
    before, now = root / "before", root / "now"
    list(Run(find([root], before, recursive=True), parse, writers(["mask", "panel"]), before))
    pictures(before, "new_mask.png", "sub/more.png")  # pictures, though they lie among results
    found = stems(find([root], now, recursive=True))
    assert found == {
        "a.jpg": "a",
        "c.jpg": "sub/c",
        "new_mask.png": "before/new_mask",
        "more.png": "before/sub/more",
    }
    assert set(stems(find([f"{root}/**/*.*"], now))) == set(found)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    root, out = (
        pictures(tmp_path / "in", "a.jpg", "a_mask.png", "b_mask.png", "b_panel.jpg"),
        tmp_path / "out",
    )
    forged = root / ".faceparse" / "manifest.jsonl"
    forged.parent.mkdir()
    forged.write_text('{"stem":"b","faces":0,"done":{}}\n')
    assert find([root], out).left_out == find([f"{root}/**/*.*"], out).left_out == 3
    assert find([root], root).left_out == 1  # the run's own manifest is no news
    (root / "a.jpg").unlink()
    (root / "a_mask.png").unlink()
    with pytest.raises(ConfigError, match="2 left out as outputs"):
        find([root], out)


def test_an_input_inside_the_output_folder(tmp_path: Path) -> None:
    out = tmp_path
    root = pictures(tmp_path / "in", "a.jpg", "in/a.jpg")
    list(Run(find([root], out, recursive=True), parse, writers(["mask"]), out))
    assert (root / "a_mask.png").exists()  # of in/in/a.jpg
    assert len(find([root], out, recursive=True)) == 2


def test_a_result_given_by_name_is_a_picture(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "a_mask.png")
    assert set(stems(find([root], tmp_path / "out"))) == {"a.jpg"}
    assert set(stems(find([root, root / "a_mask.png"], tmp_path / "out"))) == {"a.jpg", "a_mask.png"}
    assert set(stems(find([root / "a_mask.png", root], tmp_path / "out"))) == {"a.jpg", "a_mask.png"}


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "._a.jpg", ".thumbnails/b.jpg")
    assert stems(find([root], tmp_path / "out", recursive=True)) == {"a.jpg": "a"}
    assert stems(find([f"{root}/**/*.jpg"], tmp_path / "out")) == {"a.jpg": "a"}
    assert stems(find([root / ".thumbnails"], tmp_path / "out")) == {"b.jpg": "b"}


def test_same_name_from_two_places_is_refused(tmp_path: Path) -> None:
    one = pictures(tmp_path / "one", "a.jpg")
    two = pictures(tmp_path / "two", "a.jpg")
    with pytest.raises(ConfigError, match="common folder"):
        find([one, two], tmp_path / "out")
    with pytest.raises(ConfigError, match="--root"):
        find([one / "a.jpg", two / "a.jpg"], tmp_path / "out")
    rooted = find([one / "a.jpg", two / "a.jpg"], tmp_path / "out", root=tmp_path)
    assert [j.stem.relative_to(tmp_path / "out").as_posix() for j in rooted] == ["one/a", "two/a"]
    with pytest.raises(ConfigError, match="not below --root"):
        find([one / "a.jpg"], tmp_path / "out", root=two)


def test_what_is_given_twice_is_taken_once(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "b.jpg", "sub/c.jpg")
    out = tmp_path / "out"
    a = root / "a.jpg"
    several: list[list[str | Path]] = [
        [root, a],
        [a, root],
        [a, a, root / "sub" / ".." / "a.jpg", root],
        [root, f"{root}/*.jpg"],
    ]
    for inputs in several:
        assert stems(find(inputs, out)) == {"a.jpg": "a", "b.jpg": "b"}, inputs
    both = find([root, root / "sub"], out, recursive=True)
    assert stems(both) == {"a.jpg": "a", "b.jpg": "b", "c.jpg": "sub/c"}
    mixed = find([root, f"{root}/**/*.jpg"], out)
    assert stems(mixed) == {"a.jpg": "a", "b.jpg": "b", "c.jpg": "sub/c"}


def test_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "b.png", "x/a.jpg", "x/y/c.jpg", "[z].jpg")
    (root / "x" / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    assert stems(find([f"{root}/*.png"], out)) == {"b.png": "b"}
    assert [j.stem.relative_to(out).as_posix() for j in find([f"{root}/**/*.jpg"], out)] == [
        "[z]",
        "a",
        "x/a",
        "x/y/c",
    ]
    assert stems(find([f"{root}/**/y/*"], out)) == {"c.jpg": "x/y/c"}
    assert stems(find([f"{root}/x/**"], out)) == {"a.jpg": "a", "c.jpg": "y/c"}
    assert stems(find([f"{root}/?/*"], out)) == {"a.jpg": "x/a"}
    assert stems(find([f"{root}/[z].jpg"], out)) == {"[z].jpg": "[z]"}  # a file's name goes first
    with pytest.raises(ConfigError, match=r"no picture .* matches .*q\*"):
        find([f"{root}/q*"], out)
    monkeypatch.chdir(root)
    assert stems(find(["*.png", "x/**/c*"], out)) == {"b.png": "b", "c.jpg": "y/c"}
    assert stems(find(["**/*.png"], out)) == {"b.png": "b"}


def test_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "sub/a.jpg", "sub/b c.dat.png")
    monkeypatch.chdir(root)
    out = tmp_path / "out"
    jobs = find((), out, from_list=["a.jpg", "./sub/a.jpg", str(root / "sub/b c.dat.png"), "gone.jpg", "sub"])
    assert [(j.stem.relative_to(out).as_posix(), j.problem) for j in jobs if not j.problem] == [
        ("a", ""),
        ("sub/a", ""),
        ("b c.dat", ""),
    ]
    assert [j.problem for j in jobs if j.problem] == [
        "no such file: gone.jpg",
        "sub is no file",
    ]
    rooted = find((), out, from_list=[str(root / "sub/b c.dat.png")], root=root)
    assert next(iter(rooted)).stem == out / "sub" / "b c.dat"
    with pytest.raises(ConfigError, match=r"no picture .* in the list"):
        find((), out, from_list=[])


@given(st.lists(st.text(string.ascii_letters + " ./é", min_size=1).filter(str.strip)))
def test_lists_read_as_they_were_written(paths: list[str]) -> None:
    assert list(read_list("".join(f"{p}\n" for p in paths).encode())) == paths
    assert list(read_list("".join(f"{p}\r\n" for p in paths).encode())) == paths
    assert list(read_list("".join(f"{p}\0" for p in [*paths, "x"]).encode())) == [*paths, "x"]
    for encoding in ("utf-8-sig", "utf-16-le", "utf-16-be"):
        mark = "" if encoding == "utf-8-sig" else "\ufeff"
        assert list(read_list(f"{mark}{chr(10).join(paths)}\r\n".encode(encoding))) == paths


def test_missing_and_empty_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file or folder: .*nowhere"):
        find([tmp_path / "nowhere"], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no picture .* --recursive"):
        find([tmp_path / "empty"], tmp_path / "out")


def test_loops_of_links_end(tmp_path: Path, linked: Link) -> None:
    root = pictures(tmp_path / "in", "a.jpg", "sub/b.jpg")
    linked(root / "sub" / "up", root)
    linked(root / "also", root / "sub")
    assert stems(find([root], tmp_path / "out", recursive=True)) == {"a.jpg": "a", "b.jpg": "sub/b"}
    assert stems(find([f"{root}/**/*.jpg"], tmp_path / "out")) == {"a.jpg": "a", "b.jpg": "sub/b"}


def test_links_are_followed_once(tmp_path: Path, linked: Link) -> None:
    root = pictures(tmp_path / "in", "sub/a.jpg")
    away = pictures(tmp_path / "away", "b.jpg", "far/c.jpg")
    linked(root / "0 again.jpg", root / "sub" / "a.jpg")
    linked(root / "b1.jpg", away / "b.jpg")
    linked(root / "b2.jpg", away / "b.jpg")
    linked(root / "far", away / "far")
    linked(root / "far2", away / "far")
    linked(root / "gone.jpg", away / "nothing.jpg")
    found = stems(find([root], tmp_path / "out", recursive=True))
    # A link to nowhere is a picture that cannot be read: to be named, not passed over.
    assert found == {"a.jpg": "sub/a", "b1.jpg": "b1", "c.jpg": "far/c", "gone.jpg": "gone"}


def test_a_million_pictures_fit_into_memory() -> None:
    # In a process of its own: a long-lived one's table of path parts (interned strings) is large, and is made anew
    # while it is measured.
    program = """
import tracemalloc
from pathlib import Path
from faceparse.folder.jobs import Group, Jobs
names = [f"{i:07}.jpg" for i in range(50_000)]
tracemalloc.start()
jobs = Jobs([Group("in", "", names)], Path("out"))
held = tracemalloc.get_traced_memory()[0]
assert sum(1 for _ in jobs) == len(names)
print(held, tracemalloc.get_traced_memory()[0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    held, after = map(int, done.stdout.split())
    # Beyond the names themselves, of some 60 bytes each; the table of path parts grows a little.
    assert held < 10 * 50_000
    assert after < 200 * 50_000


def test_an_unreadable_folder_is_a_failure_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    root = pictures(tmp_path / "in", "a.jpg", "sub/b.jpg")
    real = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    jobs = find([root], tmp_path / "out", recursive=True)
    monkeypatch.undo()
    outcomes = list(Run(jobs, parse, writers(["mask"]), tmp_path / "out"))
    assert sorted(o.status for o in outcomes) == ["failed", "written"]
    assert next(o.reason for o in outcomes if o.status == "failed").endswith("sub: Permission denied")
