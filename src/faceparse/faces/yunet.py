"""YuNet in ONNX Runtime: a 230 KB face detector that takes one millisecond for a portrait.

>>> from faceparse.faces import YuNet
>>> detector = YuNet()
>>> [round(face.score, 2) for face in detector.detect(image)]  # doctest: +SKIP
[0.95]

The network (Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, 2023; MIT licence, beside
the file) is anchor-free with strides 8, 16 and 32. It does not run in OpenCV's FaceDetectorYN, because on
one core ONNX Runtime takes 4.1 ms at 640 × 640 and OpenCV 5.0 takes 18 ms, and one session serves all
threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ImageError
from faceparse.faces.detector import Detection
from faceparse.faces.looks import is_portrait
from faceparse.results.square import Square, crop

_FILE = "yunet/face_detection_yunet_2023mar.onnx"
_STRIDES = (8, 16, 32)
_SIDES = (320, 640, 1280)
# A face larger than this fraction of the picture's longer side ends the search at 320 or at 640 pixels: the
# picture is a portrait, and speed matters more than people in the background.
_PORTRAIT = {320: 0.4, 640: 0.2}
_OVERLAP = 0.5
_SIDEWAYS_SCORE = 0.8
# A face that scores less than _UPRIGHT_SCORE may be rotated, and is detected again in eight rotations. Measured on
# portraits: 90 that were rotated by 90°, 135° and 180° score 0.90 to 0.95 in the right rotation; upright portraits
# score at most 0.90 in a wrong rotation.
_UPRIGHT_SCORE = 0.92
_ROTATED_SCORE = 0.90
_UPRIGHT_ANGLE = 2.5
_PORTRAIT_ANGLE = 6.0
_MILD_ANGLE = 12.0
# YuNet puts the landmarks of a rotated face half-way back to upright, so each step rotates further than they say.
_STEP = 0.6
_CROP = 192
_CROP_MARGIN = 1.6


class YuNet:
    """A detector of faces of any size from about 1/50 of the picture's longer side.

    The network runs on the picture resized to a longer side of 320, 640 and 1280 pixels, but never enlarged
    beyond 640; at full size it would miss faces that fill a large picture. The search ends early if a face
    fills much of the picture, so a portrait needs one run. Faces may have any angle: a face with a low score
    is detected again on an upright crop, and a picture without faces is tried on its sides and upside down.

    Args:
        threshold: Least score of a face, 0 to 1. Clear faces score 0.8 to 0.95, blurred faces and faces cut
            by the picture's border 0.6 to 0.8, hands and noise less than 0.6.
        largest: Longer side, in pixels, of the largest resized picture that is searched: 320, 640 or 1280. A smaller one
            takes less time, and misses the smallest faces.
    """

    def __init__(self, threshold: float = 0.6, largest: int = 1280) -> None:
        self.threshold, self.largest = threshold, largest

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread: the network is too small to gain from more, and idle threads would spin and slow the
        # parsing engine's threads.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = _free_input_size(files("faceparse.faces").joinpath(_FILE).read_bytes())
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return the faces in an RGB picture (H × W × 3 uint8), at any angle, the highest score first.

        Raises:
            ImageError: not an RGB uint8 picture.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ImageError(
                f"expected an RGB picture, height × width × 3 uint8, got {image.dtype} of shape {image.shape}"
            )
        faces: list[Detection] = []
        height, width = image.shape[:2]
        halves = [image]
        for side, small in _pyramid(halves, self.largest):
            scale = np.array([width / small.shape[1], height / small.shape[0]])
            faces = _suppress([*faces, *(_scale(f, scale) for f in self._run(small, self.threshold))])
            largest = max((f.size for f in faces), default=0.0)
            if largest > _PORTRAIT.get(side, 2.0) * max(height, width):
                break
        faces = faces or self._detect_sideways(image)
        upright = (
            f if _is_clear_portrait(f, (height, width)) else self._straighten(halves, f) for f in faces
        )
        return tuple(sorted(upright, key=lambda face: -face.score))

    def _straighten(self, halves: list[NDArray[np.uint8]], face: Detection) -> Detection:
        """Return the face with landmarks detected again in an upright crop.

        The network detects rotated faces but puts their landmarks half-way back to upright: a face rotated by
        20° gets landmarks rotated by 10°, and beyond 60° the eyes may lie where the mouth is. So a face with
        a low score is detected again in eight rotations. A face that is not upright is then detected up to
        three times more, a mildly tilted face once. The detection with the highest score wins, because a head
        turned aside has no reliable angle.
        """
        angle = Square.from_landmarks(face.landmarks).angle
        rotation = 90.0 * round(angle / 90)  # of the picture in which the face was detected
        if face.score < _UPRIGHT_SCORE:
            half = _CROP_MARGIN * face.size / 2
            square = Square(face.centre, (half, 0.0), (0.0, half))
            rotated = {
                degrees: again
                for degrees in range(0, 360, 45)
                if (again := self._detect_in(halves, face, square.rotate(degrees)))
            }
            best = max(rotated, key=lambda degrees: rotated[degrees].score, default=0)
            if best and rotated[best].score > max(face.score, _ROTATED_SCORE):
                face, rotation = rotated[best], float(best)
        change = _difference(Square.from_landmarks(face.landmarks).angle, rotation)
        if abs(change) < _UPRIGHT_ANGLE:
            return face
        candidates = [face]
        for _ in range(1 if abs(change) < _MILD_ANGLE else 3):
            square = Square.from_landmarks(face.landmarks).rotate(_STEP * change)
            again = self._detect_in(halves, face, square.scale(_CROP_MARGIN))
            if again is None:
                break
            face = again
            candidates.append(face)
            change = _difference(Square.from_landmarks(face.landmarks).angle, square.angle)
            if abs(change) < 2:
                break
        return max(candidates, key=lambda candidate: candidate.score)

    def _detect_in(
        self, halves: list[NDArray[np.uint8]], face: Detection, square: Square
    ) -> Detection | None:
        """Detect a face again in a crop of the smallest of `halves` that is fine enough; None without a face."""
        size = (_CROP, _CROP)
        level = max(0, min(len(halves) - 1, math.floor(math.log2(max(square.side / _CROP, 1)))))
        source = halves[level]
        scale = np.array(source.shape[1::-1]) / halves[0].shape[1::-1]
        inside = _scale_square(square, scale)
        faces = self._run(crop(source, inside, size), self.threshold)
        middle = _CROP / 2
        near = [d for d in faces if math.dist(d.centre, (middle, middle)) < _CROP / 4]
        if not near:
            return None
        best = max(near, key=lambda d: d.score)
        forward = inside.to_pixels(size)
        landmarks = np.linalg.solve(forward[:, :2], (best.landmarks - forward[:, 2]).T).T / scale
        return Detection(face.box, best.score, landmarks)

    def _detect_sideways(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Return the faces of a picture that lies on its side or upside down, in the rotation with the highest score."""
        height, width = image.shape[:2]
        _, small = next(_pyramid([image], self.largest))
        h, w = small.shape[:2]
        best: list[Detection] = []
        for quarter in (1, 3, 2):
            faces = _suppress(self._run(np.rot90(small, quarter), max(self.threshold, _SIDEWAYS_SCORE)))
            faces = [_rotate_back(face, quarter, w, h) for face in faces]
            if faces and (not best or faces[0].score > best[0].score):
                best = faces
        return [_scale(face, np.array([width / w, height / h])) for face in best]

    def _run(self, image: NDArray[np.uint8], threshold: float) -> list[Detection]:
        """Run the network on a picture, padded to a multiple of 32 pixels, and return the faces."""
        import cv2

        height, width = (-(-s // 32) * 32 for s in image.shape[:2])
        planes = np.zeros((1, 3, height, width), np.float32)
        for plane, channel in zip(planes[0, ::-1], cv2.split(image), strict=True):  # the network takes BGR
            plane[: image.shape[0], : image.shape[1]] = channel
        outputs = self._session.run(None, {"input": planes})
        by_stride = [outputs[i : i + 3] for i in (0, 3, 6, 9)]
        faces: list[Detection] = []
        for stride, classes, objects, boxes, points in zip(_STRIDES, *by_stride, strict=True):
            scores = np.sqrt(np.clip(classes[0, :, 0], 0, 1) * np.clip(objects[0, :, 0], 0, 1))
            cells = np.flatnonzero(scores >= threshold)
            corner = np.stack([cells % (width // stride), cells // (width // stride)], 1).astype(np.float64)
            for at, score, box, five in zip(
                corner, scores[cells], boxes[0, cells], points[0, cells], strict=True
            ):
                middle, half = (at + box[:2]) * stride, np.exp(box[2:].astype(np.float64)) * stride / 2
                landmarks = np.asarray((five.reshape(5, 2) + at) * stride, np.float64)
                faces.append(Detection(_box(middle - half, middle + half), float(score), landmarks))
        return faces


def _is_clear_portrait(face: Detection, picture_size: tuple[int, int]) -> bool:
    """Return whether one detection is enough: the score is high and the picture is an aligned portrait of the face.

    In 300 portraits of CelebAMask-HQ a second detection moved the landmarks by 0.2 % of the eyes' distance on
    average, and by 6 % in one of a hundred; it takes half of the detection time of a tilted portrait.
    """
    angle = Square.from_landmarks(face.landmarks).angle
    return face.score >= _UPRIGHT_SCORE and abs(angle) <= _PORTRAIT_ANGLE and is_portrait(face, picture_size)


def _free_input_size(model: bytes) -> bytes:
    """Return the ONNX model with a free input height and width.

    The network is fully convolutional, but the published file declares 640 × 640. In ONNX's wire format
    each dimension is a 3-byte field, so a name can replace a number in place.
    """
    fixed = b"\x0a\x03\x08\x80\x05"  # dim { dim_value: 640 }
    for name in (b"h", b"w"):
        model = model.replace(fixed, b"\x0a\x03\x12\x01" + name, 1)  # dim { dim_param: name }
    return model


def _pyramid(halves: list[NDArray[np.uint8]], largest: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield 320, 640 and 1280, up to `largest`, each with the picture `halves[0]` resized to this longer side.

    The picture is halved as often as possible, then resized bilinearly by a factor of less than two. This is
    antialiased, and several times faster than area averaging. New halves are appended to `halves`.
    """
    import cv2

    image = halves[0]
    longer = max(image.shape[:2])
    for target in _SIDES:
        if target > min(max(longer, 640), largest):
            return
        size = tuple(max(1, round(side * target / longer)) for side in image.shape[1::-1])
        level = 0
        while longer / 2 ** (level + 1) >= target:
            level += 1
            if level == len(halves):
                h, w = halves[-1].shape[:2]
                half = cv2.resize(
                    halves[-1], (max(1, w // 2), max(1, h // 2)), interpolation=cv2.INTER_LINEAR
                )
                halves.append(np.asarray(half, np.uint8))
        yield target, np.asarray(cv2.resize(halves[level], size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _box(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _scale(face: Detection, scale: NDArray[np.float64]) -> Detection:
    low, high = np.array(face.box).reshape(2, 2) * scale
    return Detection(_box(low, high), face.score, face.landmarks * scale)


def _scale_square(square: Square, scale: NDArray[np.float64]) -> Square:
    """Return the square on a picture that was resized by `scale` (x, y), which are nearly equal."""
    x, y = (np.array(square.x) * scale).tolist()
    centre_x, centre_y = (np.array(square.centre) * scale).tolist()
    return Square((centre_x, centre_y), (x, y), (-y, x))


def _rotate_back(face: Detection, quarter: int, width: int, height: int) -> Detection:
    """Map a face of `np.rot90(picture, quarter)` to points of `picture`, which is `width` × `height`."""

    def back(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points[:, 0], points[:, 1]
        points_by_quarter = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}
        return np.stack(points_by_quarter[quarter], 1)

    corners = back(np.array(face.box).reshape(2, 2))
    return Detection(_box(corners.min(0), corners.max(0)), face.score, back(face.landmarks))


def _suppress(faces: list[Detection]) -> list[Detection]:
    """Drop faces that overlap a face with a higher score by half of the smaller box; sort by score."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda d: -d.score):
        if all(_overlap(face.box, other.box) < _OVERLAP for other in kept):
            kept.append(face)
    return kept


def _difference(a: float, b: float) -> float:
    """Return the smallest rotation from angle b to angle a, in degrees, −180 to 180."""
    return (a - b + 180) % 360 - 180


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the boxes' shared area as a fraction of the smaller box."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 1.0
