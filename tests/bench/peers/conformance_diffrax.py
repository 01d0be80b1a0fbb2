# SPDX-License-Identifier: Apache-2.0
"""diffrax's solvers on the conformance problems: conformance_diffrax.py MAX_STEPS; a line of JSON each.

One compilation a solver: states have four components, the problem is a traced index, tolerances are arguments."""
import json
import sys

import jax

jax.config.update("jax_enable_x64", True)

import diffrax
import jax.numpy as jnp
from conformance_problems import PROBLEMS, TOLERANCES, atol, error

SOLVERS = ("Dopri5", "Tsit5", "Dopri8", "ImplicitEuler", "Kvaerno3", "Kvaerno4", "Kvaerno5", "KenCarp3", "KenCarp4",
           "KenCarp5")


def padded(values, fill=0.0):
    return jnp.array(list(values) + [fill] * (4 - len(values)))


def branch(field):
    def rates(t, y):
        found = field(jnp, t, y)
        return jnp.stack([jnp.asarray(x, y.dtype) for x in found] + [jnp.zeros(())] * (4 - len(found)))
    return rates


BRANCHES = [branch(problem[0]) for problem in PROBLEMS.values()]


def program(name, max_steps):
    solver = getattr(diffrax, name)()
    rates = lambda t, y, index: jax.lax.switch(index, BRANCHES, t, y)
    terms = diffrax.ODETerm(rates)
    if name.startswith("KenCarp"):  # everything implicit, as odeum's is in its own results
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, y, index: jnp.zeros_like(y)), terms)

    @jax.jit
    def solve(index, start, end, rtol, atols, count):
        rms = lambda x: jnp.sqrt(jnp.sum(jnp.square(x)) / count)  # without the padding
        found = diffrax.diffeqsolve(
            terms, solver, 0.0, end, None, start, index, max_steps=max_steps, throw=False,
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atols, norm=rms))
        return found.ys[0], found.stats["num_steps"], found.result == diffrax.RESULTS.successful, found.result
    return solve


def main():
    max_steps = int(sys.argv[1])
    for solver in SOLVERS:
        solve = program(solver, max_steps)
        for index, (problem, (_, start, end, truth, sizes)) in enumerate(PROBLEMS.items()):
            for tolerance in TOLERANCES:
                y, steps, good, why = solve(index, padded(start), end, tolerance,
                                            padded(atol(tolerance, sizes, len(start)), tolerance), float(len(start)))
                found = [float(x) for x in y[:len(start)]]
                line = {"solver": solver, "problem": problem, "tolerance": tolerance, "attempts": int(steps),
                        "status": "success" if bool(good) else diffrax.RESULTS[why].split(".")[0]}
                if bool(good):
                    line["error"] = error(found, truth, sizes)
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
