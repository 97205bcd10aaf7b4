"""Metrics' empty cases, calibration, prompts as drawn, and the committed model on a real clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.train.calibrate import apply_confidence, calibrate
from models.train.data.prompts import BOX, NEGATIVE, POSITIVE, PREVIOUS, correct, draw_box, draw_click, empty_planes, interior_point
from models.train.metrics import boundary_f1, dice, expected_calibration_error, region_similarity
from models.train.paths import MODELS
from models.train.sizes import combinations
from models.train.track_reference import ReferenceTracker
from models.train.validate import Sequence, sequences, several_starts, track


def test_empty_cases_of_the_metrics() -> None:
    nothing, square = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    square[5:12, 6:20] = True
    assert region_similarity(nothing, nothing) == dice(nothing, nothing) == boundary_f1(nothing, nothing) == 1
    assert region_similarity(nothing, square) == dice(nothing, square) == boundary_f1(nothing, square) == 0
    assert region_similarity(square, square) == boundary_f1(square, square) == 1
    void = np.zeros_like(square)
    void[:, :13] = True
    half = square.copy()
    half[:, :13] = False
    assert region_similarity(half, square, void) == 1


def test_calibration_makes_an_overconfident_score_honest() -> None:
    random = np.random.default_rng(0)
    quality = random.uniform(0, 1, 3000)
    raw = np.clip(0.9 + 0.1 * quality + random.normal(0, 0.01, 3000), 0, 1)
    present = random.random(3000) > 0.2
    scores = {"iou": raw, "j": quality, "present": present, "shown": np.ones(3000, bool), "presence": np.where(present, 5.0, 2.0) + random.normal(0, 1, 3000), "sequence": (np.arange(3000) % 5).astype(str)}
    quality[~present] = 0
    result = calibrate(scores)
    assert result["eceRaw"] > 0.2 and result["ece"] < 0.05 and result["eceLeaveOneSequenceOut"] < 0.06
    assert result["confidence"]["x"] == sorted(set(result["confidence"]["x"])) and result["confidence"]["y"] == sorted(result["confidence"]["y"])
    shown = apply_confidence(result["confidence"]["x"], result["confidence"]["y"], raw)
    assert round(expected_calibration_error(shown, quality), 4) == result["ece"]
    decided = (scores["presence"] + result["presence"]["bias"]) / result["presence"]["temperature"] > 0
    assert decided[present].mean() >= 0.975 and decided[~present].mean() < 0.8


def test_prompts_are_drawn_where_they_belong() -> None:
    mask = np.zeros((64, 96), np.uint8)
    mask[20:40, 30:60] = 1
    planes = empty_planes(mask.shape)
    point = interior_point(mask)
    assert point is not None and mask[point[1], point[0]]
    draw_click(planes, point, True)
    draw_box(planes, mask)
    assert planes[POSITIVE].max() == 255 and np.array_equal(planes[BOX] > 0, mask > 0) and planes[NEGATIVE].max() == 0
    predicted = np.zeros(mask.shape, bool)
    predicted[:, 70:] = True
    correct(planes, predicted, mask)
    assert np.array_equal(planes[PREVIOUS] > 0, predicted) and planes[NEGATIVE].any()
    assert interior_point(np.zeros((8, 8), np.uint8)) is None


def test_several_starts_begin_where_the_object_is_and_run_both_ways() -> None:
    def frame(index: int) -> np.ndarray:
        return np.full((2, 2, 3), index, np.uint8)

    def truth(index: int) -> np.ndarray:
        return np.full((2, 2), index not in (3, 8))

    parts = list(several_starts(Sequence("s", 9, frame, truth)))
    seen = [[int(part.frame(index)[0, 0, 0]) for index in range(part.length)] for part in parts]
    assert seen == [list(range(9)), list(range(4, 9)), list(range(7, -1, -1)), list(range(5, -1, -1))]
    assert all(part.truth(0).any() for part in parts) and not parts[2].truth(4).any()
    assert len({part.name for part in parts}) == 4


def test_sizes_are_measured_once_each_and_slots_and_memory_at_the_own_size() -> None:
    manifest = {"input": {"height": 320, "width": 576}, "memory": {"slots": 7}, "training": {"network": {"pool_recent": True}}}
    rows = combinations(manifest, ["256x448", "320x576"], [3])
    assert rows == [("320x576", 7, "pooled"), ("256x448", 7, "pooled"), ("320x576", 3, "pooled"), ("320x576", 7, "full")]


def test_the_committed_model_follows_a_real_object(data: Path) -> None:
    sequence = next(sequences("natural", data))
    sequence.length = 8
    result = track(ReferenceTracker.open(MODELS / "compact"), sequence, with_f=False)
    assert np.mean(result.j) > 0.7 and all(result.shown)
