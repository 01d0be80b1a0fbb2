#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time and error of gradients of wide networks: odeum's methods beside torchdiffeq's, on equal weights.

Two of the problems of Norcliffe and Deisenroth (TMLR 2023, arXiv 2308.10644): g1d at width 3000, nested
spheres at width 2000. Repeats run round after round over all methods, so that a disturbance of the machine
hits all. Errors are against odeum's backprop in float64 at 1e-9. Writes docs/results/quadrature.md.

    tests/bench/quadrature.py --bench build/release/bench/bench_quadrature --peers FOLDER

FOLDER is where a virtual environment for the peers is made if it is not there: it sees the system's
torch (python3-torch) and gets torchdiffeq. A peer that cannot be had is reported as missing.
"""
import argparse
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
from array import array
from pathlib import Path

from provenance import SOURCE, commit, processor

LAYERS = ["w1", "b1", "w2", "b2", "w3", "b3"]
PROBLEMS = {
    "g1d": {"features": 4, "time": False, "width": 3000, "batch": 2},
    "nested spheres": {"features": 5, "time": True, "width": 2000, "batch": 200},
}
METHODS = {
    "backprop": "{use: backprop}",
    "adjoint": "{use: adjoint}",
    "interpolated": "{use: interpolated}",
    "gauss_legendre, steps": "{use: gauss_legendre}",
    "gauss_legendre, published": "{use: gauss_legendre, nodes: published}",
    "gauss_legendre, adaptive": "{use: gauss_legendre, nodes: adaptive}",
}
PEERS = {"torchdiffeq odeint (direct)": "direct", "torchdiffeq odeint_adjoint": "adjoint",
         "torchdiffeq odeint_adjoint, seminorm": "seminorm"}
MISSING = ["torch_gq_adjoint (not in any package registry)"]

PEER = r'''
import json, sys, time
import numpy as np, torch
from torchdiffeq import odeint, odeint_adjoint
folder, dtype, tolerance, threads = sys.argv[1], getattr(torch, sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
load = lambda n: torch.tensor(np.load(f"{folder}/{n}.npy"), dtype=dtype)
layers = [load(n).requires_grad_() for n in ("w1", "b1", "w2", "b2", "w3", "b3")]
z, g = load("z"), load("g")
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.p = torch.nn.ParameterList([torch.nn.Parameter(v.detach()) for v in layers])
        self.sees_time, self.count = layers[0].shape[1] > z.shape[1], 0
    def forward(self, t, y):
        self.count += 1
        if self.sees_time:
            y = torch.cat([y, t.to(dtype).expand(y.shape[0], 1)], 1)
        f, p = torch.nn.functional, self.p
        return f.linear(f.softplus(f.linear(f.softplus(f.linear(y, p[0], p[1])), p[2], p[3])), p[4], p[5])
net, times = Net(), torch.tensor([0.0, 1.0], dtype=torch.float64 if dtype == torch.float64 else torch.float32)
for line in sys.stdin:
    words = line.split()
    if words[0] == "write":
        np.save(words[1], np.concatenate([p.grad.numpy().ravel().astype(np.float64) for p in net.p]))
        print("{}", flush=True)
        continue
    net.zero_grad(); net.count = 0
    start = z.clone().requires_grad_()
    begin = time.perf_counter()
    common = dict(method="dopri5", rtol=tolerance, atol=tolerance)
    if words[1] == "direct":
        end = odeint(net, start, times, **common)[-1]
    else:
        norm = dict(adjoint_options=dict(norm="seminorm")) if words[1] == "seminorm" else {}
        end = odeint_adjoint(net, start, times, **common, **norm)[-1]
    forward = net.count
    end.backward(g)
    print(json.dumps({"ms": 1e3 * (time.perf_counter() - begin), "forward": forward,
                      "backward": net.count - forward}), flush=True)
'''


def write_npy(path, shape, values):
    shape_text = f"({', '.join(map(str, shape))},)" if len(shape) == 1 else str(tuple(shape))
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape_text}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        array("d", values).tofile(file)


def read_npy(path):
    with open(path, "rb") as file:
        file.seek(8)
        (size,) = struct.unpack("<H", file.read(2))
        header = file.read(size)
        if b"'<f8'" not in header:
            raise ValueError(f"{path} is not float64")
        values = array("d")
        values.frombytes(file.read())
        return values


def write_problem(folder, features, time, width, batch, gain):
    """Weights uniform within 1/sqrt(inputs), those of the first and last layer times `gain`."""
    draw = random.Random(7)
    inputs = features + (1 if time else 0)
    sizes = [(inputs, width), (width, width), (width, features)]
    for layer, (fan_in, fan_out) in enumerate(sizes, start=1):
        bound = fan_in ** -0.5
        scale = bound * (1.0 if layer == 2 else gain)
        weights = [scale * (2.0 * draw.random() - 1.0) for _ in range(fan_in * fan_out)]
        write_npy(folder / f"w{layer}.npy", (fan_out, fan_in), weights)
        biases = [bound * (2.0 * draw.random() - 1.0) for _ in range(fan_out)]
        write_npy(folder / f"b{layer}.npy", (fan_out,), biases)
    if batch == 2:  # g1d: -1 to 1, with zero dimensions beside
        start = [v for row in (-1.0, 1.0) for v in [row] + [0.0] * (features - 1)]
        cotangent = [v for row in (-1.0, 1.0) for v in [row] + [0.0] * (features - 1)]
    else:  # two dimensions in [-1, 1], zeros beside
        start = [v for _ in range(batch)
                 for v in [2 * draw.random() - 1, 2 * draw.random() - 1] + [0.0] * (features - 2)]
        cotangent = [(2 * draw.random() - 1) / batch for _ in range(batch * features)]
    write_npy(folder / "z.npy", (batch, features), start)
    write_npy(folder / "g.npy", (batch, features), cotangent)


class Server:
    """A process that answers each line with a line of JSON."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"no answer to '{line}'")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def environment(threads):
    """Without the settings that halve OpenBLAS where they do not fit the processor."""
    kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return {**kept, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)}


