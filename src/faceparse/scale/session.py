"""Ray's session, on this machine or on a cluster: its processes, its start and end, its messages and errors.

>>> with ray_session(Workers(actors=2)):  # doctest: +SKIP
...     import_ray().cluster_resources()["CPU"]
3.0
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from faceparse import errors
from faceparse.errors import ConfigError, EngineError, FaceparseError, in_words
from faceparse.registry import import_extra

BATCH = 16
"""Default number of pictures that an actor takes at a time."""

BLOCK = 4 << 20
"""Bytes of encoded pictures or of rows that travel together."""

STORE = 256 << 20
"""Bytes of shared memory on this machine for what travels between processes."""

import_ray = partial(import_extra, "scale", "faceparse scale", "ray", "ray.data")


@dataclass(frozen=True)
class Workers:
    """The processes that parse.

    Attributes:
        actors: Number of processes, each with the model loaded; None: as many as the CPUs or GPUs allow.
        gpus: GPUs of each, such as 0.25 for four processes on one GPU.
        threads: CPUs of each; on the CPU, the number of pictures parsed at a time.
        batch: Number of pictures that a process takes at a time.
        address: Address of a running Ray cluster, or `auto`; None: this machine alone.
    """

    actors: int | None = None
    gpus: float = 0
    threads: int = 1
    batch: int = BATCH
    address: str | None = None


def count_actors(workers: Workers) -> int:
    """Return the number of actors: by default as many as the CPUs or GPUs hold.

    Raises:
        ConfigError: more actors than this machine's GPUs hold, for which Ray would wait for ever.
    """
    there = import_ray().cluster_resources()
    if workers.gpus:
        most = int(there.get("GPU", 0) / workers.gpus)
    else:
        most = int((there.get("CPU", 2) - 1) / workers.threads)  # one CPU reads files of many pictures
    if workers.gpus and not workers.address and most < (workers.actors or 1):
        raise ConfigError(
            f"{workers.actors or 1} processes with {workers.gpus:g} GPUs each do not fit: Ray sees {there.get('GPU', 0):g}"
        )
    return workers.actors or max(most, 1)


@contextmanager
def ray_session(workers: Workers) -> Iterator[None]:
    """Start Ray, or join a cluster, without its messages and statistics; a session that has begun is used as it is."""
    ray = import_ray()
    if ray.is_initialized():
        with _quiet():
            yield
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    folder, on_terminate = None, signal.getsignal(signal.SIGTERM)
    options: dict[str, Any] = {"address": workers.address}
    if workers.address:
        _check_address(workers.address)
    if not workers.address:
        # Ray's sockets are in this folder, and their paths have at most 107 bytes.
        parent = tempfile.gettempdir()
        folder = tempfile.mkdtemp(
            prefix="ray-", dir="/tmp" if len(parent) > 24 and os.name == "posix" else parent
        )
        options = {
            "address": "local",
            # One more than the actors have, for reading files of many pictures.
            "num_cpus": max(cores, (workers.actors or 0) * workers.threads) + 1,
            "object_store_memory": STORE,
            "include_dashboard": False,
            "_temp_dir": folder,
        }
    try:
        variables = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
        with _environment(**variables), one_line_errors(), _no_stderr():
            ray.init(**options, logging_level=logging.CRITICAL, log_to_driver=False)
        with _quiet():
            yield
    finally:
        ray.shutdown()
        if on_terminate is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_terminate)  # Ray leaves a handler of its own
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _check_address(address: str) -> None:
    """Refuse an address at which nothing answers: Ray would try for minutes.

    Raises:
        ConfigError: no connection to HOST:PORT.
    """
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "://" in address:  # `auto`, which Ray looks up
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address}: {in_words(error)}; expected HOST:PORT or auto"
        ) from None


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables while the block runs; a user's own values stay."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Drop what C++ code writes to stderr while the block runs: Ray tells there that it will tell nothing."""
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


@contextmanager
def _quiet() -> Iterator[None]:
    """Set Ray Data's context, and turn off its messages, while the block runs."""
    ray = import_ray()
    context = deepcopy(ray.data.DataContext.get_current())
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = BLOCK
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with ray.data.DataContext.current(context):
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an error of Ray into one line; an error of faceparse in a worker, which is in Ray's text, is raised again."""
    ray = import_ray()
    try:
        yield
    except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError) as error:
        if isinstance(error, FaceparseError):
            raise
        for name, text in re.findall(r"^faceparse\.errors\.(\w+): (.+)$", str(error), re.M):
            raise getattr(errors, name, EngineError)(text) from None
        raise EngineError(f"Ray: {in_words(error)}") from error
