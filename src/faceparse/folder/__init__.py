"""Many pictures: which files go where, a pool that reads, parses and writes them, and a record of what is done.

>>> from faceparse.folder import Run, find_jobs
>>> jobs = find_jobs(["holiday"], "out", [".png"], recursive=True)  # doctest: +SKIP
>>> for outcome in Run(jobs, parser.parse, writers, "out"):  # doctest: +SKIP
...     print(outcome.job.source, outcome.status, outcome.reason)
"""

from faceparse.folder.find import find_jobs, read_list
from faceparse.folder.jobs import Job, Jobs
from faceparse.folder.log import Log, open_log
from faceparse.folder.run import Outcome, Run
from faceparse.folder.single import written_bytes
from faceparse.folder.tally import Tally

__all__ = [
    "Job",
    "Jobs",
    "Log",
    "Outcome",
    "Run",
    "Tally",
    "find_jobs",
    "open_log",
    "read_list",
    "written_bytes",
]
