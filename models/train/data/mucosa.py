"""Procedural mucosa: flat, raised and stalked lesions of the mucosa's own colour under a light that the camera carries, at the rate of the camera or a few pictures
per second.

The wall is a plane larger than the view with colour, slope and depth: folds around a lumen, vessels, pits, mucus, bubbles. A frame is a perspective view
of it, lit from the tip, so shading and highlights move with the camera and not with the tissue. The lesion is part of that plane (a raised patch, some other
texture, seldom another colour); the head on a stalk is a layer of its own that swings. Masks go through the same map as the pictures, hence exact truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.data.geometry import Clip, Random, blend, random_crop, smooth_noise, smooth_walk
from models.train.data.sources import Image, Mask, Sources
from models.train.data.surgery import Instrument, draw_instrument, make_instrument

Field = NDArray[np.float32]
MARGIN = 1.7
"""Sides of the wall over the view's at its widest."""
STEEPEST = 1.8
"""Slope (rise over run) that is drawn at most: what is steeper than this comes out black, as nothing of it faces the light."""
SMALLEST = 0.0025
"""Share of the first picture that the lesion covers at least."""
KINDS = ("flat", "raised", "stalked")


@dataclass
class Surface:
    """A plane of the wall's size. `relief`: slope in x and y, depth (0 near, 1 the dark end of the lumen), wetness."""

    colour: Image
    relief: Field  # [H, W, 4]
    mask: Mask


@dataclass(frozen=True)
class View:
    """Where the camera looks in one frame: `grid` gives the wall's position (x, y) of every pixel, `turn` is its rotation in radians, `zoom` how close it is."""

    grid: tuple[Field, Field]
    turn: float
    zoom: float
    centre: tuple[float, float]


# ---- the wall ---------------------------------------------------------------------------------------------------------------------------------------


def _axes(size: tuple[int, int]) -> tuple[Field, Field]:
    columns, rows = np.meshgrid(np.arange(size[1], dtype=np.float32), np.arange(size[0], dtype=np.float32))
    return columns, rows


def _turned(angle: float) -> tuple[float, float]:
    """Cosine and sine as plain numbers: NumPy's own scalars would make float64 of every float32 field they meet, at twice the time."""
    return float(np.cos(angle)), float(np.sin(angle))


def _slope(height: Field) -> tuple[Field, Field]:
    return cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8, cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8


def _vessels(random: Random, size: tuple[int, int]) -> Field:
    """0..1; trunks that branch and become thinner."""
    canvas = np.zeros(size, np.float32)
    for _ in range(int(random.integers(3, 10))):
        start, heading = np.array([random.uniform(0, size[1]), random.uniform(0, size[0])]), random.uniform(0, 2 * np.pi)
        branches = [(start, heading, random.uniform(1.0, 3.2))]
        for _ in range(int(random.integers(4, 14))):
            if not branches:
                break
            point, angle, thick = branches.pop(0)
            points = [point]
            for _ in range(int(random.integers(4, 9))):
                angle += random.normal(0, 0.35)
                points.append(points[-1] + size[0] * 0.035 * np.array([np.cos(angle), np.sin(angle)]))
            cv2.polylines(canvas, [np.array(points).astype(np.int32)], False, float(random.uniform(0.4, 1)), max(1, round(thick)), cv2.LINE_AA)
            if thick > 0.7:
                branches += [(points[-1], angle + side * random.uniform(0.3, 0.9), thick * 0.7) for side in (-1, 1)]
    return cv2.GaussianBlur(canvas, (0, 0), random.uniform(0.6, 1.4))


