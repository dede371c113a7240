"""Output and input folders that somebody else made: nothing outside is touched, nothing hangs, nothing is lost."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import ConfigError, OutputError
from faceparse.folder import Jobs, Outcome, Run
from faceparse.labels import Scheme
from faceparse.pictures import read_picture
from faceparse.pictures.reader import PictureSource
from faceparse.results import Parsing
from faceparse.writers import Writer, writers
from tests.folder.conftest import find, parse, pictures, tree

Link = Callable[[Path, Path], None]
MASK = writers(["mask"])


def run(
    jobs: Jobs, chosen: dict[str, Writer] = MASK, parse: object = parse, **options: object
) -> list[Outcome]:
    return list(Run(jobs, parse, chosen, jobs.output, **options))  # type: ignore[arg-type]


def statuses(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.job.source.name: outcome.status for outcome in outcomes}


def manifest(out: Path, *lines: object) -> Path:
    """A manifest with lines more."""
    path = out / ".faceparse" / "manifest.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        for line in lines:
            file.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    return path


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A run's output folder and one beside it, each with files that no run wrote."""
    out, away = tmp_path / "out", tmp_path / "away"
    run(find([pictures(tmp_path / "in", "a.png", "b.png")], out))
    for folder in (away, out, out / "sub"):
        folder.mkdir(exist_ok=True)
        for name in ("victim.txt", ".victim.txt.0123abcd.part"):
            (folder / name).write_text("precious")
    return {"in": tmp_path / "in", "out": out, "away": away}


OUTSIDE = ["../away/{}", "{away}/{}", "sub/../../away/{}", "./../away/{}"]


@pytest.mark.parametrize("place", [*OUTSIDE, "{}", "sub/{}"])
def test_no_manifest_has_other_files_removed(places: dict[str, Path], place: str) -> None:
    out, away = places["out"], places["away"]
    before = tree(away), tree(out)
    named = place.format("victim.txt", away=away)
    done = {name: ["old", ["a_mask.png", named, "b_mask.png"]] for name in ("mask", "parts")}
    manifest(out, {"stem": "a", "faces": 0, "done": done}, {"finished": [named]})
    assert statuses(run(find([places["in"]], out), writers(["mask", "parts"]))) == dict.fromkeys(
        ("a.png", "b.png"), "written"
    )
    assert tree(away) == before[0]
    assert tree(out).items() >= before[1].items()


@pytest.mark.parametrize("place", OUTSIDE)
@pytest.mark.parametrize("name", ["victim.txt", ""])
def test_no_manifest_has_temporary_files_elsewhere_removed(
    places: dict[str, Path], place: str, name: str
) -> None:
    before = tree(places["away"])
    manifest(places["out"], {"begin": place.format(name, away=places["away"]), "writers": ["mask"]})
    manifest(places["out"], {"begin": "", "writers": ["mask"]}, {"begin": ".", "writers": ["mask"]})
    (places["out"].parent / ".out_mask.png.0123abcd.part").write_text("precious")
    run(find([places["in"]], places["out"]))
    assert tree(places["away"]) == before
    assert (places["out"].parent / ".out_mask.png.0123abcd.part").exists()


def test_no_manifest_decides_of_what_lies_behind_a_link(tmp_path: Path, linked: Link) -> None:
    root, out, away = pictures(tmp_path / "in", "sub/a.png"), tmp_path / "out", tmp_path / "away"
    jobs = find([root], out, recursive=True)
    for folder in (away, out):
        folder.mkdir()
    linked(out / "sub", away)
    assert statuses(run(jobs)) == {"a.png": "written"}
    assert statuses(run(jobs)) == {"a.png": "skipped"}
    for name in ("a_hair.png", "a_overlay.jpg", ".a_mask.png.0123abcd.part"):
        (away / name).write_text("precious")
    before = tree(away)
    done = {"parts": ["old", ["sub/a_hair.png"]], "overlay": ["old", ["sub/a_overlay.jpg"]]}
    manifest(out, {"stem": "sub/a", "faces": 0, "done": done}, {"begin": "sub/a", "writers": ["mask"]})
    assert statuses(run(jobs, writers(["mask", "parts", "overlay"]))) == {"a.png": "refused"}
    assert tree(away) == before


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "b", "../a", "", "mask", "a_mask.png"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["mask", "a"]), inner, max_size=2)
    ),
    max_leaves=5,
)
KEYS = ["stem", "begin", "writers", "faces", "done", "run", "finishing", "finished"]
ANY_LINE = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4).map(json.dumps).map(
    str.encode
) | st.binary(max_size=30)


