"""Trains the compact tracker, or its prompt branch alone.

    python -m models.train.train --config models/train/configs/compact-next.toml [--call-seconds 600] [--device cuda] [--teacher FOLDER]

State lives in `.sonoscope/train/<run>/`: `checkpoint.pt` (weights, average, optimiser, elapsed time; written every few minutes and at the end) and
`log.jsonl`. Started again it goes on from the checkpoint, also after a kill; `--call-seconds` ends one call early so that a run can be spread over short
calls. A checkpoint of another config is refused; a broken sample is named and skipped; when the disk is full the last good checkpoint stays.

A long run (a config with `state`) also goes on from the committed weights where those are further than the machine's own checkpoint, and from its checkpoint's
weights alone where its settings were changed; `validate_seconds` keeps a validation curve and the weights that are best by it (`chosen.pt`).
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
import torch.nn.functional as functional
from torch import Tensor
from torch.utils.data import DataLoader

from models.train.config import RunConfig, read_config
from models.train.curve import Curve, Point, fingerprint, measure
from models.train.data.clips import ClipBatches
from models.train.data.prompts import correct
from models.train.data.sources import Sources, load_sources
from models.train.network import CompactTracker, FrameFeatures, MaskOutput, mask_probability
from models.train.paths import REPOSITORY, WORK, data_root
from models.train.state import CHOSEN, read_state, take_up
from models.train.thin import thin_from_model
from models.train.weights import load_experiment, load_from_onnx, load_imagenet, round_to_half

log = logging.getLogger("models.train")
WARM_STEPS = 60
"""Steps in which the rates rise after an optimiser was made anew."""


class ConfigMismatch(ValueError):
    """The run's folder holds a checkpoint of another config."""


