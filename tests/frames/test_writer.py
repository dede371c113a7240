"""Videos out: each frame with its colours and time, sound as it was, and a name only for what is whole."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.errors import OutputError, ResultError
from faceparse.frames import FolderWriter, Frame, LineWriter, RawReader, Reader, Writer
from faceparse.results import Face, Parsing
from tests.frames.clips import av, clip, pictures

TIMES = [0, 0.1, 0.15, 0.6, 0.63, 1.4]


def probe(path: Path, entries: str) -> Any:
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed (Debian's package ffmpeg)")
    words = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", str(path)]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def sound(path: Path) -> list[tuple[float, bytes]]:
    """Times and bytes of the sound's packets."""
    with av.open(str(path)) as container:
        packets = container.demux(audio=0)
        return [(float(p.pts * p.time_base), bytes(p)) for p in packets if p.dts is not None]


def write(path: Path, frames: Iterable[NDArray[np.uint8]]) -> None:
    with Writer(path) as writer:
        for frame in frames:
            writer.write(frame)


def decoded(path: Path, pixels: str, codec: str = "") -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create(codec, "r") if codec else stream.codec_context
        packets = [p for p in container.demux(stream) if p.dts is not None]
        return [f.to_ndarray(format=pixels) for p in [*packets, None] for f in decoder.decode(p)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_colours_and_times_come_back(suffix: str, tmp_path: Path) -> None:
    reader = Reader(clip(tmp_path / "a.mp4", pictures(), times=TIMES))
    with Writer(tmp_path / f"b{suffix}", like=reader) as writer:
        for image, time in zip(pictures(), TIMES, strict=True):
            writer.write(image, time)
    back = list(Reader(tmp_path / f"b{suffix}"))
    assert [frame.time for frame in back] == pytest.approx(TIMES, abs=1e-3)
    for frame, image in zip(back, pictures(), strict=True):
        np.testing.assert_allclose(frame.image[40, 4].astype(int), (180, 120, 40), atol=4)
        assert np.abs(frame.image.astype(int) - image).mean() < 6
    streams = probe(tmp_path / f"b{suffix}", "stream")["streams"]
    assert streams[0]["codec_name"] == ("vp9" if suffix == ".webm" else "h264")
    tags = [streams[0][f"color_{name}"] for name in ("space", "primaries", "transfer", "range")]
    assert tags == ["bt709", "bt709", "bt709", "tv"]


def test_the_last_unit_of_time_stays(tmp_path: Path) -> None:
    """1/30000 of a second, as cameras have it."""
    given = [float(Fraction(1001 * i, 30000)) for i in range(40)]
    with Writer(tmp_path / "a.mp4", rate=Fraction(30000, 1001)) as writer:
        for time in given:
            writer.write(pictures(1)[0], time)
    assert [frame.time for frame in Reader(tmp_path / "a.mp4")] == pytest.approx(given, abs=1.2e-5)
    assert probe(tmp_path / "a.mp4", "stream=avg_frame_rate")["streams"][0]["avg_frame_rate"] == "30000/1001"


@pytest.mark.parametrize(("suffix", "codec"), [(".mov", ""), (".webm", "libvpx-vp9")])
def test_transparency(suffix: str, codec: str, tmp_path: Path) -> None:
    opacity = np.zeros((47, 63), np.uint8)
    opacity[10:30, 10:30], opacity[30:40, 10:30] = 255, 128
    with Writer(tmp_path / f"a{suffix}", rate=10) as writer:
        for image in pictures(4, 47, 63):
            writer.write(np.dstack([image, opacity]))
    frames = decoded(tmp_path / f"a{suffix}", "rgba", codec)
    assert len(frames) == 4
    for frame in frames:
        assert frame.shape == (47, 63, 4)
        for place, value in ((slice(14, 26), 255), (slice(32, 38), 128), (slice(0, 8), 0)):
            np.testing.assert_allclose(frame[place, 14:26, 3].astype(int), value, atol=6)


def test_label_maps_come_back_exactly(tmp_path: Path) -> None:
    made = [np.random.default_rng(i).integers(0, 256, (47, 63), np.uint8) for i in range(5)]
    with Writer(tmp_path / "a.mkv", rate=10, channels=1) as writer:
        for labels in made:
            writer.write(labels)
    np.testing.assert_array_equal(decoded(tmp_path / "a.mkv", "gray"), made)


def test_odd_sides_get_one_more_in_h264(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.mp4", rate=10) as writer:
        writer.write(pictures(1, 47, 63)[0])
    assert Reader(tmp_path / "a.mp4").size == (48, 64)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pictures(1)[0], "rgb24")))
        container.mux(stream.encode(None))
    reader = Reader(tmp_path / "a.mp4")
    assert reader.aspect == Fraction(16, 11)
    with Writer(tmp_path / "b.mp4", like=reader) as writer:
        writer.write(pictures(1)[0])
    assert Reader(tmp_path / "b.mp4").aspect == Fraction(16, 11)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("source", [".mp4", ".ts"])
