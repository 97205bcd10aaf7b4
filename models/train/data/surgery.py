"""Procedural surgery: instruments with shaft, wrist and jaws over (real or drawn) tissue, crossing, leaving and returning, with smoke, blood, highlights,
a circular content area, camera motion and defocus. Truth is exact because it is drawn with the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.train.data.geometry import Clip, Random, affine, blend, random_crop, smooth_noise, smooth_walk, warp
from models.train.data.sources import Image, Mask, Sources


@dataclass
class Instrument:
    """Lengths in pixels, angles in radians; one value per frame where named `path`."""

    entry: tuple[float, float]
    tip_path: np.ndarray  # [T, 2]
    opening_path: np.ndarray  # [T]
    width: float
    jaw: float
    shaft_colour: np.ndarray
    tip_colour: np.ndarray
    kind: str  # grasper | hook | scissors
    bands: bool


def tissue(random: Random, size: tuple[int, int]) -> Image:
    """Drawn tissue where no still is used: soft colour fields, folds, vessels, highlights."""
    base = np.array([random.uniform(120, 215), random.uniform(45, 120), random.uniform(40, 110)], np.float32)
    image = np.ones((*size, 3), np.float32) * base
    for cells in (3, 7, 15):
        image += smooth_noise(random, size, cells)[..., None] * np.array([16, 14, 12], np.float32)
    folds = np.abs(smooth_noise(random, size, int(random.integers(5, 10))))
    image *= (0.72 + 0.28 * np.clip(folds * 1.6, 0, 1))[..., None]
    vessels = np.zeros(size, np.float32)
    for _ in range(int(random.integers(2, 7))):
        points = np.stack([random.uniform(0, size[1], 5), random.uniform(0, size[0], 5)], 1)
        points[1:] = points[0] + np.cumsum(random.normal(0, size[0] * 0.12, (4, 2)), 0)
        cv2.polylines(vessels, [points.astype(np.int32)], False, float(random.uniform(0.3, 0.9)), int(random.integers(1, 4)), cv2.LINE_AA)
    vessels = cv2.GaussianBlur(vessels, (0, 0), 1.2)
    image = image * (1 - 0.5 * vessels[..., None]) + np.array([110, 15, 25], np.float32) * 0.5 * vessels[..., None]
    return np.clip(image + random.normal(0, 3, (*size, 1)), 0, 255).astype(np.uint8)


def highlights(random: Random, size: tuple[int, int]) -> np.ndarray:
    field = smooth_noise(random, size, int(random.integers(14, 40)))
    return cv2.GaussianBlur((field > random.uniform(1.7, 2.4)).astype(np.float32), (0, 0), 0.8)


def make_instrument(random: Random, size: tuple[int, int], steps: int, leaves: bool) -> Instrument:
    height, width = size
    side = int(random.integers(4))
    along = random.uniform(-0.1, 1.1)
    entry = {0: (along * width, -0.25 * height), 1: (1.2 * width, along * height), 2: (along * width, 1.25 * height), 3: (-0.2 * width, along * height)}[side]
    rest = np.array([random.uniform(0.25, 0.75) * width, random.uniform(0.25, 0.75) * height])
    speed = random.uniform(0.1, 0.9)
    path = rest + np.stack([smooth_walk(random, steps, 0.28 * width * speed), smooth_walk(random, steps, 0.28 * height * speed)], 1)
    if leaves:
        start, stay = int(random.integers(1, max(2, steps - 3))), int(random.integers(2, 5))
        back = start + stay if random.random() < 0.7 else steps + 9
        for step in range(steps):
            away = float(np.clip(step - start + 1, 0, 2) / 2 * np.clip(back - step, 0, 2) / 2)
            path[step] = path[step] * (1 - away) + (np.array(entry) * 1.25 - 0.25 * rest) * away
    metal = random.uniform(120, 205)
    dark = random.random() < 0.45
    shaft = np.array([random.uniform(15, 60)] * 3) if dark else metal + random.uniform(-12, 12, 3)
    if random.random() < 0.12:
        shaft = random.uniform(30, 220, 3)
    return Instrument(
        entry,
        path,
        np.clip(0.3 + smooth_walk(random, steps, 0.7) + random.uniform(-0.2, 0.3), 0.02, 0.8),
        random.uniform(0.035, 0.11) * height,
        random.uniform(1.2, 3.2),
        shaft,
        metal + random.uniform(-15, 15, 3),
        str(random.choice(["grasper", "grasper", "scissors", "hook"])),
        bool(random.random() < 0.4),
    )


def draw_instrument(frame: Image, instrument: Instrument, step: int, light: float) -> tuple[Image, Mask]:
    """Shaft as a shaded cylinder, a wrist, two jaws. Returns the picture and the whole instrument's mask."""
    height, width = frame.shape[:2]
    tip, entry = instrument.tip_path[step], np.array(instrument.entry)
    axis = tip - entry
    length = float(np.linalg.norm(axis)) + 1e-6
    axis = axis / length
    normal = np.array([-axis[1], axis[0]])
    half = instrument.width / 2
    jaw_length = instrument.jaw * instrument.width
    wrist = tip - axis * jaw_length

    def polygon(points: list[np.ndarray]) -> Mask:
        canvas = np.zeros((height, width), np.uint8)
        cv2.fillPoly(canvas, [np.round(np.array(points) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return canvas

    shaft = polygon([entry + normal * half, entry - normal * half, wrist - normal * half, wrist + normal * half])
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    across = ((columns - wrist[0]) * normal[0] + (rows - wrist[1]) * normal[1]) / half
    along = (columns - wrist[0]) * axis[0] + (rows - wrist[1]) * axis[1]
    shade = 0.45 + 0.55 * np.sqrt(np.clip(1 - np.clip(across, -1, 1) ** 2, 0, 1)) + 0.6 * np.exp(-(((across - 0.25) / 0.16) ** 2))
    shaft_paint = instrument.shaft_colour[None, None] * (shade * light)[..., None]
    if instrument.bands:
        shaft_paint = shaft_paint * (0.75 + 0.25 * np.sign(np.sin(along / (instrument.width * 0.9)))[..., None] * (along > -4 * instrument.width)[..., None])
    jaws = np.zeros((height, width), np.uint8)
    opening = instrument.opening_path[step]
    angles = (0.35,) if instrument.kind == "hook" else (opening * 0.5, -opening * 0.5)
    for angle in angles:
        direction = axis * np.cos(angle) + normal * np.sin(angle)
        side = np.array([-direction[1], direction[0]])
        thick = half * (0.55 if instrument.kind != "scissors" else 0.4)
        end = wrist + direction * jaw_length
        outline = [wrist + side * thick * 1.3, wrist - side * thick * 1.3, end - side * thick * 0.35, end + side * thick * 0.35]
        if instrument.kind == "hook":
            outline = [wrist + side * thick, wrist - side * thick, end - side * thick * 0.8, end + side * thick * 3, end + side * thick * 3 - direction * thick, end - direction * thick * 1.6 + side * thick]
        jaws = np.maximum(jaws, polygon(outline))
    ring = polygon([wrist + normal * half * 1.02 - axis * half, wrist - normal * half * 1.02 - axis * half, wrist - normal * half * 0.8 + axis * half * 0.7, wrist + normal * half * 0.8 + axis * half * 0.7])
    whole = np.maximum(np.maximum(shaft, ring), jaws)
    shadow = warp(whole, np.array([[1, 0, 5], [0, 1, 7]], np.float32), reflect=False)
    frame = (frame * (1 - 0.35 * (cv2.GaussianBlur(shadow, (0, 0), 5) / 255.0)[..., None])).astype(np.uint8)
    frame = blend(frame, np.clip(shaft_paint, 0, 255), shaft / 255.0)
    metal = instrument.tip_colour[None, None] * ((0.55 + 0.45 * np.cos(across * 1.7) + 0.15 * np.sin(along * 0.8)) * light)[..., None]
    frame = blend(frame, np.clip(metal, 0, 255), np.maximum(ring, jaws) / 255.0)
    return frame, (whole > 127).astype(np.uint8)


def surgery_clip(random: Random, sources: Sources | None, steps: int, size: tuple[int, int]) -> Clip:
    while True:
        clip = _surgery(random, sources, steps, size)
        if clip is not None:
            return clip


def _surgery(random: Random, sources: Sources | None, steps: int, size: tuple[int, int]) -> Clip | None:
    height, width = size
    stills = [] if sources is None else [still for still in sources.stills if still.kind == "laparoscopy"]
    if stills and random.random() < 0.65:
        image = stills[int(random.integers(len(stills)))].image
        background = random_crop(random, image.shape[:2], size).cut(image, size)
    else:
        background = tissue(random, size)
        background = blend(background, (255, 250, 245), highlights(random, size) * 0.9)
    count = int(random.choice([1, 2, 2, 3]))
    leaves = random.random() < 0.3
    organ = random.random() < 0.2  # the target is a structure of the tissue, behind the instruments
    instruments = [make_instrument(random, size, steps, leaves and index == 0) for index in range(count)]
    order = random.permutation(count)
    organ_mask = np.zeros(size, np.uint8)
    if organ:
        outline = (smooth_noise(random, size, 5) * 0.25 + 1) * min(size) * random.uniform(0.12, 0.28)
        centre = (random.uniform(0.25, 0.75) * width, random.uniform(0.25, 0.75) * height)
        columns, rows = np.meshgrid(np.arange(width), np.arange(height))
        organ_mask = (np.hypot((columns - centre[0]) * random.uniform(0.6, 1.3), rows - centre[1]) < outline).astype(np.uint8)
        colour = np.array([random.uniform(90, 235), random.uniform(60, 190), random.uniform(40, 120)])
        relief = smooth_noise(random, size, 9)[..., None] * 12 + background.mean(2, keepdims=True) * 0.25
        background = blend(background, np.clip(colour + relief, 0, 255), cv2.GaussianBlur(organ_mask.astype(np.float32), (0, 0), 1.5) * random.uniform(0.75, 1))
    speed = random.uniform(0, 1)
    sway = [smooth_walk(random, steps, 0.10 * width * speed), smooth_walk(random, steps, 0.10 * height * speed), smooth_walk(random, steps, 0.12 * speed), smooth_walk(random, steps, 0.12 * speed)]
    smoke = cv2.GaussianBlur(np.clip(smooth_noise(random, size, 5) + 0.2, 0, 2), (0, 0), 6)
    smoke_amount = np.clip(random.uniform(-0.5, 0.4) + smooth_walk(random, steps, 0.5), 0, 0.6) if random.random() < 0.35 else np.zeros(steps)
    blood_from = int(random.integers(steps)) if random.random() < 0.25 else steps + 1
    blood = (smooth_noise(random, size, 6) > 1.1).astype(np.float32)
    defocus = np.clip(smooth_walk(random, steps, 1.8) + random.uniform(-1, 1), 0, 3) if random.random() < 0.3 else np.zeros(steps)
    circle = None
    if random.random() < 0.4:
        circle = np.zeros(size, np.uint8)
        cv2.circle(circle, (int(width * random.uniform(0.45, 0.55)), int(height * random.uniform(0.45, 0.55))), int(height * random.uniform(0.46, 0.62)), 1, -1)
    columns, rows = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    vignette = (1 - random.uniform(0, 0.35) * (columns**2 + rows**2))[..., None]
    frames, masks = [], []
    for step in range(steps):
        matrix = affine((width / 2, height / 2), sway[2][step], float(np.exp(sway[3][step])), (sway[0][step], sway[1][step]))
        frame = warp(background, matrix)
        mask = warp(organ_mask, matrix, nearest=True, reflect=False) if organ else np.zeros(size, np.uint8)
        if step >= blood_from:
            grown = cv2.GaussianBlur(warp(blood, matrix), (0, 0), 3)
            frame = blend(frame, (120, 8, 12), np.clip(grown * min(1.0, (step - blood_from + 1) / 4), 0, 0.85))
        for index in order:
            frame, drawn = draw_instrument(frame, instruments[index], step, 1.0)
            mask = np.where(drawn > 0, np.uint8(not organ and index == 0), mask)
        if smoke_amount[step] > 0:
            drift = warp(smoke, np.array([[1, 0, 3.0 * step], [0, 1, -2.0 * step]], np.float32))
            frame = blend(frame, (205, 205, 210), np.clip(drift * smoke_amount[step], 0, 0.75))
        frame = np.clip(frame * vignette, 0, 255).astype(np.uint8)
        if defocus[step] > 0.3:
            frame = cv2.GaussianBlur(frame, (0, 0), float(defocus[step]))
        if circle is not None:
            frame, mask = frame * circle[..., None], mask * circle
        frames.append(frame)
        masks.append(mask)
    if masks[0].sum() < 0.003 * height * width:
        return None
    return Clip("surgery", frames, masks)
