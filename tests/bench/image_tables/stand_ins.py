# SPDX-License-Identifier: Apache-2.0
"""Images in the formats of sets that are not at hand: Fashion-MNIST's, enlarged, each in colours of its own."""
import gzip
import struct

import numpy as np

SIDES = {"cifar10": (1, 32), "imagenet64": (2, 64), "celeba-hq256": (9, 256)}  # enlarged by, to
COUNT = 16


def coloured(name, data):
    """[COUNT, 3, side, side] bytes."""
    factor, side = SIDES[name]
    raw = gzip.open(data / "fashion-mnist" / "train-images-idx3-ubyte.gz").read()
    grey = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)[:COUNT].astype(float) / 255
    grey = grey.repeat(factor, 1).repeat(factor, 2)
    margin = (side - grey.shape[1]) // 2
    grey = np.pad(grey, ((0, 0), (margin, margin), (margin, margin)))[:, None]
    random = np.random.default_rng(0)
    tint = 255 * random.uniform(0.3, 1, (COUNT, 3, 1, 1))
    background = random.uniform(0, 120, (COUNT, 3, 1, 1))
    noise = random.normal(0, 4, (COUNT, 3, side, side))
    return np.clip(background * (1 - grey) + tint * grey + noise, 0, 255).astype(np.uint8)


def stand_in(name, data, folder):
    """The files that configs/images/NAME.yaml reads, below `folder`; `data` has Fashion-MNIST."""
    images = coloured(name, data)
    if name == "cifar10":
        to = folder / "cifar-10-batches-bin"
        to.mkdir(parents=True, exist_ok=True)
        records = b"".join(b"\0" + image.tobytes() for image in images)
        for batch in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
            (to / f"{batch}.bin").write_bytes(records)
        return
    to = folder / name
    to.mkdir(parents=True, exist_ok=True)
    for split in ("train", "valid"):
        head = struct.pack(">4B4I", 0, 0, 8, 4, *images.shape)
        (to / f"{split}-images-idx4-ubyte").write_bytes(head + images.tobytes())
