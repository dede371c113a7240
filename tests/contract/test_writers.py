"""What every output form keeps to; see `faceparse.writers.Writer`."""

import dataclasses
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from faceparse.cli.main import main
from faceparse.errors import ConfigError, LabelError, OutputError
from faceparse.labels import Scheme, schemes
from faceparse.results import Parsing
from faceparse.writers import WRITERS, Writer, write, writers
from faceparse.writers.options import option_types
from tests.conftest import ROOT
from tests.writers.samples import PARSINGS, labelled, seen

FORMS = list(WRITERS)


@pytest.fixture(params=FORMS)
def writer(request: pytest.FixtureRequest) -> Writer:
    return writers([request.param])[request.param]


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def written(writer: Writer, parsing: Parsing, folder: Path, stem: str = "v1.2 photo") -> dict[str, bytes]:
    """Write and check what came back against what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = writer.write(parsing, folder / stem)
    there = files(folder)
    assert {p.name for p in paths} == set(there)
    assert len(set(paths)) == len(paths)
    assert all(p.parent == folder for p in paths)
    return there


def test_files_are_those_returned_and_the_same_every_time(writer: Writer, tmp_path: Path) -> None:
    for case, parsing in PARSINGS.items():
        folder = tmp_path / case
        there = written(writer, parsing, folder / "one")
        assert written(writer, parsing, folder / "two") == there
        assert written(writer, parsing, folder / "two") == there, "written over"
        if case != "no background in the scheme":
            assert {name.removeprefix("v1.2 photo") for name in there} <= set(writer.endings), case


def test_endings_cover_every_scheme(writer: Writer, tmp_path: Path) -> None:
    """Folders tell our outputs from pictures by them."""
    for name, scheme in schemes().items():
        try:
            writer.check(scheme)
        except LabelError:  # a heat map of a scheme without a face
            continue
        labels = np.arange(len(scheme), dtype=np.uint8)[None]
        there = written(writer, labelled(labels, name), tmp_path / name, "a")
        assert {n.removeprefix("a") for n in there} <= set(writer.endings), name


def test_threads_do_not_disturb_each_other(writer: Writer, tmp_path: Path) -> None:
    one = seen(60, 50)
    expected = written(writer, one, tmp_path / "alone", "a")
    folders = [tmp_path / str(i) for i in range(8)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda folder: writer.write(one, folder / "a"), folders))
    assert all(files(folder) == expected for folder in folders)


def test_the_parsing_is_left_as_it_was(writer: Writer, tmp_path: Path) -> None:
    one = seen()
    before = one.image.copy(), one.labels.copy()
    writer.write(one, tmp_path / "a")
    np.testing.assert_array_equal(one.image, before[0])
    np.testing.assert_array_equal(one.labels, before[1])


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can be longer than a few bytes: what a full disk does, by the system itself."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_output_error_and_leaves_what_was(writer: Writer, tmp_path: Path) -> None:
    one = seen()
    written(writer, seen(20, 30), tmp_path)
    before = files(tmp_path)
    with full_disk(), pytest.raises(OutputError, match=r"cannot write .*File too large") as caught:
        writer.write(one, tmp_path / "v1.2 photo")
    assert "\n" not in str(caught.value)
    assert files(tmp_path) == before
    (tmp_path / "new").mkdir()
    with full_disk(), pytest.raises(OutputError):
        writer.write(one, tmp_path / "new" / "a")
    assert files(tmp_path / "new") == {}


def test_a_missing_folder_is_an_output_error(writer: Writer, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        writer.write(seen(), tmp_path / "nowhere" / "a")


def test_options_are_the_fields_of_a_frozen_dataclass(writer: Writer) -> None:
    assert dataclasses.is_dataclass(writer)
    assert type(writer).__dataclass_params__.frozen
    assert eval(repr(writer), {type(writer).__name__: type(writer)}) == writer
    hash(writer)
    for name in option_types(type(writer)):
        assert get_type_hints(type(writer))[name] in (int, float, bool, str, tuple[str, ...], float | str), (
            name
        )
        assert f"    {name}: " in (type(writer).__doc__ or ""), f"say what {name} is"


@pytest.mark.parametrize("value", [-1, 1e12, 1e300, 10**400, float("inf"), float("nan")])
def test_numbers_have_ranges(writer: Writer, value: float) -> None:
    for name, kind in option_types(type(writer)).items():
        if get_type_hints(type(writer))[name] in (int, float, float | str):
            for given in (value, str(value)):
                with pytest.raises(ConfigError, match=f"{name}: expected") as caught:
                    writers([writer.name], {name: given})
                assert "\n" not in str(caught.value), kind


def test_written_from_python(writer: Writer, tmp_path: Path) -> None:
    paths = write(seen(), writer.name, tmp_path / "new" / "folder" / "photo")
    assert paths
    assert set(paths) == set((tmp_path / "new" / "folder").iterdir())


@pytest.mark.parametrize("form", ["soft", "parts"])
@pytest.mark.parametrize("name", ["../../away", "a/b", "a\0b"])
def test_no_class_name_leads_elsewhere(form: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    one = labelled(np.ones((2, 2), np.uint8), Scheme("evil", ("background", name)))
    with pytest.raises(OutputError, match="no file's name can end with"):
        write(one, form, tmp_path / "in" / "a")
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == []


def row(name: str) -> str:
    """The line of the table in docs/outputs.md, from the form itself."""
    kind = WRITERS[name]
    about = (kind.__doc__ or "").splitlines()[0].rstrip(".")
    per_class = {"soft": "_soft_CLASS.png", "parts": "_CLASS.png", "swap": "_swap_N.png"}
    ending = per_class.get(name) or "".join(kind.endings)
    options = ", ".join(f"`{option}` {shown(getattr(kind, option))}" for option in option_types(kind))
    return f"| `{name}` | `STEM{ending}` | {about} | {options or '–'} |"


def shown(default: object) -> str:
    return {"()": "all", "True": "yes", "False": "no"}.get(str(default), str(default))


def test_the_table_in_the_docs_has_every_form() -> None:
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\w+` \| `STEM.*$", text, re.M)
    assert rows == [row(name) for name in FORMS]


def test_the_command_names_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["parse", "--help"])
    words = set(re.findall(r"\w+", capsys.readouterr().out))
    assert {*FORMS} <= words
