# SPDX-License-Identifier: Apache-2.0
"""Processes that run a workload when asked: odeum's and the peers' speak through the same class."""
import atexit
import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np

from comparison.environments import PEERS, environment

BENCH = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A peer that cannot do a workload, with its reason."""


class Process:
    """Can be stopped, with all its threads and children, while others run: a pool that spins takes another's core."""

    def __init__(self, command, threads):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment(threads),
                                        start_new_session=True)
        atexit.register(self.kill)  # one that is stopped would never see that nobody asks any more

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass  # it has ended, which whoever asks will see

    def stop(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            reason = self.process.stderr.read().strip().splitlines() or ["ended without a word"]
            raise Failed(reason[-1])
        answer = json.loads(answer)
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer

    def kill(self):
        self.signal(signal.SIGKILL)

    def close(self):
        self.go_on()
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.kill()  # what it started and left behind
        atexit.unregister(self.kill)
        self.process.stdout.close()
        self.process.stderr.close()


class PeerServer(Process):
    def __init__(self, peer, threads):
        super().__init__([peer.python, "-W", "ignore", PEERS / peer.script], threads)
        self.settings = peer.settings

    def request(self, do, **values):
        return self.ask(json.dumps({"do": do, **values}))

    def open(self, job, folder):
        return self.request("open", folder=str(folder), **{**job.request, **self.settings})

    def run(self):
        return self.request("run")

    def result(self, folder):
        self.request("result", folder=str(folder))

    def memory(self):
        return self.request("memory")


class OdeumServer(Process):
    """bench_compare. `sets` are added to the job's."""

    def __init__(self, bench, threads, sets=()):
        super().__init__([bench / "bench_compare"], threads)
        self.threads, self.sets = threads, list(sets)

    def open(self, job, folder):
        sets = [*job.sets, *self.sets, f"device.threads={self.threads}"]
        return self.ask("\t".join([job.verb, str(BENCH / "workloads" / job.file), str(job.gain), *sets]))

    def problem(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.ask(f"problem\t{folder}")

    def run(self):
        return self.ask("run")

    def result(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.ask(f"result\t{folder}")

    def memory(self):
        return self.ask("memory")


class NetworkServer(Process):
    """bench_quadrature with one gradient method: W5."""

    def __init__(self, bench, threads, folder, method, dtype="float32", tolerance=1e-5):
        super().__init__([bench / "bench_quadrature", folder, dtype, tolerance, threads], threads)
        self.method = method
        self.sizes = [(name, np.load(f"{folder}/{name}.npy").shape) for name in ("w1", "b1", "w2", "b2", "w3", "b3")]

    def open(self, job, folder):
        return {"seconds": 0.0}

    def run(self):
        return {"loss": 0.0, **self.ask(f"run {self.method}")}

    def result(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.ask(f"write {folder}/all")
        values, begin = np.load(f"{folder}/all"), 0
        Path(f"{folder}/all").unlink()
        for name, shape in self.sizes:
            np.save(f"{folder}/{name}.npy", values[begin:begin + np.prod(shape)].reshape(shape))
            begin += int(np.prod(shape))


def difference(folder, reference):
    """Relative Euclidean distance of all arrays of a folder from the reference's."""
    error = size = 0.0
    for file in sorted(Path(reference).glob("*.npy")):
        truth = np.load(file)
        error += float(np.sum((np.load(Path(folder) / file.name) - truth) ** 2))
        size += float(np.sum(truth ** 2))
    return (error / size) ** 0.5
