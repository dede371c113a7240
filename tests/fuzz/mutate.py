"""Random damage, the same for the same source of chance.

>>> mutated(random.Random(0), b"spam", [b"spam"])
b'pam'
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Pool = Sequence[bytes]
"""Whole inputs, parts of which come into others."""

_EXTREMES = (b"\xff\xff", b"\x7f\xff", b"\xff\x7f", b"\x00\x00", b"\x80\x00", b"\x00\x01", b"\x3f\xff")
_NUMBERS = (
    *(b"0", b"-1", b"1e999", b"nan", b".inf", b"1e30", b"0.1", b"1e-320", b"9" * 5000, b"null", b"true"),
    *(b"%d" % number for number in (255, 256, 1 << 15, 2**31, 2**32, 2**53, 2**63, 10**30)),
)
_WORDS = (
    *(
        b'""',
        b"[]",
        b"{}",
        b'"../../secret.toml"',
        b'"/etc/passwd"',
        b'"C:\\\\a"',
        b'"a\\u0000b"',
        b'"\\ud800"',
    ),
    *(
        b"&a [*a]",
        b"*a",
        b"!!python/name:os.system",
        b'"' + b"x" * 100_000 + b'"',
        b"1979-05-27",
        b"<<: {a: 1}",
    ),
    *(b"\x1b[2J", b"\xef\xbb\xbf", b"\x00", b"\r", b"\xe2\x80\xa8", b"\xff"),
)
_NESTS = (b"[", b'{"a":', b"- ", b"a.", b"a: {", b"((", b'"', b"? ", b"\n  ")
_NUMBER, _WORD = re.compile(rb"-?\d+(\.\d+)?"), re.compile(rb'"[^"\n]*"|[\w.-]+')


def mutated(chance: random.Random, data: bytes, pool: Pool, *, text: bool = False, words: Pool = ()) -> bytes:
    """One to three damages of an input.

    Args:
        chance: Where chance comes from.
        data: The whole input.
        pool: Others.
        text: Whether it is text: mostly its lines, words and numbers are damaged then.
        words: What to put into a text besides the usual.
    """
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        damage = chance.choice(_TEXT if text and chance.random() < 0.8 else _BYTES)
        damage(chance, result, words if damage is _put_word and words and chance.random() < 0.4 else pool)
        if not result:
            break
    return bytes(result)


def _flip(chance: random.Random, data: bytearray, _: Pool) -> None:
    for _i in range(chance.choice((1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _change_ends(chance: random.Random, data: bytearray, _: Pool) -> None:
    """Headers are at the beginning, directories of TIFF and zip at the end."""
    end = chance.randrange(2)
    for _i in range(chance.choice((1, 2, 4))):
        at = chance.randrange(min(len(data), 180))
        data[-1 - at if end else at] = chance.choice((0, 1, 2, 127, 128, 255, chance.randrange(256)))


def _put_extreme(chance: random.Random, data: bytearray, _: Pool) -> None:
    at = chance.randrange(min(len(data), chance.choice((64, 1 << 30))))
    value = chance.choice(_EXTREMES) * chance.choice((1, 2, 4))
    data[at : at + len(value)] = value


def _cut_end(chance: random.Random, data: bytearray, _: Pool) -> None:
    del data[chance.randrange(len(data)) :]


def _cut_out(chance: random.Random, data: bytearray, _: Pool) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 2, 4, 100))]


def _repeat(chance: random.Random, data: bytearray, _: Pool) -> None:
    at = chance.randrange(len(data))
    part = data[at : at + chance.choice((1, 4, 12, 400))]
    data[at:at] = part * chance.choice((1, 1, 2, 100))


def _zero(chance: random.Random, data: bytearray, _: Pool) -> None:
    at = chance.randrange(len(data))
    data[at : at + 256] = bytes(len(data[at : at + 256]))


def _foreign_head(chance: random.Random, data: bytearray, pool: Pool) -> None:
    size = chance.choice((4, 12, 32, 100))
    data[:size] = chance.choice(pool)[:size]


def _foreign_part(chance: random.Random, data: bytearray, pool: Pool) -> None:
    other = chance.choice(pool) or b"\0"
    at, start, size = chance.randrange(len(data)), chance.randrange(len(other)), chance.choice((8, 64, 512))
    data[at : at + chance.choice((0, size))] = other[start : start + size]


def _put(chance: random.Random, data: bytearray, pattern: re.Pattern[bytes], value: bytes) -> None:
    """A value in place of something that a pattern fits."""
    places = list(pattern.finditer(data))
    if places:
        place = chance.choice(places)
        data[place.start() : place.end()] = value


def _put_number(chance: random.Random, data: bytearray, _: Pool) -> None:
    _put(chance, data, _NUMBER, chance.choice(_NUMBERS))


def _put_word(chance: random.Random, data: bytearray, pool: Pool) -> None:
    """A hostile word, or one from elsewhere."""
    others = _WORD.findall(chance.choice(pool))
    _put(chance, data, _WORD, chance.choice((*_WORDS, *others)))


def _change_lines(chance: random.Random, data: bytearray, pool: Pool) -> None:
    """One line is left out, doubled many times, moved, or taken from elsewhere."""
    lines = bytes(data).split(b"\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    line = chance.choice((lines[at], chance.choice(chance.choice(pool).split(b"\n"))))
    if chance.random() < 0.5:
        del lines[at]
    lines[to:to] = [line] * chance.choice((0, 1, 1, 2, 1 + 50_000 // (1 + len(line))))
    data[:] = b"\n".join(lines)


def _nest(chance: random.Random, data: bytearray, _: Pool) -> None:
    at = chance.choice([place.start() for place in _WORD.finditer(data)] or [0])
    data[at:at] = chance.choice(_NESTS) * chance.choice((1, 40, 5000))


Damage = Callable[[random.Random, bytearray, Pool], None]
_BYTES: tuple[Damage, ...] = (
    *(_flip, _flip, _change_ends, _change_ends, _put_extreme, _put_extreme),
    *(_cut_end, _cut_out, _repeat, _zero, _foreign_head, _foreign_part),
)
_TEXT: tuple[Damage, ...] = (_put_number, _put_number, _put_word, _put_word, _change_lines, _nest)
