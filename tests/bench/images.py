#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RNODE's penalties on images (Finlay et al. 2020), and whether full-size image flows learn.

Trains configs/images/mnist14.yaml with and without both penalties for every seed, runs bench_image_flows on the
full-size MNIST flow (and CIFAR-10's, where the data folder has it), and writes docs/results/image-flows.md. Runs that
are complete under --out are not repeated. Needs ODEUM_DATA, and bench_image_flows (cmake --build BUILD --target
bench_image_flows).

    tests/bench/images.py --build build/release --out runs/images
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

from regularization import SOURCE, mean_and_spread, processor

CONFIGS = SOURCE / "configs" / "images"
ARMS = {"none": 0.0, "0.01 both": 0.01}
SEEDS = [1, 2, 3]
SOLVES = 6  # of mnist14
SHOWN_STEPS = [10, 50, 100, 200, 300, 400, 500]


def train(build, out, weight, seed, sets):
    folder = out / f"mnist14-w{weight:g}-s{seed}"
    summary = folder / "summary.json"
    if not (summary.exists() and json.loads(summary.read_text())["status"] == "done"):
        arguments = [str(build / "bin/odeum"), "train", str(CONFIGS / "mnist14.yaml"), "--out", str(folder)]
        for item in [f"seed={seed}", f"solve.regularizers.kinetic.weight={weight}",
                     f"solve.regularizers.jacobian.weight={weight}"] + sets:
            arguments += ["--set", item]
        if folder.exists():
            arguments.append("--resume")
        print(" ".join(arguments), file=sys.stderr, flush=True)
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return json.loads(summary.read_text()), {line["step"]: line for line in lines if "bits_per_dim" in line}


def shown(values, digits):
    mean, spread = mean_and_spread(values)
    return f"{mean:.{digits}f} ± {spread:.{digits}f}"


def study(build, out, jobs, sets):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = {(arm, seed): pool.submit(train, build, out, weight, seed, sets)
                for seed in SEEDS for arm, weight in ARMS.items()}
        runs = {key: run.result() for key, run in runs.items()}
    lines = ["## MNIST at 14 x 14: what the penalties save", "",
             f"`configs/images/mnist14.yaml`, seeds {', '.join(map(str, SEEDS))}, mean ± deviation. Training by dopri5 "
             "at 1e-3, tests at 1e-5; evaluations are of one solve, the mean of six.", "",
             "| penalties | test bits per dimension | evaluations a solve, test | in training, all steps | seconds |",
             "|---|---|---|---|---|"]
    for arm in ARMS:
        summaries = [runs[arm, seed][0] for seed in SEEDS]
        lines.append(
            f"| {arm} | {shown([s['test']['bits_per_dim'] for s in summaries], 3)} | "
            f"{shown([s['test']['evaluations'] / SOLVES for s in summaries], 1)} | "
            f"{shown([s['evaluations']['forward_mean'] / SOLVES for s in summaries], 1)} | "
            f"{shown([s['seconds'] for s in summaries], 0)} |")
    steps = [step for step in SHOWN_STEPS if all(step in metrics for _, metrics in runs.values())]
    lines += ["", "Over training, means over the seeds: bits per dimension of the ten steps before, and evaluations a "
              "solve:", "", "| penalties | " + " | ".join(f"step {step}" for step in steps) + " |",
              "|---" * (len(steps) + 1) + "|"]
    for arm in ARMS:
        cells = []
        for step in steps:
            at = [runs[arm, seed][1][step] for seed in SEEDS]
            bits = sum(line["bits_per_dim"] for line in at) / len(at)
            evaluations = sum(line["evaluations_forward"] for line in at) / len(at) / SOLVES
            cells.append(f"{bits:.3f}, {evaluations:.1f}")
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return lines + [""]


def full_size(build):
    lines = ["## Full-size flows on one fixed batch of eight", "",
             "`bench_image_flows`: Adam, 1e-3, no warm-up, one noise and probe. Published: 0.97 bits per dimension on "
             "MNIST and 3.38 on CIFAR-10, after 24 and 32 hours on one GPU.", "",
             "| configuration | batch | loss at the start | step 1 | 5 | 10 | 20 | evaluations, forward + backward | "
             "seconds a step | an epoch at that speed |", "|---|---|---|---|---|---|---|---|---|---|"]
    for name, needs in (("mnist", "mnist"), ("cifar10", "cifar-10-batches-bin")):
        if not (Path(os.environ.get("ODEUM_DATA", "")) / needs).exists():
            continue
        command = [str(build / "bench/bench_image_flows"), f"configs/images/{name}.yaml", "--set", "data.batch=8"]
        result = subprocess.run(command, cwd=SOURCE, check=True, stdout=subprocess.PIPE, text=True)
        lines.append(result.stdout.strip())
    return lines + [""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=SOURCE / "build/release", type=Path)
    parser.add_argument("--out", default=SOURCE / "runs/images", type=Path)
    parser.add_argument("--page", default=SOURCE / "docs/results/image-flows.md", type=Path)
    parser.add_argument("--jobs", default=1, type=int, help="runs at the same time")
    parser.add_argument("--skip", nargs="*", default=[], choices=["study", "full-size"])
    parser.add_argument("--set", action="append", default=[], help="passed on to every run of the study")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    commit = subprocess.run(["git", "-C", str(SOURCE), "rev-parse", "--short", "HEAD"], capture_output=True,
                            text=True, check=True).stdout.strip()
    lines = ["# Image flows", "", "Command: `tests/bench/images.py`  ", f"Commit: {commit}  ",
             f"CPU: {processor()}, {os.cpu_count()} cores", ""]
    if "study" not in arguments.skip:
        lines += study(build, arguments.out, arguments.jobs, arguments.set)
    if "full-size" not in arguments.skip:
        lines += full_size(build)
    arguments.page.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
