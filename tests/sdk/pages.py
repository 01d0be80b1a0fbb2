#!/usr/bin/env python3
"""The reference pages: docs/configuration.md and docs/plugins/<kind>.md, made from `odeum describe` of a build.

    pages.py --write [--build BUILD]     writes them anew
    pages.py [--build BUILD]             exit 1 where a page is not what would be written

The page of a kind of which the build lacks plugins, or parts of one, is left as it is; the exit status is 77 then, if nothing else is wrong.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROOTS = ["train", "solve", "gradcheck"]
# A key that so many plugins of a kind have in the same words is explained once.
SHARED_BY = 3
SKIPPED = 77
# What a description says of a part that the build lacks.
PARTIAL = "this build is without"

ABOUT = {
    "block": "Maps between data and loss; the list `model` names them, from data towards the base.",
    "controller": "Choose the steps of adaptive solvers: `controller:` of a [solver](solver.md).",
    "dataset": "Columns of numbers: `data:` of a [training](../configuration.md#train).",
    "device": "Run tensor programs: `device:` of any [configuration](../configuration.md).",
    "field": "Right-hand sides f(t, z): `field:` of [ode](block.md#ode) or of a [solve](../configuration.md#solve).",
    "gradient": "How derivatives of a solve are had: `gradient:` of [ode](block.md#ode).",
    "objective": "What is minimised: `objective:` of a [training](../configuration.md#train).",
    "optimizer": "How parameters move: `optimizer:` of a [training](../configuration.md#train).",
    "regularizer": "Costs that shape the dynamics: the list `regularizers:` of [ode](block.md#ode).",
    "schedule": "How the learning rate goes: `schedule:` of an [optimizer](optimizer.md). They come with the core.",
    "solver": "Numerical methods: `solver:` of [ode](block.md#ode) or of a [solve](../configuration.md#solve).",
}


class Tool:
    """The odeum of a build, seeing the build's plugins alone."""

    def __init__(self, build):
        self.path = build / "bin/odeum"
        hidden = {"ODEUM_PLUGIN_PATH", "ODEUM_TRACE", "HOME"}
        self.environment = {k: v for k, v in os.environ.items() if k not in hidden}
        self.environment["XDG_DATA_HOME"] = "/nowhere"

    def json(self, *words):
        result = subprocess.run([self.path, *words, "--json"], env=self.environment, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"odeum {' '.join(words)}: {result.stderr}")
        return json.loads(result.stdout.splitlines()[-1])


