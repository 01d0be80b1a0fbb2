#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published effect of RNODE's penalties (Finlay et al. 2020): fewer evaluations at equal likelihood.

Trains configs/regularization/{pinwheel,protein}.yaml for every weight and seed and writes
docs/results/regularization.md. Runs that are complete under --out are not repeated.

    tests/bench/regularization.py --tool build/release/bin/odeum --out runs/regularization
"""
import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

from provenance import SOURCE, commit, processor

WEIGHTS = [0.0, 0.01, 0.1]
SEEDS = [1, 2, 3]
# Tolerated loss of likelihood [nats] at which a weight must save a fifth of the evaluations.
DATA = {"pinwheel": 0.02, "protein": 0.1}


def folder_of(out, config, kinetic, jacobian, seed):
    return Path(out) / f"{Path(config).stem}-k{kinetic:g}-j{jacobian:g}-s{seed}"


def complete(*run):
    summary = folder_of(*run) / "summary.json"
    return summary.exists() and json.loads(summary.read_text())["status"] == "done"


def train(tool, config, out, kinetic, jacobian, seed, sets):
    folder = folder_of(out, config, kinetic, jacobian, seed)
    summary = folder / "summary.json"
    if not complete(out, config, kinetic, jacobian, seed):
        arguments = [tool, "train", str(config), "--out", str(folder), "--set", f"seed={seed}",
                     "--set", f"flow.regularizers.kinetic.weight={kinetic}", "--set",
                     f"flow.regularizers.jacobian.weight={jacobian}"]
        if folder.exists():
            arguments.append("--resume")
        for item in sets:
            arguments += ["--set", item]
        print(" ".join(arguments), file=sys.stderr, flush=True)
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    return json.loads(summary.read_text())


def mean_and_spread(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1))


def table(tool, name, out, sets, present_only):
    config = SOURCE / "configs" / "regularization" / f"{name}.yaml"
    rows, left_out = [], []
    for kinetic in WEIGHTS:
        for jacobian in WEIGHTS:
            if kinetic != jacobian and 0.0 not in (kinetic, jacobian):
                continue
            if present_only and not all(complete(out, config, kinetic, jacobian, seed) for seed in SEEDS):
                left_out.append(f"kinetic {kinetic:g}, jacobian {jacobian:g}")
                continue
            runs = [train(tool, config, out, kinetic, jacobian, seed, sets) for seed in SEEDS]
            nll = mean_and_spread([r["test"]["nll"] for r in runs])
            evaluations = mean_and_spread([r["test"]["evaluations"] for r in runs])
            training = mean_and_spread([r["evaluations"]["forward_mean"] for r in runs])
            seconds = mean_and_spread([r["seconds"] for r in runs])
            rows.append((kinetic, jacobian, nll, evaluations, training, seconds, runs[0]["steps"]))
    base_nll, base_evaluations = rows[0][2][0], rows[0][3][0]
    lines = [f"## {name}", "",
             f"{rows[0][6]} steps, seeds {', '.join(map(str, SEEDS))}; mean ± deviation over the seeds.", "",
             "| kinetic | jacobian | test NLL [nats] | against none | evaluations a solve | against none | "
             "evaluations a solve in training | seconds |",
             "|---|---|---|---|---|---|---|---|"]
    reached = []
    for kinetic, jacobian, nll, evaluations, training, seconds, _ in rows:
        saved = 1.0 - evaluations[0] / base_evaluations
        lines.append(f"| {kinetic:g} | {jacobian:g} | {nll[0]:.4f} ± {nll[1]:.4f} | {nll[0] - base_nll:+.4f} | "
                     f"{evaluations[0]:.1f} ± {evaluations[1]:.1f} | {-100 * saved:+.0f} % | {training[0]:.1f} | "
                     f"{seconds[0]:.0f} |")
        if saved >= 0.2 and nll[0] - base_nll <= DATA[name]:
            reached.append(f"kinetic {kinetic:g}, jacobian {jacobian:g}")
    lines += ["", f"At least 20 % fewer evaluations at a test NLL within {DATA[name]} nats: "
              + ("; ".join(reached) if reached else "no weight") + ".", ""]
    if left_out:
        lines += ["Not trained yet: " + "; ".join(left_out) + ".", ""]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", default=str(SOURCE / "build/release/bin/odeum"))
    parser.add_argument("--out", default=str(SOURCE / "runs/regularization"))
    parser.add_argument("--data", nargs="*", default=list(DATA), choices=list(DATA))
    parser.add_argument("--present-only", action="store_true", help="train nothing: tabulate the complete runs")
    parser.add_argument("--set", action="append", default=[], help="passed on to every run")
    arguments = parser.parse_args()
    lines = ["# Kinetic and Jacobian regularization", "",
             "Test NLL and evaluations per solve by dopri5 at 1e-5, exact trace, over 20 test batches of 512.", ""]
    page = SOURCE / "docs/results/regularization.md"
    kept = sections(page.read_text()) if page.exists() else {}
    for name in DATA:
        if name not in arguments.data:
            lines += kept.get(name, [])
            continue
        made = table(arguments.tool, name, arguments.out, arguments.set, arguments.present_only)
        head = [f"Command: `tests/bench/regularization.py --data {name}`  ", f"Commit: {commit()}  ",
                f"CPU: {processor()}, {os.cpu_count()} cores", ""]
        lines += made[:2] + head + made[2:]
    page.write_text("\n".join(lines))


def sections(text):
    """Lines of each '## name' section of a page, by name."""
    found, name = {}, None
    for line in text.split("\n"):
        if line.startswith("## "):
            name = line[3:]
            found[name] = []
        if name:
            found[name].append(line)
    return found


if __name__ == "__main__":
    main()
