"""The rules of the house: which folder may include what, and which symbols a library shows.

A rule is a function that yields one line for each place that breaks it; its docstring is printed with them.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE_SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".cc", ".inc"}

# cli -> report -> train -> model -> solve -> program, with io and plugin beside them. Configuration reaches the rooms as the SDK's
# typed values, so the command line and embed, which opens runs for it and for other programs, alone know where it comes from.
MAY_INCLUDE = {
    "program": {"program"},
    "io": {"io"},
    "plugin": {"plugin", "config", "io"},
    "config": {"config", "io"},
    "solve": {"solve", "program", "io", "plugin"},
    "model": {"model", "solve", "program", "io", "plugin"},
    "train": {"train", "model", "solve", "program", "io", "plugin"},
    "report": {"report", "train", "model", "io", "plugin"},
    "embed": {"embed", "train", "model", "plugin", "config"},
    "verify": {"verify", "model", "solve", "program", "io", "plugin"},
    "cli": {"cli", "embed", "verify", "report", "train", "model", "solve", "program", "io", "plugin", "config"},
}

# A library of the outside and the one place that may include it.
ONLY_IN = {
    r"boost/dll": "core/plugin/",
    r"yaml-cpp/": "core/config/",
    r"png\.h": "core/report/",
    r"boost/program_options": "core/cli/",
    r"nlohmann/": "core/io/",
    r"(Eigen|tbb|oneapi|dnnl|cblas|openblas|CL|cvodes|sundials|sunlinsol|sunnonlinsol|nvector)\b": "plugins/ or sdk/include/odeum/eigen.hpp",
}

TOP_LEVEL = {
    "sdk", "core", "plugins", "configs", "tests", "docs", "CMakeLists.txt", "CMakePresets.json", "README.md",
    "LICENSE", "run", ".ci", ".clang-format", ".clang-tidy", ".gitignore",
}

MOST_LINES = 500

STANDARD_HEADERS = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes
    climits cmath compare complex concepts condition_variable csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime
    deque exception execution filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd iostream
    istream iterator latch limits list map memory memory_resource mutex new numbers numeric optional ostream queue random
    ratio regex semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf
    string string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility
    valarray variant vector version""".split()
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


