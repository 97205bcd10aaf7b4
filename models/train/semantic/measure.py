"""Figures of an echo network on CAMUS validation patients: Dice per class at ED and ES, and the ejection fraction of its masks against that of the annotated ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Callable

import cv2
import numpy as np

from models.train.data.geometry import Random
from models.train.semantic.echo_pictures import CLASSES, camus, letterboxed, negative

Predict = Callable[[np.ndarray], tuple[np.ndarray, float, float]]
"""[side, side, 3] u8 -> (class probabilities [C, side, side], probability of the view, expected Dice)."""

DISKS = 20


@dataclass
class Figures:
    dice: dict[str, dict[str, float]]
    """By class and phase."""
    ef_mae: float | None
    """Points of single-plane EF, masks of the network against annotated ones; null where fewer than two patients can be measured."""
    ef_bias: float | None
    ef_correlation: float | None
    ef_missing: int
    """Patients without a measurable cavity in a mask of the network; the three figures above are those of the others."""
    views_refused: float
    """Share of four-chamber pictures taken for something else."""
    others_accepted: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def largest_component(mask: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def volume_by_disks(cavity: np.ndarray, atrium: np.ndarray) -> float:
    """Single-plane method of disks (ASE 2015) in pixels cubed: 20 disks across the long axis from the middle of the base (towards the atrium) to the apex."""
    rows, columns = np.nonzero(cavity)
    if len(rows) < 20:
        return float("nan")
    points = np.stack([columns, rows], 1).astype(np.float64)
    middle = points.mean(0)
    _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
    axis = axes[0]
    atrium_rows, atrium_columns = np.nonzero(atrium)
    towards_base = np.array([atrium_columns.mean(), atrium_rows.mean()]) - middle if len(atrium_rows) else np.array([0.0, 1.0])
    if axis @ towards_base < 0:
        axis = -axis
    along = (points - middle) @ axis
    low, high = along.min(), along.max()
    length = high - low + 1
    edges = np.linspace(low, high, DISKS + 1)
    total = 0.0
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        inside = (along >= start) & (along <= end)
        if not inside.any():
            continue
        # Area of the slice over its height: exact for any outline, where the width of one line is not.
        width = inside.sum() / (end - start + 1e-9) if end > start else 0.0
        total += np.pi / 4 * width**2 * (length / DISKS)
    return float(total)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    both = one.sum() + other.sum()
    return 1.0 if both == 0 else float(2 * (one & other).sum() / both)


def measure(predict: Predict, side: int, negatives: int = 200) -> Figures:
    scores: dict[str, dict[str, list[float]]] = {name: {"ED": [], "ES": []} for name in CLASSES[1:]}
    volumes: dict[int, dict[str, tuple[float, float]]] = {}
    refused = 0
    pictures = camus(True)
    for labelled in pictures:
        box, matrix = letterboxed(labelled.picture, side)
        probabilities, view, _ = predict(box)
        refused += view < 0.5
        height, width = labelled.mask.shape
        back = cv2.invertAffineTransform(matrix)
        big = np.stack([_to_source(plane, back, width, height) for plane in probabilities])
        classes = big.argmax(0)
        masks = [largest_component(classes == index) for index in range(1, len(CLASSES))]
        for index, name in enumerate(CLASSES[1:], 1):
            scores[name][labelled.phase].append(dice(masks[index - 1], labelled.mask == index))
        volumes.setdefault(labelled.patient, {})[labelled.phase] = (
            volume_by_disks(masks[0], masks[2]),
            volume_by_disks(labelled.mask == 1, labelled.mask == 3),
        )
    all_fractions = np.array([[(both["ED"][i] - both["ES"][i]) / both["ED"][i] * 100 for i in range(2)] for both in volumes.values()])
    random: Random = np.random.default_rng(77)
    accepted = np.mean([predict(negative(random, side))[1] >= 0.5 for _ in range(negatives)]) if negatives else 0.0
    fractions = all_fractions[np.isfinite(all_fractions).all(1)]
    missing = len(all_fractions) - len(fractions)
    known = len(fractions) >= 2
    difference = fractions[:, 0] - fractions[:, 1]
    return Figures(
        {name: {phase: round(float(np.mean(values)), 4) for phase, values in phases.items()} for name, phases in scores.items()},
        round(float(np.abs(difference).mean()), 2) if known else None,
        round(float(difference.mean()), 2) if known else None,
        round(float(np.corrcoef(fractions.T)[0, 1]), 3) if known and fractions.std(0).all() else None,
        missing,
        round(refused / len(pictures), 4),
        round(float(accepted), 4),
    )


def _to_source(plane: np.ndarray, back: np.ndarray, width: int, height: int) -> np.ndarray:
    matrix = back.astype(np.float64).copy()
    matrix[:, 2] += 0.5 * (back[:, 0] + back[:, 1]) - 0.5
    return cv2.warpAffine(plane, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
