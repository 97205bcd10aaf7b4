"""Pictures of `models/echo-lv`: CAMUS apical four-chamber views, augmented to what other machines, settings and hands show, and pictures that are no such view.

Classes: 0 background, 1 left ventricular cavity, 2 myocardium, 3 left atrium. CAMUS (Leclerc et al. 2019) is CC BY-NC-SA 4.0, so is what is trained on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from models.train.data.geometry import Random, smooth_noise
from models.train.paths import WORK, data_root
from models.train.semantic.shapes import field, landmarks, warped

CLASSES = ("background", "left ventricle", "myocardium", "left atrium")
VALIDATION_PATIENTS = range(1, 41)
IGNORE = 255
"""Mask value of pixels about which nothing is known."""
NO_CHAMBER = 254
"""Mask value of pixels of which is only known that they are no cavity: background or wall."""


@dataclass(frozen=True)
class Labelled:
    patient: int
    phase: str
    picture: np.ndarray
    """[H, W] u8"""
    mask: np.ndarray
    """[H, W] u8, class indices"""


@cache
def camus(validation: bool) -> list[Labelled]:
    """ED and ES of the validation patients, or of all others."""
    found = []
    for folder in sorted((data_root() / "camus-4ch").glob("patient*")):
        patient = int(folder.name.removeprefix("patient"))
        if (patient in VALIDATION_PATIENTS) != validation:
            continue
        for phase in ("ED", "ES"):
            picture = cv2.imread(str(folder / "frames" / f"{phase}.jpg"), cv2.IMREAD_GRAYSCALE)
            mask = cv2.imread(str(folder / "masks" / f"{phase}.png"), cv2.IMREAD_UNCHANGED)
            found.append(Labelled(patient, phase, picture, mask))
    return found


@cache
def scenes() -> list[Path]:
    """Pictures of the product's own echo scene, drawn by draw_scenes.mjs; none where it was not run."""
    return sorted((WORK / "echo-scenes").glob("*.jpg"))


@cache
def other_pictures() -> list[Path]:
    """Every other kind of training picture: none of them is an apical four-chamber view."""
    root = data_root() / "train"
    return sorted(path for path in root.rglob("*.jpg") if "masks" not in path.parts) + sorted((data_root() / "vocalfolds").glob("patient1/seq[123]/frames/*"))


def letterboxed(picture: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """[H, W] or [H, W, 3] -> ([side, side, 3] u8, 2x3 matrix from source to letterbox pixels): whole picture, black borders, centred."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    out = np.zeros((side, side, 3), np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = small
    return out, np.array([[size[0] / width, 0, left], [0, size[1] / height, top]], np.float32)


def pixel_centres(matrix: np.ndarray) -> np.ndarray:
    """OpenCV's coordinates name pixel centres with whole numbers, ours with halves."""
    out = matrix.astype(np.float64).copy()
    out[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1]) - 0.5
    return out


def _affine(random: Random, fit: float, side: int, centre: tuple[float, float], wild: float) -> np.ndarray:
    """A view of the source: rotated, scaled around `fit`, moved, mirrored; source pixels -> sample pixels."""
    scale = fit * np.exp(random.uniform(-0.35, 0.55) * wild)
    # Some sources reach the network stretched to another aspect.
    stretch = np.exp(random.uniform(-0.15, 0.15)) if random.random() < 0.3 else np.exp(random.normal(0, 0.06) * wild)
    angle = np.radians(random.normal(0, 12) * wild)
    mirror = -1 if random.random() < 0.3 else 1
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([mirror * scale * stretch, scale / stretch])
    # The heart stays inside: its centre lands somewhere around the middle.
    target = np.array([side / 2, side / 2]) + random.normal(0, 0.08, 2) * side * wild
    return np.concatenate([linear, (target - linear @ np.array(centre))[:, None]], 1)


def scene(random: Random, side: int) -> tuple[np.ndarray, np.ndarray]:
    """-> ([side, side, 3] u8, [side, side] u8): a picture of the product's echo scene, augmented; what is no cavity is NO_CHAMBER."""
    path = scenes()[int(random.integers(len(scenes())))]
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return positive(random, side, Labelled(0, "", picture, cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_UNCHANGED)))


@cache
def shapes() -> list[np.ndarray | None]:
    """Landmarks of every training picture (models.train.semantic.shapes), in the order of `camus`; None where an outline has none."""
    found: list[np.ndarray | None] = []
    for labelled in camus(False):
        try:
            found.append(landmarks(labelled.mask))
        except (ValueError, IndexError, np.linalg.LinAlgError):
            found.append(None)
    return found


