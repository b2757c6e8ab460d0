"""The command `attn`."""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from attn_dsl.backend import Failure, Unavailable
from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Severity, render
from attn_dsl.files import write_atomically
from attn_dsl.ir import Graph, to_text
from attn_dsl.pipeline import analyse, load, lower, read
from attn_dsl.syntax import MAX_SIZE, format_text, parse, refusal, to_json

# Commands import what only they need: loading it takes longer than to check a file.
COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
MAX_SHOWN = 100
GARBAGE = 200_000
"""After so many new objects Python looks for garbage: what is made of a drawing stays in use."""


class SetOption(click.ParamType[tuple[str, int | str]]):
    """`NAME=VALUE`: a size, or `dtype=f16`."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int | str]:
        """Split at the first `=`; whole numbers become sizes."""
        name, equals, text = str(value).partition("=")
        if not equals or not name.strip():
            self.fail(f"{value!r} is not of the form N=4096", param, ctx)
        number = re.fullmatch(r"-?\d{1,18}", text.strip())
        return name.strip(), int(text) if number else text.strip()


class SizeOption(click.ParamType[int]):
    """A number of bytes: `5000000`, `5MB`."""

    name = "BYTES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number and a unit."""
        found = re.fullmatch(r"(\d{1,15})\s*([kMG]?)B?", str(value))
        if not found:
            self.fail(f"{value!r} is not of the form 5000000 or 5MB", param, ctx)
        return int(found[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[2]]


class SweepOption(click.ParamType[tuple[str, list[int]]]):
    """`NAME=1024,2048`: a size, and the values that it goes through."""

    name = "NAME=VALUES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, list[int]]:
        """Whole numbers above 0, between commas."""
        found = re.fullmatch(
            r"\s*(\w+)\s*=\s*([1-9]\d{0,9}(?:\s*,\s*[1-9]\d{0,9})*)\s*", str(value)
        )
        if not found:
            self.fail(f"{value!r} is not of the form N=1024,2048,4096", param, ctx)
        return found[1], [int(number) for number in found[2].split(",")]


class HeadOption(click.ParamType[tuple[int, int | None]]):
    """`1,3`: a batch and a head, from 0; `1,*` for all its heads. One alone is the head."""

    name = "B,H"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        """None stands for all heads."""
        found = re.fullmatch(r"\s*(?:(\d{1,9})\s*,)?\s*(\d{1,9}|\*)\s*", str(value))
        if not found:
            self.fail(f"{value!r} is not of the form 0,3, or 0,* for all heads", param, ctx)
        return int(found[1] or 0), None if found[2] == "*" else int(found[2])


class TokensOption(click.ParamType[tuple[str, ...]]):
    """`The,cat,sat`: texts between commas."""

    name = "TEXTS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Spaces around a text do not count."""
        return tuple(text.strip() for text in str(value).split(","))


class TileOption(click.ParamType[tuple[int, int]]):
    """`64x128`: queries and keys of a tile; one number is both."""

    name = "SIZE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Whole numbers above 0."""
        found = re.fullmatch(r"([1-9]\d{0,8})(?:[x×]([1-9]\d{0,8}))?", str(value))
        if not found:
            self.fail(f"{value!r} is not of the form 64 or 64x128", param, ctx)
        return int(found[1]), int(found[2] or found[1])


settings_option = click.option(
    "--set", "settings", type=SetOption(), multiple=True, help="A size, or dtype: --set N=4096."
)

size_option = click.option(
    "--max-size", type=SizeOption(), default=MAX_SIZE, help="Refuse larger files; 2MB by default."
)


def show(diagnostics: tuple[Diagnostic, ...], least: Severity = Severity.NOTE) -> None:
    """Print diagnostics to standard error, the severity in colour on a terminal.

    Of very many the first are shown, errors before the rest.
    """
    wanted = [d for d in diagnostics if d.severity >= least]
    kept = sorted(wanted, key=lambda d: -d.severity)[:MAX_SHOWN]
    for diagnostic in kept if len(wanted) > MAX_SHOWN else wanted:
        text = render(diagnostic)
        word, rest = text.split(":", 1)
        click.echo(
            click.style(word, fg=COLOURS[diagnostic.severity], bold=True) + ":" + rest, err=True
        )
    if len(wanted) > MAX_SHOWN:
        click.echo(f"… and {len(wanted) - MAX_SHOWN} more", err=True)


@contextmanager
def reporting() -> Iterator[None]:
    """Turn what can go wrong with a file or a machine into messages and exit status 1."""
    try:
        yield
    except DiagnosticError as error:
        show(error.diagnostics)
        sys.exit(1)
    except (Failure, ValueError, TypeError) as error:
        _fail(str(error))
    except MemoryError as error:
        _fail(f"this needs more memory than there is: {error}; --set gives smaller sizes")


def _fail(message: str) -> NoReturn:
    click.echo(f"{click.style('error', fg='red', bold=True)}: {message}", err=True)
    sys.exit(1)


@contextmanager
def needing_extra() -> Iterator[None]:
    """Say how to get what a comparison needs beside the package itself."""
    try:
        yield
    except ImportError as error:
        raise Unavailable(f"{error}; pip install 'attn-dsl[bench]' brings it") from error


class InOrder(click.Group):
    """Lists its commands in the order in which they stand below."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """First what is done first: check, explain, run."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="attn-dsl", prog_name="attn")
def main() -> None:
    """Diagrams that run: Mermaid flowcharts of attention, compiled to fused kernels.

    A FILE is an .attn or .mmd file, a Markdown file with mermaid blocks, of which notes.md#2 and
    notes.md#Heading choose one, or a .json file that `attn parse --json` wrote.

    \b
      attn check notes.md#2
      attn explain causal.attn --set N=4096
      attn run causal.attn --target cuda --emulate
    """
    gc.set_threshold(GARBAGE)


@main.command()
@click.argument("files", nargs=-1, required=True)
@settings_option
@size_option
def check(files: tuple[str, ...], settings: tuple[tuple[str, Any], ...], max_size: int) -> None:
    """Say what is wrong with each file: all of it, with its place."""
    failed = 0
    for file in files:
        try:
            compiled = analyse(read(file, max_size), dict(settings))
            show(compiled.notes)
            click.echo(f"{file}: ok")
        except DiagnosticError as error:
            show(error.diagnostics)
            failed += 1
    sys.exit(1 if failed else 0)


@main.command()
@click.argument("file")
@settings_option
@size_option
@click.option("--print-after", "stage", metavar="PASS", help="Print the graph after this pass.")
@click.option("--print-all", is_flag=True, help="Print the graph after every pass.")
def explain(
    file: str,
    settings: tuple[tuple[str, Any], ...],
    stage: str | None,
    print_all: bool,
    max_size: int,
) -> None:
    """Say what fused, what did not and why, and what the mask spares."""
    from attn_dsl.explain import explain as explanation  # noqa: PLC0415

    stages: list[str] = []

    def after(name: str, graph: Graph) -> None:
        stages.append(name)
        if print_all or name == stage:
            click.echo(f"# after {name}\n{to_text(graph)}")

    with reporting():
        compiled = analyse(read(file, max_size), dict(settings), after)
        if stage is not None and stage not in stages:
            raise ValueError(f"there is no pass {stage!r}; passes are {', '.join(stages)}")
        show(compiled.notes)
        if stage is None:
            text = explanation(compiled.drawn, compiled.fused, compiled.remarks, compiled.settings)
            click.echo(text, nl=False)


@main.command()
@click.argument("file")
@click.option(
    "--inputs", "inputs_file", metavar="FILE", help="Arrays by input name, npz or safetensors."
)
@click.option(
    "--weights", "weights_file", metavar="FILE", help="Arrays of the weights, npz or safetensors."
)
@click.option("--target", metavar="NAME", default="numpy", show_default=True, help="numpy or cuda.")
@click.option("--emulate", is_flag=True, help="Execute the emitted CUDA source on the host.")
@click.option(
    "--seed", default=0, show_default=True, help="Of the inputs that are drawn at random."
)
@click.option("-o", "--output", metavar="FILE", help="Write the outputs to this npz file.")
@settings_option
@size_option
def run(
    file: str,
    inputs_file: str | None,
    weights_file: str | None,
    target: str,
    emulate: bool,
    seed: int,
    output: str | None,
    settings: tuple[tuple[str, Any], ...],
    max_size: int,
) -> None:
    """Run the kernel, on given inputs or on seeded random ones."""
    from attn_dsl.execute import execute  # noqa: PLC0415
    from attn_dsl.tensors import read_tensors, write_tensors  # noqa: PLC0415

    with reporting():
        compiled = analyse(read(file, max_size), dict(settings))
        show(compiled.notes, Severity.WARNING)
        kernel = load(compiled, target, emulate=emulate)
        arrays = read_tensors(inputs_file) if inputs_file else {}
        arrays |= read_tensors(weights_file) if weights_file else {}
        report = execute(kernel, compiled.settings, arrays, seed)
        if output is not None:
            write_tensors(output, report.outputs)
        for line in report.lines:
            click.echo(line)


@main.command("compile")
@click.argument("file")
@click.option("--target", metavar="NAME", default="numpy", show_default=True, help="numpy or cuda.")
@click.option("-o", "--output", metavar="FILE", help="Where to; standard output if not given.")
@click.option("--arch", metavar="NAME", help="The GPU architecture, such as sm_90a.")
@click.option("--blas", metavar="NAME", help="cublaslt, to have it compute matrix products.")
@settings_option
@size_option
def compile_command(
    file: str,
    target: str,
    output: str | None,
    arch: str | None,
    blas: str | None,
    settings: tuple[tuple[str, Any], ...],
    max_size: int,
) -> None:
    """Emit the source text of the kernel; with CUDA's, also a header for C."""
    with reporting():
        compiled = analyse(read(file, max_size), dict(settings))
        program = lower(compiled, target, arch, blas)
        show(compiled.notes, Severity.WARNING)
        if output is None:
            click.echo(program.source, nl=False)
        else:
            path = Path(output)
            write_atomically(path, program.source.encode())
            click.echo(f"wrote {output}: call {program.entry}")
            if program.header and path.suffix == program.suffix:
                header = path.with_suffix(".h")
                write_atomically(header, program.header.encode())
                click.echo(f"wrote {header}: for C and C++ that calls it")


@main.command("render")
@click.argument("file")
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="out.svg, .png, .pdf, .dot or .mmd."
)
@click.option(
    "--view",
    type=click.Choice(["diagram", "graph", "fused", "tiles", "trace"]),
    default="diagram",
    show_default=True,
    help="The drawing, the typed graph, what fused in it, the kernel's tiles, or its numbers.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "auto"]),
    default="light",
    show_default=True,
    help="The colours; auto lets an SVG follow its reader's setting.",
)
@click.option("--diff", metavar="PASS", help="With --view graph: what this pass changed, or all.")
@click.option(
    "--depth", type=click.IntRange(0), help="Of the diagram: how deep subgraphs are open."
)
@click.option("--no-types", is_flag=True, default=None, help="Of the diagram: without types.")
@click.option(
    "--inputs", metavar="FILE", help="Of tiles and trace: arrays by name, npz or safetensors."
)
@click.option("--seed", type=int, help="Of tiles and trace: of inputs drawn at random; 0 if not.")
@click.option("--of", metavar="NAME", help="Of tiles and trace: which attention; the first if not.")
@click.option(
    "--head", type=HeadOption(), help="Of tiles and trace: batch and head, 0,3; 0,* for all heads."
)
@click.option(
    "--tokens",
    type=TokensOption(),
    multiple=True,
    help="Of trace: what queries and keys are called, The,cat,sat. Twice: queries, then keys.",
)
@click.option("--tile-size", type=TileOption(), help="Of tiles: queries and keys, 64x128.")
@settings_option
@size_option
def render_command(
    file: str,
    output: str,
    view: str,
    theme: str,
    settings: tuple[tuple[str, Any], ...],
    max_size: int,
    **asked: Any,
) -> None:
    """Draw the diagram: svg, png, pdf, dot or mmd."""
    from attn_dsl.progress import progress  # noqa: PLC0415
    from attn_dsl.render import Theme  # noqa: PLC0415
    from attn_dsl.views import Asked, write_picture  # noqa: PLC0415

    with reporting(), progress(f"render {output}", parts=3) as step:
        block, path = read(file, max_size), Path(output)
        said = {name: value for name, value in asked.items() if value not in (None, ())}
        write_picture(block, path, view, dict(settings), Theme(theme), Asked(**said), step)
        click.echo(f"wrote {output}")


