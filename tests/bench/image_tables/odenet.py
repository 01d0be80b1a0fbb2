# SPDX-License-Identifier: Apache-2.0
"""The ODE-net on MNIST: four trainings, and a step beside torchdiffeq's."""
import json

from comparison.text import number, table
from image_tables.runs import Run, result

EPOCHS = ["train.epochs=4", "optimizer.schedule={use: cosine}"]
RUNS = {name: Run(f"odenet/{name}", "odenet-mnist.yaml", [f"flow.gradient={name}", *EPOCHS])
        for name in ("adjoint", "gauss_legendre", "backprop")}
RUNS["residual"] = Run("odenet/residual", "odenet-mnist-residual.yaml", EPOCHS)
THREADS = 2
WANTED = 0.99
PUBLISHED = """Published (Chen et al. 2018, table 1, test error after 160 epochs): ODE-net by the adjoint 0.42 %, by backpropagation
through a Runge-Kutta solver 0.47 %, residual network of six blocks 0.41 %. Here: four epochs, learning rate by a cosine."""


def trained(runs):
    rows, missing = [], []
    for name, run in RUNS.items():
        found = result(runs, run)
        if not found:
            missing.append(name)
            continue
        test, each = found.test, found.summary["evaluations"]
        if not found.survived:
            rows.append([name, f"{found.summary['parameters']:,}",
                         f"stopped at step {found.summary['steps']}: {found.summary['message']}"] + [""] * 7)
            continue
        solves = name != "residual"
        rows.append([name, f"{found.summary['parameters']:,}",
                     f"{100 * test['accuracy']:.2f} ± {100 * test['accuracy_stderr']:.2f} %",
                     f"{100 * (1 - test['accuracy']):.2f} %", f"{test['calibration_error']:.4f}",
                     f"{found.summary['train_seconds'] / 60:.1f}", f"{found.processor / 60:.1f}",
                     f"{each['forward_mean']:.1f}" if solves else "-",
                     f"{each['backward_mean']:.1f}" if solves else "-", f"{found.peak:.0f}"])
    lines = table(["gradient", "parameters", "test accuracy", "error", "calibration error", "minutes", "processor minutes",
                   "evaluations a step, forward", "backward", "peak memory [MiB]"], rows)
    if missing:
        lines += ["Not trained yet: " + ", ".join(missing) + ".", ""]
    return lines


def steps(file):
    found = json.loads(file.read_text())
    lines = [f"### A step, beside torchdiffeq's odenet_mnist example", "",
             "Command: `tests/bench/odenet.py`", "",
             f"Batch {found['batch']}, dopri5 at 1e-3, float32, the same parameters and images; loss and gradient without "
             "the optimizer. Medians of runs that go round over everybody; ratios are theirs over odeum's, of processor "
             "time, which other work on the machine disturbs less. Peak memory is that of a process that does one step, "
             "libraries included.", "", *(f"- {note}" for note in found["peers"]), ""]
    rows = []
    for step in found["steps"]:
        ours = next(s for s in found["steps"] if s["name"] == "odeum"
                    and (s["gradient"], s["threads"]) == (step["gradient"], step["threads"]))
        if "seconds" not in step:
            rows.append([step["gradient"], step["threads"], step["name"], step["problem"]] + [""] * 6)
            continue
        rows.append([step["gradient"], step["threads"], step["name"], number(1e3 * step["seconds"]),
                     number(1e3 * step["processor_seconds"]),
                     number(step["processor_seconds"] / ours["processor_seconds"]),
                     step["forward"], step["backward"] or "-", f"{step['peak_mib']:.0f}",
                     number(step["peak_mib"] / ours["peak_mib"])])
    return lines + table(["gradient", "threads", "", "ms", "processor ms", "ratio", "evaluations forward", "backward",
                          "peak memory [MiB]", "ratio"], rows)


def section(runs):
    lines = ["## The ODE-net on MNIST", "", "Commands, each with `--set device.threads=2`:", ""]
    lines += [f"- `{run.command()}`" for run in RUNS.values()] + [""]
    lines += trained(runs)
    lines += PUBLISHED.split("\n")
    lines += [f"Wanted: at least {100 * WANTED:.0f} % in at most 25 minutes on two cores. Where the minutes are more than half of the "
              "processor minutes, other work had part of the two cores.", ""]
    file = runs / "odenet-step.json"
    return lines + (steps(file) if file.exists() else ["The step beside torchdiffeq's is not measured yet.", ""])
