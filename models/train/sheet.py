"""Contact sheets of training clips with the mask's outline, to be looked at before anything is trained on them.

    python -m models.train.sheet --out FOLDER [--kinds real composite surgery echo mucosa stills] [--rows 6] [--seed 0]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from models.train.data.clips import MixConfig, draw_clip, draw_still
from models.train.data.geometry import Clip
from models.train.data.prompts import random_prompt
from models.train.data.sources import load_sources
from models.train.paths import data_root


def outlined(clip: Clip, index: int) -> np.ndarray:
    image = clip.frames[index].copy()
    contours, _ = cv2.findContours(clip.masks[index], cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, contours, -1, (0, 255, 80), 1)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", default=["real", "composite", "surgery", "echo", "mucosa", "stills"])
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="only the first sequences of each kind")
    arguments = parser.parse_args()
    sources = load_sources(data_root(), limit=arguments.limit)
    arguments.out.mkdir(parents=True, exist_ok=True)
    nothing = MixConfig(real=0, composite=0, surgery=0, echo=0, mucosa=0, stills=0)
    for kind in arguments.kinds:
        random = np.random.default_rng(arguments.seed)
        rows, started = [], time.perf_counter()
        for _ in range(arguments.rows):
            if kind == "stills":
                cells = []
                for _ in range(6):
                    clip = draw_still(random, sources, MixConfig(), (224, 352))
                    image = outlined(clip, 0)
                    planes = random_prompt(random, clip.masks[0])
                    for plane, colour in ((0, (0, 255, 0)), (1, (255, 0, 0)), (2, (0, 120, 255)), (3, (255, 255, 0))):
                        image[planes[plane] > 0] = (image[planes[plane] > 0] * 0.6 + np.array(colour) * 0.4).astype(np.uint8)
                    cells.append(image)
            else:
                clip = draw_clip(random, sources, replace(nothing, **{kind: 1.0}), 8, (224, 352))
                cells = [outlined(clip, index) for index in range(0, 8, 1)]
            rows.append(np.concatenate(cells, 1))
        print(kind, f"{(time.perf_counter() - started) / arguments.rows * 1000:.0f} ms per row")
        cv2.imwrite(str(arguments.out / f"{kind}.png"), cv2.resize(np.concatenate(rows, 0), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)[..., ::-1])


if __name__ == "__main__":
    main()
