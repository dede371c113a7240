"""Write a video: frames with their times, and the sound of the video that they come from."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import OutputError, ResultError, display_name, in_words
from faceparse.frames.output import Output
from faceparse.frames.raw import RawReader
from faceparse.frames.reader import Reader, open_input, pyav
from faceparse.registry import either

_log = logging.getLogger(__name__)


class Coding(NamedTuple):
    """How frames are encoded.

    Attributes:
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of its pixel format.
        options: Options of the encoder.
        even: Whether width and height must be even; an odd side then gets one more column or row.
    """

    codec: str
    pixels: str
    options: Mapping[str, str]
    even: bool = False


_H264 = Coding(
    "libx264", "yuv420p", {"crf": "18", "preset": "veryfast", "x264-params": "weightp=0"}, even=True
)
_VP9_OPTIONS = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}
_VP9 = Coding("libvpx-vp9", "yuv420p", _VP9_OPTIONS)
_VP9_ALPHA = Coding("libvpx-vp9", "yuva420p", {**_VP9_OPTIONS, "auto-alt-ref": "0"})
_PRORES = Coding("prores_ks", "yuva444p10le", {"profile": "4444"})
_FFV1 = Coding("ffv1", "gray", {})

CODINGS: Mapping[str, Mapping[int, Coding]] = {
    ".mp4": {3: _H264},
    ".m4v": {3: _H264},
    ".mov": {3: _H264, 4: _PRORES},
    ".mkv": {3: _H264, 1: _FFV1},
    ".webm": {3: _VP9, 4: _VP9_ALPHA},
}
"""Suffix → channels of a frame → how it is encoded."""

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_BT709 = _LIMITED = 1  # FFmpeg's numbers
_ARRAYS = {1: "gray", 3: "rgb24", 4: "rgba"}
_NEEDS = {1: "a label map, which is kept without loss", 3: "a picture", 4: "a picture with transparency"}


def find_coding(path: Path, channels: int) -> Coding:
    """Return the coding of frames with 1, 3 or 4 channels in a file with this suffix.

    Raises:
        OutputError: such a file cannot hold them.
    """
    kinds = CODINGS.get(path.suffix.lower())
    if kinds is None:
        raise OutputError(
            f"{display_name(path)}: a video is written as {', '.join(CODINGS)}: name such a file, or a folder "
            "for a file a frame"
        )
    if channels not in kinds:
        fitting = either(suffix for suffix, others in CODINGS.items() if channels in others)
        raise OutputError(f"{display_name(path)} cannot hold {_NEEDS[channels]}: name a file with {fitting}")
    return kinds[channels]


class Writer(Output):
    """Writes a video file; its suffix and the frames' channels choose the codec, mostly H.264.

    >>> reader = Reader("clip.mp4")  # doctest: +SKIP
    >>> with Writer("out.mp4", like=reader) as writer:  # doctest: +SKIP
    ...     for image, time in reader:
    ...         writer.write(255 - image, time)

    `.mp4`, `.m4v`: H.264. `.mov`: H.264, or ProRes 4444 for RGBA. `.mkv`: H.264, or lossless FFV1 for gray, such as
    label maps. `.webm`: VP9, also for RGBA.

    Colours are BT.709 with limited range. H.264 needs even sides: an odd side gets one more row or column. Times are
    exact in the time unit of `like`; `.mkv` and `.webm` round them to a millisecond.

    Args:
        path: The file.
        like: The video that the frames come from. It gives the frame rate, the time unit, the aspect of pixels, and the
            sound, which is copied unchanged.
        channels: Channels of the frames, 1, 3 or 4. With it, a file that cannot hold them fails before the first frame.
        rate: Frames per second; by default that of `like`, or 25.
        sound: Whether to copy the sound of `like`.
        overwrite: Whether the file may exist.

    Raises:
        MissingExtraError: PyAV is not installed.
        OutputError: another suffix, frames or sound that such a file cannot hold, a file that exists while `overwrite`
            is False, or one that cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        like: Reader | RawReader | None = None,
        *,
        channels: int | None = None,
        rate: float | Fraction | None = None,
        sound: bool = True,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        if channels is not None or self.path.suffix.lower() not in CODINGS:
            find_coding(self.path, channels or 3)
        self._av = pyav()
        self._errors = (OSError, self._av.FFmpegError)
        self._converter = self._av.video.reformatter.VideoReformatter()
        self._rate = Fraction(rate).limit_denominator(1001) if rate else like.rate if like else Fraction(25)
        self._unit = Fraction(1, 90_000) if rate or like is None else like.time_base
        self._aspect = like.aspect if like else Fraction(1)
        self._container: Any = None
        self._stream: Any = None
        self._last = -1
        self._sound = Sound(like.path, like.start or 0.0) if sound and isinstance(like, Reader) else None

    def __enter__(self) -> Writer:
        super().__enter__()
        with self._faults():
            container = _CONTAINERS[self.path.suffix.lower()]
            self._container = self._av.open(f"file:{self._part}", "w", format=container)
        if self._sound is not None:
            self._sound.check(self._container, self.path)
        return self

    def write(self, frame: NDArray[np.uint8], time: float | None = None) -> None:
        """Add a frame.

        Args:
            frame: RGB or RGBA, H × W × 3 or 4, or gray, H × W, uint8; all frames have the same shape.
            time: Presentation time in seconds, after that of the last frame; by default 1 / rate after it.

        Raises:
            OutputError: the file cannot hold such frames, or cannot be written.
            ResultError: the frame's shape differs from the first one's, or it is no such array.
        """
        frame = np.asarray(frame)
        channels = frame.shape[2] if frame.ndim == 3 else 1
        if frame.ndim not in (2, 3) or channels not in _ARRAYS or frame.dtype != np.uint8:
            raise ResultError(f"a frame is H × W, H × W × 3 or 4, uint8; got {frame.shape} {frame.dtype}")
        if self._stream is None:
            with self._faults():
                self._begin(frame.shape[:2], channels)
        if (*frame.shape[:2], channels) != self._shape:
            raise ResultError(f"frames are of one size and kind, {self._shape}; got {frame.shape}")
        if time is None:
            time = float(self._frames / self._rate)
        with self._faults():
            self._encode(frame, time)
        self._wrote(time)

    def _begin(self, size: tuple[int, ...], channels: int) -> None:
        self._coding = coding = find_coding(self.path, channels)
        self._shape = (*size, channels)
        self._stream = stream = self._container.add_stream(
            coding.codec, rate=self._rate, options=dict(coding.options)
        )
        stream.height, stream.width = (side + side % 2 if coding.even else side for side in self._shape[:2])
        stream.pix_fmt = coding.pixels
        # One frame for all pictures: a new one's memory costs more than its conversion.
        self._source = self._av.VideoFrame(stream.width, stream.height, _ARRAYS[channels])
        plane = self._source.planes[0]
        self._rows = np.frombuffer(plane, np.uint8).reshape(stream.height, plane.line_size)
        context = stream.codec_context
        # x264 would begin more threads than there are cores, beside those that parse.
        context.thread_count = max(1, (os.cpu_count() or 1) // 2)
        context.time_base = stream.time_base = self._unit
        if self._aspect != 1:
            context.sample_aspect_ratio = self._aspect
        if channels > 1:
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED
        if self._sound is not None:
            self._sound.join(self._container)

    def _encode(self, array: NDArray[np.uint8], time: float) -> None:
        if self._coding.even:
            array = _evened(array)
        if self._shape[2] == 1:
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(array), _ARRAYS[1])
        else:
            self._rows[:, : array[0].size] = array.reshape(len(array), -1)
            frame = self._converter.reformat(
                self._source, format=self._coding.pixels, dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.colorspace = frame.color_primaries = frame.color_trc = _BT709
            frame.color_range = _LIMITED
        self._last = max(round(Fraction(time) / self._unit), self._last + 1)
        frame.pts, frame.time_base = self._last, self._unit
        self._container.mux(self._stream.encode(frame))
        if self._sound is not None:
            self._sound.copy(time)

    def _finish(self, whole: bool) -> None:
        self._container.mux(self._stream.encode(None))
        if self._sound is not None:
            self._sound.copy(math.inf if whole else self._until)
        container, self._container = self._container, None
        container.close()

    def _abandon(self) -> None:
        if self._sound is not None:
            self._sound.close()
        if self._container is not None:
            self._container.close()


class Sound:
    """The sound of a video, copied packet by packet into another file.

    Args:
        path: The video.
        start: Time in the video that becomes 0, in seconds.
    """

    def __init__(self, path: Path, start: float) -> None:
        self._path, self._start = path, start
        self._source = open_input(path)
        self._streams: dict[int, Any] = {}
        self._sink: Any = None
        self._packets: Iterator[Any] = iter(())
        self._packet: Any = None
        self._last: dict[int, int] = {}
        self._damaged = 0

    def check(self, sink: Any, path: Path) -> None:
        """Check that an output can hold the sound.

        Raises:
            OutputError: files of this kind cannot hold the sound's codec.
        """
        for stream in self._source.streams.audio:
            name = stream.codec_context.name if stream.codec_context else "of an unknown codec"
            if name not in sink.supported_codecs:
                raise OutputError(
                    f"{display_name(path)} cannot hold the sound of {display_name(self._path)}, which is {name}: "
                    "leave the sound out (--no-audio), or name an .mkv file, or a .mov for transparency"
                )

    def join(self, sink: Any) -> None:
        """Add the sound's streams to the output, and start to read them."""
        streams = self._source.streams.audio
        self._streams = {stream.index: sink.add_stream_from_template(stream) for stream in streams}
        self._sink = sink
        if streams:
            self._packets = self._source.demux(streams)
            self._packet = self._next()

    def _next(self) -> Any:
        try:
            return next(filter(self._is_heard, self._packets), None)
        except pyav().FFmpegError as error:
            _log.warning("warning: the sound of %s ends early: %s", display_name(self._path), in_words(error))
            return None

    def _is_heard(self, packet: Any) -> bool:
        """Return whether to copy a packet; in .mkv and .webm, one before the beginning would shift all times."""
        if packet.dts is None:
            return False
        end = float((packet.dts + (packet.duration or 1)) * packet.time_base) - self._start
        return end > 0 or self._sink.format.name not in ("matroska", "webm")

    def copy(self, until: float) -> None:
        """Copy the sound up to a time in seconds."""
        while self._packet is not None:
            packet = self._packet
            if float(packet.dts * packet.time_base) - self._start > until:
                return
            shift = round(Fraction(self._start) / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            index = packet.stream.index
            if packet.dts > self._last.get(index, -math.inf):  # damaged or joined files repeat times
                self._last[index] = packet.dts
                packet.stream = self._streams[index]
                try:
                    self._sink.mux(packet)
                except pyav().InvalidDataError:
                    self._damaged += 1
            self._packet = self._next()

    def close(self) -> None:
        """Close the video."""
        self._source.close()
        if self._damaged:
            name = display_name(self._path)
            _log.warning("warning: %s: %d damaged parts of the sound were left out", name, self._damaged)


def _evened(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat the last row or column of an array, H × W × channels, whose height or width is odd."""
    rows, columns = array.shape[0] % 2, array.shape[1] % 2
    return np.pad(array, ((0, rows), (0, columns), (0, 0)), "edge") if rows or columns else array
