"""Clips from real sequences: random start, stride, direction, crop; one labelled object each."""

from __future__ import annotations

import cv2
import numpy as np

from models.train.data.composites import add_lookalike
from models.train.data.geometry import Clip, Random, random_crop, zoom_path
from models.train.data.sources import Mask, Sources, Video

MAX_STRIDE = {"natural": 5, "robotic": 4, "vocal-folds": 1, "carotid": 2, "teacher": 3}
"""Laryngoscopies and the carotid clips are sampled far below the camera's rate already."""
MIN_SEEN = 0.7
"""Of a laryngoscopy's frames: between two of its pictures the view can change altogether, and clips in which the object is gone after the first frames teach
that what changes is gone (compact-3, compact-8 and compact-9 lost vocal folds: an object that fills the view faded away). A few are let through."""
MIN_AREA = 0.002


def one_component(masks: list[Mask]) -> list[Mask] | None:
    """The largest component of the first mask, followed by overlap; None where that is ambiguous (it touches or becomes another)."""
    count, labels = cv2.connectedComponents(masks[0])
    if count < 3:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    current = (labels == 1 + int(np.argmax(sizes))).astype(np.uint8)
    out = [current]
    for mask in masks[1:]:
        _, labels = cv2.connectedComponents(mask)
        touched = np.bincount(labels[current > 0], minlength=2)
        touched[0] = 0
        if touched.sum() == 0:
            return None
        following = (labels == int(np.argmax(touched))).astype(np.uint8)
        if not 0.5 < following.sum() / max(1, current.sum()) < 2 or (touched > 0.2 * touched.sum()).sum() > 1:
            return None
        current = following
        out.append(current)
    return out


def any_component(random: Random, mask: Mask) -> Mask:
    """One component of the mask, each of a tenth of the largest or more equally likely."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 3:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = 1 + np.flatnonzero(areas >= 0.1 * areas.max())
    return (labels == int(random.choice(large))).astype(np.uint8)


def real_clip(random: Random, sources: Sources, steps: int, size: tuple[int, int], kinds: dict[str, float], zoom: float = 0.0, lookalike: float = 0.0) -> Clip:
    """`kinds` weighs the kinds of video; `zoom`: share of clips in which the camera moves close (twice that for laryngoscopy, where it always does);
    `lookalike`: share of natural clips that get a second object which is not the target."""
    names = [kind for kind in kinds if sources.of_kind(kind)]
    weights = np.array([kinds[name] for name in names])
    while True:
        kind = str(random.choice(names, p=weights / weights.sum()))
        videos = sources.of_kind(kind)
        video = videos[int(random.integers(len(videos)))]
        clip = _cut(random, video, steps, size, zoom)
        if clip is not None:
            if kind == "natural" and steps > 1 and random.random() < lookalike:
                add_lookalike(random, sources, clip, video, size)
            return clip


def _cut(random: Random, video: Video, steps: int, size: tuple[int, int], zoom: float) -> Clip | None:
    stride = int(random.integers(1, MAX_STRIDE[video.kind] + 1))
    while stride > 1 and len(video.frames) <= stride * (steps - 1):
        stride -= 1
    if len(video.frames) <= stride * (steps - 1):
        return None
    start = int(random.integers(len(video.frames) - stride * (steps - 1)))
    indices = [start + stride * step for step in range(steps)]
    if random.random() < 0.5:
        indices.reverse()
    label = int(random.choice(video.labels))
    masks = [(video.masks[index] == label).astype(np.uint8) for index in indices]
    if video.kind == "robotic" and steps == 1:
        masks = [any_component(random, masks[0])]  # a mark means the one instrument under it
    elif video.kind == "robotic" and random.random() < 0.4:
        masks = one_component(masks) or masks
    if masks[0].sum() < 100:
        return None
    crop = random_crop(random, masks[0].shape, size, masks[0])
    crops = [crop] * steps
    if steps > 1 and random.random() < zoom * (2 if video.kind == "vocal-folds" else 1):
        seen = masks[-1][crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
        ys, xs = np.nonzero(seen)
        if len(ys):
            pick = int(random.integers(len(ys)))
            crops = zoom_path(random, crop, steps, (crop.left + int(xs[pick]), crop.top + int(ys[pick])))
    frames = [part.cut(video.frames[index], size) for part, index in zip(crops, indices, strict=True)]
    masks = [part.cut(mask, size, nearest=True) for part, mask in zip(crops, masks, strict=True)]
    if masks[0].sum() < MIN_AREA * size[0] * size[1]:
        return None
    if video.kind == "vocal-folds" and np.mean([mask.any() for mask in masks]) < MIN_SEEN and random.random() < 0.9:
        return None
    if random.random() < 0.5:
        frames = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
        masks = [np.ascontiguousarray(mask[:, ::-1]) for mask in masks]
    return Clip(video.kind, frames, masks)
