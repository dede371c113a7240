"""The house rule: which room may import which, read from the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "faceparse"

MAY_IMPORT = {
    "labels": set(),
    "results": {"labels"},
    "draw": {"labels", "results"},
    "writers": {"labels", "results", "draw"},
    "weights": {"labels"},
    "models": {"labels", "weights"},
    "pictures": {"labels"},
    "engines": {"labels", "results", "weights"},
    "faces": {"labels", "results", "weights"},
    "parser": {"labels", "pictures", "results", "weights", "engines", "faces"},
    "folder": {"labels", "results", "weights", "pictures", "engines", "parser"},
    "data": {"labels"},
    "evaluate": {"labels", "weights", "results", "draw", "data", "parser"},
    "train": {"labels", "models", "weights", "data", "evaluate", "engines", "parser", "pictures", "faces"},
    "export": {"labels", "models", "weights", "engines", "parser", "pictures"},
    "cli": set(),  # nothing at module level; anything inside a command
}
INSIDE_FUNCTIONS = {
    "results": {"draw"},  # a result's own overlay() and display
    "engines": {"models"},  # the torch engine
    "cli": set(MAY_IMPORT) - {"cli"},
}
HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "pytorch_lightning",
    "jsonargparse",
    "onnx",
    "onnxscript",
    "safetensors",
    "pooch",
    "requests",
    "filelock",
    "platformdirs",
    "huggingface_hub",
    "tqdm",
}
TORCH_ROOMS = {"models", "train", "export"}


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at module level) of every import that runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(n)
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for n in ast.walk(f)
    }
    typing_only = {
        id(n)
        for i in ast.walk(tree)
        if isinstance(i, ast.If) and ast.unparse(i.test) == "TYPE_CHECKING"
        for n in ast.walk(i)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [node.module or ""]
            if node.module == "faceparse":
                names = [f"faceparse.{a.name}" for a in node.names]
        found += [(name, id(node) not in inner) for name in names]
    return found


ROOMS = sorted(p.name for p in SOURCE.iterdir() if p.is_dir() and (p / "__init__.py").exists())


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_their_neighbours(room: str) -> None:
    assert room in MAY_IMPORT, f"say in MAY_IMPORT what the new room {room} may import"
    for path in sorted((SOURCE / room).rglob("*.py")):
        for name, top in imports(path):
            where = f"{path.relative_to(SOURCE)} imports {name}"
            parts = name.split(".")
            if parts[0] in HEAVY and room not in TORCH_ROOMS:
                assert not top, f"{where} at module level: the core works without it"
            if parts[0] != "faceparse" or len(parts) < 2 or not (SOURCE / parts[1]).is_dir():
                continue
            allowed = MAY_IMPORT[room] | {room}
            if not top:
                allowed |= INSIDE_FUNCTIONS.get(room, set())
            assert parts[1] in allowed, where


def test_core_needs_no_torch() -> None:
    blocked = "\n".join(f"sys.modules[{name!r}] = None" for name in sorted(HEAVY))
    rooms = "faceparse, faceparse.labels, faceparse.results, faceparse.draw, faceparse.weights, faceparse.parser, faceparse.folder, faceparse.data, faceparse.evaluate"
    code = f"import sys\n{blocked}\nimport {rooms}\nfaceparse.Parser, faceparse.parse"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_faceparse_is_light() -> None:
    code = (
        "import sys, faceparse, faceparse.cli.main\n"
        "heavy = {'numpy', 'cv2', 'onnxruntime', 'PIL', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
