"""Crops, smooth motion and warps shared by the generators. All of them draw from the `numpy` generator that they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.data.sources import Image, Mask

Random = np.random.Generator


@dataclass
class Clip:
    """T frames of one size and the target's mask (0/1) in each."""

    kind: str
    frames: list[Image]
    masks: list[Mask]


@dataclass(frozen=True)
class Crop:
    left: int
    top: int
    width: int
    height: int

    def cut(self, image: NDArray[Any], size: tuple[int, int], nearest: bool = False) -> NDArray[Any]:
        """Cut and resize to `size` = (height, width)."""
        part = image[self.top : self.top + self.height, self.left : self.left + self.width]
        shrinks = self.height > 1.5 * size[0]  # there linear interpolation would leave pixels out
        return cv2.resize(part, (size[1], size[0]), interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def random_crop(random: Random, image_size: tuple[int, int], size: tuple[int, int], mask: NDArray[Any] | None = None, smallest: float = 0.6) -> Crop:
    """A part of the picture with about the target's aspect (stretched by up to 1.35 either way: sources of 4:3 and 16:9 are stretched to the same input),
    around a pixel of the mask where one is given."""
    height, width = image_size
    aspect = size[1] / size[0] * float(np.exp(random.uniform(-0.3, 0.3)))
    scale = random.uniform(smallest, 1.0)
    crop_height = min(height, width / aspect) * scale
    crop_width = crop_height * aspect
    crop_height, crop_width = max(16, int(crop_height)), max(16, int(crop_width))
    crop_height, crop_width = min(crop_height, height), min(crop_width, width)
    if mask is not None and random.random() < 0.9:
        ys, xs = np.nonzero(mask)
        if len(ys):
            pick = int(random.integers(len(ys)))
            left = int(np.clip(xs[pick] - random.uniform(0.2, 0.8) * crop_width, 0, width - crop_width))
            top = int(np.clip(ys[pick] - random.uniform(0.2, 0.8) * crop_height, 0, height - crop_height))
            return Crop(left, top, crop_width, crop_height)
    return Crop(int(random.integers(width - crop_width + 1)), int(random.integers(height - crop_height + 1)), crop_width, crop_height)


def zoom_path(random: Random, first: Crop, steps: int, target: tuple[int, int], strength: tuple[float, float] = (0.2, 0.7)) -> list[Crop]:
    """Crops of a camera that moves close to `target` (x, y in the picture) while the clip runs, or away from it: an endoscope pushed forward until the
    object fills the view. The last crop has `strength` of the first one's sides; the change comes evenly or within a few frames."""
    share = random.uniform(*strength)
    width, height = max(16.0, first.width * share), max(16.0, first.height * share)
    left = np.clip(target[0] - random.uniform(0.3, 0.7) * width, first.left, first.left + first.width - width)
    top = np.clip(target[1] - random.uniform(0.3, 0.7) * height, first.top, first.top + first.height - height)
    progress = np.clip(np.linspace(0, 1, steps) * random.uniform(1, 4), 0, 1)
    if random.random() < 0.25:
        progress = progress[::-1]
    path = []
    for part in progress:
        shrunk = share**part
        along = (1 - shrunk) / (1 - share)  # corners move in step with the size
        path.append(
            Crop(
                round(first.left + (left - first.left) * along),
                round(first.top + (top - first.top) * along),
                max(16, int(first.width * shrunk)),
                max(16, int(first.height * shrunk)),
            )
        )
    return path


def smooth_walk(random: Random, steps: int, amplitude: float, smoothness: float = 3.0) -> NDArray[np.float64]:
    """[steps] values that start at 0 and drift smoothly, about `amplitude` over the clip."""
    noise = random.normal(0, 1, steps + 8)
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / smoothness) ** 2)
    velocity = np.convolve(noise, kernel / kernel.sum(), mode="same")[4 : 4 + steps]
    velocity = velocity / (np.abs(velocity).mean() + 1e-6) + random.normal(0, 0.6)
    path = np.cumsum(velocity) * amplitude / max(1, steps)
    return path - path[0]


def affine(centre: tuple[float, float], angle: float, scale: float, shift: tuple[float, float], shear: float = 0.0) -> NDArray[np.float32]:
    """2x3 matrix: rotate, scale and shear about `centre` (x, y), then shift."""
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.array([[cosine, -sine + shear], [sine, cosine]])
    origin = np.array(centre)
    return np.concatenate([linear, (origin + np.array(shift) - linear @ origin)[:, None]], 1).astype(np.float32)


def warp(image: NDArray[Any], matrix: NDArray[np.float32], nearest: bool = False, reflect: bool = True) -> NDArray[Any]:
    height, width = image.shape[:2]
    border = cv2.BORDER_REFLECT_101 if reflect else cv2.BORDER_CONSTANT
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR, borderMode=border)


def smooth_noise(random: Random, size: tuple[int, int], cells: int) -> NDArray[np.float32]:
    """[H, W] zero-mean field with about `cells` blobs along each side."""
    return cv2.resize(random.normal(0, 1, (cells, cells)).astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_CUBIC)


def elastic(random: Random, size: tuple[int, int], amplitude: float, cells: int = 4) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Displacement field (x, y) in pixels."""
    return smooth_noise(random, size, cells) * amplitude, smooth_noise(random, size, cells) * amplitude


def displace(image: NDArray[Any], dx: NDArray[np.float32], dy: NDArray[np.float32], nearest: bool = False) -> NDArray[Any]:
    height, width = image.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        image, (columns + dx).astype(np.float32), (rows + dy).astype(np.float32), cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT if nearest else cv2.BORDER_REFLECT_101
    )


def blend(base: Image, layer: NDArray[Any], alpha: NDArray[Any]) -> Image:
    """alpha [H, W] 0..1; layer an image or one colour."""
    weight = alpha.astype(np.float32)[..., None]
    return (base * (1 - weight) + np.asarray(layer, np.float32) * weight).astype(np.uint8)
