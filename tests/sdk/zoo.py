#!/usr/bin/env python3
"""Bad plugins through the tool. A pipeline that names one ends with status 2 and a reason of its own; `list` skips it with
a warning, or lists it where only its code is bad, as listing runs none; `verify` gives a verdict, whatever it does to the
process. And `list` reads two hundred plugins without loading one.

    zoo.py --tool ODEUM --libraries FOLDER --work FOLDER
"""
import argparse
import dataclasses
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

MANY = 200
SOLVE = """problem:
  field: pendulum
  initial: [1, 0]
  times: {{to: 1}}
  solver: {{use: dopri5, controller: {name}}}
"""
TRAIN = """data: {{use: moons, batch: 16}}
model: [{{use: ode, field: {{use: mlp, hidden: [4]}}, solver: {{use: dopri5, controller: {name}}}}}]
objective: likelihood
train: {{steps: 1}}
"""
AGAIN = "build the plugin again with this odeum's SDK and compiler"

# Offsets in a plugin's record: magic, size, then texts of fixed length.
ABI = slice(8, 128)
KIND_NAME = slice(128, 224)


@dataclasses.dataclass
class Bad:
    what: str
    says: str  # the reason that the pipeline, and where they can see it `list` and `verify`, give
    make: callable = None  # places the file; else the library of that name as it is
    name: str = ""  # of the component that the pipeline names; else `what`
    seen_by_list: bool = True
    named_by: tuple = ("solve", "train")  # commands that end with status 2
    verify: str = "same"  # the verdict's words; empty where one file alone is not bad


class Zoo:
    """The folders that the animals live in, and the good plugin that they are made from."""

    def __init__(self, libraries, work):
        self.libraries = libraries
        self.work = work
        self.good = (libraries / "good.so").read_bytes()

    def folder(self, bad):
        return self.work / bad.what.replace(" ", "_")

    def place(self, bad, data, file=None):
        path = self.folder(bad) / "controller" / f"{file or bad.name or bad.what}.so"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for each in (path.parent.parent, path.parent):
            each.chmod(0o755)
        path.chmod(0o644)
        return path

    def put(self, bad):
        if bad.make:
            bad.make(self, bad)
        else:
            self.place(bad, (self.libraries / f"{bad.what}.so").read_bytes())

    def record(self):
        """Where the record of controller/good stands in the file."""
        return self.good.index(text("controller", 32) + text("good", 64)) - KIND_NAME.start


def text(word, size):
    return word.encode().ljust(size, b"\0")


def patched(at, data):
    """The good plugin with other bytes in its record."""
    def make(zoo, bad):
        here = zoo.record() + at
        zoo.place(bad, zoo.good[:here] + data + zoo.good[here + len(data):], file="good")
    return make


def tagged(change):
    """The good plugin with the ABI tag of another compiler, library or sanitizer."""
    def make(zoo, bad):
        start = zoo.record() + ABI.start
        tag = zoo.good[start:].split(b"\0")[0].decode()
        assert change(tag) != tag
        patched(ABI.start, text(change(tag), 120))(zoo, bad)
    return make


def header(offset, data):
    """The good plugin with other bytes in its ELF header."""
    return lambda zoo, bad: zoo.place(bad, zoo.good[:offset] + data + zoo.good[offset + len(data):])


def writable_file(zoo, bad):
    zoo.place(bad, zoo.good).chmod(0o666)


def writable_folder(zoo, bad):
    zoo.place(bad, zoo.good).parent.chmod(0o777)


def link_out(zoo, bad):
    path = zoo.place(bad, zoo.good)
    open_to_all = zoo.work / "open_to_all"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    shutil.move(path, open_to_all / "good.so")
    path.symlink_to(open_to_all / "good.so")


def two_files(zoo, bad):
    zoo.place(bad, zoo.good, "one")
    zoo.place(bad, zoo.good, "two")


def from_library(library):
    return lambda zoo, bad: zoo.place(bad, (zoo.libraries / f"{library}.so").read_bytes(), library)


