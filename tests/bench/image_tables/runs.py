# SPDX-License-Identifier: Apache-2.0
"""Trainings of the page on images: what each is, its run folder, and how it is started where it is missing."""
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
CONFIGS = SOURCE / "configs" / "images"
SPENT = re.compile(r"^([\d.]+) s wall, ([\d.]+) user, (\d+) KB$", re.MULTILINE)


@dataclass
class Run:
    """One training: FOLDER below the page's folder of runs, FOLDER.log beside it."""
    folder: str
    config: str
    sets: list

    def command(self):
        words = [f"--set '{item}'" if " " in item else f"--set {item}" for item in self.sets]
        return " ".join([f"odeum train configs/images/{self.config}", *words])


@dataclass
class Result:
    run: Run
    summary: dict
    metrics: list  # lines of metrics.jsonl
    seconds: dict  # step -> since the beginning, from timing.jsonl
    wall: float  # s, 0 where the log does not tell
    processor: float  # s of all threads
    peak: float  # MiB

    @property
    def survived(self):
        return self.summary["status"] == "done"

    @property
    def test(self):
        return self.summary.get("test", {})

    def validations(self):
        return {line["step"]: line["validation"] for line in self.metrics if "validation" in line}

    def training(self):
        return {line["step"]: line for line in self.metrics if "loss" in line}


def lines_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def elapsed(folder):
    """Seconds of training up to each logged step."""
    total, last, found = 0.0, 0, {}
    for line in lines_of(folder / "timing.jsonl"):
        total += line["seconds"] * (line["step"] - last)
        last = line["step"]
        found[last] = total
    return found


def finished(runs, run):
    """A training that failed is finished: it is a row of its table."""
    summary = runs / run.folder / "summary.json"
    return summary.exists() and json.loads(summary.read_text())["status"] in ("done", "failed")


def result(runs, run):
    """Nothing where the training is not finished."""
    if not finished(runs, run):
        return None
    folder = runs / run.folder
    log = Path(f"{folder}.log")
    spent = SPENT.findall(log.read_text()) if log.exists() else []
    return Result(run, json.loads((folder / "summary.json").read_text()), lines_of(folder / "metrics.jsonl"),
                  elapsed(folder), sum(float(s[0]) for s in spent), sum(float(s[1]) for s in spent),
                  max((int(s[2]) / 1024 for s in spent), default=0.0))


def train(tool, runs, run, threads):
    """Trains, or goes on; the log ends with what was spent."""
    if finished(runs, run):
        return
    folder = runs / run.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = [str(tool), "train", str(CONFIGS / run.config), "--out", str(folder)]
    for item in [*run.sets, f"device.threads={threads}"]:
        words += ["--set", item]
    if folder.exists():
        words.append("--resume")
    print(run.command(), file=sys.stderr, flush=True)
    with open(f"{folder}.log", "a") as log:
        begin = time.time()
        process = subprocess.Popen(words, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.write(f"{time.time() - begin:.2f} s wall, {usage.ru_utime:.2f} user, {usage.ru_maxrss} KB\n")
    if not finished(runs, run):
        sys.exit(f"{run.folder}: the training ended with status {process.returncode}; see {folder}.log")
