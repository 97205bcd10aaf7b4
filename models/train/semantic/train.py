"""Trains a semantic network: `python -m models.train.semantic.train --config models/train/configs/echo-lv.toml`.

Goes on from the run's checkpoint when started again, also after a kill. Samples depend on the seed and the step alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from models.train.data.echo import echo_clip
from models.train.paths import WORK
from models.train.semantic.echo_pictures import CLASSES, IGNORE, NO_CHAMBER, negative, positive, scene, scenes
from models.train.semantic.measure import measure
from models.train.semantic.network import SemanticNetwork, load_exported, load_imagenet


@dataclass(frozen=True)
class Config:
    run: str
    steps: int
    batch: int = 12
    side: int = 160
    """Input side, pixels; samples vary around it in steps of 32."""
    width: int = 64
    rate: float = 1e-3
    encoder_rate: float = 3e-4
    decay: float = 0.02
    average_decay: float = 0.998
    negatives: float = 0.2
    procedural: float = 0.1
    """Share of drawn scenes; they know the cavity alone."""
    scenes: float = 0.1
    """Share of pictures of the product's echo scene (draw_scenes.mjs); they know the two cavities."""
    validate_seconds: float = 600
    seed: int = 22
    sides: tuple[int, ...] = (128, 160, 160, 160, 192)
    start: str = ""
    """A folder with an exported network to go on from, e.g. models/echo-lv; else ImageNet weights."""
    mild: float = 0.55
    """Share of views that are augmented mildly: as CAMUS's own machine might have shown them."""
    reshape: float = 0.0
    """Share of views whose heart is bent into another shape (echo_pictures.reshaped)."""


def read_config(path: Path) -> Config:
    values = tomllib.loads(path.read_text())
    unknown = set(values) - {field.name for field in fields(Config)}
    if unknown:
        raise SystemExit(f"unknown settings in {path}: {', '.join(sorted(unknown))}")
    if "sides" in values:
        values["sides"] = tuple(values["sides"])
    return Config(**values)


