"""Network, tracker, or both: outlines of beating hearts (cines.py) by each, through the product itself:

    python -m models.train.semantic.fusion --out bench/echo/fusion.json [--patients 39] [--work FOLDER]

Every way starts without a person: where a tracker takes part, its first mark and its corrections are the network's own masks. Figures are of the left ventricle against the annotation carried along
with the drawn motion: Dice over all pictures and at ED and ES; flicker, the mean change from picture to picture of the error of the area, as a share of the true area (what moves with the heart does not count).
Needs a build; `models/echo-lv` and `models/compact-fast` are as they are installed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

from models.train.paths import MODELS
from models.train.semantic.cines import Array, Cine, cine
from models.train.semantic.echo_pictures import Labelled, camus
from models.train.semantic.measure import dice

ROOT = MODELS.parent
LABEL = "left ventricle"
EVERY = 25
"""Pictures between two corrections of the tracker, where it is corrected by the clock."""
DISAGREE = 0.85
"""Dice of network and tracker below which the tracker is corrected, where it is corrected on need."""


def replay(video: Path, out: Path, *more: str) -> None:
    command = ["node", "dist/src/cli/main.js", "replay", str(video), "--out", str(out), "--format", "png", "--progress", "none", "--overwrite", *more]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def masks_of(out: Path, clip: str, count: int, size: tuple[int, int]) -> list[Array]:
    """Masks of the ventricle by picture; empty where nothing is shown."""
    found = []
    for index in range(count):
        files = sorted((out / clip).glob(f"*ventricle*/{index:06d}.png")) or sorted((out / clip).glob(f"*ventricle*/*{index:05d}.png"))
        found.append(cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED) > 0 if files else np.zeros(size, bool))
    return found


def distance(mask: Array) -> Array:
    """Signed distance to the outline, positive inside, pixels."""
    if not mask.any():
        return np.full(mask.shape, -1e3, np.float32)
    inside = mask.astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)


def fused(one: list[Array], other: list[Array]) -> list[Array]:
    """Half way between two outlines; the one that is there where the other is not."""
    return [((distance(a) + distance(b)) > 0) if a.any() and b.any() else a | b for a, b in zip(one, other, strict=True)]


def figures(found: list[Array], made: Cine) -> dict[str, float]:
    truth = [mask == 1 for mask in made.masks]
    first = next((index for index, mask in enumerate(found) if mask.any()), 0)
    overlap = [dice(a, b) for a, b in zip(found, truth, strict=True)]
    error = np.array([(a.sum() - b.sum()) / b.sum() for a, b in zip(found, truth, strict=True)])[first:]
    return {
        "dice": float(np.mean(overlap[first:])),
        "diceEd": float(np.mean([overlap[ed] for ed, _ in made.marks])),
        "diceEs": float(np.mean([overlap[es] for _, es in made.marks])),
        "flicker": float(np.abs(np.diff(error)).mean()),
    }


def write_video(made: Cine, path: Path, fps: float) -> None:
    height, width = made.pictures[0].shape
    encoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-", "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", str(path)],
        stdin=subprocess.PIPE,
    )
    assert encoder.stdin is not None
    for picture in made.pictures:
        encoder.stdin.write(picture.tobytes())
    encoder.stdin.close()
    if encoder.wait():
        raise SystemExit(f"ffmpeg could not write {path}")


def tracked(video: Path, network: list[Array], at: list[int], out: Path, size: tuple[int, int], model: str) -> list[Array]:
    """The tracker's masks, with the network's masks as marks on the pictures `at`."""
    prompts = []
    out.mkdir(parents=True, exist_ok=True)
    for frame in at:
        path = out / f"mark-{frame}.png"
        cv2.imwrite(str(path), network[frame].astype(np.uint8) * 255)
        prompts.append({"frame": frame, "type": "mask", "path": str(path)})
    script = out / "prompt.json"
    script.write_text(json.dumps({"objects": [{"label": LABEL, "prompts": prompts}]}))
    replay(video, out / "run", "--model", model, "--prompt", str(script))
    return masks_of(out / "run", video.stem, len(network), size)


def unsteadied(work: Path) -> Path:
    """The network's folder without its filter over time."""
    folder = work / "echo-lv-single"
    shutil.copytree(MODELS / "echo-lv", folder, dirs_exist_ok=True)
    manifest = json.loads((folder / "model.json").read_text())
    manifest.pop("temporal")
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "sonoscope-fusion")
    parser.add_argument("--patients", type=int, default=39)
    parser.add_argument("--tracker", default="compact-fast")
    arguments = parser.parse_args()
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    single = unsteadied(work)
    by_patient: dict[int, dict[str, Labelled]] = {}
    for labelled in camus(True):
        by_patient.setdefault(labelled.patient, {})[labelled.phase] = labelled
    rows: dict[str, list[dict[str, float]]] = {}
    for patient, phases in list(by_patient.items())[: arguments.patients]:
        made = cine(phases["ED"], phases["ES"], 3, 25, patient)
        size = made.pictures[0].shape
        video = work / f"patient{patient:04d}.avi"
        write_video(made, video, 25)
        count = len(made.pictures)
        replay(video, work / "single", "--model", str(single))
        alone = masks_of(work / "single", video.stem, count, size)
        replay(video, work / "steady", "--model", "echo-lv")
        steady = masks_of(work / "steady", video.stem, count, size)
        first = next(index for index, mask in enumerate(steady) if mask.any())
        once = tracked(video, steady, [first], work / "once", size, arguments.tracker)
        clock = tracked(video, steady, list(range(first, count, EVERY)), work / "clock", size, arguments.tracker)
        need = [first]
        for index in range(first + 1, count):
            if index - need[-1] >= 5 and steady[index].any() and dice(once[index], steady[index]) < DISAGREE:
                need.append(index)
        corrected = tracked(video, steady, need, work / "need", size, arguments.tracker)
        ways = {
            "network, each picture alone": alone,
            "network, steadied over time": steady,
            "tracker, marked once by the network": once,
            "tracker, corrected by the network every second": clock,
            "tracker, corrected by the network where they disagree": corrected,
            "half way between network steadied and tracker corrected every second": fused(steady, clock),
        }
        for name, masks in ways.items():
            rows.setdefault(name, []).append({"patient": patient, "marks": float(len(need)), **figures(masks, made)})
        print(patient, {name: (round(row[-1]["dice"], 3), round(row[-1]["flicker"], 4)) for name, row in rows.items()}, flush=True)
        mean = {name: {key: round(float(np.mean([row[key] for row in of])), 4) for key in ("dice", "diceEd", "diceEs", "flicker")} for name, of in rows.items()}
        arguments.out.write_text(json.dumps({"what": __doc__.split("\n\n")[0], "tracker": arguments.tracker, "patients": len(next(iter(rows.values()))), "mean": mean, "each": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
