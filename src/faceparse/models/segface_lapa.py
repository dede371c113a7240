"""SegFace for LaPa, which warps the picture by five landmarks and warps the logits back.

The warp (RoI Tanh-warping, Lin et al., https://arxiv.org/abs/1906.01342) puts the face upright in the middle
and compresses the surroundings. It keeps the published half-pixel offsets, because the weights were trained
with them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from faceparse.errors import ImageError
from faceparse.models.segface import SegFace, register_variants

TEMPLATE = ((196, 226), (316, 226), (256, 286), (220, 360.4), (292, 360.4))
"""Places (x, y) of eyes, nose tip and mouth corners in a warped picture of 512 × 512 pixels, image-left first."""

MIDDLE, LIMIT = 0.2, 0.999


class SegFaceLaPa(SegFace):
    """SegFace with LaPa's warp before it and the inverse warp after it.

    >>> import torch
    >>> points = torch.tensor([[[40.0, 50], [88, 50], [64, 75], [46, 100], [82, 100]]])
    >>> SegFaceLaPa(11, "mobilenet")(torch.zeros(1, 3, 128, 128), points).shape
    torch.Size([1, 11, 128, 128])

    Landmarks are float (B, 5, 2): x and y, in pixels of the input, of the eye centres, the nose tip and the
    mouth corners, image-left first. `grid_logits`, and `training_logits` without landmarks, take a picture
    that is already warped and return logits of the warped picture.
    """

    needs_landmarks = True

    def forward(self, image: Tensor, landmarks: Tensor | None = None) -> Tensor:
        if landmarks is None:
            raise ImageError(
                f"{type(self).__name__} warps pictures by landmarks: call it as network(image, landmarks), float "
                "(B, 5, 2), x and y in input pixels of the eye centres, nose tip and mouth corners, image-left first"
            )
        # Coordinates in half precision would be off by pixels.
        with torch.autocast(image.device.type, enabled=False):
            to_template = similarity(landmarks.to(image), (image.shape[-2], image.shape[-1]))
            image = warp(image, to_template)
        logits = self.grid_logits(image)
        with torch.autocast(image.device.type, enabled=False):
            return unwarp(logits.to(image), to_template)

    def training_logits(self, image: Tensor, landmarks: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return logits of pictures with their landmarks, or of pictures that are already warped."""
        return (self.grid_logits(image) if landmarks is None else self(image, landmarks),)


def similarity(landmarks: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the least-squares similarity, B × 2 × 3, from landmarks to the template; `size` is the input's (H, W).

    Raises:
        ImageError: landmarks that are not B × 5 × 2, or all in one place.
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] != (5, 2):
        raise ImageError(f"landmarks are float (B, 5, 2), got shape {tuple(landmarks.shape)}")
    template = landmarks.new_tensor(TEMPLATE) / 512 * (landmarks.new_tensor(size).flip(0) - 1)
    centre, target_centre = landmarks.mean(1), template.mean(0)
    source, target = landmarks - centre[:, None], template - target_centre
    spread = source.square().sum((1, 2))
    if not bool((spread > 0).all()):
        raise ImageError("the five landmarks are all in one place, or not finite: expected those of a face")
    a = (source * target).sum((1, 2)) / spread
    b = (source[..., 0] * target[..., 1] - source[..., 1] * target[..., 0]).sum(1) / spread
    turn = torch.stack([torch.stack([a, -b], -1), torch.stack([b, a], -1)], 1)
    return torch.cat([turn, target_centre[:, None] - turn @ centre[..., None]], 2)


def warp(image: Tensor, to_template: Tensor) -> Tensor:
    """Warp pictures for the network, B × 3 × H × W; pixels outside the picture are zero."""
    size = (image.shape[-2], image.shape[-1])
    turn, shift = to_template[..., :2], to_template[..., 2:]
    points = _pixels(_unsquash(_normal(_indices(image), size)), size).flatten(0, 1).T
    back = torch.linalg.solve(turn, points - shift).transpose(1, 2)
    return F.grid_sample(image, torch.unflatten(_normal(back, size), 1, size), align_corners=False)


def unwarp(logits: Tensor, to_template: Tensor) -> Tensor:
    """Warp logits of warped pictures back to the pictures, B × classes × H × W."""
    size = (logits.shape[-2], logits.shape[-1])
    points = _indices(logits).flatten(0, 1).T
    there = (to_template[..., :2] @ points + to_template[..., 2:]).transpose(1, 2)
    return F.grid_sample(logits, torch.unflatten(_squash(_normal(there, size)), 1, size), align_corners=False)


def _indices(like: Tensor) -> Tensor:
    """Return the index (x, y) of each pixel, H × W × 2."""
    height, width = like.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=like.dtype, device=like.device),
        torch.arange(width, dtype=like.dtype, device=like.device),
        indexing="ij",
    )
    return torch.stack([x, y], -1)


def _normal(points: Tensor, size: tuple[int, int]) -> Tensor:
    return points * 2 / points.new_tensor(size).flip(0) - 1


def _pixels(points: Tensor, size: tuple[int, int]) -> Tensor:
    return (points + 1) * points.new_tensor(size).flip(0) / 2


def _squash(n: Tensor) -> Tensor:
    distance = n.abs()
    squashed = MIDDLE + (1 - MIDDLE) * torch.tanh((distance - MIDDLE) / (1 - MIDDLE))
    return torch.where(distance <= MIDDLE, n, squashed.copysign(n))


def _unsquash(n: Tensor) -> Tensor:
    distance = n.abs()
    spread = torch.arctanh(((distance - MIDDLE) / (1 - MIDDLE)).clamp(-LIMIT, LIMIT))
    return torch.where(distance <= MIDDLE, n, (MIDDLE + (1 - MIDDLE) * spread).copysign(n))


register_variants("lapa", "lapa11", SegFaceLaPa)
