"""What the reader of options says of a mistake, in one line that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a table of options",
    "NoneType": "null",
}
HELP = "`faceparse train --help` lists every option, and a recipe has the same keys"


def plainly(said: str, options: Iterable[str], instead: Mapping[str, str] | None = None) -> str:
    r"""What was expected and what came, from jsonargparse's words for it.

        plainly("Parser key \"epochs\": Expected a <class 'int'>. Got value: many", ["epochs"])
        # "epochs: expected a whole number, got 'many'"

    Args:
        said: the error's text.
        options: the names of all options, to offer the nearest to one that is unknown.
        instead: option that is not taken → the one to give in its place.
    """
    said = " ".join(said.split())
    wrong = re.match(r'Parser key "([^"]+)": (.*?)\.? (?:Got|Given) value: (.*)$', said)
    if wrong and wrong[1] == "teacher":
        return "teacher: expected its model, as --teacher.model default, and of weight, temperature, engine, device, card what is wanted"
    if wrong and (choices := _expected(wrong[2].partition(" Given value type: ")[0])):
        return f"{wrong[1]}: expected {choices}, got {wrong[3]!r}"
    if alien := re.search(r"Group '([\w.]+)' does not accept option '([\w.]+)'", said):
        said = f"unrecognized arguments: --{alien[1]}.{alien[2]}"
    unknown = re.match(r"unrecognized arguments: --([\w.]+)", said)
    if unknown and (other := (instead or {}).get(unknown[1])):
        return f"no option --{unknown[1]}: give {other}"
    if unknown and (near := get_close_matches(unknown[1], list(options), cutoff=0.75)):
        return f"no option --{unknown[1]}; is it {' or '.join(f'--{n}' for n in near)}? {HELP}"
    return f"{said}: {HELP}" if "not accept" in said or said.startswith("unrecognized") else said


def _expected(kinds: str) -> str:
    """The kinds and choices that jsonargparse names: `a whole number, a number or null`."""
    found = dict.fromkeys(
        choice
        for kind, literals in re.findall(r"<class '(\w+)'>|typing\.Literal\[([^\]]*)\]", kinds)
        for choice in ([KINDS.get(kind, kind)] if kind else literals.replace("'", "").split(", "))
    )
    *first, last = found or [""]
    return f"{', '.join(first)} or {last}" if first else last
