"""A narrower network from a trained one: the start of a run whose per-object blocks are half as wide.

Each residual block of the memory encoder and the decoder keeps the hidden channels that carry most (root mean square of the channel's activation times the
norm of the weights that read it, over real training frames); the mask encoder that now starts at stride 4 is fitted to give what the old one gave. Training
then closes the gap. Structured pruning by magnitude after Li et al. 2017 (Pruning Filters for Efficient ConvNets), with activations counted in.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from models.train.data.clips import ClipBatches, MixConfig
from models.train.data.sources import load_sources
from models.train.network import CompactTracker, MaskEncoder, NetworkConfig, ResidualBlock
from models.train.paths import data_root
from models.train.weights import load_from_onnx

log = logging.getLogger("models.train.thin")

BLOCKS = ("memory1", "memory2", "fuse1", "fuse2", "upsampler.block8", "upsampler.block4")
CALIBRATION_BATCHES = 12
FIT_STEPS = 600


def thin_from_model(network: CompactTracker, folder: Path) -> None:
    """Fills `network` (hidden_share < 1, mask_stride 1 or 4) from the wider model in `folder`. ValueError where other sizes differ too."""
    values = json.loads((folder / "model.json").read_text())["training"]["network"]
    wide = CompactTracker(NetworkConfig(**values))
    load_from_onnx(wide, folder)
    thin(wide, network)


def thin(wide: CompactTracker, network: CompactTracker) -> None:
    batches = iter(ClipBatches(load_sources(data_root()), MixConfig(), 4, 3, [(224, 352)], 7))
    samples = [next(batches) for _ in range(CALIBRATION_BATCHES)]
    activity = _hidden_activity(wide.eval(), samples)
    state = {name: tensor.clone() for name, tensor in wide.state_dict().items()}
    for name in BLOCKS:
        block = wide.get_submodule(name)
        assert isinstance(block, ResidualBlock)
        target = network.get_submodule(name)
        assert isinstance(target, ResidualBlock)
        importance = activity[name] * block.second.weight.detach().flatten(2).norm(dim=(0, 2))
        keep = importance.topk(target.second.in_channels).indices.sort().values
        log.info("%s keeps %d of %d channels, %.0f %% of what they carry", name, len(keep), len(importance), 100 * float(importance[keep].sum() / importance.sum()))
        state[f"{name}.first.weight"] = block.first.weight.detach()[keep]
        assert block.first.bias is not None
        state[f"{name}.first.bias"] = block.first.bias.detach()[keep]
        if block.first_shared is not None:
            state[f"{name}.first_shared.weight"] = block.first_shared.weight.detach()[keep]
        state[f"{name}.second.weight"] = block.second.weight.detach()[:, keep]
    if network.config.mask_stride != wide.config.mask_stride:
        for name in [name for name in state if name.startswith("memory_planes.")]:
            del state[name]
        fitted = _fit_mask_encoder(wide.memory_planes, network.memory_planes, samples)
        state |= {f"memory_planes.{name}": tensor for name, tensor in fitted.state_dict().items()}
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"only hidden widths and the mask encoder may differ: {error}") from error


@torch.no_grad()
def _hidden_activity(wide: CompactTracker, samples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Root mean square of every hidden channel (after the ReLU) of the thinned blocks, over one tracked frame per clip."""
    sums: dict[str, list[Tensor]] = {name: [] for name in BLOCKS}
    hooks = []
    for name in BLOCKS:
        block = wide.get_submodule(name)
        assert isinstance(block, ResidualBlock)

        def record(module: nn.Module, inputs: tuple[Tensor, ...], where: str = name) -> None:
            sums[where].append(inputs[0].square().mean((0, 2, 3)))

        hooks.append(block.second.register_forward_pre_hook(record))
    for sample in samples:
        image = sample["frames"].flatten(0, 1).permute(0, 3, 1, 2).float()
        first, second, *_ = wide.encode(image).by_step(len(sample["frames"]))
        value = wide.memorise(first, wide.drawn(sample["masks"][:, 0][:, None].float()))
        one = torch.ones(len(value), 1)
        output = wide.decode(second, wide.read(second, first.key[:, None], value[:, None], one, one))
        wide.memorise(second, wide.remembered(output.logits))
    for hook in hooks:
        hook.remove()
    return {name: torch.stack(parts).mean(0).sqrt() for name, parts in sums.items()}


def _fit_mask_encoder(old: MaskEncoder, new: MaskEncoder, samples: list[dict[str, Tensor]]) -> MaskEncoder:
    """The stride-4 encoder learns to say what the old one said about the same masks, shifted and mirrored at random."""
    new.layers[1].load_state_dict(old.layers[2].state_dict())
    new.layers[2].load_state_dict(old.layers[3].state_dict())
    masks = torch.cat([sample["masks"].flatten(0, 1) for sample in samples])[:, None].float()
    random = np.random.default_rng(3)
    optimiser = torch.optim.Adam(new.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, FIT_STEPS)
    unexplained = 1.0
    for _ in range(FIT_STEPS):
        mask = masks[torch.from_numpy(random.integers(0, len(masks), 6))]
        mask = torch.roll(mask, tuple(int(shift) for shift in random.integers(-60, 60, 2)), (-2, -1))
        soft = functional.interpolate(functional.avg_pool2d(mask, 4), scale_factor=4, mode="bilinear", align_corners=False)
        with torch.no_grad():
            wanted = old(torch.cat([soft, (soft > 0.5).float()], 1) * 2 - 1)
        small = functional.avg_pool2d(mask, 4)
        given = new(torch.cat([small, (small > 0.5).float()], 1) * 2 - 1)
        error = functional.mse_loss(given, wanted)
        unexplained = float(error.detach() / wanted.var())
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        schedule.step()
    log.info("mask encoder at stride 4: %.1f %% of the old one's variance left unexplained", 100 * unexplained)
    return new
