# SPDX-License-Identifier: Apache-2.0
"""What the peers' servers share: requests as lines of JSON, answers as lines of JSON."""
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np


def load(folder):
    """Every array of a folder by name, float64."""
    return {file.stem: np.load(file) for file in sorted(Path(folder).glob("*.npy"))}


def save(folder, arrays):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(f"{folder}/{name}.npy", np.asarray(array, np.float64))


def layers(arrays):
    """[{"weight": ..., "bias": ..., ...}] of arrays named PREFIX.layerN.KEY, with their names."""
    found = {}
    for name, array in arrays.items():
        if ".layer" in name:
            prefix, key = name.rsplit(".", 1)
            found.setdefault(int(prefix.rsplit("layer", 1)[1]), {})[key] = (name, array)
    return [found[index] for index in sorted(found)]


def serve(sessions):
    """Answers until the input ends. `sessions`: classes by the request's "kind", made from the request that opens
    one; with run() -> a dictionary of at least "forward", "backward" and "loss", and result() -> arrays by name."""
    session = None
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        answer = {}
        try:
            if request["do"] == "open":
                session = None
                begin = time.perf_counter()
                session = sessions[request["kind"]](request)
                answer = {"seconds": time.perf_counter() - begin}
            elif request["do"] == "run":
                begin, cpu = time.perf_counter(), time.process_time()
                answer = session.run()
                answer.setdefault("ms", 1e3 * (time.perf_counter() - begin))
                answer.setdefault("cpu_ms", 1e3 * (time.process_time() - cpu))
            elif request["do"] == "result":
                save(request["folder"], session.result())
            elif request["do"] == "memory":
                answer = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        except Exception as error:  # the other side decides what a failure means
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        out.write(json.dumps(answer) + "\n")
        out.flush()


def threads():
    return int(os.environ["OMP_NUM_THREADS"])
