"""Reading checkpoint files without running anything in them.

>>> file = read_checkpoint("79999_iter.pth")  # doctest: +SKIP
>>> len(file.tensors), file.card  # doctest: +SKIP
(191, None)

Taken are PyTorch files (a bare state dict; one under `model`, `state_dict` or `state_dict_backbone`, as
training scripts and Lightning save it) through `torch.load(weights_only=True)`, safetensors, Caffe models, and
a zip archive around one such file. A file of ours carries its card (safetensors) or its settings (training
checkpoint) inside.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceparse.errors import ConfigError, MissingExtraError, WeightsError
from faceparse.files import atomic
from faceparse.labels import schemes
from faceparse.tables import convert, parse
from faceparse.weights.card import Card, embedded
from faceparse.weights.importers.caffe import read_caffemodel
from faceparse.weights.packed import FAULTS, packed_file
from faceparse.weights.protobuf import ProtobufError

if TYPE_CHECKING:
    from torch import Tensor

CARD_KEY = "faceparse.card"
"""Metadata key under which model files of ours carry their card as JSON."""

SETTINGS_KEY = "faceparse"
"""Key under which our training checkpoints carry their settings."""

_PROGRESS = ("epoch", "global_step", "pytorch-lightning_version", "hparams_name", "hyper_parameters")
_WRAPPERS = ("state_dict", "model", "state_dict_backbone")
_LIGHTNING_PREFIX = "network."
_TORCH_LEGACY = (
    b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # the pickled magic number that torch.save wrote before 1.6
)
_ZIP = b"PK\x03\x04"
_OF_TENSORS = re.compile(r"collections\.OrderedDict|torch\.\w+|torch\.(_utils|storage|serialization)\.\w+")
"""What pickles of tensors import."""
_LONGEST_PICKLE = 1 << 26


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The tensors of a checkpoint file, and what it says about itself.

    Attributes:
        path: The file.
        tensors: Name → tensor on the CPU, as the file names them (a training checkpoint of ours
            without its `network.`).
        card: The card inside a safetensors file of ours.
        settings: The settings inside a training checkpoint of ours; plain data.
        progress: What a Lightning checkpoint says of itself besides: epoch, step, version, hyperparameters.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    card: Card | None = None
    settings: Mapping[str, Any] | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scheme(self) -> str | Mapping[str, Any] | None:
        """The label scheme that the file itself states, by name or in full, or None for a foreign file."""
        if self.card is not None:
            return self.card.scheme
        scheme = None if self.settings is None else self.settings.get("scheme")
        if scheme is None or isinstance(scheme, Mapping) or (isinstance(scheme, str) and scheme in schemes()):
            return scheme
        # A name, never a file that is opened.
        raise WeightsError(f"the settings inside {self.path}: no label scheme {str(scheme)[:60]!r}")


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint file; nothing in it is run.

    Args:
        path: A PyTorch file (`.pt`, `.pth`, `.ckpt`) or a `.safetensors` file, told apart by content; a
            `.caffemodel`, told by its name; or a zip archive with one of these in it and no other.

    Raises:
        WeightsError: no such file; not a checkpoint; cut short; a pickle that would run code (the message
            names what was refused); a Git LFS pointer; a TorchScript archive.
        MissingExtraError: torch is not installed.
    """
    path = Path(path)
    head = _head(path)
    if path.suffix == ".safetensors" or _looks_like_safetensors(head):
        return _read_safetensors(path)
    packed = packed_file(path) if head.startswith(_ZIP) else None
    if packed is not None:
        return _read(path, packed.name, BytesIO(packed.read()))
    return _read(path, path.name, path)


def _read(path: Path, name: str, source: Path | BytesIO) -> Checkpoint:
    """What `read_checkpoint` reads, but safetensors, whether it lies at `path` or in an archive there."""
    head = source.getvalue()[:512] if isinstance(source, BytesIO) else _head(source)
    if name.endswith(".caffemodel"):
        return _read_caffe(path, source)
    if head.startswith(_ZIP):
        _check_zip(path, source)
    elif _TORCH_LEGACY not in head[:32]:
        raise _not_torch(path, head, source)
    return _from_torch(path, _torch_load(path, source))


