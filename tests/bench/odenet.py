#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A training step of the ODE-net on MNIST beside torchdiffeq's odenet_mnist example, with equal numbers and settings.

    cmake --preset release && cmake --build build/release --target bench_compare
    ODEUM_DATA=... tests/bench/odenet.py --out runs/odenet-step.json

Batch 128, dopri5 at 1e-3, float32; loss and gradient without the optimizer; parameters and images are odeum's. By four
steps of the 3/8 rule gradients have to be the same; of dopri5 the first steps differ, and with them, through the ReLUs,
the gradients. Runs are interleaved; peak memory is that of a process that does one step. Writes what
tests/bench/images.py makes a table of. Environments of the peers are made where they are missing.
"""
import argparse
import dataclasses
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from comparison.environments import find_peers
from comparison.measure import compare
from comparison.memory import Memory, one_step, write_problem
from comparison.servers import OdeumServer, PeerServer
from comparison.workloads import Job

SOURCE = Path(__file__).resolve().parents[2]
CONFIG = SOURCE / "configs" / "images" / "odenet-mnist.yaml"
ROUNDING = 1e-3  # of gradients in float32; a mistake would show as some tenths
# The error norm of the backward solve: torchdiffeq's adjoint counts the parameters' gradients, its seminorm does not.
GRADIENTS = {
    "backprop": "backprop",
    "adjoint": "{use: adjoint, norm: full}",
    "adjoint seminorm": "{use: adjoint, norm: state_and_adjoint}",
}


def job(gradient, batch):
    return Job("ODE-net", gradient, str(CONFIG), {"kind": "odenet", "gradient": gradient, "rtol": 1e-3}, rows=batch,
               sets=[f"flow.gradient={GRADIENTS[gradient]}", f"data.batch={batch}"])


def same_step(batch):
    """A step that has to be the same in every digit but those of rounding."""
    return Job("ODE-net", "by four given steps", str(CONFIG), {"kind": "odenet", "gradient": "backprop", "step": 0.25},
               rows=batch, sets=["flow.solver={use: kutta38, step: 0.25}", f"data.batch={batch}"])


def require_same(peers, options, work):
    for timing in compare(same_step(options.batch), 1, peers, options, work).timings:
        if not timing.problem and timing.difference > ROUNDING:
            sys.exit(f"{timing.name}: its gradient differs by {timing.difference:.2g} from odeum's")
        print(f"{timing.name}: gradients by four given steps differ by {timing.difference:.2g}", file=sys.stderr)


def peak(server, asked, problem):
    memory = Memory("")
    one_step(server, asked, problem, memory)
    return memory.mib[0] if memory.mib else None


def measured(asked, threads, peers, options, work):
    result = compare(asked, threads, peers, options, work)
    write_problem(options.bench, asked, work / "problem", threads)
    by_name = {peer.name: peer for peer in peers}
    rows = []
    for timing in result.timings:
        server = (OdeumServer(options.bench, threads) if timing.family == "odeum"
                  else PeerServer(by_name[timing.name], threads))
        row = {"gradient": asked.label, "threads": threads, "name": timing.name, "problem": timing.problem,
               "peak_mib": peak(server, asked, work / "problem")}
        if timing.ms:
            row |= {"seconds": 1e-3 * timing.median, "processor_seconds": 1e-3 * statistics.median(timing.cpu_ms),
                    "forward": timing.forward, "backward": timing.backward, "loss": timing.loss,
                    "difference": timing.difference, "repeats": len(timing.ms)}
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=SOURCE / "build" / "release")
    parser.add_argument("--environments", type=Path, default=SOURCE / "build" / "bench_env")
    parser.add_argument("--without", nargs="+", default=["jax"], choices=["debian", "torch", "jax"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of each")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds of timed runs of each")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds; a first run that takes longer is the only one")
    parser.add_argument("--out", type=Path, required=True, help="the figures, JSON")
    options = parser.parse_args()
    options.bench = options.build.absolute() / "bench"
    found = find_peers(options.environments, options.without)
    peers = [dataclasses.replace(peer, script="torch_odenet.py") for peer in found.peers
             if peer.family == "torchdiffeq" and not peer.settings.get("compile")]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        require_same(peers, options, Path(folder))
        for threads in options.threads:
            for gradient in GRADIENTS:
                rows += measured(job(gradient, options.batch), threads, peers, options, Path(folder))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"batch": options.batch, "peers": found.notes, "missing": found.missing,
                                       "steps": rows}, indent=1))


if __name__ == "__main__":
    main()
