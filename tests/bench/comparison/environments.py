# SPDX-License-Identifier: Apache-2.0
"""Virtual environments of the peers, made where they are missing. What cannot be had is told, never passed over."""
import glob
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).resolve().parents[1] / "peers"
SLOW_BLAS = 10.0  # GFLOP/s of one thread in processor time; below it a BLAS library is a reference implementation


@dataclass
class Peer:
    name: str  # "torchdiffeq, torch 2.9.0"
    family: str  # torchdiffeq | diffrax | SciPy
    script: str
    python: Path
    settings: dict  # added to every request
    gflops: float = 1e9  # of a large product on one thread


@dataclass
class Found:
    peers: list
    missing: list  # a sentence each
    notes: list
    blas: str  # a library with cblas_sgemm, or ""


def environment(threads):
    """For a server of so many threads: without settings that halve OpenBLAS, with pools that wait passively."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "MKL_", "OMP_", "XLA_"))}
    single = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {**kept, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
            "NPROC": str(threads), "PJRT_NPROC": str(threads), "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "3", **({"XLA_FLAGS": single} if threads == 1 else {})}


def output(python, code):
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment(1))
    if found.returncode != 0:
        raise RuntimeError((found.stderr.strip().splitlines() or ["no reason given"])[-1])
    return found.stdout.split()


def install(folder, system, packages, options):
    """The environment's interpreter, with the packages."""
    python = folder / "bin" / "python"
    if not python.exists():
        site = ["--system-site-packages"] if system else []
        subprocess.run(["/usr/bin/python3", "-m", "venv", *site, str(folder)], check=True, capture_output=True)
    missing = subprocess.run([python, "-c", "import " + ", ".join(packages)], capture_output=True, env=environment(1))
    if missing.returncode != 0:
        made = subprocess.run([python, "-m", "pip", "install", "-q", *options, *packages], capture_output=True, text=True)
        if made.returncode != 0:
            raise RuntimeError((made.stderr.strip().splitlines() or ["pip failed"])[-1])
    return python


GFLOPS = ("import time, {module} as m\na = m.ones((1000, 860)); b = m.ones((860, 860)); a @ b; best = 1e9\n"
          "for i in range(3):\n  s = time.process_time(); a @ b; best = min(best, time.process_time() - s)\n"
          "print(2e-9 * 1000 * 860 * 860 / best)")


def torch_peers(folder, system, label, found):
    options = ["--no-deps"] if system else []
    packages = ["torchdiffeq"] if system else ["torch", "torchdiffeq", "numpy"]
    try:
        python = install(folder, system, packages, options)
        versions = output(python, "import torch, torchdiffeq; print(torch.__version__, torchdiffeq.__version__)")
        gflops = float(output(python, "import torch; torch.set_num_threads(1)\n" + GFLOPS.format(module="torch"))[0])
    except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
        found.missing.append(f"torchdiffeq on {label}: {error}")
        return
    name = f"torch {versions[0]}"
    found.notes.append(f"{label}: torch {versions[0]}, torchdiffeq {versions[1]}, {gflops:.0f} GFLOP/s in a product of "
                       "1000 x 860 x 860 on one thread")
    found.peers.append(Peer(name, "torchdiffeq", "torch_flow.py", python, {}, gflops))
    if int(versions[0].split(".")[0]) >= 2:
        found.peers.append(Peer(name + ", compiled", "torchdiffeq", "torch_flow.py", python, {"compile": True}, gflops))
    else:
        found.notes.append(f"torch.compile does not exist in torch {versions[0]}")


def find_peers(folder, without):
    """Makes environments below `folder` for all peers but those of the families in `without`."""
    found = Found([], [], [], "")
    folder = Path(folder).absolute()
    if "debian" not in without:
        torch_peers(folder / "debian", True, "the system's torch", found)
    if "torch" not in without:
        torch_peers(folder / "torch", False, "the newest torch of the package index", found)
    if "jax" not in without:
        try:
            python = install(folder / "jax", False, ["jax", "equinox", "diffrax", "numpy", "scipy"], [])
            versions = output(python, "import jax, diffrax, scipy, numpy\n"
                                      "print(jax.__version__, diffrax.__version__, scipy.__version__, numpy.__version__)")
            found.notes.append("jax {}, diffrax {}, SciPy {}, NumPy {}".format(*versions))
            found.peers.append(Peer("diffrax", "diffrax", "diffrax_flow.py", python, {}))
            found.peers.append(Peer("SciPy RK45", "SciPy", "scipy_tiny.py", python, {"method": "RK45"}))
            found.peers.append(Peer("SciPy DOP853", "SciPy", "scipy_tiny.py", python, {"method": "DOP853"}))
        except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
            found.missing.append(f"diffrax and SciPy: {error}")
    found.missing += [f"{name}: left out by --without" for name in without]
    libraries = glob.glob(str(folder / "*" / "lib" / "*" / "site-packages" / "numpy.libs" / "*openblas*"))
    found.blas = libraries[0] if libraries else ""
    if not found.blas:
        found.missing.append("OpenBLAS for the floors (NumPy's wheel has it)")
    return found
