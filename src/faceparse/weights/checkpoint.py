"""Read checkpoint files without running code from them.

>>> file = read_checkpoint("79999_iter.pth")  # doctest: +SKIP
>>> len(file.tensors), file.card  # doctest: +SKIP
(191, None)

Formats are PyTorch files, read with `torch.load(weights_only=True)`: a bare state dict, or one under `model`,
`state_dict` or `state_dict_backbone`, as training scripts and Lightning save it; safetensors; Caffe models;
and a zip archive of one such file. A file by faceparse contains its card (safetensors) or its settings
(training checkpoint).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from faceparse.errors import WeightsError
from faceparse.files import atomic
from faceparse.labels import schemes
from faceparse.registry import import_extra
from faceparse.weights.archive import unpack
from faceparse.weights.card import Card, card_from_json
from faceparse.weights.contents import HEAD, read_head
from faceparse.weights.importers.caffe import read_caffemodel
from faceparse.weights.protobuf import ProtobufError

if TYPE_CHECKING:
    from torch import Tensor

CARD_KEY = "faceparse.card"
"""Metadata key of the card, as JSON, in model files by faceparse."""

LARGEST_HEADER = 1 << 22
"""Largest table of tensors in a safetensors file, in bytes; real tables have some ten thousand. Reading the
largest takes a second."""

SETTINGS_KEY = "faceparse"
"""Key of the settings in faceparse's training checkpoints."""

