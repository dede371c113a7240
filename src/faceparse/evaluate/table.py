"""A report as rows: of text for the terminal, of numbers for CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping

from faceparse.evaluate.intervals import Interval
from faceparse.evaluate.report import Report


def scores_table(
    report: Report,
    spans: Mapping[str, Interval] | None = None,
    agreement: Mapping[str, float] | None = None,
    other: Report | None = None,
    apart: Mapping[str, Interval] | None = None,
    rival: str = "",
    overall: bool = False,
) -> tuple[list[str], list[list[str]]]:
    """Header and rows: a class each, then mean F1, mean IoU and pixel accuracy; percent with one decimal.

    >>> header, rows = scores_table(report)  # doctest: +SKIP
    >>> rows[-3]  # doctest: +SKIP
    ['mean F1', '83.1']

    Args:
        report: The model's.
        spans: From `intervals`.
        agreement: From `mirror_agreement`.
        other: Another model's report on the same pictures.
        apart: From `differences`.
        rival: The other model's name.
        overall: Whether `Report.overall` has a row.
    """
    header = ["class", "F1"]
    header += ["95 %"] if spans else []
    header += ["mirrored"] if agreement is not None else []
    header += [rival, "difference", "95 %"] if other is not None else []
    rows = []
    for name, value in [*report.f1.items(), ("mean", report.mean_f1)]:
        row = ["mean F1" if name == "mean" else name, _shown(value)]
        if spans:
            row.append(_span(spans.get(name)))
        if agreement is not None:
            row.append(_shown(agreement.get(name, math.nan)))
        if other is not None and apart is not None:
            theirs = other.mean_f1 if name == "mean" else other.f1[name]
            difference = apart.get(name)
            row += [
                _shown(theirs),
                "–" if difference is None else f"{difference.value:+.1f}",
                _span(difference),
            ]
        rows.append(row)
    figures = [("mean IoU", "mean_iou"), ("pixel accuracy", "pixel_accuracy")]
    for title, get in [("overall F1", "overall"), *figures] if overall else figures:
        row = [title, _shown(getattr(report, get))] + [""] * (len(header) - 2)
        if other is not None:
            row[-3] = _shown(getattr(other, get))
        rows.append(row)
    return header, rows


def numbers_table(
    report: Report,
    spans: Mapping[str, Interval] | None = None,
    agreement: Mapping[str, float] | None = None,
    other: Report | None = None,
    apart: Mapping[str, Interval] | None = None,
    overall: bool = False,
) -> tuple[list[str], list[list[str | float | None]]]:
    """The rows of `scores_table` for programs: a column holds one number in full, None where it is undefined.

    >>> header, rows = numbers_table(report)  # doctest: +SKIP
    >>> header, rows[-3]  # doctest: +SKIP
    (['class', 'f1', 'f1_low', 'f1_high'], ['mean F1', 83.10519, None, None])

    Args:
        report: The model's.
        spans: From `intervals`.
        agreement: From `mirror_agreement`; adds the column `mirrored`.
        other: Another model's report on the same pictures; adds `against_f1`, `difference`,
            `difference_low` and `difference_high`.
        apart: From `differences`.
        overall: Whether `Report.overall` has a row.
    """
    spans, apart = spans or {}, apart or {}
    header = ["class", "f1", "f1_low", "f1_high"]
    header += ["mirrored"] if agreement is not None else []
    header += ["against_f1", "difference", "difference_low", "difference_high"] if other is not None else []
    named = [(name, name, value) for name, value in report.f1.items()]
    named.append(("mean F1", "mean", report.mean_f1))
    named += [("overall F1", "overall", report.overall)] if overall else []
    named += [("mean IoU", "mean_iou", report.mean_iou)]
    named += [("pixel accuracy", "pixel_accuracy", report.pixel_accuracy)]
    theirs = {} if other is None else {"mean": other.mean_f1, **_figures(other), **other.f1}
    rows: list[list[str | float | None]] = []
    for title, name, value in named:
        row = [value, *_ends(spans.get(name))]
        row += [agreement.get(name, math.nan)] if agreement is not None else []
        if other is not None:
            row += [theirs[name], value - theirs[name], *_ends(apart.get(name))]
        rows.append([title, *(None if math.isnan(number) else number for number in row)])
    return header, rows


def _figures(report: Report) -> dict[str, float]:
    return {name: getattr(report, name) for name in ("overall", "mean_iou", "pixel_accuracy")}


def _ends(interval: Interval | None) -> tuple[float, float]:
    return (math.nan, math.nan) if interval is None else (interval.low, interval.high)


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _span(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.low):
        return "–"
    return f"{interval.low:.1f} … {interval.high:.1f}"
