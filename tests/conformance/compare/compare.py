"""The files of the conformance suite through OpenCV, PyAV and a plain GStreamer pipeline, as a table beside sonoscope. Not run by the tests.

    SONO_CONFORMANCE=all SONO_CONFORMANCE_KEEP=FOLDER ./sonoscope test tests/conformance/conformance.test.ts
    python -m venv ENV && ENV/bin/pip install -r tests/conformance/compare/requirements.txt
    ENV/bin/python tests/conformance/compare/compare.py FOLDER --json tests/conformance/compare/results.json --table TABLE.md

Each reader is used in the plainest way its documentation shows and held to what the ffmpeg program hands out (`reference` in FOLDER/results-*.json, written by the
suite): pictures and their order, times since the first, size with rotation tags and square pixels, colours within 3 levels. A fault of one kind hides
the later ones: there is no time of a picture that is missing. Combs are not counted: the other readers hand out fields as they are stored, as ffmpeg does.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Iterator

import av
import cv2
import numpy as np

COLUMNS = 8
PATIENCE_S = 30
# As in ../picture.ts: bands of the test picture as fractions of its height.
NUMBER, INVERSE, COLOURS = (0, 0.14), (0.14, 0.28), (0.3, 0.5)

# uint8 RGB [height, width, 3] and seconds, None where the reader has no time
Picture = tuple[np.ndarray, float | None]


def opencv(path: str) -> Iterator[Picture]:
    capture = cv2.VideoCapture(path)
    if not capture.isOpened():
        raise RuntimeError("cannot open")
    while True:
        ok, bgr = capture.read()
        if not ok:
            return
        yield bgr[:, :, ::-1], capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def pyav(path: str) -> Iterator[Picture]:
    with av.open(path) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24"), frame.time


def gstreamer(path: str) -> Iterator[Picture]:
    """`decodebin ! videoconvert`; the packets of gdppay carry the times."""
    launch = f'filesrc location="{path}" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! gdppay ! fdsink fd=1'
    with subprocess.Popen(["gst-launch-1.0", "-q", *launch.split(" ")], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        try:
            width = height = 0
            while len(header := child.stdout.read(62)) == 62:
                kind, length, pts = struct.unpack(">HIQ", header[4:18])
                payload = child.stdout.read(length)
                if kind == 2:
                    size = re.search(rb"width=\(int\)(\d+), height=\(int\)(\d+)", payload)
                    if size is not None:
                        width, height = int(size[1]), int(size[2])
                elif kind == 1 and height > 0:
                    rows = np.frombuffer(payload, np.uint8)[: length // height * height].reshape(height, -1)
                    yield rows[:, : width * 3].reshape(height, width, 3), None if pts == 2**64 - 1 else pts / 1e9
            said = child.stderr.read().decode(errors="replace")
            if child.wait() != 0:
                error = re.search(r"ERROR: .*?: (.*)", said)
                raise RuntimeError(error[1] if error else f"ended with {child.returncode}")
        finally:
            child.kill()


READERS: dict[str, Callable[[str], Iterator[Picture]]] = {"OpenCV": opencv, "PyAV": pyav, "plain GStreamer": gstreamer}


def turned(u: float, v: float, rotation: int) -> tuple[float, float]:
    return {0: (u, v), 90: (1 - v, u), 180: (1 - u, 1 - v), 270: (v, 1 - u)}[rotation]


def mean(picture: np.ndarray, rotation: int, column: int, band: tuple[float, float]) -> np.ndarray:
    height, width, _ = picture.shape
    top, bottom = band
    a = turned((column + 0.35) / COLUMNS, top + (bottom - top) * 0.35, rotation)
    b = turned((column + 0.65) / COLUMNS, top + (bottom - top) * 0.65, rotation)

    def between(p: float, q: float, length: int) -> slice:
        first = int(min(p, q) * length)
        return slice(first, max(first + 1, int(np.ceil(max(p, q) * length))))

    return picture[between(a[1], b[1], height), between(a[0], b[0], width)].mean(axis=(0, 1))


def read_picture(picture: np.ndarray, rotation: int) -> tuple[int | None, list[list[float]]]:
    value, fits = 0, True
    for column in range(COLUMNS):
        bit = mean(picture, rotation, column, NUMBER)[1]
        inverse = mean(picture, rotation, column, INVERSE)[1]
        fits &= abs(bit - inverse) >= 100
        value = value * 2 + int(bit > inverse)
    return (value if fits else None), [mean(picture, rotation, column, COLOURS).tolist() for column in range(COLUMNS)]


def upright(picture: np.ndarray, rotation: int) -> int | None:
    """A picture that was not turned is read as it is stored, so that only its size is wrong."""
    number, _ = read_picture(picture, rotation)
    return number if number is not None else read_picture(picture, 0)[0]


def faults(reader: Callable[[str], Iterator[Picture]], path: str, result: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind of fault and one sentence, empty when all is right."""
    rotation, truth = result["rotation"], result["reference"]["pictures"]
    numbers: list[int | None] = []
    times: list[float | None] = []
    colours: list[list[list[float]]] = []
    sizes: set[tuple[int, int]] = set()
    broken = ""
    try:
        for picture, seconds in reader(path):
            # A reader that repeats an animation for ever is stopped.
            if len(numbers) > 4 * len(truth):
                broken = "never ends"
                break
            numbers.append(upright(picture, rotation))
            times.append(seconds)
            colours.append(read_picture(picture, rotation)[1])
            sizes.add((picture.shape[1], picture.shape[0]))
    except Exception as error:  # noqa: BLE001 whatever a reader says about a file is a result
        broken = f"{type(error).__name__}: {str(error)[:80]}"
    if not numbers:
        return [("not read", broken or "no picture")]
    found: list[tuple[str, str]] = []
    right = [each["number"] for each in truth]
    if numbers != right:
        missing = len(Counter(right) - Counter(numbers))
        extra = sum((Counter(numbers) - Counter(right)).values())
        found.append(("pictures", f"{len(numbers)} of {len(right)} pictures, {missing} missing, {extra} not FFmpeg's" + (f", {broken}" if broken else "")))
    size = (result["reference"]["size"]["width"], result["reference"]["size"]["height"])
    if sizes != {size}:
        found.append(("size", f"{' and '.join(f'{w}×{h}' for w, h in sorted(sizes))} instead of {size[0]}×{size[1]}"))
    if numbers == right:
        if any(each is None for each in times):
            found.append(("time", "pictures without a time"))
        else:
            latest = -1.0
            for index, each in enumerate(truth):
                off = abs((times[index] - times[0]) * 1000 - each["mediaMs"])  # type: ignore[operator]
                if each["mediaMs"] > latest and off > 1:
                    found.append(("time", f"picture {index} is {off:.0f} ms off"))
                    break
                latest = max(latest, each["mediaMs"])
        if not any(kind == "size" for kind, _ in found) or rotation == 0:
            worst = max(np.abs(np.array(mine) - np.array(each["colours"])).max() for mine, each in zip(colours, truth))
            if worst > 3:
                found.append(("colour", f"{worst:.0f} levels off"))
    return found


