"""Whatever is handed in becomes RGB uint8, upright; what cannot be says why in one line."""

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from faceparse.errors import ImageError
from faceparse.pictures import pixels, read_picture
from faceparse.pictures.formats import HEAD
from faceparse.pictures.reader import SUFFIXES, read_encoded
from tests.pictures.kinds import (
    IMAGE,
    KINDS,
    PIXELS,
    chunk,
    decodes,
    encoded,
    exif,
    paletted,
    png_with,
    stored,
    tiff,
    xmp,
)

READABLE = [k for k in KINDS if not k.needs]


class Pipe(io.RawIOBase):
    """A binary stream that cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), 100)
        part, self.rest = self.rest[:size], self.rest[size:]
        buffer[: len(part)] = part
        return len(part)


class Bare:
    """No more of a file than that it can be read."""

    def __init__(self, data: bytes) -> None:
        self.read = io.BytesIO(data).read


class TensorLike:
    """What NumPy makes an array of."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        return self.values


def opened(path: Path) -> IO[bytes]:
    return path.open("rb")


SOURCES: dict[str, Callable[[Path], Any]] = {
    "path as `str`": str,
    "path as `Path`": Path,
    "bytes": Path.read_bytes,
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "open binary file": opened,
    "`io.BytesIO`": lambda path: io.BytesIO(path.read_bytes()),
    "pipe": lambda path: Pipe(path.read_bytes()),
    "anything with `read()`": lambda path: Bare(path.read_bytes()),
    "Pillow image": Image.open,
    "array": lambda path: np.asarray(Image.open(path)),
    "tensor": lambda path: TensorLike(np.asarray(Image.open(path)).transpose(2, 0, 1)),
}


@pytest.mark.parametrize("how", SOURCES)
def test_sources_agree(how: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    IMAGE.save(path)
    source = SOURCES[how](path)
    assert (read_picture(source) == PIXELS).all()
    if hasattr(source, "close"):
        source.close()


def test_the_docs_list_these_sources() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text(encoding="utf-8")
    table = docs.split("## What to hand in")[1].split("\n## ")[0]
    assert [line.split(" | ")[0][2:] for line in table.splitlines() if line.startswith("| ")][1:] == list(
        SOURCES
    )


def test_views_of_memory_that_hold_no_picture_are_one_line() -> None:
    data = encoded(IMAGE, "PNG")
    for view in (memoryview(data)[::2], memoryview(data)[::-1], np.zeros((4, 4)).data):
        with pytest.raises(ImageError, match=r"^cannot read \d+ bytes: ") as caught:
            read_picture(view)
        assert "\n" not in str(caught.value)


def test_streams_are_read_from_their_start_and_left_open() -> None:
    file = io.BytesIO()
    IMAGE.save(file, "PNG")
    assert (read_picture(file) == PIXELS).all()
    assert not file.closed


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_honoured(kind: str, orientation: int) -> None:
    options = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif(orientation)}
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(stored(IMAGE, orientation), kind, **options, **lossless)
    assert np.array_equal(read_picture(data), PIXELS)
    assert np.array_equal(read_picture(Image.open(io.BytesIO(data))), PIXELS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_pictures_are_turned_strip_by_strip(orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "STRIP", 1000)
    data = encoded(stored(IMAGE, orientation), "PNG", exif=exif(orientation))
    assert np.array_equal(read_picture(data), PIXELS)


@pytest.mark.parametrize("kind", READABLE, ids=lambda kind: kind.name)
def test_strips_make_no_difference(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = kind.make()
    whole = read_picture(data)
    monkeypatch.setattr(pixels, "STRIP", 700)
    assert np.array_equal(read_picture(data), whole)


@pytest.mark.parametrize(
    "data",
    [
        png_with(chunk(b"eXIf", exif(6)[6:]), stored(IMAGE, 6)),
        png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)), stored(IMAGE, 6)),
    ],
    ids=["eXIf", "XMP"],
)
def test_png_tells_orientation_in_several_ways(data: bytes) -> None:
    assert np.array_equal(read_picture(data), PIXELS)


@pytest.mark.parametrize(
    "damaged",
    [
        png_with(chunk(b"acTL", bytes(8)) * 2),
        png_with(chunk(b"eXIf", b"MM\0*" + b"\xff" * 40)),
        png_with(chunk(b"iCCP", b"a\0\0nonsense")),
        encoded(IMAGE, "TIFF", tiffinfo={700: b"xmp", 271: "maker"}).replace(b"maker", b"m\0\0\0\0"),
        encoded(IMAGE, "TIFF", tiffinfo={33723: b"iptc" * 9, 34853: 12}),
    ],
)
def test_damaged_metadata_does_not_matter(damaged: bytes) -> None:
    assert np.array_equal(read_picture(damaged), PIXELS)


