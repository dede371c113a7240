"""`faceparse labels`: list the label schemes, or show one scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer import Argument, Option

from faceparse.cli.say import escaped, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from faceparse.labels import Scheme


def command(
    scheme: str | None = Argument(None, metavar="[SCHEME]", help="A scheme's name, or a YAML or TOML file."),
    as_json: bool = Option(False, "--json", help="Print JSON."),
) -> None:
    """List the label schemes, or the classes of one with their everyday names, groups and colours.

    A label is a class's number in its scheme, from 0. `--classes` and `mask(…)` take a class, a group or an everyday
    name. Where two colours of a scheme are close, overlays change one of them.

    Examples: `faceparse labels`, `faceparse labels celebamask19`
    """
    import json

    from faceparse.labels import scheme as find_scheme
    from faceparse.labels import schemes

    records = [_record(s) for s in (schemes().values() if scheme is None else [find_scheme(scheme)])]
    if as_json:
        say(*json.dumps(records if scheme is None else records[0], indent=1, ensure_ascii=False).split("\n"))
    elif scheme is None:
        header = ["scheme", "classes", "left means", "models", "title"]
        keys = ("name", "classes", "left_means", "models", "title")
        rows = [[record[key] for key in keys] for record in records]
        _print(header, [[str(len(v)) if isinstance(v, list) else v for v in row] for row in rows])
    else:
        about = records[0]
        say(f"{about['name']}: {about['title']}")
        say(f"left means: {about['left_means']}; models: {', '.join(about['models']) or 'none'}")
        header = ["label", "class", "everyday names", "groups", "colour", "in overlays"]
        _print(header, [_cells(row) for row in about["classes"]])


def _record(scheme: Scheme) -> dict[str, Any]:
    """Return a scheme as plain data, with the models that have it."""
    from faceparse.draw.record import record
    from faceparse.weights import cards

    about = record(scheme)
    classes = about.pop("classes")
    models = [card.id for card in cards().values() if card.label_scheme == scheme]
    return {**about, "models": models, "classes": classes}


def _cells(row: dict[str, Any]) -> list[str | Text]:
    colours = [_patch(*row[key]) for key in ("colour", "overlay_colour")]
    return [str(row["label"]), row["name"], ", ".join(row["aliases"]), ", ".join(row["groups"]), *colours]


def _patch(red: int, green: int, blue: int) -> Text:
    from rich.text import Text

    colour = f"#{red:02x}{green:02x}{blue:02x}"
    return Text.assemble(("    ", f"on {colour}"), f" {colour}")


def _print(header: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None)
    for row in rows:
        table.add_row(*(Text(escaped(cell)) if isinstance(cell, str) else cell for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 240)  # lines for a program or file are not wrapped
    console.print(table)
