#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Latent ODEs on spirals (Chen et al. 2018, section 5): labelled runs of one configuration.

Trains configs/latent/spirals.yaml with every setting and seed and writes docs/results/spirals.md. Runs that are complete
under --out are not repeated.

    tests/bench/spirals.py --tool build/release/bin/odeum --out runs/spirals
"""
import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

from provenance import SOURCE, commit, processor

SPACE = 6 * math.pi / 499
TANH = ["encoder.cell=tanh"]
IRREGULAR = TANH + [f"encoder.time_differences={SPACE:.6g}"]
# Folder, label, what is set, and the published error beyond the observed span for as many observed times.
ARMS = [
    ("noisy", "noise 0.3, all of 100 times", TANH, 0.1346),
    ("noise-free", "no noise, all of 100 times, deviation 0.1", TANH + ["data.noise=0", "objective.deviation=0.1"], None),
    ("observed-50", "noise 0.3, 50 of 100 times", ["data.observed=50"] + IRREGULAR, 0.1502),
    ("observed-30", "noise 0.3, 30 of 100 times", ["data.observed=30"] + IRREGULAR, 0.1642),
]
# Beside the three: the configuration as it is, with a gated encoder; and the published script's optimizer, all samples in a
# batch and one learning rate.
ARMS += [
    ("gru", "noise 0.3, all of 100 times, gated encoder", [], 0.1346),
    ("script", "noise 0.3, all of 100 times, the script's optimizer",
     TANH + ["data.batch=1000", "optimizer.schedule=constant"], 0.1346),
]


def folder_of(out, arm, seed):
    return Path(out) / f"{arm}-{seed}"


def complete(out, arm, seed):
    summary = folder_of(out, arm, seed) / "summary.json"
    return summary.exists() and json.loads(summary.read_text())["status"] == "done"


def train(arguments, arm, sets, seed):
    folder = folder_of(arguments.out, arm, seed)
    if not complete(arguments.out, arm, seed):
        command = [arguments.tool, "train", str(SOURCE / "configs/latent/spirals.yaml"), "--out", str(folder), "--no-report"]
        for item in [f"seed={seed}"] + sets + arguments.set:
            command += ["--set", item]
        if folder.exists():
            command.append("--resume")
        print(" ".join(command), file=sys.stderr, flush=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "summary.json").read_text())


def shown(values, digits=3):
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return f"{mean:.{digits}f} ± {spread:.{digits}f}"


def row(arm, label, sets, published, runs):
    test = [run["test"] for run in runs]
    ahead = [t["root_mean_squared_error_ahead"] for t in test]
    wanted = " ".join(f"--set {item}" for item in sets)
    return (f"| {arm} | {label} | {f'`{wanted}`' if wanted else ''} | {len(runs)} | "
            f"{shown([t['root_mean_squared_error'] for t in test])} | {shown(ahead)} | "
            f"{', '.join(f'{value:.2f}' for value in ahead)} | {published or ''} | "
            f"{shown([t['negative_bound'] for t in test], 1)} | {shown([t['kl'] for t in test], 1)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", default=str(SOURCE / "build/release/bin/odeum"))
    parser.add_argument("--out", default=str(SOURCE / "runs/spirals"))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--present-only", action="store_true", help="train nothing: tabulate the complete runs")
    parser.add_argument("--set", action="append", default=[], help="passed on to every run")
    arguments = parser.parse_args()
    rows = []
    steps = set()
    for arm, label, sets, published in ARMS:
        seeds = [seed for seed in arguments.seeds if not arguments.present_only or complete(arguments.out, arm, seed)]
        runs = [train(arguments, arm, sets, seed) for seed in seeds]
        steps |= {run["steps"] for run in runs}
        if runs:
            rows.append(row(arm, label, sets, published, runs))
    page = SOURCE / "docs/results/spirals.md"
    notes = page.read_text().split("\n## Notes\n") if page.exists() else []
    lines = ["# Latent ODEs on spirals", "",
             "Command: `tests/bench/spirals.py`  ",
             f"Commit: {commit()}  ",
             f"CPU: {processor()}, {os.cpu_count()} cores", "",
             f"`configs/latent/spirals.yaml`, {', '.join(map(str, sorted(steps)))} steps, seeds from {arguments.seeds}; mean ± "
             "deviation over the seeds. Root mean square errors of the decoded posterior mean on 1000 test pieces, against the "
             "spirals without noise: at the 100 times of the encoder's span, and at the 100 beyond.", "",
             "| run | what | set | seeds | error, observed span | error beyond | beyond, by seed | published | "
             "negative bound [nats] | divergence [nats] |",
             "|---|---|---|---|---|---|---|---|---|---|"] + rows
    if len(notes) == 2:
        lines += ["", "## Notes", notes[1].rstrip("\n")]
    page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