def test_sound_is_copied(suffix: str, source: str, tmp_path: Path) -> None:
    path = clip(tmp_path / f"a{source}", pictures(20), sound="aac")
    reader = Reader(path)
    times = []
    with Writer(tmp_path / f"b{suffix}", like=reader) as writer:
        for image, time in reader:
            writer.write(image, time)
            times.append(time)
    before, after = sound(path), sound(tmp_path / f"b{suffix}")
    if source == ".ts":  # whose packets have a header of their own
        before = [(time, data[7:]) for time, data in before]
    before = before[-len(after) :]
    assert [data for _, data in after] == [data for _, data in before]
    assert len(after) > 80
    assert [t for t, _ in after] == pytest.approx([t - (reader.start or 0) for t, _ in before], abs=1e-3)
    back = Reader(tmp_path / f"b{suffix}")
    assert [frame.time for frame in back] == pytest.approx(times, abs=1e-3)
    kinds = [s["codec_type"] for s in probe(tmp_path / f"b{suffix}", "stream=codec_type")["streams"]]
    assert kinds == ["video", "audio"]


def test_damaged_sound_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = clip(tmp_path / "a.ts", pictures(20), sound="aac")
    data = bytearray(path.read_bytes())
    header = sound(path)[0][1][:3]  # of AAC in a transport stream
    place = data.find(header, len(data) // 2)
    data[place : place + 2] = b"\0\0"
    path.write_bytes(data)
    reader = Reader(path)
    with Writer(tmp_path / "b.mp4", like=reader) as writer:
        for image, time in reader:
            writer.write(image, time)
    assert "damaged parts of the sound" in caplog.text
    assert 60 < len(sound(tmp_path / "b.mp4")) < 94
    assert len(list(Reader(tmp_path / "b.mp4"))) == 20


def test_without_sound(tmp_path: Path) -> None:
    reader = Reader(clip(tmp_path / "a.mp4", pictures(), sound="aac"))
    with Writer(tmp_path / "b.mp4", like=reader, sound=False) as writer:
        writer.write(pictures(1)[0])
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert not container.streams.audio


def test_what_a_file_cannot_hold(tmp_path: Path) -> None:
    reader = Reader(clip(tmp_path / "a.mp4", pictures(), sound="aac"))
    with (
        pytest.raises(OutputError, match=r"cannot hold the sound .* aac: .*--no-audio"),
        Writer(tmp_path / "b.webm", like=reader),
    ):
        pass
    with pytest.raises(OutputError, match=r"written as \.mp4"):
        Writer(tmp_path / "b.avi")
    with pytest.raises(OutputError, match=r"label map.*\.mkv"):
        Writer(tmp_path / "b.mp4", channels=1)
    with (
        pytest.raises(OutputError, match=r"transparency: name a file with \.mov or \.webm"),
        Writer(tmp_path / "b.mp4") as writer,
    ):
        writer.write(np.zeros((8, 8, 4), np.uint8))
    with pytest.raises(ResultError, match="of one size"):
        write(tmp_path / "b.mp4", pictures(1) + pictures(1, 40))
    with pytest.raises(ResultError, match="float"), Writer(tmp_path / "c.mp4") as writer:
        writer.write(np.zeros((8, 8, 3)))  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="no frame was written"), Writer(tmp_path / "c.mp4"):
        pass
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "b.partial.mp4"}


