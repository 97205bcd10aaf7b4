"""Weighted mean of checkpoints of one network that share their start (Wortsman et al. 2022, Robust fine-tuning / Model soups).

    python -m models.train.average --out OUT.pt RUN/checkpoint.pt=0.7 OTHER/checkpoint.pt=0.3
    python -m models.train.average --out OUT.pt --model models/compact=0.4 RUN/checkpoint.pt=0.6

`--model FOLDER=SHARE` adds the start of a run with `start = "model:FOLDER"`. (A start by `thinned:` is not the same bit for bit when made again, and an
average with a remade one is worse than either: keep its checkpoint.) The result is a checkpoint that `models.export.export` and `start =
"checkpoint:…"` take; it has no optimiser state. ValueError where shares do not sum to one or the networks differ.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from models.train.network import CompactTracker, NetworkConfig
from models.train.weights import load_from_onnx


def split(text: str) -> tuple[Path, float]:
    path, _, share = text.rpartition("=")
    return Path(path), float(share)


def average(parts: list[tuple[dict[str, Any], float]], only: str = "") -> dict[str, Any]:
    """Checkpoints (with `network`, `network_config`, `run`) and their shares -> checkpoint. `only`: weights whose name begins so; the rest is the first's."""
    if abs(sum(share for _, share in parts) - 1) > 1e-6:
        raise ValueError("shares must sum to one")
    first = parts[0][0]
    config = NetworkConfig(**first["network_config"])
    if any(NetworkConfig(**part["network_config"]) != config for part, _ in parts):
        raise ValueError("checkpoints of different networks cannot be averaged")
    network = {name: sum(share * part["network"][name].float() for part, share in parts) if name.startswith(only) else tensor for name, tensor in first["network"].items()}
    made_of = [{"run": part["run"], "steps": part["step"], "share": share, **({"only": only} if only else {})} for part, share in parts]
    longest = max((part for part, _ in parts), key=lambda part: part["step"])
    return {**{key: longest[key] for key in ("network_config", "step", "seconds", "config")}, "run": longest["run"], "average_of": made_of, "network": network}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=split, metavar="CHECKPOINT=SHARE")
    parser.add_argument("--model", type=split, metavar="FOLDER=SHARE")
    parser.add_argument("--only", default="", metavar="PREFIX", help="average only weights whose name begins so, take the rest from the first checkpoint")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    parts = [(torch.load(path, map_location="cpu", weights_only=True), share) for path, share in arguments.checkpoints]
    if arguments.model:
        folder, share = arguments.model
        config = parts[0][0]["network_config"]
        network = CompactTracker(NetworkConfig(**config))
        load_from_onnx(network, folder)
        parts.append(({"network": network.state_dict(), "network_config": config, "run": f"model:{folder}", "step": 0, "seconds": 0.0, "config": {}}, share))
    torch.save(average(parts, arguments.only), arguments.out)
    print(arguments.out, [(part["run"], share) for part, share in parts])


if __name__ == "__main__":
    main()
