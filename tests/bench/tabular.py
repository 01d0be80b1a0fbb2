#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flows on tables and image patches beside a full-covariance Gaussian fitted to the training rows.

Trains configs/tabular/{power-plant,protein,bsds500}.yaml and writes docs/results/tabular.md. Runs that are complete
under --out are not repeated. Needs ODEUM_DATA, and bench_gaussian (cmake --build BUILD --target bench_gaussian).

    tests/bench/tabular.py --build build/release --out runs/tabular
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from provenance import SOURCE, commit, processor

# How much better than the Gaussian [nats] a flow is expected to be.
EXPECTED = {"power-plant": 0.5, "protein": 4.0, "bsds500": 20.0}


def train(build, config, out):
    summary = out / "summary.json"
    if not (summary.exists() and json.loads(summary.read_text())["status"] == "done"):
        arguments = [str(build / "bin/odeum"), "train", str(config), "--out", str(out)]
        if out.exists():
            arguments.append("--resume")
        print(" ".join(arguments), file=sys.stderr, flush=True)
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    return json.loads(summary.read_text())


def gaussian(build, config):
    text = subprocess.run([str(build / "bench/bench_gaussian"), str(config)], check=True, capture_output=True,
                          text=True).stdout
    return json.loads(text.splitlines()[-1])["gaussian_nll"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(SOURCE / "build/release"), type=Path)
    parser.add_argument("--out", default=str(SOURCE / "runs/tabular"), type=Path)
    parser.add_argument("--data", nargs="*", default=list(EXPECTED), choices=list(EXPECTED))
    arguments = parser.parse_args()
    lines = ["# Flows on tables and image patches", "",
             "Command: `tests/bench/tabular.py`  ",
             f"Commit: {commit()}  ",
             f"CPU: {processor()}, {os.cpu_count()} cores", "",
             "Test NLL in nats of standardised columns, exact trace; beside it a full-covariance Gaussian fitted to the "
             "training rows.", "",
             "| data | steps | minutes | test NLL | standard error | Gaussian | better by | expected |",
             "|---|---|---|---|---|---|---|---|"]
    for name in arguments.data:
        config = SOURCE / "configs" / "tabular" / f"{name}.yaml"
        summary = train(arguments.build, config, arguments.out / name)
        base = gaussian(arguments.build, config)
        test = summary["test"]
        lines.append(f"| {name} | {summary['steps']} | {summary['seconds'] / 60:.1f} | {test['nll']:.3f} | "
                     f"{test['nll_stderr']:.3f} | {base:.3f} | {base - test['nll']:.2f} | {EXPECTED[name]} |")
    (SOURCE / "docs/results/tabular.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
