"""pycocotools on bitmaps, for tests/process/parity.test.ts.

Input: list of {"width", "height", "bits": base64 of row-major packed bits}. Output per bitmap: counts string, area, box; and IoU with the next one of equal size.
"""

import base64
import json
import sys

import numpy as np
from pycocotools import mask as coco


def main() -> None:
    encoded = []
    for item in json.load(sys.stdin):
        size = item["width"] * item["height"]
        bits = np.unpackbits(np.frombuffer(base64.b64decode(item["bits"]), np.uint8))[:size]
        encoded.append(coco.encode(np.asfortranarray(bits.reshape(item["height"], item["width"]))))
    results = []
    for index, rle in enumerate(encoded):
        other = encoded[(index + 1) % len(encoded)]
        iou = coco.iou([rle], [other], [0])[0][0] if other["size"] == rle["size"] else None
        results.append(
            {"counts": rle["counts"].decode("ascii"), "area": int(coco.area(rle)), "box": [int(value) for value in coco.toBbox(rle)], "iou": iou}
        )
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