def escaped(text):
    """Markdown that shows the text as it is; what stands between backticks is code already."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\*<]|(?<!\w)_|_(?!\w)|\](?=\())", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def takes(key, folder):
    text = escaped(key["takes"])
    if "kind" in key:
        text = re.sub(rf"\b{key['kind']}\b", f"[{key['kind']}]({folder}{key['kind']}.md)", text, count=1)
    if key["required"]:
        text += "; **required**"
    return text + (f"; default `{key['default']}`" if "default" in key else "")


def key_lines(keys, folder, indent=""):
    for key in keys:
        doc = f": {escaped(key['doc'])}" if key["doc"] else ""
        yield f"{indent}- `{key['name']}` ({takes(key, folder)}){doc}"
        yield from key_lines(key.get("keys", []), folder, indent + "  ")


def shared_keys(descriptions):
    """By name: the wording of a key that most plugins have, where enough of them have it."""
    counts = collections.Counter(json.dumps(key) for one in descriptions for key in one["keys"])
    shared = {}
    for text, count in counts.most_common():
        key = json.loads(text)
        if count >= SHARED_BY:
            shared.setdefault(key["name"], key)
    return shared


def component_lines(one, shared):
    yield from ["", f"## {one['name']}", "", escaped(one["description"]) + "."]
    own = [key for key in one["keys"] if shared.get(key["name"]) != key]
    if own:
        yield from ["", *key_lines(own, "")]
    common = [f"`{key['name']}`" for key in one["keys"] if key not in own]
    if common:
        yield from ["", f"{'Also' if own else 'Takes'} {', '.join(common)}: [above](#keys-of-many)."]
    if not one["keys"]:
        yield from ["", "Takes no keys."]
    for citation in one["citations"]:
        yield from ["", f"Published in: {escaped(citation)}."]


def made_by():
    return "<!-- Made by tests/sdk/pages.py --write; what it says stands in the schemas of the sources. -->"


def kind_page(kind, descriptions):
    shared = shared_keys(descriptions)
    lines = [f"# {kind.capitalize()}", "", made_by(), "", ABOUT[kind], ""]
    for one in descriptions:
        lines.append(f"- [{one['name']}](#{one['name']}): {escaped(one['summary'])}")
    if shared:
        lines += ["", "## Keys of many", "", *key_lines(shared.values(), "")]
    for one in descriptions:
        lines += component_lines(one, shared)
    return "\n".join(lines) + "\n"


def roots_page(tool):
    lines = ["# Configuration files", "", made_by(), ""]
    lines += ["The keys of the files that `odeum train`, `odeum solve` and `odeum gradcheck` read. Where a key takes a component, its",
              "value is a name or `{use: name, ...}` with the keys of the plugin's own; `evaluate:` inside a block, field, solver or",
              "objective of a training, or a section of theirs, holds the keys that are different outside training.",
              "", "What every file may say:", "",
              "- `include: other.yaml` at the top: the keys of that file, over which this file's own are laid, map by map; a list, or a",
              "  component with another `use:`, is replaced whole.",
              "- `name:` of a component: what messages, files and `--set` call it by.",
              "- `repeat: {times: 6, blocks: [...]}` as an item of a list of blocks: the blocks, six times in a row; their names get _1, _2, ...",
              "- Paths are looked for beside the file that says them, then in the folder `ODEUM_DATA`.",
              "- `--set` on the command line: another value, as YAML, of a key: `train.steps=60`, or from a name on: `flow.solver.rtol=1e-6`; an",
              "  item of a list by its name, its `use:` or its place from 0."]
    seen = {}
    for root in ROOTS:
        description = tool.json("describe", root)
        lines += ["", f"## {root}", "", escaped(description["description"]) + ".", ""]
        earlier = seen.setdefault(json.dumps(description["keys"]), root)
        lines += [f"The keys of [{earlier}](#{earlier})."] if earlier != root else key_lines(description["keys"], "plugins/")
    return "\n".join(lines) + "\n"


def pages(tool):
    listed = [(one["kind"], one["name"]) for one in tool.json("list") if "unusable" not in one]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        described = pool.map(lambda one: tool.json("describe", "/".join(one)), listed)
    kinds = collections.defaultdict(list)
    for one in described:
        kinds[one["kind"]].append(one)
    made = {f"docs/plugins/{kind}.md": kind_page(kind, kinds[kind]) for kind in kinds}
    made["docs/configuration.md"] = roots_page(tool)
    return made


def missing(tool):
    """Plugins of the source tree that the build does not have, for want of a library or of a build."""
    listed = {(one["kind"], one["name"]) for one in tool.json("list")}
    folders = (path.parent for path in (SOURCE / "plugins").glob("*/*/CMakeLists.txt"))
    return sorted({(f.parent.name, f.name) for f in folders} - listed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--build", default=SOURCE / "build/release", type=pathlib.Path)
    given = parser.parse_args()
    tool = Tool(given.build)
    lacking = missing(tool)
    for kind, name in lacking:
        print(f"docs/plugins/{kind}.md is left as it is: the build lacks {name}")
    left = {f"docs/plugins/{kind}.md" for kind, _ in lacking}
    made = pages(tool)
    for path in sorted(path for path, text in made.items() if PARTIAL in text and path not in left):
        print(f"{path} is left as it is: {PARTIAL} something that a plugin can use")
        left.add(path)
    made = {path: text for path, text in made.items() if path not in left}
    there = {str(path.relative_to(SOURCE)) for path in (SOURCE / "docs/plugins").glob("*.md")}
    wrong = sorted(there - set(made) - left)
    for path in wrong:
        print(f"{path}: there is no such kind")
    for path, text in sorted(made.items()):
        page = SOURCE / path
        if page.exists() and page.read_text() == text:
            continue
        if given.write:
            page.parent.mkdir(exist_ok=True)
            page.write_text(text)
            print(f"{path}: written")
        else:
            wrong.append(path)
            print(f"{path} is not what the schemas say: run tests/sdk/pages.py --write")
    return 1 if wrong else SKIPPED if left else 0


if __name__ == "__main__":
    sys.exit(main())