class House:
    """The source tree, the build tree and the compiler that a rule looks at."""

    def __init__(self, source, build, compiler):
        self.source = pathlib.Path(source)
        self.build = pathlib.Path(build)
        self.compiler = compiler

    def files(self, *folders):
        """Paths relative to the source root of the C++ files under the folders."""
        for folder in folders:
            for path in sorted((self.source / folder).rglob("*")):
                if path.suffix in SOURCE_SUFFIXES and path.is_file():
                    yield path.relative_to(self.source)

    def includes(self, *folders):
        """Triples (file, line, header, is_quoted)."""
        for file in self.files(*folders):
            text = (self.source / file).read_text()
            for match in INCLUDE.finditer(text):
                line = text.count("\n", 0, match.start(2)) + 1
                yield file, line, match.group(2), match.group(1) == '"'

    def exports(self, library):
        """The mangled names of the dynamic symbols that the library defines."""
        command = ["nm", "--dynamic", "--defined-only", "--format=just-symbols", str(library)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    def plugins(self):
        return sorted((self.build / "lib" / "odeum" / "plugins").glob("*/*.so"))


def plugins_and_sdk_never_include_core(house):
    """plugins/ and sdk/ see the SDK alone; a header of core is out of their reach."""
    for file, line, header, quoted in house.includes("plugins", "sdk"):
        room = header.split("/")[0]
        inside = quoted and (house.source / file).parent.joinpath(header).exists()
        if (room in MAY_INCLUDE and "/" in header and not inside) or "core/" in header:
            yield f"{file}:{line}: includes {header}"


def sdk_headers_include_only_the_standard_library(house):
    """sdk/include/odeum/*.hpp include the standard library and odeum/; eigen.hpp alone may include Eigen."""
    for file, line, header, _ in house.includes("sdk/include"):
        if header in STANDARD_HEADERS or header.startswith("odeum/"):
            continue
        if file.name == "eigen.hpp" and header.startswith("Eigen/"):
            continue
        yield f"{file}:{line}: includes {header}"


def outside_libraries_stay_in_their_room(house):
    """Boost.DLL only in core/plugin, yaml-cpp only in core/config, Boost.Program_options only in core/cli."""
    for file, line, header, _ in house.includes("core", "plugins", "sdk"):
        for pattern, place in ONLY_IN.items():
            if re.match(pattern, header) and not any(str(file).startswith(p) for p in place.split(" or ")):
                yield f"{file}:{line}: includes {header}, which belongs in {place}"


def rooms_of_core_keep_their_layers(house):
    """cli -> train -> model -> solve -> program -> sdk; includes are written relative to core/."""
    for file, line, header, quoted in house.includes("core"):
        room = file.parts[1]
        if header.startswith(".."):
            yield f"{file}:{line}: includes {header}; write it relative to core/"
        elif quoted and header.split("/")[0] != "odeum":
            target = header.split("/")[0]
            if "/" not in header or target not in MAY_INCLUDE:
                yield f"{file}:{line}: includes {header}; write it relative to core/"
            elif target not in MAY_INCLUDE.get(room, set()):
                yield f"{file}:{line}: {room} includes {header}"


def core_has_the_rooms_of_the_design(house):
    """core/ holds its rooms, and every source is in one of them."""
    for entry in sorted((house.source / "core").iterdir()):
        if entry.is_dir() and entry.name not in MAY_INCLUDE:
            yield f"core/{entry.name}: is not a room"
        elif entry.suffix in SOURCE_SUFFIXES:
            yield f"core/{entry.name}: is in no room"


def top_level_is_the_design(house):
    """Nothing lies at the top but what the design names."""
    command = ["git", "-C", str(house.source), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode == 0:
        entries = {path.split("/")[0] for path in listed.stdout.split("\0") if path}
    else:
        entries = {entry.name for entry in house.source.iterdir()} - {".git", "build", "runs"}
    for entry in sorted(entries - TOP_LEVEL):
        if os.path.lexists(house.source / entry):
            yield entry


def no_unfinished_marks(house):
    """What is not done is not marked in the code: it is done, or it is an issue."""
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for file in house.files("core", "plugins", "sdk"):
        for number, line in enumerate((house.source / file).read_text().splitlines(), 1):
            if mark.search(line):
                yield f"{file}:{number}: {line.strip()}"


def a_source_is_one_idea(house):
    """No source is longer than 500 lines: beyond them it holds two ideas."""
    for file in house.files("core", "plugins", "sdk", "tests"):
        lines = (house.source / file).read_text().count("\n")
        if lines > MOST_LINES:
            yield f"{file}: {lines} lines"


def libodeum_exports_the_sdk_alone(house):
    """Each symbol that libodeum.so exports is of odeum::v1, whichever compiler instantiated it."""
    library = house.build / "lib" / "libodeum.so"
    if not library.exists():
        yield f"{library} was not built"
        return
    names = house.exports(library)
    if not names:
        yield f"{library} exports nothing"
    sdk = re.compile(r"_Z(T[ISVTC]|T[hvc][hvn0-9_]*_|GV)?Z?NK?[RO]?5odeum2v1")
    for name in names:
        if not sdk.match(name):
            yield subprocess.run(["c++filt", name], capture_output=True, text=True).stdout.strip()


def plugins_export_their_entry_alone(house):
    """Each plugin exports odeum_plugin_entries and nothing else."""
    for plugin in house.plugins():
        symbols = house.exports(plugin)
        if symbols != ["odeum_plugin_entries"]:
            yield f"{plugin.relative_to(house.build)}: exports {', '.join(symbols) or 'nothing'}"


def plugins_are_never_unloaded(house):
    """Each plugin is linked with -z nodelete."""
    for plugin in house.plugins():
        command = ["readelf", "--dynamic", "--wide", str(plugin)]
        if "NODELETE" not in subprocess.run(command, check=True, capture_output=True, text=True).stdout:
            yield str(plugin.relative_to(house.build))


def each_sdk_header_compiles_alone(house):
    """Every SDK header compiles as the only one of a source, without a warning, by our compiler and by clang."""
    eigen = pathlib.Path("/usr/include/eigen3")
    flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
    flags += ["-isystem", str(eigen), "-I", str(house.source / "sdk/include"), "-x", "c++", "-"]

    def compile_alone(job):
        compiler, header = job
        if header.name == "eigen.hpp" and not eigen.is_dir():
            return None
        text = f'#include "odeum/{header.name}"\n'
        result = subprocess.run([compiler, *flags], input=text, capture_output=True, text=True)
        return result.stderr.strip() if result.returncode else None

    clang = shutil.which("clang++")
    headers = sorted((house.source / "sdk/include/odeum").glob("*.hpp"))
    jobs = [(compiler, header) for compiler in (house.compiler, clang) if compiler for header in headers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (compiler, header), errors in zip(jobs, pool.map(compile_alone, jobs)):
            if errors:
                yield f"odeum/{header.name} by {compiler}:\n{errors}"


def sdk_hash(house):
    """Of all SDK headers, names and texts."""
    digest = hashlib.sha256()
    for header in sorted((house.source / "sdk/include/odeum").glob("*.hpp")):
        digest.update(header.name.encode() + b"\0" + header.read_bytes() + b"\0")
    return digest.hexdigest()


def abi_number(house):
    text = (house.source / "sdk/include/odeum/abi.hpp").read_text()
    return re.search(r"#define ODEUM_ABI_NUMBER (\d+)", text).group(1)


def recorded(house, name):
    path = house.source / "tests/house" / name
    return path.read_text().split("\n") if path.exists() else []


def sdk_headers_change_with_the_abi_number(house):
    """tests/house/abi.txt records the ABI number and the headers' hash; `rules.py --record` writes it anew."""
    known = dict(line.split() for line in recorded(house, "abi.txt") if line)
    number, found = abi_number(house), sdk_hash(house)
    if number not in known:
        yield f"ABI {number} is not recorded: run tests/house/rules.py --record"
    elif known[number] != found:
        yield (f"the headers are not those of ABI {number}: where plugins built against it could misbehave, raise "
               "ODEUM_ABI_NUMBER (sdk/include/odeum/abi.hpp); then run tests/house/rules.py --record")


def libodeum_exports_the_recorded_symbols(house):
    """tests/house/symbols.txt lists what libodeum.so exports: a symbol that goes breaks plugins that are out there."""
    found = set(house.exports(house.build / "lib/libodeum.so"))
    known = {line for line in recorded(house, "symbols.txt") if line}
    for name in sorted(known - found):
        yield f"{name} is gone: raise ODEUM_ABI_NUMBER and run tests/house/rules.py --record"
    for name in sorted(found - known):
        yield f"{name} is new: run tests/house/rules.py --record"


def record(house):
    known = {number: hash_ for number, hash_ in (line.split() for line in recorded(house, "abi.txt") if line)}
    known[abi_number(house)] = sdk_hash(house)
    lines = [f"{number} {known[number]}" for number in sorted(known, key=int)]
    (house.source / "tests/house/abi.txt").write_text("\n".join(lines) + "\n")
    symbols = sorted(house.exports(house.build / "lib/libodeum.so"))
    (house.source / "tests/house/symbols.txt").write_text("\n".join(symbols) + "\n")


RULES = [
    plugins_and_sdk_never_include_core,
    sdk_headers_include_only_the_standard_library,
    outside_libraries_stay_in_their_room,
    rooms_of_core_keep_their_layers,
    core_has_the_rooms_of_the_design,
    top_level_is_the_design,
    no_unfinished_marks,
    a_source_is_one_idea,
    libodeum_exports_the_sdk_alone,
    plugins_export_their_entry_alone,
    plugins_are_never_unloaded,
    each_sdk_header_compiles_alone,
    sdk_headers_change_with_the_abi_number,
    libodeum_exports_the_recorded_symbols,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the names of the rules")
    parser.add_argument("--rule", choices=[rule.__name__ for rule in RULES], help="one rule; else all of them")
    parser.add_argument("--record", action="store_true", help="write abi.txt and symbols.txt anew")
    parser.add_argument("--source", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--compiler", default="c++")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(rule.__name__ for rule in RULES))
        return 0
    house = House(arguments.source, arguments.build, arguments.compiler)
    if arguments.record:
        record(house)
        return 0
    broken = 0
    for rule in RULES:
        if arguments.rule in (None, rule.__name__):
            places = list(rule(house))
            if places:
                broken += 1
                print(f"{rule.__name__}: {rule.__doc__}", *(f"  {place}" for place in places), sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
