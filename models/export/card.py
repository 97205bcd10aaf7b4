"""Writes `MODEL_CARD.md` from the folder's own result files, so that no figure is typed by hand.

    python -m models.export.card --model models/compact

Reads `model.json`, `validation.json`, `speed.json`, `sizes.json` and, where they are there, `validation-baseline.json` (the model before this training) and
`variants.json`. What a file does not say appears as "not measured".
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

TARGETS = (
    # label, path in validation.json, target
    ("natural video (4 sequences), mean J&F", ("sets", "natural", "j_and_f"), "≥ .78"),
    ("robotic instruments, scene c, J", ("sets", "robotic", "j"), "≥ .80"),
    ("vocal folds, seq4, J", ("sets", "vocal-folds", "j"), "≥ .65"),
    ("J after frame 30 ÷ J in the first 10, natural", ("sets", "natural", "late_over_early"), "≥ .85"),
    ("J change per 30 frames after frame 30, natural", ("sets", "natural", "j_change_per_30_frames_after_30"), "≥ −.05"),
    ("procedural surgery, held-out seeds, J&F", ("sets", "surgery", "j_and_f"), "≥ .80"),
    ("procedural echo, held-out seeds, Dice", ("sets", "echo", "dice"), "≥ .93"),
    ("first mask, 1 click, mean IoU", ("prompts", "all", "clicks1"), "≥ .60"),
    ("first mask, 3 clicks", ("prompts", "all", "clicks3"), "≥ .75"),
    ("first mask, box", ("prompts", "all", "box"), "≥ .78"),
    ("object gone: score low within 5 frames", ("absence", "scores_low_within_5_frames"), "all"),
    ("re-acquired within 10 frames", ("absence", "reacquired_within_10_frames"), "≥ .80"),
    ("foreign or black frames without a mask", ("absence", "foreign_frames_without_mask"), "≥ .95"),
)


def look(report: dict[str, Any] | None, path: tuple[str, ...]) -> str:
    value: Any = report
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return "not measured" if value is None else f"{value:.3f}"


def read(path: Path) -> dict[str, Any] | None:
    content: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return content


def table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]])


def figures(report: dict[str, Any] | None, baseline: dict[str, Any] | None, manifest: dict[str, Any]) -> str:
    rows = [[label, look(baseline, path), look(report, path), target] for label, path, target in TARGETS]
    calibration = manifest["calibration"]
    ece = "not measured" if calibration.get("ece") is None else f"{calibration['ece']:.3f} (a sequence left out: {calibration.get('eceLeaveOneSequenceOut', 'not measured')})"
    rows.append(["ECE of the shown confidence", "–", ece, "≤ .05"])
    return table(["measure", "before this training", "this model", "to reach"], rows)


def domains(report: dict[str, Any] | None) -> str:
    rows = []
    for name, values in (report or {}).get("sets", {}).items():
        periods = values["j_by_frames_since_prompt"]
        by_time = " / ".join("–" if value is None else f"{value:.2f}" for value in periods.values())
        rows.append([name, f"{values['j']:.3f}", f"{values['f']:.3f}", f"{values['dice']:.3f}", f"{values['copying_j']:.3f}", by_time])
        for sequence, single in values["sequences"].items():
            rows.append([f"· {sequence} ({single['frames']})", f"{single['j']:.3f}", f"{single['f']:.3f}", "", "", ""])
    return table(["set", "J", "F", "Dice", "copying the first mask, J", "J at frames 0-10 / 10-30 / 30-60 / 60+"], rows)


def prompts(report: dict[str, Any] | None) -> str:
    rows = [
        [name, str(row.get("objects", "")), *(f"{row[key]:.3f}" for key in ("clicks1", "clicks2", "clicks3", "box"))]
        for name, row in (report or {}).get("prompts", {}).items()
    ]
    return table(["first frames of", "objects", "1 click", "2 clicks", "3 clicks", "box"], rows)


def speed(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not measured"
    rows = [
        [row["input"], row.get("precision", "fp32"), str(row["slots"]), row["memory"], str(row["threads"])]
        + [f"{row['ms_by_objects'][n]:.0f} ({row['fastest_ms_by_objects'][n]:.1f})" for n in ("1", "2", "4", "8")]
        + [f"{row['fastest_ms_each_further']:.1f}"]
        for row in result["rows"]
    ]
    head = f"ONNX Runtime {result['machine']['onnxruntime']}, CPU, {result['machine']['processor']}, {result['date']}; {result['runs']} runs of `track.onnx`: "
    head += f"median, fastest in brackets. Load average during the runs: {result['load_average'][0]} on {result['cores']} cores"
    head += "; above 1 other work disturbed them and only the fastest says something about the model." if result["load_average"][0] > 1 else "."
    if result.get("note"):
        head += " " + result["note"]
    return head + "\n\n" + table(["input", "precision", "slots", "recent entries", "threads", "1 object, ms", "2", "4", "8", "each further (fastest)"], rows)


def variants(result: dict[str, Any] | None) -> str:
    if result is None:
        return ""
    rows = [[row["name"], *(look(row, ("sets", name, key)) for name, key in (("natural", "j"), ("robotic", "j"), ("vocal-folds", "j")))] for row in result["rows"]]
    return table(["variant", "natural J", "robotic J", "vocal folds J"], rows)


def starts(report: dict[str, Any] | None) -> str:
    if "starts" not in (report or {}):
        return "not measured"
    assert report is not None
    rows = []
    for name, values in report["starts"].items():
        rows.append([name, f"{values['j']:.3f}", f"{values['late_over_early']:.2f}", ""])
        rows += [[f"· {sequence}", f"{sum(runs) / len(runs):.3f}", "", " / ".join(f"{j:.2f}" for j in runs)] for sequence, runs in values["sequences"].items()]
    return table(["set", "J", "late / early", "J from the start, from a third in; backwards from the end, from a third before it"], rows)


def sizes(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not measured"
    rows = [[row["input"], str(row["slots"]), row["memory"], *(f"{row['sets'][name]['j']:.3f}" for name in ("natural", "robotic", "vocal-folds"))] for row in result["rows"]]
    return table(["input (height x width)", "slots", "recent entries", "natural J", "robotic J", "vocal folds J"], rows)


def edgetam(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not measured"
    times = ", ".join(f"{name} {value:g} ms" for name, value in result["ms_per_frame"].items())
    return (
        f"One object, same clip, {result['threads']} threads, median of {result['frames']} frames with a filled memory, in turns (each starts with cold caches after the other): {times}. EdgeTAM "
        f"({result['edgetam_million_parameters']:g} M parameters, 1024 x 1024, PyTorch, random weights: speed only) by `models/train/compare_edgetam.py`."
    )


ABLATIONS = {
    "baseline": "nothing left out",
    "no-prompt-readout": "without the read-out from the prompt entry alone",
    "no-gate": "without the gate: every frame enters memory",
    "no-echo": "without procedural echo",
    "clips-of-4": "clips of four frames instead of eight, twice as many",
    "hard-reading": "without holding down the peak of the reading",
    "imagenet": "from ImageNet weights instead of the committed model",
    "random": "the same without ImageNet weights",
}


def ablations(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not run"
    rows = []
    for name, words in ABLATIONS.items():
        if name in result:
            run = result[name]
            late = "–" if run["natural_late_over_early"] is None else f"{run['natural_late_over_early']:.2f}"
            rows.append([words, str(run["steps"]), *(f"{run[key]:.3f}" for key in ("natural", "robotic", "vocal-folds", "echo")), late])
    return table(["run", "steps", "natural J", "robotic J", "vocal folds J", "echo Dice", "natural late / early"], rows)


def abstention(manifest: dict[str, Any]) -> str:
    rows = [[f"{row['threshold']:.1f}", f"{row['shown']:.2f}", f"{row['mean_iou']:.3f}"] for row in manifest["calibration"].get("abstention", [])]
    return table(["show only from confidence", "share of masks shown", "their mean IoU"], rows) if rows else "not measured"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--text", type=Path, default=Path(__file__).with_name("card.md"))
    arguments = parser.parse_args()
    folder = arguments.model
    manifest = read(folder / "model.json")
    assert manifest is not None
    report, baseline = read(folder / "validation.json"), read(folder / "validation-baseline.json")
    graphs = manifest["graphs"]
    values = {
        "name": manifest["name"],
        "version": manifest["version"],
        "size": f"{manifest['input']['width']}x{manifest['input']['height']}",
        "slots": str(manifest["memory"]["slots"]),
        "megabytes": f"{sum(graph['bytes'] for graph in graphs.values()) / 1e6:.1f}",
        "hashes": "\n".join(f"- `{graph['file']}` {graph['bytes']:,} bytes, sha256 `{graph['sha256']}`" for graph in graphs.values()),
        "figures": figures(report, baseline, manifest),
        "domains": domains(report),
        "prompts": prompts(report),
        "starts": starts(report),
        "sizes": sizes(read(folder / "sizes.json")),
        "speed": speed(read(folder / "speed.json")),
        "variants": variants(read(folder / "variants.json")),
        "ablations": ablations(read(folder / "ablations.json")),
        "edgetam": edgetam(read(folder / "edgetam.json")),
        "abstention": abstention(manifest),
        "prompt3": str(manifest["training"].get("steps", "not recorded")),
        "parity": ", ".join(f"{name} {value:.1e}" for name, value in manifest["training"]["parity"].items()),
    }
    text = arguments.text.read_text()
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", value)
    (folder / "MODEL_CARD.md").write_text(text)


if __name__ == "__main__":
    main()
