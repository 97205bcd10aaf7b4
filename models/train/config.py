"""One TOML file per run, read once into frozen values."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from models.train.data.clips import MixConfig
from models.train.network import NetworkConfig


@dataclass(frozen=True)
class RunConfig:
    run: str
    start: str
    """`random`, `imagenet`, `model:FOLDER` (weights read from its graphs), `thinned:FOLDER` (the same, cut to this network's hidden widths), `checkpoint:FILE` or `experiment:FILE`, relative to the repository."""
    seconds: float
    """Training time of the whole run over all its calls, on a CPU in processor time of a thread; the learning rate follows it."""
    train: str = "all"
    """`all`; `prompt`: only the prompt branch, on single frames; `score`: only the score head of tracked frames. Everything else is frozen."""
    seed: int = 1
    batch: int = 2
    clip_frames: int = 8
    sizes: tuple[tuple[int, int], ...] = ((256, 256), (224, 352))
    slots: int = 7
    encoder_rate: float = 3e-5
    """0: the encoder gets no gradient at all, which is cheaper by more than its share of the work."""
    frozen: tuple[str, ...] = ()
    """Parts of the network (names of its modules) that stay as they started."""
    trunk_rate: float = 1.6e-4
    head_rate: float = 5e-4
    """Prompt branch and score head."""
    final_rate_share: float = 0.03
    weight_decay: float = 1e-3
    average_decay: float = 0.998
    """Exponential average of the weights; the average is what is exported."""
    average_share: float = 1 / 9
    """Part of the steps so far that the average reaches over, as long as that is less than `average_decay` lets it: 1/9 forgets a raw start soon; more where the start is good and
    the weights of single steps differ much."""
    prompt_weight: float = 0.3
    score_weight: float = 0.1
    absent_mask_weight: float = 1.0
    """Weight of the mask loss where the object is absent. The presence score says that it is; a full weight also teaches that what looks unlike the
    memory has no mask, and an object that comes to fill the view looks unlike the memory (compact-3: vocal folds J .55 -> .12)."""
    object_weight: float = 1.0
    """How much more the object's pixels weigh than the others in the cross-entropy of tracked frames. What is missed once is missing from memory and fades
    further; what is taken in too much is often corrected by the next frame."""
    corrections: int = 2
    """Simulated correction clicks after the first prompt (prompt-only training)."""
    memory_drop: float = 0.35
    memory_corrupt: float = 0.08
    prompt_as_memory: float = 0.15
    """Share of objects whose prompt entry is the prompt branch's own mask instead of the truth."""
    gate: float = 0.4
    """Entries with a lower predicted IoU mostly stay out of the bank, as they will when the product runs."""
    peak_weight: float = 0.0
    """Weight of what the peak of reading (`CompactTracker.reading_peak`) exceeds `peak_limit` by. Left alone, it comes to 1 within 200 steps: better on
    the training clips, worse on others (decision 0076)."""
    peak_limit: float = 0.7
    state: str = ""
    """File, relative to the repository, that carries the weights of a long run from machine to machine (`models.train.state`)."""
    validate_seconds: float = 0
    """Training time between two points of the validation curve (`models.train.curve`); 0: none."""
    floor: float = 0.01
    """J that no domain may lie below the start's by, for weights to be chosen."""
    checkpoint_seconds: float = 150
    log_steps: int = 20
    network: NetworkConfig = field(default_factory=NetworkConfig)
    mix: MixConfig = field(default_factory=MixConfig)

    def digest(self) -> str:
        """Identity of a run: a checkpoint with another digest is refused, or, where the run has a `state`, gives its weights alone."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def _build(kind: type, values: dict[str, Any], where: str) -> Any:
    known = {item.name for item in fields(kind)}
    unknown = set(values) - known
    if unknown:
        raise ValueError(f"{where}: unknown setting {', '.join(sorted(unknown))}")
    return kind(**values)


def read_config(path: Path) -> RunConfig:
    values = tomllib.loads(path.read_text())
    if "network" in values:
        values["network"] = _build(NetworkConfig, values["network"], f"{path.name} [network]")
    if "mix" in values:
        values["mix"] = _build(MixConfig, values["mix"], f"{path.name} [mix]")
    if "frozen" in values:
        values["frozen"] = tuple(values["frozen"])
    if "sizes" in values:
        values["sizes"] = tuple(tuple(size) for size in values["sizes"])
    config: RunConfig = _build(RunConfig, values, path.name)
    if any(side % 32 for size in config.sizes for side in size):
        raise ValueError(f"{path.name}: sizes must be multiples of 32")
    return config
