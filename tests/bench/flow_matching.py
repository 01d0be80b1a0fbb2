#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flow matching beside maximum likelihood: what likelihood the same net reaches in the same processor time.

Trains configs/flows/ and the configurations with the same nets and data that are trained by likelihood, on one thread,
and writes docs/results/flow-matching.md. Runs that are complete under --out are not repeated.

    tests/bench/flow_matching.py --tool build/release/bin/odeum --out runs/flow-matching
"""
import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

from provenance import SOURCE, commit, processor

OPTIMAL = ["objective.coupling=optimal", "data.batch=256"]
# Steps are such that the trainings of a table but the short one take about the same processor time.
ARMS = {
    "eight-gaussians": [
        ("likelihood", "quickstart.yaml", ["train.steps=1500"]),
        ("flow matching", "flows/eight-gaussians.yaml", ["train.steps=40000"]),
        ("flow matching, short", "flows/eight-gaussians.yaml", ["train.steps=5000", "train.evaluate_every=2500"]),
        ("flow matching, optimal coupling", "flows/eight-gaussians.yaml",
         ["train.steps=2500", "train.evaluate_every=500", *OPTIMAL]),
    ],
    "power-plant": [
        ("likelihood", "tabular/power-plant.yaml", ["train.steps=4000"]),
        ("flow matching", "flows/power-plant.yaml", ["train.steps=60000"]),
        ("flow matching, short", "flows/power-plant.yaml", ["train.steps=10000"]),
        ("flow matching, optimal coupling", "flows/power-plant.yaml",
         ["train.steps=4000", "train.evaluate_every=500", *OPTIMAL]),
    ],
    "mnist14": [
        ("likelihood", "flows/mnist14.yaml", ["objective={use: likelihood, units: bits_per_dim}", "train.steps=100"]),
        ("flow matching", "flows/mnist14.yaml", ["train.steps=2000"]),
    ],
}
SEEDS = {"eight-gaussians": [1, 2, 3], "power-plant": [1, 2], "mnist14": [1]}
PARTS = {
    "eight-gaussians": "Eight Gaussians in the plane, fresh samples in every batch; the data's entropy is 2.832 nats.",
    "power-plant": "Five standardised columns, 7,654 training rows; the best checkpoint in validation is tested.",
    "mnist14": "10,000 images, one ode block with a convolutional field of width 32, trace by one probe a solve.",
}
# What the likelihood is reported in.
METRIC = {"eight-gaussians": ("nll", "nats"), "power-plant": ("nll", "nats"), "mnist14": ("bits_per_dim", "bits per dimension")}


def run(tool, out, data, arm, config, sets, seed):
    folder = Path(out) / f"{data}-{arm.replace(', ', '-').replace(' ', '-')}-{seed}"
    note = folder / "processor_seconds.json"
    if not note.exists():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        words = [tool, "train", str(SOURCE / "configs" / config), "--out", str(folder)]
        for item in [f"seed={seed}", "device.threads=1", *sets]:
            words += ["--set", item]
        print(" ".join(words), file=sys.stderr, flush=True)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        note.write_text(json.dumps(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return json.loads((folder / "summary.json").read_text()), json.loads(note.read_text())


def mean_and_spread(values):
    mean = sum(values) / len(values)
    return mean, (sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1)) ** 0.5


def shown(mean, spread, count, digits):
    return f"{mean:.{digits}f} ± {spread:.{digits}f}" if count > 1 else f"{mean:.{digits}f}"


def table(tool, out, data, seeds):
    seeds = seeds or SEEDS[data]
    count = f"Seeds {', '.join(map(str, seeds))}; mean ± deviation." if len(seeds) > 1 else "One seed."
    lines = [f"## {data}", "", f"{PARTS[data]} {count}", "",
             f"| trained by | steps | processor seconds | test NLL [{METRIC[data][1]}] | evaluations a solve, test |",
             "|---|---|---|---|---|"]
    for arm, config, sets in ARMS[data]:
        done = [run(tool, out, data, arm, config, sets, seed) for seed in seeds]
        nll, nll_spread = mean_and_spread([summary["test"][METRIC[data][0]] for summary, _ in done])
        cost, cost_spread = mean_and_spread([summary["test"]["evaluations"] for summary, _ in done])
        seconds = sum(each for _, each in done) / len(done)
        lines.append(f"| {arm} | {done[0][0]['steps']} | {seconds:.0f} | {shown(nll, nll_spread, len(done), 4)} "
                     f"| {shown(cost, cost_spread, len(done), 0)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--data", choices=list(ARMS), help="train these alone and write no page")
    parser.add_argument("--seeds", type=int, nargs="+", help="others than the page's")
    arguments = parser.parse_args()
    if arguments.data:
        print(table(arguments.tool, arguments.out, arguments.data, arguments.seeds))
        return
    tables = [table(arguments.tool, arguments.out, data, arguments.seeds) for data in ARMS]
    page = f"""# Flow matching beside maximum likelihood

Command: `tests/bench/flow_matching.py`\x20\x20
Commit: {commit()}\x20\x20
CPU: {processor()}, shared with other work: processor time, start and evaluations included

The same nets on the same data, each with its own configuration (`configs/quickstart.yaml`, `configs/tabular/`, `configs/flows/`); test NLL
by dopri5 at 1e-5 with the exact trace where nothing else is said. One thread. The first two
likelihood trainings carry small kinetic and Jacobian penalties; the third has the configuration of flow matching, its learning rate included,
which was not looked for anew. Flow matching's learning rates were not looked for either.

"""
    (SOURCE / "docs/results/flow-matching.md").write_text(page + "\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main()
