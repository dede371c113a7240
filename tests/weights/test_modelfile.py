"""Finding models by name and path, and reading the card inside them."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import WeightsError
from faceparse.weights import Card, hashing, modelfile, published_path, verify
from faceparse.weights import card as find_card
from faceparse.weights.hashing import sha256
from faceparse.weights.modelfile import find_model
from faceparse.weights.onnxfile import onnx_card
from faceparse.weights.records import Record, write_record

ID = "bisenet-resnet18-zllrunning"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def packaged(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelfile, "packaged", lambda: {"default": tiny_path})


def safetensors(metadata: dict[str, str], size: int = 8) -> bytes:
    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"__metadata__": metadata, "weight": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


@pytest.mark.usefixtures("packaged")
def test_packaged_model_by_name(tiny_path: Path) -> None:
    path, card = find_model("default")
    assert path == tiny_path
    assert card.id == "tiny"


def test_file_with_its_card(tiny_path: Path) -> None:
    for given_as in (tiny_path, str(tiny_path)):
        path, card = find_model(given_as)
        assert path == tiny_path
        assert (card.id, card.scheme, card.input.size) == ("tiny", "celebamask19", (64, 64))


def test_safetensors_with_its_card(write: Callable[[str, bytes], Path]) -> None:
    path = write("own.safetensors", safetensors({"faceparse.card": find_card(ID).to_json()}))
    assert find_model(path).card == find_card(ID)


@pytest.mark.parametrize("name", ["foreign.onnx", "foreign.safetensors"])
def test_foreign_file_needs_a_card(name: str, tiny_path: Path, write: Callable[[str, bytes], Path]) -> None:
    # As long as before, so that the lengths around it hold.
    without = tiny_path.read_bytes().replace(b"faceparse.card", b"somebody.s.own")
    path = write(name, without if name.endswith("onnx") else safetensors({}))
    with pytest.raises(WeightsError, match=r"contains no model card.*--card \(.*weights list"):
        find_model(path)
    assert find_model(path, ID).card == find_card(ID)


def test_a_card_from_a_toml_file(tiny_path: Path, tmp_path: Path) -> None:
    source = Path(str(modelfile.__file__)).parent / "cards" / f"{ID}.toml"
    own = tmp_path / "own.toml"
    own.write_text(source.read_text(encoding="utf-8").replace(ID, "mine"), encoding="utf-8")
    assert find_model(tiny_path, str(own)).card.id == "mine"


def test_known_model_without_weights_says_how_to_get_them() -> None:
    with pytest.raises(WeightsError) as raised:
        find_model(ID)
    assert str(raised.value) == f"the weights of {ID} are not on this machine: faceparse weights get {ID}"


def test_known_model_in_the_cache(tiny_path: Path) -> None:
    card = find_card(ID)
    published = published_path(card)
    published.parent.mkdir(parents=True)
    published.write_bytes(b"PK")
    with pytest.raises(WeightsError, match=rf"not yet a model file: .*faceparse weights get {ID} makes"):
        find_model(ID)
    made = published.with_name(f"{ID}.safetensors")
    made.write_bytes(safetensors({"faceparse.card": card.to_json()}))
    write_record(made.parent, made.name, Record(sha256(made), 0, "here"))
    assert find_model(ID) == (made, card)


@pytest.fixture
def foreign(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """The card of an ONNX file in the cache that carries none."""
    content = tiny_path.read_bytes().replace(b"faceparse.card", b"somebody.s.own")
    card = find_card("bisenet-resnet18-yakhyo-onnx")
    card = replace(card, source=replace(card.source, sha256=hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(modelfile, "cards", lambda: {card.id: card})
    published_path(card).parent.mkdir(parents=True)
    published_path(card).write_bytes(content)
    return card


def test_foreign_onnx_in_the_cache_has_its_card(foreign: Card) -> None:
    assert find_model(foreign.id) == (published_path(foreign), foreign)
    assert find_model(foreign.id, ID).card.id == ID


def agreed(card: Card) -> str:
    """What `verify` says of a card's file, and `find_model` too."""
    (check,) = verify(card)
    if check.status == "ok":
        find_model(card.id)
    else:
        with pytest.raises(WeightsError, match=rf"not used: faceparse weights get {card.id} ") as caught:
            find_model(card.id)
        assert "\n" not in str(caught.value)
    return check.status


