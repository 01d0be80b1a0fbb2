#!/usr/bin/env python3
"""Follows the documentation literally: runs the shell blocks of pages in order, compiles their C++ blocks.

    docs.py --prefix INSTALLATION --work FOLDER --compiler CXX PAGE...
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^```(sh|cpp|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("pages", nargs="+")
    given = parser.parse_args()
    prefix = pathlib.Path(given.prefix).resolve()
    work = pathlib.Path(given.work)
    shutil.rmtree(work, ignore_errors=True)
    environment = dict(os.environ, ODEUM_PREFIX=str(prefix), PATH=f"{prefix}/bin:{os.environ['PATH']}")
    environment.pop("ODEUM_PLUGIN_PATH", None)
    wrong = 0
    for page in given.pages:
        folder = work / pathlib.Path(page).stem
        folder.mkdir(parents=True)
        text = pathlib.Path(page).read_text()
        script = ["set -euo pipefail"]
        for number, (language, body) in enumerate(BLOCK.findall(text)):
            if language == "sh":
                script += [f"echo '--- block {number}'", body]
            elif language == "cpp":
                command = [given.compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I",
                           str(prefix / "include"), "-x", "c++", "-"]
                result = subprocess.run(command, input=body, text=True, capture_output=True)
                print(f"{page}: C++ block {number}: {'compiles' if result.returncode == 0 else result.stderr}")
                wrong += result.returncode != 0
        result = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env=environment, text=True)
        print(f"{page}: shell blocks: exit {result.returncode}")
        wrong += result.returncode != 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