@main.command()
@click.argument("file")
@click.option(
    "--against", type=click.Choice(["torch"]), help="Compare with torch's SDPA and FlexAttention."
)
@click.option(
    "--sweep", type=SweepOption(), metavar="NAME=…,…", help="Sizes to go through: N=1024,2048."
)
@click.option("--repeat", default=11, show_default=True, help="Runs of each, in turn.")
@click.option("--json", "json_file", metavar="FILE", help="Write all times to this file.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw them: png, svg or pdf.")
@click.option("--seed", default=0, show_default=True, help="Of the inputs.")
@settings_option
@size_option
def bench(
    file: str,
    against: str | None,
    sweep: tuple[str, list[int]] | None,
    repeat: int,
    json_file: str | None,
    plot_file: str | None,
    seed: int,
    settings: tuple[tuple[str, Any], ...],
    max_size: int,
) -> None:
    """Time the kernel, beside others that compute the same: one process, turn by turn.

    PyTorch and the plot need `pip install 'attn-dsl[bench]'`.
    """
    from attn_dsl import bench  # noqa: PLC0415
    from attn_dsl.sample import sample_inputs  # noqa: PLC0415

    with reporting(), needing_extra():
        compiled = analyse(read(file, max_size), dict(settings))
        show(compiled.notes, Severity.WARNING)
        kernel = load(compiled, "numpy")
        points = bench.sweep_sizes(kernel, compiled.settings, sweep)
        peers = bench.torch_peers() if against == "torch" else {}
        draw = partial(sample_inputs, seed=seed)
        record = bench.compare(kernel, points, peers, repeat, draw)
        click.echo(bench.table(record), nl=False)
        if json_file is not None:
            text = json.dumps(bench.to_json(record), indent=2) + "\n"
            write_atomically(Path(json_file), text.encode())
            click.echo(f"wrote {json_file}")
        if plot_file is not None:
            bench.write_plot(record, Path(plot_file))
            click.echo(f"wrote {plot_file}")