ZOO = [
    Bad("not ELF", "it is not an ELF file", lambda zoo, bad: zoo.place(bad, b"no library\n"), "good"),
    Bad("truncated", "the file is truncated", lambda zoo, bad: zoo.place(bad, zoo.good[:100]), "good"),
    Bad("32 bits", "it is not a 64-bit library", header(4, b"\1"), "good"),
    Bad("big-endian", "a library for a big-endian machine", header(5, b"\2"), "good"),
    Bad("no_record", "it has no section .odeum: it is not an odeum plugin"),
    Bad("wrong magic", "its record does not begin with odeum's magic number", patched(0, struct.pack("<I", 1)), "good"),
    Bad("other_abi", AGAIN),
    Bad("other_size", AGAIN),
    Bad("other library", "libstdc++11-0, this odeum is", tagged(lambda t: t.replace("libstdc++11-1", "libstdc++11-0")),
        "good"),
    Bad("sanitizer", "+asan, this odeum is", tagged(lambda tag: tag + "+asan"), "good"),
    Bad("writable file", "everybody may write it; chmod o-w makes it usable", writable_file, "good"),
    Bad("writable folder", "everybody may write it; chmod o-w makes it usable", writable_folder, "good"),
    Bad("link out", "open_to_all: everybody may write it", link_out, "good"),
    Bad("duplicate", "too, beside it: remove one of them", two_files, "good", verify=""),
    Bad("no_entry_point", "it lacks the symbol odeum_plugin_entries", seen_by_list=False),
    Bad("undefined_symbol", "undefined symbol: _Z26a_function_that_nobody_hasv", seen_by_list=False),
    Bad("missing_library", "libodeum_test_absent.so: cannot open shared object file", seen_by_list=False),
    Bad("stale", "what was loaded is not what its record of controller/stale says", seen_by_list=False),
    Bad("throwing constructor", "three is no prime", from_library("throwing"), "throws_exception", seen_by_list=False),
    Bad("throwing schema", "failed to say its schema: ", from_library("throwing"), "throws_in_schema",
        seen_by_list=False),
    Bad("leaking memory", "bytes of memory", from_library("leaking"), "leaks_memory", seen_by_list=False, named_by=()),
    Bad("leaking files", "every use leaves 1 files open", from_library("leaking"), "leaks_files", seen_by_list=False,
        named_by=()),
    Bad("leaking threads", "every use leaves 1 threads", from_library("leaking"), "leaks_threads", seen_by_list=False,
        named_by=()),
    Bad("crashing", "crashed (SIGKILL)", seen_by_list=False, named_by=()),
    Bad("endless", "did not answer within 2 seconds", seen_by_list=False, named_by=()),
]


class Tool:
    """Runs the tool; counts what is not as it should be."""

    def __init__(self, path, work):
        self.path = path
        self.work = work
        self.wrong = 0
        self.environment = dict(os.environ, XDG_DATA_HOME=str(work / "no_such_folder"))
        self.environment.pop("ODEUM_TRACE", None)

    def run(self, *words, cwd=None, **variables):
        return subprocess.run([self.path, *map(str, words)], capture_output=True, text=True, timeout=120,
                              cwd=cwd or self.work, env=dict(self.environment, **variables))

    def expect(self, what, good, result):
        print(f"  {what}: exit {result.returncode}, {'as it should be' if good else 'WRONG'}")
        if not good:
            print(result.stdout + result.stderr)
            self.wrong += 1

    def refused(self, name, says, *options, cwd=None, commands=("solve", "train")):
        for command, pipeline in (("solve", SOLVE), ("train", TRAIN)):
            if command not in commands:
                continue
            config = self.work / f"{command}.yaml"
            config.write_text(pipeline.format(name=name))
            result = self.run(command, config, *options, cwd=cwd)
            good = result.returncode == 2 and says in result.stderr and not (self.work / "runs").exists()
            self.expect(f"{command}, status 2 and '{says}'", good, result)


