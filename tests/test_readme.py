"""The README says what is so."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from faceparse.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_its_two_commands_are_there_for_ci() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for mark in ("photo", "tests"):
        assert re.search(rf"<!-- {mark} -->\n```bash\n[^\n]+\n```", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_options_exist(page: Path) -> None:
    """Every `faceparse X --option` on a page is one that the command has."""
    commands: Any = typer.main.get_command(app)
    context = typer.Context(commands)
    for name, rest in re.findall(r"faceparse (\w+) ([^\n`|]*)", page.read_text(encoding="utf-8")):
        if name not in commands.list_commands(context):  # prose
            continue
        command = commands.get_command(context, name)
        if hasattr(command, "commands"):
            command = command.commands.get(rest.split()[0])
        if command is None or name == "train":  # prose of a subcommand, or the recipe parser's options
            continue
        options = {option for p in command.params for option in (*p.opts, *p.secondary_opts, "--help")}
        assert set(re.findall(r"--[\w.-]+", rest)) <= options, f"{name} {rest}"


def test_label_table_agrees_with_the_schemes() -> None:
    from faceparse.labels import schemes

    text = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
    for name, scheme in schemes().items():
        row = re.search(rf"^\| `{name}` \| (.+) \|$", text, re.M)
        assert row, name
        if name != "voc21-face":
            assert row[1].split() == list(scheme.classes)
