"""Matrix products, with what is done to each of their elements: a bias, a function, a sum."""

from __future__ import annotations

from collections.abc import Sequence

from attn_cuda.cxx.layouts import Layout, total
from attn_cuda.cxx.unit import Shape, Unit
from attn_cuda.cxx.views import product
from attn_cuda.kernels.elementwise import chain_notes, element, operands_of, print_chain
from attn_cuda.kernels.kernel import Launch, Operand, define, factor, remark
from attn_dsl.expr import names_in
from attn_dsl.ir import Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Linear, MatMul
from attn_dsl.textbuilder import TextBuilder

PRODUCTS = (Linear, MatMul)
