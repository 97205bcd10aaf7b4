"""Runs the ablations and writes their figures: each a run of the same budget, exported and validated like the model itself.

    python -m models.train.ablate --out models/compact/ablations.json [--processes 2] [--only NAME ...]

Configs are `history/configs/ablation-*.toml`. A run that is finished is not trained again, a figure that is in the file is not measured again, so a
stopped call goes on where it was. Figures: J on natural video, robotic instruments and vocal folds, Dice on procedural echo; first mask given.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from models.export.export import export_folder
from models.export.graphs import Geometry
from models.train.config import read_config
from models.train.network import CompactTracker, NetworkConfig
from models.train.paths import REPOSITORY, WORK, data_root
from models.train.validate import validate

CONFIGS = REPOSITORY / "models/train/history/configs"
NAMES = ("baseline", "no-prompt-readout", "no-gate", "no-echo", "clips-of-4", "hard-reading", "imagenet", "random")
POLICIES = {"no-gate": "sam2"}
GEOMETRY = Geometry(224, 384, 7)
FIGURES = {"natural": "j", "robotic": "j", "vocal-folds": "j", "echo": "dice"}


def train(name: str, processes: int, runs: Path) -> Path:
    """-> the finished run's checkpoint."""
    config = CONFIGS / f"ablation-{name}.toml"
    command = [sys.executable, "-m", "models.train.train", "--config", str(config), "--processes", str(processes), "--threads", "1", "--runs", str(runs)]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    return runs / read_config(config).run / "checkpoint.pt"


def measure(name: str, checkpoint: Path) -> dict[str, Any]:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        network = CompactTracker(NetworkConfig(**state["network_config"]))
        network.load_state_dict(state["network"])
        export_folder(network, GEOMETRY, folder, "0.0.0", None, {})
        report, _ = validate(folder, data_root(), POLICIES.get(name), tuple(FIGURES), prompts=False, absence=False)
    figures = {key: report["sets"][key][figure] for key, figure in FIGURES.items()}
    late = report["sets"]["natural"].get("late_over_early")
    return {"steps": state["step"], "seconds": round(state["seconds"]), **figures, "natural_late_over_early": late}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=NAMES, default=list(NAMES))
    parser.add_argument("--runs", type=Path, default=WORK)
    arguments = parser.parse_args()
    done: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for name in arguments.only:
        if name in done:
            continue
        done[name] = measure(name, train(name, arguments.processes, arguments.runs))
        arguments.out.write_text(json.dumps(done, indent=1) + "\n")
        print(name, json.dumps(done[name]), flush=True)


if __name__ == "__main__":
    main()