def judge(tool, zoo, bad):
    print(bad.what)
    zoo.put(bad)
    folder = zoo.folder(bad)
    name = bad.name or bad.what
    tool.refused(name, bad.says, "--plugin-path", folder, commands=bad.named_by)
    result = tool.run("list", "controller", "--plugin-path", folder)
    listed = any(line.split()[:1] == [name] for line in result.stdout.splitlines())
    warned = f"cannot be used: {folder}" in result.stderr and bad.says in result.stderr
    good = result.returncode == 0 and listed != bad.seen_by_list and warned == bad.seen_by_list
    tool.expect(f"list {'skips it with the reason' if bad.seen_by_list else 'runs none of its code'}", good, result)
    for file in folder.glob("controller/*.so") if bad.verify else ():
        result = tool.run("verify", file, "--limit", 2 if bad.what == "endless" else 60)
        tool.expect("verify says so", result.returncode == 1 and bad.says in result.stdout + result.stderr, result)


def places(tool, zoo):
    """One plugin in two places, and one in the current folder alone."""
    print("same plugin in two places")
    first, second = Bad("first place", ""), Bad("second place", "")
    winner, loser = zoo.place(first, zoo.good, "good"), zoo.place(second, zoo.good, "good")
    result = tool.run("list", "controller", "--plugin-path", zoo.folder(first), "--plugin-path", zoo.folder(second))
    says = f"cannot be used: {loser}: controller/good comes from {winner} already, which is searched first"
    tool.expect("list uses the first and warns of the second", result.returncode == 0 and says in result.stderr, result)
    result = tool.run("doctor", "--plugin-path", zoo.folder(first), "--plugin-path", zoo.folder(second))
    tool.expect("doctor finds it", result.returncode == 1 and str(loser) in result.stdout, result)

    print("in the current folder alone")
    here = zoo.folder(first)
    tool.refused("good", "not looked in the current folder, which has controller/good.so", cwd=here)
    for path in ("", ":/", "plugins"):
        result = tool.run("list", cwd=here, ODEUM_PLUGIN_PATH=path)
        good = result.returncode == 2 and "absolute folders" in result.stderr
        tool.expect(f"ODEUM_PLUGIN_PATH='{path}' cannot mean it", good, result)
    result = tool.run("list", "controller", cwd=here)
    tool.expect("list does not see it", result.returncode == 0 and "A good controller" not in result.stdout, result)


def many(tool, zoo):
    """Copies of one plugin under names of their own, written into their records."""
    kind = zoo.work / "many/controller"
    kind.mkdir(parents=True)
    data = (zoo.libraries / "endless.so").read_bytes()
    name = text("controller", 32) + text("endless", 64)
    assert name in data, "the record is not where it was"
    for i in range(MANY):
        (kind / f"copy{i}.so").write_bytes(data.replace(name, text("controller", 32) + text(f"copy{i}", 64)))
    traced = tool.run("list", "--plugin-path", kind.parent, ODEUM_TRACE="plugins")
    listed = sum(line.strip().startswith("copy") for line in traced.stdout.splitlines())
    loaded = traced.stderr.count("loading ")
    begin = time.monotonic()
    tool.run("list", "--plugin-path", kind.parent)
    print(f"list: {listed} of {MANY} and our own in {1e3 * (time.monotonic() - begin):.0f} ms, {loaded} loaded")
    tool.expect("all are listed, none is loaded", listed == MANY and loaded == 0, traced)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--tool", "--libraries", "--work"):
        parser.add_argument(option, required=True, type=pathlib.Path)
    given = parser.parse_args()
    shutil.rmtree(given.work, ignore_errors=True)
    given.work.mkdir(parents=True)
    given.work.chmod(0o755)
    work = given.work.resolve()
    tool, zoo = Tool(given.tool.resolve(), work), Zoo(given.libraries, work)
    for bad in ZOO:
        judge(tool, zoo, bad)
    places(tool, zoo)
    many(tool, zoo)
    print(f"{tool.wrong} things are wrong")
    return 1 if tool.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
