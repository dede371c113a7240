"""`faceparse video`: every form of a video, pipes, edits, and what is left of one that is stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse import Parser
from faceparse.frames import Picture, Reader
from faceparse.results import Parsing
from faceparse.writers.forms.overlay import Overlay
from tests.cli.conftest import Ran
from tests.frames.clips import av, clip, pictures  # skips without PyAV
from tests.frames.test_writer import TIMES, decoded, sound

Command = Callable[..., Ran]


@pytest.fixture
def video(faceparse: Command, tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`faceparse video clip.mp4 …` in a folder with that clip, with a tiny model."""
    monkeypatch.chdir(tmp_path)
    clip(Path("clip.mp4"), pictures(), times=TIMES, sound="aac")
    return lambda *words: faceparse("video", *words, "--model", tiny_path, "--faces", "whole")


@pytest.fixture
def parsings(tiny_path: Path, tmp_path: Path) -> list[Parsing]:
    """The clip's frames, each by itself."""
    parser = Parser(tiny_path, faces="whole")
    return [parser.parse(frame.image) for frame in Reader(tmp_path / "clip.mp4")]


def test_an_overlay_with_sound_and_times(video: Command, parsings: list[Parsing]) -> None:
    ran = video("clip.mp4", "-o", "out.mp4", "--smooth", "0")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("out.mp4\n6 frames, ")
    frames = list(Reader("out.mp4"))
    assert [frame.time for frame in frames] == pytest.approx(TIMES)
    for frame, parsing in zip(frames, parsings, strict=True):
        assert np.abs(frame.image.astype(int) - parsing.overlay()).mean() < 8
    assert [data for _, data in sound(Path("out.mp4"))] == [data for _, data in sound(Path("clip.mp4"))]
    assert video("clip.mp4", "-o", "quiet.mp4", "--quiet", "--no-audio").out == ""
    assert not list(Path().glob(".*"))
    with av.open("quiet.mp4") as container:
        assert not container.streams.audio


def test_label_maps_without_loss(video: Command, parsings: list[Parsing]) -> None:
    assert video("clip.mp4", "-o", "mask.mkv", "--save", "mask", "--smooth", "0").code == 0
    np.testing.assert_array_equal(decoded(Path("mask.mkv"), "gray"), [parsing.labels for parsing in parsings])


def test_several_forms_in_a_folder(video: Command) -> None:
    forms = "overlay,mask,cutout,rle,json,panel,color,heatmap"
    ran = video("clip.mp4", "-o", "out", "--save", forms, "--edit", "background=teal")
    assert ran.code == 0, ran.err
    assert {p.name for p in Path("out").iterdir()} == {
        "clip_overlay.mp4",
        "clip_mask.mkv",
        "clip_cutout.mov",
        "clip_rle.jsonl",
        "clip_json.jsonl",
        "clip_panel",
        "clip_color.mp4",
        "clip_heatmap.mkv",
        "clip_edit.mp4",
    }
    assert len(list(Path("out/clip_panel").glob("00000?_panel.jpg"))) == 6
    assert decoded(Path("out/clip_cutout.mov"), "rgba")[0].shape == (48, 64, 4)
    rows = [json.loads(line) for line in Path("out/clip_rle.jsonl").read_text().splitlines()]
    assert [row["time"] for row in rows] == pytest.approx(TIMES)
    assert all(row["annotations"] and row["faces"] == [] for row in rows)
    again = video("clip.mp4", "-o", "out", "--save", "panel")
    assert (again.code, "--overwrite" in again.err) == (1, True)
    assert video("clip.mp4", "-o", "out/clip_mask.mkv", "--save", "mask", "--overwrite").code == 0


def test_defaults_of_a_file_and_a_folder(video: Command) -> None:
    assert video("clip.mp4", "-o", "faces.jsonl").code == 0
    assert "annotations" in json.loads(Path("faces.jsonl").read_text().splitlines()[0])
    assert video("clip.mp4", "-o", "masks", "--save", "mask").code == 0
    assert sorted(path.name for path in Path("masks").iterdir()) == [
        f"00000{i}_mask.png" for i in range(1, 7)
    ]
    options = ("--alpha", "1", "--option", "outline=2")
    assert video("clip.mp4", "-o", "strong.webm", "--no-audio", *options).code == 0


def test_edits(video: Command) -> None:
    assert video("clip.mp4", "-o", "edit.mp4", "--edit", "background=#00ff00").code == 0
    assert video("clip.mp4", "-o", "clear.mov", "--edit", "background=transparent").code == 0
    assert decoded(Path("clear.mov"), "rgba")[0].shape[2] == 4
    ran = video("clip.mp4", "-o", "clear.mp4", "--edit", "background=transparent")
    assert (ran.code, "transparency: name a file with .mov or .webm" in ran.err) == (1, True)


