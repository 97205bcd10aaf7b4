"""Baseline of the accuracy bench: masks carried along by dense optical flow (OpenCV DIS), frame by frame.

flow_baseline.py WIDTH HEIGHT; started by `sonoscope evaluate --baseline flow`.
Input: lines of JSON, each followed by raw bytes: {"kind": "mask", "width": w, "height": h} + w*h bytes (an object, on the
frame that comes next), {"kind": "frame"} + RGB of WIDTH x HEIGHT. After each frame it prints, per object in order, its soft
mask as WIDTH x HEIGHT float32: above 0 is foreground.
"""
import json
import sys

import cv2
import numpy as np

cv2.setNumThreads(1)
width, height = int(sys.argv[1]), int(sys.argv[2])
flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
source, sink = sys.stdin.buffer, sys.stdout.buffer
grid_x, grid_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
masks, fresh, previous = [], [], None

while line := source.readline():
    header = json.loads(line)
    if header["kind"] == "mask":
        size = header["width"], header["height"]
        mask = np.frombuffer(source.read(size[0] * size[1]), np.uint8).reshape(size[1], size[0])
        masks.append(cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA))
        fresh.append(True)
        continue
    picture = np.frombuffer(source.read(width * height * 3), np.uint8).reshape(height, width, 3)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if previous is not None and not all(fresh):
        # Where was each pixel of this frame in the one before?
        back = flow.calc(grey, previous, None)
        for index in range(len(masks)):
            if not fresh[index]:
                masks[index] = cv2.remap(masks[index], grid_x + back[..., 0], grid_y + back[..., 1], cv2.INTER_LINEAR,
                                         borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    fresh = [False] * len(masks)
    previous = grey
    for mask in masks:
        sink.write((mask - 0.5).astype("<f4").tobytes())
    sink.flush()
