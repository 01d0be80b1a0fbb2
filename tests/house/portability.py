#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does odeum run on processors that lack what this one has?

    portability.py baseline --build BUILD     no instruction of a later x86-64 but in the kernels made for it
    portability.py arm64 --source SOURCE      the cpu device compiles for arm64; exit status 77 without a cross compiler
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

# Of the whole build, what is compiled for one instruction set and runs only where the processor has it.
MADE_FOR_ONE = re.compile(r"device/cpu/.*/kernels/(avx2|avx512)\.cpp\.o$")
# VEX and EVEX instructions work on these registers, or begin with a v and are no SSE instruction.
LATER = re.compile(r"%[yz]mm|\t(vmov|vadd|vmul|vsub|vdiv|vfm|vxor|vpxor|(andn|bextr|pdep|pext|mulx|rorx)\s)")
ARM = ["aarch64-linux-gnu-g++", "aarch64-linux-gnu-g++-12", "aarch64-linux-gnu-g++-14"]
SKIPPED = 77


def later_instructions(file):
    text = subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", str(file)],
                          capture_output=True, text=True, check=True).stdout
    found = LATER.search(text)
    return text[text.rfind("\n", 0, found.start()) + 1:text.find("\n", found.end())] if found else None


def baseline(build):
    objects = [f for f in sorted(build.rglob("*.o")) if re.search(r"^(core|plugins|sdk)/", str(f.relative_to(build)))]
    if not any(MADE_FOR_ONE.search(str(f)) for f in objects):
        sys.exit("the kernels for AVX2 and AVX-512 were not built: nothing was looked at")
    objects = [f for f in objects if not MADE_FOR_ONE.search(str(f))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [(f, line) for f, line in zip(objects, pool.map(later_instructions, objects)) if line]
    for file, line in wrong:
        print(f"{file.relative_to(build)}: {line.strip()}")
    print(f"{len(objects)} object files looked at")
    sys.exit(1 if wrong else 0)


def arm64(source):
    compiler = next((found for name in ARM if (found := shutil.which(name))), None)
    if compiler is None:
        print(f"no cross compiler ({ARM[0]}) is installed")
        sys.exit(SKIPPED)
    device = source / "plugins/device/cpu"
    only_x86 = {device / "kernels/avx2.cpp", device / "kernels/avx512.cpp"}
    sources = [f for f in sorted(device.rglob("*.cpp")) if f not in only_x86]
    # oneTBB's headers, where they are, hold nothing of a processor; they are given without /usr/include itself.
    headers = source / "sdk/include", source / "sdk", device
    flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", *(f"-I{folder}" for folder in headers)]
    flags += ["-idirafter", "/usr/include"]

    def errors(file):
        done = subprocess.run([compiler, *flags, str(file)], capture_output=True, text=True)
        return done.stderr if done.returncode else ""

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [text for text in pool.map(errors, sources) if text]
    print("\n".join(failed))
    print(f"{len(sources)} sources compiled by {compiler}, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["baseline", "arm64"])
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path)
    options = parser.parse_args()
    if options.what == "baseline":
        baseline(options.build)
    arm64(options.source)


if __name__ == "__main__":
    main()
