"""Reference values for src/evaluate/metrics, computed without any of our code.

Reads {"pairs": [...], "sequences": [...], "calibration": [...], ...} from standard input, prints the results as JSON.
J and F are written from the definitions of davis2017-evaluation (plain numpy/scipy), surface metrics come from
DeepMind's surface-distance, Dice and IoU also from pycocotools, calibration from scikit-learn.
"""
import base64
import json
import math
import sys

import numpy as np
from pycocotools import mask as coco
from scipy import ndimage
from sklearn.calibration import calibration_curve

# surface-distance 0.1 predates numpy 2 and scipy 1.15.
np.Inf = np.inf
ndimage.filters = ndimage
ndimage.morphology = ndimage
import surface_distance as sd  # noqa: E402


def picture(text, shape):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape).astype(bool)


def number(value):
    value = float(value)
    return "inf" if math.isinf(value) else "nan" if math.isnan(value) else value


def boundary_map(seg):
    """DAVIS: a pixel is boundary if it differs from its right, lower or lower-right neighbour; edges apart."""
    b = np.zeros_like(seg)
    b[:-1, :-1] = (seg[:-1, :-1] != seg[:-1, 1:]) | (seg[:-1, :-1] != seg[1:, :-1]) | (seg[:-1, :-1] != seg[1:, 1:])
    b[-1, :-1] = seg[-1, :-1] != seg[-1, 1:]
    b[:-1, -1] = seg[:-1, -1] != seg[1:, -1]
    return b


def boundary_f(pred, truth, void):
    radius = int(np.ceil(0.008 * np.linalg.norm(pred.shape)))
    y, x = np.mgrid[-radius:radius + 1, -radius:radius + 1]
    disk = x * x + y * y <= radius * radius
    p, t = boundary_map(pred & ~void), boundary_map(truth & ~void)
    if not p.any() or not t.any():
        precision, recall = (1.0, 1.0) if not p.any() and not t.any() else (1.0, 0.0) if t.any() else (0.0, 1.0)
    else:
        precision = (p & ndimage.binary_dilation(t, disk)).sum() / p.sum()
        recall = (t & ndimage.binary_dilation(p, disk)).sum() / t.sum()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def jaccard(pred, truth, void):
    union = ((pred | truth) & ~void).sum()
    return 1.0 if union == 0 else (pred & truth & ~void).sum() / union


def pair(case):
    shape = (case["height"], case["width"])
    pred, truth = picture(case["prediction"], shape), picture(case["truth"], shape)
    void = picture(case["void"], shape) if case["void"] else np.zeros(shape, bool)
    result = {"j": jaccard(pred, truth, void), "f": boundary_f(pred, truth, void)}
    pred, truth = pred & ~void, truth & ~void
    total = pred.sum() + truth.sum()
    result["dice"] = 1.0 if total == 0 else 2 * (pred & truth).sum() / total
    encoded = [coco.encode(np.asfortranarray(m.astype(np.uint8))) for m in (pred, truth)]
    result["cocoIou"] = 1.0 if total == 0 else coco.iou([encoded[0]], [encoded[1]], [0])[0, 0]
    distances = sd.compute_surface_distances(truth, pred, case["spacing"])
    if not pred.any() and not truth.any():
        result.update(hd95=0.0, assd=0.0, nsd=[1.0 for _ in case["tolerances"]])
    else:
        lengths = np.concatenate([distances["surfel_areas_gt"], distances["surfel_areas_pred"]])
        both = np.concatenate([distances["distances_gt_to_pred"], distances["distances_pred_to_gt"]])
        result["hd95"] = number(sd.compute_robust_hausdorff(distances, 95))
        result["assd"] = number((both * lengths).sum() / lengths.sum())
        result["nsd"] = [number(sd.compute_surface_dice_at_tolerance(distances, t)) for t in case["tolerances"]]
    return result


def sequence(values):
    values = np.array(values)
    ids = np.round(np.linspace(1, len(values), 5) + 1e-10).astype(int) - 1
    bins = [values[ids[i]:ids[i + 1] + 1] for i in range(4)]
    return [values.mean(), (values > 0.5).mean(), bins[0].mean() - bins[3].mean()]


