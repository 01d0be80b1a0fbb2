# SPDX-License-Identifier: Apache-2.0
"""Image flows at their published sizes: their first loss, whether they learn, and how long their epochs would take."""
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from comparison.text import number, table
from image_tables.runs import CONFIGS, SOURCE
from image_tables.stand_ins import stand_in

THREADS = 2
SHOWN = [0, 1, 2, 5, 10, 15, 20]
FIRST = re.compile(r"odeum ([\d.e+-]+), closed form ([\d.e+-]+), relative difference ([\d.e+-]+)")


@dataclass
class Flow:
    name: str  # of the configuration
    needs: str  # in the data folder
    batch: int
    steps: int
    images: int  # of a published epoch
    parameters: int
    published: str
    first_batch: int  # of the comparison with the closed form


FLOWS = [
    Flow("mnist", "mnist", 8, 20, 60000, 800636, "0.97, 24 h on one GPU", 2),
    Flow("cifar10", "cifar-10-batches-bin", 8, 20, 50000, 1358868, "3.38, 32 h on one GPU", 2),
    Flow("imagenet64", "imagenet64", 1, 1, 1281149, 1996116, "3.83, 64 h on four GPUs", 1),
    Flow("celeba-hq256", "celeba-hq256", 1, 1, 27000, 4609236, "1.04, 6.6 days on four GPUs", 1),
]


def command(flow):
    return f"bench_image_flows configs/images/{flow.name}.yaml {flow.steps} --set data.batch={flow.batch}"


def data_for(flow, work):
    """The data folder, and whether its images are a stand-in."""
    data = os.environ.get("ODEUM_DATA", "")
    if (Path(data) / flow.needs).exists():
        return data, False
    stand_in(flow.name, Path(data), work)
    return work, True


def measure(build, runs, flow):
    """Steps, then the first loss; what has been measured is not measured again."""
    folder = runs / "full-size"
    folder.mkdir(parents=True, exist_ok=True)
    file, first = folder / f"{flow.name}.json", folder / f"{flow.name}.first.json"
    if not file.exists():
        data, made = data_for(flow, folder / "data")
        words = [str(build / "bench/bench_image_flows"), f"configs/images/{flow.name}.yaml", str(flow.steps)]
        for item in [f"data.batch={flow.batch}", f"device.threads={THREADS}"]:
            words += ["--set", item]
        print(" ".join(words), file=sys.stderr, flush=True)
        # Its status says whether the loss falls, which the table shows.
        found = subprocess.run(words, cwd=SOURCE, stdout=subprocess.PIPE, text=True, env={**os.environ, "ODEUM_DATA": str(data)})
        if not found.stdout.strip():
            sys.exit(f"{flow.name}: bench_image_flows ended with status {found.returncode}")
        file.write_text(json.dumps({**json.loads(found.stdout), "stand_in": made}))
    if not first.exists():
        words = [sys.executable, str(SOURCE / "tests/numpy/first_loss.py"), str(build / "bin/odeum"),
                 str(CONFIGS / f"{flow.name}.yaml"), str(folder / f"{flow.name}-first"), str(flow.first_batch)]
        found = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "ODEUM_PLUGIN_PATH": str(build / "lib/odeum/plugins")})
        values = FIRST.search(found.stdout)
        if not values:
            sys.exit(f"{flow.name}: first_loss.py ended with status {found.returncode}: {found.stdout}")
        first.write_text(json.dumps([float(v) for v in values.groups()]))


def long(hours):
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"


def losses(runs, found):
    rows = []
    for flow, steps in found:
        if flow.steps < max(SHOWN):
            continue
        name = flow.name + (" (stand-in images)" if steps["stand_in"] else "")
        rows.append([name, *(f"{steps['losses'][i]:.3f}" for i in SHOWN)])
    return table(["configuration", *(f"step {i}" for i in SHOWN)], rows)


def sizes(runs, found):
    rows = []
    for flow, steps in found:
        odeum, closed, difference = json.loads((runs / "full-size" / f"{flow.name}.first.json").read_text())
        epoch = {kind: steps[kind] * flow.images / flow.batch / 3600 for kind in ("seconds", "processor_seconds")}
        rows.append([flow.name, f"{flow.parameters:,}", f"{odeum:.6f}", f"{closed:.6f}", f"{difference:.1g}", flow.batch,
                     f"{steps['forward']} + {steps['backward']}", number(steps["seconds"]),
                     number(steps["processor_seconds"]), f"{steps['peak_mib']:.0f}",
                     f"{flow.images:,}", long(epoch["processor_seconds"]), long(epoch["seconds"]), flow.published])
    return table(["configuration", "parameters", "first loss", "closed form", "relative difference", "batch",
                  "evaluations, forward + backward", "seconds a step", "processor seconds", "peak memory [MiB]",
                  "images of an epoch", "an epoch at that speed, processor time", "by the clock, two threads",
                  "published bits per dimension, time"], rows)


def section(runs):
    found = []
    for flow in FLOWS:
        folder = runs / "full-size"
        if (folder / f"{flow.name}.json").exists() and (folder / f"{flow.name}.first.json").exists():
            found.append((flow, json.loads((folder / f"{flow.name}.json").read_text())))
    missing = [flow.name for flow in FLOWS if flow.name not in [f.name for f, _ in found]]
    lines = ["## Image flows at their published sizes", "", "Commands, each with `--set device.threads=2`:", ""]
    lines += [f"- `{command(flow)}`" for flow, _ in found] + ["- `tests/numpy/first_loss.py ODEUM CONFIG FOLDER BATCH`", ""]
    lines += ["The first loss, of random images and noise, beside its closed form by NumPy: all last layers start at zero, so "
              "each solve is a translation. Seconds are medians over the steps on one batch; the machine had other work, so that "
              "by the clock they are too long.", ""]
    lines += sizes(runs, found)
    if missing:
        lines += ["Not measured yet: " + ", ".join(missing) + ".", ""]
    falling = losses(runs, found)
    if falling:
        lines += ["Loss in bits per dimension on one fixed batch of eight with one noise and probe: Adam at 1e-3 without warm-up. "
                  "The first steps go astray, since Adam moves each weight of the zeroed last layers by the whole learning "
                  "rate, which the published runs' warm-up avoids.", "", *falling]
    if any(steps["stand_in"] for _, steps in found):
        lines += ["Stand-in images, where a set is not at hand: Fashion-MNIST's, enlarged, in the set's format, each with a tint and a "
                  "background of its own. (Of independent random pixels no model has less than 8 bits per dimension; their "
                  "loss falls from 8.204 to 8.203 only.)", ""]
    return lines
