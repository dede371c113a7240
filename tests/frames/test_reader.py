"""Whatever a video is, its frames come in order, upright, in RGB, with their times; or one clear line."""

import io
import logging
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from faceparse.errors import DataError, MissingExtraError
from faceparse.frames.raw import RawReader
from faceparse.frames.reader import Reader
from tests.frames.clips import Pixels, clip, pictures


def read(path: Path) -> tuple[list[Pixels], list[float]]:
    frames = list(Reader(path))
    return [frame.image for frame in frames], [frame.time for frame in frames]


def close(images: list[Pixels], expected: list[Pixels], most: float = 6) -> None:
    assert len(images) == len(expected)
    for image, other in zip(images, expected, strict=True):
        assert image.shape == other.shape
        assert image.dtype == np.uint8
        assert np.abs(image.astype(int) - other).mean() < most


def test_frames_in_order_with_times(tmp_path: Path) -> None:
    made = pictures()
    reader = Reader(clip(tmp_path / "a.mp4", made))
    assert (reader.size, float(reader.rate), reader.count, float(reader.aspect)) == ((48, 64), 10.0, 6, 1.0)
    frames = list(reader)
    close([frame.image for frame in frames], made)
    assert [frame.time for frame in frames] == pytest.approx([i / 10 for i in range(6)])
    with pytest.raises(DataError, match="was read already"):
        next(iter(reader))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts"])
def test_containers(suffix: str, tmp_path: Path) -> None:
    codec = "mpeg4" if suffix == "avi" else "libx264"
    images, times = read(clip(tmp_path / f"a.{suffix}", pictures(), codec=codec))
    close(images, pictures())
    assert times == pytest.approx([i / 10 for i in range(6)], abs=1e-3)