def calibration(case):
    score, event, bins = np.array(case["scores"]), np.array(case["observed"]), case["bins"]
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], score)
    ece = sum(abs(score[index == b].mean() - event[index == b].mean()) * (index == b).mean() for b in np.unique(index))
    result = {"ece": ece, "counts": np.bincount(index, minlength=bins).tolist()}
    if set(np.unique(event)) <= {0, 1}:
        observed, predicted = calibration_curve(event, score, n_bins=bins)
        result.update(observed=observed.tolist(), predicted=predicted.tolist())
    return result


def abstention(case):
    order = np.argsort(-np.array(case["scores"]), kind="stable")
    accuracy = np.array(case["accuracies"])[order]
    return [accuracy[:max(1, math.ceil(c * len(accuracy) - 1e-9))].mean() for c in case["coverages"]]


def bootstrap(case):
    """The same generator (mulberry32) and the same drawing order, with numpy's percentile."""
    state, values = case["seed"], case["values"]

    def draw():
        nonlocal state
        mask = 0xFFFFFFFF
        state = (state + 0x6D2B79F5) & mask
        t = ((state ^ (state >> 15)) * (state | 1)) & mask
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & mask)) & mask
        return (t ^ (t >> 14)) / 4294967296

    n, block = len(values), case["block"]
    length = max(1, min(block, n // 2))
    means = []
    for _ in range(case["resamples"]):
        drawn = []
        while len(drawn) < n:
            start = int(draw() * n)
            drawn += [values[(start + k) % n] for k in range(min(length, n - len(drawn)))]
        means.append(np.mean(drawn))
    return np.percentile(means, [2.5, 97.5]).tolist()


def classes(case):
    """ISINet's evaluation: label maps of one clip."""
    shape = (len(case["truth"]), case["height"], case["width"])
    read = lambda key: np.stack([np.frombuffer(base64.b64decode(t), np.uint8).reshape(shape[1:]) for t in case[key]])
    truth, pred = read("truth"), read("prediction")
    challenge, isi, per_class = [], [], {c: [] for c in case["classes"]}
    for t, p in zip(truth, pred):
        in_truth, either = [], []
        for c in case["classes"]:
            a, b = t == c, p == c
            if not (a | b).any():
                continue
            iou = (a & b).sum() / (a | b).sum()
            either.append(iou)
            per_class[c].append(iou)
            if a.any():
                in_truth.append(iou)
        if in_truth:
            challenge.append(np.mean(in_truth))
        if either:
            isi.append(np.mean(either))
    means = [np.mean(v) for v in per_class.values() if v]
    return [np.mean(challenge), np.mean(isi), np.mean(means)]


def distance(case):
    m = picture(case["mask"], (case["height"], case["width"]))
    padded = np.pad(m, 1)
    return (ndimage.distance_transform_edt(padded)[1:-1, 1:-1] ** 2).ravel().tolist()


def flicker(case):
    """Nearest-neighbour motion compensation of the previous mask by a given backward flow at mask size."""
    shape = (case["height"], case["width"])
    before, now = picture(case["previous"], shape), picture(case["current"], shape)
    dx, dy = np.array(case["dx"]).reshape(shape), np.array(case["dy"]).reshape(shape)
    y, x = np.mgrid[:shape[0], :shape[1]]
    fx, fy = np.floor(x + 0.5 + dx).astype(int), np.floor(y + 0.5 + dy).astype(int)
    inside = (fx >= 0) & (fy >= 0) & (fx < shape[1]) & (fy < shape[0])
    moved = np.zeros(shape, bool)
    moved[inside] = before[fy[inside], fx[inside]]
    union = (moved | now).sum()
    return None if union == 0 else 1 - (moved & now).sum() / union


handlers = dict(pairs=pair, sequences=sequence, calibration=calibration, abstention=abstention, bootstrap=bootstrap,
                classes=classes, distance=distance, flicker=flicker)
cases = json.load(sys.stdin)
json.dump({name: [handlers[name](case) for case in cases[name]] for name in cases}, sys.stdout)