def peer_python(folder):
    """The interpreter of the peers' environment, or why there is none."""
    python = Path(folder) / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", folder], check=True)
        has = subprocess.run([python, "-c", "import torchdiffeq"], stderr=subprocess.DEVNULL)
        if has.returncode != 0:
            subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "torchdiffeq"], check=True)
        versions = subprocess.run(
            [python, "-c", "import torch, torchdiffeq; print(torch.__version__, torchdiffeq.__version__)"],
            check=True, capture_output=True, text=True).stdout.split()
        return python, f"torch {versions[0]}, torchdiffeq {versions[1]}"
    except (subprocess.CalledProcessError, OSError) as error:
        return None, f"torchdiffeq ({error})"


def relative_error(gradient, reference):
    error = sum((a - b) ** 2 for a, b in zip(gradient, reference))
    return (error / sum(b * b for b in reference)) ** 0.5


def measure(arguments, folder, tolerance, reference, python):
    servers = {"odeum": Server([arguments.bench, folder, "float32", str(tolerance), str(arguments.threads)],
                               environment(arguments.threads))}
    jobs = [(name, "odeum", f"run {text}") for name, text in METHODS.items()]
    if python:
        servers["peer"] = Server([python, "-c", PEER, folder, "float32", str(tolerance),
                                  str(arguments.threads)], environment(arguments.threads))
        jobs += [(name, "peer", f"run {text}") for name, text in PEERS.items()]
    rows = {}
    for name, server, line in jobs:
        servers[server].ask(line)  # compiles, warms up
        servers[server].ask(f"write {folder}/gradient.npy")
        rows[name] = {"error": relative_error(read_npy(f"{folder}/gradient.npy"), reference), "ms": []}
    for _ in range(arguments.repeats):
        for name, server, line in jobs:
            answer = servers[server].ask(line)
            rows[name]["ms"].append(answer["ms"])
            rows[name].update(forward=answer["forward"], backward=answer["backward"])
    for server in servers.values():
        server.close()
    return rows


def table(title, rows):
    lines = [f"## {title}", "", "| method | median ms | best | relative error | forward | backward |",
             "|---|---|---|---|---|---|"]
    for name, row in rows.items():
        lines.append(f"| {name} | {statistics.median(row['ms']):.1f} | {min(row['ms']):.1f} | "
                     f"{row['error']:.1e} | {row['forward']} | {row['backward']} |")
    return lines + [""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=str(SOURCE / "build" / "release" / "bench" / "bench_quadrature"))
    parser.add_argument("--peers", required=True, help="folder of the peers' virtual environment")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--problems", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--tolerances", nargs="+", type=float, default=[1e-3, 1e-5])
    parser.add_argument("--gains", nargs="+", type=float, default=[1.0, 4.0])
    parser.add_argument("--out", default=str(SOURCE / "docs" / "results" / "quadrature.md"))
    arguments = parser.parse_args()
    python, versions = peer_python(arguments.peers)
    missing = MISSING + ([] if python else [versions])
    lines = []
    for name in arguments.problems:
        problem = PROBLEMS[name]
        for gain in arguments.gains:
            with tempfile.TemporaryDirectory() as folder:
                write_problem(Path(folder), gain=gain, **problem)
                tight = Server([arguments.bench, folder, "float64", "1e-9", str(arguments.threads)],
                               environment(arguments.threads))
                tight.ask("run {use: backprop}")
                tight.ask(f"write {folder}/reference.npy")
                tight.close()
                reference = read_npy(f"{folder}/reference.npy")
                for tolerance in arguments.tolerances:
                    print(f"{name}, gain {gain:g}, {tolerance:g}", file=sys.stderr, flush=True)
                    rows = measure(arguments, folder, tolerance, reference, python)
                    title = f"{name}, width {problem['width']}, batch {problem['batch']}, "
                    title += f"weights x {gain:g}, tolerance {tolerance:g}"
                    lines += table(title, rows)
    load = os.getloadavg()[1]
    page = ["# Quadrature of the parameter integral", "",
            f"Command: `tests/bench/quadrature.py --threads {arguments.threads} --repeats {arguments.repeats}`  ",
            f"Commit: {commit()}  ", f"CPU: {processor()}, {os.cpu_count()} cores; load average at the end {load:.1f}  ",
            f"Peers: {versions if python else 'none'}; missing: {', '.join(missing)}", "",
            "One forward and backward pass, dopri5, float32; medians of repeats interleaved over all methods. Weights "
            "uniform within 1/sqrt(inputs), those of first and last layer times the factor. Error: relative, "
            "Euclidean, over all parameters, against backprop in float64 at 1e-9. Evaluations of the field; each "
            "node counts as one.", ""] + lines
    text = "\n".join(page)
    print(text)
    Path(arguments.out).parent.mkdir(parents=True, exist_ok=True)
    Path(arguments.out).write_text(text)


if __name__ == "__main__":
    main()
