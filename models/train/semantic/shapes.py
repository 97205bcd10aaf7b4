"""Corresponding places of two annotated four-chamber pictures, and the field that carries the one shape into the other (thin plates through the outlines' landmarks)."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

Array = np.ndarray


def _outline(mask: Array) -> Array:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(contours, key=cv2.contourArea)[:, 0].astype(np.float64)


def _resampled(line: Array, count: int) -> Array:
    steps = np.r_[0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
    at = np.linspace(0, steps[-1], count)
    return np.stack([np.interp(at, steps, line[:, axis]) for axis in (0, 1)], 1)


def _between(outline: Array, start: Array, end: Array, away_from: Array, count: int) -> Array:
    """The part of a closed outline from the point nearest `start` to that nearest `end` that stays away from a point."""
    first, last = (int(np.argmin(((outline - point) ** 2).sum(1))) for point in (start, end))
    forward = np.roll(outline, -first, 0)[: (last - first) % len(outline) + 1]
    backward = np.roll(outline[::-1], -(len(outline) - 1 - first), 0)[: (first - last) % len(outline) + 1]
    return _resampled(max((forward, backward), key=lambda part: ((part - away_from) ** 2).sum(1).mean()), count)


def landmarks(classes: Array) -> Array:
    """[N, 2] x, y of corresponding places: cavity, outer border of the wall, atrium. Which is which does not depend on the phase."""
    cavity, wall, atrium = (classes == index for index in (1, 2, 3))
    outline, outer, below = _outline(cavity), _outline(cavity | wall), _outline(atrium)
    reach = cv2.distanceTransform((~atrium).astype(np.uint8), cv2.DIST_L2, 5)
    gap = reach[outline[:, 1].astype(int), outline[:, 0].astype(int)]
    base = outline[gap < gap.min() + 4]
    across = np.linalg.svd(base - base.mean(0), full_matrices=False)[2][0]
    across = across if across[0] > 0 else -across
    left, right = base[np.argmin(base @ across)], base[np.argmax(base @ across)]
    middle = (left + right) / 2
    atrium_middle = below.mean(0)
    return np.concatenate(
        [
            _between(outline, left, right, middle, 25),
            _resampled(np.stack([left, right]), 6)[1:-1],
            _between(outer, left, right, middle, 25)[1:-1],
            _between(below, left, right, middle, 17)[1:-1],
            [atrium_middle],
        ]
    )


def field(start: Array, end: Array, size: tuple[int, int]) -> Array:
    """[H, W, 2]: where a pixel of a picture with landmarks `end` lies in one with landmarks `start`."""
    height, width = size
    edge = np.array([[x, y] for x in np.linspace(0, width, 5) for y in np.linspace(0, height, 5) if x in (0, width) or y in (0, height)])
    plate = RBFInterpolator(np.r_[end, edge], np.r_[start - end, edge * 0], kernel="thin_plate_spline", smoothing=2.0)
    rows, columns = np.mgrid[0 : height : 24j, 0 : width : 32j]
    coarse = plate(np.stack([columns.ravel(), rows.ravel()], 1)).reshape(24, 32, 2).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def warped(picture: Array, field: Array, shift: Array, interpolation: int) -> Array:
    """A picture [H, W] along `field`, moved by `shift` pixels."""
    height, width = picture.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(picture, columns + field[..., 0] - np.float32(shift[0]), rows + field[..., 1] - np.float32(shift[1]), interpolation)
