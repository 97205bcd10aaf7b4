"""Drawn prompts as the product draws them: clicks are disks, boxes filled rectangles, scribbles strokes. Plane order: positive, negative, box, mask."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.data.geometry import Random
from models.train.data.sources import Mask

POSITIVE, NEGATIVE, BOX, PREVIOUS = range(4)
CLICK_RADIUS = 5
SCRIBBLE_WIDTH = 5
Planes = NDArray[np.uint8]  # [4, H, W], 0 or 255


def empty_planes(size: tuple[int, int]) -> Planes:
    return np.zeros((4, *size), np.uint8)


def interior_point(region: Mask, random: Random | None = None) -> tuple[int, int] | None:
    """(x, y) deep inside the largest component of `region`: the deepest point, or with `random` one of the deeper half. None where empty."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    inside = (labels == largest).astype(np.uint8)
    depth = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3)[1:-1, 1:-1]
    if random is None:
        y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
        return int(x), int(y)
    ys, xs = np.nonzero(depth >= random.uniform(0.15, 0.95) * depth.max())
    pick = int(random.integers(len(ys)))
    return int(xs[pick]), int(ys[pick])


def draw_click(planes: Planes, point: tuple[int, int], positive: bool) -> None:
    cv2.circle(planes[POSITIVE if positive else NEGATIVE], point, CLICK_RADIUS, 255, -1)


def draw_box(planes: Planes, mask: Mask, random: Random | None = None) -> None:
    """Tight box of the mask; with `random` each side moves by up to 8 % of the box."""
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return
    left, right, top, bottom = float(xs.min()), float(xs.max()), float(ys.min()), float(ys.max())
    if random is not None:
        shift = random.uniform(-0.08, 0.08, 4)
        wide, tall = right - left + 1, bottom - top + 1
        left, right, top, bottom = left + shift[0] * wide, right + shift[1] * wide, top + shift[2] * tall, bottom + shift[3] * tall
    cv2.rectangle(planes[BOX], (round(left), round(top)), (round(right), round(bottom)), 255, -1)


def draw_scribble(planes: Planes, mask: Mask, random: Random, positive: bool = True) -> None:
    points = [point for _ in range(int(random.integers(2, 5))) if (point := interior_point(mask, random)) is not None]
    if points:
        stroke = np.zeros(mask.shape, np.uint8)
        cv2.polylines(stroke, [np.array(points, np.int32)], False, 255, SCRIBBLE_WIDTH)
        stroke[mask == 0] = 0
        plane = planes[POSITIVE if positive else NEGATIVE]
        np.maximum(plane, stroke, out=plane)


def correct(planes: Planes, predicted: NDArray[np.bool_], truth: Mask, random: Random | None = None) -> None:
    """One more click where the mask is most wrong; the predicted mask becomes the mask plane."""
    missing, surplus = ((truth > 0) & ~predicted).astype(np.uint8), (predicted & (truth == 0)).astype(np.uint8)
    planes[PREVIOUS] = predicted.astype(np.uint8) * 255

    def depth(region: Mask) -> float:
        return float(cv2.distanceTransform(cv2.copyMakeBorder(region, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3).max())

    positive = depth(missing) >= depth(surplus)
    point = interior_point(missing if positive else surplus, random)
    if point is not None:
        draw_click(planes, point, positive)


def random_prompt(random: Random, mask: Mask, every_part: bool = False) -> Planes:
    """A first prompt for training: click(s), box, scribble, or several of them, now and then with a spoiled mask to be refined. `every_part`: the mask is
    several objects of one kind; every one of them gets a click, so that one click goes on meaning one object."""
    planes = empty_planes(mask.shape)
    if every_part and (count := cv2.connectedComponentsWithStats(mask)[0]) > 2:
        labels = cv2.connectedComponents(mask)[1]
        for index in range(1, count):
            part = (labels == index).astype(np.uint8)
            if part.sum() > 0.001 * part.size and (point := interior_point(part, random)) is not None:
                draw_click(planes, point, True)
        if planes[POSITIVE].any():
            return planes
    background = cv2.erode((mask == 0).astype(np.uint8), np.ones((9, 9), np.uint8))
    draw = random.random()
    if draw < 0.45:
        point = interior_point(mask, random if random.random() < 0.6 else None)
        if point is not None:
            draw_click(planes, point, True)
        if random.random() < 0.3:
            for _ in range(int(random.integers(1, 3))):
                if (extra := interior_point(mask, random)) is not None:
                    draw_click(planes, extra, True)
    elif draw < 0.72:
        draw_box(planes, mask, random if random.random() < 0.7 else None)
        if random.random() < 0.2 and (point := interior_point(mask, random)) is not None:
            draw_click(planes, point, True)
    elif draw < 0.85:
        draw_scribble(planes, mask, random)
    else:
        planes[PREVIOUS] = spoil(random, mask) * 255
        wrong = np.zeros(mask.shape, bool) | (planes[PREVIOUS] > 0)
        correct(planes, wrong, mask, random)
    if random.random() < 0.2 and (point := interior_point(background, random)) is not None:
        draw_click(planes, point, False)
    return planes


def spoil(random: Random, mask: Mask) -> Mask:
    """A plausible wrong mask: grown or shrunk, shifted, with a bite or a blob."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(random.integers(3, 15)),) * 2)
    out = cv2.dilate(mask, kernel) if random.random() < 0.5 else cv2.erode(mask, kernel)
    out = np.roll(out, (int(random.integers(-8, 9)), int(random.integers(-8, 9))), (0, 1))
    ys, xs = np.nonzero(mask)
    if len(ys) and random.random() < 0.6:
        pick = int(random.integers(len(ys)))
        cv2.circle(out, (int(xs[pick]), int(ys[pick])), int(random.integers(5, 40)), int(random.integers(2)), -1)
    return out
