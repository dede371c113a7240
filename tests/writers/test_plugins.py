"""Forms that other packages bring: a distribution on the path, as pip would install it."""

import re
from pathlib import Path

import pytest

from faceparse.errors import ConfigError
from faceparse.writers import WRITERS, write, writers
from tests.conftest import ROOT, Install
from tests.writers.samples import seen


def documented() -> str:
    """The example in the docs."""
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(from dataclasses.*?)```", text, re.S)
    assert found
    return found[1]


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WRITERS, "_things", WRITERS.all())
    monkeypatch.setattr(WRITERS, "_faults", {})


def test_the_documented_form_works(install: Install, tmp_path: Path) -> None:
    install("areas_package", "writers", {"areas": "areas_of_docs:Areas"}, areas_of_docs=documented())
    assert list(writers(["mask", "areas"], {"digits": "1"})) == ["mask", "areas"]
    (path,) = write(seen(), "areas", tmp_path / "photo", digits=2)
    assert path == tmp_path / "photo_areas.txt"
    assert re.fullmatch(r"(\w+ \d\.\d\d\n)+", path.read_text())
    with pytest.raises(ConfigError, match=r"no output form 'doodle'; there are areas, color"):
        writers(["doodle"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_module_at_all", r"does not load: ModuleNotFoundError: No module named"),
        ("1 / 0", "does not load: ZeroDivisionError"),
        ("def (", "does not load: SyntaxError"),
        ("", "does not load: AttributeError"),
        ("Thing = 3", "is no subclass of faceparse.writers.Writer"),
        (
            "from faceparse.writers import Writer\nclass Thing(Writer):\n    name = 'thing'",
            "lacks endings, write",
        ),
        (documented().replace("class Areas", "class Thing"), "has the name 'areas'"),
    ],
)
def test_a_broken_package_is_named_in_one_line(
    install: Install, code: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"broken_{abs(hash((code, message)))}"
    install("broken_package", "writers", {"thing": f"{module}:Thing"}, **{module: code})
    with pytest.raises(ConfigError, match=message) as caught:
        writers(["thing"])
    assert f"output form 'thing' of package broken_package ({module}:Thing)" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(writers(["mask"])) == ["mask"], "others go on"


def test_a_name_of_ours_cannot_be_taken(install: Install) -> None:
    install("taker", "writers", {"mask": "nowhere:Mask"})
    with pytest.raises(ConfigError, match="'mask': claimed by faceparse and taker: uninstall all but one"):
        writers(["mask"])
    assert list(writers(["overlay"])) == ["overlay"]


def test_two_packages_of_one_name(install: Install) -> None:
    install("first", "writers", {"heat": "nowhere:Heat"})
    install("second", "writers", {"heat": "elsewhere:Heat"})
    with pytest.raises(ConfigError, match=r"'heat': claimed by (first and second|second and first)"):
        writers(["heat"])