_PROGRESS = ("epoch", "global_step", "pytorch-lightning_version", "hparams_name", "hyper_parameters")
_WRAPPERS = ("state_dict", "model", "state_dict_backbone")
_LIGHTNING_PREFIX = "network."
_TORCH_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
"""Pickled number at the start of files older than PyTorch 1.6."""
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The tensors and metadata of a checkpoint file.

    Attributes:
        path: The file.
        tensors: Name → tensor on the CPU, with the file's names (for a training checkpoint by faceparse,
            without the prefix `network.`).
        card: The card inside a safetensors file by faceparse.
        settings: The settings inside a training checkpoint by faceparse; plain data.
        progress: Other metadata of a Lightning checkpoint: epoch, step, version, hyperparameters.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    card: Card | None = None
    settings: Mapping[str, Any] | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scheme(self) -> str | Mapping[str, Any] | None:
        """The label scheme that the file states, as a name or in full; None for a foreign file."""
        if self.card is not None:
            return self.card.scheme
        scheme = None if self.settings is None else self.settings.get("scheme")
        if scheme is None or isinstance(scheme, Mapping) or (isinstance(scheme, str) and scheme in schemes()):
            return scheme
        # The text must name a scheme: it is never opened as a file.
        raise WeightsError(f"the settings inside {self.path}: no label scheme {str(scheme)[:60]!r}")


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint file without running code from it.

    Args:
        path: A PyTorch file (`.pt`, `.pth`, `.ckpt`), a `.safetensors` file, a `.caffemodel`, or a zip
            archive of exactly one such file. A `.caffemodel` is recognised by its name, the others by their
            content.

    Raises:
        WeightsError: no such file; not a checkpoint; truncated; a pickle that would run code (the message
            names what was refused); a Git LFS pointer; a TorchScript archive.
        MissingExtraError: torch is not installed.
    """
    path = Path(path)
    head = read_head(path)
    if path.suffix == ".safetensors" or _looks_like_safetensors(head):
        return _read_safetensors(path)
    inner = unpack(path) if head.startswith(_ZIP) else None
    if inner is not None:
        return _read(path, *inner)
    with path.open("rb") as file:
        return _read(path, path.name, file)


def _read(path: Path, name: str, file: BinaryIO) -> Checkpoint:
    """Read a checkpoint other than safetensors from `file`: the file at `path`, or a file in an archive at `path`."""
    head = file.read(HEAD)
    file.seek(0)
    if name.endswith(".caffemodel"):
        return _read_caffe(path, file)
    if not head.startswith(_ZIP) and _TORCH_LEGACY not in head[:32]:
        raise _not_torch(path, head)
    return _from_torch(path, _torch_load(path, file))


def safetensors_card(path: str | Path) -> Card | None:
    """Return the card inside a safetensors file, or None if there is no card; needs no torch.

    Raises:
        WeightsError: no such file, not safetensors, truncated, or a damaged card.
    """
    import safetensors

    path = Path(path)
    head = read_head(path)
    try:
        if int.from_bytes(head[:8], "little") > LARGEST_HEADER:
            raise safetensors.SafetensorError
        with safetensors.safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(CARD_KEY)
    except safetensors.SafetensorError:
        raise WeightsError(
            f"{path} is not a safetensors file, or cut short or damaged: get the file again"
        ) from None
    return None if text is None else card_from_json(text, path)


def write_safetensors(
    path: str | Path, tensors: Mapping[str, Tensor], card: Card, *, overwrite: bool = False
) -> None:
    """Write tensors with their card inside; on an error no file is left.

    Raises:
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
        MissingExtraError: torch is not installed.
    """
    path = Path(path)
    save = import_extra("torch", f"writing {path.name}", "safetensors.torch").save_file
    with atomic(path, overwrite=overwrite, make_folder=True) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        save({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata={CARD_KEY: card.to_json()})
        temporary.chmod(mode)  # safetensors creates files that only their owner can read


def _not_torch(path: Path, head: bytes) -> WeightsError:
    kind = "is it a web page or another kind of model?"
    if path.suffix.lower() == ".onnx":
        kind = f"an ONNX file runs as it is, with --model {path}"
    elif head.startswith(b"\x80"):
        kind = "reading a pickle that PyTorch did not save may run code"
    start = ascii(head[:12].decode("latin-1"))
    return WeightsError(
        f"{path} is not a checkpoint that PyTorch or safetensors wrote: it starts with {start}; {kind}"
    )


def _read_caffe(path: Path, file: BinaryIO) -> Checkpoint:
    torch = import_extra("torch", f"reading {path.name}", "torch")
    try:
        arrays = read_caffemodel(file.read())
    except ProtobufError as error:
        raise WeightsError(f"{path} is not a whole Caffe model: {error}; get the file again") from None
    return Checkpoint(path, {name: torch.from_numpy(array) for name, array in arrays.items()})


def _torch_load(path: Path, file: BinaryIO) -> object:
    torch = import_extra("torch", f"reading {path.name}", "torch")
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch wraps the first error in a page of advice
        reason = str(error.__context__ or error).split(". ")[0]
        raise WeightsError(
            f"{path} was refused: it is damaged, or reading it would run code ({reason}); get a plain state dict "
            "(tensors by name) or a safetensors file of these weights"
        ) from None
    except Exception as error:  # torch raises nearly any exception for a bad file
        size = path.stat().st_size
        raise WeightsError(
            f"{path} is cut short or damaged ({size:,} bytes), or needs more memory than there is: get the file again"
        ) from error


def _from_torch(path: Path, content: object) -> Checkpoint:
    from torch import Tensor

    table = content if isinstance(content, Mapping) else {}
    settings = table.get(SETTINGS_KEY)
    for state in (*(table.get(k) for k in _WRAPPERS), table):
        entries = state.items() if isinstance(state, Mapping) else ()
        if not entries or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in entries):
            continue
        progress = {k: table[k] for k in _PROGRESS if k in table and state is not table}
        if not isinstance(settings, Mapping):
            return Checkpoint(path, dict(entries), progress=progress)
        prefix = _LIGHTNING_PREFIX
        network = {k.removeprefix(prefix): v for k, v in entries if k.startswith(prefix)}
        return Checkpoint(path, network, settings=settings, progress=progress)
    keys = ", ".join(map(str, list(table)[:6])) or "none"
    what = f"its keys are {keys}" if table is content else f"it holds a {type(content).__name__}"
    raise WeightsError(
        f"{path} has no state dict (tensors by name), bare or under {' or '.join(_WRAPPERS)}: {what}"
    )


def _looks_like_safetensors(head: bytes) -> bool:
    return len(head) > 9 and head[8:10] in (b'{"', b"{}") and int.from_bytes(head[:8], "little") < 1 << 27


def _read_safetensors(path: Path) -> Checkpoint:
    card = safetensors_card(path)
    return Checkpoint(
        path, import_extra("torch", f"reading {path.name}", "safetensors.torch").load_file(path), card=card
    )
