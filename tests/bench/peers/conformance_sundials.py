# SPDX-License-Identifier: Apache-2.0
"""SUNDIALS' CVODE (scikit-sundae) and SciPy's implicit solvers on the conformance problems; a line of JSON each.

    conformance_sundials.py MAX_STEPS
"""
import json
import sys

import numpy as np
from conformance_problems import PROBLEMS, TOLERANCES, atol, error
from scipy.integrate import solve_ivp

try:
    from sksundae.cvode import CVODE
except ImportError:
    CVODE = None


class TooMany(Exception):
    pass


def limited(field, limit):
    """The right-hand side, counted; what asks for too many is stopped."""
    counter = [0]

    def rates(t, y):
        counter[0] += 1
        if counter[0] > limit:
            raise TooMany
        return np.array(field(np, t, y))
    return rates, counter


def cvode(method, problem, tolerance, max_steps):
    field, start, end, _, sizes = problem
    rates, counter = limited(field, 10 * max_steps)

    def fill(t, y, out):
        out[:] = rates(t, y)
    solver = CVODE(fill, method=method, rtol=tolerance, atol=np.array(atol(tolerance, sizes, len(start))),
                   max_num_steps=max_steps)
    found = solver.solve(np.array([0.0, end]), np.array(start))
    return found.success, found.message, found.y[-1], counter[0]


def scipy(method, problem, tolerance, max_steps):
    field, start, end, _, sizes = problem
    rates, counter = limited(field, 10 * max_steps)
    found = solve_ivp(rates, (0.0, end), start, method=method, rtol=tolerance,
                      atol=np.array(atol(tolerance, sizes, len(start))))
    return found.success, found.message, found.y[:, -1], counter[0]


def main():
    max_steps = int(sys.argv[1])
    methods = [("SciPy Radau", scipy, "Radau"), ("SciPy BDF", scipy, "BDF"), ("SciPy LSODA", scipy, "LSODA")]
    if CVODE:
        methods += [("CVODE BDF", cvode, "BDF"), ("CVODE Adams", cvode, "Adams")]
    for label, run, method in methods:
        for name, problem in PROBLEMS.items():
            for tolerance in TOLERANCES:
                line = {"solver": label, "problem": name, "tolerance": tolerance}
                try:
                    good, message, end, evaluations = run(method, problem, tolerance, max_steps)
                    good = good and bool(np.all(np.isfinite(end)))
                    line.update(status="success" if good else str(message), evaluations=evaluations)
                    if good:
                        line["error"] = error(end, problem[3], problem[4])
                except TooMany:
                    line.update(status="too many evaluations")
                except Exception as failure:
                    line.update(status=f"{type(failure).__name__}: {failure}".splitlines()[0])
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