class Batches(Dataset[dict[str, Tensor]]):
    """Item i is the whole batch of step i."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        config = self.config
        random = np.random.default_rng((config.seed, step))
        side = int(random.choice(config.sides))
        pictures, masks, views = [], [], []
        for _ in range(config.batch):
            kind = random.random()
            mask = np.full((side, side), IGNORE, np.uint8)
            if kind < config.negatives:
                picture, view = negative(random, side), 0.0
            elif kind < config.negatives + config.procedural:
                picture, cavity = _drawn(random, side)
                # A drawn wall has no outer border that an annotator would agree with.
                mask = np.where(cavity, 1, IGNORE).astype(np.uint8)
                view = math.nan
            elif kind < config.negatives + config.procedural + config.scenes and scenes():
                (picture, mask), view = scene(random, side), 2.0
            else:
                (picture, mask), view = positive(random, side, None, config.mild, config.reshape), 1.0
            pictures.append(picture)
            masks.append(mask)
            views.append(view)
        return {
            "pictures": torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2),
            "masks": torch.from_numpy(np.stack(masks)),
            # 0: no such view, 1: one with all classes, 2: one of which only the cavities are known, NaN: not to be judged.
            "views": torch.tensor(views),
        }


def _drawn(random: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray]:
    clip = echo_clip(random, 1, (side, side))
    return clip.frames[0], clip.masks[0] > 0


def losses(network: SemanticNetwork, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    output = network(batch["pictures"].float())
    masks = batch["masks"].long()
    logits = functional.interpolate(output.logits, scale_factor=2, mode="bilinear", align_corners=False)
    known = masks != IGNORE
    unsure = masks == NO_CHAMBER
    target = masks.masked_fill(~known | unsure, 0)
    cross = functional.cross_entropy(logits, target, reduction="none")
    # Background or wall, and no telling which: their shares together are right.
    either = torch.logsumexp(logits, 1) - torch.logsumexp(logits[:, [0, 2]], 1)
    cross = torch.where(unsure, either, cross)
    # Pixels that nobody labelled teach nothing.
    cross = (cross * known).sum() / known.sum().clamp(min=1)
    shares = torch.softmax(logits, 1)
    labelled = batch["views"] == 1
    overlap = area = logits.new_zeros(())
    quality_target = None
    if labelled.any():
        own, truth = shares[labelled], functional.one_hot(target[labelled], len(CLASSES)).permute(0, 3, 1, 2).float()
        both = (own * truth).sum((2, 3))
        soft = (2 * both + 1) / (own.sum((2, 3)) + truth.sum((2, 3)) + 1)
        overlap = 1 - soft[:, 1:].mean()
        # Ejection fraction is a ratio of areas: an outline that is evenly too wide costs little overlap and much volume.
        area = torch.log((own[:, 1].sum((1, 2)) + 20) / (truth[:, 1].sum((1, 2)) + 20)).abs().mean()
        with torch.no_grad():
            hard = own.argmax(1) == 1
            quality_target = 2 * (hard & (truth[:, 1] > 0)).sum((1, 2)) / (hard.sum((1, 2)) + truth[:, 1].sum((1, 2))).clamp(min=1)
    judged = ~torch.isnan(batch["views"])
    view = functional.binary_cross_entropy_with_logits(output.view[judged], batch["views"][judged].clamp(max=1))
    quality = functional.binary_cross_entropy_with_logits(output.quality[labelled], quality_target) if quality_target is not None else view * 0
    return {"cross": cross, "overlap": overlap, "area": area, "view": view, "quality": quality}


def rate_at(step: int, config: Config) -> float:
    """Linear warm-up over 60 steps, then a half cosine to a hundredth."""
    warm = min(1.0, (step + 1) / 60)
    return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps))))


def predictor(network: SemanticNetwork):
    def predict(picture: np.ndarray) -> tuple[np.ndarray, float, float]:
        with torch.no_grad():
            output = network(torch.from_numpy(picture).permute(2, 0, 1)[None].float())
            logits = functional.interpolate(output.logits, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.softmax(logits, 1)[0].numpy(), float(torch.sigmoid(output.view)), float(torch.sigmoid(output.quality))

    return predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--call-seconds", type=float, default=math.inf)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(config.seed)
    folder = WORK / config.run
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"

    network, average = SemanticNetwork(len(CLASSES), config.width), SemanticNetwork(len(CLASSES), config.width)
    if config.start:
        load_exported(network, Path(config.start), (positive(np.random.default_rng((config.seed, 9, i)), 192)[0] for i in range(48)))
    else:
        load_imagenet(network)
    average.load_state_dict(network.state_dict())
    encoder = [*network.stem.parameters(), *network.blocks.parameters()]
    known = {id(parameter) for parameter in encoder}
    head = [parameter for parameter in network.parameters() if id(parameter) not in known]
    optimiser = torch.optim.AdamW([{"params": encoder, "base": config.encoder_rate}, {"params": head, "base": config.rate}], lr=config.rate, weight_decay=config.decay)
    step, seconds, next_validation = 0, 0.0, config.validate_seconds
    if checkpoint.exists():
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds, next_validation = state["step"], state["seconds"], state["next_validation"]

    def save() -> None:
        part = checkpoint.with_suffix(".part")
        torch.save({"network": network.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "seconds": seconds, "next_validation": next_validation}, part)
        os.replace(part, checkpoint)

    def validate() -> None:
        average.eval()
        figures = measure(predictor(average), config.side)
        with (folder / "curve.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, "seconds": round(seconds), **figures.as_dict()}) + "\n")
        print(f"step {step}: {json.dumps(figures.as_dict())}", flush=True)

    batches = Batches(config)
    loader = DataLoader(torch.utils.data.Subset(batches, range(step, config.steps)), batch_size=None, num_workers=1, prefetch_factor=4)
    began = last = saved = time.monotonic()
    network.train()
    sums: dict[str, float] = {}
    for batch in loader:
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * rate_at(step, config)
        parts = losses(network, batch)
        total = parts["cross"] + parts["overlap"] + 0.3 * parts["area"] + 0.2 * parts["view"] + 0.05 * parts["quality"]
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        step += 1
        decay = min(config.average_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for own, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if own.dtype.is_floating_point:
                    own.lerp_(new, 1 - decay)
                else:
                    own.copy_(new)
        now = time.monotonic()
        seconds, last = seconds + now - last, now
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        if step % 50 == 0:
            line = {name: round(value / 50, 4) for name, value in sums.items()}
            print(json.dumps({"step": step, "seconds": round(seconds), **line}), flush=True)
            sums = {}
        if now - saved > 240:
            save()
            saved = now
        if seconds >= next_validation or step == config.steps:
            next_validation = seconds + config.validate_seconds
            validate()
            save()
            last = time.monotonic()
        if now - began > arguments.call_seconds:
            break
    save()


if __name__ == "__main__":
    main()