def embedded_card(path: str | Path) -> Card | None:
    """The card inside a safetensors file, None where it carries none; needs no torch.

    Raises:
        WeightsError: no such file, not safetensors, cut short, or a card that is damaged.
    """
    text = _safetensors_metadata(Path(path)).get(CARD_KEY)
    return None if text is None else embedded(text, path)


def write_safetensors(
    path: str | Path, tensors: Mapping[str, Tensor], card: Card, *, overwrite: bool = False
) -> None:
    """Write tensors with their card inside, whole or not at all.

    Raises:
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
        MissingExtraError: torch or safetensors is not installed.
    """
    save = _safetensors_torch().save_file
    with atomic(Path(path), overwrite=overwrite, make_folder=True) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        save({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata={CARD_KEY: card.to_json()})
        temporary.chmod(mode)  # safetensors makes files that their owner alone can read


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise WeightsError(f"{path} is a folder: name the checkpoint file in it")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise WeightsError(f"no checkpoint file {path}") from None
    except OSError as error:
        raise WeightsError(f"cannot read checkpoint {path}: {error.strerror}") from None
    if not head:
        raise WeightsError(f"{path} is empty: get the file again")
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(
            f"{path} is a Git LFS pointer, not the checkpoint itself: run `git lfs pull` there, "
            "or download the file from its release page"
        )
    return head


def _content(source: Path | BytesIO) -> bytes:
    return source.getvalue() if isinstance(source, BytesIO) else source.read_bytes()


def _not_torch(path: Path, head: bytes, source: Path | BytesIO) -> WeightsError:
    if head.startswith(b"\x80"):
        found = _pickled_names(_content(source))
        if found:
            return _code_error(path, ", ".join(found))
        return WeightsError(f"{path} is a plain Python pickle, not a checkpoint that PyTorch saved")
    if path.suffix.lower() == ".onnx" and head.startswith(b"\x08"):  # its format version comes first
        return WeightsError(
            f"{path} is an ONNX file, not a checkpoint: it runs as it is, with --model {path} and, where it is none "
            "of ours, --card"
        )
    start = ascii(head[:12].decode("latin-1"))
    return WeightsError(
        f"{path} is not a checkpoint: expected a file that PyTorch or safetensors wrote, this one starts "
        f"with {start}; is it a web page or another kind of model?"
    )


def _code_error(path: Path, what: str) -> WeightsError:
    return WeightsError(
        f"{path} was refused: reading it would run code ({what}); get a plain state dict "
        "(tensors by name) or a safetensors file of these weights"
    )


def _pickled_names(data: bytes) -> list[str]:
    """`module.name` of each global that pickles import, one after the other; read, not run."""
    names: set[str] = set()
    file = BytesIO(data)
    with suppress(
        ValueError
    ):  # no further pickle, or one that is cut short: what was seen so far still stands
        while True:
            pushed: list[str] = []  # strings as they come onto the stack; other values as ""
            memo: dict[object, str] = {}
            for code, argument, _ in pickletools.genops(file):
                if code.name in ("GLOBAL", "INST"):
                    names.add(str(argument).replace(" ", "."))
                elif code.name == "STACK_GLOBAL":
                    names.add(".".join(pushed[-2:]))
                elif code.name == "MEMOIZE":
                    memo[len(memo)] = pushed[-1] if pushed else ""
                elif "PUT" in code.name:
                    memo[argument] = pushed[-1] if pushed else ""
                elif "GET" in code.name:
                    pushed.append(memo.get(argument, ""))
                else:
                    pushed.append(argument if isinstance(argument, str) else "")
    return sorted(names)


def _check_zip(path: Path, source: Path | BytesIO) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        raise _damaged(path) from None
    if any(n.endswith("/constants.pkl") for n in names):
        raise WeightsError(
            f"{path} is a TorchScript archive, which holds code: get the plain state dict (.pt, .pth) "
            "or the ONNX file of these weights"
        )
    if not any(n.endswith("/data.pkl") for n in names):
        raise WeightsError(f"{path} is a zip archive, not a checkpoint: unpack it and name the file in it")


def _damaged(path: Path) -> WeightsError:
    size = path.stat().st_size
    return WeightsError(f"{path} is cut short or damaged ({size:,} bytes): get the file again")


def _read_caffe(path: Path, source: Path | BytesIO) -> Checkpoint:
    torch = _torch(path)
    try:
        arrays = read_caffemodel(_content(source))
    except ProtobufError as error:
        raise WeightsError(f"{path} is not a whole Caffe model: {error}; get the file again") from None
    return Checkpoint(path, {name: torch.from_numpy(array) for name, array in arrays.items()})


def _torch(path: Path) -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch", "torch", f"reading {path.name}") from None
    return torch


def _torch_load(path: Path, source: Path | BytesIO) -> object:
    torch = _torch(path)
    if isinstance(source, BytesIO):
        source.seek(0)
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # torch raises nearly every kind for a bad file
        refused = [name for name in _pickled_names(_pickles(source)) if not _OF_TENSORS.fullmatch(name)]
        if refused:
            raise _code_error(path, ", ".join(refused[:6])) from None
        raise _damaged(path) from error


def _pickles(source: Path | BytesIO) -> bytes:
    """The pickled part of a file that PyTorch saved, old or new."""
    try:
        with zipfile.ZipFile(source) as archive:
            name = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
            return archive.open(name).read(_LONGEST_PICKLE)
    except FAULTS:
        return _content(source)


def _from_torch(path: Path, content: object) -> Checkpoint:
    from torch import Tensor

    if isinstance(content, Mapping):
        settings = content.get(SETTINGS_KEY)
        for state in (*(content.get(k) for k in _WRAPPERS), content):
            if not isinstance(state, Mapping) or not state:
                continue
            if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
                continue
            progress = {k: content[k] for k in _PROGRESS if k in content and state is not content}
            if not isinstance(settings, Mapping):
                return Checkpoint(path, dict(state), progress=progress)
            own = {
                k.removeprefix(_LIGHTNING_PREFIX): v
                for k, v in state.items()
                if k.startswith(_LIGHTNING_PREFIX)
            }
            return Checkpoint(path, own, settings=settings, progress=progress)
        what = f"its keys are {', '.join(map(str, list(content)[:6])) or 'none'}"
    else:
        what = f"it holds a {type(content).__name__}"
    raise WeightsError(
        f"{path} has no state dict (tensors by name), bare or under {' or '.join(_WRAPPERS)}: {what}"
    )


def _looks_like_safetensors(head: bytes) -> bool:
    return len(head) > 9 and head[8:10] in (b'{"', b"{}") and int.from_bytes(head[:8], "little") < 1 << 27


@dataclass(frozen=True)
class _Stored:
    """What a safetensors header says of one tensor."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def _safetensors_metadata(path: Path) -> dict[str, str]:
    head = _head(path)
    length = int.from_bytes(head[:8], "little")
    if not _looks_like_safetensors(head):
        raise WeightsError(f"{path} is not a safetensors file: its header is not one")
    size = path.stat().st_size
    if size < 8 + length:
        raise _damaged(path)
    with path.open("rb") as file:
        file.seek(8)
        text = file.read(length)
    try:
        header: dict[str, Any] = convert(Mapping[str, Any], parse(text.decode(), "JSON", "the header"))
        metadata: dict[str, str] = convert(Mapping[str, str], header.pop("__metadata__", {}))
        tensors: dict[str, _Stored] = convert(Mapping[str, _Stored], header)
    except (ConfigError, UnicodeDecodeError):
        raise _damaged(path) from None
    if size < 8 + length + max((t.data_offsets[1] for t in tensors.values()), default=0):
        raise _damaged(path)
    return metadata


def _safetensors_torch() -> Any:
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "torch", "torch", "a safetensors file") from None
    return safetensors.torch


def _read_safetensors(path: Path) -> Checkpoint:
    card = embedded_card(path)
    load = _safetensors_torch().load_file
    from safetensors import SafetensorError

    try:
        return Checkpoint(path, load(path), card=card)
    except SafetensorError as error:
        raise _damaged(path) from error
