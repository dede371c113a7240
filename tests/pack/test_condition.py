"""Conditions on columns."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.errors import ConfigError
from faceparse.pack.condition import Condition, Value

COLUMNS = {"trust": "number", "size": "number", "engine": "text", "kept": "truth"}
ROW: dict[str, Value] = {"trust": 0.8, "size": 64.0, "engine": "onnx", "kept": True}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("trust > 0.7 and size >= 64", ""),
        ("trust > 0.7 and size > 64", "not size > 64"),
        ("0.5 < trust <= 0.8 or size > 1e9", ""),
        ("not (engine == 'fake' or engine == \"torch\")", ""),
        ("kept and -1 < size", ""),
        ("not kept", "not not kept"),
        ("size > -64 and (trust == 1 or engine != 'onnx')", "not trust == 1 or engine != 'onnx'"),
        (" engine >= 'a' ", ""),
    ],
)
def test_conditions(text: str, reason: str) -> None:
    assert Condition(text, COLUMNS).reason(ROW) == reason


def test_a_missing_value_fulfils_no_comparison() -> None:
    for text in ("trust > 0", "trust <= 0", "trust != 1", "trust == trust"):
        assert Condition(text, COLUMNS).reason({**ROW, "trust": None}) == f"not {text}"
    assert Condition("not trust > 0", COLUMNS).reason({}) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("confidence > 0.7", "no column 'confidence': there are trust, size, engine, kept"),
        ("sise > 1", "no column 'sise', perhaps size: there are"),
        ("trust > 'a'", "trust > 'a' joins number and text"),
        ("trust and size > 1", "joins number and truth"),
        ("size + 1", r"size \+ 1 is no comparison"),
        ("-engine > 1", "is no comparison"),
        ("trust", "trust is no comparison"),
        ("", "is no condition"),
        ("trust >", "is no condition"),
        ("trust > 1; size > 2", "is no condition"),
        ("__import__('os').system('x') == 0", "is no comparison, number, text or column"),
        ("trust.real > 1", "is no comparison"),
        ("(lambda: 1)() > 0", "is no comparison"),
        ("[1] == [1]", "is no comparison"),
        ("9 ** 9 ** 9 > 1", "is no comparison"),
        ("size in (1, 2)", "is no comparison"),
        ("size is 1", "is no comparison"),
        ("trust > 1 if kept else kept", "is no comparison"),
        ("f'{size}' == '1'", "is no comparison"),
        ("1j < trust", "is no comparison"),
        ("(" * 900 + "1" + ")" * 90, "is no condition"),
        ("not " * 249 + "x", "no column 'x'"),
        ("trust > 1 and " * 100 + "kept", "more than 1000 characters"),
        ("a\0b", "is no condition"),
    ],
)
def test_what_is_no_condition_is_one_line(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Condition(text, COLUMNS)
    assert str(caught.value).startswith("--where ")
    assert "\n" not in str(caught.value)


@given(st.text(st.sampled_from("trust size kept not and or ()<>=!'\"-+.0123456789\\\n{}[]:"), max_size=30))
def test_any_text_is_a_condition_or_one_line(text: str) -> None:
    with suppress(ConfigError):
        Condition(text, COLUMNS).reason(ROW)