def isolated(reader: Callable[[str], Iterator[Picture]], path: str, result: dict[str, Any]) -> list[tuple[str, str]]:
    """In a process of its own: readers crash and hang."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)

    def work() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        theirs.send(faults(reader, path, result))

    process = context.Process(target=work)
    process.start()
    theirs.close()
    try:
        if not mine.poll(PATIENCE_S):
            return [("not read", f"nothing after {PATIENCE_S} s")]
        return mine.recv()
    except EOFError:
        return [("not read", "crashes")]
    finally:
        process.kill()
        process.join()


def our_kind(sentence: str) -> str:
    for kind, pattern in {
        "not read": r"^outcome|\(0\) instead",
        "pictures": r"pictures: |has the number|second pass|dropped|promises|lost",
        "size": r"^size|^shown",
        "time": r" ms instead|does not rise|per second",
        "colour": r"colour",
        "comb": r"combed",
    }.items():
        if re.search(pattern, sentence):
            return kind
    return "other"


def cell(per_file: list[list[tuple[str, str]]]) -> str:
    wrong = [found for found in per_file if found]
    if not wrong:
        return "right"
    # A file counts once, under its gravest fault.
    kinds = Counter(found[0][0] for found in wrong)
    return f"{len(per_file) - len(wrong)} right; wrong: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    results = [each for path in sorted(arguments.folder.glob("results-*.json")) for each in json.loads(path.read_text())]
    if not results:
        sys.exit(f"no results in {arguments.folder}")
    columns = ["sonoscope", *READERS]
    rows: dict[str, dict[str, list[list[tuple[str, str]]]]] = {}
    files = []
    for number, result in enumerate(results):
        row = rows.setdefault(result["kind"], {column: [] for column in columns})
        found: dict[str, list[tuple[str, str]]] = {"sonoscope": [(our_kind(each), each) for each in result["faults"]]}
        for name, reader in READERS.items():
            found[name] = isolated(reader, str(arguments.folder / result["file"]), result)
        for column in columns:
            row[column].append(found[column])
        wrong = {column: [sentence for _, sentence in found[column]] for column in columns if found[column]}
        files.append({"name": result["name"], "kind": result["kind"], "wrong": wrong})
        print(f"{number + 1}/{len(results)} {result['name']}", file=sys.stderr)
    gst = subprocess.run(["gst-launch-1.0", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[1]
    ffmpeg = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split(" ")[2]
    versions = {"ffmpeg": ffmpeg, "OpenCV": cv2.__version__, "PyAV": av.__version__, "GStreamer": gst.split(" ")[1]}
    document = {"versions": versions, "files": len(results), "right": {c: sum(c not in each["wrong"] for each in files) for c in columns}, "results": files}
    arguments.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    lines = [f"| kind of file (how many) | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    for kind, row in rows.items():
        lines.append(f"| {kind} ({len(row['sonoscope'])}) | {' | '.join(cell(row[column]) for column in columns)} |")
    lines.append(f"| all ({len(results)}) | {' | '.join(str(document['right'][column]) + ' right' for column in columns)} |")
    arguments.table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