def test_a_name_that_looks_like_a_protocol(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_bytes(clip(tmp_path / "a.mp4", pictures()).read_bytes())
    (tmp_path / "b.mp4").rename(tmp_path / "http:%d.mp4")
    assert len(read(tmp_path / "http:%d.mp4")[0]) == 6


def test_variable_rate(tmp_path: Path) -> None:
    given = [0, 0.1, 0.15, 0.6, 0.63, 1.4]
    assert read(clip(tmp_path / "a.mp4", pictures(), times=given))[1] == pytest.approx(given)


def test_times_begin_at_zero(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", pictures(3), times=[5, 5.1, 5.2])
    assert read(path)[1] == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p"])
@pytest.mark.parametrize("colour_range", [1, 2])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_colours(pix_fmt: str, colour_range: int, matrix: int, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", pictures(), pix_fmt=pix_fmt, colour_range=colour_range, matrix=matrix)
    for image in read(path)[0]:
        np.testing.assert_allclose(image[40, 4].astype(int), (180, 120, 40), atol=4)


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (720, 1)])
def test_colours_without_a_tag(height: int, matrix: int, tmp_path: Path) -> None:
    """As players take them: BT.601, or BT.709 from 720 rows on."""
    made = pictures(1, height)
    ways = [clip(tmp_path / f"{tag}.mkv", made, codec="ffv1", matrix=matrix, tag=tag) for tag in (matrix, 2)]
    first, second = (read(path)[0] for path in ways)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation(rotation: int, tmp_path: Path) -> None:
    made = pictures(2)
    reader = Reader(clip(tmp_path / "a.mp4", made, rotation=rotation))
    assert reader.size == ((64, 48) if rotation % 180 else (48, 64))
    close([frame.image for frame in reader], [np.rot90(image, rotation // 90) for image in made])


@pytest.mark.parametrize(("height", "width"), [(47, 63), (17, 33)])
def test_odd_sizes(height: int, width: int, tmp_path: Path) -> None:
    made = pictures(3, height, width)
    close(read(clip(tmp_path / "a.mkv", made, pix_fmt="yuv444p"))[0], made)


def test_interlaced(tmp_path: Path) -> None:
    """Two fields of two moments make combs, which are gone."""
    moments = pictures(12)
    woven = [a.copy() for a in moments[::2]]
    for image, second in zip(woven, moments[1::2], strict=True):
        image[1::2] = second[1::2]
    options = {"x264-params": "tff=1", "flags": "+ildct+ilme"}
    path = clip(tmp_path / "a.mp4", woven, pix_fmt="yuv444p", options=options)
    images, times = read(path)
    assert len(times) == 6

    def comb(image: Pixels) -> float:
        rows = image[10:22].astype(int)
        return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean())

    assert max(comb(image) for image in images[1:-1]) < 0.3 * min(comb(image) for image in woven)


def test_a_size_that_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    small, large = (
        clip(tmp_path / f"{n}.ts", pictures(4, height, width))
        for n, (height, width) in enumerate(((48, 64), (96, 128)))
    )
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with caplog.at_level(logging.WARNING):
        images, times = read(path)
    assert len(images) == 8
    assert {image.shape for image in images} == {(48, 64, 3)}
    assert times == sorted(set(times))
    assert [r.getMessage() for r in caplog.records if "128x96 are resized" in r.getMessage()]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_cut_short(suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = [np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8) for i in range(30)]
    path = clip(
        tmp_path / f"a.{suffix}", noise, options={"movflags": "+faststart"} if suffix == "mp4" else {}
    )
    if suffix == "mp4":
        moved = tmp_path / "fast.mp4"
        faststart(path, moved)
        path = moved
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with caplog.at_level(logging.WARNING):
        images, _ = read(path)
    assert 8 <= len(images) <= 25
    if suffix != "ts":  # which does not say how long it is
        assert "is cut short" in caplog.text
    assert len(caplog.records) <= 2


def faststart(path: Path, target: Path) -> None:
    import av

    with av.open(str(path)) as source, av.open(str(target), "w", options={"movflags": "+faststart"}) as sink:
        stream = sink.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                sink.mux(packet)


def test_damage_in_the_middle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = [np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8) for i in range(30)]
    path = clip(tmp_path / "a.mkv", noise, options={"g": "1"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(600)
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        images, times = read(path)
    assert 20 <= len(images) <= 30
    assert times == sorted(set(times))


def test_one_clear_line(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mkv"
    clip(tmp_path / "a.mkv", pictures(), sound="aac")
    import av

    with av.open(str(tmp_path / "a.mkv")) as source, av.open(str(sound), "w") as sink:
        stream = sink.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                sink.mux(packet)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "junk.mp4").write_bytes(random.Random(0).randbytes(4000))
    no_index = tmp_path / "no_index.mp4"
    whole = clip(tmp_path / "whole.mp4", pictures()).read_bytes()
    no_index.write_bytes(whole[: len(whole) // 2])
    with av.open(str(tmp_path / "none.mp4"), "w") as sink:  # a header without a frame
        empty = sink.add_stream("libx264", rate=10)
        empty.width, empty.height, empty.pix_fmt = 64, 48, "yuv420p"
        sink.start_encoding()
    unknown = tmp_path / "unknown.mkv"
    unknown.write_bytes(
        clip(tmp_path / "b.mkv", pictures(), codec="mpeg4")
        .read_bytes()
        .replace(b"V_MPEG4/ISO/ASP", b"V_NOBODY/KNOWS/")
    )
    rows = {
        tmp_path / "missing.mp4": "no such video",
        tmp_path: "is no file",
        sound: "no video stream",
        tmp_path / "empty.mp4": "cannot be read as a video",
        tmp_path / "junk.mp4": "cannot be read as a video",
        no_index: "no video stream|cannot be read as a video",
        tmp_path / "none.mp4": "no frame|no video stream",
        unknown: "no decoder",
    }
    for path, words in rows.items():
        with pytest.raises(DataError, match=words) as caught:
            Reader(path)
        assert "\n" not in str(caught.value), path
        assert path.name in str(caught.value)


def test_no_network(tmp_path: Path) -> None:
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(DataError):
        Reader(tmp_path / "list.m3u8")


@pytest.mark.parametrize(("most", "words"), [(1000, "64 × 48 pixels"), (3072, None)])
def test_frames_have_a_largest_size(
    most: int, words: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceparse.frames.reader.LARGEST", most)
    path = clip(tmp_path / "a.mkv", pictures(), codec="ffv1")
    if words is None:
        assert len(read(path)[0]) == 6
    else:
        with pytest.raises(DataError, match=words):
            Reader(path)


def test_raw_frames(caplog: pytest.LogCaptureFixture) -> None:
    made = pictures(3, 5, 7)
    data = b"".join(image.tobytes() for image in made)
    reader = RawReader(io.BytesIO(data + b"rest"), (5, 7), Fraction(4))
    frames = list(reader)
    np.testing.assert_array_equal([frame.image for frame in frames], made)
    assert [frame.time for frame in frames] == [0, 0.25, 0.5]
    assert "cut short (4 bytes)" in caplog.text
    with pytest.raises(DataError, match="no whole frame"):
        RawReader(io.BytesIO(b"abc"), (5, 7), Fraction(4))


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"faceparse\[video\]"):
        Reader(tmp_path / "a.mp4")


def test_a_reader_is_closed_by_its_end(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", pictures())
    code = f"import faceparse.frames.reader as r; print(len(list(r.Reader({str(path)!r}))))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("6\n", "")
