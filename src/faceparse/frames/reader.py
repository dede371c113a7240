"""Read a video: its frames in order, upright, as RGB, with their times.

>>> for image, time in Reader("clip.mp4"):  # doctest: +SKIP
...     print(image.shape, time)
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError, MissingExtraError, display_name
from faceparse.pictures.reader import LARGEST

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter

Pixels = NDArray[np.uint8]

_MATRICES = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
"""FFmpeg's number of a colour matrix (AVCOL_SPC) → its name in swscale."""
_HIGH_DEFINITION = 720
"""Height from which a video that names no colour matrix counts as BT.709, as in players; a smaller one is BT.601."""

_log = logging.getLogger(__name__)


class Picture(NamedTuple):
    """A frame of a video, as `Reader` yields it.

    Attributes:
        image: RGB uint8, H × W × 3, upright.
        time: Presentation time in seconds, from the beginning of the file.
    """

    image: Pixels
    time: float


def pyav() -> Any:
    """Return the module `av`.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError("PyAV", "video", "a video") from None
    return av


class Reader:
    """A video file: iterate over it once to get each frame as a `Picture`. The constructor decodes the first frame.

    Frames have 8 bits per channel and the first frame's size. They are upright, as the file's rotation says, and
    deinterlaced. Damaged frames are left out; a warning about a damaged or short file is logged once, at the end.

    Args:
        path: The file.

    Attributes:
        path: The file.
        size: Height and width of every frame, upright.
        rate: Mean number of frames a second.
        time_base: Unit of the file's times, in seconds.
        aspect: Width of a pixel divided by its height.
        count: Number of frames, as the file states it or as duration × rate; 0 if unknown.
        start: The file's own time in seconds of the moment that is 0 in `Picture.time`.

    Raises:
        MissingExtraError: PyAV is not installed.
        DataError: the file does not exist, is no video, has an unknown codec, no frames, or frames that are too large.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._name = display_name(path)
        self._container = open_input(self.path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        av = pyav()
        streams = [
            s for s in self._container.streams.video if not s.disposition & av.stream.Disposition.attached_pic
        ]
        if not streams:
            raise DataError(
                f"{self._name} has no video stream: name a video; one that is cut short may have lost its index"
            )
        self._stream = stream = streams[0]
        if stream.codec_context is None:
            raise DataError(
                f"{self._name}: PyAV has no decoder of its video stream: convert it, as with ffmpeg -i IN out.mp4"
            )
        if stream.width * stream.height > LARGEST:
            size = f"{stream.width} × {stream.height}"
            raise DataError(
                f"{self._name} has frames of {size} pixels, and {LARGEST:,} are the most: reduce it"
            )
        stream.codec_context.options = {"max_pixels": str(LARGEST)}  # for sizes that only frames state
        stream.thread_type = "AUTO"
        self.rate: Fraction = stream.average_rate or stream.guessed_rate or Fraction(25)
        self.time_base = Fraction(stream.time_base or 1 / self.rate)
        start = self._container.start_time
        self.start: float | None = None if start is None else start / 1e6
        self._damaged = 0
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None:
            raise DataError(f"{self._name} has no frame that can be decoded")
        self.size = self._first.image.shape[:2]
        self._duration, self._coded = self._seconds(), stream.frames
        self.count = self._coded or round(self._duration * self.rate)

    def _seconds(self) -> float:
        """Return the video stream's duration in seconds, or the file's if it has no other stream; 0 if unknown."""
        if self._stream.duration:
            return float(self._stream.duration * self.time_base)
        tag = self._stream.metadata.get("DURATION", "")  # Matroska states a stream's duration here
        if parts := re.fullmatch(r"(\d+):(\d+):([\d.]+)", tag):
            return 3600 * int(parts[1]) + 60 * int(parts[2]) + float(parts[3])
        alone = len(self._container.streams) == 1
        return (self._container.duration or 0) / 1e6 if alone else 0.0

    def __iter__(self) -> Iterator[Picture]:
        if self._first is None:
            raise DataError(f"{self._name} was read already: make another Reader")
        picture, self._first = self._first, None
        yield picture
        total = 1
        for picture in self._frames:
            total += 1
            yield picture
        self.close()
        if self._damaged:
            _log.warning("warning: %s: %d damaged parts were left out", self._name, self._damaged)
        missing = self._duration - picture.time - float(1 / self.rate)
        fewer = total < (self._coded or math.inf)  # with all frames there, the last one is just long
        if missing > max(0.25, float(2 / self.rate)) and fewer:
            until = f"{picture.time:.2f} s of {self._duration:.2f} s"
            _log.warning("warning: %s is cut short, at %s; what was read counts", self._name, until)

    def close(self) -> None:
        """Close the file; reading to the end closes it too."""
        self._container.close()

    def _decoded(self) -> Iterator[Picture]:
        size: tuple[int, int] | None = None
        last, resized = -1.0, False
        converter = pyav().video.reformatter.VideoReformatter()  # one for each frame would begin new threads
        for frame in self._deinterlaced():
            image = _upright(_rgb(frame, converter), _matrix(frame))
            if size is None:
                size = image.shape[:2]
                ratio = self._stream.sample_aspect_ratio or Fraction(1)
                turned = size != (frame.height, frame.width)
                self.aspect = 1 / ratio if turned and ratio else ratio or Fraction(1)
            elif image.shape[:2] != size:
                if not resized:
                    change = f"{image.shape[1]}x{image.shape[0]} are resized to the first one's {size[1]}x{size[0]}"
                    _log.warning("note: %s changes its size: frames of %s", self._name, change)
                resized = True
                image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
            time = last + float(1 / self.rate)
            if self.start is None:
                self.start = frame.time or 0.0
            if frame.pts is not None and frame.time - self.start > last:  # else its time is missing or wrong
                time = frame.time - self.start
            last = max(time, 0.0)
            yield Picture(image, last)

    def _deinterlaced(self) -> Iterator[av.VideoFrame]:
        """Yield the decoded frames; from the first interlaced one on, they pass FFmpeg's filter bwdif."""
        graph: Any = None
        shape: object = None
        for frame in self._raw():
            if graph is None and not frame.interlaced_frame:
                yield frame
                continue
            if shape != (frame.width, frame.height, frame.format.name):
                if graph is not None:
                    yield from _through(graph, None)
                graph, shape = _deinterlacer(frame), (frame.width, frame.height, frame.format.name)
            yield from _through(graph, frame)
        if graph is not None:
            yield from _through(graph, None)

    def _raw(self) -> Iterator[av.VideoFrame]:
        errors = pyav().FFmpegError
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except errors:
                self._damaged += 1
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except errors:
                self._damaged += 1


def open_input(path: Path) -> InputContainer:
    """Open a video file; if it names network addresses, they are not read.

    Raises:
        DataError: the file does not exist, or is no video.
    """
    av, name = pyav(), display_name(path)
    if not path.is_file():
        raise DataError(f"no such video: {name}" if not path.exists() else f"{name} is no file: name a video")
    try:
        options = {"protocol_whitelist": "file"}
        return cast("InputContainer", av.open(f"file:{path}", options=options, metadata_errors="replace"))
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{name} cannot be read as a video: {reason}") from None


def _rgb(frame: av.VideoFrame, converter: VideoReformatter) -> Pixels:
    matrix = _MATRICES.get(int(frame.colorspace)) or (
        "ITU709" if frame.height >= _HIGH_DEFINITION else "ITU601"
    )
    from av.video.reformatter import Colorspace

    rgb = converter.reformat(frame, format="rgb24", src_colorspace=Colorspace[matrix])
    (plane,) = rgb.planes  # in place: a copy takes as long as the decoder
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(rgb.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : 3 * rgb.width]).reshape(rgb.height, rgb.width, 3)


def _matrix(frame: av.VideoFrame) -> NDArray[np.int64] | None:
    """Return the 2 × 2 part of a frame's display matrix: (x, y) of the frame, as a row, times it gives (x, y) as shown."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    return (
        None if data is None else np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2].astype(np.int64)
    )


def _upright(image: Pixels, matrix: NDArray[np.int64] | None) -> Pixels:
    """Turn (by quarter turns) and mirror an image, as near to its display matrix as possible."""
    if matrix is None:
        return image
    (a, b), (c, d) = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        image, a, d = image.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _deinterlacer(frame: av.VideoFrame) -> Any:
    """Return a filter graph that deinterlaces frames marked as interlaced; one frame gives one frame."""
    graph = pyav().filter.Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        ),
        graph.add("bwdif", "mode=send_frame:deint=interlaced"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _through(graph: Any, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
    av = pyav()
    graph.vpush(frame)
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
