"""What a training step costs beside its bare forward and backward pass.

    python benchmarks/training_step.py --data.root DIR --data.scheme maskgan19

Any recipe and option of `faceparse train` is taken (default: recipe `default`). Both are timed in turns in one run, each a
few times: the bare pass on one batch that lies in memory, and the trainer's steps with reading, random views,
logging and moving average. Prints the parts of a step, and the ratio of the medians: of the time on the clock, and of
this process's CPU time, which a busy machine disturbs less and which with `--data.workers 0` holds everything.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch

from faceparse.train.callbacks.average import Average
from faceparse.train.callbacks.profile import StepProfile
from faceparse.train.datamodule import ParsingData
from faceparse.train.fit import prepare
from faceparse.train.module import ParsingModule
from faceparse.train.settings import Settings, read_settings

STEPS, ROUNDS = 12, 3


class Spent(NamedTuple):
    """Median seconds of a step."""

    wall: float
    cpu: float


class CpuTime(pl.Callback):
    """This process's CPU seconds of every step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._mark = time.process_time()

    def on_train_batch_end(self, *_: object, **__: object) -> None:
        now = time.process_time()
        self.seconds.append(now - self._mark)
        self._mark = now


def bare_step(module: ParsingModule, data: ParsingData, settings: Settings) -> Spent:
    """Forward and backward on a batch in memory, in the trainer's precision."""
    batch = next(iter(data.train_dataloader()))
    device = module.device
    batch = type(batch)(*(tensor.to(device) for tensor in batch))
    module.train()
    low = settings.trainer.get("precision", "32-true") == "bf16-mixed"
    times = []
    for _ in range(STEPS):
        module.zero_grad()
        start, busy = time.perf_counter(), time.process_time()
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            module.loss(batch).backward()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start, time.process_time() - busy))
    wall, cpu = zip(*times[3:], strict=True)
    return Spent(statistics.median(wall), statistics.median(cpu))


def trained_step(module: ParsingModule, data: ParsingData, settings: Settings) -> tuple[StepProfile, Spent]:
    """The parts of the trainer's steps, and the whole of them."""
    profile, cpu = StepProfile(), CpuTime()
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            max_epochs=1,
            max_steps=STEPS,
            limit_val_batches=0,
            callbacks=[profile, cpu, Average(settings.ema)],
            logger=pl.loggers.CSVLogger(folder),
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            **{k: v for k, v in settings.trainer.items() if k == "precision"},
        )
        trainer.fit(module, datamodule=data)
    return profile, Spent(sum(profile.seconds.values()) / profile.steps, statistics.median(cpu.seconds[3:]))


def view_cost(data: ParsingData) -> float:
    """Median CPU seconds in which one worker reads a picture and makes a random view of it."""
    loader, times = data.train_dataloader(), []
    sampler: Any = loader.sampler
    for draw in islice(sampler, 40):
        busy = time.process_time()
        loader.dataset[draw]
        times.append(time.process_time() - busy)
    return statistics.median(times)


def main() -> None:
    warnings.simplefilter("ignore")
    words = sys.argv[1:]
    if "--recipe" not in words:
        words = ["--recipe", "default", *words]
    settings = read_settings(words)
    settings = replace(settings, sizes=[(0, settings.size)], output=Path(tempfile.mkdtemp()))
    bare, whole = [], []
    for _ in range(ROUNDS):
        module, data = prepare(settings)
        if torch.cuda.is_available():
            module.cuda()
        bare.append(bare_step(module, data, settings))
        profile, spent = trained_step(module, data, settings)
        whole.append(spent)
    print(
        f"{settings.network}, batch {settings.batch_size} at {settings.size} px, {torch.get_num_threads()} threads"
    )
    print(profile.table())
    seen = view_cost(data)
    print(f"a view, read and made {1000 * seen:9.1f} ms CPU: a worker feeds {1 / seen:.0f} pictures a second")
    for kind in Spent._fields:
        a, b = (statistics.median(getattr(s, kind) for s in spent) for spent in (bare, whole))
        print(
            f"{kind:<5} bare forward and backward {1000 * a:9.1f} ms, trainer's step {1000 * b:9.1f} ms: {b / a:.2f}"
        )


if __name__ == "__main__":
    main()
