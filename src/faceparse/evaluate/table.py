"""A score as a table, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from faceparse.evaluate.intervals import Interval
from faceparse.evaluate.report import FIGURES, Report, number
from faceparse.evaluate.scoring import Score


class _Column(NamedTuple):
    """One column of the table for people: title, names of its numbers, the numbers of each row, and their format."""

    title: str
    names: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    format: str = "{:.1f}"


def scores_table(score: Score, overall: bool = False) -> tuple[list[str], list[list[str]]]:
    """Return header and rows: one row per class, then mean F1, mean IoU, pixel accuracy, in percent with one decimal.

    >>> header, rows = scores_table(score)  # doctest: +SKIP
    >>> header, rows[-3]  # doctest: +SKIP
    (['class', 'F1', '95 %'], ['mean F1', '83.1', '82.2 … 83.9'])

    With `score.degraded`, the first column is `clean`, each degradation has a column, and intervals are left
    out.

    Args:
        score: The result of `faceparse.evaluate.score`.
        overall: Whether to add a row for `Report.overall`.
    """
    columns = [c for c in _columns(score) if c.rows and not (score.degraded and c.format.count("…"))]
    header = ["class", *(c.title for c in columns)]
    return header, [[title, *(_shown(c, key) for c in columns)] for title, key in _rows(score, overall)]


def numbers_table(score: Score, overall: bool = False) -> tuple[list[str], list[list[str | float | None]]]:
    """Return the rows of `scores_table` for programs: each column has one number, not rounded; None if undefined.

    >>> header, rows = numbers_table(score)  # doctest: +SKIP
    >>> header, rows[-3]  # doctest: +SKIP
    (['class', 'f1', 'f1_low', 'f1_high'], ['mean F1', 83.10519, 82.21342, 83.94512])

    The column of a degradation has its name. Mirrored pictures add the column `mirrored`; another model adds
    `against_f1`, `difference`, `difference_low` and `difference_high`.
    """
    columns = _columns(score)
    rows: list[list[str | float | None]] = []
    for title, key in _rows(score, overall):
        numbers = [n for c in columns for n in c.rows.get(key, (math.nan,) * len(c.names))]
        rows.append([title, *map(number, numbers)])
    return ["class", *(name for c in columns for name in c.names)], rows


def _rows(score: Score, overall: bool) -> list[tuple[str, str]]:
    last = [("overall F1", "overall")] if overall else []
    last += [("mean IoU", "mean_iou"), ("pixel accuracy", "pixel_accuracy")]
    return [*((name, name) for name in score.report.f1), ("mean F1", "mean_f1"), *last]


def _columns(score: Score) -> list[_Column]:
    clean = _figures(score.report)
    columns = [_Column("clean" if score.degraded else "F1", ("f1",), clean)]
    columns.append(_ends(("f1_low", "f1_high"), score.intervals))
    columns += [_Column(name, (name,), _figures(report)) for name, report in score.degraded.items()]
    if score.mirrored is not None:
        rows = {name: (score.mirrored.get(name, math.nan),) for name in score.report.f1}
        columns.append(_Column("mirrored", ("mirrored",), rows))
    if score.against is not None:
        other = _figures(score.against)
        differences = {key: (clean[key][0] - other[key][0],) for key in clean}
        columns.append(_Column(score.against.model, ("against_f1",), other))
        columns.append(_Column("difference", ("difference",), differences, "{:+.1f}"))
        columns.append(_ends(("difference_low", "difference_high"), score.differences))
    return columns


def _figures(report: Report) -> dict[str, tuple[float, ...]]:
    figures = report.f1 | {name: getattr(report, name) for name in FIGURES}
    return {name: (value,) for name, value in figures.items()}


def _ends(names: tuple[str, str], intervals: Mapping[str, Interval]) -> _Column:
    rows = {"mean_f1" if k == "mean" else k: (v.low, v.high) for k, v in intervals.items()}
    return _Column("95 %", names, rows, "{:.1f} … {:.1f}")


def _shown(column: _Column, key: str) -> str:
    numbers = column.rows.get(key)
    if numbers is None:
        return ""
    return "–" if math.isnan(sum(numbers)) else column.format.format(*numbers)
