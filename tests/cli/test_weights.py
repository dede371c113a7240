"""`faceparse weights list | show | get | verify | where`."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceparse.weights import backbones, cards
from faceparse.weights import card as find_card
from faceparse.weights.backbone import all_published
from faceparse.weights.summary import size_text
from tests.cli.conftest import Ran
from tests.conftest import ROOT
from tests.weights.server import Served, Site, serving

Run = Callable[..., Ran]
COMMANDS = ("list", "show", "get", "verify", "where")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def packaged_cards(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package's cards, their addresses led to the server."""
    from faceparse.weights import card as module  # the function, so the module by its name
    from faceparse.weights.card import __name__ as name

    assert module is find_card
    folder = tmp_path / "cards"
    folder.mkdir()
    for path in (ROOT / "src" / "faceparse" / "weights" / "cards").glob("*.toml"):
        text = path.read_text(encoding="utf-8").replace(
            "https://github.com/yakhyo/face-parsing/releases", site.url
        )
        lines = [li for li in text.splitlines() if not li.startswith("sha256")]
        (folder / path.name).write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(sys.modules[name], "packaged_tables", lambda _: sorted(folder.glob("*.toml")))
    cards.cache_clear()
    yield folder
    cards.cache_clear()


@pytest.fixture
def foreign(site: Site, tiny_path: Path) -> bytes:
    """An ONNX file without a card inside, served as yakhyo's."""
    content = tiny_path.read_bytes().replace(b"faceparse.card", b"somebody.s.own")
    for name in ("resnet18", "resnet34"):
        site.pages[f"download/weights/{name}.onnx"] = Served(content)
    return content


def test_commands_explain_themselves(faceparse: Run) -> None:
    ran = faceparse("weights", "--help")
    assert ran.code == 0
    for name in COMMANDS:
        assert f" {name} " in ran.out
        helped = faceparse("weights", name, "--help")
        assert helped.code == 0
        assert "Example: " in helped.out
    assert faceparse("weights", "nonsense").code == 2
    assert faceparse("weights").code == 2


def test_list(faceparse: Run) -> None:
    ran = faceparse("weights", "list")
    assert ran.code == 0
    assert ran.err == ""
    rows = {line.split()[0]: line for line in ran.out.splitlines()[1:]}
    assert list(rows) == [*cards(), *backbones()]
    assert "in the package" in rows["default"]
    assert "not here" in rows["bisenet-resnet18-yakhyo"]
    assert " 13.3 M parameters " in rows["bisenet-resnet18-yakhyo"]
    assert " 53.3 MB " in rows["bisenet-resnet18-zllrunning"]
    assert " 89.22 published " in rows["segface-celeb-convnext_base-512"]
    assert "81.7 measured" in rows["bisenet-resnet18-zllrunning"]
    assert "MIT (code); trained on CelebAMask-HQ" in rows["bisenet-resnet18-zllrunning"]


def test_list_for_programs(faceparse: Run) -> None:
    rows = {row["id"]: row for row in json.loads(faceparse("weights", "list", "--json").out)}
    assert list(rows) == [*cards(), *backbones()]
    assert rows["default"]["state"] == "in the package"
    assert Path(rows["default"]["path"]).is_file()
    assert rows["bisenet-resnet18-yakhyo"]["path"] is None
    assert rows["bisenet-resnet18-zllrunning"]["source"]["size"] == 53_289_463


def markdown() -> str:
    """What is the same on every machine, as docs/weights.md has it."""
    lines = ["| id | network | data | file | size | mean F1 | licence |", "|---|---|---|---|---|---|---|"]
    for card in all_published():
        size = size_text(card.source.size, card.parameters)
        figure = card.headline
        f1 = f"{figure.value:g} ({figure.origin}, {figure.data})" if figure else ""
        consent = "; consent needed" if card.licence.consent else ""
        name, origin = f"`{card.source.name}`", card.source.origin
        where = f"[{name}]({origin})" if origin.startswith("http") else name
        network = "backbone" if card.network == "backbone" else f"`{card.network}`"
        licence = card.licence.weights + consent
        lines.append(f"| `{card.id}` | {network} | {card.data} | {where} | {size} | {f1} | {licence} |")
    return "\n".join(lines) + "\n"


def test_the_documentation_has_this_very_table() -> None:
    page = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
    assert markdown() in page, f"paste this into docs/weights.md:\n{markdown()}"