@given(st.lists(ANY_LINE, max_size=6), st.data())
def test_whatever_a_manifest_says_a_run_completes(lines: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder, "out")
        root = pictures(Path(folder, "in"), "a.png", "b.png")
        run(find([root], out))
        path = manifest(out, *(line + b"\n" for line in lines))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        (out / "a.txt").write_text("precious")
        outcomes = run(find([root, out], out), writers(["mask", "overlay"]))
        assert {outcome.status for outcome in outcomes} <= {"written", "skipped", "refused"}
        assert (out / "a.txt").exists()
        assert len(tree(root)) == 2
        assert set(
            statuses(run(find([root], out), writers(["mask", "overlay"]), overwrite=True)).values()
        ) == {"written"}
        assert set(statuses(run(find([root], out), writers(["mask", "overlay"]))).values()) == {"skipped"}


@pytest.mark.parametrize("name", ["lock", "manifest.jsonl"])
@pytest.mark.parametrize(
    "kind", ["link", "hard link", "link to nowhere", "pipe", "folder", "link to a folder above"]
)
def test_state_files_are_no_links(tmp_path: Path, linked: Link, name: str, kind: str) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim"
    jobs = find([pictures(tmp_path / "in", "a.png")], out)
    run(jobs)
    victim.write_text("precious")
    state = out / ".faceparse" / name
    state.unlink()
    if kind.startswith("link"):
        target = victim
        if kind == "link to nowhere":
            target = tmp_path / "nowhere"
        elif kind == "link to a folder above":
            state.parent.rename(tmp_path / "elsewhere")
            state, target = state.parent, tmp_path / "elsewhere"
        linked(state, target)
    elif kind == "hard link":
        state.hardlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(state) if hasattr(os, "mkfifo") else pytest.skip("no pipes here")
    else:
        state.mkdir()
    elsewhere = {p.name: p.read_bytes() for p in tmp_path.glob("elsewhere/*")}
    with pytest.raises(OutputError, match="remove it"):
        run(jobs)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert elsewhere == {p.name: p.read_bytes() for p in tmp_path.glob("elsewhere/*")}
    if state.name == "manifest.jsonl":  # nor are they read where the folder is an input's
        with pytest.raises(OutputError, match="remove it"):
            find([out], tmp_path / "other")


DAMAGED = [
    b"[1]\n",
    b"null\n",
    b"\xff\xfe\n",
    b"[" * 100_000 + b"\n",
    b"x" * (3 << 20) + b"\n",
    b'{"stem":["b"],"faces":0,"done":{}}\n',
    b'{"stem":"b","faces":"many","done":{}}\n',
    b'{"stem":"b","faces":1e999,"done":{}}\n',
    b'{"stem":"b","faces":0,"done":[]}\n',
    b'{"stem":"b","faces":0,"done":{"mask":7}}\n',
    b'{"stem":"b","faces":0,"done":{"mask":["key",[1]]}}\n',
    b'{"stem":"b","faces":0,"done":{"mask":[{},["b_mask.png"]]}}\n',
    b'{"stem":"b"}\n',
    b'{"stem":"","faces":0,"done":{}}\n',
    b'{"begin":{},"writers":["mask"]}\n',
    b'{"begin":"b","writers":[["mask"]]}\n',
    b'{"begin":"b","writers":7}\n',
    b'{"run":["x"]}\n',
    b'{"finished":7}\n',
    b'{"finished":[{}]}\n',
    b'{"finished":["/b.png"]}\n',
]


