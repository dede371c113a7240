"""The parser with a fake network and a fake detector: what is asked of each, and what comes out."""

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse import Parser, parse
from faceparse.engines import FakeEngine
from faceparse.engines.batching import Batched, _Request
from faceparse.errors import ConfigError, EngineError, ImageError, LabelError, NoFaceError, WeightsError
from faceparse.faces.detector import Detection
from faceparse.labels import scheme
from faceparse.weights import card

CARD = card("bisenet-resnet18-zllrunning")
SKIN, HAIR = (scheme("celebamask19").id(n) for n in ("skin", "hair"))


class FixedFaces:
    """A detector that finds what it is told to."""

    def __init__(self, *boxes: Sequence[float]) -> None:
        self.boxes = boxes

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        found = []
        for x0, y0, x1, y1 in self.boxes:
            w, h = x1 - x0, y1 - y0
            rule = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
            found.append(Detection((x0, y0, x1, y1), 0.9, rule * [w, h] + [x0, y0]))
        return tuple(found)


def bright_is_skin(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits at 1/8: skin where the input is bright, hair elsewhere."""
    small = image.mean(1)[:, 4::8, 4::8]
    logits = np.full((len(image), 19, *small.shape[1:]), -10, np.float32)
    logits[:, SKIN], logits[:, HAIR] = 5 * small, -5 * small
    return logits


def fake(**options: object) -> Parser:
    detector = options.pop("detector", FixedFaces())
    return Parser(FakeEngine(CARD, bright_is_skin), detector=detector, **options)  # type: ignore[arg-type]


def half_bright(height: int = 96, width: int = 160) -> NDArray[np.uint8]:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


def test_whole_picture_in_its_own_size() -> None:
    parsing = fake(faces="whole").parse(half_bright())
    assert parsing.labels.shape == (96, 160)
    assert (parsing.labels[:, :72] == HAIR).all()
    assert (parsing.labels[:, 88:] == SKIN).all()
    assert parsing.mask("skin").mean() == pytest.approx(0.5, abs=0.02)


def test_all_kinds_of_source_agree(tmp_path: Path) -> None:
    image = half_bright()
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path)
    parser = fake()
    assert parser.parse(path).source == str(path)
    maps = [parser.parse(s).labels for s in (path, str(path), path.read_bytes(), Image.open(path), image)]
    for other in maps[1:]:
        assert (maps[0] == other).all()


def test_results_come_in_the_scheme_asked_for() -> None:
    parsing = fake(faces="whole", scheme="lapa11").parse(half_bright())
    assert parsing.scheme.name == "lapa11"
    assert set(np.unique(parsing.labels)) == {scheme("lapa11").id("skin"), scheme("lapa11").id("hair")}
    assert fake(scheme=None).scheme.name == CARD.scheme


def test_results_come_in_the_usual_scheme_or_the_models_own() -> None:
    def named(card_id: str) -> str:
        made = Parser(FakeEngine(card(card_id)), faces="whole", detector=FixedFaces())
        return made.parse(half_bright()).scheme.name

    assert named("segface-celeb-mobilenet-512") == "celebamask19"
    assert named("segface-helen-swin_base-512") == "celebamask19"
    assert named("vgg19-dinov3-vitl16") == "ourface11"
    assert named("fcn8s") == "face2"
    with pytest.raises(LabelError, match="eyes"):
        Parser(FakeEngine(card("vgg19-dinov3-vitl16")), scheme="celebamask19")


def test_a_threshold_of_its_own() -> None:
    image = np.tile(np.linspace(0, 255, 512).astype(np.uint8)[None, :, None], (64, 1, 3))
    parser = fake(faces="whole", scheme="face2", threshold=0.9)
    parsing = parser.parse(image)
    np.testing.assert_array_equal(parsing.labels, parsing.mask("face", soft=True, edges=False) > 0.9)
    assert parsing.labels.mean() < fake(faces="whole", scheme="face2").parse(image).labels.mean()
    assert parser.identity["threshold"] == "0.9"
    assert "threshold" not in fake().identity
    with pytest.raises(ConfigError, match="scheme 'celebamask19' has 19: take scheme face2"):
        fake(threshold=0.9)
    with pytest.raises(ConfigError, match="a threshold is a probability, 0 to 1, got 7"):
        fake(scheme="face2", threshold=7)


def test_faces_have_parts_of_their_own() -> None:
    image = np.full((400, 800, 3), 255, np.uint8)
    parser = fake(faces="each", detector=FixedFaces((60, 120, 140, 220), (640, 120, 720, 220)))
    parsing = parser.parse(image)
    assert len(parsing.faces) == 2
    left, right = parsing.faces
    assert left.parsing is not None
    assert right.parsing is not None
    assert left.parsing.mask("skin")[170, 100]
    assert not left.parsing.mask("skin")[170, 680]
    assert right.parsing.mask("skin")[170, 680]
    assert parsing.mask("skin")[170, [100, 680]].all()


def test_largest_takes_one_face() -> None:
    faces = FixedFaces((60, 120, 140, 220), (500, 100, 660, 300))
    parsing = fake(faces="largest", detector=faces).parse(np.full((400, 800, 3), 255, np.uint8))
    assert [f.box[0] for f in parsing.faces] == [500]


def test_no_face() -> None:
    image = half_bright()
    assert fake(faces="auto").parse(image).faces == ()
    for mode in ("each", "largest"):
        with pytest.raises(NoFaceError, match="no face"):
            fake(faces=mode).parse(image)


def test_no_face_is_one_of_three() -> None:
    with pytest.raises(ConfigError, match="no_face is whole, background, fail; got 'x'"):
        fake(no_face="x")
    assert fake(no_face="background").parse(half_bright()).views == ()
    assert fake(faces="each", no_face="whole").parse(half_bright()).looks == 1
    assert fake(no_face="background").identity != fake().identity == fake(no_face="whole").identity


def test_a_face_of_known_landmarks_stays_with_trust_0_where_no_skin_is() -> None:
    landmarks = np.array([[20.0, 40], [40, 40], [30, 50], [22, 60], [38, 60]])
    dark, bright = (
        fake(faces="each").parse(half_bright(), landmarks=landmarks + np.array([x, 0])) for x in (0, 95)
    )
    assert [face.trust for face in dark.faces] == [0]
    assert [face.trust for face in bright.faces] == [pytest.approx(1, abs=0.01)]
    found = fake(faces="each", no_face="whole", detector=FixedFaces((10, 20, 50, 80))).parse(half_bright())
    assert found.faces == ()
    assert len(found.false_faces) == 1


def test_map_keeps_order_and_raises_in_place() -> None:
    images = [np.full((16 + i, 20, 3), 255, np.uint8) for i in range(12)]
    assert [p.size[0] for p in fake().map(images, workers=3)] == [16 + i for i in range(12)]
    results = fake().map([images[0], b"broken", images[1]])
    assert next(results).size == (16, 20)
    with pytest.raises(ImageError):
        next(results)


def test_a_list_gives_a_list() -> None:
    images = [np.full((16 + i, 20, 3), 255, np.uint8) for i in range(5)]
    assert [p.size[0] for p in fake().parse(images)] == [16, 17, 18, 19, 20]
    assert [p.size[0] for p in fake().parse(tuple(images[:2]))] == [16, 17]
    assert fake().parse([]) == []


@pytest.mark.parametrize("pictures", [[[half_bright()]], half_bright(16, 16).tolist(), [3]])
def test_a_list_of_other_things_is_one_line(pictures: list[Any]) -> None:
    with pytest.raises(ImageError, match=r"a picture is a path.*got (list|int)"):
        fake().parse(pictures)


def test_landmarks_are_of_one_picture() -> None:
    with pytest.raises(ImageError, match="got list"):
        fake().parse([half_bright()], landmarks=np.zeros((5, 2)))  # type: ignore[call-overload]


@pytest.mark.parametrize("away", [(-1e6, 0), (0, 1e6), (170, 0), (0, -120)])
def test_landmarks_outside_the_picture_are_refused(away: tuple[float, float]) -> None:
    """A look that far away took a minute."""
    landmarks = np.array([[20.0, 40], [40, 40], [30, 50], [22, 60], [38, 60]])
    with pytest.raises(ImageError, match="landmarks lie outside the picture"):
        fake(faces="each").parse(half_bright(), landmarks=landmarks + away)
    half_inside = landmarks + np.array([-30, 0])
    assert len(fake(faces="each").parse(half_bright(), landmarks=half_inside).faces) == 1


def test_parse_says_what_becomes_of_a_picture_without_a_face() -> None:
    with pytest.raises(NoFaceError):
        parse(half_bright(), no_face="fail")
    assert parse(half_bright(), no_face="background").looks == 0
    assert parse(half_bright(), faces="each", no_face="whole").looks == 1


def test_parse_takes_a_list_and_a_device() -> None:
    assert [p.size for p in parse([half_bright(), half_bright(40, 50)], device="cpu")] == [
        (96, 160),
        (40, 50),
    ]
    with pytest.raises(EngineError, match="abacus"):
        parse(half_bright(), device="abacus")


def test_map_reads_ahead_by_no_more_than_its_workers() -> None:
    taken = []

    def source() -> object:
        for i in range(50):
            taken.append(i)
            yield half_bright()

    results = fake().map(source(), workers=2)  # type: ignore[arg-type]
    next(results)
    assert len(taken) <= 4
    results.close()  # type: ignore[attr-defined]


def test_bad_choices_are_named() -> None:
    with pytest.raises(ConfigError, match="auto"):
        fake(faces="some")
    with pytest.raises(LabelError, match="no label scheme"):
        fake(scheme="x")
    other = replace(CARD, scheme="ourface11")
    with pytest.raises(LabelError, match="cannot convert"):
        Parser(FakeEngine(other, lambda x: bright_is_skin(x)[:, :11]), scheme="celebamask19")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": None}, WeightsError, "a model is an id, a model file or an Engine; got None"),
        ({"device": None}, EngineError, "device: expected text; got null"),
        ({"device": "cpu\0"}, EngineError, "device: expected text without NUL"),
        ({"engine": 5}, EngineError, "engine: expected text or null; got 5"),
        ({"card": 5}, WeightsError, "card: expected text or null; got 5"),
        ({"batch": 2.5}, ConfigError, "batch: expected a whole number, 1 or more or null; got 2.5"),
        ({"batch": 2**70}, ConfigError, "batch: expected a whole number, 1 or more"),
        ({"threads": "two"}, EngineError, "threads: expected a whole number, 1 to 1,024 or null; got 'two'"),
        ({"threads": 2**31}, EngineError, "threads: expected a whole number, 1 to 1,024"),
        ({"threads": True}, EngineError, "threads: expected a whole number"),
        ({"max_pixels": 0}, ConfigError, "max_pixels: expected a whole number, 1 or more or null; got 0"),
        ({"threshold": "x"}, ConfigError, "threshold: expected a number or null; got 'x'"),
    ],
)
def test_odd_options_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Parser(**options)


def test_map_takes_several() -> None:
    with pytest.raises(ConfigError, match=r"map takes a list .*got 'photo'"):
        fake().map("photo")
    for workers in (0, 10**9, 2.5):
        with pytest.raises(ConfigError, match="workers: expected a whole number, 1 to 1,024 or null"):
            fake().map([], workers=workers)  # type: ignore[arg-type]


def test_no_face_names_the_picture(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    with pytest.raises(NoFaceError, match=r"a\.png: no face found"):
        fake(faces="each").parse(tmp_path / "a.png")


def test_bytes_of_a_jpeg() -> None:
    file = io.BytesIO()
    Image.fromarray(half_bright()).save(file, "JPEG")
    assert fake().parse(file.getvalue()).size == (96, 160)


def test_large_pictures_are_refused_at_the_limit_asked_for() -> None:
    parser = Parser(FakeEngine(CARD, bright_is_skin), detector=FixedFaces(), max_pixels=64 * 64)
    file = io.BytesIO()
    Image.new("RGB", (64, 65)).save(file, "PNG")
    with pytest.raises(ImageError, match="more than 4096 pixels"):
        parser.parse(file)


def test_a_model_on_warped_pictures_gets_its_landmarks_from_the_detector() -> None:
    warped = replace(CARD, input=replace(CARD.input, warp="lapa"))
    engine = FakeEngine(warped, bright_is_skin)
    parsing = Parser(engine, detector=FixedFaces((60, 20, 120, 80)), faces="whole").parse(half_bright())
    (view,) = parsing.views
    assert view.before is not None
    labels = parsing.labels
    assert (labels[:, :70] == HAIR).all()
    assert (labels[:, 90:] == SKIN).all()
    bright = np.full((96, 160, 3), 255, np.uint8)
    two = Parser(engine, detector=FixedFaces((10, 20, 50, 80), (110, 20, 150, 80))).parse(bright)
    assert len(two.views) == len(two.faces) == 2
    # Among others a face reaches less far than alone.
    one = Parser(engine, detector=FixedFaces((10, 20, 50, 80))).parse(bright)
    sides = [1 / np.hypot(*v.frame[0, :2]) for v in (*one.views, *two.views) if v.frame is not None]
    assert sides[0] == pytest.approx(sides[1] * 2.5 / 1.5)
    assert sides[1] == pytest.approx(sides[2])
    with pytest.raises(NoFaceError, match="warps pictures by a face's landmarks"):
        Parser(engine, detector=FixedFaces(), faces="whole").parse(half_bright())


class Counting(FakeEngine):
    """Notes how many looks came together."""

    def __init__(self) -> None:
        super().__init__(CARD, bright_is_skin)
        self.batches: list[int] = []

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        self.batches.append(len(inputs["image"]))
        return super().run(inputs)


CROWD = [(100.0 * x, 100.0 * y, 100.0 * x + 60, 100.0 * y + 80) for x in range(4) for y in range(3)]


@pytest.mark.parametrize("batch", [1, 5, 100])
def test_results_do_not_depend_on_the_batch(batch: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (320, 420, 3), np.uint8)
    engine = Counting()
    parser = Parser(engine, faces="each", detector=FixedFaces(*CROWD), batch=batch)
    want = fake(faces="each", detector=FixedFaces(*CROWD)).parse(image)
    got = parser.parse(image)
    assert (got.labels == want.labels).all()
    assert sum(engine.batches) == 2 * len(CROWD) + 1, "two looks a face, and all of the picture"
    assert max(engine.batches) == min(batch, 2 * len(CROWD) + 1)
    sizes = [half_bright(64 + i, 80) for i in range(20)]
    many = fake(faces="whole", batch=batch).map(sizes, workers=6)
    for one, other in zip(many, fake(faces="whole").map(sizes), strict=True):
        assert (one.labels == other.labels).all()


def test_looks_of_several_pictures_go_together() -> None:
    engine = Counting()
    batched = Batched(engine, 4)
    images = [np.full((n, 3, 64, 64), n, np.float32) for n in (1, 1, 2, 3, 1, 7)]
    waiting = [_Request(image, Future()) for image in images]
    batched._waiting = list(waiting)  # as if other threads had asked while a run was under way
    other_size = np.zeros((1, 3, 32, 32), np.float32)
    assert batched.run({"image": other_size})["logits"].shape == (1, 19, 4, 4)
    assert engine.batches == [4, 4, 7, 1]
    for asked in waiting:
        logits = asked.logits.result(0)
        assert (logits == bright_is_skin(asked.image)).all()
        assert logits.base is None or len(logits) == 7  # keeps no neighbour's alive


def test_a_failing_run_reaches_all_who_share_it() -> None:
    def broken(image: NDArray[np.float32]) -> NDArray[np.float32]:
        raise EngineError("the network broke")

    parser = Parser(FakeEngine(CARD, broken), faces="whole", batch=8)
    with ThreadPoolExecutor(5) as pool:
        failures = [pool.submit(parser.parse, half_bright()) for _ in range(20)]
        for failure in failures:
            with pytest.raises(EngineError, match="the network broke"):
                failure.result()


def test_a_result_says_its_model_and_how_long_each_step_took() -> None:
    parsing = fake(scheme="lapa11").parse(half_bright())
    assert parsing.model == CARD.id
    assert parsing.source == ""
    assert set(parsing.seconds) == {"read", "detect", "crop", "network"}
    assert all(s >= 0 for s in parsing.seconds.values())


def test_identity_changes_with_all_that_changes_results(tiny_path: Path) -> None:
    same = Parser(tiny_path, batch=4, threads=1).identity
    assert same == Parser(str(tiny_path)).identity
    assert len(same["sha256"]) == 64
    for options in ({"faces": "each"}, {"scheme": "lapa11"}, {"card": CARD.id}):
        assert Parser(tiny_path, **options).identity != same  # type: ignore[arg-type]
    assert fake().identity["model"] == CARD.id
    other_colour = replace(scheme("lapa11"), colours={"skin": (1, 2, 3)})
    assert fake(scheme=other_colour).identity != fake(scheme="lapa11").identity


def test_bad_batches_are_named() -> None:
    with pytest.raises(ConfigError, match="batch: expected a whole number, 1 or more or null; got 0"):
        fake(batch=0)


@pytest.mark.parametrize(
    "change",
    [lambda image: image, lambda image: cv2.GaussianBlur(image, (0, 0), 3), lambda image: image // 5],
)
def test_the_default_model_in_int8_says_nearly_the_same(
    collins: NDArray[np.uint8], change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    image = change(collins)
    exact, integers = (Parser(name).parse(image) for name in ("default", "default-int8"))
    for name in ("face", "hair"):
        one, other = exact.mask(name), integers.mask(name)
        assert (one & other).sum() > 0.93 * (one | other).sum(), name  # least with old ONNX Runtimes


def test_the_default_model_says_the_same_in_any_batch_and_threads(collins: NDArray[np.uint8]) -> None:
    turned = [collins, collins[40:, 30:], np.ascontiguousarray(collins[::2, ::2])]
    want = [p.labels for p in Parser(threads=1).map(turned, workers=1)]
    for options in ({"batch": 4, "threads": 1}, {"batch": 2}):
        parser = Parser(**options)  # type: ignore[arg-type]
        for one, other in zip(parser.map(turned, workers=3), want, strict=True):
            assert (one.labels != other).mean() < 1e-4  # rounding alone
