"""Milliseconds per frame of `track.onnx` by input size, slots, pooling, threads and number of objects. Stop other work on the machine first.

    python -m models.train.speed --model models/compact --out models/compact/speed.json [--sizes 256x448 224x384] [--slots 7 5] [--threads 2 1] [--full-memory] [--int8]

Each combination is exported from the same weights to a temporary folder; a run is one fused call (frame in, masks and new memory entries out). Int8 rows
are quantised on a made-up input: right for the time, useless for masks (`models/export/quantise.py` makes the real edition).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from models.export.graphs import INPUTS, Geometry, example_inputs, export_graph
from models.export.quantise import quantise_graph
from models.train.network import CompactTracker, NetworkConfig
from models.train.runtime import open_graph
from models.train.weights import load_from_onnx, round_to_half

OBJECTS = (1, 2, 4, 8)


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def time_graph(path: Path, network: CompactTracker, geometry: Geometry, threads: int, runs: int) -> tuple[dict[str, float], dict[str, float]]:
    """-> median and fastest milliseconds by number of objects; the fastest is near what an idle machine gives when other work disturbs the median."""
    session = open_graph(path, threads)
    median, fastest = {}, {}
    for objects in OBJECTS:
        feeds = {name: tensor.numpy() for name, tensor in zip(INPUTS["track"], example_inputs("track", network, geometry, objects), strict=True)}
        for _ in range(3):
            session.run(None, feeds)
        taken = []
        for _ in range(runs):
            started = time.perf_counter()
            session.run(None, feeds)
            taken.append((time.perf_counter() - started) * 1000)
        median[str(objects)] = round(float(np.median(taken)), 2)
        fastest[str(objects)] = round(min(taken), 2)
    return median, fastest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=["256x448", "224x384", "192x352", "256x256", "320x576"])
    parser.add_argument("--slots", nargs="+", type=int, default=[7])
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--full-memory", action="store_true", help="time unpooled recent entries as well")
    parser.add_argument("--int8", action="store_true", help="time an eight-bit edition of each graph as well")
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    raw = json.loads((arguments.model / "model.json").read_text())
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for pooled in (True, False) if arguments.full_memory else (raw["training"]["network"]["pool_recent"],):
            network = CompactTracker(NetworkConfig(**{**raw["training"]["network"], "pool_recent": pooled})).eval()
            load_from_onnx(network, arguments.model)
            round_to_half(network)
            for size in arguments.sizes:
                height, width = (int(side) for side in size.split("x"))
                for slots in arguments.slots:
                    geometry = Geometry(height, width, slots)
                    path = Path(temporary) / "track.onnx"
                    export_graph("track", network, geometry, path)
                    graphs = {"fp32": path}
                    if arguments.int8:
                        graphs["int8"] = path.with_name("track-int8.onnx")
                        feeds = {name: tensor.numpy() for name, tensor in zip(INPUTS["track"], example_inputs("track", network, geometry, 1), strict=True)}
                        quantise_graph(path, [feeds], graphs["int8"], percentile=None)
                    for precision, threads in itertools.product(graphs, arguments.threads):
                        times, fastest = time_graph(graphs[precision], network, geometry, threads, arguments.runs)
                        further = (fastest["8"] - fastest["1"]) / 7
                        row = {"input": size, "slots": slots, "memory": "pooled" if pooled else "full", "precision": precision, "threads": threads}
                        row |= {"ms_by_objects": times, "fastest_ms_by_objects": fastest, "fastest_ms_each_further": round(further, 2)}
                        rows.append(row)
                        print(row, flush=True)
    result = {
        "machine": {"processor": processor(), "python": platform.python_version(), "onnxruntime": onnxruntime.__version__},
        "date": time.strftime("%Y-%m-%d"),
        "model": raw["graphs"]["track"]["sha256"],
        "runs": arguments.runs,
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "rows": rows,
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
