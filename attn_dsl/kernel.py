"""A compiled diagram that can be called."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attn_dsl.arrays import as_array
from attn_dsl.backend import Program, Runner
from attn_dsl.explanation import Explanation
from attn_dsl.ir import Sizes, bind
from attn_dsl.pipeline import Compiled
from attn_dsl.signature import Argument, arguments, check_dtype, results
from attn_dsl.tensors import read_tensors


class Kernel:
    """What `compile` returns: call it with arrays, by input name or in order.

    `where` says on what it runs.
    """

    def __init__(self, compiled: Compiled, program: Program, runner: Runner, where: str) -> None:
        self._compiled, self._program, self._runner = compiled, program, runner
        self.where = where
        self._loaded: dict[str, Any] = {}

    @property
    def source(self) -> str:
        """The emitted source text."""
        return self._program.source

    @property
    def program(self) -> Program:
        """The emitted program, with its graph and entry point."""
        return self._program

    @cached_property
    def _arguments(self) -> dict[str, Argument]:
        """The inputs by name, in order."""
        return {argument.name: argument for argument in arguments(self._program.graph)}

    @property
    def inputs(self) -> dict[str, str]:
        """The type of every input, in the order of the arguments; optional ones say so."""
        return {name: a.type + a.note for name, a in self._arguments.items()}

    @property
    def outputs(self) -> dict[str, str]:
        """The type of every output."""
        return results(self._program.graph)

    @property
    def parameters(self) -> dict[str, str]:
        """The inputs that are weights, which `load` can fill once for all calls."""
        return {name: a.type for name, a in self._arguments.items() if a.weight}

    def load(self, weights: str | Path | Mapping[str, Any]) -> Kernel:
        """Fix inputs by name, from a safetensors or npz file, or a mapping; returns the kernel.

        Raises ValueError for names that are no inputs, and for a file that cannot be read.
        """
        arrays = weights if isinstance(weights, Mapping) else read_tensors(weights)
        checked = {self._input_name(name): as_array(array) for name, array in arrays.items()}
        for name, array in checked.items():
            check_dtype(self._arguments[name], array)
        self._loaded |= checked
        return self

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Run. One output is returned as an array, several as a dict by name.

        Arrays may be NumPy's, or those of any library that speaks DLPack, such as PyTorch's; the
        outputs are of the library of the first that is not NumPy's.

        Raises TypeError for missing, unknown or doubly given inputs and wrong dtypes, ValueError
        for shapes that do not fit; each names the input, what it was and what it had to be.
        """
        given = self._match(arrays, named)
        sizes = self.sizes(given)
        results = self._runner(given, sizes)
        labels = [label for label, _ in self._program.graph.outputs]
        return results[0] if len(labels) == 1 else dict(zip(labels, results, strict=True))

    def sizes(self, arrays: Mapping[str, Any]) -> Sizes:
        """The sizes at which `arrays` fit; ValueError if they do not."""
        sizes = bind(self._program.graph, arrays)
        for symbol, fixed in self._program.sizes.items():
            if symbol in sizes.symbols and sizes.symbols[symbol] != fixed:
                message = f"compiled for {symbol}={fixed}, and the arrays have {symbol}="
                raise ValueError(f"{message}{sizes.symbols[symbol]}; compile again with --set")
        return sizes

    def explain(self) -> Explanation:
        """Types, what fused, what did not and why, and the tiles: a text, a table in notebooks."""
        return Explanation(self._compiled)

    def _repr_svg_(self) -> str:
        """The picture that notebooks show: what is computed, and what of it is fused."""
        from attn_dsl.views import network_picture  # noqa: PLC0415  (pictures alone need it)

        return network_picture(self._compiled, self._compiled.fused)._repr_svg_()

    def _match(self, arrays: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        names = [name for name in self._arguments if name not in self._loaded]
        if len(arrays) > len(names):
            wanted = ", ".join(names)
            raise TypeError(f"{len(arrays)} arrays are given, and there are {len(names)}: {wanted}")
        given: dict[str, Any] = dict(zip(names, arrays, strict=False))
        for key, array in named.items():
            name = self._input_name(key)
            if name in given:
                raise TypeError(f"input {name!r} is given twice")
            given[name] = array
        checked = {n: as_array(a) for n, a in (self._loaded | given).items() if a is not None}
        for name, array in checked.items():
            check_dtype(self._arguments[name], array)
        return checked

    def _input_name(self, name: str) -> str:
        """Python spells keywords in the form NFKC, where Kᵀ is KT; so do we."""
        plain = unicodedata.normalize("NFKC", name)
        if plain not in self._arguments:
            raise TypeError(f"there is no input {name!r}; inputs are {', '.join(self._arguments)}")
        return plain
