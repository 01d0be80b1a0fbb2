# SPDX-License-Identifier: Apache-2.0
"""Tables of Markdown."""


def number(value):
    """Three significant digits, as far as they stand before the point or right behind it."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent(part, whole):
    return "-" if not part or not whole else f"{100 * part / whole:.0f} %"


def table(header, rows):
    """Nothing where there are no rows."""
    return [] if not rows else [f"| {' | '.join(header)} |", "|" + "-|" * len(header),
            *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows), ""]
