"""Moving composites: objects cut from real stills (or random shapes with real or drawn texture) over a real background, with occlusion, exits and returns."""

from __future__ import annotations

import cv2
import numpy as np

from models.train.data.geometry import Clip, Random, affine, blend, displace, elastic, random_crop, smooth_noise, smooth_walk, warp
from models.train.data.sources import Image, Mask, Sources, Video


def random_shape(random: Random, size: tuple[int, int]) -> Mask:
    """A blob, a tool-like bar from the border, or an ellipse."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    x, y = random.uniform(0.2, 0.8) * width, random.uniform(0.2, 0.8) * height
    kind = random.random()
    if kind < 0.6:
        points = int(random.integers(5, 15))
        radius = random.uniform(0.07, 0.33) * min(size)
        angles = np.sort(random.uniform(0, 2 * np.pi, points))
        radii = radius * random.uniform(0.5, 1.2, points)
        squeeze, turn = random.uniform(0.35, 1), random.uniform(0, np.pi)
        px, py = radii * np.cos(angles), radii * np.sin(angles) * squeeze
        outline = np.stack([px * np.cos(turn) - py * np.sin(turn) + x, px * np.sin(turn) + py * np.cos(turn) + y], 1)
        cv2.fillPoly(mask, [outline.astype(np.int32)], 1)
        if random.random() < 0.7:
            kernel = int(random.choice([5, 9, 15, 21]))
            mask = (cv2.GaussianBlur(mask.astype(np.float32), (kernel, kernel), 0) > 0.5).astype(np.uint8)
    elif kind < 0.85:
        thick, angle = int(random.integers(5, 26)), random.uniform(0, 2 * np.pi)
        end = (int(x + 2 * width * np.cos(angle)), int(y + 2 * width * np.sin(angle)))
        cv2.line(mask, (int(x), int(y)), end, 1, thick)
        if random.random() < 0.6:
            for side in (-1, 1):
                jaw = angle + np.pi + side * random.uniform(0.1, 0.6)
                cv2.line(mask, (int(x), int(y)), (int(x + thick * 2 * np.cos(jaw)), int(y + thick * 2 * np.sin(jaw))), 1, max(2, thick // 3))
    else:
        axes = (int(random.uniform(0.06, 0.3) * width), int(random.uniform(0.06, 0.3) * height))
        cv2.ellipse(mask, (int(x), int(y)), axes, random.uniform(0, 180), 0, 360, 1, -1)
    return mask


def random_texture(random: Random, size: tuple[int, int]) -> Image:
    base = random.uniform(20, 235, 3).astype(np.float32)
    if random.random() < 0.5:
        base[:] = base.mean() + random.uniform(-12, 12, 3)
    image = np.ones((*size, 3), np.float32) * base + smooth_noise(random, size, int(random.choice([4, 8, 16, 64])))[..., None] * random.uniform(5, 40)
    if random.random() < 0.5:
        angle = random.uniform(0, 2 * np.pi)
        columns, rows = np.meshgrid(np.arange(size[1]), np.arange(size[0]))
        stripes = np.abs(((columns * np.cos(angle) + rows * np.sin(angle)) / random.uniform(8, 60)) % 1 - 0.5) * 2
        image += ((1 - stripes) ** 4)[..., None] * random.uniform(20, 120)
    return np.clip(image + random.normal(0, random.uniform(0, 10), (*size, 1)), 0, 255).astype(np.uint8)


def composite_clip(random: Random, sources: Sources, steps: int, size: tuple[int, int]) -> Clip:
    while True:
        clip = _composite(random, sources, steps, size)
        if clip is not None:
            return clip


def add_lookalike(random: Random, sources: Sources, clip: Clip, video: Video, size: tuple[int, int]) -> bool:
    """Puts a second object into a real clip: the same one from another frame of its video, or another video's, moving on its own beside the target, mostly
    behind it, now and then across it. It is not the target: what looks like it elsewhere must not be taken into the mask. False where no place was found."""
    height, width = size
    other = video if random.random() < 0.65 else sources.of_kind("natural")[int(random.integers(len(sources.of_kind("natural"))))]
    index = int(random.integers(len(other.frames)))
    shape = (other.masks[index] > 0).astype(np.uint8)
    if shape.sum() < 100:
        return False
    crop = random_crop(random, shape.shape, size, shape)
    image, shape = crop.cut(other.frames[index], size), crop.cut(shape, size, nearest=True)
    if random.random() < 0.5:
        image, shape = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(shape[:, ::-1])
    ys, xs = np.nonzero(shape)
    if not 0.002 * height * width < len(ys) < 0.3 * height * width:
        return False
    centre = (float(xs.mean()), float(ys.mean()))
    scale = random.uniform(0.6, 1.2)
    motions = _motion(random, len(clip.frames), size, float(random.choice([0.4, 1.0, 1.8])))
    for _ in range(6):
        place = affine(centre, random.uniform(-0.3, 0.3), scale, (random.uniform(0.05, 0.95) * width - centre[0], random.uniform(0.05, 0.95) * height - centre[1]))
        first = warp(shape, place, nearest=True, reflect=False)
        if first.sum() > 0.3 * shape.sum() * scale**2 and (first & clip.masks[0]).sum() < 0.1 * clip.masks[0].sum():
            break
    else:
        return False
    in_front = random.random() < 0.3
    for step, motion in enumerate(motions):
        matrix = (np.vstack([motion, [0, 0, 1]]) @ np.vstack([place, [0, 0, 1]]))[:2].astype(np.float32)
        layer, alpha = warp(image, matrix), warp(shape, matrix, nearest=True, reflect=False)
        if in_front:
            clip.masks[step] = clip.masks[step] * (1 - alpha)
        else:
            alpha = alpha * (1 - clip.masks[step])
        clip.frames[step] = blend(clip.frames[step], layer, cv2.GaussianBlur(alpha.astype(np.float32), (3, 3), 0))
    return True


def _composite(random: Random, sources: Sources, steps: int, size: tuple[int, int]) -> Clip | None:
    height, width = size
    still = sources.stills[int(random.integers(len(sources.stills)))]
    crop = random_crop(random, still.image.shape[:2], size)
    background = crop.cut(still.image, size)
    objects: list[tuple[Image, Mask]] = []
    for _ in range(int(random.choice([1, 2, 2, 3]))):
        source = sources.stills[int(random.integers(len(sources.stills)))]
        draw = random.random()
        if source.mask is not None and draw < 0.6:
            part = random_crop(random, source.image.shape[:2], size, source.mask)
            objects.append((part.cut(source.image, size), part.cut(source.mask, size, nearest=True)))
        elif draw < 0.85:
            objects.append((random_crop(random, source.image.shape[:2], size).cut(source.image, size), random_shape(random, size)))
        else:
            objects.append((random_texture(random, size), random_shape(random, size)))
    on_background = random.random() < 0.4  # the target is a region of the scene itself and moves with it
    if on_background:
        own = crop.cut(still.mask, size, nearest=True) if still.mask is not None else random_shape(random, size)
        objects.insert(0, (background, own))
    target = 0 if on_background else int(random.integers(len(objects)))
    speed = float(random.choice([0.4, 1.0, 1.8]))
    camera = _motion(random, steps, size, 0.5 * speed)
    if on_background and random.random() < 0.6:
        camera = _approach(random, camera, objects[0][1])
    motions = [camera if on_background and index == 0 else _motion(random, steps, size, speed) for index in range(len(objects))]
    leaving = not on_background and random.random() < 0.2
    if leaving:
        motions[target] = _leave(random, motions[target], steps, size)
    frames, masks = [], []
    bend = [elastic(random, size, random.uniform(1, 5)) for _ in objects]
    for step in range(steps):
        frame = warp(background, camera[step])
        mask = np.zeros(size, np.uint8)
        for index, (image, shape) in enumerate(objects):
            scene = on_background and index == 0
            layer, alpha = warp(image, motions[index][step]), warp(shape, motions[index][step], nearest=True, reflect=False)
            if not scene:
                amount = np.sin(0.9 * step * speed + index) - np.sin(index)
                dx, dy = bend[index][0] * amount, bend[index][1] * amount
                layer, alpha = displace(layer, dx, dy), displace(alpha, dx, dy, nearest=True)
                frame = blend(frame, layer, cv2.GaussianBlur(alpha.astype(np.float32), (3, 3), 0))
            mask = np.where(alpha > 0, np.uint8(index == target), mask)
        frames.append(frame)
        masks.append(mask)
    if masks[0].sum() < 0.002 * height * width:
        return None
    return Clip("composite", frames, masks)


def _motion(random: Random, steps: int, size: tuple[int, int], speed: float) -> list[np.ndarray]:
    height, width = size
    dx, dy = smooth_walk(random, steps, 0.16 * width * speed), smooth_walk(random, steps, 0.16 * height * speed)
    angle, scale = smooth_walk(random, steps, 0.4 * speed), np.exp(np.clip(smooth_walk(random, steps, 0.25 * speed), -0.6, 0.6))
    shear = smooth_walk(random, steps, 0.12 * speed)
    centre = (width * random.uniform(0.3, 0.7), height * random.uniform(0.3, 0.7))
    return [affine(centre, angle[i], scale[i], (dx[i], dy[i]), shear[i]) for i in range(steps)]


def _approach(random: Random, motion: list[np.ndarray], region: Mask) -> list[np.ndarray]:
    """The camera comes so close to a point of the region that this fills the view, evenly or within a few frames."""
    ys, xs = np.nonzero(region)
    if len(ys) == 0:
        return motion
    pick = int(random.integers(len(ys)))
    x, y, closest = float(xs[pick]), float(ys[pick]), random.uniform(1.4, 4.5)
    progress = np.clip(np.linspace(0, 1, len(motion)) * random.uniform(1, 3), 0, 1)
    out = []
    for matrix, part in zip(motion, progress, strict=True):
        scale = closest**part
        closer = np.array([[scale, 0, x * (1 - scale)], [0, scale, y * (1 - scale)], [0, 0, 1]])
        out.append((closer @ np.vstack([matrix, [0, 0, 1]]))[:2].astype(np.float32))
    return out


def _leave(random: Random, motion: list[np.ndarray], steps: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Moves the object out of the picture for the middle of the clip, or for good."""
    angle = random.uniform(0, 2 * np.pi)
    start = int(random.integers(1, max(2, steps - 3)))
    back = start + int(random.integers(2, 5)) if random.random() < 0.6 else steps + 9
    out = []
    for step, matrix in enumerate(motion):
        away = float(np.clip(step - start + 1, 0, 2) / 2) * float(np.clip(back - step, 0, 2) / 2)
        moved = matrix.copy()
        moved[:, 2] += np.array([np.cos(angle) * size[1], np.sin(angle) * size[0]], np.float32) * 1.1 * away
        out.append(moved)
    return out