@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: ascii(line[:50]))
def test_damaged_lines_are_skipped_and_said_once(
    tmp_path: Path, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    root = pictures(tmp_path / "in", "a.png", "b.png")
    run(find([root], out))
    manifest(out, line, line, b'{"begin":"a","wr')  # and one that a killed run left
    assert set(statuses(run(find([root], out))).values()) == {"skipped"}
    (message,) = [record.getMessage() for record in caplog.records]
    assert re.search(r"manifest.jsonl: [1-9]\d* damaged lines", message)
    caplog.clear()
    pictures(out, "c.png")
    assert [job.source for job in find([out], tmp_path / "other")] == [out / "c.png"]  # no masks
    assert len(caplog.records) == 1


def test_a_recorded_name_longer_than_any_is_no_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs = find([pictures(tmp_path / "in", "a.png")], out)
    run(jobs)
    path = manifest(out)
    path.write_bytes(path.read_bytes().replace(b"a_mask.png", b"a" * 100_000))
    (out / "a_mask.png").unlink()
    assert statuses(run(jobs)) == {"a.png": "written"}


def as_if_killed(out: Path, stem: str, *forms: str) -> None:
    manifest(out, {"begin": stem, "writers": forms})


def test_a_killed_run_makes_no_other_form_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs = find([pictures(tmp_path / "in", "a.png")], out)
    run(jobs)
    as_if_killed(out, "a", "mask")
    for name in ("a_overlay.jpg", "a_hair.png"):
        (out / name).write_text("painted by hand")
    before = tree(out)
    (outcome,) = run(jobs, writers(["mask", "overlay", "parts"]))
    assert outcome.status == "refused"
    assert tree(out) == before | {"a_mask.png": (out / "a_mask.png").read_bytes()}
    for name in ("a_overlay.jpg", "a_hair.png"):
        assert str(out / name) in outcome.reason


def test_a_new_file_of_a_recorded_form_replaces_nobodys(tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs = find([pictures(tmp_path / "in", "a.png")], out)
    run(jobs, writers(["parts"]))
    (out / "a_hair.png").write_text("painted by hand")
    (outcome,) = run(jobs, writers(["parts"]), identity={"model": "new"})
    assert (outcome.status, outcome.outputs) == ("refused", ())
    assert (out / "a_hair.png").read_text() == "painted by hand"


@pytest.mark.parametrize("kind", ["folder", "link to nowhere"])
def test_whatever_is_in_the_way_is_refused(tmp_path: Path, linked: Link, kind: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    jobs = find([pictures(tmp_path / "in", "a.png")], out)
    if kind == "folder":
        (out / "a_mask.png").mkdir()
    else:
        linked(out / "a_mask.png", tmp_path / "nowhere")
    assert statuses(run(jobs)) == {"a.png": "refused"}
    assert not (tmp_path / "nowhere").exists()


def test_a_picture_of_the_run_is_no_place_for_a_result(tmp_path: Path) -> None:
    root = pictures(tmp_path / "in", "a.png", "a_mask.png")
    before = tree(root)
    jobs = find([root / "a.png", root / "a_mask.png"], root)
    for overwrite in (False, True):
        assert statuses(run(jobs, overwrite=overwrite)) == {"a.png": "refused", "a_mask.png": "written"}
        assert tree(root).items() >= before.items()


def in_scheme(scheme: Scheme) -> Callable[[PictureSource], Parsing]:
    """A parser that sees every class of a scheme."""

    def parse(picture: PictureSource) -> Parsing:
        image = read_picture(picture)
        rows = np.arange(image.shape[0]) % len(scheme)
        labels = np.broadcast_to(rows[:, None], image.shape[:2]).astype(np.uint8)
        return Parsing.from_labels(image, labels, scheme)

    return parse


def test_a_class_of_ones_own_is_no_place_either(tmp_path: Path) -> None:
    scheme, out = Scheme("own", ("background", "cheek")), tmp_path / "out"
    jobs = find([pictures(tmp_path / "in", "a.png")], out)
    chosen = writers(["parts"])
    assert statuses(run(jobs, chosen, in_scheme(scheme), scheme=scheme)) == {"a.png": "written"}
    (out / ".faceparse" / "manifest.jsonl").unlink()
    (out / "a_cheek.png").write_text("painted by hand")
    assert statuses(run(jobs, chosen, in_scheme(scheme), scheme=scheme)) == {"a.png": "refused"}
    assert tree(out) == {"a_cheek.png": b"painted by hand"}


@pytest.mark.parametrize(
    ("classes", "forms", "names"),
    [
        ("mask hair", "mask,parts", ["one/a.png"]),
        ("soft_hair hair", "parts,soft", ["one/a.png"]),
        ("hair Hair", "parts", ["one/a.png"]),  # one file on some systems
        ("hair curly_hair", "parts", ["one/a.png", "one/a_curly.png"]),
        ("hair", "parts,soft", ["one/a.png", "two/a_soft.png"]),
        ("hair", "parts,soft", ["one/A.png", "two/a_Soft.png"]),
    ],
)
def test_no_two_files_of_a_run_have_one_name(
    tmp_path: Path, classes: str, forms: str, names: list[str]
) -> None:
    scheme = Scheme("own", ("background", *classes.split()))
    jobs = find(sorted({(pictures(tmp_path, name) / name).parent for name in names}), tmp_path / "out")
    with pytest.raises(ConfigError, match=r"(file STEM_|written as a_)") as caught:
        run(jobs, writers(forms.split(",")), in_scheme(scheme), scheme=scheme)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_ending_that_no_file_can_have_is_named_before_work(tmp_path: Path) -> None:
    scheme = Scheme("own", ("background", "a/b"))
    jobs = find([pictures(tmp_path / "in", "a.png")], tmp_path / "out")
    with pytest.raises(OutputError, match=r"'_a/b\.png'"):
        run(jobs, writers(["parts"]), in_scheme(scheme), scheme=scheme)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_that_nobody_writes_to_holds_nothing(tmp_path: Path, linked: Link) -> None:
    root, out = pictures(tmp_path / "in", "a.png"), tmp_path / "out"
    os.mkfifo(root / "pipe.png")
    linked(root / "link.png", root / "pipe.png")
    linked(root / "device.png", Path("/dev/zero"))
    first = run(find([root], out))
    assert statuses(first) == {"a.png": "written", "link.png": "failed", "device.png": "failed"}
    assert all("not a regular file" in outcome.reason for outcome in first if outcome.reason)
    (out / "a_mask.png").unlink()
    os.mkfifo(out / "a_mask.png")  # nor one in the place of a result
    (second,) = run(find([root / "a.png"], out))
    assert (second.status, "device or pipe" in second.reason) == ("failed", True)
