# SPDX-License-Identifier: Apache-2.0
"""What stands on top of a page of results besides its command: the commit and the processor. page_head.cpp for Python."""
import platform
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def commit():
    """Short, with -dirty behind it where the tree has changes."""
    found = subprocess.run(["git", "-C", SOURCE, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
