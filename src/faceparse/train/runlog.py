"""The log of a run as CSV, which a resumed run continues."""

from __future__ import annotations

import csv
from pathlib import Path

from pytorch_lightning.loggers import CSVLogger

from faceparse.weights.checkpoint import read_checkpoint


def run_log(output: Path, resume: Path | None) -> CSVLogger:
    """Return a logger that writes `output/log/metrics.csv` and keeps an earlier run's rows, which Lightning would
    delete.

    >>> run_log(Path("runs/mine"), None)  # doctest: +SKIP

    Args:
        output: The run's folder.
        resume: Checkpoint that the run resumes from; rows of steps before the checkpoint are kept.
    """
    path = output / "log" / "metrics.csv"
    rows, keys = [], []
    if resume is not None and path.is_file():
        done = read_checkpoint(resume).progress.get("global_step", 0)
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            keys, *lines = [*csv.reader(file)] or [[]]
        # A killed run may have left half a line.
        rows = [dict(zip(keys, line, strict=True)) for line in lines if len(line) == len(keys)]
        rows = [row for row in rows if row.get("step", "").isdecimal() and int(row["step"]) < done]
        path.unlink(missing_ok=True)
    logger = CSVLogger(output, "log", version="")
    if rows and hasattr(logger.experiment, "metrics_keys"):  # only in the first process
        writer = logger.experiment
        writer.metrics_keys, writer.metrics = keys, rows
        writer.save()
    return logger
