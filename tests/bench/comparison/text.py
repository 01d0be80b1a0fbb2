# SPDX-License-Identifier: Apache-2.0
"""Tables of Markdown, numbers and commands as they stand on pages."""


def number(value):
    """Three significant digits, as far as they stand before the point or right behind it."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent(part, whole):
    return "-" if not part or not whole else f"{100 * part / whole:.0f} %"


def table(header, rows):
    """Nothing where there are no rows."""
    return [] if not rows else [f"| {' | '.join(header)} |", "|" + "-|" * len(header),
            *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows), ""]


def shown(program, arguments):
    """A command without folders, which are each machine's own."""
    words, skip = [program], False
    for word in arguments:
        if not skip and word not in ("--environments", "--build"):
            words.append(word)
        skip = word in ("--environments", "--build")
    return " ".join(words)
