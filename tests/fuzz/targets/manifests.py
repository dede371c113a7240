"""The manifest in an output folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from faceparse.folder import Run
from faceparse.writers import writers
from tests.folder.conftest import find, parse, pictures
from tests.fuzz import target

_FORMS = writers(["mask", "json"])


class Target(target.Target):
    """A rerun completes, touches no file but its own outputs, and the folder can be an input."""

    text = True
    calls_a_byte = 100
    noise = "warning: .*manifest.jsonl: .* damaged lines skipped"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.out, self.whole = folder / "out", folder / "whole"
        pictures(folder / "in", "a.png", "sub/b.png")
        for picture in (folder / "in").rglob("*.png"):
            os.utime(picture, (0, 0))  # which the manifest tells
        for parent in (folder, folder / "in", self.whole, self.whole / "sub"):
            parent.mkdir(exist_ok=True)
            (parent / "keep.txt").write_text("precious")
            if self.whole not in (parent, *parent.parents):  # there it is what a killed run may leave
                (parent / ".keep.txt.0123abcd.part").write_text("precious")
        self.jobs = find([folder / "in"], self.out, recursive=True)
        run = Run(find([folder / "in"], self.whole, recursive=True), parse, _FORMS, self.whole)
        assert {outcome.status for outcome in run} == {"written"}
        self.manifest = Path(".faceparse", "manifest.jsonl")
        lines = (self.whole / self.manifest).read_bytes()
        begun = b'{"begin":"a","writers":["mask"]}\n{"finishing":true}\n'
        self.inputs = {
            "done": lines,
            "killed": lines + begun,
            "summed up": lines + b'{"finished":["all.csv"]}\n',
        }
        places = (
            "../keep.txt",
            "keep.txt",
            "../in/keep.txt",
            str(folder / "keep.txt"),
            "..",
            ".",
            "../in/sub/b.png",
        )
        self.words = tuple(b'"%s"' % os.fsencode(place) for place in places)
        shutil.copytree(self.whole, self.out)
        self.before = self._foreign()

    def read(self, name: str, data: bytes) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.whole, self.out)
        (self.out / self.manifest).write_bytes(data)
        try:
            outcomes = list(Run(self.jobs, parse, _FORMS, self.out, workers=1))
            assert len(outcomes) == 2
            failed = [outcome.reason for outcome in outcomes if outcome.status == "failed"]
            assert not failed, failed
            find([self.folder / "in", self.out], self.folder / "other", recursive=True)
        finally:
            assert self._foreign() == self.before
            self.size = (self.out / self.manifest).stat().st_size
        again = list(Run(self.jobs, parse, _FORMS, self.out, workers=1))
        assert {o.status for o in again} == {
            "refused" if o.status == "refused" else "skipped" for o in outcomes
        }

    def _foreign(self) -> dict[Path, bytes]:
        """The files that no run wrote, wherever they are."""
        roots = (self.folder / "in", self.out, self.folder / "whole")
        files = [*self.folder.glob("*.*"), *(p for root in roots for p in root.rglob("*") if p.is_file())]
        return {p: p.read_bytes() for p in files if "keep" in p.name or "in" in p.parts}
