"""Constants that turn the network's scores into honest ones, from the per-frame scores that `models.train.validate --scores` kept.

    python -m models.train.calibrate --scores scores.npz --out calibration.json [--curve abstention.json]

confidence = isotonic(predicted IoU): what IoU frames with this score really had. presence = sigmoid((logit + bias) / temperature).
The reported ECE is measured on sequences that the fit did not see (each sequence left out in turn) as well as on the fitted frames.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from models.train.metrics import expected_calibration_error

Array = NDArray[Any]
MAX_KNOTS = 16


def fit_confidence(score: Array, quality: Array) -> tuple[list[float], list[float]]:
    """Isotonic regression over groups of equally many frames (one knot each); linear between knots, constant outside. A step function with a step for
    every frame would only remember the validation set."""
    order = np.argsort(score, kind="stable")
    groups = np.array_split(order, min(MAX_KNOTS, max(2, len(order) // 10)))
    x = np.array([score[group].mean() for group in groups])
    y = np.array([quality[group].mean() for group in groups])
    weight = np.array([len(group) for group in groups], float)
    x, first = np.unique(np.round(x, 4), return_index=True)
    y = IsotonicRegression(y_min=0, y_max=1).fit(x, y[first], sample_weight=weight[first]).predict(x)
    return [round(float(value), 4) for value in x], [round(float(value), 4) for value in y]


def apply_confidence(x: list[float], y: list[float], score: Array) -> Array:
    return np.asarray(np.interp(score, x, y))


def fit_presence(logit: Array, present: Array) -> tuple[float, float]:
    """Temperature and bias by maximum likelihood, absent and present frames counted alike; the bias may hide at most 2 % of the frames that do show the
    object (an outline that vanishes is worse than one that lingers for a moment)."""
    weight = np.where(present, 0.5 / max(1, present.sum()), 0.5 / max(1, (~present).sum()))
    lowest = -float(np.quantile(logit[present], 0.02))

    def loss(parameters: Array) -> float:
        z = (logit + max(parameters[1], lowest)) * np.exp(parameters[0])
        return float((weight * (np.logaddexp(0, z) - present * z)).sum())

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"maxiter": 2000})
    scale = float(np.clip(np.exp(best.x[0]), 0.05, 20))
    return 1 / scale, float(np.clip(max(best.x[1], lowest), -8, 8))


def abstention_curve(confidence: Array, quality: Array) -> list[dict[str, float]]:
    """Mean IoU of what is shown when masks below a confidence are withheld."""
    rows = []
    for threshold in np.arange(0, 1.0, 0.1):
        kept = confidence >= threshold
        if kept.any():
            rows.append({"threshold": round(float(threshold), 2), "shown": round(float(kept.mean()), 4), "mean_iou": round(float(quality[kept].mean()), 4)})
    return rows


def calibrate(scores: dict[str, Array]) -> dict[str, Any]:
    shown = scores["shown"].astype(bool)
    if shown.sum() < 20:
        raise ValueError("too few frames with a mask to calibrate on")
    score, quality, sequence = scores["iou"][shown], scores["j"][shown], scores["sequence"][shown]
    quality = np.where(scores["present"][shown].astype(bool), quality, 0.0)
    x, y = fit_confidence(score, quality)
    held_out = np.zeros(len(score))
    for name in np.unique(sequence):
        test = sequence == name
        if test.all():
            continue
        held_out[test] = apply_confidence(*fit_confidence(score[~test], quality[~test]), score[test])
    present, logit = scores["present"].astype(bool), scores["presence"]
    if "absence_presence" in scores:
        present, logit = np.concatenate([present, scores["absence_present"].astype(bool)]), np.concatenate([logit, scores["absence_presence"]])
    temperature, bias = fit_presence(logit, present) if (~present).sum() >= 5 else (1.0, 0.0)
    confidence = apply_confidence(x, y, score)
    return {
        "confidence": {"kind": "isotonic", "x": x, "y": y},
        "presence": {"kind": "temperature", "temperature": round(temperature, 4), "bias": round(bias, 4)},
        "ece": round(expected_calibration_error(confidence, quality), 4),
        "eceRaw": round(expected_calibration_error(score, quality), 4),
        "eceLeaveOneSequenceOut": round(expected_calibration_error(held_out, quality), 4),
        "frames": int(shown.sum()),
        "absentFrames": int((~present).sum()),
        "abstention": abstention_curve(confidence, quality),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with np.load(arguments.scores) as saved:
        result = calibrate({name: saved[name] for name in saved.files})
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print({name: result[name] for name in ("ece", "eceRaw", "eceLeaveOneSequenceOut", "frames", "absentFrames", "presence")})


if __name__ == "__main__":
    main()
