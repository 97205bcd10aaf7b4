"""Procedural echocardiography: a sector with speckle that moves with the tissue, dropout, gain, shadows and beating chambers with papillary muscles.

The end-diastolic picture is drawn once (tissue brightness and one speckle field) and every frame is a warp of it, so speckle follows the wall as it does in
real cines; a part of the speckle is redrawn per frame. The mask goes through the same warp, hence exact truth.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.train.data.geometry import Clip, Random, smooth_noise, smooth_walk
from models.train.data.sources import Mask


def _chamber(columns: np.ndarray, rows: np.ndarray, centre: tuple[float, float], half_width: float, half_length: float, tilt: float, taper: float) -> np.ndarray:
    """Level set: < 1 inside. A bullet: narrow at the apex (up), wide at the base, flattened at the base."""
    cosine, sine = np.cos(tilt), np.sin(tilt)
    x, y = columns - centre[0], rows - centre[1]
    u, v = (cosine * x + sine * y), (-sine * x + cosine * y) / half_length
    width = half_width * (1 + taper * np.clip(v, -1, 1))
    return np.sqrt((u / width) ** 2 + np.where(v > 0, np.abs(v) ** 2.6, v**2))


def echo_clip(random: Random, steps: int, size: tuple[int, int]) -> Clip:
    while True:
        clip = _echo(random, steps, size)
        if clip is not None:
            return clip


def _echo(random: Random, steps: int, size: tuple[int, int]) -> Clip | None:
    height, width = size
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    zoom = random.uniform(0.9, 1.5)
    apex = (width * random.uniform(0.42, 0.58), height * random.uniform(-0.25, 0.06))
    stretch = random.uniform(0.85, 1.4)  # sources of other aspect are stretched to the input
    dx, dy = (columns - apex[0]) / stretch, rows - apex[1]
    radius, angle = np.hypot(dx, dy), np.arctan2(dx, dy)
    sector = (np.abs(angle) < random.uniform(0.5, 0.85)) & (radius < height * random.uniform(0.92, 1.3)) & (radius > height * 0.02)

    half_length = height * random.uniform(0.16, 0.3) * zoom
    half_width = half_length * random.uniform(0.42, 0.75) * stretch
    centre = (width * random.uniform(0.4, 0.62), height * random.uniform(0.34, 0.5))
    tilt = random.uniform(-0.45, 0.45)
    wall = random.uniform(0.18, 0.5)
    left = _chamber(columns, rows, centre, half_width, half_length, tilt, random.uniform(0.1, 0.35))
    left = left + 0.05 * smooth_noise(random, size, 7)

    def beside(across: float, along: float) -> tuple[float, float]:
        return (centre[0] + np.cos(tilt) * across - np.sin(tilt) * along, centre[1] + np.sin(tilt) * across + np.cos(tilt) * along)

    atrium = _chamber(columns, rows, beside(random.uniform(-0.2, 0.2) * half_width, half_length * 1.75), half_width * random.uniform(0.8, 1.15), half_length * 0.62, tilt, 0.0)
    side = -1 if random.random() < 0.8 else 1
    right = _chamber(columns, rows, beside(side * half_width * (1.75 + wall), half_length * 0.25), half_width * random.uniform(0.5, 0.85), half_length * random.uniform(0.7, 0.95), tilt, 0.3)
    right_atrium = _chamber(columns, rows, beside(side * half_width * 1.8, half_length * 1.75), half_width * 0.85, half_length * 0.6, tilt, 0.0)

    field = smooth_noise(random, size, 8) * 0.12
    tissue = 0.42 + field
    muscle = np.exp(-(((left - 1 - wall / 2) / wall) ** 2))
    tissue = tissue + 0.22 * muscle - 0.16 * (left > 1 + 2.2 * wall)
    border = np.exp(-(((left - 1.06) / 0.07) ** 2))
    tissue = tissue + random.uniform(0.05, 0.35) * border * np.abs(np.cos(angle - random.uniform(-0.3, 0.3)))
    septum_gain = random.uniform(0.0, 0.25)
    tissue = tissue + septum_gain * np.exp(-(((right - 1.15) / 0.12) ** 2))
    cavity = np.minimum(np.minimum(left, atrium), np.minimum(right, right_atrium))
    blood_level = random.uniform(0.02, 0.12)
    brightness = np.where(cavity < 1, blood_level, tissue)
    # mitral valve leaflets and papillary muscles lie inside the traced cavity
    for leaf in (-1, 1):
        start, end = beside(leaf * half_width * 0.95, half_length * 0.92), beside(leaf * half_width * random.uniform(0.05, 0.35), half_length * random.uniform(0.5, 0.85))
        canvas = np.zeros(size, np.float32)
        cv2.line(canvas, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0, 2, cv2.LINE_AA)
        brightness = np.maximum(brightness, canvas * random.uniform(0.45, 0.8))
    for _ in range(int(random.integers(0, 3))):
        place = beside(random.choice([-1, 1]) * half_width * random.uniform(0.55, 0.8), half_length * random.uniform(-0.4, 0.3))
        canvas = np.zeros(size, np.float32)
        cv2.ellipse(canvas, (int(place[0]), int(place[1])), (max(2, int(half_width * 0.16)), max(2, int(half_length * 0.2))), np.degrees(tilt), 0, 360, 1.0, -1, cv2.LINE_AA)
        brightness = np.maximum(brightness, canvas * random.uniform(0.35, 0.6))
    brightness = cv2.GaussianBlur(brightness.astype(np.float32), (0, 0), random.uniform(0.8, 2.0))

    gain = random.uniform(0.75, 1.35) * (1 + 0.35 * smooth_noise(random, size, 4)).clip(0.35, 1.6)
    for _ in range(int(random.integers(0, 3))):  # lateral dropout, rib or lung shadow
        gain = gain * (1 - random.uniform(0.3, 0.95) * np.exp(-(((angle - random.uniform(-0.7, 0.7)) / random.uniform(0.04, 0.14)) ** 2)) * (radius > height * random.uniform(0.0, 0.5)))
    gain = gain * np.clip(1.15 - random.uniform(0, 0.5) * radius / height, 0.3, 1.4)

    grain_angle, grain_depth = random.uniform(0.9, 1.8), random.uniform(0.6, 1.1)
    speckle = [_speckle(random, radius, angle, height, grain_angle, grain_depth) for _ in range(2)]
    label = "left" if random.random() < 0.7 else str(random.choice(["atrium", "right"]))
    level = {"left": left, "atrium": atrium, "right": right}[label]
    truth = ((level < 1) & sector).astype(np.float32)

    rate, phase = random.uniform(0.15, 0.9), random.uniform(0, 2 * np.pi)  # radians per frame
    contraction = random.uniform(0.08, 0.32)
    irregular = 1 + 0.15 * smooth_walk(random, steps, 1.0)
    drift = [smooth_walk(random, steps, 0.03 * width), smooth_walk(random, steps, 0.03 * height), smooth_walk(random, steps, 0.05)]
    fresh = random.uniform(0.1, 0.5)
    compression, top = random.uniform(0.55, 0.9), random.uniform(190, 290)
    tint = np.array([1, 1, 1], np.float32) if random.random() < 0.75 else np.array([random.uniform(0.85, 1), random.uniform(0.85, 1), random.uniform(0.7, 1)], np.float32)
    falloff = np.exp(-np.clip(left - 1, 0, 9) ** 2 / (2 * (0.5 + wall) ** 2))
    atrium_falloff = np.exp(-np.clip(atrium - 1, 0, 9) ** 2 / 0.5)
    frames: list[np.ndarray] = []
    masks: list[Mask] = []
    for step in range(steps):
        cycle = 0.5 - 0.5 * np.cos(phase + rate * step * irregular[step])
        squeeze = 1 - contraction * cycle * falloff
        stretch_atrium = 1 + 0.6 * contraction * cycle * atrium_falloff
        base = beside(0, half_length)
        turn = np.cos(drift[2][step]), np.sin(drift[2][step])
        x = columns - drift[0][step] - apex[0]
        y = rows - drift[1][step] - apex[1]
        x, y = turn[0] * x - turn[1] * y + apex[0], turn[1] * x + turn[0] * y + apex[1]
        # the left ventricle shortens towards its apex and narrows; the atrium fills meanwhile
        map_x = centre[0] + (x - centre[0]) / squeeze
        map_y = centre[1] - half_length * 0.6 + (y - centre[1] + half_length * 0.6) / (1 - 0.55 * (1 - squeeze))
        map_x = map_x + (x - base[0]) * (1 / stretch_atrium - 1) * (falloff < 0.5)
        map_x, map_y = map_x.astype(np.float32), map_y.astype(np.float32)
        moved = cv2.remap(brightness, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        own = cv2.remap(speckle[0], map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        other = np.roll(speckle[1], (int(random.integers(height)), int(random.integers(width))), (0, 1))
        grain = own * (1 - fresh) + other * fresh
        image = np.clip(moved * gain * grain, 0, None) ** compression * top
        frames.append((np.clip(image * sector, 0, 255)[..., None] * tint).astype(np.uint8))
        masks.append(((cv2.remap(truth, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) > 0.5) & sector).astype(np.uint8))
    if masks[0].sum() < 0.004 * height * width:
        return None
    if random.random() < 0.4:
        _furniture(random, frames)
    return Clip("echo", frames, masks)


def _speckle(random: Random, radius: np.ndarray, angle: np.ndarray, height: int, grain_angle: float, grain_depth: float) -> np.ndarray:
    """Rayleigh speckle drawn in beam coordinates: fine in depth, coarse across, coarser with depth."""
    polar = random.rayleigh(0.62, (256, 160)).astype(np.float32)
    polar = cv2.GaussianBlur(polar, (0, 0), sigmaX=grain_angle, sigmaY=grain_depth)
    polar = (polar - polar.mean()) / polar.std() * 0.42 + 0.9
    map_x = ((angle / 1.0 + 1) * 80).astype(np.float32)
    map_y = (radius / height * 200).astype(np.float32)
    return np.clip(cv2.remap(polar, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), 0.05, 3)


def _furniture(random: Random, frames: list[np.ndarray]) -> None:
    """Depth ruler, text and an ECG trace, as machines burn them in."""
    height, width = frames[0].shape[:2]
    side = int(random.choice([6, width - 10]))
    trace = height - 14 + 5 * np.sin(np.arange(width) / random.uniform(4, 9)) ** 15
    for step, frame in enumerate(frames):
        for y in range(10, height - 10, max(8, height // 14)):
            cv2.line(frame, (side, y), (side + 4, y), (170, 170, 170), 1)
        cv2.putText(frame, f"{random.choice(['A4C', 'P', 'HR'])} {step}", (10, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (180, 180, 180), 1)
        shown = np.stack([np.arange(width), trace], 1)[: max(2, int(width * ((step * 0.13) % 1)))]
        cv2.polylines(frame, [shown.astype(np.int32)], False, (90, 200, 90), 1)