def mask_loss(logits: Tensor, truth: Tensor, object_weight: float = 1.0) -> Tensor:
    """Cross-entropy (mean, and mean of the hardest quarter; pixels of the object count `object_weight` times) plus Dice; logits [N, h, w],
    truth [N, H, W] 0/1 -> [N]."""
    full = functional.interpolate(logits[:, None].float(), size=truth.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    entropy = functional.binary_cross_entropy_with_logits(full, truth, reduction="none", pos_weight=truth.new_tensor(object_weight)).flatten(1)
    hardest = entropy.topk(entropy.shape[1] // 4).values.mean(1)
    probability, target = torch.sigmoid(full).flatten(1), truth.flatten(1)
    dice = 1 - (2 * (probability * target).sum(1) + 1) / (probability.sum(1) + target.sum(1) + 1)
    return 0.5 * entropy.mean(1) + 0.5 * hardest + dice


@torch.no_grad()
def mask_iou(logits: Tensor, truth: Tensor) -> Tensor:
    """[N]; 0 where the object is absent (a score shown for an absent object should be low)."""
    predicted = mask_probability(logits.float())[:, 0] > 0.5
    present = truth > 0.5
    intersection = (predicted & present).flatten(1).sum(1)
    union = (predicted | present).flatten(1).sum(1)
    return intersection / union.clamp(min=1)


def score_loss(output: MaskOutput, iou: Tensor, truth: Tensor) -> Tensor:
    present = (truth.flatten(1).sum(1) > 0).float()
    quality = functional.binary_cross_entropy_with_logits(output.iou_logit.float(), iou, reduction="none")
    return quality + functional.binary_cross_entropy_with_logits(output.presence.float(), present, reduction="none")


class Trainer:
    """Owns network, average, optimiser and the run's folder."""

    def __init__(self, config: RunConfig, folder: Path, device: torch.device) -> None:
        self.config, self.folder, self.device = config, folder, device
        self.half = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
        """bfloat16 where the processor computes in it: emulated (AVX2 only) a step takes ten times as long as in float32."""
        torch.manual_seed(config.seed)
        self.random = np.random.default_rng(config.seed)
        self.network = CompactTracker(config.network)
        self.step, self.seconds, self.warm_from = 0, 0.0, 0
        folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint_path = folder / "checkpoint.pt"
        saved = self._newest()
        if saved is None:
            start_weights(self.network, config.start)
        else:
            self.network.load_state_dict(saved.get("latest", saved["network"]))
        if distributed.is_initialized():  # fitted starts may differ in the last bit between processes
            for tensor in self.network.state_dict().values():
                distributed.broadcast(tensor, 0)
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.parameters = self._parameter_groups()
        self.optimiser = torch.optim.AdamW(self.parameters, weight_decay=config.weight_decay)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        if saved is not None:
            self.average = {name: tensor.to(device) for name, tensor in saved["network"].items()}
            self.step, self.seconds = saved["step"], saved["seconds"]
            self.warm_from = saved.get("warm_from", 0 if "optimiser" in saved else self.step)
            if "optimiser" in saved:
                self.optimiser.load_state_dict(saved["optimiser"])
            self.random = np.random.default_rng((config.seed, self.step))
            torch.manual_seed(config.seed + self.step)

    def _newest(self) -> dict[str, Any] | None:
        """Where the run stands: this machine's checkpoint, or the committed state where that has trained longer. Without `optimiser` in it this starts anew."""
        saved = self._read_checkpoint()
        if not self.config.state:
            return saved
        path = REPOSITORY / self.config.state
        state = read_state(path)
        if state is None or (saved is not None and saved["seconds"] >= state["seconds"]):
            return saved
        if state["network_config"] != self.config.network.as_dict():
            raise ConfigMismatch(f"{path.name} holds another network; give the state of this run another name")
        take_up(path, state, self.folder)
        log.info("goes on from %s, step %d, with a new optimiser", path.name, state["step"])
        return state

    def _read_checkpoint(self) -> dict[str, Any] | None:
        if not self.checkpoint_path.exists():
            return None
        saved: dict[str, Any] = torch.load(self.checkpoint_path, map_location="cpu", weights_only=True)
        if saved["digest"] == self.config.digest():
            return saved
        if self.config.state and saved["network_config"] == self.config.network.as_dict():
            log.info("settings were changed at step %d; goes on from the averaged weights with a new optimiser", saved["step"])
            return {key: saved[key] for key in ("network", "step", "seconds")}
        raise ConfigMismatch(f"{self.checkpoint_path} belongs to another config; give this run another name or remove the folder")

    def _parameter_groups(self) -> list[dict[str, Any]]:
        config, network = self.config, self.network
        heads = [*network.prompt.parameters(), *network.score.parameters()]
        parts = {parameter for name in config.frozen for parameter in network.get_submodule(name).parameters()}
        alone = {"prompt": network.prompt, "score": network.score}.get(config.train)
        if alone is not None:
            for parameter in network.parameters():
                parameter.requires_grad_(False)
            for parameter in alone.parameters():
                parameter.requires_grad_(True)
            return [{"params": list(alone.parameters()), "lr": config.head_rate}]
        if config.encoder_rate == 0:
            network.encoder.frozen_blocks = len(network.encoder.blocks)
        # depthwise weights stay as ImageNet left them: their gradient is a quarter of a step's time on a CPU
        frozen = [*(network.get_submodule(name) for name in config.frozen), network.encoder.stem, *network.encoder.blocks[: network.encoder.frozen_blocks], *(block.depthwise for block in network.encoder.blocks)]
        for module in frozen:
            for parameter in module.parameters():
                parameter.requires_grad_(False)
        encoder = [parameter for parameter in network.encoder.parameters() if parameter.requires_grad]
        taken = {id(parameter) for parameter in (*heads, *network.encoder.parameters(), network.locality)}
        trunk = [parameter for parameter in network.parameters() if id(parameter) not in taken and parameter not in parts]
        return [
            *([{"params": encoder, "lr": config.encoder_rate}] if encoder else []),
            {"params": trunk, "lr": config.trunk_rate},
            {"params": [parameter for parameter in heads if parameter not in parts], "lr": config.head_rate},
            {"params": [network.locality], "lr": config.head_rate, "weight_decay": 0.0},
        ]

    def save(self) -> None:
        """Atomic: a kill or a full disk leaves the previous checkpoint."""
        going_on = {"latest": {name: tensor.cpu() for name, tensor in self.network.state_dict().items()}, "optimiser": self.optimiser.state_dict(), "warm_from": self.warm_from}
        self._write({**self._averaged(), **going_on}, self.checkpoint_path)

    def save_chosen(self) -> bool:
        """The averaged weights of now, for export."""
        return self._write(self._averaged(), self.folder / CHOSEN)

    def _averaged(self) -> dict[str, Any]:
        return {
            "digest": self.config.digest(),
            "run": self.config.run,
            "config": json.loads(json.dumps(asdict(self.config))),
            "network_config": self.config.network.as_dict(),
            "network": {name: tensor.cpu() for name, tensor in self.average.items()},
            "step": self.step,
            "seconds": self.seconds,
        }

    def _write(self, state: dict[str, Any], path: Path) -> bool:
        temporary = path.with_suffix(".part")
        try:
            torch.save(state, temporary)
            os.replace(temporary, path)
        except (OSError, RuntimeError) as error:
            log.error("%s not written, the last good one stays: %s", path.name, error)
            temporary.unlink(missing_ok=True)
            return False
        return True

    def averaged_network(self) -> CompactTracker:
        """A copy with the averaged weights, rounded as an export stores them."""
        network = CompactTracker(self.config.network)
        network.load_state_dict({name: tensor.cpu() for name, tensor in self.average.items()})
        round_to_half(network)
        return network

    def set_rates(self) -> None:
        progress = min(1.0, self.seconds / self.config.seconds)
        cosine = self.config.final_rate_share + (1 - self.config.final_rate_share) * 0.5 * (1 + math.cos(math.pi * progress))
        warm = min(1.0, (self.step - self.warm_from + 1) / WARM_STEPS)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * cosine * warm

    def update(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if distributed.is_initialized():
            self._average_gradients()
        torch.nn.utils.clip_grad_norm_([parameter for group in self.parameters for parameter in group["params"]], 1.0)
        self.optimiser.step()
        decay = min(self.config.average_decay, 1 - 1 / (1 + self.config.average_share * (1 + self.step)))
        with torch.no_grad():
            for name, tensor in self.network.state_dict().items():
                self.average[name].lerp_(tensor, 1 - decay)
        self.step += 1

    def _average_gradients(self) -> None:
        """Every process has its own clips and the same weights; one vector per step crosses between them."""
        parameters = [parameter for group in self.parameters for parameter in group["params"]]
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        for parameter, gradient in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = gradient.view_as(parameter)

    def run_step(self, batch: dict[str, Tensor]) -> dict[str, float]:
        self.set_rates()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            loss, figures = self.prompt_step(batch) if self.config.train == "prompt" else self.clip_step(batch)
        self.update(loss)
        return {"loss": float(loss.detach()), **figures}

    # ---- one step of clip training --------------------------------------------------------------------------------------------------------------

    def clip_step(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        config, network = self.config, self.network
        frames = batch["frames"].to(self.device)
        truth = batch["masks"].to(self.device).float()
        clips, steps, height, width = truth.shape
        image = frames.flatten(0, 1).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        at = network.encode(image).by_step(clips)

        prompted = network.first_mask(at[0], batch["prompts"].to(self.device).float() / 255)
        prompted_iou = mask_iou(prompted.logits, truth[:, 0])
        prompt_loss = (mask_loss(prompted.logits, truth[:, 0]) + config.score_weight * score_loss(prompted, prompted_iou, truth[:, 0])).mean()

        first = network.drawn(truth[:, 0][:, None])
        own = (torch.from_numpy(self.random.random(clips) < config.prompt_as_memory).to(self.device)) & (prompted_iou > 0.6)
        first = torch.where(own[:, None, None, None], network.remembered(prompted.logits.detach().float()), first)
        keys, values = [at[0].key], [network.memorise(at[0], first)]
        scores = [torch.ones(clips, device=self.device)]
        losses, ious = [], []
        for step in range(1, steps):
            chosen, valid = self._choose(scores)
            with torch.autocast(self.device.type, enabled=False):
                readout = network.read(
                    at[step],
                    torch.stack([keys[index].float() for index in chosen], 1),
                    torch.stack([values[index].float() for index in chosen], 1),
                    torch.stack([scores[index] for index in chosen], 1),
                    valid,
                )
            output = network.decode(at[step], readout, leaning=config.train == "score")  # scores are of the masks that the product shows
            iou = mask_iou(output.logits, truth[:, step])
            present = truth[:, step].flatten(1).sum(1) > 0
            weight = torch.where(present, 1.0, config.absent_mask_weight)
            losses.append(weight * mask_loss(output.logits, truth[:, step], config.object_weight) + config.score_weight * score_loss(output, iou, truth[:, step]))
            ious.append(torch.where(present, iou, torch.full_like(iou, float("nan"))))
            if step < steps - 1:
                mask = self._corrupt(network.remembered(output.logits.float()))
                keys.append(at[step].key)
                values.append(network.memorise(at[step], mask))
                scores.append(output.iou.detach().float())
        with torch.autocast(self.device.type, enabled=False):
            peak = network.reading_peak(at[-1], keys[0].float())
        loss = torch.stack(losses).mean() + config.prompt_weight * prompt_loss + config.peak_weight * (peak - config.peak_limit).relu()
        iou_table = torch.stack(ious)
        figures = {
            "iou": float(iou_table.nanmean()),
            "last": float(iou_table[-1].nanmean()),
            "prompt": float(prompted_iou.mean()),
            "peak": float(peak.detach()),
        }
        return loss, figures

    def _choose(self, scores: list[Tensor]) -> tuple[list[int], Tensor]:
        """Bank for the next frame: the prompt entry and a random part of the newest entries; [clips, M] validity after the gate."""
        newest = range(max(1, len(scores) - self.config.slots + 1), len(scores))
        keep = [index for index in newest if self.random.random() > self.config.memory_drop * (0.5 if index == len(scores) - 1 else 1.0)]
        chosen = [0, *keep]
        valid = torch.ones(len(scores[0]), len(chosen), device=self.device)
        for column, index in enumerate(chosen[1:], 1):
            refused = (scores[index] < self.config.gate) & torch.from_numpy(self.random.random(len(scores[0])) < 0.8).to(self.device)
            valid[:, column] = (~refused).float()
        return chosen, valid

    def _corrupt(self, mask: Tensor) -> Tensor:
        """Now and then what is remembered is shifted, empty or another object's."""
        for index in range(mask.shape[0]):
            if self.random.random() >= self.config.memory_corrupt:
                continue
            kind = int(self.random.integers(3))
            spoiled = mask.clone()
            if kind == 0:
                reach = 12 // self.config.network.mask_stride
                shift = self.random.integers(-reach, reach + 1, 2)
                spoiled[index] = torch.roll(mask[index], (int(shift[0]), int(shift[1])), (-2, -1))
            elif kind == 1:
                spoiled[index] = 0
            else:
                spoiled[index] = mask[(index + 1) % mask.shape[0]]
            mask = spoiled
        return mask

    # ---- one step of prompt training ------------------------------------------------------------------------------------------------------------

    def prompt_step(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        config, network = self.config, self.network
        truth = batch["masks"][:, 0].to(self.device).float()
        with torch.no_grad():
            features: FrameFeatures = network.encode(batch["frames"][:, 0].to(self.device).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last))
        planes = batch["prompts"].clone()
        losses, figures = [], {}
        rounds = int(self.random.integers(1, config.corrections + 2))
        for turn in range(rounds):
            output = network.first_mask(features, planes.to(self.device).float() / 255)
            iou = mask_iou(output.logits, truth)
            losses.append((mask_loss(output.logits, truth) + config.score_weight * score_loss(output, iou, truth)).mean())
            figures[f"iou{turn}"] = float(iou.mean())
            if turn + 1 < rounds:
                predicted = (mask_probability(output.logits.detach().float())[:, 0] > 0.5).cpu().numpy()
                array = planes.numpy()
                for index in range(len(array)):
                    correct(array[index], predicted[index], batch["masks"][index, 0].numpy(), self.random)
        return torch.stack(losses).mean(), figures


def start_weights(network: CompactTracker, start: str) -> None:
    kind, _, where = start.partition(":")
    path = (REPOSITORY / where).resolve()
    if kind == "random":
        return
    if kind == "imagenet":
        load_imagenet(network)
    elif kind == "model":
        load_from_onnx(network, path)
    elif kind == "thinned":
        thin_from_model(network, path)
    elif kind == "checkpoint":
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["network"])
    elif kind == "experiment":
        load_experiment(network, path)
    else:
        raise ValueError(f"start must be random, imagenet, model:, thinned:, checkpoint: or experiment:, not {start!r}")


def add_point(trainer: Trainer, root: Path) -> None:
    """Measures the averaged weights (before the first point also the run's start) and keeps them where they are chosen; the curve says so only when they are on disk."""
    config, folder = trainer.config, trainer.folder

    def measure_start() -> dict[str, float]:
        network = CompactTracker(config.network)
        start_weights(network, config.start)
        return measure(network, root)

    curve = Curve.read(folder)
    curve.floor = config.floor
    curve.begin(fingerprint(root), measure_start)
    point, before = Point(trainer.step, round(trainer.seconds), measure(trainer.averaged_network(), root)), curve.chosen
    if curve.add(point) and not trainer.save_chosen():
        curve.chosen = before
    curve.write(folder)
    figures = {"step": point.step, "mean": round(point.mean, 4), **point.j, "broken": point.broken(curve.baseline, curve.floor), "chosen": curve.chosen}
    log.info("%s from %s", figures, curve.baseline)


def train(config: RunConfig, sources: Sources, folder: Path, device: torch.device, call_seconds: float = math.inf, workers: int = 1, measure_last: bool = False) -> Trainer:
    """Runs until the config's seconds are used up or this call's are. `measure_last`: the weights at the end of the call are a point of the curve too."""
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    trainer = Trainer(config, folder, device)
    trainer.random = np.random.default_rng((config.seed, trainer.step, rank))
    frames = 1 if config.train == "prompt" else config.clip_frames
    batches = ClipBatches(sources, config.mix, config.batch, frames, [(height, width) for height, width in config.sizes], config.seed + 1000 * rank, trainer.step)
    loader = DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=6 if workers else None, multiprocessing_context="fork" if workers else None)
    recent: list[dict[str, float]] = []
    measures = config.validate_seconds > 0 and rank == 0
    measured_at = trainer.seconds
    started = saved = last = time.monotonic()
    worked_before = _worked_seconds(device)
    with (folder / "log.jsonl").open("a") as log_file:
        for batch in loader:
            waited = time.monotonic() - last
            figures = trainer.run_step(batch)
            now, worked = time.monotonic(), _worked_seconds(device)
            trainer.seconds = _from_first(trainer.seconds + worked - worked_before)
            last, worked_before = now, worked
            recent.append({**figures, "wait": waited})
            if trainer.step % config.log_steps == 0 and rank == 0:
                keys = sorted({key for entry in recent for key in entry})
                means = {key: float(np.nanmean([entry[key] for entry in recent if key in entry])) for key in keys}
                means = {key: round(value, 4) for key, value in means.items()}
                line = {"step": trainer.step, "seconds": round(trainer.seconds), **means, "anchor": round(trainer.network.anchor.item(), 3), "trust": round(trainer.network.trust.item(), 3), "locality": [round(v, 3) for v in trainer.network.locality.tolist()]}
                print(json.dumps(line), file=log_file, flush=True)
                log.info("%s", line)
                recent = []
            if now - saved > config.checkpoint_seconds:
                if rank == 0:
                    trainer.save()
                saved = time.monotonic()
            if measures and trainer.seconds - measured_at >= config.validate_seconds:
                trainer.save()
                add_point(trainer, data_root())
                measured_at, last, worked_before = trainer.seconds, time.monotonic(), _worked_seconds(device)
            if _all_agree(trainer.seconds >= config.seconds or time.monotonic() - started >= call_seconds):
                break
    if rank == 0:
        trainer.save()
    if measures and measure_last and trainer.seconds > measured_at:
        add_point(trainer, data_root())
    return trainer


def _worked_seconds(device: torch.device) -> float:
    """What the budget is counted in. On a CPU the time that this process computed, per thread: what else the machine does, or a stopped process,
    takes nothing from the run, so that two runs of one budget can be compared."""
    return time.process_time() / torch.get_num_threads() if device.type == "cpu" else time.monotonic()


def _from_first(value: float) -> float:
    """The first process's value for all: rates that follow each one's own clock would let the weights drift apart."""
    if not distributed.is_initialized():
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    distributed.broadcast(shared, 0)
    return float(shared.item())


def _all_agree(stop: bool) -> bool:
    """The first process decides for all, so that none waits for gradients that never come."""
    if not distributed.is_initialized():
        return stop
    decision = torch.tensor([float(stop)])
    distributed.broadcast(decision, 0)
    return bool(decision.item())


def _process(rank: int, processes: int, meeting: str, threads: int, run: Callable[[], object]) -> None:
    torch.set_num_threads(threads)
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", force=True)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=processes)
    run()
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--call-seconds", type=float, default=math.inf, help="end this call after so long; the next one goes on")
    parser.add_argument("--measure-last", action="store_true", help="measure the weights at the end of this call too (a config with validate_seconds)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="per process; more than one pays only on an idle machine")
    parser.add_argument("--processes", type=int, default=1, help="data-parallel processes on a CPU; gradients are averaged every step")
    parser.add_argument("--workers", type=int, default=1, help="processes that make clips")
    parser.add_argument("--teacher", type=Path, help="folder of <sequence>/{frames,masks} whose masks a larger model made")
    parser.add_argument("--runs", type=Path, default=WORK)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    config = read_config(arguments.config)
    sources = load_sources(data_root(), teacher=arguments.teacher)
    log.info("%d sequences, %d stills, %d samples skipped", len(sources.videos), len(sources.stills), len(sources.skipped))

    def run() -> None:
        train(config, sources, arguments.runs / config.run, torch.device(arguments.device), arguments.call_seconds, arguments.workers, arguments.measure_last)

    if arguments.processes == 1:
        torch.set_num_threads(arguments.threads)
        run()
        return
    with tempfile.TemporaryDirectory() as temporary:  # forked: the data in memory is shared
        multiprocessing.start_processes(_process, (arguments.processes, f"{temporary}/meeting", arguments.threads, run), nprocs=arguments.processes, start_method="fork")


if __name__ == "__main__":
    main()
