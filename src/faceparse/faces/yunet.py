"""YuNet through ONNX Runtime: a 230 KB face detector that needs one millisecond for a portrait.

>>> from faceparse.faces import YuNet
>>> detector = YuNet()
>>> [round(face.score, 2) for face in detector.detect(image)]  # doctest: +SKIP
[0.95]

The network (Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, 2023; MIT licence, beside
the file) is anchor-free with strides 8, 16 and 32. Decoded here rather than by OpenCV's
FaceDetectorYN: on one core ONNX Runtime takes 4.1 ms at 640 × 640 where OpenCV 5.0 takes 18, and one
session serves all threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ImageError, WeightsError
from faceparse.faces.align import Square, crop
from faceparse.faces.detector import Detection
from faceparse.faces.looks import is_portrait

_FILE = "yunet/face_detection_yunet_2023mar.onnx"
_STRIDES = (8, 16, 32)
_LOOKS = (320, 640, 1280)
# A face that spans this part of the longer side ends the search at 320, and at 640: the picture is a
# portrait, and people far behind it are left out for the sake of speed.
_PORTRAIT = {320: 0.4, 640: 0.2}
_OVERLAP = 0.5
_TURN_SCORE = 0.8
# An upright face scores more; what scores less may be turned, and is looked at again in eight turns. Measured:
# 90 portraits turned by 90°, 135° and 180° score 0.90 to 0.95 in the right turn, upright ones at most 0.90 in
# a wrong one.
_UPRIGHT_SCORE = 0.92
_TURNED_SCORE = 0.90
_UPRIGHT_ANGLE = 2.5
_PLAIN_ANGLE = 6.0
_MILD_ANGLE = 12.0
# Landmarks come out half-way back to upright, so each step goes further than they say.
_OVER = 0.6
_AGAIN = 192
_AGAIN_MARGIN = 1.6


class YuNet:
    """Finds faces of any size from about 1/50 of the picture's longer side.

    The picture is looked at with its longer side at 320 pixels (faces that fill a large picture are
    missed at full size), 640 and 1280 (never enlarged beyond 640); the search ends early
    where a face fills much of the picture. Faces may be turned by any angle: what looks turned is looked
    at again upright, and where nothing is found the picture is tried on its sides and upside down. A portrait needs one look.

    Args:
        threshold: Score below which a find is dropped. Faces one would want parsed score 0.8 to 0.95,
            blurred ones and ones cut by the border 0.6 to 0.8, hands and noise less than 0.6.
    """

    def __init__(self, threshold: float = 0.6) -> None:
        self.threshold = threshold

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread: the network is too small to gain from more, and idle pools would spin beside
        # the parsing engine's.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = _free_size(files("faceparse.faces").joinpath(_FILE).read_bytes())
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Faces in an RGB picture (H × W × 3 uint8), the most certain first.

        Raises:
            ImageError: not an RGB uint8 picture.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ImageError(
                f"expected an RGB picture, height × width × 3 uint8, got {image.dtype} of shape {image.shape}"
            )
        found: list[Detection] = []
        height, width = image.shape[:2]
        halves = [image]
        for look, small in _pyramid(halves):
            scale = np.array([width / small.shape[1], height / small.shape[0]])
            found = _suppress([*found, *(_scaled(d, scale) for d in self._look(small, self.threshold))])
            largest = max((d.size for d in found), default=0.0)
            if largest > _PORTRAIT.get(look, 2.0) * max(height, width):
                break
        found = found or self._turned(image)
        upright = (f if _is_plain(f, (height, width)) else self._straightened(halves, f) for f in found)
        return tuple(sorted(upright, key=lambda face: -face.score))

    def _straightened(self, halves: list[NDArray[np.uint8]], face: Detection) -> Detection:
        """The face with landmarks found on an upright crop of it.

        The network finds turned faces but draws their landmarks half-way back to upright: at 20° of
        rotation 10° are lost, beyond 60° the eyes may lie where the mouth is. So a doubtful face is looked
        at again in eight turns, and any that is not upright up to three times more,
        a mildly tilted one once; of these looks the most
        certain one counts, for in heads that are turned aside, not tilted, the angle means little.
        """
        angle = Square.from_landmarks(face.landmarks).angle
        looked = 90.0 * round(angle / 90)  # the turn in which it was found
        if face.score < _UPRIGHT_SCORE:
            half = _AGAIN_MARGIN * face.size / 2
            square = Square(face.centre, (half, 0.0), (0.0, half))
            turns = {
                turn: found
                for turn in range(0, 360, 45)
                if (found := self._again(halves, face, square.turned(turn)))
            }
            best = max(turns, key=lambda turn: turns[turn].score, default=0)
            if best and turns[best].score > max(face.score, _TURNED_SCORE):
                face, looked = turns[best], float(best)
        change = _difference(Square.from_landmarks(face.landmarks).angle, looked)
        if abs(change) < _UPRIGHT_ANGLE:
            return face
        looks = [face]
        for _ in range(1 if abs(change) < _MILD_ANGLE else 3):
            square = Square.from_landmarks(face.landmarks).turned(_OVER * change)
            again = self._again(halves, face, square.scaled(_AGAIN_MARGIN))
            if again is None:
                break
            face = again
            looks.append(face)
            change = _difference(Square.from_landmarks(face.landmarks).angle, square.angle)
            if abs(change) < 2:
                break
        return max(looks, key=lambda look: look.score)

    def _again(self, halves: list[NDArray[np.uint8]], face: Detection, square: Square) -> Detection | None:
        """The face as found on a crop around it, taken from the smallest picture that is fine enough."""
        size = (_AGAIN, _AGAIN)
        level = max(0, min(len(halves) - 1, math.floor(math.log2(max(square.side / _AGAIN, 1)))))
        source = halves[level]
        scale = np.array(source.shape[1::-1]) / halves[0].shape[1::-1]
        inside = _shrunk(square, scale)
        found = self._look(crop(source, inside, size), self.threshold)
        middle = _AGAIN / 2
        near = [d for d in found if math.dist(d.centre, (middle, middle)) < _AGAIN / 4]
        if not near:
            return None
        best = max(near, key=lambda d: d.score)
        forward = inside.to_pixels(size)
        landmarks = np.linalg.solve(forward[:, :2], (best.landmarks - forward[:, 2]).T).T / scale
        return Detection(face.box, best.score, landmarks)

    def _turned(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Faces of a picture that lies on its side or head: the turn with the most certain face."""
        height, width = image.shape[:2]
        _, small = next(_pyramid([image]))
        h, w = small.shape[:2]
        best: list[Detection] = []
        for quarter in (1, 3, 2):
            turned = np.rot90(small, quarter)
            faces = _suppress(self._look(turned, max(self.threshold, _TURN_SCORE)))
            faces = [_turned_back(face, quarter, w, h) for face in faces]
            if faces and (not best or faces[0].score > best[0].score):
                best = faces
        return [_scaled(face, np.array([width / w, height / h])) for face in best]

    def _look(self, image: NDArray[np.uint8], threshold: float) -> list[Detection]:
        """One run of the network on a picture as it is, padded to whole strides."""
        height, width = (-(-s // 32) * 32 for s in image.shape[:2])
        planes = np.zeros((1, 3, height, width), np.float32)
        planes[0, :, : image.shape[0], : image.shape[1]] = image[..., ::-1].transpose(2, 0, 1)
        outputs = self._session.run(None, {"input": planes})
        kinds = [outputs[i : i + 3] for i in (0, 3, 6, 9)]
        found: list[Detection] = []
        for stride, classes, objects, boxes, points in zip(_STRIDES, *kinds, strict=True):
            scores = np.sqrt(np.clip(classes[0, :, 0], 0, 1) * np.clip(objects[0, :, 0], 0, 1))
            cells = np.flatnonzero(scores >= threshold)
            corner = np.stack([cells % (width // stride), cells // (width // stride)], 1).astype(np.float64)
            for at, score, box, five in zip(
                corner, scores[cells], boxes[0, cells], points[0, cells], strict=True
            ):
                middle, half = (at + box[:2]) * stride, np.exp(box[2:].astype(np.float64)) * stride / 2
                landmarks = np.asarray((five.reshape(5, 2) + at) * stride, np.float64)
                found.append(Detection(_box(middle - half, middle + half), float(score), landmarks))
        return found


def _is_plain(face: Detection, picture_size: tuple[int, int]) -> bool:
    """Whether no second look is needed: a certain face in a picture that is an aligned portrait of it.

    Second looks moved the landmarks of 300 portraits of CelebAMask-HQ by 0.2 % of the eyes' distance on
    average, by 6 % in one of a hundred; they take half of the time in which a tilted portrait's face is found.
    """
    angle = Square.from_landmarks(face.landmarks).angle
    return face.score >= _UPRIGHT_SCORE and abs(angle) <= _PLAIN_ANGLE and is_portrait(face, picture_size)


def _free_size(model: bytes) -> bytes:
    """The model with its input's height and width left open.

    The network is fully convolutional, but the published file declares 640 × 640. In ONNX's wire format
    each dimension is a 3-byte field, and a named one can take a number's place.
    """
    fixed = b"\x0a\x03\x08\x80\x05"  # dim { dim_value: 640 }
    if model.count(fixed) != 2:
        raise WeightsError("the packaged face detector is damaged: install faceparse again")
    for name in (b"h", b"w"):
        model = model.replace(fixed, b"\x0a\x03\x12\x01" + name, 1)  # dim { dim_param: name }
    return model


def _pyramid(halves: list[NDArray[np.uint8]]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The picture `halves[0]` with its longer side at 320, 640 and 1280 pixels, each made when asked for.

    Halves are added to `halves` as they are made. Halved as often as it goes, then one bilinear step of less than two: antialiased, and several times
    faster than one step of area averaging.
    """
    import cv2

    image = halves[0]
    longer = max(image.shape[:2])
    for look in _LOOKS:
        if look > max(longer, 640):
            return
        size = tuple(max(1, round(side * look / longer)) for side in image.shape[1::-1])
        level = 0
        while longer / 2 ** (level + 1) >= look:
            level += 1
            if level == len(halves):
                h, w = halves[-1].shape[:2]
                half = cv2.resize(
                    halves[-1], (max(1, w // 2), max(1, h // 2)), interpolation=cv2.INTER_LINEAR
                )
                halves.append(np.asarray(half, np.uint8))
        yield look, np.asarray(cv2.resize(halves[level], size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _box(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _scaled(face: Detection, scale: NDArray[np.float64]) -> Detection:
    low, high = np.array(face.box).reshape(2, 2) * scale
    return Detection(_box(low, high), face.score, face.landmarks * scale)


def _shrunk(square: Square, scale: NDArray[np.float64]) -> Square:
    """The square on a picture that was resized by `scale`, nearly the same in both directions."""
    x, y = (np.array(square.x) * scale).tolist()
    centre_x, centre_y = (np.array(square.centre) * scale).tolist()
    return Square((centre_x, centre_y), (x, y), (-y, x))


def _turned_back(face: Detection, quarter: int, width: int, height: int) -> Detection:
    """A face found in `np.rot90(picture, quarter)`, in the points of the picture itself."""

    def back(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points[:, 0], points[:, 1]
        turned = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}
        return np.stack(turned[quarter], 1)

    corners = back(np.array(face.box).reshape(2, 2))
    return Detection(_box(corners.min(0), corners.max(0)), face.score, back(face.landmarks))


def _suppress(faces: list[Detection]) -> list[Detection]:
    """Drop whatever shares half of the smaller box with a more certain face; sorted by score."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda d: -d.score):
        if all(_overlap(face.box, other.box) < _OVERLAP for other in kept):
            kept.append(face)
    return kept


def _difference(a: float, b: float) -> float:
    """From angle b to angle a the shorter way, in degrees."""
    return (a - b + 180) % 360 - 180


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Shared area over the smaller box's."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 1.0