def reshaped(random: Random, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture and mask of training picture `index`, bent: anywhere in its own beat and a little beyond, or part of the way to the shape of another patient's heart."""
    pool, known = camus(False), shapes()
    labelled, own = pool[index], known[index]
    other = index ^ 1 if random.random() < 0.5 else int(random.integers(len(pool)))
    towards = known[other]
    if own is None or towards is None:
        return labelled.picture, labelled.mask
    size = labelled.picture.shape
    if other == index ^ 1:
        target = own + (towards - own) * random.uniform(-0.15, 1.1)
    else:
        # The other heart where this one is, as large and as upright: the shape alone.
        here, there = own - own.mean(0), towards - towards.mean(0)
        u, singular, v = np.linalg.svd(there.T @ here)
        there = there @ (u @ v) * (singular.sum() / (there**2).sum())
        target = own + (there - here) * random.uniform(0.2, 0.8)
    bend = field(own, target, size)
    still = np.zeros(2)
    return warped(labelled.picture, bend, still, cv2.INTER_LINEAR), warped(labelled.mask, bend, still, cv2.INTER_NEAREST)


def positive(random: Random, side: int, labelled: Labelled | None = None, mild_share: float = 0.55, reshape: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """-> ([side, side, 3] u8, [side, side] u8 classes), augmented: mildly in `mild_share` of all cases, else strongly; bent (`reshaped`) in `reshape` of all training pictures."""
    mild = random.random() < mild_share
    if labelled is None:
        pool = camus(False)
        index = int(random.integers(len(pool)))
        labelled = pool[index]
        picture, mask = reshaped(random, index) if random.random() < reshape else (labelled.picture, labelled.mask)
    else:
        picture, mask = labelled.picture, labelled.mask
    height, width = picture.shape
    rows, columns = np.nonzero((mask > 0) & (mask < NO_CHAMBER))
    centre = (float(columns.mean()) + random.normal(0, 0.05) * width, float(rows.mean()) + random.normal(0, 0.05) * height)
    # As the engine looks: at the whole picture first, then closer at the heart that was found; and at whatever else a source may show.
    look = random.random()
    wild = (0.6 if mild else 1.0) * (0.5 if look < 0.8 else 1.0)
    if look < 0.6:
        fit = side / (random.uniform(1.15, 1.6) * max(np.ptp(rows), np.ptp(columns), 1))
    else:
        fit = side / max(width, height)
    matrix = _affine(random, fit, side, (width / 2, height / 2) if 0.6 <= look < 0.8 else centre, wild)
    if not mild and random.random() < 0.3:  # what a low resolution source leaves
        small = random.uniform(0.3, 0.8)
        reduced = cv2.resize(picture, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)
    if not mild and random.random() < 0.25:
        picture = _other_sector(random, picture)
    shrink = 1 / float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink > 1.2:  # as area averaging does, so that speckle does not alias
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.25, 0.5) * shrink)
    image = cv2.warpAffine(picture, pixel_centres(matrix), (side, side), flags=cv2.INTER_LINEAR)
    classes = cv2.warpAffine(mask, pixel_centres(matrix), (side, side), flags=cv2.INTER_NEAREST, borderValue=NO_CHAMBER if (mask == NO_CHAMBER).any() else 0)
    inside = cv2.warpAffine((picture > 0).astype(np.uint8), pixel_centres(matrix), (side, side), flags=cv2.INTER_NEAREST) > 0
    if not mild and random.random() < 0.3:
        image, classes, inside = _elastic(random, image, classes, inside)
    image = image.astype(np.float32) / 255
    image = np.power(image, np.exp(random.normal(0, 0.15))) * np.exp(random.normal(0, 0.15)) if mild else _machine(random, image, inside)
    colour = np.repeat(image[..., None], 3, 2)
    if random.random() < 0.3:
        colour = colour * (1 - random.uniform(0, 0.35, 3).astype(np.float32) * (random.random() < 0.7))
    colour = (np.clip(colour, 0, 1) * 255).astype(np.uint8)
    if random.random() < 0.5:
        _furniture(random, colour, classes)
    if random.random() < 0.3:
        colour = _jpeg(random, colour)
    return colour, classes


def _other_sector(random: Random, picture: np.ndarray) -> np.ndarray:
    """A narrower or shallower fan: what another depth and angle setting would show."""
    height, width = picture.shape
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    apex = width / 2 + random.normal(0, 0.03) * width
    angle = np.arctan2(columns - apex, rows + 0.02 * height)
    radius = np.hypot(columns - apex, rows)
    keep = (angle > -random.uniform(0.45, 0.75)) & (angle < random.uniform(0.45, 0.75)) & (radius < height * random.uniform(0.85, 1.1))
    return picture * keep