@main.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; print what would change.")
@size_option
def fmt(files: tuple[str, ...], check: bool, max_size: int) -> None:
    """Lay out each file in the canonical way.

    Of a Markdown file, its mermaid blocks.
    """
    from attn_dsl.reformat import reformat  # noqa: PLC0415

    failed = 0
    for file in files:
        try:
            found = reformat(file, max_size)
            if found.changed and not check:
                found.write()
                click.echo(f"formatted {file}")
        except DiagnosticError as error:
            show(error.diagnostics)
            failed += 1
            continue
        if found.changed and check:
            click.echo(f"{found.diff()}would format {file}")
            failed += 1
    sys.exit(1 if failed else 0)


@main.command("parse")
@click.argument("files", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--text", "as_text", is_flag=True, help="The flowchart, such as that of a .json file."
)
@size_option
def parse_command(files: tuple[str, ...], as_json: bool, as_text: bool, max_size: int) -> None:
    """Print the nodes, edges and subgraphs of each file.

    A .json file with one object that --json printed is read as the flowchart that it describes,
    here as everywhere.
    """
    failed = 0
    for file in files:
        try:
            block = read(file, max_size)
            if as_text:
                click.echo(format_text(block.source, block.start, block.end), nl=False)
                continue
            found = to_json(file, parse(block.source, block.start, block.end))
        except DiagnosticError as error:
            failed += 1
            found = refusal(file, error.diagnostics)
            if not as_json:
                show(error.diagnostics)
                continue
        click.echo(json.dumps(found, ensure_ascii=False) if as_json else _listing(found))
    sys.exit(1 if failed else 0)


def _listing(found: dict[str, Any]) -> str:
    """The same for people."""
    lines = [f"{found['file']}: {found['direction']}"]
    lines += [f"  node      {n['id']}  {n['text']}" for n in found["nodes"]]
    for edge in found["edges"]:
        label = f"  {edge['text']}" if edge["text"] else ""
        lines.append(f"  edge      {edge['from']} → {edge['to']}{label}")
    for subgraph in found["subgraphs"]:
        lines.append(f"  subgraph  {subgraph['title']}: {', '.join(subgraph['nodes'])}")
    return "\n".join(lines)


@main.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def ops(name: str | None, as_json: bool) -> None:
    """Print the words that drawings can use, and what they mean.

    They name operations, modules and roles. With a NAME, or any word for it, all that is known
    of that one: attn ops "Layer Norm".
    """
    from attn_dsl.catalog import entries, find  # noqa: PLC0415
    from attn_dsl.catalog_text import details, table  # noqa: PLC0415

    with reporting():
        found = entries() if name is None else [find(name)]
        if as_json:
            for entry in found:
                click.echo(json.dumps(asdict(entry), ensure_ascii=False))
        else:
            click.echo(table(found) if name is None else details(found[0]), nl=False)
