#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Losses of RNODE's MNIST flow beside an independent computation with NumPy (flow.py).

    first_step.py ODEUM CONFIG FOLDER

Trains CONFIG (configs/images/mnist.yaml) for two steps on two images made here, in float64 and in float32, reads
weights from the checkpoint before each step and compares losses: to 1e-10 in float64, which is rounding, and to 1e-5 in
float32. The first step starts with last layers of zero; before the second all weights have moved.
"""

import json
import pathlib
import struct
import subprocess
import sys

try:
    import numpy as np
except ImportError:
    print("NumPy is not installed")
    sys.exit(77)

from flow import Flow, checkpoint, solve


def main():
    tool, config, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(1).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    images[:, :6] = 0  # levels at the border too
    (folder / "images.idx").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 2, 28, 28) + images.tobytes())
    failed = False
    for precision, tolerance in (("float64", 1e-10), ("float32", 1e-5)):
        out = folder / precision
        sets = [f"precision={precision}", f"data.train={folder / 'images.idx'}", f"data.test={folder / 'images.idx'}",
                "data.batch=2", "train.steps=2", "train.log_every=1", "train.checkpoint_every=1", "train.keep=3",
                "optimizer.lr=1e-3", "optimizer.schedule=constant",
                "solve.solver.evaluate={use: midpoint, steps: 1}"]
        subprocess.run(["rm", "-rf", out], check=True)
        subprocess.run([tool, "train", config, "--no-report", "--out", out] + [w for s in sets for w in ("--set", s)], check=True,
                       stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        found = {line["step"]: line["loss"] for line in lines if "loss" in line}
        for step in (0, 1):
            weights = checkpoint(out / "checkpoints" / f"step-{step:08d}.safetensors")
            flow = Flow(scales=3, levels=256, alpha=1e-5, single=precision == "float32")
            truth = flow.loss(images[:, None].astype(np.float64), weights, step, solve)
            error = abs(found[step + 1] - truth) / abs(truth)
            print(f"{precision} step {step + 1}: odeum {found[step + 1]:.15g}, NumPy {truth:.15g}, "
                  f"relative difference {error:.2g} (allowed {tolerance:g})")
            failed = failed or not error <= tolerance
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
