"""A report as rows of text, for the terminal and for CSV."""

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


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _span(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.low):
        return "–"
    return f"{interval.low:.1f} … {interval.high:.1f}"
