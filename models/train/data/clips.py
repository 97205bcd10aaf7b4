"""Mixes the generators, changes light and colour, and puts in frames that show something else."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from models.train.data.composites import composite_clip
from models.train.data.echo import echo_clip
from models.train.data.geometry import Clip, Random
from models.train.data.mucosa import mucosa_clip
from models.train.data.prompts import random_prompt
from models.train.data.real import real_clip
from models.train.data.sources import Sources
from models.train.data.surgery import surgery_clip


@dataclass(frozen=True)
class MixConfig:
    """Shares of the generators (need not sum to one) and of the disturbances."""

    real: float = 0.55
    composite: float = 0.17
    surgery: float = 0.16
    echo: float = 0.12
    mucosa: float = 0.0
    real_kinds: dict[str, float] = field(default_factory=lambda: {"natural": 0.55, "robotic": 0.25, "vocal-folds": 0.2, "teacher": 0.2})
    stills: float = 0.15
    """Share of single annotated stills (fetal and muscle ultrasound, any frame) where only one frame is wanted (prompt training)."""
    zoom: float = 0.0
    """Share of real clips in which the camera moves close to the object, or away from it, while the clip runs."""
    lookalike: float = 0.0
    """Share of natural clips with a second object, most often of the same looks, that is not the target."""
    foreign: float = 0.12
    """Share of clips in which some frames show another scene, black or noise: no object there."""


def draw_clip(random: Random, sources: Sources, mix: MixConfig, steps: int, size: tuple[int, int]) -> Clip:
    shares = np.array([mix.real, mix.composite, mix.surgery, mix.echo, mix.mucosa])
    kind = int(random.choice(5, p=shares / shares.sum()))
    if kind == 0:
        clip = real_clip(random, sources, steps, size, mix.real_kinds, mix.zoom, mix.lookalike)
    elif kind == 1:
        clip = composite_clip(random, sources, steps, size)
    elif kind == 2:
        clip = surgery_clip(random, sources, steps, size)
    elif kind == 3:
        clip = echo_clip(random, steps, size)
    else:
        clip = mucosa_clip(random, sources, steps, size)
    if steps > 2 and random.random() < mix.foreign:
        _put_foreign(random, sources, clip, size)
    _change_light(random, clip)
    return clip


def _put_foreign(random: Random, sources: Sources, clip: Clip, size: tuple[int, int]) -> None:
    first = int(random.integers(1, len(clip.frames) - 1))
    last = min(len(clip.frames) - 1, first + int(random.integers(1, 3)))
    kind = random.random()
    if kind < 0.3:
        frame = np.full((*size, 3), int(random.integers(0, 20)), np.uint8)
    elif kind < 0.4:
        frame = random.integers(0, 255, (*size, 3)).astype(np.uint8)
    else:
        frame = cv2.resize(sources.stills[int(random.integers(len(sources.stills)))].image, (size[1], size[0]))
    for index in range(first, last + 1):
        clip.frames[index] = frame.copy()
        clip.masks[index] = np.zeros(size, np.uint8)


def _change_light(random: Random, clip: Clip) -> None:
    gain, offset, colour = random.uniform(0.75, 1.25), random.uniform(-20, 20), random.uniform(0.88, 1.12, 3)
    grey = random.random() < 0.12
    gamma = random.uniform(0.8, 1.25)
    ramp = (np.arange(256) / 255.0) ** gamma * 255
    drift = np.ones((len(clip.frames), 3))
    if random.random() < 0.35:  # the light that the camera carries comes closer, or white balance follows
        progress = np.clip(np.linspace(0, 1, len(clip.frames)) * random.uniform(1, 3), 0, 1)[:, None]
        drift = 1 + progress * (random.uniform(0.7, 1.4) * random.uniform(0.88, 1.12, 3) - 1)
    for index, frame in enumerate(clip.frames):
        flicker, step_offset = random.uniform(0.95, 1.05), random.uniform(-4, 4)
        table = np.clip(ramp[:, None] * gain * colour * flicker * drift[index] + offset + step_offset, 0, 255).astype(np.uint8)
        frame = cv2.LUT(frame, table[None])
        if grey:
            frame = np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        clip.frames[index] = frame
    if random.random() < 0.15:
        index = int(random.integers(len(clip.frames)))
        clip.frames[index] = cv2.GaussianBlur(clip.frames[index], (0, 0), random.uniform(0.8, 2.5))
    if random.random() < 0.2:
        quality = int(random.integers(30, 80))
        for index, frame in enumerate(clip.frames):
            clip.frames[index] = cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def draw_still(random: Random, sources: Sources, mix: MixConfig, size: tuple[int, int]) -> Clip:
    """One frame with a mask, for prompt training."""
    if random.random() < mix.stills:
        from models.train.data.geometry import random_crop

        annotated = [still for still in sources.stills if still.mask is not None and "ultrasound" in still.kind]
        while annotated:
            still = annotated[int(random.integers(len(annotated)))]
            assert still.mask is not None
            crop = random_crop(random, still.mask.shape, size, still.mask)
            clip = Clip(still.kind, [crop.cut(still.image, size)], [crop.cut(still.mask, size, nearest=True)])
            if clip.masks[0].sum() >= 0.002 * size[0] * size[1]:
                _change_light(random, clip)
                return clip
    return draw_clip(random, sources, mix, 1, size)


class ClipBatches(IterableDataset[dict[str, Tensor]]):
    """Endless batches: frames uint8 [B, T, H, W, 3], masks uint8 [B, T, H, W], prompts uint8 [B, 4, H, W] for the first frame (and, with T = 1, all).

    Seeded by (seed, first step): a resumed run continues with fresh clips instead of repeating the first ones.
    """

    def __init__(self, sources: Sources, mix: MixConfig, batch: int, steps: int, sizes: list[tuple[int, int]], seed: int, first_step: int = 0) -> None:
        self.sources, self.mix, self.batch, self.steps, self.sizes, self.seed, self.first_step = sources, mix, batch, steps, sizes, seed, first_step

    def __iter__(self):  # type: ignore[no-untyped-def]
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        worker = get_worker_info()
        random = np.random.default_rng((self.seed, self.first_step, worker.id if worker else 0))
        while True:
            size = self.sizes[int(random.integers(len(self.sizes)))]
            if self.steps == 1:
                clips = [draw_still(random, self.sources, self.mix, size) for _ in range(self.batch)]
            else:
                clips = [draw_clip(random, self.sources, self.mix, self.steps, size) for _ in range(self.batch)]
            yield {
                "frames": torch.from_numpy(np.stack([np.stack(clip.frames) for clip in clips])),
                "masks": torch.from_numpy(np.stack([np.stack(clip.masks) for clip in clips])),
                "prompts": torch.from_numpy(np.stack([random_prompt(random, clip.masks[0], clip.kind == "robotic") for clip in clips])),
            }
