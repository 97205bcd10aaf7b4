"""The validation curve of a run, kept while it trains: J of every domain on a few frames, and which of the measured weights are the ones to use.

The rule: of all points at which no domain lies more than `floor` below where the run started, the one with the highest mean over the domains, if that mean is above
the start's. Domains count alike, however many sequences they have: a run that pays for natural video with laryngoscopies is not chosen, and one sees it in
the log while it happens.

Measured with the network itself behind the reference loop, at the product's input size and policy: one start, few frames, some minutes on one slow core. It orders
the points of one run; the figures of a model are those of `models.train.validate`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from models.export.export import MIN_CONFIDENCE
from models.export.graphs import INPUTS, Geometry, PromptGraph, TrackGraph
from models.train.network import CompactTracker
from models.train.track_reference import Array, Manifest, ReferenceTracker
from models.train.validate import Sequence, sequences, track

GEOMETRY = Geometry(320, 576)
"""Of `models/compact`."""


@dataclass(frozen=True)
class Probe:
    """What is measured of a domain: of its first `sequences` sequences `frames` frames each, one of `every` (the first with the given mask)."""

    domain: str
    sequences: int
    frames: int
    every: int


PROBES = (
    Probe("natural", 4, 21, 3),
    Probe("robotic", 1, 41, 4),
    Probe("vocal-folds", 1, 40, 1),
    Probe("carotid", 5, 13, 2),
    Probe("echo", 4, 13, 3),
    Probe("mucosa", 6, 13, 1),
)
"""Fewer frames than the sequences have, spread over them: what is lost late is lost after some pictures of any kind, and a larger step is the harder one."""


class TorchSession:
    """A network as the reference loop sees an ONNX Runtime session."""

    def __init__(self, graph: str, network: CompactTracker) -> None:
        self.names = INPUTS[graph]
        self.module = (PromptGraph if graph == "prompt" else TrackGraph)(network).eval()

    @torch.inference_mode()
    def run(self, outputs: None, feeds: dict[str, Array]) -> list[Array]:
        return [tensor.numpy() for tensor in self.module(*(torch.from_numpy(feeds[name]) for name in self.names))]


def reference_tracker(network: CompactTracker, geometry: Geometry = GEOMETRY) -> ReferenceTracker:
    """The reference loop around a network in memory (on the CPU), with the policy that its export would have."""
    config = network.config
    manifest = Manifest(
        Path(),
        {
            "input": {"height": geometry.height, "width": geometry.width},
            "memory": {"slots": geometry.slots, "keyShape": [config.key_channels + 1, geometry.tokens], "valueShape": [config.value_channels, geometry.tokens]},
            "calibration": {"presence": {"bias": 0.0}},
        },
    )
    return ReferenceTracker(manifest, TorchSession("prompt", network), TorchSession("track", network), "gated", MIN_CONFIDENCE, 1)


def thinned(sequence: Sequence, probe: Probe) -> Sequence:
    indices = range(0, sequence.length, probe.every)[: probe.frames]
    return Sequence(sequence.name, len(indices), lambda index: sequence.frame(indices[index]), lambda index: sequence.truth(indices[index]))


def fingerprint(root: Path, probes: tuple[Probe, ...] = PROBES) -> str:
    """Of what is measured: the probes and the first frame and mask of every sequence. A generator that was changed draws other sequences under the same names."""
    digest = hashlib.sha256(repr(probes).encode())
    for probe in probes:
        for sequence in islice(sequences(probe.domain, root), probe.sequences):
            digest.update(sequence.frame(0).tobytes())
            digest.update(sequence.truth(0).tobytes())
    return digest.hexdigest()[:16]


def measure(network: CompactTracker, root: Path, probes: tuple[Probe, ...] = PROBES, geometry: Geometry = GEOMETRY) -> dict[str, float]:
    """J by domain, sequences of a domain counted alike. FileNotFoundError where a domain has no sequence below `root`: a mean over the others would be another
    number under the same name."""
    tracker = reference_tracker(network, geometry)
    out = {}
    for probe in probes:
        results = [track(tracker, thinned(sequence, probe), with_f=False) for sequence in islice(sequences(probe.domain, root), probe.sequences) if sequence.length > 1]
        if len(results) < probe.sequences:
            raise FileNotFoundError(f"validation of {probe.domain} needs {probe.sequences} sequences, {len(results)} found below {root}")
        out[probe.domain] = round(float(np.mean([np.mean(result.j) for result in results])), 4)
    return out


@dataclass(frozen=True)
class Point:
    step: int
    seconds: int
    j: dict[str, float]
    """By domain."""

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.j.values())))

    def broken(self, baseline: dict[str, float], floor: float) -> list[str]:
        """Domains more than `floor` below the start; one that was not measured, or is not a number, counts as broken."""
        return [domain for domain, start in baseline.items() if not self.j.get(domain, math.nan) >= start - floor]


def choose(points: list[Point], baseline: dict[str, float], floor: float) -> Point | None:
    """The rule above; of equals the earlier. None where the start is still the best."""
    holding = [point for point in points if not point.broken(baseline, floor)]
    best = max(holding, key=lambda point: point.mean, default=None)
    return best if best is not None and best.mean > float(np.mean(list(baseline.values()))) else None


@dataclass
class Curve:
    FILE: ClassVar[str] = "curve.json"

    floor: float
    measured: str = ""
    """`fingerprint` of what was measured. Points of anything else cannot be compared and are left behind."""
    baseline: dict[str, float] = field(default_factory=dict)
    """J by domain of the run's start."""
    points: list[Point] = field(default_factory=list)
    chosen: int | None = None
    """Step of the weights in `chosen.pt`."""

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Curve:
        return Curve(values["floor"], values["measured"], values["baseline"], [Point(entry["step"], entry["seconds"], entry["j"]) for entry in values["points"]], values["chosen"])

    @staticmethod
    def read(folder: Path, floor: float = 0.01) -> Curve:
        path = folder / Curve.FILE
        return Curve.from_dict(json.loads(path.read_text())) if path.exists() else Curve(floor)

    def as_dict(self) -> dict[str, Any]:
        points = [{**asdict(point), "mean": round(point.mean, 4), "broken": point.broken(self.baseline, self.floor)} for point in self.points]
        return {"floor": self.floor, "measured": self.measured, "baseline": self.baseline, "points": points, "chosen": self.chosen}

    def write(self, folder: Path) -> None:
        temporary = folder / f"{self.FILE}.part"
        temporary.write_text(json.dumps(self.as_dict(), indent=1) + "\n")
        os.replace(temporary, folder / self.FILE)

    def begin(self, measured: str, measure_start: Callable[[], dict[str, float]]) -> None:
        """Measures the start, unless that was done on the same."""
        if self.baseline and self.measured == measured:
            return
        self.measured, self.points, self.chosen = measured, [], None
        self.baseline = measure_start()

    def add(self, point: Point) -> bool:
        """True where the point is the one to use from now on."""
        before = next((other for other in self.points if other.step == self.chosen), None)
        self.points.append(point)
        best = choose([*([before] if before else []), point], self.baseline, self.floor)
        if best is not point:
            return False
        self.chosen = point.step
        return True
