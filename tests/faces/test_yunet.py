"""The face detector on the sample portrait, made large, small, turned, multiplied, and where no face is."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.errors import ImageError
from faceparse.faces import Detection, Square, YuNet

Image = NDArray[np.uint8]
MODEL = files("faceparse.faces").joinpath("yunet/face_detection_yunet_2023mar.onnx")


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet()


def placed(
    image: Image, angle: float, scale: float, size: tuple[int, int]
) -> tuple[Image, NDArray[np.float64]]:
    """The picture turned clockwise and scaled on a canvas of (height, width), and the map onto it."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, scale)
    matrix[:, 2] += [size[1] / 2 - width / 2, size[0] / 2 - height / 2]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind)
    onto = matrix @ np.diag([width / small.shape[1], height / small.shape[0], 1])
    canvas = cv2.warpAffine(small, onto, size[::-1], borderValue=(128, 128, 128))
    return np.asarray(canvas, np.uint8), np.asarray(matrix, np.float64)


def error(found: Detection, true: Detection, matrix: NDArray[np.float64]) -> float:
    """Mean distance of the landmarks from where they should be, as a part of the aligned square's side."""
    expected = true.landmarks @ matrix[:, :2].T + matrix[:, 2]
    distance = np.linalg.norm(found.landmarks - expected, axis=1).mean()
    return float(distance / Square.from_landmarks(expected).side)


def test_the_file_is_the_published_one() -> None:
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert digest == "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"


def test_decoded_as_opencv_does(collins: Image, detector: YuNet) -> None:
    small = np.asarray(cv2.resize(collins, (320, 320), interpolation=cv2.INTER_AREA), np.uint8)
    ours = max(detector._run(small, 0.9), key=lambda d: d.score)
    theirs = cv2.FaceDetectorYN.create(str(MODEL), "", (320, 320), 0.9, 0.3)
    (row,) = theirs.detect(np.ascontiguousarray(small[..., ::-1]))[1]
    x, y, w, h, *points, score = (float(v) for v in row)
    assert ours.box == pytest.approx((x, y, x + w, y + h), abs=0.5)
    np.testing.assert_allclose(ours.landmarks.reshape(-1), points, atol=0.5)
    assert ours.score == pytest.approx(score, abs=0.01)


def test_landmarks_of_the_portrait(collins: Image, detector: YuNet) -> None:
    (face,) = detector.detect(collins)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert face.score > 0.9
    assert face.size == pytest.approx(114, abs=6)
    assert face.centre == pytest.approx((223, 120), abs=6)


@pytest.mark.parametrize("size", [100, 256, 640, 1024, 2048])
def test_found_at_any_size(collins: Image, detector: YuNet, size: int) -> None:
    (true,) = detector.detect(collins)
    scale = size / 512
    (face,) = detector.detect(
        np.asarray(cv2.resize(collins, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    )
    assert error(face, true, np.array([[scale, 0, 0], [0, scale, 0]])) < 0.04


def test_found_when_the_face_fills_a_large_picture(collins: Image, detector: YuNet) -> None:
    part = np.asarray(
        cv2.resize(collins[40:210, 140:310], (2048, 2048), interpolation=cv2.INTER_CUBIC), np.uint8
    )
    (face,) = detector.detect(part)
    assert face.size > 1000


@pytest.mark.parametrize("pixels", [128, 64, 32])
def test_small_faces_in_a_large_picture(collins: Image, detector: YuNet, pixels: int) -> None:
    (true,) = detector.detect(collins)
    canvas, matrix = placed(collins, 0, pixels / true.size, (768, 1024))
    (face,) = detector.detect(canvas)
    assert error(face, true, matrix) < 0.06


@pytest.mark.parametrize("angle", [-30, 30, -60, 60, 90, 135, 180, 270])
def test_turned_faces_keep_the_order_of_their_landmarks(
    collins: Image, detector: YuNet, angle: float
) -> None:
    (true,) = detector.detect(collins)
    canvas, matrix = placed(collins, angle, 0.8, (600, 600))
    (face,) = detector.detect(canvas)
    assert error(face, true, matrix) < 0.08
    turned = Square.from_landmarks(face.landmarks).angle - Square.from_landmarks(true.landmarks).angle
    assert abs((turned - angle + 180) % 360 - 180) < 15


def test_many_faces(collins: Image, detector: YuNet) -> None:
    small = collins[::4, ::4]
    crowd = np.tile(small, (5, 8, 1))
    faces = detector.detect(crowd)
    assert len(faces) == 40
    assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 2), (7, 3), (480, 640)])
def test_no_face_in_a_plain_picture(detector: YuNet, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 127, np.uint8)) == ()


@pytest.mark.parametrize("coarse", [1, 8, 40])
def test_no_face_in_noise(detector: YuNet, coarse: int) -> None:
    noise = np.random.default_rng(coarse).integers(0, 256, (480 // coarse, 640 // coarse, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert detector.detect(image) == ()


@pytest.mark.parametrize(
    "bad", [np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((0, 9, 3), np.uint8)]
)
def test_refuses_what_is_no_picture(detector: YuNet, bad: Image) -> None:
    with pytest.raises(ImageError, match="RGB"):
        detector.detect(bad)


def test_same_in_every_thread(collins: Image) -> None:
    detector = YuNet()
    (one,) = detector.detect(collins)
    with ThreadPoolExecutor(4) as pool:
        for faces in pool.map(detector.detect, [collins] * 8):
            np.testing.assert_array_equal(faces[0].landmarks, one.landmarks)
