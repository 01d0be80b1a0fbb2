#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Images: ODE-nets, RNODE's flows and temporal adaptive batch normalisation; writes docs/results/images.md.

    cmake --preset release && cmake --build build/release --target odeum_tool bench_image_flows bench_compare
    export ODEUM_DATA=...
    tests/bench/images.py --train odenet mnist14 tabn --jobs 2 --measure full-size --out runs/images
    tests/bench/odenet.py --out runs/images/odenet-step.json
    tests/bench/images.py --out runs/images

Without --train and --measure it makes the page of what is there and says what is missing. Trainings that are complete are
not repeated and those that were cut off go on; one that diverges is a row of its table.
"""
import argparse
import concurrent.futures
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from image_tables import batch_norm, full_size, odenet, rnode
from image_tables.runs import SOURCE, train
from provenance import commit, processor

STUDIES = {"odenet": odenet, "mnist14": rnode, "tabn": batch_norm}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=SOURCE / "build/release", type=Path)
    parser.add_argument("--out", default=SOURCE / "runs/images", type=Path, help="the folder of run folders")
    parser.add_argument("--page", default=SOURCE / "docs/results/images.md", type=Path)
    parser.add_argument("--train", nargs="+", default=[], choices=list(STUDIES))
    parser.add_argument("--measure", nargs="+", default=[], choices=["full-size"])
    parser.add_argument("--flows", nargs="+", default=[f.name for f in full_size.FLOWS], help="of full-size; all")
    parser.add_argument("--jobs", default=1, type=int, help="trainings of mnist14 and tabn at the same time")
    return parser.parse_args()


def work(arguments, build):
    for study in arguments.train:
        module = STUDIES[study]
        jobs = arguments.jobs if module.THREADS == 1 else 1
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(train, build / "bin/odeum", arguments.out, run, module.THREADS)
                         for run in module.RUNS.values()]:
                done.result()
    if "full-size" in arguments.measure:
        for flow in full_size.FLOWS:
            if flow.name in arguments.flows:
                full_size.measure(build, arguments.out, flow)


def main():
    arguments = parse()
    work(arguments, arguments.build.resolve())
    lines = ["# Images", "", "Command: `tests/bench/images.py`, from run folders that the commands below made  ",
             f"Commit: {commit()}  ", f"CPU: {processor()}, {os.cpu_count()} cores, with other work at the same time", ""]
    lines += odenet.section(arguments.out)
    lines += rnode.section(arguments.out, arguments.page)
    lines += batch_norm.section(arguments.out)
    lines += full_size.section(arguments.out)
    arguments.page.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