def _drawn_colour(random: Random, size: tuple[int, int], narrow_band: bool) -> tuple[Field, NDArray[np.float64]]:
    """-> (colour as float, colour of vessels)"""
    if narrow_band:
        base, vessel = np.array([random.uniform(115, 175), random.uniform(125, 170), random.uniform(95, 150)]), np.array([random.uniform(60, 110), random.uniform(70, 105), random.uniform(65, 105)])
    else:
        red = random.uniform(175, 232)
        green = red * random.uniform(0.46, 0.7)
        base, vessel = np.array([red, green, green * random.uniform(0.68, 1.02)]), np.array([red * random.uniform(0.6, 0.85), green * random.uniform(0.3, 0.6), green * random.uniform(0.3, 0.6)])
    colour = np.ones((*size, 3), np.float32) * base.astype(np.float32)
    for cells, most in ((3, 9), (6, 9), (14, 9), (40, 8), (120, 9), (size[0] // 3, 8)):
        colour += smooth_noise(random, size, cells)[..., None] * random.uniform(1, most) * random.uniform(0.6, 1.2, 3).astype(np.float32)
    return colour, vessel


def _real_colour(random: Random, sources: Sources, size: tuple[int, int]) -> Field | None:
    """Wall with the looks of a real still, its own light taken out roughly; None where the part that was drawn shows no tissue (a trocar, a screen)."""
    stills = [still for still in sources.stills if still.kind in ("vocal-folds", "laparoscopy")]
    if not stills:
        return None
    image = stills[int(random.integers(len(stills)))].image
    part = random_crop(random, image.shape[:2], size, smallest=0.4).cut(image, size).astype(np.float32)
    red, green, blue = part.mean((0, 1))
    if red < 1.2 * max(green, blue) or red < 40:
        return None
    light = cv2.GaussianBlur(part.mean(2), (0, 0), size[0] / 9)
    return part * (np.clip(light.mean() / np.maximum(light, 12), 0.6, 1.7)[..., None]) * float(np.clip(130 / float(part.mean()), 0.6, 1.5))


def _folds(random: Random, size: tuple[int, int]) -> tuple[Field, Field]:
    """-> (height, depth): ridges around a lumen that is in the wall or beyond its edge, each with what lies behind it deeper."""
    columns, rows = _axes(size)
    inside = random.random() < 0.45
    away = random.uniform(0.22, 0.48) if inside else random.uniform(0.6, 1.6)
    angle = random.uniform(0, 2 * np.pi)
    x, y = size[1] * (0.5 + away * float(np.cos(angle))), size[0] * (0.5 + away * float(np.sin(angle)))
    dx, dy = (columns - x) * random.uniform(0.7, 1), rows - y
    radius = np.hypot(dx, dy) * (1 + 0.12 * smooth_noise(random, size, 5)) + smooth_noise(random, size, 9) * size[0] * 0.01
    height, depth = np.zeros(size, np.float32), np.zeros(size, np.float32)
    ring, gap = size[0] * random.uniform(0.12, 0.3), size[0] * random.uniform(0.18, 0.5)
    furthest = float(radius.max())
    presence = random.uniform(0.3, 1.2)
    while ring < furthest:
        width = size[0] * random.uniform(0.02, 0.07)
        beside = radius - ring
        arc = np.clip(0.6 + smooth_noise(random, size, 4), 0, 1)  # a fold does not go all the way round
        height += presence * arc * width * 0.75 * np.exp(-((np.where(beside > 0, beside / (2.5 * width), beside / width)) ** 2))
        depth += presence * arc * random.uniform(0.1, 0.4) * np.exp(-np.clip(-beside, 0, None) / (4 * width)) / (1 + np.exp(np.clip(beside / (0.4 * width), -30, 30)))
        ring += gap * random.uniform(0.6, 1.4)
    if inside:
        depth += random.uniform(0.6, 1.6) * np.exp(-((radius / (size[0] * random.uniform(0.12, 0.3))) ** 2))
    return height.astype(np.float32), np.clip(depth, 0, 1.6).astype(np.float32)


def _outline(random: Random, size: tuple[int, int], centre: tuple[float, float], radius: float) -> Field:
    """Distance to the centre as a share of the way to an irregular border: < 1 inside."""
    columns, rows = _axes(size)
    turn, squeeze = random.uniform(0, np.pi), random.uniform(0.5, 1.0)
    dx, dy = columns - centre[0], rows - centre[1]
    cosine, sine = _turned(turn)
    u, v = cosine * dx + sine * dy, (-sine * dx + cosine * dy) / squeeze
    angle = np.arctan2(v, u)
    border = np.ones(size, np.float32)
    for lobes in range(2, 7):
        border += float(random.normal(0, 0.11 / lobes)) * np.cos(lobes * angle + random.uniform(0, 2 * np.pi))
    return (np.hypot(u, v) / (radius * np.clip(border, 0.5, 1.6))).astype(np.float32)


def _patch(random: Random, colour: Field, own: float) -> Field:
    """The lesion's colour: the wall's from elsewhere, a little other in gain and hue; `own`: how much of the difference in colour is left out."""
    shifted = np.roll(colour, (int(random.integers(colour.shape[0])), int(random.integers(colour.shape[1]))), (0, 1))
    shifted = shifted + (colour.mean((0, 1)) - shifted.mean((0, 1)))
    hue = random.normal(0, 7, 3) if random.random() < 0.7 else np.array([random.uniform(0, 22), random.uniform(-26, 4), random.uniform(-22, 6)])
    pits = np.sin(smooth_noise(random, colour.shape[:2], int(random.integers(30, 110))) * random.uniform(1, 4)) * random.uniform(2, 13)
    return (shifted * (1 + float(random.normal(0, 0.07)) * (1 - own)) + hue * (1 - own) + pits[..., None]).astype(np.float32)


def _dome(inside: Field, radius: float, steep: float) -> Field:
    """Height of a cap with the given outline in wall pixels; it rises from the wall with a rounded foot, not at a right angle, which would draw a black ring."""
    return (radius * steep * (0.5 + 0.5 * np.cos(np.pi * np.clip(inside, 0, 1)))).astype(np.float32)


def _scatter(random: Random, colour: Field, wetness: Field) -> None:
    """Mucus, bubbles, crumbs, blood: what lies on the wall and is not the lesion, also where it lies on it."""
    size = colour.shape[:2]
    if random.random() < 0.5:
        film = np.clip(smooth_noise(random, size, int(random.integers(4, 12))) - random.uniform(0.3, 1.1), 0, 1)[..., None]
        shade = np.array([random.uniform(190, 235), random.uniform(175, 225), random.uniform(110, 205)], np.float32)
        colour += (shade - colour) * film * random.uniform(0.2, 0.75)
        wetness += film[..., 0] * 0.8
    if random.random() < 0.4:
        layer = colour.copy()
        for _ in range(int(random.integers(1, 5))):
            at = np.array([random.uniform(0, size[1]), random.uniform(0, size[0])])
            for _ in range(int(random.integers(2, 25))):
                x, y = (at + random.normal(0, size[0] * 0.04, 2)).astype(int)
                r = int(random.uniform(1.5, size[0] * 0.018))
                cv2.circle(layer, (int(x), int(y)), r, (235.0, 228.0, 210.0), 1, cv2.LINE_AA)
                cv2.circle(layer, (int(x) - r // 3, int(y) - r // 3), max(1, r // 4), (255.0, 255.0, 255.0), -1, cv2.LINE_AA)
        colour += (layer - colour) * random.uniform(0.4, 0.8)
    if random.random() < 0.3:
        crumbs = (smooth_noise(random, size, int(random.integers(20, 70))) > random.uniform(2.2, 2.9)).astype(np.float32)
        crumbs = cv2.GaussianBlur(crumbs, (0, 0), 1)[..., None]
        colour += (np.array([random.uniform(110, 200), random.uniform(90, 160), random.uniform(20, 70)], np.float32) - colour) * crumbs
    if random.random() < 0.15:
        blood = np.clip(smooth_noise(random, size, 7) - 1.2, 0, 0.7)[..., None]
        colour += (np.array([125, 14, 16], np.float32) - colour) * blood


def _wall(random: Random, sources: Sources | None, size: tuple[int, int], centre: tuple[float, float], radius: float, kind: str) -> tuple[Surface, Surface | None]:
    """-> (wall with the lesion, or the head of a stalked one as a layer of its own)."""
    narrow_band = random.random() < 0.22
    colour, vessel = _drawn_colour(random, size, narrow_band)
    real = _real_colour(random, sources, size) if sources is not None and random.random() < 0.35 else None
    if real is not None:
        colour = real
    net = _vessels(random, size)[..., None] * random.uniform(0.1, 0.75)
    height, depth = _folds(random, size)
    grain = smooth_noise(random, size, size[0] // int(random.integers(4, 9)))
    height += grain * random.uniform(0.0, 0.35) + smooth_noise(random, size, 11) * random.uniform(0.2, 1.6)
    inside = _outline(random, size, centre, radius)
    soft = cv2.GaussianBlur((inside < 1).astype(np.float32), (0, 0), float(random.uniform(0.8, 1 + radius * 0.12)))
    patch = _patch(random, colour, float(random.choice([0.0, 0.3, 0.7])))
    if kind != "stalked":
        colour += (patch - colour) * soft[..., None]
        net = net * (1 - soft[..., None] * random.uniform(0.3, 1))
        steep = random.uniform(0.04, 0.2) if kind == "flat" else random.uniform(0.25, 0.75)
        height = height * (1 - 0.7 * soft) + cv2.GaussianBlur(_dome(inside, radius, steep), (0, 0), 1 + radius * 0.05)
        depth = depth * (1 - 0.6 * soft)
    for _ in range(int(random.integers(0, 3))):  # others like it that are not meant
        place = (centre[0] + random.choice([-1, 1]) * random.uniform(2.6, 6) * radius, centre[1] + random.choice([-1, 1]) * random.uniform(0, 5) * radius)
        other = _outline(random, size, place, radius * random.uniform(0.4, 1.1))
        if bool(((other < 1.1) & (inside < 1.1)).any()):
            continue
        around = cv2.GaussianBlur((other < 1).astype(np.float32), (0, 0), 2)
        colour += (patch - colour) * around[..., None] * random.uniform(0.3, 1)
        height += cv2.GaussianBlur(_dome(other, radius, random.uniform(0.04, 0.5)), (0, 0), 2)
    colour += (vessel.astype(np.float32) - colour) * net
    broken = np.clip(smooth_noise(random, size, int(random.integers(35, size[0] // 3))) * random.uniform(0.5, 1.4), 0, 2)  # a wet rough surface shines in specks
    wetness = (np.clip(0.45 + 0.3 * smooth_noise(random, size, 8), 0.05, 1) * (broken + random.uniform(0.05, 0.6))).astype(np.float32)
    _scatter(random, colour, wetness)
    if not narrow_band and random.random() < 0.08:  # blue dye gathers where it is low
        low = np.clip(0.6 - height / (np.abs(height).max() + 1e-3) * 2, 0, 1)[..., None]
        colour += (colour * np.array([0.35, 0.6, 1.15], np.float32) - colour) * low * random.uniform(0.3, 0.9)
    slope_x, slope_y = (np.clip(slope, -STEEPEST, STEEPEST) for slope in _slope(height))
    wall = Surface(np.clip(colour, 0, 255).astype(np.uint8), np.stack([slope_x, slope_y, depth, wetness], 2).astype(np.float32), (inside < 1).astype(np.uint8))
    if kind != "stalked":
        return wall, None
    wall.mask = np.zeros(size, np.uint8)
    head_x, head_y = (np.clip(slope, -STEEPEST, STEEPEST) for slope in _slope(_dome(inside, radius, random.uniform(0.35, 0.85)) + grain * random.uniform(0, 0.8)))
    relief = np.stack([head_x, head_y, np.zeros_like(depth), np.clip(wetness + 0.2, 0, 1)], 2).astype(np.float32)
    return wall, Surface(np.clip(patch, 0, 255).astype(np.uint8), relief, (inside < 1).astype(np.uint8))


# ---- the camera -------------------------------------------------------------------------------------------------------------------------------------


def _path(random: Random, steps: int, low_rate: bool) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """-> (offset of the lesion from the middle in shares of the view [T, 2], log of zoom [T], turn in radians [T])."""
    if low_rate:
        reach, memory = random.uniform(0.08, 0.3), random.uniform(0.2, 0.8)
        offset, zoom, turn = np.zeros((steps, 2)), np.zeros(steps), np.zeros(steps)
        offset[0] = random.normal(0, 0.15, 2)
        for step in range(1, steps):
            jump = 2.0 if random.random() < 0.12 else 1.0
            offset[step] = memory * offset[step - 1] + random.normal(0, reach * jump, 2)
            zoom[step] = 0.7 * zoom[step - 1] + random.normal(0, 0.22 * jump)
            turn[step] = turn[step - 1] + random.normal(0, 0.16 * jump)
        offset = np.clip(offset, -0.46, 0.46)
    else:
        speed = random.uniform(0.2, 1)
        offset = np.stack([smooth_walk(random, steps, 0.25 * speed), smooth_walk(random, steps, 0.25 * speed)], 1) + random.normal(0, 0.12, 2)
        zoom, turn = smooth_walk(random, steps, 0.45 * speed), smooth_walk(random, steps, 0.5 * speed)
    if random.random() < 0.18 and steps > 4:
        first = int(random.integers(1, steps - 2))
        away, gone = random.uniform(0, 2 * np.pi), slice(first, first + int(random.integers(1, 4)))
        direction = np.array(_turned(away))
        offset[gone], zoom[gone] = 0.85 * direction / np.abs(direction).max(), np.maximum(zoom[gone], 0.1)
    return offset, np.clip(zoom, -0.3, 0.9), turn


def _view(size: tuple[int, int], centre: tuple[float, float], offset: NDArray[np.float64], zoom: float, turn: float, tilt: NDArray[np.float64], sway: tuple[Field, Field]) -> View:
    """The wall's positions for every pixel: the lesion's centre lies `offset` off the middle; the plane is tilted; the wall gives a little."""
    height, width = size
    columns, rows = _axes(size)
    u, v = columns - width * (0.5 + float(offset[0])), rows - height * (0.5 + float(offset[1]))
    scale = float(np.exp(-zoom)) / np.clip(1 + float(tilt[0] / width) * u + float(tilt[1] / height) * v, 0.35, 3)
    cosine, sine = _turned(turn)
    x = centre[0] + scale * (cosine * u - sine * v) + sway[0]
    y = centre[1] + scale * (sine * u + cosine * v) + sway[1]
    return View((x, y), turn, float(np.exp(zoom)), (width * (0.5 + float(offset[0])), height * (0.5 + float(offset[1]))))


@dataclass(frozen=True)
class Light:
    """Of one clip. `tip`: where the light's axis meets the picture (x, y in half heights)."""

    tip: tuple[float, float]
    fall: float
    sharp: float
    shine: float
    ambient: float
    gain: float


def _light(random: Random) -> Light:
    return Light((random.normal(0, 0.25), random.normal(0, 0.25)), random.uniform(0.25, 1.1), random.uniform(30, 250), random.uniform(0.3, 1.8), random.uniform(0.02, 0.2), random.uniform(1.0, 1.5))


def lit(surface: Surface, view: View, light: Light, shift: tuple[float, float] = (0.0, 0.0)) -> tuple[Field, Mask]:
    """Colour as float and mask of a surface in a view, lit from the tip; `shift` in wall pixels moves the surface against the wall."""
    map_x, map_y = view.grid[0] - np.float32(shift[0]), view.grid[1] - np.float32(shift[1])
    colour = cv2.remap(surface.colour, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    relief = cv2.remap(surface.relief, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    mask = cv2.remap(surface.mask, map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    height, width = mask.shape
    columns, rows = _axes((height, width))
    u, v = (columns - width / 2) / (height / 2) - np.float32(light.tip[0]), (rows - height / 2) / (height / 2) - np.float32(light.tip[1])
    cosine, sine = _turned(view.turn)
    slope_x, slope_y = cosine * relief[..., 0] + sine * relief[..., 1], -sine * relief[..., 0] + cosine * relief[..., 1]
    # light and eye lie together at the tip: what faces them is bright, and shines
    long = np.sqrt(1 + 0.5 * (u * u + v * v)) * np.sqrt(1 + slope_x**2 + slope_y**2)
    facing = np.clip((1 + 0.7 * (slope_x * u + slope_y * v)) / long, 0, 1)
    near = (1 + 0.12 * (view.zoom - 1)) / (1 + light.fall * (u * u + v * v)) * np.exp(-2.2 * relief[..., 2])
    shine = light.shine * relief[..., 3] * facing**light.sharp * near
    shaded = colour * (light.gain * (light.ambient + (1 - light.ambient) * facing**1.5) * near)[..., None]
    return (shaded + 190 * shine[..., None]).astype(np.float32), mask


def mirrored(wall: Surface, view: View, mask: Mask) -> bool:
    """Beyond its border the wall goes on as in a mirror. A lesion seen there would look like the target and not be it."""
    reflected = cv2.remap(wall.mask, *view.grid, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return bool((reflected > mask).any())


def _stalk(frame: Field, mask: Mask, view: View, base: NDArray[np.float64], head: NDArray[np.float64], width: float, colour: NDArray[np.float64]) -> None:
    """A bent tube from the wall to the head, in place; part of the lesion."""
    canvas = np.zeros(mask.shape, np.uint8)
    middle = (base + head) / 2 + 0.25 * np.array([-(head - base)[1], (head - base)[0]])
    part = np.linspace(0, 1, 12)[:, None]
    points = (1 - part) ** 2 * base + 2 * part * (1 - part) * middle + part**2 * head
    cv2.polylines(canvas, [np.round(points * 16).astype(np.int32)], False, 1, max(2, round(width)), cv2.LINE_8, 4)
    edge = cv2.distanceTransform(canvas, cv2.DIST_L2, 3)
    shade = 0.35 + 0.65 * np.clip(edge / max(1.0, width / 2), 0, 1) ** 0.6
    light = frame.mean(2, keepdims=True) / max(1.0, float(frame.mean()))
    alpha = cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), 0.8)[..., None]
    frame += (np.clip(colour * shade[..., None] * np.clip(light, 0.4, 1.3), 0, 255) - frame) * alpha
    mask |= canvas


@dataclass(frozen=True)
class NearFold:
    """A fold between camera and lesion: a border that swings across the view with its own (larger) motion."""

    angle: float
    distance: NDArray[np.float64]  # [T] in half heights from the lesion, negative: covers it
    bend: Field


def _cover(frame: Field, mask: Mask, fold: NearFold, step: int, wall: Surface, view: View, light: Light) -> tuple[Field, Mask]:
    height, width = mask.shape
    columns, rows = _axes((height, width))
    cosine, sine = _turned(fold.angle)
    across = ((columns - view.centre[0]) * cosine + (rows - view.centre[1]) * sine) / (height / 2) + fold.bend - float(fold.distance[step])
    alpha = cv2.GaussianBlur((across > 0).astype(np.float32), (0, 0), 1.2)
    closer = View((view.grid[0] * np.float32(0.6) + 40, view.grid[1] * np.float32(0.6) + 25), view.turn, view.zoom, view.centre)
    layer, _ = lit(Surface(wall.colour, wall.relief * np.array([1, 1, 0, 1], np.float32), wall.mask), closer, light)
    layer = layer * (0.65 + 0.35 * np.exp(-np.clip(across, 0, None) / 0.12))[..., None]
    shadow = 1 - 0.45 * np.exp(-np.clip(-across, 0, None) / 0.1) * (across <= 0)
    frame = frame * shadow[..., None]
    return frame + (layer - frame) * alpha[..., None], mask * (across <= 0)


def _smear(frame: Field, motion: NDArray[np.float64]) -> Field:
    """Motion blur along a vector in pixels."""
    length = float(np.hypot(*motion))
    if length < 1.5:
        return frame
    reach = int(np.ceil(length)) | 1
    kernel = np.zeros((reach, reach), np.float32)
    half, middle = motion / 2, reach // 2
    cv2.line(kernel, (round(middle - half[0]), round(middle - half[1])), (round(middle + half[0]), round(middle + half[1])), 1.0, 1, cv2.LINE_AA)
    return cv2.filter2D(frame, -1, kernel / max(1e-6, float(kernel.sum())), borderType=cv2.BORDER_REFLECT_101)


def _aperture(random: Random, size: tuple[int, int]) -> Mask | None:
    """What the instrument shows of the picture: all, a circle, or a rectangle with cut corners."""
    height, width = size
    kind = random.random()
    if kind < 0.4:
        return None
    shape = np.zeros(size, np.uint8)
    middle = (int(width * random.uniform(0.46, 0.54)), height // 2)
    if kind < 0.6:
        cv2.circle(shape, middle, int(height * random.uniform(0.5, 0.62)), 1, -1)
        return shape
    half_width, half_height, cut = min(width / 2, height * random.uniform(0.6, 0.95)), height * random.uniform(0.47, 0.52), height * random.uniform(0.03, 0.2)
    corners = [(sx * (half_width - dx), sy * (half_height - dy)) for sx, sy, order in ((1, -1, 0), (1, 1, 1), (-1, 1, 0), (-1, -1, 1)) for dx, dy in (((cut, 0), (0, cut)) if order == 0 else ((0, cut), (cut, 0)))]
    cv2.fillPoly(shape, [np.array([(middle[0] + x, middle[1] + y) for x, y in corners]).astype(np.int32)], 1)
    return shape


def mucosa_clip(random: Random, sources: Sources | None, steps: int, size: tuple[int, int], low_rate: float = 0.65) -> Clip:
    """`low_rate`: share of clips with the jumps of about five pictures per second; the others move smoothly."""
    while True:
        clip = _mucosa(random, sources, steps, size, random.random() < low_rate)
        if clip is not None:
            return clip


def _mucosa(random: Random, sources: Sources | None, steps: int, size: tuple[int, int], low_rate: bool) -> Clip | None:
    height, width = size
    wall_size = (int(height * MARGIN), int(width * MARGIN))
    kind = str(random.choice(KINDS, p=[0.5, 0.3, 0.2]))
    radius = height * float(np.exp(random.uniform(np.log(0.06), np.log(0.25))))
    centre = (wall_size[1] * random.uniform(0.4, 0.6), wall_size[0] * random.uniform(0.4, 0.6))
    wall, head = _wall(random, sources, wall_size, centre, radius, kind)
    offset, zoom, turn = _path(random, steps, low_rate)
    light = _light(random)
    tilt = np.stack([smooth_walk(random, steps, 0.5), smooth_walk(random, steps, 0.5)], 1) + random.normal(0, 0.25, 2)
    give = (smooth_noise(random, size, 3) * random.uniform(0, 5), smooth_noise(random, size, 3) * random.uniform(0, 5))
    swing = np.stack([smooth_walk(random, steps, radius), smooth_walk(random, steps, radius)], 1) * (1.6 if low_rate else 1)
    lean = random.uniform(0.5, 1.5) * radius * np.array(_turned(random.uniform(0, 2 * np.pi)))
    fold = NearFold(random.uniform(0, 2 * np.pi), random.uniform(0.1, 0.7) + smooth_walk(random, steps, 0.5), smooth_noise(random, size, 4) * 0.05) if random.random() < 0.3 else None
    tool: Instrument | None = make_instrument(random, size, steps, random.random() < 0.5) if random.random() < 0.14 else None
    aperture = _aperture(random, size)
    shutter = random.uniform(0, 0.16) if random.random() < 0.6 else 0.0
    defocus = np.clip(smooth_walk(random, steps, 1.6) + random.uniform(-1, 0.8), 0, 2.6)
    grain = random.uniform(0, 6)
    exposure = np.exp(random.normal(0, 0.1, steps)) if low_rate else np.exp(smooth_walk(random, steps, 0.15))
    drop = _lens_drop(random, size) if random.random() < 0.12 else None
    frames: list[Image] = []
    masks: list[Mask] = []
    metered, phase = random.uniform(75, 150), random.uniform(0, 2 * np.pi)
    gain = 1.0
    for step in range(steps):
        ease = _turned(0.7 * step + phase)[1]
        view = _view(size, centre, offset[step], float(zoom[step]), float(turn[step]), tilt[step], (give[0] * ease, give[1] * ease))
        frame, mask = lit(wall, view, light)
        if mirrored(wall, view, mask):
            return None
        if head is not None:
            shift = lean + swing[step]
            cosine, sine = (view.zoom * factor for factor in _turned(view.turn))
            at = np.array(view.centre) + np.array([cosine * shift[0] + sine * shift[1], -sine * shift[0] + cosine * shift[1]])
            _stalk(frame, mask, view, np.array(view.centre), at, radius * 0.55 * view.zoom, wall.colour.mean((0, 1)) * 0.95)
            layer, covered = lit(head, view, light, (float(shift[0]), float(shift[1])))
            frame += (layer - frame) * cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 0.9)[..., None]
            mask = mask | covered
        if fold is not None:
            frame, mask = _cover(frame, mask, fold, step, wall, view, light)
        if step == 0 or low_rate:  # instruments meter: a close wall does not stay white nor a far one black
            gain = 0.4 * gain * (step > 0) + (0.6 if step > 0 else 1.0) * float(np.clip(metered / max(1.0, float(np.minimum(frame, 255).mean())), 0.5, 4))
        frame *= gain * float(exposure[step])
        if shutter > 0 and step > 0:
            frame = _smear(frame, np.clip((offset[step] - offset[step - 1]) * np.array([width, height]) * shutter, -14, 14))
        picture = np.clip(frame, 0, 255).astype(np.uint8)
        if tool is not None:
            picture, drawn = draw_instrument(picture, tool, step, 1.0)
            mask = mask * (1 - drawn)
        if defocus[step] > 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), float(defocus[step]))
        if drop is not None:
            picture = blend(picture, cv2.GaussianBlur(picture, (0, 0), 5), drop)
        picture = np.clip(picture + random.normal(0, grain, (*size, 1)), 0, 255).astype(np.uint8)
        if aperture is not None:
            picture, mask = picture * aperture[..., None], mask * aperture
        frames.append(picture)
        masks.append(mask.astype(np.uint8))
    if masks[0].sum() < SMALLEST * height * width:
        return None
    return Clip("mucosa", frames, masks)


def _lens_drop(random: Random, size: tuple[int, int]) -> Field:
    """Where water on the lens blurs, 0..1; it stays while the wall moves."""
    columns, rows = _axes(size)
    x, y = random.uniform(0.1, 0.9) * size[1], random.uniform(0.1, 0.9) * size[0]
    return np.clip(1.4 - np.hypot(columns - x, (rows - y) * random.uniform(0.7, 1.4)) / (size[0] * random.uniform(0.1, 0.3)), 0, 1).astype(np.float32)
