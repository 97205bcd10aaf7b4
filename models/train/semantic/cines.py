"""Beating hearts with known ejection fraction from the stills of the validation patients, in the layout of EchoNet-Dynamic:

    python -m models.train.semantic.cines --out FOLDER [--beats 6] [--fps 25]
    ./sonoscope evaluate --dataset echonet --task ef --root FOLDER --model echo-lv --subset VAL

Of CAMUS only the stills are at hand, so time is made: the annotated end-diastolic and end-systolic pictures of a patient are warped into each other along the
field that carries one annotation into the other (thin plates through the outlines' landmarks), each blended into the other while the beat goes. What is measured at the
two ends is what the annotators drew; between them the motion is drawn. Rate of beats, drift of the probe, gain and grain differ by patient and picture. Not committed: CC BY-NC-SA 4.0.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.train.semantic.echo_pictures import Labelled, camus
from models.train.semantic.measure import volume_by_disks
from models.train.semantic.shapes import field, landmarks, warped

Array = np.ndarray
CHORDS = 20


def contraction(phase: Array | float) -> Array:
    """0 at end-diastole (phase 0), 1 at end-systole (phase .36), early filling, a plateau, the atrial kick."""
    points = np.array([0, 0.03, 0.1, 0.2, 0.3, 0.36, 0.4, 0.47, 0.55, 0.62, 0.8, 0.88, 0.95, 1.0])
    values = np.array([0, 0.03, 0.3, 0.72, 0.96, 1.0, 0.93, 0.6, 0.34, 0.28, 0.24, 0.1, 0.01, 0])
    return np.interp(np.asarray(phase) % 1, points, values)


def chords(classes: Array) -> Array:
    """[21, 4] x1, y1, x2, y2 as EchoNet traces: the long axis, then 20 lines across it from base to apex."""
    marks = landmarks(classes)
    apex_side, middle = marks[:25], (marks[0] + marks[24]) / 2
    apex = apex_side[np.argmax(((apex_side - middle) ** 2).sum(1))]
    axis = (apex - middle) / np.hypot(*(apex - middle))
    across = np.array([-axis[1], axis[0]])
    points = np.argwhere(classes == 1)[:, ::-1] - middle
    along, side = points @ axis, points @ across
    lines = [np.r_[apex, middle]]
    low, high = along.min(), along.max()
    for step in range(CHORDS):
        at = low + (step + 0.5) * (high - low) / CHORDS
        row = side[np.abs(along - at) < 1.0]
        if len(row):
            lines.append(np.r_[middle + at * axis + (row.min() - 0.5) * across, middle + at * axis + (row.max() + 0.5) * across])
    return np.array(lines)


@dataclass(frozen=True)
class Cine:
    pictures: list[Array]
    """[H, W] u8"""
    masks: list[Array]
    """[H, W] u8, the classes of each picture: the end-diastolic annotation carried along, the other one where that is nearer."""
    marks: list[tuple[int, int]]
    """(ED, ES) indices of each whole beat."""


def cine(diastole: Labelled, systole: Labelled, beats: int, fps: float, seed: int) -> Cine:
    random = np.random.default_rng(seed)
    start, end = landmarks(diastole.mask), landmarks(systole.mask)
    size = diastole.picture.shape
    rate = random.uniform(50, 95)
    lengths = 60 / rate * np.exp(random.normal(0, 0.03, beats + 1))
    borders = np.r_[0, np.cumsum(lengths)] + 0.35 * lengths[0]
    pictures: list[Array] = []
    masks: list[Array] = []
    bins = {round(step / 40, 3): (field(start, start + (end - start) * step / 40, size), field(end, start + (end - start) * step / 40, size)) for step in range(41)}
    swing, period = random.uniform(0, 3.0), random.uniform(3, 5)
    for index in range(int(borders[-1] * fps)):
        seconds = index / fps
        beat = int(np.searchsorted(borders, seconds, side="right")) - 1
        phase = (seconds - borders[beat]) / lengths[beat] if beat >= 0 else 1 + (seconds - borders[0]) / lengths[0]
        amount = float(contraction(phase))
        from_diastole, from_systole = bins[round(round(amount * 40) / 40, 3)]
        shift = swing * np.array([np.sin(2 * np.pi * seconds / period), np.cos(2 * np.pi * seconds / period)])
        one = warped(diastole.picture, from_diastole, shift, cv2.INTER_LINEAR).astype(np.float32)
        other = warped(systole.picture, from_systole, shift, cv2.INTER_LINEAR).astype(np.float32)
        picture = (1 - amount) * one + amount * other
        grain = cv2.GaussianBlur(random.normal(0, 1, size).astype(np.float32), (0, 0), 1.5)
        picture = picture * (1 + 0.22 * grain / grain.std() * 0.5) * random.normal(1, 0.015)
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
        nearer = (diastole.mask, from_diastole) if amount < 0.5 else (systole.mask, from_systole)
        masks.append(warped(*nearer, shift, cv2.INTER_NEAREST))
    marks = []
    for beat in range(beats):
        ed = round(borders[beat] * fps)
        es = round((borders[beat] + 0.36 * lengths[beat]) * fps)
        if es < len(pictures):
            marks.append((ed, es))
    return Cine(pictures, masks, marks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--beats", type=int, default=6)
    parser.add_argument("--fps", type=float, default=25)
    arguments = parser.parse_args()
    (arguments.out / "Videos").mkdir(parents=True, exist_ok=True)
    by_patient: dict[int, dict[str, Labelled]] = {}
    for labelled in camus(True):
        by_patient.setdefault(labelled.patient, {})[labelled.phase] = labelled
    with (arguments.out / "FileList.csv").open("w", newline="") as list_file, (arguments.out / "VolumeTracings.csv").open("w", newline="") as trace_file:
        files, traces = csv.writer(list_file), csv.writer(trace_file)
        files.writerow(["FileName", "EF", "ESV", "EDV", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames", "Split"])
        traces.writerow(["FileName", "X1", "Y1", "X2", "Y2", "Frame"])
        for patient, phases in by_patient.items():
            diastole, systole = phases["ED"], phases["ES"]
            height, width = diastole.picture.shape
            name = f"patient{patient:04d}"
            made = cine(diastole, systole, arguments.beats, arguments.fps, patient)
            pictures, marks = made.pictures, made.marks
            target = arguments.out / "Videos" / f"{name}.avi"
            encoder = subprocess.Popen(
                ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(arguments.fps), "-i", "-", "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", str(target)],
                stdin=subprocess.PIPE,
            )
            assert encoder.stdin is not None
            for picture in pictures:
                encoder.stdin.write(picture.tobytes())
            encoder.stdin.close()
            if encoder.wait():
                raise SystemExit(f"ffmpeg could not write {target}")
            volumes = [volume_by_disks(one.mask == 1, one.mask == 3) for one in (diastole, systole)]
            files.writerow([name, f"{100 * (1 - volumes[1] / volumes[0]):.3f}", f"{volumes[1]:.0f}", f"{volumes[0]:.0f}", height, width, arguments.fps, len(pictures), "VAL"])
            middle = marks[len(marks) // 2]
            for frame, labelled in zip(middle, (diastole, systole), strict=True):
                for line in chords(labelled.mask):
                    traces.writerow([name, *(f"{value:.2f}" for value in line), frame])
            print(name, len(pictures), "pictures", flush=True)


if __name__ == "__main__":
    main()
