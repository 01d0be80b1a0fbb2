#!/usr/bin/env python3
"""Follows the documentation literally, as a stranger would: README.md in a clone of the repository, then the other pages.

    docs.py --build BUILD --work FOLDER [--compiler CXX]

The shell blocks of all pages run in one shell, in order: README's in the clone, those of another page in a fresh folder.
C++ blocks are compiled against what README installed, YAML blocks are whole pipelines and are validated. What is neither
is marked as text. `./run` finds BUILD in the clone as if it had built it there. Links within the repository lead somewhere.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(.*)$")
LINK = re.compile(r"\]\(([^)#\s]+)")


def pages():
    """README first, then the author's guide, then the rest; results are reports of other commands."""
    first = [SOURCE / "README.md", SOURCE / "docs/plugins.md"]
    rest = [p for p in sorted((SOURCE / "docs").rglob("*.md")) if p not in first and "results" not in p.parts]
    return first + rest


def blocks(text, complain):
    """Pairs of language and body. Complains of code that does not say what it is."""
    found, language, body = [], None, []
    in_list = before_empty = False
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if language is not None:
            if fence:
                found.append((language, "\n".join(body) + "\n"))
                language, body = None, []
            else:
                body.append(line)
        elif fence:
            language = fence.group(1)
            if language not in ("sh", "cpp", "yaml", "text"):
                complain(f"line {number}: a code block is sh, cpp, yaml or text; this is '{language}'")
        elif line.startswith("    ") and before_empty and not in_list:
            complain(f"line {number}: indented code; put it between ```sh, ```cpp, ```yaml or ```text and ```")
        if line.strip() and not line.startswith(" "):
            in_list = bool(re.match(r"([-*]|\d+\.) ", line))
        before_empty = not line.strip()
    if language is not None:
        complain("its last code block has no end")
    return found


def clone(build, folder):
    """The working tree with links to its parts, and with the build that `./run` would make."""
    folder.mkdir(parents=True)
    for entry in SOURCE.iterdir():
        if entry.name not in (".git", "build", "runs", "run"):
            (folder / entry.name).symlink_to(entry)
    shutil.copy(SOURCE / "run", folder)
    release = folder / "build/release"
    release.mkdir(parents=True)
    for entry in build.iterdir():
        if entry.name not in (".lock", ".begun", ".built"):
            (release / entry.name).symlink_to(entry)
    (release / ".built").touch()


class Check:
    def __init__(self, given):
        self.given = given
        self.wrong = 0
        self.script = ["set -euo pipefail"]
        self.later = []  # what needs README's installation

    def complain(self, page, text):
        print(f"{page}: {text}")
        self.wrong += 1

    def read(self, path):
        page = path.relative_to(SOURCE)
        text = path.read_text()
        folder = self.given.work / ("clone" if page.name == "README.md" else page.stem)
        folder.mkdir(parents=True, exist_ok=True)
        self.script += [f"cd '{folder}'"]
        for number, (language, body) in enumerate(blocks(text, lambda what: self.complain(page, what)), 1):
            if language == "sh":
                self.script += [f"echo '--- {page}, block {number}'", body]
            elif language in ("cpp", "yaml"):
                self.later.append((language, page, number, body))
        for link in LINK.findall(re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
            if "://" not in link and not (path.parent / link).exists():
                self.complain(page, f"the link to {link} leads nowhere")

    def run(self, environment):
        result = subprocess.run(["bash", "-c", "\n".join(self.script)], env=environment)
        print(f"shell blocks: exit {result.returncode}")
        self.wrong += result.returncode != 0

    def compile_and_validate(self, prefix, environment):
        compiler = [self.given.compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I",
                    prefix / "include", "-x", "c++", "-"]
        for language, page, number, body in self.later:
            command = compiler
            if language == "yaml":
                (self.given.work / "block.yaml").write_text(body)
                command = [prefix / "bin/odeum", "validate", self.given.work / "block.yaml"]
            result = subprocess.run(command, input=body, text=True, capture_output=True, env=environment)
            good = result.returncode == 0
            print(f"{page}, block {number} ({language}): {'good' if good else result.stdout + result.stderr}")
            self.wrong += not good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--compiler", default="c++")
    given = parser.parse_args()
    given.work = given.work.resolve()
    shutil.rmtree(given.work, ignore_errors=True)
    clone(given.build.resolve(), given.work / "clone")
    home = given.work / "home"
    home.mkdir()
    hidden = ("ODEUM_PLUGIN_PATH", "ODEUM_TRACE", "XDG_DATA_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["HOME"] = str(home)
    check = Check(given)
    for page in pages():
        check.read(page)
    check.run(environment)
    check.compile_and_validate(home / "odeum", environment)
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