def test_damaged_exif_of_a_jpeg_does_not_matter() -> None:
    whole = encoded(IMAGE, "JPEG")
    broken = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 300) + b"\x01\x12\0\3" * 7
    segment = b"\xff\xe1" + struct.pack(">H", len(broken) + 2) + broken
    assert np.array_equal(read_picture(whole[:2] + segment + whole[20:]), read_picture(whole))


@pytest.mark.skipif(not decodes("avif"), reason="this Pillow does not decode AVIF")
def test_damaged_exif_of_an_avif_does_not_matter() -> None:
    tags = Image.Exif()
    tags[0x010E] = "described"
    whole = encoded(IMAGE, "AVIF", quality=90, exif=tags)
    damaged = whole.replace(tags.tobytes()[6:14], b"nonsense")
    assert damaged != whole
    assert np.array_equal(read_picture(damaged), read_picture(whole))


@pytest.mark.parametrize("kind", [k for k in READABLE if "WebP" not in k.name], ids=lambda kind: kind.name)
def test_pillow_is_not_asked_how_large_a_picture_may_be(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = kind.make()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # a hundredth of what these have
    assert read_picture(data).shape == kind.seen.shape


def test_many_threads_change_nothing_of_pillow() -> None:
    before = Image.MAX_IMAGE_PIXELS
    pictures = [kind.make() for kind in READABLE]
    seen: list[int | None] = []

    def read() -> None:
        for data in pictures:
            read_picture(data)
            seen.append(Image.MAX_IMAGE_PIXELS)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4 * len(pictures)
    assert set(seen) == {before}


def test_gray_of_16_bits_is_scaled_and_rounded() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.rint(values / 257).astype(np.uint8)
    big = Image.frombytes("I;16B", (256, 256), values.astype(">u2").tobytes())
    for source in (encoded(Image.fromarray(values), "PNG"), encoded(big, "TIFF"), Image.fromarray(values)):
        assert np.array_equal(read_picture(source)[..., 1], expected)


def test_pixels_without_a_white_are_refused() -> None:
    float_ = Image.fromarray(np.full((20, 20), 200, np.float32))
    with pytest.raises(ImageError, match=r"float pixels from 0 .* to 1 .*got 200.0 to 200.0"):
        read_picture(float_)
    with pytest.raises(ImageError, match="nan"):
        read_picture(Image.fromarray(np.full((20, 20), np.nan, np.float32)))
    with pytest.raises(ImageError, match="32-bit integer pixels from 0"):
        read_picture(Image.fromarray(np.full((20, 20), -1, np.int32)))


def test_small_pictures() -> None:
    assert read_picture(encoded(IMAGE.resize((16, 16)), "JPEG")).shape == (16, 16, 3)
    with pytest.raises(ImageError, match="15×16 px"):
        read_picture(encoded(IMAGE.resize((15, 16)), "PNG"))


def test_the_limit_is_ours() -> None:
    data = encoded(IMAGE, "PNG")
    assert read_picture(data, max_pixels=96 * 72).shape == (72, 96, 3)
    with pytest.raises(ImageError, match="96×72 px, more than 6911 pixels"):
        read_picture(data, max_pixels=96 * 72 - 1)
    with pytest.raises(ImageError, match="more than 6911 pixels"):
        read_picture(IMAGE, max_pixels=96 * 72 - 1)


def png_bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def gif_bomb() -> bytes:
    """A screen of a few pixels, a picture that is large."""
    return b"GIF89a" + bytes((16, 0, 16, 0, 0, 0, 0)) + b"," + bytes(4) + b"\xff" * 4 + bytes(10)


def bmp_bomb() -> bytes:
    data = bytearray(encoded(IMAGE.convert("P"), "BMP"))
    data[18:26] = struct.pack("<II", 14000, 14000)
    data[30:34] = struct.pack("<I", 1)  # run-length coded
    return bytes(data)


def test_bombs_are_refused() -> None:
    for data in (png_bomb(), gif_bomb(), encoded(IMAGE, "WEBP", lossless=True)[:21] + b"\xff" * 40):
        with pytest.raises(ImageError, match=r"decompression bomb|decoder"):
            read_picture(data)
    with pytest.raises(ImageError, match="run-length coded BMP is read up to"):
        read_picture(bmp_bomb())


@pytest.mark.parametrize("compression", [1, 5])
def test_limits_hold_for_tiles(compression: int) -> None:
    tags = {256: 64, 257: 64, 258: (8, 8, 8), 259: compression, 262: 2, 277: 3, 322: 26000, 323: 26000}
    data = tiff(tags, [bytes(99)], 324, 325)
    for source in (data, Image.open(io.BytesIO(data))):
        with pytest.raises(ImageError, match="26000×26000 px, more than"):
            read_picture(source)


def test_a_tiff_of_more_tiles_than_pixels_is_refused() -> None:
    tags = {256: 32, 257: 16, 258: 8, 259: 1, 262: 1, 277: 1, 322: 16, 323: 16}
    with pytest.raises(ImageError, match="more strips or tiles than pixels"):
        read_picture(tiff(tags, [bytes(256)] * 600, 324, 325))


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_webp_that_lies_of_its_size_is_as_large_as_what_is_decoded(place: str) -> None:
    """A second header says 64 × 64."""
    image = Image.new("RGB", (2000, 1500), "red")
    body = encoded(image, "WEBP", lossless=True)[12:]
    small = b"VP8X\x0a\0\0\0" + bytes(4) + b"\x3f\0\0\x3f\0\0"
    chunks = b"WEBP" + (small + body if place == "before" else body + small)
    data = b"RIFF" + struct.pack("<I", len(chunks)) + chunks
    with pytest.raises(ImageError, match=r"more than 10000 pixels|decoder"):
        read_picture(data, max_pixels=10_000)


class Counting(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def after_header(data: bytes, extra: bytes, header: int) -> bytes:
    return data[:header] + extra + data[header:]


@pytest.mark.parametrize(
    "data",
    [
        after_header(encoded(IMAGE, "JPEG"), b"\xff\xe5\0\2" * 250_000, 2),
        after_header(encoded(IMAGE, "JPEG"), b"\xff\xfe\0\2" * 250_000, 2),
        after_header(encoded(IMAGE, "JPEG"), b"\xff" * 1_000_000, 2),
        after_header(encoded(paletted(), "GIF"), b"!\xfe\1a\0" * 200_000, 13 + 3 * 256),
    ],
    ids=["segments", "comments", "padding", "GIF comments"],
)
def test_headers_have_a_bounded_number_of_parts(data: bytes) -> None:
    file = Counting(data)
    with pytest.raises(ImageError, match="its header has too many parts"):
        read_picture(file)
    assert file.reads < 100_000


@pytest.mark.parametrize("progressive", [True, False])
def test_scans_of_no_bytes_are_bounded(progressive: bool) -> None:
    data = encoded(IMAGE, "JPEG", quality=95, progressive=progressive)
    at = data.index(b"\xff\xda")
    scan = b"\xff\xda\0\x08\1\1\0\0\x3f\0"  # of one colour
    with pytest.raises(ImageError, match="too many scans"):
        read_picture(data[:at] + scan * 1000 + data[at:])
    behind = np.random.default_rng(0).integers(0, 256, 1 << 22, np.uint8).tobytes()  # a phone's film, say
    assert np.array_equal(read_picture(data + behind), read_picture(data))


def test_packed_texts_are_bounded() -> None:
    large = zlib.compress(bytes(1 << 26))
    with pytest.raises(ImageError, match=r"(?i)too large"):
        read_picture(png_with(chunk(b"zTXt", b"a\0\0" + large)))


@pytest.mark.parametrize("before", [True, False])
def test_colour_profiles_of_a_png_are_not_unpacked(before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of them, a kilobyte each, would unpack to gigabytes."""
    whole = encoded(IMAGE, "PNG")
    at = 33 if before else whole.index(b"IEND") - 4
    data = whole[:at] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 20))) * 50 + whole[at:]
    unpacked: list[int] = []
    unpack = PngImagePlugin._safe_zlib_decompress

    def counting(packed: bytes) -> bytes:
        unpacked.append(len(packed))
        return unpack(packed)

    monkeypatch.setattr(PngImagePlugin, "_safe_zlib_decompress", counting)
    assert np.array_equal(read_picture(data), PIXELS)
    assert unpacked == []


def test_texts_behind_the_pixels_are_bounded_too() -> None:
    whole = encoded(IMAGE, "PNG")
    at = whole.index(b"IEND") - 4
    texts = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20))) * 200
    with pytest.raises(ImageError, match="Too much memory used in text chunks"):
        read_picture(whole[:at] + texts + whole[at:])


def test_an_apng_allocates_nothing_while_its_header_is_read() -> None:
    """Its first picture asks for a background to be kept."""
    control = struct.pack(">IIIIIHHBB", 0, 30000, 30000, 0, 0, 1, 1, 1, 0)
    extra = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", control)
    data = png_bomb()
    with pytest.raises(ImageError, match="decompression bomb"):
        read_picture(data[:33] + extra + data[33:])


def test_a_stream_may_give_more_than_it_is_asked_for() -> None:
    parts = [encoded(IMAGE, "PNG"), b""]

    class Careless:
        def read(self, size: int) -> bytes:
            return parts.pop(0)

    assert np.array_equal(read_picture(Careless()), PIXELS)  # type: ignore[arg-type]


class Endless:
    """Gives more than it is asked for, and never ends."""

    def __init__(self, begin: bytes, seekable: bool) -> None:
        self.begin, self.seekable, self.place, self.given = begin, lambda: seekable, 0, 0

    def seek(self, place: int, _: int = 0) -> int:
        self.place = place
        return place

    def tell(self) -> int:
        return self.place

    def read(self, size: int = -1) -> bytes:
        data = (b"" if self.place else self.begin) + bytes(1 << 16)
        self.place += len(data)
        self.given += len(data)
        return data


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_a_stream_that_never_ends_is_read_to_a_bound(kind: str, seekable: bool) -> None:
    stream = Endless(encoded(IMAGE, kind)[:60], seekable)
    with suppress(ImageError):  # of a flat WebP nothing is missing
        read_picture(stream, max_pixels=10_000)  # type: ignore[arg-type]
    assert stream.given < 1 << 29


def test_the_bytes_of_a_stream_are_bounded() -> None:
    for begin, most in ((b"no picture", HEAD + (1 << 16)), (encoded(IMAGE, "PNG"), 1 << 27)):
        stream = Endless(begin, False)
        assert read_encoded(stream, 10_000).startswith(begin)  # type: ignore[arg-type]
        assert stream.given <= most + len(begin)


def test_other_threads_keep_their_warnings() -> None:
    """One thread decodes what Pillow would warn of while another one warns."""
    odd = png_with(chunk(b"acTL", bytes(8))), encoded(IMAGE, "TIFF", tiffinfo={33723: b"iptc" * 9, 34853: 12})
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            for data in odd:
                read_picture(data)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        thread = threading.Thread(target=read)
        thread.start()
        for number in range(200):
            warnings.warn(f"number {number}", UserWarning, stacklevel=1)
        stop.set()
        thread.join()
    assert [str(w.message) for w in shown] == [f"number {number}" for number in range(200)]


def test_faults_are_one_clear_line(tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("I am no picture")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    cut = tmp_path / "cut\nhere.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    cut.write_bytes(encoded(Image.fromarray(noise), "JPEG")[:1500])
    faults: list[tuple[Any, str]] = [
        (tmp_path / "none.jpg", "no such file"),
        (text, r"not a picture \(JPEG, PNG"),
        (empty, "empty"),
        (cut, "truncated"),
        (tmp_path, "Is a directory"),
        (b"", "empty"),
        ("a\0b", "null"),
        (io.StringIO("text"), "binary mode"),
        (text.open("rb"), "text.jpg: it is not a picture"),
        (Image.open(cut), "Pillow image: .*truncated"),
    ]
    for source, message in faults:
        with pytest.raises(ImageError, match=message) as caught:
            read_picture(source)
        assert "\n" not in str(caught.value)
        if hasattr(source, "close"):
            source.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.jpg", tmp_path / "link.jpg"
    os.mkfifo(pipe)  # nobody writes to it: opening it as files are opened would wait for ever
    link.symlink_to(pipe)
    for path in (pipe, link, Path("/dev/zero")):
        with pytest.raises(ImageError, match=f"cannot read {path}: it is not a regular file"):
            read_picture(path)
    link.unlink()
    IMAGE.save(tmp_path / "a.png")
    link.symlink_to("a.png")
    assert np.array_equal(read_picture(link), PIXELS)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((1, 1, 3), np.uint8), "1×1 px"),
        (np.zeros((20, 20), np.uint8), r"H × W × 3 .*np\.dstack\(\[gray\] \* 3\)"),
        (np.zeros((20, 20, 4), np.uint8), "H × W × 3 .*leaves out alpha"),
        (np.zeros((3, 20, 20), np.uint8), "H × W × 3 .*channels last"),
        (np.zeros((2, 20, 20, 3), np.uint8), "H × W × 3 .*one picture at a time"),
        (np.zeros((20, 20, 3), np.float32), "float32: scale it"),
    ],
)
def test_bad_arrays_are_named(array: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_picture(array)


def test_other_types_are_named() -> None:
    with pytest.raises(ImageError, match="got int"):
        read_picture(3)  # type: ignore[arg-type]


def test_folders_are_searched_for_every_format() -> None:
    assert {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic"} <= set(
        SUFFIXES
    )
    assert len(set(SUFFIXES)) == len(SUFFIXES)