def test_show(faceparse: Run) -> None:
    for model, card in cards().items():
        ran = faceparse("weights", "show", model)
        assert ran.code == 0
        for text in (card.title, card.licence.terms, card.licence.weights, card.limits, card.source.file):
            assert text in ran.out
        shown = json.loads(faceparse("weights", "show", model, "--json").out)
        assert shown["licence"]["terms"] == card.licence.terms
    assert faceparse("weights", "show", "nope").code == 2


def test_a_backbone_behind_terms(tmp_path: Path, faceparse: Run) -> None:
    name = "dinov3-vitl16"
    shown = faceparse("weights", "show", name).out
    assert "consent: not accepted yet" in shown
    assert "https://github.com/facebookresearch/dinov3" in shown
    assert json.loads(faceparse("weights", "show", name, "--json").out)["option"] == "dinov3"
    ran = faceparse("weights", "get", name)
    assert ran.code == 1
    assert "its terms must be accepted first" in ran.err
    assert "--accept-terms" in ran.err
    ran = faceparse("weights", "get", name, "--accept-terms")
    assert "has no download address: get it from https://github.com/facebookresearch" in ran.err
    assert "consent: accepted" in faceparse("weights", "show", name).out
    mine = tmp_path / "dinov3.pth"
    mine.write_bytes(b"PK\x03\x04")
    assert "SHA-256" in faceparse("weights", "get", name, "--from", mine).err
    where = faceparse("weights", "where", name)
    assert where.code == 2
    assert where.err.endswith(f"faceparse weights get {name}\n")


@pytest.mark.usefixtures("packaged_cards")
def test_got_weights_parse_at_once(
    foreign: bytes, site: Site, own_cache: Path, tmp_path: Path, faceparse: Run
) -> None:
    name = "bisenet-resnet18-yakhyo-onnx"
    absent = faceparse("weights", "where", name)
    assert (absent.code, absent.out) == (2, "")
    assert (
        absent.err
        == f"faceparse: the weights of {name} are not on this machine: faceparse weights get {name}\n"
    )
    ran = faceparse("weights", "get", name)
    path = own_cache / name / "resnet18.onnx"
    assert (ran.code, ran.out) == (0, f"{name}: {path}\n")
    assert "Non-commercial" in ran.err
    assert path.read_bytes() == foreign
    assert faceparse("weights", "where", name).out == f"{path}\n"
    assert "ready" in next(li for li in faceparse("weights", "list").out.splitlines() if name in li)
    assert faceparse("weights", "verify").code == 0
    assert faceparse("weights", "get", name).code == 0
    assert len(site.asked) == 1
    parsed = faceparse("parse", ROOT / "examples" / "collins.jpg", "--model", name, "-o", tmp_path / "out")
    assert parsed.code == 0, parsed.err


@pytest.mark.usefixtures("packaged_cards", "foreign")
def test_get_goes_on_past_failures(site: Site, faceparse: Run) -> None:
    site.pages["download/weights/resnet18.onnx"] = Served(status=404)
    ran = faceparse("weights", "get", "bisenet-resnet18-yakhyo-onnx", "bisenet-resnet34-yakhyo-onnx")
    assert ran.code == 1
    assert ran.out.startswith("bisenet-resnet34-yakhyo-onnx: ")
    assert "failed: bisenet-resnet18-yakhyo-onnx: " in ran.err
    assert "was answered with 404" in ran.err
    assert ran.err.endswith("1 got, 1 failed\n")
    alone = faceparse("weights", "get", "bisenet-resnet18-yakhyo-onnx")
    assert alone.code == 1
    assert alone.err.splitlines()[-1].startswith("faceparse: http")


@pytest.mark.usefixtures("packaged_cards")
def test_verify_finds_a_changed_file(foreign: bytes, own_cache: Path, faceparse: Run) -> None:
    name = "bisenet-resnet34-yakhyo-onnx"
    faceparse("weights", "get", name)
    path = own_cache / name / "resnet34.onnx"
    path.write_bytes(foreign[:-1])
    for words in ((), (name,)):
        ran = faceparse("weights", "verify", *words)
        assert ran.code == 1
        assert f"CHANGED: {name}: {path}: SHA-256 " in ran.out
    missing = faceparse("weights", "verify", "bisenet-resnet18-yakhyo")
    assert missing.code == 1
    assert missing.out.startswith("missing: bisenet-resnet18-yakhyo: ")


