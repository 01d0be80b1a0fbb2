#!/usr/bin/env python3
"""What `odeum --help` and `odeum COMMAND --help` say, and what the man page and the completions of bash and zsh know.

    commands.py --tool ODEUM
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BASH = SOURCE / "sdk/shell/odeum.bash"
ZSH = SOURCE / "sdk/shell/_odeum"
MAN = SOURCE / "docs/odeum.1"
OPTION = re.compile(r"^  (?:-(\w) \[ )?--([a-z-]+)", re.MULTILINE)


def output(*words, **options):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True, **options).stdout


def options_of(tool, command):
    """Long names and, behind them, short ones: {"out": "o", "seed": ""}."""
    return {long: short for short, long in OPTION.findall(output(tool, command, "--help"))}


def common(options):
    """What every command takes."""
    return set.intersection(*(set(names) for names in options.values()))


def man_options(text):
    """Of each command, of "" for all commands: names as in options_of."""
    text = text.replace("\\-", "-")
    found, command = {"": {}}, None
    for line in text.splitlines():
        if line.startswith(".SH"):
            command = "" if line == ".SH OPTIONS OF EVERY COMMAND" else None
            commands = line == ".SH COMMANDS"
        elif line.startswith(".B ") and not line.startswith(".B --") and commands:
            command = line.split()[1]
            found[command] = {}
        elif line.startswith(".B") and command is not None and "--" in line:
            found[command][re.search(r"--([a-z-]+)", line).group(1)] = "".join(re.findall(r"BR -(\w)\b", line))
    return found


def bash_words(tool, *words):
    """What bash offers for the last word."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _odeum; printf "%s\\n" "${COMPREPLY[@]}"'
    environment = dict(os.environ, PATH=f"{tool.parent}:{os.environ['PATH']}")
    return set(output("bash", "-c", script, "bash", BASH, "odeum", *words, env=environment).split())


def array(name):
    return set(re.search(rf"{name}=\(([^)]*)\)", ZSH.read_text()).group(1).split())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    tool = parser.parse_args().tool.resolve()
    wrong = 0

    def same(what, found, expected):
        nonlocal wrong
        if found != expected:
            wrong += 1
            print(f"{what}: has {found}, the tool {expected}")

    commands = set(re.findall(r"^  ([a-z-]+) ", output(tool, "--help"), re.MULTILINE))
    options = {command: options_of(tool, command) for command in commands}
    shared = common(options)
    man = man_options(MAN.read_text())
    same("the man page's commands", set(man) - {""}, commands)
    same("the man page's options of every command", set(man[""]), shared)
    for command in commands & set(man):
        own = {name: short for name, short in options[command].items() if name not in shared}
        same(f"the man page's options of {command}", man[command], own)

    same("bash's commands", bash_words(tool, "") - {"--help", "--version"}, commands)
    same("zsh's commands", array("commands"), commands)
    for command in commands:
        same(f"bash's options of {command}", bash_words(tool, command, "--"), {f"--{o}" for o in options[command]})
    listed = output(tool, "list").splitlines()
    # Schedules come with the core: there are no plugins of that kind.
    kinds = {line for line in listed if line and not line.startswith(" ")} - {"schedule"}
    same("bash's kinds", bash_words(tool, "new-plugin", ""), kinds)
    same("zsh's kinds", array("kinds"), kinds)
    same("bash's solvers that begin with dopri", bash_words(tool, "describe", "solver/dopri"),
         {f"solver/{line.split()[0]}" for line in listed if line.startswith("  dopri")})
    if shutil.which("zsh"):
        output("zsh", "-n", ZSH)
    if shutil.which("man"):
        warnings = subprocess.run(["man", "--warnings", "-l", MAN], capture_output=True, text=True)
        same("the man page's warnings", warnings.stderr, "")
    print(f"{len(commands)} commands, {sum(map(len, options.values()))} options: {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
