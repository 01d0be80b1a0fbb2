# SPDX-License-Identifier: Apache-2.0
"""W7 and the memory of W4: peak resident memory of one step in a process of its own."""
import sys
from dataclasses import dataclass, field

import numpy as np

from comparison.measure import able
from comparison.servers import Failed, OdeumServer, PeerServer
from comparison.workloads import Job

LENGTHS = (1, 4, 16)
# name -> sets of odeum, the gradient that is the peers' counterpart
ODEUM = {
    "odeum adjoint": ["flow.gradient=adjoint"],
    "odeum backprop, memory: 64": ["flow.gradient={use: backprop, memory: 64}"],
    "odeum backprop, keep: steps": ["flow.gradient={use: backprop, keep: steps}"],
    "odeum backprop, keep: stages": ["flow.gradient={use: backprop, keep: stages}"],
    "odeum backprop, as it comes": ["flow.gradient=backprop"],
}


@dataclass
class Memory:
    name: str
    mib: list = field(default_factory=list)  # at each length
    seconds: list = field(default_factory=list)
    problem: str = ""


def long_flow(folder, length, gradient):
    """The net of W3 at batch 200, steps of 0.125 of the 3/8 rule over a span of `length`."""
    np.save(folder / "long.npy", np.random.default_rng(43).standard_normal((200, 43)).astype(np.float32))
    return Job("W7", f"T = {length}", "w3.yaml",
               {"kind": "step", "time": "concatsquash", "activation": "softplus", "span": float(length),
                "trace": "hutchinson", "gradient": gradient, "solver": "rk4", "step": 0.125},
               sets=[f"data.train={folder}/long.npy", "data.batch=200", f"flow.span=[0, {length}]",
                     "flow.solver={use: kutta38, step: 0.125}"], rows=200, heavy=True)


def trainers(peers):
    return [peer for peer in peers if peer.family != "SciPy"]


def unable(peer, job):
    return "memory is not measured compiled" if peer.settings.get("compile") else able(peer, job)


def one_step(server, job, problem, memory):
    """`problem`: where the peer finds its numbers, or where odeum writes them."""
    try:
        server.open(job, problem)
        answer = server.run()
        memory.mib.append(server.memory()["peak"])
        memory.seconds.append(1e-3 * answer["ms"])
    except Failed as error:
        memory.problem = str(error)
    server.close()


def write_problem(bench, job, folder, threads):
    server = OdeumServer(bench, threads)
    server.open(job, folder)
    server.problem(folder)
    server.close()


def memory_over_length(peers, options, work, lengths):
    found = {name: Memory(name) for name in ODEUM}
    for length in lengths:
        print(f"W7 T = {length}", file=sys.stderr, flush=True)
        folder = work / f"long{length}"
        write_problem(options.bench, long_flow(work, length, "backprop"), folder, 2)
        for name, sets in ODEUM.items():
            one_step(OdeumServer(options.bench, 2, sets), long_flow(work, length, "backprop"), folder, found[name])
        for peer in trainers(peers):
            for gradient in ("adjoint", "backprop"):
                job = long_flow(work, length, gradient)
                memory = found.setdefault(f"{peer.name} {gradient}", Memory(f"{peer.name} {gradient}"))
                memory.problem = memory.problem or unable(peer, job)
                if not memory.problem:
                    one_step(PeerServer(peer, 2), job, folder, memory)
    return list(found.values())


def memory_of_step(job, peers, options, work):
    """Each variant of odeum's and every peer, one step, 2 threads."""
    print(f"{job.workload}, memory", file=sys.stderr, flush=True)
    folder = work / "images"
    write_problem(options.bench, job, folder, 2)
    found = []
    for name, sets in [("odeum", []), *((f"odeum, {name}", sets) for name, sets in job.variants.items())]:
        found.append(Memory(name))
        one_step(OdeumServer(options.bench, 2, sets), job, folder, found[-1])
    for peer in trainers(peers):
        found.append(Memory(peer.name, problem=unable(peer, job)))
        if not found[-1].problem:
            one_step(PeerServer(peer, 2), job, folder, found[-1])
    return found