def _elastic(random: Random, image: np.ndarray, classes: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    side = image.shape[0]
    amount = random.uniform(0.005, 0.025) * side
    columns, rows = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    map_x = columns + smooth_noise(random, (side, side), 4).astype(np.float32) * amount
    map_y = rows + smooth_noise(random, (side, side), 4).astype(np.float32) * amount
    near = lambda x: cv2.remap(x, map_x, map_y, cv2.INTER_NEAREST)  # noqa: E731
    return cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR), near(classes), near(inside.astype(np.uint8)) > 0


def _machine(random: Random, image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Another machine's grey curve, gain over depth and across, speckle, dropout, reject and smoothing. image 0..1."""
    side = image.shape[0]
    image = np.power(np.clip(image, 0, 1), np.exp(random.normal(0, 0.3)))
    image = image * np.exp(random.normal(0, 0.3))
    if random.random() < 0.6:
        depth = np.interp(np.arange(side), np.linspace(0, side, 6), np.exp(random.normal(0, 0.35, 6)))
        image = image * depth[:, None].astype(np.float32)
    if random.random() < 0.4:
        image = image * np.clip(1 + random.uniform(0.1, 0.5) * smooth_noise(random, (side, side), 3), 0.1, 2)
    if random.random() < 0.5:  # shadow of a rib or of the lung, poor window
        columns, rows = np.meshgrid(np.arange(side), np.arange(side))
        angle = np.arctan2(columns - side * random.uniform(0.35, 0.65), rows + 0.1 * side)
        for _ in range(int(random.integers(1, 3))):
            image = image * (1 - random.uniform(0.3, 0.95) * np.exp(-(((angle - random.uniform(-0.7, 0.7)) / random.uniform(0.04, 0.16)) ** 2)))
    if random.random() < 0.5:
        grain = random.rayleigh(0.8, (side, side)).astype(np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), sigmaX=random.uniform(0.5, 1.4), sigmaY=random.uniform(0.4, 0.9))
        image = image * np.clip(1 + random.uniform(0.2, 0.9) * (grain - grain.mean()) / grain.std() * 0.5, 0, 3)
    if random.random() < 0.3:
        image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), random.uniform(0.4, 1.4))
    if random.random() < 0.25:  # haze: reverberation that fills the cavity
        image = image + random.uniform(0.02, 0.2) * np.clip(smooth_noise(random, (side, side), 3), 0, 1) * inside
    if random.random() < 0.3:
        image = np.clip(image - random.uniform(0, 0.12), 0, None) * 1.1
    if random.random() < 0.2:
        image = image + random.normal(0, 0.02, image.shape)
    return np.clip(image * inside, 0, 1).astype(np.float32)


def _furniture(random: Random, picture: np.ndarray, classes: np.ndarray) -> None:
    """Ruler, text, grey bar, ECG strip: bright things around and over the sector. They are background."""
    side = picture.shape[0]
    colour = tuple(int(value) for value in random.integers(120, 256, 3)) if random.random() < 0.4 else (int(random.integers(120, 256)),) * 3
    if random.random() < 0.5:
        x = int(random.choice([2, side - 6]))
        for y in range(6, side - 6, int(random.integers(6, 16))):
            cv2.line(picture, (x, y), (x + 3, y), colour, 1)
    for _ in range(int(random.integers(0, 4))):
        text = "".join(random.choice(list("ABCDEFHILMPRSTV0123456789 .:/"), int(random.integers(2, 9))))
        place = (int(random.uniform(0, side * 0.85)), int(random.choice([random.uniform(6, side * 0.2), random.uniform(side * 0.85, side)])))
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, random.uniform(0.2, 0.45), colour, 1, cv2.LINE_AA)
    if random.random() < 0.35:
        base = int(side * random.uniform(0.86, 0.96))
        x = np.arange(side)
        period, shift = random.uniform(0.2, 0.7) * side, random.uniform(0, side)
        spike = np.exp(-((((x + shift) % period) - period / 2) ** 2) / 3)
        wave = np.exp(-((((x + shift) % period) - period * 0.75) ** 2) / (0.004 * side**2))
        y = (base - side * (0.08 * spike + 0.02 * wave)).astype(int)
        cv2.polylines(picture, [np.stack([x, y], 1).astype(np.int32)], False, colour if random.random() < 0.5 else (40, 220, 60), 1, cv2.LINE_AA)
    if random.random() < 0.3:
        top, height = int(random.uniform(4, side * 0.3)), int(random.uniform(0.2, 0.45) * side)
        x = int(random.choice([side - 10, 4]))
        ramp = np.linspace(255, 0, height).astype(np.uint8)
        end = min(side, top + height)
        picture[top:end, x : x + 5] = ramp[: end - top, None, None] if random.random() < 0.6 else cv2.applyColorMap(ramp[: end - top, None], cv2.COLORMAP_JET)


