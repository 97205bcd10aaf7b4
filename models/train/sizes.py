"""J on the real validation sets by input size, slots and memory resolution: the accuracy beside the times of `models.train.speed`.

    python -m models.train.sizes --model models/compact --out models/compact/sizes.json [--sizes 256x448 320x320 ...] [--slots 5 3]

Every row has the same weights. `--sizes` are run with the model's own slots and memory; `--slots` and unpooled recent entries at the model's own size. A size that
is already in `--out` for the same weights is not run again, so that a killed run goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from models.export.export import export_folder
from models.export.graphs import Geometry
from models.train.network import CompactTracker, NetworkConfig
from models.train.paths import data_root
from models.train.validate import REAL_SETS, validate
from models.train.weights import load_from_onnx

Combination = tuple[str, int, str]  # input as height x width, slots, memory "pooled" or "full"


def combinations(manifest: dict[str, Any], sizes: list[str], slots: list[int]) -> list[Combination]:
    own_size = f"{manifest['input']['height']}x{manifest['input']['width']}"
    own_slots, pooled = manifest["memory"]["slots"], manifest["training"]["network"]["pool_recent"]
    memory, other = ("pooled", "full") if pooled else ("full", "pooled")
    return [*((size, own_slots, memory) for size in dict.fromkeys([own_size, *sizes])), *((own_size, number, memory) for number in slots), (own_size, own_slots, other)]


def accuracy(model: Path, manifest: dict[str, Any], combination: Combination, root: Path) -> dict[str, Any]:
    size, slots, memory = combination
    height, width = (int(side) for side in size.split("x"))
    network = CompactTracker(NetworkConfig(**{**manifest["training"]["network"], "pool_recent": memory == "pooled"}))
    load_from_onnx(network, model)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        export_folder(network, Geometry(height, width, slots), folder, manifest["version"], manifest["calibration"])
        report, _ = validate(folder, root, sets=REAL_SETS, prompts=False, absence=False)
    j = {name: {"j": report["sets"][name]["j"], "f": report["sets"][name]["f"]} for name in REAL_SETS}
    return {"input": size, "slots": slots, "memory": memory, "sets": j}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=["256x448", "192x352", "256x256", "320x320", "384x384", "448x448"])
    parser.add_argument("--slots", nargs="+", type=int, default=[5, 3])
    arguments = parser.parse_args()
    manifest = json.loads((arguments.model / "model.json").read_text())
    weights = manifest["graphs"]["track"]["sha256"]
    result: dict[str, Any] = {"model": weights, "rows": []}
    if arguments.out.exists() and (before := json.loads(arguments.out.read_text()))["model"] == weights:
        result = before
    done = {(row["input"], row["slots"], row["memory"]) for row in result["rows"]}
    for combination in combinations(manifest, arguments.sizes, arguments.slots):
        if combination in done:
            continue
        result["rows"].append(accuracy(arguments.model, manifest, combination, data_root()))
        print(result["rows"][-1], flush=True)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
