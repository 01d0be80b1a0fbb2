#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first loss of a published image flow beside its closed form.

    first_loss.py ODEUM CONFIG FOLDER [BATCH]

All last layers of CONFIG (configs/images/*.yaml) start at zero, so that each solve is a translation by its last bias, and
loss and costs follow from data, noise and biases alone (flow.py). Runs one step on images made here, in their format,
and compares to 1e-5 (float32).
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

from flow import Flow, checkpoint, translate

# Extents, and what else the configurations say.
FLOWS = {
    "mnist": ((28, 28), Flow(3, 256, 1e-5, True)),
    "cifar10": ((3, 32, 32), Flow(4, 256, 0.05, True)),
    "imagenet64": ((3, 64, 64), Flow(5, 256, 0.05, True)),
    "celeba-hq256": ((3, 256, 256), Flow(7, 32, 0.05, True)),
}


def write_images(name, images, folder):
    """The files that the configuration reads, with `images` for training; returns what names them."""
    if name == "cifar10":
        for i in range(1, 6):
            # All five files hold the same images, of which the first ones are used.
            records = b"".join(b"\0" + image.tobytes() for image in images)
            (folder / f"data_batch_{i}.bin").write_bytes(records)
        (folder / "test_batch.bin").write_bytes(records)
        return [f"data.folder={folder}"]
    file = folder / "images.idx"
    file.write_bytes(struct.pack(f">4B{images.ndim}I", 0, 0, 8, images.ndim, *images.shape) + images.tobytes())
    return [f"data.train={file}", f"data.test={file}"]


def main():
    tool, config, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    batch = int(sys.argv[4]) if len(sys.argv) > 4 else 2
    folder.mkdir(parents=True, exist_ok=True)
    shape, flow = FLOWS[config.stem]
    images = np.random.default_rng(2).integers(0, 256, (batch,) + shape, dtype=np.uint8)
    sets = write_images(config.stem, images, folder) + [
        f"data.batch={batch}", f"data.limit={batch}", "data.test_limit=2", "train.steps=1", "train.log_every=1",
        "train.checkpoint_every=1", "solve.solver.evaluate={use: midpoint, steps: 1}"]
    if config.stem in ("cifar10", "celeba-hq256"):
        sets.append("data.flip=false")
    out = folder / "run"
    subprocess.run(["rm", "-rf", out], check=True)
    subprocess.run([tool, "train", config, "--no-report", "--out", out] + [w for s in sets for w in ("--set", s)], check=True,
                   stdout=subprocess.DEVNULL)
    found = json.loads((out / "metrics.jsonl").read_text().splitlines()[0])["loss"]
    weights = checkpoint(out / "checkpoints" / "step-00000000.safetensors")
    levels = images // (256 // flow.levels)
    levels = levels.reshape((batch, -1) + shape[-2:]).astype(np.float64)
    truth = flow.loss(levels, weights, 0, translate)
    error = abs(found - truth) / abs(truth)
    print(f"{config.stem}: odeum {found:.10g}, closed form {truth:.10g}, relative difference {error:.2g}")
    return 0 if error <= 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