def test_raw_frames_through_pipes(tiny_path: Path, tmp_path: Path) -> None:
    made = pictures(5, 30, 41)
    words = ["video", "-", "-o", "-", "--frame-size", "41x30", "--rate", "25", "--edit", "hair=red"]
    ran = subprocess.run(
        [sys.executable, "-m", "faceparse", *words, "--model", str(tiny_path), "--faces", "whole"],
        input=b"".join(image.tobytes() for image in made),
        capture_output=True,
        check=True,
    )
    assert len(ran.stdout) == 5 * 30 * 41 * 3
    assert ran.stderr.startswith(b"5 frames")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "name a video"),
        (("clip.mp4",), 2, "name the output"),
        (("missing.mp4", "-o", "a.mp4"), 2, "no such video: missing.mp4"),
        (("text.mp4", "-o", "a.mp4"), 2, "text.mp4 cannot be read as a video"),
        (("clip.mp4", "-o", "clip.mp4", "--overwrite"), 2, "is the video itself"),
        (("clip.mp4", "-o", "text.mp4"), 1, "--overwrite"),
        (("clip.mp4", "-o", "a.avi"), 1, "a video is written as .mp4"),
        (("clip.mp4", "-o", "a.mp4", "--save", "mask"), 1, "name a file with .mkv"),
        (("clip.mp4", "-o", "a.mp4", "--save", "mask,overlay"), 2, "takes one form"),
        (("clip.mp4", "-o", "a", "--save", "edit,mask"), 2, "--edit hair="),
        (("clip.mp4", "-o", "a.mp4", "--save", "panel"), 1, "cannot hold panel: give a folder"),
        (("clip.mp4", "-o", "a.mp4", "--save", "rle"), 1, "cannot hold rle: give a .jsonl file or a folder"),
        (("clip.mp4", "-o", "a.jsonl", "--save", "mask"), 1, "cannot hold mask: give a video or a folder"),
        (("clip.mp4", "-o", "a.webm"), 1, "cannot hold the sound"),
        (("clip.mp4", "-o", "a.mp4", "--rate", "5"), 2, "of raw frames from stdin"),
        (("-", "-o", "a.mp4", "--rate", "5"), 2, "need --frame-size WIDTHxHEIGHT"),
        (("-", "-o", "a.mp4", "--rate", "5", "--frame-size", "5"), 2, "640x480"),
        (("-", "-o", "a.mp4", "--rate", "x", "--frame-size", "5x5"), 2, "30000/1001"),
        (("clip.mp4", "-o", "a.mp4", "--edit", "hiar=red"), 2, "did you mean 'hair'"),
        (("clip.mp4", "-o", "a.mp4", "--edit", "hair=red", "--alpha", "1"), 2, "--save names none"),
        (("clip.mp4", "-o", "a.mp4", "--strict"), 2, "give --edit anonymise"),
        (("clip.mp4", "-o", "a.mp4", "--smooth", "2"), 2, "--smooth"),
        (("clip.mp4", "-o", "a.mp4", "--no-face", "no"), 2, "no_face is"),
    ],
)
def test_bad_arguments_are_one_line(words: tuple[str, ...], code: int, message: str, video: Command) -> None:
    Path("text.mp4").write_text("text")
    ran = video(*words)
    assert ran.code == code, ran.err
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert {p.name for p in Path().iterdir()} == {"clip.mp4", "text.mp4"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_video_can_be_played(
    number: signal.Signals,
    video: Command,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    usual = Reader.__iter__

    def stopped(reader: Reader) -> Iterator[Picture]:
        for index, picture in enumerate(usual(reader)):
            if index == 4:
                os.kill(os.getpid(), number)
            yield picture

    with monkeypatch.context() as patch:
        patch.setattr(Reader, "__iter__", stopped)
        ran = video("clip.mp4", "-o", "out.mp4")
    assert ran.code == 130
    assert "out.partial.mp4 is partial" in caplog.text
    assert {p.name for p in Path().iterdir()} == {"clip.mp4", "out.partial.mp4"}
    assert 1 <= len(list(Reader("out.partial.mp4"))) <= 6


def test_a_fault_in_any_stage_ends_all(
    video: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usual = Parser.parse, Overlay.draw

    def after(count: int, work: Callable[..., object], words: str) -> Callable[..., object]:
        calls = iter(range(count))

        def once(*arguments: object, **options: object) -> object:
            if next(calls, None) is None:
                raise RuntimeError(words)
            return work(*arguments, **options)

        return once

    for kind, name, work in ((Parser, "parse", usual[0]), (Overlay, "draw", usual[1])):
        with monkeypatch.context() as patch:
            patch.setattr(kind, name, after(2, work, f"the fault of {name}"))
            ran = video("clip.mp4", "-o", f"{name}.mp4", "--smooth", "0")
        assert ran.code == 70
        assert f"the fault of {name}" in ran.err
        assert len(list(Reader(f"{name}.partial.mp4"))) == 2
        assert "is partial: it holds 2 frames" in caplog.text


def test_no_face_at_all(faceparse: Command, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", pictures(3))
    assert faceparse("video", path, "-o", tmp_path / "b.jsonl", "--save", "json").code == 0
    assert json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])["faces"] == []
    ran = faceparse("video", path, "-o", tmp_path / "c.mp4", "--faces", "each", "--edit", "anonymise")
    assert ran.code == 0, ran.err
    ran = faceparse("video", path, "-o", tmp_path / "d.mp4", "--no-face", "fail")
    assert (ran.code, "at 0.00 s: no face found" in ran.err) == (1, True)
    assert not (tmp_path / "d.partial.mp4").exists()


def test_photo_commands_name_this_one(video: Command, faceparse: Command) -> None:
    for words in (("edit", "clip.mp4", "-o", "out", "--edit", "soften"), ("parse", "clip.mp4", "-o", "out")):
        ran = faceparse(*words)
        assert (ran.code, ran.err) == (2, "faceparse: clip.mp4 is a video: use faceparse video\n")


def test_from_python(video: Command, tiny_path: Path) -> None:
    import faceparse

    frames = list(faceparse.video("clip.mp4", Parser(tiny_path, faces="whole"), smooth=0))
    images: list[NDArray[np.uint8]] = [frame.image for frame in Reader("clip.mp4")]
    assert [frame.time for frame in frames] == pytest.approx(TIMES)
    np.testing.assert_array_equal([frame.image for frame in frames], images)
    assert all(frame.faces == () for frame in frames)