@pytest.mark.parametrize("stated", [True, False])
def test_a_file_in_the_cache_is_held_to_its_card_or_its_record(
    stated: bool, foreign: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = published_path(foreign), published_path(foreign).read_bytes()
    card = foreign
    if not stated:
        card = replace(foreign, source=replace(foreign.source, sha256=""))
        monkeypatch.setattr(modelfile, "cards", lambda: {card.id: card})
        assert agreed(card) == "unknown"
        write_record(path.parent, path.name, Record(sha256(path), 0, "here"))
    for part, status in (
        (content, "ok"),
        (content + b"x", "CHANGED"),
        (content[::-1], "CHANGED"),
        (content, "ok"),
    ):
        path.write_bytes(part)
        assert agreed(card) == status


def test_a_file_in_the_cache_is_read_once_while_it_stays_as_it_is(
    foreign: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def counted(path: Path) -> str:
        reads.append(path)
        return sha256(path)

    monkeypatch.setattr(hashing, "sha256", counted)
    path, content = published_path(foreign), published_path(foreign).read_bytes()
    find_model(foreign.id)
    find_model(foreign.id)
    assert len(reads) == 2  # it may be changed within the same tick of the file system's clock
    monkeypatch.setattr(hashing, "SETTLED", -1)
    for _ in range(3):
        find_model(foreign.id)
    assert len(reads) == 3
    verify(foreign)
    assert len(reads) == 4
    for note in ("", "nonsense", "\xff", "0" * 64):
        path.with_name(f".{path.name}.sha256").write_text(note, encoding="latin-1")
        find_model(foreign.id)
    assert len(reads) == 8
    path.write_bytes(content[::-1])
    os.utime(path, ns=(0, 0))
    with pytest.raises(WeightsError, match="is CHANGED"):
        find_model(foreign.id)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", r"no model 'nothing': .*weights list.* \.onnx"),
        ("bisnet", "no model 'bisnet'; did you mean 'bisenet-"),
        ("bisenet-resnet18", "no model .bisenet-resnet18.; did you mean 'bisenet-resnet18-"),
        ("nowhere/model.onnx", "no model file nowhere/model.onnx"),
        ("nowhere.pth", "no model file nowhere.pth"),
        ("", "no model ''|no model file"),
    ],
)
def test_no_such_model(name: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        find_model(name)


def test_default_missing_from_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelfile, "packaged", dict)
    with pytest.raises(WeightsError, match=r"default model is missing.*reinstall"):
        find_model("default")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "text.onnx",
            b"I am not a model at all, only renamed.\n" * 9,
            "not an ONNX model, whatever its name",
        ),
        ("jpeg.onnx", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(99), "not an ONNX model"),
        ("empty.onnx", b"", "is empty"),
        ("zeros.onnx", bytes(100), "not an ONNX model"),
        ("version.onnx", b"\x08\x08", "cut short or damaged"),
        ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("text.safetensors", b"I am not a model at all, only renamed.\n" * 9, "not a safetensors file"),
        ("empty.safetensors", b"", "is empty"),
        ("cut.safetensors", safetensors({}, size=3), "cut short"),
        ("checkpoint.pth", b"PK", "is not a checkpoint that PyTorch or safetensors wrote"),
        ("photo.jpg", b"\xff\xd8", "is not a checkpoint that PyTorch or safetensors wrote"),
        ("bad.safetensors", safetensors({"faceparse.card": "[1]"}), "card inside"),
        ("worse.safetensors", safetensors({"faceparse.card": "{"}), "is not JSON"),
    ],
)
def test_not_a_model_file(
    name: str, content: bytes, message: str, write: Callable[[str, bytes], Path]
) -> None:
    with pytest.raises(WeightsError, match=message) as raised:
        find_model(write(name, content))
    assert "\n" not in str(raised.value)


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model.onnx"
    folder.mkdir()
    with pytest.raises(WeightsError, match="it is a folder"):
        find_model(folder)


def test_every_cut_of_a_model_is_noticed(tiny_path: Path, write: Callable[[str, bytes], Path]) -> None:
    whole = tiny_path.read_bytes()
    assert onnx_card(tiny_path) is not None
    noticed = 0
    for end in range(0, len(whole), 7):
        path = write("cut.onnx", whole[:end])
        try:
            # A cut between two fields leaves a message that is whole, but then without its card.
            assert onnx_card(path) is None
        except WeightsError:
            noticed += 1
    assert noticed > 0.95 * len(range(0, len(whole), 7))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "any.onnx")
        path.write_bytes(content)
        try:
            found, message = onnx_card(path), ""
        except WeightsError as error:
            found, message = None, str(error)
        assert found is None
        assert "\n" not in message