def test_an_existing_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="--overwrite"), Writer(tmp_path / "a.mp4"):
        pass
    assert (tmp_path / "a.mp4").read_bytes() == b"mine"
    with Writer(tmp_path / "a.mp4", overwrite=True) as writer:
        writer.write(pictures(1)[0])
        assert (tmp_path / "a.mp4").read_bytes() == b"mine"
    assert len(list(Reader(tmp_path / "a.mp4"))) == 1
    (tmp_path / "b.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"), Writer(tmp_path / "b.mp4"):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, ResultError, OSError])
def test_a_part_can_be_played_and_says_so(
    error: type[BaseException], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(clip(tmp_path / "a.mp4", pictures(20), sound="aac"))

    def interrupted() -> None:
        with Writer(tmp_path / "b.mp4", like=reader) as writer:
            for image, time in reader:
                if time > 0.75:
                    raise error
                writer.write(image, time)

    with pytest.raises(error):
        interrupted()
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "b.partial.mp4"}
    assert len(list(Reader(tmp_path / "b.partial.mp4"))) == 8
    assert sound(tmp_path / "b.partial.mp4")[-1][0] == pytest.approx(0.7, abs=0.05)
    assert "is partial: it holds 8 frames, until 0.70 s" in caplog.text


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = [np.random.default_rng(i).integers(0, 256, (240, 320, 3), np.uint8) for i in range(3)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*a\.mkv") as caught:
            write(tmp_path / "a.mkv", noise * 20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.mkv").exists()
    assert not list(tmp_path.glob(".*"))


def parsed(time: float) -> Frame:
    face = Face((1, 1, 9, 9), 0.9, np.array([[3.0, 4], [7, 4], [5, 6], [4, 8], [6, 8]]), id=2)
    labels = np.zeros((48, 64), np.uint8)
    return Frame(Parsing.from_labels(pictures(1)[0], labels, "celebamask19", (face,)), time)


def test_lines(tmp_path: Path) -> None:
    with LineWriter(tmp_path / "a.jsonl") as lines:
        for time in TIMES:
            lines.write(parsed(time), {"more": 1})
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [row["time"] for row in rows] == TIMES
    assert [row["frame"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {row["faces"][0]["id"] for row in rows} == {2}
    assert {row["more"] for row in rows} == {1}

    def interrupted() -> None:
        with LineWriter(tmp_path / "b.jsonl") as lines:
            lines.write(parsed(0), {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len((tmp_path / "b.partial.jsonl").read_text().splitlines()) == 1


def test_a_folder_of_frames(tmp_path: Path) -> None:
    def write(count: int, **options: bool) -> list[str]:
        with FolderWriter(tmp_path / "a", **options) as folder:
            for i in range(count):
                folder.write(lambda stem: Path(f"{stem}_mask.png").write_text("x"), i / 10)
        return sorted(p.name for p in (tmp_path / "a").iterdir())

    assert write(3) == ["000001_mask.png", "000002_mask.png", "000003_mask.png"]
    (tmp_path / "a" / "000009_mine.png").write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        write(1)
    assert write(2, overwrite=True) == ["000001_mask.png", "000002_mask.png", "000009_mine.png"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_raw_frames_have_no_sound(tmp_path: Path) -> None:
    import io

    reader = RawReader(io.BytesIO(pictures(1)[0].tobytes()), (48, 64), Fraction(5))
    with Writer(tmp_path / "a.mp4", like=reader) as writer:
        for image, time in reader:
            writer.write(image, time)
    assert float(Reader(tmp_path / "a.mp4").rate) == 5
