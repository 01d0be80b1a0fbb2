# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation inside a solve: 4, 8 and 12 layers, four kinds of statistics."""
from comparison.text import table
from image_tables.runs import Run, result

LAYERS = [4, 8, 12]
STATISTICS = ["none", "mini_batch", "time_independent", "temporal", "population"]
NAMES = {"none": "none", "mini_batch": "mini-batch", "time_independent": "time-independent (Pop-TI BN)",
         "temporal": "TA-BN", "population": "population (Pop BN), rk4 with ten steps"}
# Statistics of their own for each evaluation: they need given steps, and a grid of the times of their evaluations.
MORE = {"population": ["flow.solver={use: rk4, steps: 10}", "flow.field.norm.intervals=20"]}
THREADS = 1
RUNS = {(layers, s): Run(f"tabn/{layers}-{s}", f"ta-bn-{layers}-layers.yaml", [f"flow.field.norm.statistics={s}", *MORE.get(s, [])])
        for layers in LAYERS for s in STATISTICS}
PUBLISHED = """Published (Zheng et al. 2024; CIFAR-10, 128 epochs, 8 layers at twice these widths, dopri5; table 4): none 0.843,
time-independent 0.332, mini-batch 0.865, TA-BN 0.874; figure 1: without normalisation networks of 12 and 18 layers fail to
train. One seed and five epochs of 5,000 small images here: what can be compared is which trainings survive, and the order."""


def row(layers, statistics, found):
    start = [layers, NAMES[statistics], f"{found.summary['parameters']:,}"]
    each = found.summary.get("evaluations", {}).get("forward_mean")
    each = "-" if each is None else f"{each:.1f}"
    if not found.survived:
        return start + ["-", "-", f"no: stopped at step {found.summary['steps']}", each, "-", f"{found.processor:.0f}"]
    test = found.test
    return start + [f"{test['accuracy']:.3f} ± {test['accuracy_stderr']:.3f}", f"{test['cross_entropy']:.3f}", "yes", each,
                    f"{test['evaluations']:.0f}", f"{found.processor:.0f}"]


def section(runs):
    found = {key: result(runs, run) for key, run in RUNS.items()}
    missing = [run.folder for key, run in RUNS.items() if not found[key]]
    lines = ["## Batch normalisation inside a solve (TA-BN)", "",
             f"Commands: `{RUNS[4, 'temporal'].command()}`, and so for all layers and statistics; each with "
             "`--set device.threads=1`, two at a time.", "",
             "Fashion-MNIST pooled to 14 x 14 and padded to 16 x 16, half the published widths, 5,000 images, 5 epochs, "
             "dopri5 at 1e-3 with at most 100 steps a solve, gradients of the steps taken, one seed; accuracy and "
             "cross-entropy on 2,000 test images, ± the standard error over them. A training whose solve needs more steps "
             "ends there: it has not survived. Population statistics for each evaluation of their own need given steps: "
             f"`{' '.join('--set ' + repr(item) for item in MORE['population'])}`.", ""]
    lines += table(["layers", "statistics", "parameters", "test accuracy", "cross-entropy", "survived",
                    "evaluations a solve, training", "test", "processor seconds"],
                   [row(*key, r) for key, r in found.items() if r])
    for (layers, statistics), r in found.items():
        if r and not r.survived:
            lines += [f"{layers} layers, {NAMES[statistics]}: {r.summary['message']}", ""]
    if missing:
        lines += ["Not trained yet: " + ", ".join(missing) + ".", ""]
    lines += ["The figure of mini-batch statistics depends on the batches of 200 that are tested together.", ""]
    return lines + PUBLISHED.split("\n") + [""]
