"""ONNX Runtime sessions, opened everywhere as the product opens them."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def open_graph(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    """On the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
