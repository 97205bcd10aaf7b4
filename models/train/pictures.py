"""Failure pictures for the model card: the worst frames of the procedural validation clips (real validation pictures may not be put into the repository).

    python -m models.train.pictures --model models/compact --out models/compact/failures.jpg

One row per clip: first frame with the given mask, then the frame with the lowest J (truth green, the tracker's mask red).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from models.train.metrics import region_similarity
from models.train.track_reference import Array, ReferenceTracker
from models.train.validate import procedural_sequences


def outline(image: Array, mask: Array, colour: tuple[int, int, int]) -> None:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, contours, -1, colour, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3)
    arguments = parser.parse_args()
    tracker = ReferenceTracker.open(arguments.model)
    rows: list[tuple[float, Array]] = []
    for kind in ("surgery", "echo"):
        for sequence in procedural_sequences(kind):
            first = sequence.frame(0).copy()
            outline(first, sequence.truth(0), (0, 255, 80))
            tracker.prompt_masks(sequence.frame(0), [sequence.truth(0)])
            worst: tuple[float, Array] | None = None
            for index in range(1, sequence.length):
                image, truth = sequence.frame(index).copy(), sequence.truth(index)
                predicted = tracker.track(image).mask(0, *truth.shape)
                j = region_similarity(predicted, truth)
                if worst is None or j < worst[0]:
                    outline(image, truth, (0, 255, 80))
                    outline(image, predicted, (255, 40, 40))
                    cv2.putText(image, f"{sequence.name} frame {index}  J {j:.2f}", (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
                    worst = (j, image)
            assert worst is not None
            rows.append((worst[0], np.concatenate([first, worst[1]], 1)))
    rows.sort(key=lambda row: row[0])
    sheet = np.concatenate([row for _, row in rows[: arguments.rows]], 0)
    cv2.imwrite(str(arguments.out), cv2.resize(sheet, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
