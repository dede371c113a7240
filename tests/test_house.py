"""The house rules, read from the code itself: no circles, and rooms that import what docs/design.md says."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "faceparse"
DESIGN = Path(__file__).parents[1] / "docs" / "design.md"

HEAVY = {
    "av",
    "torch",
    "torchvision",
    "timm",
    "pytorch_lightning",
    "onnx",
    "onnxscript",
    "safetensors",
    "requests",
    "filelock",
    "platformdirs",
    "huggingface_hub",
    "tqdm",
    "fastapi",
    "starlette",
    "uvicorn",
    "psutil",
    "pyarrow",
    "ray",
}
TORCH_ROOMS = {"models", "train", "export"}
EXTRA_ROOMS = TORCH_ROOMS | {"serve"}
"""Rooms whose files load what their extra brings; `import faceparse.serve` itself needs only the core."""


def module(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports(name: str) -> list[tuple[str, bool]]:
    """(module, whether it runs with the file itself) of every import of a file, for types and inside functions too."""
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    later = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING")
        for node in ast.walk(block)
    }
    pairs = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            files = [part for part in parts if part in FILES]
            # Another file of one's own room does not come through the room's __init__.
            inside = len(files) == len(parts) and name.startswith(f"{node.module}.")
            names = files if inside else [node.module or "", *files]
        pairs += [(target, id(node) not in later) for target in names]
    return pairs


GRAPH = {name: {target for target, _ in imports(name)} & {*FILES} - {name} for name in FILES}
ROOMS = ["parser", *sorted(p.name for p in SOURCE.iterdir() if (p / "__init__.py").exists())]
TEXT = DESIGN.read_text(encoding="utf-8")
DOCUMENTED = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", TEXT, re.M))
FLOORS = {
    name: int(number)
    for number, names in re.findall(r"^floor (\d+)(.*)$", TEXT, re.M)
    for name in names.split()
}


def room(name: str) -> str:
    return (name + ".").split(".")[1]


def files_of(name: str) -> list[str]:
    return [file for file in FILES if room(file) == name]


def test_no_file_imports_itself_in_a_circle() -> None:
    TopologicalSorter(GRAPH).prepare()  # a CycleError names the files


@pytest.mark.parametrize("name", ROOMS)
def test_the_picture_of_the_house_is_what_the_imports_are(name: str) -> None:
    assert name in DOCUMENTED, f"give the room {name} its line in docs/design.md"
    arrows = {target: f"{file} imports {target}" for file in files_of(name) for target in GRAPH[file]}
    used = {room(target): arrow for target, arrow in arrows.items() if room(target) in {*ROOMS} - {name}}
    too_high = [arrow for target, arrow in used.items() if FLOORS[target] >= FLOORS[name]]
    assert not too_high, f"not from a lower floor of docs/design.md: {too_high}"
    if name == "cli":
        return
    documented = set(re.findall(r"`(\w+)`", DOCUMENTED[name]))
    assert set(used) == documented, (
        f"docs/design.md says that {name} imports {sorted(documented)}; "
        f"{[arrow for target, arrow in used.items() if target not in documented] or sorted(used)}"
    )


def test_the_ground_imports_the_ground() -> None:
    for file in ("errors", "files", "registry", "tables", "version"):
        assert not [target for target in GRAPH[f"faceparse.{file}"] if room(target) in {*ROOMS, ""}]


@pytest.mark.parametrize("name", ROOMS)
def test_files_load_what_the_core_has(name: str) -> None:
    for file in files_of(name):
        for target, top in imports(file):
            if top and name not in EXTRA_ROOMS:
                assert target.split(".")[0] not in HEAVY, f"{file}: the core works without {target}"
            if top and file.startswith("faceparse.cli."):
                assert room(target) not in {*ROOMS} - {"cli"}, f"{file}: commands import {target} when called"


def test_core_needs_no_torch() -> None:
    blocked = "\n".join(f"sys.modules[{name!r}] = None" for name in sorted(HEAVY))
    rooms = ", ".join(f"faceparse.{name}" for name in ROOMS if name not in TORCH_ROOMS)
    code = f"import sys\n{blocked}\nimport {rooms}\nfaceparse.Parser, faceparse.parse"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_faceparse_is_light() -> None:
    code = (
        "import sys, faceparse, faceparse.cli.main\n"
        "heavy = {'numpy', 'cv2', 'onnxruntime', 'PIL', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
