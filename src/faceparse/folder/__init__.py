"""Runs over many pictures: find, read, parse and write them in a thread pool, and record finished work.

>>> from faceparse.folder import Run, find_jobs
>>> jobs = find_jobs(["holiday"], "out", [".png"], recursive=True)  # doctest: +SKIP
>>> for outcome in Run(jobs, parser.parse, writers, "out"):  # doctest: +SKIP
...     print(outcome.job.source, outcome.status, outcome.reason)
"""

from faceparse.folder.encoding import encode
from faceparse.folder.find import find_jobs, read_list
from faceparse.folder.jobs import Job, Jobs
from faceparse.folder.log import open_log
from faceparse.folder.run import Outcome, Run
from faceparse.folder.shard import Shard
from faceparse.folder.summary import Summary

__all__ = [
    "Job",
    "Jobs",
    "Outcome",
    "Run",
    "Shard",
    "Summary",
    "encode",
    "find_jobs",
    "open_log",
    "read_list",
]
