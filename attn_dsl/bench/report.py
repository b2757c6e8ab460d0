"""A comparison as a table, as JSON, and as a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attn_dsl.bench.environment import machine
from attn_dsl.bench.turns import OURS, Point, Record


def table(record: Record) -> str:
    """A line for each point and peer: median milliseconds, the ratio to ours, the difference."""
    lines = [f"{record.title}, on {record.where}; medians of {_repeats(record)} runs, in turn"]
    for point in record.points:
        lines.append(f"\n  {_sizes(point)}")
        width = max(len(name) for name in (*point.seconds, *(a.name for a in point.absent)))
        for name, seconds in point.seconds.items():
            spread = f"{min(seconds) * 1e3:.2f} … {max(seconds) * 1e3:.2f}"
            line = f"    {name:<{width}}  {point.median(name) * 1e3:9.2f} ms  ({spread})"
            if name != OURS:
                line += f"  {_words(point.ratio(name))}, differs by {point.differences[name]:.1e}"
            lines.append(line)
        lines += [f"    {a.name:<{width}}  no: {a.reason}" for a in point.absent]
    return "\n".join(lines) + "\n"


def _words(ratio: float) -> str:
    return f"attn is {ratio:.2f} × as fast"


def _repeats(record: Record) -> int:
    return len(next(iter(record.points[0].seconds.values()))) if record.points else 0


def _sizes(point: Point) -> str:
    return ", ".join(f"{name}={size}" for name, size in point.sizes.items())


def to_json(record: Record) -> dict[str, Any]:
    """The record with the machine and the versions; all times, in seconds."""
    return {
        "title": record.title,
        "where": record.where,
        "machine": machine(),
        "points": [
            {
                "sizes": dict(point.sizes),
                "median_seconds": {name: point.median(name) for name in point.seconds},
                "ratio": {name: point.ratio(name) for name in point.seconds if name != OURS},
                "difference": dict(point.differences),
                "absent": {absent.name: absent.reason for absent in point.absent},
                "seconds": {name: list(times) for name, times in point.seconds.items()},
            }
            for point in record.points
        ],
    }


def write_plot(record: Record, path: Path) -> None:
    """Milliseconds by size, both on logarithmic axes; png, svg or pdf. Needs matplotlib."""
    import matplotlib  # noqa: PLC0415 (it takes a second to load)

    matplotlib.use("agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    places = [_label(record, point) for point in record.points]
    names = dict.fromkeys(name for point in record.points for name in point.seconds)
    for name in names:
        found = [
            (i, p.median(name) * 1e3) for i, p in enumerate(record.points) if name in p.seconds
        ]
        axes.plot(*zip(*found, strict=True), marker="o", linewidth=2.5 if name == OURS else 1.5)
        axes.annotate(name, found[-1], textcoords="offset points", xytext=(6, 4), fontsize=9)
    axes.set_xticks(range(len(places)), places)
    axes.set_yscale("log")
    for ticks in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        ticks(lambda y, _: f"{y:g}")
    axes.set_ylabel("milliseconds (median)")
    axes.set_title(record.title)
    axes.margins(x=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    pyplot.close(figure)


def _label(record: Record, point: Point) -> str:
    """What differs between the points; all sizes if there is one point."""
    first = record.points[0].sizes
    varies = [n for n in point.sizes if any(p.sizes[n] != first[n] for p in record.points)]
    return ", ".join(f"{name}={point.sizes[name]}" for name in varies or point.sizes)
