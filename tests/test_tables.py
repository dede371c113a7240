"""The checker of tables from outside: what it takes, and that it answers whatever comes with one line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import ConfigError, WeightsError
from faceparse.tables import (
    above,
    at_least,
    between,
    build,
    check,
    convert,
    one_of,
    parse,
    plain_text,
    read_file,
)


@dataclass(frozen=True)
class Inner:
    side: Annotated[int, at_least(1)]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    inner: Inner
    share: Annotated[float, between(0, 1)] = 0.5
    kind: Literal["a", "b"] = "a"
    file: Path | None = None
    pairs: list[tuple[int, str]] = field(default_factory=list)
    more: Mapping[str, Inner] = field(default_factory=dict)
    either: str | Inner | None = None
    on: bool = False

    def __post_init__(self) -> None:
        check(self)
        if self.on and self.kind == "b":
            raise ConfigError("on goes with kind a")


WHOLE = {
    "inner": {"side": 3, "names": ["x"]},
    "share": 1,
    "kind": "b",
    "file": "f",
    "pairs": [[1, "x"]],
    "more": {"k": {"side": 1}},
    "either": {"side": 2},
}


def test_nested_tables_become_what_the_types_say() -> None:
    made = build(Outer, WHOLE)
    assert made == Outer(Inner(3, ("x",)), 1.0, "b", Path("f"), [(1, "x")], {"k": Inner(1)}, Inner(2))
    assert type(made.share) is float
    assert build(Outer, {"inner": made.inner}) == Outer(made.inner)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "f: inner: missing; expected a table"),
        ({"inner": {}}, "f: inner.side: missing; expected a whole number, 1 or more"),
        ({"inner": {"side": 0}}, "f: inner.side: expected a whole number, 1 or more; got 0"),
        ({"inner": {"side": 1, "name": 2}}, "f: inner.name: unknown key; is it names?"),
        ({"inner": {"side": 1, "colour": 2}}, "f: inner.colour: unknown key; there are side, names"),
        ({"inner": {"side": 1}, 3: 4}, "f: 3: unknown key; there are"),
        ({"inner": {"side": 1}, "kind": "c"}, "f: kind: expected a or b; got 'c'"),
        ({"inner": {"side": 1}, "pairs": [[1, 2]]}, "f: pairs[0][1]: expected text; got 2"),
        (
            {"inner": {"side": 1}, "pairs": [[1]]},
            "f: pairs[0]: expected a list of 2, each a whole number or text",
        ),
        ({"inner": {"side": 1}, "more": {"k": {"side": "x"}}}, "f: more.k.side: expected a whole number"),
        ({"inner": {"side": 1}, "either": 3}, "f: either: expected text, a table or null; got 3"),
        ({"inner": {"side": 1}, "either": {"sides": 1}}, "f: either.sides: unknown key; is it side?"),
        ({"inner": {"side": 1}, "either": {"side": 0}}, "f: either.side: expected a whole number"),
        ({"inner": {"side": 1}, "share": float("nan")}, "f: share: expected a number; got nan"),
        (
            {"inner": {"side": 10**5000}},
            "f: inner.side: expected a whole number; got a number of too many digits",
        ),
        ({"inner": {"side": 1}, "file": "a\0b"}, "f: file: expected a path or null"),
        ({"inner": {"side": 1, "names": ["\0"]}}, "f: inner.names[0]: expected text without NUL"),
        ({"inner": {"side": 1}, "share": 2}, "f: share: expected a number, 0 to 1; got 2"),
        ({"inner": {"side": 1}, "on": True, "kind": "b"}, "f: on goes with kind a"),
    ],
)
def test_a_fault_names_file_and_key(raw: object, message: str) -> None:
    with pytest.raises(WeightsError) as caught:
        build(Outer, raw, "f", WeightsError)
    assert str(caught.value).startswith(message)


def test_a_dataclass_made_in_python_is_held_to_its_rules() -> None:
    with pytest.raises(ConfigError, match="share: expected a number, 0 to 1; got 3"):
        Outer(Inner(1), share=3)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**30, 10**400]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["inner", "side", "names", "share", "kind", "file", "pairs", "more", "either", "on"]
            )
            | st.text(max_size=5)
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def answered(raw: object) -> str:
    try:
        assert isinstance(build(Outer, raw, "f"), Outer)
    except ConfigError as error:
        return str(error)
    return "built"


@given(PLAIN)
def test_whatever_comes_is_a_table_or_one_line(raw: object) -> None:
    for value in (raw, {"inner": {"side": 1}, "either": raw}, {"inner": {"side": 1}, "more": raw}):
        answer = answered(value)
        assert len(answer) < 500
        assert answer.isprintable()


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (int, "3", 3),
        (int, "many", "many"),
        (float, "1e-4", 1e-4),
        (bool, "yes", True),
        (str, "3", "3"),
        (str, "a #b", "a #b"),
        (str | None, "null", None),
        (Path, "1e5", "1e5"),
        (tuple[str, ...], "hair, skin", ["hair", "skin"]),
        (list[int] | None, "[1, 2]", [1, 2]),
        (list[int] | str | int, "2", 2),
        (str, "[x", "[x"),
    ],
)
def test_words_of_a_command_line(hint: Any, text: str, value: object) -> None:
    assert plain_text(hint, text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("JSON", "[" * 100_000),
        ("YAML", "[" * 100_000),
        ("TOML", "a = " + "[" * 100_000),
        ("JSON", "[" * 40 + "]" * 40),
        ("YAML", "{a: " * 40 + "1" + "}" * 40),
        ("TOML", "a = " + "{a = " * 40 + "1" + "}" * 40),
        ("TOML", "a" + ".a" * 40 + " = 1"),
        ("TOML", "[" + "a." * 40 + "a]"),
        ("TOML", "a" + ".a" * 60_000 + " = 1"),  # 3 GB and minutes in tomllib
        ("TOML", "x = 1\n[" + "'a'. " * 20_000 + "a]"),
    ],
)
def test_deep_nesting_is_one_line(form: str, text: str) -> None:
    with pytest.raises(ConfigError, match=r"w is nested too deeply"):
        parse(text, form, "w")


@pytest.mark.parametrize("form", ["JSON", "YAML", "TOML"])
def test_large_texts_are_not_read(form: str) -> None:
    with pytest.raises(ConfigError, match="w has more than 131,072 bytes"):
        parse("a" * 200_000, form, "w")


def test_a_message_is_one_short_line_whatever_it_quotes() -> None:
    assert str(WeightsError("its keys are a\nb,\r\nc\u2028d")) == "its keys are a b, c d"
    text = str(ConfigError("it begins " + "x" * 1_000_000 + " and ends"))
    assert len(text) <= 2000
    assert text.startswith("it begins xxx")
    assert text.endswith("xxx and ends")


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "a: 2001-99-99",
        "a: " + "9" * 5000,
        "? [a]\n: b",
        "a: !!python/name:os.system",
        'a: !!int ""',
        "a: 1\nb: {c: 1, c: 2}",
    ],
)
def test_yaml_that_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="w is not YAML: ") as caught:
        parse(text, "YAML", "w")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("form", "text"),
    [("YAML", "a: 1\nb: 2\na: 3"), ("JSON", '{"a": 1, "b": 2, "a": 3}'), ("TOML", "a = 1\nb = 2\na = 3")],
)
def test_a_key_that_stands_twice_is_refused(form: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"w is not {form}: "):
        parse(text, form, "w")


def test_a_fault_of_yaml_has_its_place() -> None:
    with pytest.raises(
        ConfigError, match=r"^w is not YAML: line 2, column 5: expected ',' or '\]', but got ':'$"
    ):
        parse("classes: [background, face\nname: three\n", "YAML", "w")


def test_files(tmp_path: Path) -> None:
    for name, text in (
        ("a.toml", "x = 1"),
        ("a.json", '{"x": 1}'),
        ("a.yaml", "x: 1"),
        ("a.recipe", "\ufeffx: 1"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_file(tmp_path / name, "table") == {"x": 1}
    with pytest.raises(ConfigError, match=r"cannot read table .*none: No such file"):
        read_file(tmp_path / "none", "table")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not YAML, a text in UTF-8"):
        read_file(tmp_path / "b.yaml", "table")
    (tmp_path / "c.yaml").write_bytes(bytes(1 << 21))
    with pytest.raises(ConfigError, match="too many for a table"):
        read_file(tmp_path / "c.yaml", "table")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_a_pipe_that_nobody_writes_to_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_file(tmp_path / "a.yaml", "table")


def test_rules() -> None:
    assert convert(Annotated[float, above(0)], 1) == 1
    with pytest.raises(ConfigError, match="expected a number, above 0; got 0"):
        convert(Annotated[float, above(0)], 0)
    with pytest.raises(ConfigError, match="expected a or empty; got 'b'"):
        convert(Annotated[str, one_of(["a", ""])], "b")
