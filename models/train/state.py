"""The state of a long run that outlasts a machine: its weights in half precision, one file, and a small JSON with time, steps and validation curve.

    python -m models.train.state --config models/train/configs/compact-1.0.toml     writes both from the run's folder, to be committed

Only what the repository holds comes along to the next machine. A run whose config names a `state` goes on from it where it is further than the machine's own
checkpoint, or where that is missing. The optimiser is not kept (it is twice the size of the weights): it starts anew and warms up.

Which weights are kept: the newest, so that no training is lost. Where the last validation broke a floor, the chosen ones: forgetting is not carried on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch

from models.train.config import RunConfig, read_config
from models.train.curve import Curve
from models.train.paths import REPOSITORY, WORK
from models.train.weights import HALF_MIN_ELEMENTS

MAX_BYTES = 12_000_000
CHOSEN = "chosen.pt"


def description_path(state: Path) -> Path:
    return state.with_suffix(".json")


def write_state(path: Path, checkpoint: dict[str, Any], curve: dict[str, Any]) -> None:
    """`checkpoint`: `network` (weights by name), `network_config`, `run`, `step`, `seconds`, `config`. Large weights are stored in half precision, which is also what the
    exported graphs hold. ValueError above 12 MB or where a weight is not a finite number; the file that was there stays then."""
    network = {name: tensor.detach().cpu() for name, tensor in checkpoint["network"].items()}
    halved = {name: tensor.half() if tensor.is_floating_point() and tensor.numel() >= HALF_MIN_ELEMENTS else tensor.clone() for name, tensor in network.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in halved.values()):
        raise ValueError(f"{checkpoint['run']}, step {checkpoint['step']}: a weight is not a finite number in half precision; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    try:
        torch.save({"network": halved, **{key: checkpoint[key] for key in ("network_config", "run", "step", "seconds", "config")}}, temporary)
        size = temporary.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"{path.name} would have {size} bytes, more than {MAX_BYTES}")
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    description = {"run": checkpoint["run"], "step": checkpoint["step"], "seconds": round(checkpoint["seconds"]), "sha256": digest, **curve}
    description_path(path).write_text(json.dumps(description, indent=1) + "\n")


def read_state(path: Path) -> dict[str, Any] | None:
    """What `write_state` wrote, weights as float32; None where there is none. ValueError where file and description do not belong together (a commit of one
    without the other): a curve that is not the weights' would let the wrong ones be chosen."""
    if not path.exists():
        return None
    description = json.loads(description_path(path).read_text())
    if hashlib.sha256(path.read_bytes()).hexdigest() != description["sha256"]:
        raise ValueError(f"{path.name} and {description_path(path).name} do not belong together; take both from one commit")
    saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    saved["network"] = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in saved["network"].items()}
    return saved


def lasting(folder: Path) -> Path:
    """The checkpoint of a run's folder that is to last: the newest, but the chosen one where the last validation broke a floor."""
    curve = Curve.read(folder)
    chosen = folder / CHOSEN
    return chosen if curve.points and curve.points[-1].broken(curve.baseline, curve.floor) and chosen.exists() else folder / "checkpoint.pt"


def keep_state(config: RunConfig, folder: Path, path: Path) -> None:
    source = lasting(folder)
    write_state(path, torch.load(source, map_location="cpu", weights_only=True), Curve.read(folder).as_dict())
    print(f"{path.name}: {config.run} from {source.name}")


def take_up(path: Path, state: dict[str, Any], folder: Path) -> None:
    """The curve of a state goes on in this machine's folder. Chosen weights came along only where they are the state's own; where they stayed behind there is
    nothing that could be used, so the next point is chosen against the start alone."""
    curve = Curve.from_dict(json.loads(description_path(path).read_text()))
    (folder / CHOSEN).unlink(missing_ok=True)
    if curve.chosen == state["step"]:
        torch.save(state, folder / CHOSEN)
    else:
        curve.chosen = None
    curve.write(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=WORK)
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    if not config.state:
        parser.error(f"{arguments.config.name} names no state")
    keep_state(config, arguments.runs / config.run, REPOSITORY / config.state)


if __name__ == "__main__":
    main()