def test_a_file_from_elsewhere(tmp_path: Path, own_cache: Path, faceparse: Run) -> None:
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(b"\x08\x07mine")
    ran = faceparse("weights", "get", "bisenet-resnet18-yakhyo-onnx", "--from", mine)
    assert ran.code == 1
    assert "has another resnet18.onnx than its card states: SHA-256" in ran.err
    device = faceparse("weights", "get", "bisenet-resnet18-yakhyo-onnx", "--from", "/dev/zero")
    assert (device.code, "/dev/zero" in device.err) == (1, True)
    for words in (
        (),
        ("a", "--all"),
        ("--all", "--from", mine),
        ("a", "b", "--from", mine),
        ("default", "--from", mine),
    ):
        assert faceparse("weights", "get", *words).code == 2


def test_offline(faceparse: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for words, value in ((("--offline",), ""), ((), "1")):
        monkeypatch.setenv("FACEPARSE_OFFLINE", value)
        ran = faceparse("weights", "get", "bisenet-resnet18-yakhyo", *words)
        assert ran.code == 1
        terms, limits, line = ran.err.splitlines()
        assert "limits: Aligned portrait framing" in limits
        assert "Non-commercial" in terms
        assert line.startswith("faceparse: ")
        for part in (
            "resnet18.pt is not there",
            "offline",
            "https://github.com/yakhyo",
            "--from resnet18.pt",
        ):
            assert part in line
    assert faceparse("weights", "get", "default").code == 0


def test_where_is_the_cache(own_cache: Path, faceparse: Run) -> None:
    assert faceparse("weights", "where").out == f"{own_cache}\n"
    path = faceparse("weights", "where", "default").out
    assert Path(path.strip()).is_file()
    assert faceparse("weights", "where", "nope").code == 2


@pytest.mark.torch
@pytest.mark.usefixtures("packaged_cards")
def test_a_checkpoint_becomes_a_model_file(
    site: Site, own_cache: Path, tmp_path: Path, faceparse: Run
) -> None:
    torch = pytest.importorskip("torch")
    from faceparse import models

    network = models.build("bisenet-resnet18")
    published = {
        k: torch.zeros(v)
        for k, v in models.network("bisenet-resnet18")
        .forms[0]
        .expects({k: tuple(v.shape) for k, v in network.state_dict().items()})
        .items()
    }
    torch.save(published, tmp_path / "resnet18.pt")
    site.pages["download/weights/resnet18.pt"] = Served((tmp_path / "resnet18.pt").read_bytes())
    name = "bisenet-resnet18-yakhyo"

    blocked = "import sys; sys.modules['torch'] = None; from faceparse.cli.main import main; main({!r})"
    code = blocked.format(["weights", "get", name])
    cards_code = (
        "from faceparse.weights.card import __name__ as n; import sys, pathlib; "
        f"sys.modules[n].packaged_tables = lambda _: pathlib.Path({str(tmp_path)!r}, 'cards').glob('*.toml'); "
    )
    without = subprocess.run(
        [sys.executable, "-c", cards_code + code], capture_output=True, text=True, check=False
    )
    assert without.returncode == 0, without.stderr
    assert without.stdout == f"{name}: {own_cache / name / 'resnet18.pt'}\n"
    assert "pip install 'faceparse[torch]'" in without.stderr
    assert "not yet a model file" in faceparse("weights", "where", name).err

    ran = faceparse("weights", "get", name)
    made = own_cache / name / f"{name}.safetensors"
    assert (ran.code, ran.out) == (0, f"{name}: {made}\n")
    assert len(site.asked) == 1
    assert faceparse("weights", "where", name).out == f"{made}\n"
    stamp = made.stat().st_mtime_ns
    assert faceparse("weights", "get", name).code == 0
    assert made.stat().st_mtime_ns == stamp  # made once
    assert faceparse("weights", "verify", name).out.count("ok: ") == 2
    parsed = faceparse("parse", ROOT / "examples" / "collins.jpg", "--model", name, "-o", tmp_path / "out")
    assert parsed.code == 0, parsed.err
    pytest.importorskip("onnx")
    from faceparse.export import load_source

    assert load_source(name)[1].id == name
    site.pages["download/weights/resnet18.pt"] = Served(b"PK\x03\x04 cut short")
    again = faceparse("weights", "get", name, "--renew")
    assert again.code == 2
    assert "is cut short" in again.err
