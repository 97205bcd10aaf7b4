"""Figures of a model folder on the validation data: tracking with the first mask given, prompts, absence and return.

    python -m models.train.validate --model models/compact [--out models/compact/validation.json] [--scores scores.npz] [--policy gated] [--sets natural robotic ...] [--starts]

Runs the exported graphs with ONNX Runtime through the reference loop, so the figures are those of the product. `--scores` keeps every frame's scores for
`models.train.calibrate`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.train.data.echo import echo_clip
from models.train.data.geometry import Clip
from models.train.data.mucosa import mucosa_clip
from models.train.data.prompts import correct, draw_box, draw_click, empty_planes, interior_point
from models.train.data.sources import CAROTID_VALIDATION, VOCAL_FOLD_LABELS, matching_mask
from models.train.data.surgery import surgery_clip
from models.train.metrics import boundary_f1, dice, region_similarity
from models.train.paths import data_root
from models.train.track_reference import POLICIES, Array, ReferenceTracker, Tracked, read_rgb

NATURAL = ("blackswan", "car-shadow", "dance-twirl", "libby")
HELD_OUT_SEED = 900_000
PERIODS = ((0, 10), (10, 30), (30, 60), (60, 100_000))
REAL_SETS = ("natural", "robotic", "vocal-folds")
PROMPT_SETS = (*REAL_SETS, "surgery", "echo")
"""Whose first frames the prompt figures are made of: always the same, so that they can be compared from version to version."""
SETS = (*PROMPT_SETS, "carotid", "mucosa")


@dataclass
class Sequence:
    name: str
    length: int
    frame: Callable[[int], Array]
    """RGB"""
    truth: Callable[[int], Array]
    """bool"""


@dataclass
class Result:
    """Per tracked frame (the first, prompted one is not in it)."""

    name: str
    j: list[float] = field(default_factory=list)
    f: list[float] = field(default_factory=list)
    dice: list[float] = field(default_factory=list)
    iou: list[float] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)
    present: list[bool] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    """The mask has at least one pixel and the calibrated presence is at least one half."""

    def mean(self, values: list[float]) -> float:
        """DAVIS semi-supervised protocol: without the first (not in the lists) and the last frame."""
        return float(np.mean(values[:-1] if len(values) > 1 else values))


def folder_sequence(name: str, frames: list[Path], label: int | None) -> Sequence:
    def truth(index: int) -> Array:
        mask = cv2.imread(str(matching_mask(frames[index])), cv2.IMREAD_UNCHANGED)
        mask = mask if mask.ndim == 2 else mask[..., 0]
        return np.asarray(mask == label if label is not None else mask > 127)

    return Sequence(name, len(frames), lambda index: read_rgb(frames[index]), truth)


@cache
def _procedural_clip(kind: str, number: int, length: int, size: tuple[int, int]) -> Clip:
    """Kept: a long run measures the same ones again and again."""
    random = np.random.default_rng(HELD_OUT_SEED + number)
    if kind == "surgery":
        return surgery_clip(random, None, length, size)
    return echo_clip(random, length, size) if kind == "echo" else mucosa_clip(random, None, length, size, low_rate=1.0)


def procedural_sequences(kind: str, count: int = 6, length: int = 40, size: tuple[int, int] = (288, 512)) -> Iterator[Sequence]:
    """Held-out seeds, drawn tissue only (training uses other seeds and real stills). Mucosa with the jumps of five pictures per second."""
    for number in range(count):
        clip = _procedural_clip(kind, number, length, size)

        def frame(index: int, frames: list[Array] = clip.frames) -> Array:
            return frames[index].copy()

        def truth(index: int, masks: list[Array] = clip.masks) -> Array:
            return np.asarray(masks[index] > 0)

        yield Sequence(f"{kind}-{number}", length, frame, truth)


def sequences(name: str, root: Path) -> Iterator[Sequence]:
    if name == "natural":
        for sequence in NATURAL:
            yield folder_sequence(sequence, sorted((root / "davis" / sequence / "frames").glob("*")), None)
    elif name == "robotic":
        yield folder_sequence("scene-c", sorted((root / "robotic-instruments/scene-c/frames").glob("*")), None)
    elif name == "vocal-folds":
        frames = sorted((root / "vocalfolds/patient1/seq4/frames").glob("*"))
        start = next(index for index, path in enumerate(frames) if path.stem.startswith("0001_l"))
        yield folder_sequence("seq4", frames[start:], 1)
    elif name == "carotid":
        for clip in CAROTID_VALIDATION:
            yield folder_sequence(clip, sorted((root / "train/carotid-ultrasound" / clip / "frames").glob("*")), None)
    else:
        yield from procedural_sequences(name)


def several_starts(sequence: Sequence) -> Iterator[Sequence]:
    """The sequence from its start and from a third in, forwards and backwards. In one run of each a single wrong turn decides several hundredths of J; over
    four of each two networks can be told apart."""
    for backwards in (False, True):
        order = list(range(sequence.length))[:: -1 if backwards else 1]
        for start in (0, sequence.length // 3):
            indices = order[start:]
            while len(indices) > 2 and not sequence.truth(indices[0]).any():
                indices = indices[1:]

            def frame(index: int, indices: list[int] = indices) -> Array:
                return sequence.frame(indices[index])

            def truth(index: int, indices: list[int] = indices) -> Array:
                return sequence.truth(indices[index])

            yield Sequence(f"{sequence.name} {'backwards' if backwards else 'forwards'} from {start}", len(indices), frame, truth)


def evaluate_starts(tracker: ReferenceTracker, root: Path) -> dict[str, Any]:
    """J of the real sets over `several_starts`, each sequence counted alike."""
    out: dict[str, Any] = {}
    for name in REAL_SETS:
        results = {sequence.name: [track(tracker, part, with_f=False) for part in several_starts(sequence)] for sequence in sequences(name, root)}
        runs = [result for parts in results.values() for result in parts]
        late, early = [value for result in runs for value in result.j[30:]], [value for result in runs for value in result.j[:10]]
        out[name] = {
            "j": round(float(np.mean([np.mean([result.mean(result.j) for result in parts]) for parts in results.values()])), 4),
            "late_over_early": round(float(np.mean(late) / np.mean(early)), 4),
            "sequences": {sequence: [round(result.mean(result.j), 4) for result in parts] for sequence, parts in results.items()},
        }
    return out


def seen(tracker: ReferenceTracker, output: Tracked) -> bool:
    """The calibrated presence is at least one half."""
    return bool(output.presence[0] + tracker.manifest.presence_bias > 0)


def track(tracker: ReferenceTracker, sequence: Sequence, with_f: bool = True) -> Result:
    result = Result(sequence.name)
    for index in range(sequence.length):
        image, truth = sequence.frame(index), sequence.truth(index)
        if index == 0:
            tracker.prompt_masks(image, [truth])
            continue
        output = tracker.track(image)
        predicted = output.mask(0, *truth.shape)
        result.j.append(region_similarity(predicted, truth))
        result.f.append(boundary_f1(predicted, truth) if with_f else float("nan"))
        result.dice.append(dice(predicted, truth))
        result.iou.append(float(output.iou[0]))
        result.presence.append(float(output.presence[0]))
        result.present.append(bool(truth.any()))
        result.shown.append(bool(predicted.any()) and seen(tracker, output))
    return result


def copying(sequence: Sequence) -> float:
    """J of the first mask, unchanged: the floor."""
    first = sequence.truth(0)
    return float(np.mean([region_similarity(first, sequence.truth(index)) for index in range(1, sequence.length - 1)]))


def summarise(results: list[Result], floor: list[float]) -> dict[str, Any]:
    j, f = float(np.mean([result.mean(result.j) for result in results])), float(np.mean([result.mean(result.f) for result in results]))
    periods = {}
    for first, last in PERIODS:
        values = [value for result in results for value in result.j[first:last]]
        periods[f"{first}-{last}" if last < 1000 else f"{first}+"] = round(float(np.mean(values)), 4) if values else None
    out: dict[str, Any] = {
        "sequences": {result.name: {"j": round(result.mean(result.j), 4), "f": round(result.mean(result.f), 4), "frames": len(result.j)} for result in results},
        "j": round(j, 4),
        "f": round(f, 4),
        "j_and_f": round((j + f) / 2, 4),
        "dice": round(float(np.mean([result.mean(result.dice) for result in results])), 4),
        "copying_j": round(float(np.mean(floor)), 4),
        "j_by_frames_since_prompt": periods,
    }
    late = [value for result in results for value in result.j[30:]]
    early = [value for result in results for value in result.j[:10]]
    if late and np.mean(early) > 0:
        out["late_over_early"] = round(float(np.mean(late) / np.mean(early)), 4)
        slopes = [np.polyfit(np.arange(30, len(result.j)), result.j[30:], 1)[0] * 30 for result in results if len(result.j) >= 40]
        out["j_change_per_30_frames_after_30"] = round(float(np.mean(slopes)), 4) if slopes else None
    return out


# ---- prompts ----------------------------------------------------------------------------------------------------------------------------------------


def first_frames(root: Path) -> Iterator[tuple[str, Array, Array]]:
    """(set, RGB, bool mask) of every validation first frame; robotic components and vocal fold labels are objects of their own."""
    for name in PROMPT_SETS:
        for sequence in sequences(name, root):
            image, truth = sequence.frame(0), sequence.truth(0)
            if name == "robotic":
                count, labels, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8))
                for index in range(1, count):
                    if stats[index, cv2.CC_STAT_AREA] > 0.002 * truth.size:
                        yield name, image, labels == index
            elif name == "vocal-folds":
                path = next(path for path in sorted((root / "vocalfolds/patient1/seq4/frames").glob("*")) if path.stem.startswith("0001_l"))
                for label in VOCAL_FOLD_LABELS:
                    mask = folder_sequence("", [path], label).truth(0)
                    if mask.sum() > 0.002 * mask.size:
                        yield name, image, mask
            else:
                yield name, image, truth


def evaluate_prompts(tracker: ReferenceTracker, root: Path) -> dict[str, Any]:
    """IoU of the first mask after 1, 2, 3 clicks (deepest point of the object, then of the largest error) and after a tight box."""
    height, width = tracker.manifest.height, tracker.manifest.width
    table: dict[str, dict[str, list[float]]] = {}
    no_mask = np.zeros(1, np.float32)
    for name, image, truth in first_frames(root):
        small = cv2.resize(truth.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        row = table.setdefault(name, {})

        def score(planes: Array, key: str, image: Array = image, truth: Array = truth, row: dict[str, list[float]] = row) -> Array:
            output = tracker.prompt(image, planes[None], no_mask)
            row.setdefault(key, []).append(region_similarity(output.mask(0, *truth.shape), truth))
            return output.mask(0, height, width)

        planes = empty_planes((height, width))
        point = interior_point(small)
        if point is None:
            continue
        draw_click(planes, point, True)
        predicted = score(planes, "clicks1")
        for clicks in (2, 3):
            correct(planes, predicted, small)
            predicted = score(planes, f"clicks{clicks}")
        planes = empty_planes((height, width))
        draw_box(planes, small)
        score(planes, "box")
    keys = ("clicks1", "clicks2", "clicks3", "box")
    out: dict[str, Any] = {name: {"objects": len(row["box"]), **{key: round(float(np.mean(row[key])), 4) for key in keys}} for name, row in table.items()}
    out["all"] = {key: round(float(np.mean([value for row in table.values() for value in row[key]])), 4) for key in keys}
    return out


# ---- absence and return -----------------------------------------------------------------------------------------------------------------------------


def evaluate_absence(tracker: ReferenceTracker, root: Path, count: int = 10, scores: dict[str, list[Any]] | None = None) -> dict[str, Any]:
    """Procedural instruments that leave and return; then foreign frames (black, noise, another scene) shown to trackers of real objects.
    Presence logits go into `scores` for the calibration of presence."""

    def keep(output: Tracked, present: bool) -> None:
        if scores is not None:
            for key, value in {"absence_presence": float(output.presence[0]), "absence_present": present}.items():
                scores.setdefault(key, []).append(value)

    low, found, absences, returns, silent, absent_frames = 0, 0, 0, 0, 0, 0
    number = 0
    while absences < count and number < 400:
        number += 1
        random = np.random.default_rng(HELD_OUT_SEED + 5000 + number)
        clip = surgery_clip(random, None, 12, (288, 512))
        present = np.array([mask.sum() > 0 for mask in clip.masks])
        if present.all() or not present[0]:
            continue
        gone = int(np.argmin(present))
        back = next((index for index in range(gone, len(present)) if present[index]), None)
        # the clip is short: hold the empty view for ten frames, and the view after the return for ten
        order = [*range(gone), *([gone] * 10), *([] if back is None else [*range(back, len(present)), *([len(present) - 1] * 10)])]
        tracker.prompt_masks(clip.frames[0], [clip.masks[0]])
        outputs = [tracker.track(clip.frames[index]) for index in order[1:]]
        for output, index in zip(outputs, order[1:], strict=True):
            keep(output, bool(present[index]))
        shown = [seen(tracker, output) and bool((output.logits[0] > 0).any()) for output in outputs]
        absences += 1
        during = shown[gone - 1 : gone + 9]
        low += not all(during[:5])
        absent_frames += len(during)
        silent += sum(not value for value in during)
        if back is not None and clip.masks[-1].sum() > 0:
            returns += 1
            first = gone + 9
            overlaps = [
                region_similarity(output.mask(0, *clip.masks[0].shape), clip.masks[index] > 0) if seen(tracker, output) else 0.0
                for output, index in list(zip(outputs, order[1:], strict=True))[first : first + 10]
            ]
            found += max(overlaps, default=0) >= 0.5
    foreign, foreign_silent = 0, 0
    random = np.random.default_rng(HELD_OUT_SEED)
    starts = {name: next(sequences(name, root)) for name in ("natural", "robotic", "vocal-folds")}
    others = [np.zeros((288, 512, 3), np.uint8), random.integers(0, 255, (288, 512, 3)).astype(np.uint8)]
    others += [read_rgb(path) for path in sorted((root / "train/laparoscopy-stills").glob("*.jpg"))[::40]]
    others += [starts[name].frame(0) for name in starts]
    for name, sequence in starts.items():
        for other in others:
            if other.shape == sequence.frame(0).shape and np.array_equal(other, sequence.frame(0)):
                continue
            tracker.prompt_masks(sequence.frame(0), [sequence.truth(0)])
            output = tracker.track(other)
            keep(output, False)
            foreign += 1
            foreign_silent += not (seen(tracker, output) and (output.logits[0] > 0).any())
    return {
        "absences": absences,
        "scores_low_within_5_frames": round(low / max(1, absences), 3),
        "absent_frames_without_mask": round(silent / max(1, absent_frames), 3),
        "returns": returns,
        "reacquired_within_10_frames": round(found / max(1, returns), 3),
        "foreign_frames": foreign,
        "foreign_frames_without_mask": round(foreign_silent / max(1, foreign), 3),
    }


def validate(folder: Path, root: Path, policy: str | None = None, sets: tuple[str, ...] = SETS, prompts: bool = True, absence: bool = True, starts: bool = False, threads: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """-> (report, per-frame scores by set)."""
    tracker = ReferenceTracker.open(folder, policy, threads)
    report: dict[str, Any] = {"model": {name: graph["sha256"] for name, graph in tracker.manifest.raw["graphs"].items()}, "policy": tracker.policy, "sets": {}}
    scores: dict[str, list[Any]] = {"set": [], "sequence": [], "iou": [], "presence": [], "j": [], "present": [], "shown": []}
    started = time.time()
    for name in sets:
        results, floor = [], []
        for sequence in sequences(name, root):
            result = track(tracker, sequence)
            results.append(result)
            floor.append(copying(sequence))
            scores["set"] += [name] * len(result.j)
            scores["sequence"] += [sequence.name] * len(result.j)
            for key in ("iou", "presence", "j", "present", "shown"):
                scores[key] += getattr(result, key)
        report["sets"][name] = summarise(results, floor)
        print(name, json.dumps(report["sets"][name]), flush=True)
    if prompts:
        report["prompts"] = evaluate_prompts(tracker, root)
        print("prompts", json.dumps(report["prompts"]), flush=True)
    if absence:
        report["absence"] = evaluate_absence(tracker, root, scores=scores)
        print("absence", json.dumps(report["absence"]), flush=True)
    if starts:
        report["starts"] = evaluate_starts(tracker, root)
        print("starts", json.dumps(report["starts"]), flush=True)
    report["seconds"] = round(time.time() - started)
    return report, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--policy", choices=POLICIES)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-prompts", action="store_true")
    parser.add_argument("--no-absence", action="store_true")
    parser.add_argument("--starts", action="store_true", help="also the real sets from several starts, forwards and backwards: tells networks apart")
    arguments = parser.parse_args()
    report, scores = validate(
        arguments.model, data_root(), arguments.policy, tuple(arguments.sets), not arguments.no_prompts, not arguments.no_absence, arguments.starts, arguments.threads
    )
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    if arguments.scores:
        np.savez(arguments.scores, **{key: np.array(values) for key, values in scores.items()})


if __name__ == "__main__":
    main()
