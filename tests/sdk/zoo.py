#!/usr/bin/env python3
"""Bad plugins through the tool: `verify` gives each its own verdict, whatever they do to the process; and `list` reads
two hundred plugins without loading one.

    zoo.py --tool ODEUM --libraries FOLDER --work FOLDER
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

# File, and what the verdict must say.
ZOO = [
    ("crashing", "crashed (SIGKILL)"),
    ("endless", "did not answer within 2 seconds"),
    ("throwing", "three is no prime"),
    ("other_abi", "build the plugin again"),
    ("other_size", "build the plugin again"),
    ("undefined_symbol", "undefined symbol"),
    ("missing_library", "cannot open shared object file"),
    ("no_record", "it is not an odeum plugin"),
    ("no_entry_point", "odeum_plugin_entries"),
    ("stale", "record"),
    ("not_elf", "ELF"),
    ("cut", "truncated"),
    ("writable", "may write it"),
]
MANY = 200


def verdicts(tool, folder):
    wrong = 0
    for name, words in ZOO:
        command = [tool, "verify", str(folder / f"{name}.so"), "--limit", "2"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        text = result.stdout + result.stderr
        good = result.returncode == 1 and words in text
        print(f"{name}: exit {result.returncode}, {'says' if words in text else 'does not say'} '{words}'")
        if not good:
            print(text)
            wrong += 1
    return wrong


def many(tool, source, folder):
    """Copies of one plugin under names of their own, written into their records."""
    kind = folder / "controller"
    kind.mkdir(parents=True)
    data = source.read_bytes()
    name = b"controller".ljust(32, b"\0") + b"endless".ljust(64, b"\0")
    assert name in data, "the record is not where it was"
    for i in range(MANY):
        other = b"controller".ljust(32, b"\0") + f"copy{i}".encode().ljust(64, b"\0")
        (kind / f"copy{i}.so").write_bytes(data.replace(name, other))
    environment = dict(os.environ, ODEUM_TRACE="plugins")
    command = [tool, "list", "--plugin-path", str(folder)]
    traced = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    listed = sum(line.strip().startswith("copy") for line in traced.stdout.splitlines())
    loaded = traced.stderr.count("loading ")
    begin = time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    print(f"list: {listed} of {MANY} and our own in {1e3 * (time.monotonic() - begin):.0f} ms, {loaded} loaded")
    return (listed != MANY) + (loaded != 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--tool", "--libraries", "--work"):
        parser.add_argument(option, required=True, type=pathlib.Path)
    given = parser.parse_args()
    shutil.rmtree(given.work, ignore_errors=True)
    zoo = given.work / "zoo"
    zoo.mkdir(parents=True)
    for name, _ in ZOO:
        if (given.libraries / f"{name}.so").exists():
            shutil.copy(given.libraries / f"{name}.so", zoo)
    good = (given.libraries / "good.so").read_bytes()
    (zoo / "not_elf.so").write_text("no library\n")
    (zoo / "cut.so").write_bytes(good[:100])
    (zoo / "writable.so").write_bytes(good)
    (zoo / "writable.so").chmod(0o666)
    os.chmod(zoo, 0o755)
    return 1 if verdicts(str(given.tool), zoo) + many(str(given.tool), given.libraries / "endless.so",
                                                       given.work / "many") else 0


if __name__ == "__main__":
    sys.exit(main())
