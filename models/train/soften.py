"""Makes the reading of memory soft again where training has let it become a choice of one token.

    python -m models.train.soften --checkpoint CHECKPOINT.pt --out OUT.pt [--keys 0.15] [--shrinkage 0.01] [--locality 0.1 0.6]

The similarity of a query and a memory token is shrinkage * distance^2. Nothing keeps either small: in compact 0.6.0 the shrinkage was about 11,000 and the best
token led the second by a million, so that the softmax chose one token with weight 1, no gradient reached keys, shrinkage, selection, trust, anchor
and locality, and none of the last three had any effect. This scales the weights of keys (and with them the queries) and of the shrinkage; the order of
the tokens stays, their weights become comparable, locality (prompt entry, recent entries) begins to matter, and training goes on from there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch


def soften(state: dict[str, Any], keys: float, shrinkage: float, locality: tuple[float, float]) -> dict[str, Any]:
    """Checkpoint -> checkpoint with the key weights times `keys`, the shrinkage weights times `shrinkage`, and this locality."""
    factors = {"key.": keys, "shrinkage.": shrinkage}
    network = {name: tensor * next((factor for prefix, factor in factors.items() if name.startswith(prefix)), 1.0) for name, tensor in state["network"].items()}
    network["locality"] = torch.tensor(locality)
    return {**state, "network": network, "softened": {"keys": keys, "shrinkage": shrinkage, "locality": list(locality)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keys", type=float, default=0.15)
    parser.add_argument("--shrinkage", type=float, default=0.01)
    parser.add_argument("--locality", type=float, nargs=2, default=(0.1, 0.6), metavar=("PROMPT", "RECENT"))
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    torch.save(soften(state, arguments.keys, arguments.shrinkage, tuple(arguments.locality)), arguments.out)


if __name__ == "__main__":
    main()
