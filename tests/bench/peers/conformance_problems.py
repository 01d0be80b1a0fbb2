# SPDX-License-Identifier: Apache-2.0
"""Conformance problems with values known to twelve digits (Robertson at 1e11 and van der Pol: published ones)."""
import math

MU = 0.012277471


def kepler(np, t, y):
    r3 = (y[0] * y[0] + y[1] * y[1]) ** 1.5
    return [y[2], y[3], -y[0] / r3, -y[1] / r3]


def arenstorf(np, t, y):
    a, b, u, v = y[0], y[1], y[2], y[3]
    other = 1.0 - MU
    e1, e2 = ((a + MU) ** 2 + b * b) ** 1.5, ((a - other) ** 2 + b * b) ** 1.5
    return [u, v, a + 2.0 * v - other * (a + MU) / e1 - MU * (a - other) / e2,
            b - 2.0 * u - other * b / e1 - MU * b / e2]


def brusselator(np, t, y):
    return [1.0 + y[0] * y[0] * y[1] - 4.0 * y[0], 3.0 * y[0] - y[0] * y[0] * y[1]]


def robertson(np, t, y):
    slow, fast = 0.04 * y[0] - 1e4 * y[1] * y[2], 3e7 * y[1] * y[1]
    return [-slow, slow - fast, fast]


def van_der_pol(np, t, y):
    return [y[1], 1000.0 * (1.0 - y[0] * y[0]) * y[1] - y[0]]


def orbit(e):
    return [1.0 - e, 0.0, 0.0, math.sqrt((1.0 + e) / (1.0 - e))]


START = [0.994, 0.0, 0.0, -2.00158510637908252240537862224]
# name: field, start, end of the span, truth, sizes of the components (None: rtol = atol)
PROBLEMS = {
    "D1": (kepler, orbit(0.1), 20.0,
           [0.2198835352008397, 0.9427076846341813, -0.9787659841058177, 0.3287977990962036], None),
    "D3": (kepler, orbit(0.5), 20.0,
           [-0.5780432953035361, 0.8633840009194193, -0.9595083730380726, -0.06504915126712090], None),
    "D5": (kepler, orbit(0.9), 20.0,
           [-1.295266250987574, 0.4003938963792322, -0.6775390924707566, -0.1270838154278686], None),
    "arenstorf": (arenstorf, START, 17.0652165601579625588917206249, START, None),
    "brusselator": (brusselator, [1.5, 3.0], 20.0, [0.4986370712683478, 4.596780349452011], None),
    "robertson_40": (robertson, [1.0, 0.0, 0.0], 40.0,
                     [0.7158270687194051, 9.185534764557764e-6, 0.2841637457458304], [1.0, 1e-5, 1.0]),
    "robertson_1e11": (robertson, [1.0, 0.0, 0.0], 1e11,
                       [0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050], [1e-7, 1e-13, 1.0]),
    "van_der_pol_1000": (van_der_pol, [2.0, 0.0], 2000.0, [1.706167732170469, -0.8928097010248125e-3], [1.0, 1e-3]),
}
TOLERANCES = (1e-3, 1e-6, 1e-9)


def atol(tolerance, sizes, n):
    return [tolerance] * n if sizes is None else [0.01 * tolerance * size for size in sizes]


def error(found, truth, sizes):
    """The largest difference of a component; over the solution's size where that is above one, or over its own."""
    differences = [abs(a - b) for a, b in zip(found, truth)]
    if sizes is None:
        return max(differences) / max(1.0, *(abs(x) for x in truth))
    return max(d / abs(x) for d, x in zip(differences, truth))
