"""Reads the sample data (train split only) into memory at a small size. A missing or broken file is named and skipped."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [H, W, 3] RGB
Mask = NDArray[np.uint8]  # [H, W], 0 or label
log = logging.getLogger("models.train.data")


@dataclass
class Video:
    kind: str  # natural | vocal-folds | robotic | carotid | teacher
    name: str
    frames: list[Image]
    masks: list[Mask]
    labels: tuple[int, ...]


@dataclass
class Still:
    kind: str
    image: Image
    mask: Mask | None
    """0/1 object; None where nobody drew one."""


@dataclass
class Sources:
    videos: list[Video] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Video]:
        return [video for video in self.videos if video.kind == kind]


VOCAL_FOLD_LABELS = (1, 3, 4, 5, 6)
"""2 ('other tissue') is the rest of the picture and no object."""

NERVE_LABELS = (1, 2)
"""Nerve and vessel."""
CAROTID_VALIDATION = ("184420004", "184741004", "185055004", "185434004", "185850004")
"""Clips 16 to 20 of the carotid ultrasound, by name: were they counted, a clip that is missing would let the next one slip from validation into training."""


def shrink(image: NDArray[Any], short_side: int, nearest: bool = False) -> NDArray[Any]:
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if scale >= 1:
        return image
    return cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA)


def read_image(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not a readable image")
    return np.ascontiguousarray(image[..., ::-1])


def read_mask(path: Path, labelled: bool) -> Mask:
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise ValueError("not a readable mask")
    mask = mask if mask.ndim == 2 else mask[..., 0]
    return mask if labelled else (mask > 127).astype(np.uint8)


def matching_mask(frame: Path) -> Path:
    folder = frame.parent.parent / "masks"
    return folder / f"{frame.stem}.png"


def read_video(folder: Path, kind: str, labels: tuple[int, ...], short_side: int, skipped: list[str]) -> Video:
    """`folder/frames/*` with `folder/masks/<same stem>.png`. A broken pair is left out, which only makes one time step longer."""
    video = Video(kind, folder.name, [], [], labels)
    for path in sorted((folder / "frames").glob("*")):
        try:
            image, mask = read_image(path), read_mask(matching_mask(path), labelled=labels != (1,))
            if image.shape[:2] != mask.shape:
                raise ValueError(f"frame is {image.shape[:2]}, mask is {mask.shape}")
        except ValueError as error:
            skipped.append(f"{kind}/{folder.name}/{path.name}: {error}")
            log.warning("skipped %s", skipped[-1])
            continue
        video.frames.append(shrink(image, short_side))
        video.masks.append(shrink(mask, short_side, nearest=True))
    return video


def load_sources(root: Path, short_side: int = 480, teacher: Path | None = None, limit: int | None = None) -> Sources:
    """Train split below `root`; `teacher` is a folder of more sequences (`<sequence>/{frames,masks}`) whose masks another model made.
    `limit` keeps only the first sequences of each kind (tests). Larger than any training size, so that a camera that moves close finds detail instead of
    blur, which would give the zoom away."""
    if not root.is_dir():
        raise FileNotFoundError(f"no sample data at {root}; set SONOSCOPE_DATA")
    sources = Sources()

    def add(folders: list[Path], kind: str, labels: tuple[int, ...] = (1,)) -> None:
        for folder in folders[:limit]:
            video = read_video(folder, kind, labels, short_side, sources.skipped)
            if len(video.frames) < 2:
                sources.skipped.append(f"{kind}/{folder.name}: fewer than two usable frames")
                log.warning("skipped %s", sources.skipped[-1])
                continue
            sources.videos.append(video)

    add(sorted((root / "train/davis").glob("*")), "natural")
    add([root / f"vocalfolds/patient1/seq{number}" for number in (1, 2, 3)], "vocal-folds", VOCAL_FOLD_LABELS)
    add(sorted((root / "train/robotic-instruments").glob("*")), "robotic")
    add(sorted(path for path in (root / "train/carotid-ultrasound").glob("*") if path.name not in CAROTID_VALIDATION), "carotid")
    if teacher is not None:
        add(sorted(path for path in teacher.iterdir() if path.is_dir()), "teacher")
    for path in sorted((root / "train/laparoscopy-stills").glob("*.jpg"))[: None if limit is None else limit * 8]:
        try:
            sources.stills.append(Still("laparoscopy", shrink(read_image(path), short_side), None))
        except ValueError as error:
            sources.skipped.append(f"laparoscopy/{path.name}: {error}")
            log.warning("skipped %s", sources.skipped[-1])
    for kind in ("muscle-ultrasound", "fetal-ultrasound"):
        video = read_video(root / "train" / kind, kind, (1,), short_side, sources.skipped)
        count = None if limit is None else limit * 8
        sources.stills.extend(Still(kind, image, mask) for image, mask in zip(video.frames[:count], video.masks[:count], strict=True))
    nerves = read_video(root / "train/nerve-ultrasound", "nerve-ultrasound", NERVE_LABELS, short_side, sources.skipped)
    for image, mask in list(zip(nerves.frames, nerves.masks, strict=True))[: None if limit is None else limit * 8]:
        for label in NERVE_LABELS:
            if (mask == label).any():
                sources.stills.append(Still("nerve-ultrasound", image, (mask == label).astype(np.uint8)))
    for video in list(sources.videos):
        for index in range(0, len(video.frames), 8):
            mask = video.masks[index] if video.labels == (1,) else None
            sources.stills.append(Still(video.kind, video.frames[index], mask))
    return sources
