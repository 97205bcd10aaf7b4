"""J, F and Dice with the empty cases of DAVIS 2017, and the expected calibration error of a score."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]


def region_similarity(predicted: Bits, truth: Bits, void: Bits | None = None) -> float:
    """J: IoU; union empty -> 1; void pixels left out."""
    if void is not None:
        predicted, truth = predicted & ~void, truth & ~void
    union = int((predicted | truth).sum())
    return 1.0 if union == 0 else float((predicted & truth).sum() / union)


def dice(predicted: Bits, truth: Bits) -> float:
    total = int(predicted.sum()) + int(truth.sum())
    return 1.0 if total == 0 else float(2 * (predicted & truth).sum() / total)


def boundary(mask: Bits) -> Bits:
    """Pixels that differ from their right, lower or lower right neighbour (seg2bmap of the DAVIS evaluation)."""
    right, below, corner = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1], below[:-1], corner[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    edge = (mask ^ right) | (mask ^ below) | (mask ^ corner)
    edge[-1] = mask[-1] ^ right[-1]
    edge[:, -1] = mask[:, -1] ^ below[:, -1]
    edge[-1, -1] = False
    return edge


def boundary_f1(predicted: Bits, truth: Bits) -> float:
    """F: boundary precision and recall within a disk of ceil(0.008 * diagonal); one side empty -> 0, both -> 1."""
    ours, theirs = boundary(predicted), boundary(truth)
    if not ours.any() or not theirs.any():
        return float(not ours.any() and not theirs.any())
    radius = math.ceil(0.008 * math.hypot(*predicted.shape))
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (rows**2 + columns**2 <= radius**2).astype(np.uint8)
    precision = (ours & (cv2.dilate(theirs.astype(np.uint8), disk) > 0)).sum() / ours.sum()
    recall = (theirs & (cv2.dilate(ours.astype(np.uint8), disk) > 0)).sum() / theirs.sum()
    return 0.0 if precision + recall == 0 else float(2 * precision * recall / (precision + recall))


def expected_calibration_error(score: NDArray[Any], outcome: NDArray[Any], bins: int = 10) -> float:
    """Mean over equal-width bins of |mean score - mean outcome|, weighted by count. The outcome may be a quality in 0..1 (an IoU)."""
    place = np.clip((np.asarray(score) * bins).astype(int), 0, bins - 1)
    total = 0.0
    for index in range(bins):
        chosen = place == index
        if chosen.any():
            total += chosen.mean() * abs(float(np.mean(score[chosen])) - float(np.mean(outcome[chosen])))
    return total
