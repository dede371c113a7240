"""What a random sample costs on one thread: ours (OpenCV), and the same steps with torchvision's transforms v2 on tv_tensors.

    python benchmarks/augmentation.py

CPU seconds, so that a busy machine does not matter much. Both take a 512² picture with labels to a 320² sample:
affine, flip, colour; blur and JPEG at the default recipe's probabilities.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2

from faceparse.labels import scheme
from faceparse.train.augment import Augmentation, augment

VIEWS, SIZE = 60, 320
CELEB = scheme("celebamask19")


def cpu_milliseconds(view: Callable[[int], object]) -> float:
    """Median over views, after a few to warm up."""
    times = []
    for i in range(VIEWS):
        start = time.process_time()
        view(i)
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times[5:])


def theirs(how: Augmentation) -> v2.Transform:
    """torchvision's transforms for the same ranges."""
    turn, colour = max(how.rotations), how.colour
    return v2.Compose(
        [
            v2.RandomAffine(
                turn,
                (how.shift, how.shift),
                how.scale,
                interpolation=InterpolationMode.BILINEAR,
                fill={tv_tensors.Mask: 255, "others": 0},
            ),
            v2.Resize((SIZE, SIZE), antialias=True),
            v2.RandomHorizontalFlip(how.flip),
            v2.ColorJitter(colour, colour, colour),
            v2.RandomGrayscale(how.gray),
            v2.RandomApply([v2.GaussianBlur(9, (0.3, 1.5))], how.blur),
            v2.RandomApply([v2.JPEG((30, 90))], how.jpeg),
        ]
    )


def main() -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    low = rng.integers(0, 256, (32, 32, 3), np.uint8)
    image = cv2.resize(low, (512, 512), interpolation=cv2.INTER_CUBIC)
    labels = cv2.resize(rng.integers(0, 19, (16, 16), np.uint8), (512, 512), interpolation=cv2.INTER_NEAREST)
    how = Augmentation()
    ours = cpu_milliseconds(
        lambda i: augment(image, labels.copy(), SIZE, how, CELEB, np.random.default_rng([0, i]))
    )
    transform = theirs(how)
    picture = tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1).contiguous())
    mask = tv_tensors.Mask(torch.from_numpy(labels))
    torch.manual_seed(0)
    tensors = cpu_milliseconds(lambda _: transform(picture, mask))
    print(f"ours, OpenCV          {ours:6.1f} ms a sample")
    print(f"torchvision v2        {tensors:6.1f} ms a sample")
    print(f"ratio                 {tensors / ours:6.1f}")


if __name__ == "__main__":
    main()