def _jpeg(random: Random, picture: np.ndarray) -> np.ndarray:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 85))])
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if done else picture


def negative(random: Random, side: int) -> np.ndarray:
    """[side, side, 3] u8: a picture that is no apical four-chamber view."""
    kind = random.random()
    if kind < 0.6:
        paths = other_pictures()
        folders = sorted({path.parent for path in paths})
        folder = folders[int(random.integers(len(folders)))]
        own = [path for path in paths if path.parent == folder]
        picture = cv2.cvtColor(cv2.imread(str(own[int(random.integers(len(own)))])), cv2.COLOR_BGR2RGB)
        if random.random() < 0.5:
            height, width = picture.shape[:2]
            crop = random.uniform(0.4, 1)
            y, x = int(random.uniform(0, 1 - crop) * height), int(random.uniform(0, 1 - crop) * width)
            picture = picture[y : y + int(crop * height), x : x + int(crop * width)]
        if random.random() < 0.35:
            picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        out, _ = letterboxed(np.ascontiguousarray(picture), side)
        if random.random() < 0.35:  # another organ in the same fan
            columns, rows = np.meshgrid(np.arange(side), np.arange(side))
            angle = np.arctan2(columns - side / 2, rows + 1)
            out = out * ((np.abs(angle) < random.uniform(0.5, 0.8)) & (np.hypot(columns - side / 2, rows) < side * random.uniform(0.8, 1.1)))[..., None].astype(np.uint8)
    elif kind < 0.8:  # fan without a heart: speckle, haze, near-field noise
        columns, rows = np.meshgrid(np.arange(side), np.arange(side))
        angle, radius = np.arctan2(columns - side / 2, rows + 1), np.hypot(columns - side / 2, rows)
        fan = (np.abs(angle) < random.uniform(0.5, 0.8)) & (radius < side * random.uniform(0.8, 1.1))
        texture = np.clip(0.35 + 0.3 * smooth_noise(random, (side, side), int(random.integers(2, 8))), 0, 1)
        grain = cv2.GaussianBlur(random.rayleigh(0.8, (side, side)).astype(np.float32), (0, 0), random.uniform(0.5, 1.5))
        image = np.clip(texture * grain * np.exp(-radius / side * random.uniform(0, 4)) * random.uniform(0.3, 1.5), 0, 1) * fan
        out = np.repeat((image * 255).astype(np.uint8)[..., None], 3, 2)
    elif kind < 0.93:  # a four-chamber picture torn apart: upside down pieces, M-mode like columns, far too close
        source = camus(False)[int(random.integers(len(camus(False))))].picture
        choice = random.random()
        if choice < 0.4:  # one line of the sector over time
            column = source[:, int(random.uniform(0.3, 0.7) * source.shape[1])].astype(np.float32)
            shifts = (np.sin(np.arange(side) * random.uniform(0.05, 0.3)) * random.uniform(2, 16)).astype(int)
            strip = np.stack([np.roll(column, shift) for shift in shifts], 1)
            strip = strip * random.uniform(0.7, 1.3, (1, side))
            source = np.clip(strip, 0, 255).astype(np.uint8)
        elif choice < 0.7:  # patches in another order
            pieces = int(random.integers(2, 5))
            height, width = source.shape[0] // pieces, source.shape[1] // pieces
            order = random.permutation(pieces * pieces)
            tiles = [source[(i // pieces) * height : (i // pieces + 1) * height, (i % pieces) * width : (i % pieces + 1) * width] for i in order]
            source = np.concatenate([np.concatenate(tiles[row * pieces : (row + 1) * pieces], 1) for row in range(pieces)], 0)
        else:
            size = int(0.18 * source.shape[0])
            y, x = int(random.uniform(0, source.shape[0] - size)), int(random.uniform(0, source.shape[1] - size))
            source = source[y : y + size, x : x + size]
        out, _ = letterboxed(np.ascontiguousarray(source), side)
    else:
        level = random.uniform(0, 255)
        out = np.clip(random.normal(level, random.uniform(0, 60), (side, side, 3)), 0, 255).astype(np.uint8)
    if random.random() < 0.4:
        _furniture(random, out := np.ascontiguousarray(out), np.zeros((side, side), np.uint8))
    return np.ascontiguousarray(out)
