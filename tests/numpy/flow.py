# SPDX-License-Identifier: Apache-2.0
"""RNODE's multi-scale image flows in float64 with NumPy, from their definition and with nothing of odeum's.

Time is one more channel here, as published; noise is drawn (Philox 4x32-10) by the keys that odeum/random.hpp documents.
"""

import json
import math
import struct

import numpy as np

SEED = 42  # of all configurations
NOISE, USER = 5, 10  # purposes of odeum/random.hpp
MASK = 0xFFFFFFFF


# --- Random numbers: Salmon et al., SC 2011 -------------------------------------------------------

def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds on arrays of uint64 that hold 32-bit words."""
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) for c in (c0, c1, c2, c3))
    low = np.uint64(MASK)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), p1 & low,
                          (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1), p0 & low)
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def stream_key(seed, purpose, step):
    words = philox(step & MASK, step >> 32, purpose, 0, seed & MASK, seed >> 32)
    return int(words[1]) << 32 | int(words[0])


def name_key(name):
    value = 14695981039346656037
    for c in name.encode():
        value = (value ^ c) * 1099511628211 % 2**64
    return value


def noise(name, shape, step, kind, single):
    """[samples, ...] for samples 0, 1, ..."""
    key = stream_key(stream_key(stream_key(SEED, NOISE, 0), NOISE, name_key(name)), USER, step)
    elements = np.arange(math.prod(shape[1:]), dtype=np.uint64)
    result = []
    for sample in range(shape[0]):
        w = philox(elements, np.zeros_like(elements), np.full_like(elements, sample), np.zeros_like(elements),
                   key & MASK, key >> 32)

        def uniform(high, low):
            bits = (high << np.uint64(20)) | (low >> np.uint64(12))
            return (bits.astype(np.float64) + 0.5) * 2.0**-52
        if kind == "uniform":
            value = ((w[0] >> np.uint64(8)).astype(np.float64) + 0.5) * 2.0**-24 if single else uniform(w[0], w[1])
        else:
            value = np.sqrt(-2.0 * np.log(uniform(w[0], w[1]))) * np.cos(2.0 * np.pi * uniform(w[2], w[3]))
        result.append(value)
    value = np.stack(result).reshape(shape)
    return value.astype(np.float32).astype(np.float64) if single else value


# --- The flow ---------------------------------------------------------------------------------------

def conv(x, w):
    """3 x 3, zero padding: x [n, in, h, w], w [out, in, 3, 3]."""
    n, _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((n, w.shape[0], height, width))
    for i in range(3):
        for j in range(3):
            out += np.einsum("oc,nchw->nohw", w[:, :, i, j], padded[:, :, i:i + height, j:j + width], optimize=True)
    return out


def transposed(w):
    """The kernels whose convolution is the adjoint of w's."""
    return np.ascontiguousarray(w.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])


class Field:
    """conv - softplus - ... - conv, time as one more channel before the others in every layer."""

    def __init__(self, weights, prefix):
        self.layers = []
        for i in range(4):
            get = lambda name: weights[f"parameters.{prefix}.field.layer{i}.{name}"]
            kernels = np.concatenate([get("time")[:, None], get("weight")], axis=1)
            self.layers.append((kernels, get("bias")))

    def __call__(self, t, z, probe):
        """f and J^T probe."""
        slopes = []
        x = z
        for i, (kernels, bias) in enumerate(self.layers):
            channel = np.full((x.shape[0], 1) + x.shape[2:], t)
            x = conv(np.concatenate([channel, x], axis=1), kernels) + bias[:, None, None]
            if i < 3:
                slopes.append(0.5 * (1.0 + np.tanh(0.5 * x)))
                x = np.logaddexp(0.0, x)
        g = probe
        for i in range(3, -1, -1):
            g = conv(g, transposed(self.layers[i][0][:, 1:]))
            if i > 0:
                g = g * slopes[i - 1]
        return x, g


