#!/usr/bin/env bash
# torch.onnx.export (dynamo) 2.13.0 with onnxscript 0.7.2: parameters that happen to be equal lose their names.
#
# Expected (guess before it was run): `state_dict()` names are the names of the initializers, so that weights can be read back by name; equal numbers in two layers stay two.
# Seen: with `optimize=True` (the default) the biases of two layers that are both 0.5 are one initializer, named after the first layer; both 0, neither is there. Which names are there depends
#   on the numbers. With `optimize=False` all are there. A network that was trained keeps all its names, a fresh one does not, so a test on fresh weights fails where real ones pass.
# Versions: torch 2.13.0 (CPU), onnx 1.23.2, onnxscript 0.7.2, Python 3.11.
# Why it matters: segmentation networks are handed on as ONNX files alone, and people who go on training, or read int8 scales and weights back, look them up by name.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 numpy
cat >export.py <<'PY'
import onnx, onnxscript, torch
from torch import nn

print("torch", torch.__version__, "onnx", onnx.__version__, "onnxscript", onnxscript.__version__)

def names(bias: float | None, optimize: bool) -> set[str]:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval()
    if bias is not None:
        for layer in (network[0], network[2]):
            nn.init.constant_(layer.bias, bias)
    program = torch.onnx.export(network, (torch.zeros(1, 3, 16, 16),), dynamo=True, optimize=optimize, verbose=False)
    found = {initializer.name for initializer in program.model_proto.graph.initializer}
    return found

wanted = {"0.weight", "0.bias", "2.weight", "2.bias"}
seen = {(bias, optimize): wanted - names(bias, optimize) for bias in (None, 0.5, 0.0) for optimize in (True, False)}
for (bias, optimize), missing in seen.items():
    print(f"biases {'different' if bias is None else f'both {bias}'}, optimize={optimize}: missing names {sorted(missing) or 'none'}")
lost = {(0.5, True): {"2.bias"}, (0.0, True): {"0.bias", "2.bias"}}
assert seen == {key: lost.get(key, set()) for key in seen}, seen
PY
venv/bin/python -W ignore export.py