def solve(field, z, probe, steps=4):
    """Kutta's 3/8 rule from 0 to 1: z, the integral of the divergence, kinetic and Jacobian costs."""
    def rates(t, z):
        f, g = field(t, z, probe)
        over = (1, 2, 3)
        return f, (g * probe).sum(over), 0.5 * (f * f).mean(over), (g * g).mean(over)

    def moved(y, h, *terms):
        return tuple(a + h * sum(c * k[i] for c, k in terms) for i, a in enumerate(y))
    y = (z,) + (np.zeros(z.shape[0]),) * 3
    h = 1.0 / steps
    for n in range(steps):
        t = n * h
        k1 = rates(t, y[0])
        k2 = rates(t + h / 3.0, moved(y, h, (1 / 3, k1))[0])
        k3 = rates(t + 2.0 * h / 3.0, moved(y, h, (-1 / 3, k1), (1.0, k2))[0])
        k4 = rates(t + h, moved(y, h, (1.0, k1), (-1.0, k2), (1.0, k3))[0])
        y = moved(y, h / 8.0, (1.0, k1), (3.0, k2), (3.0, k3), (1.0, k4))
    return y


def translate(field, z, probe):
    """The same where the last kernels are zero: the field is its last bias."""
    kernels, bias = field.layers[-1]
    assert not kernels.any()
    nothing = np.zeros(z.shape[0])
    return z + bias[:, None, None], nothing, nothing + 0.5 * (bias**2).mean(), nothing


def squeezed(z):
    """[n, c, h, w] to [n, 4 c, h / 2, w / 2]: by channel, then row of the square, then column."""
    n, c, height, width = z.shape
    squares = z.reshape(n, c, height // 2, 2, width // 2, 2)
    return squares.transpose(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, height // 2, width // 2)


class Flow:
    """What the configurations differ in."""

    def __init__(self, scales, levels, alpha, single):
        self.scales, self.levels, self.alpha, self.single = scales, levels, alpha, single

    def loss(self, images, weights, step, integrate):
        """Bits per dimension and the weighted costs, the mean over images [n, c, h, w] of levels. `integrate` solves a
        block, as `solve` and `translate` do."""
        n, dimensions = images.shape[0], math.prod(images.shape[1:])
        alpha = self.alpha
        u = noise("dequantize.dequantization", images.shape, step, "uniform", self.single)
        s = alpha + (1.0 - 2.0 * alpha) * (images + u) / self.levels
        z = np.log(s) - np.log1p(-s)
        slopes = math.log(1.0 - 2.0 * alpha) - np.log(s) - np.log1p(-s)
        log_determinant = slopes.sum((1, 2, 3)) - dimensions * math.log(self.levels)
        costs = np.zeros(n)

        def blocks(z, place):
            nonlocal log_determinant, costs
            for i in (1, 2):
                name = f"flow.{place}.solve_{i}"
                probe = noise(name + ".probe", z.shape, step, "normal", self.single)
                z, divergence, kinetic, jacobian = integrate(Field(weights, name), z, probe)
                log_determinant = log_determinant + divergence
                costs = costs + 0.01 * kinetic + 0.01 * jacobian
            return z

        squares = np.zeros(n)
        for scale in range(1, self.scales):
            z = squeezed(blocks(z, f"scale{scale}"))
            z = blocks(z, f"scale{scale}.squeezed")
            half = z.shape[1] // 2
            squares += (z[:, half:]**2).sum((1, 2, 3))
            z = z[:, :half]
        z = blocks(z, f"scale{self.scales}")
        squares += (z**2).sum((1, 2, 3))
        log_normal = -0.5 * squares - 0.5 * dimensions * math.log(2.0 * math.pi)
        bits = -(log_normal + log_determinant) / (dimensions * math.log(2.0))
        return float((bits + costs).mean())


# --- Checkpoints: the safetensors format ------------------------------------------------------------

def checkpoint(file):
    data = file.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    arrays = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if not name.startswith("parameters."):
            continue
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
        arrays[name] = np.frombuffer(data[8 + length + begin:8 + length + end], kind).reshape(
            entry["shape"]).astype(np.float64)
    return arrays
