"""Names in the emitted file: those of the diagram, unless C++ or the file itself needs them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from attn_cuda.cxx.intrinsics import INTRINSICS

KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
operator or or_eq private protected public register reinterpret_cast requires restrict return short
signed sizeof static static_assert static_cast struct switch template this thread_local throw true
try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
OURS = """
BLAS_TYPE COLUMNS KEYS QUERIES ROWS THREADS VALUES WARPS accumulator allocate at b begin bf16
blas_product by_sixteen bytes column column_first column_of columns combine_parts combine_with_lse
copy copy_rows copy_slice copy_tile count d data Declared e epsilon error f16 first floor_divide
floor_modulo found gather gather_pages greatest group h head heads highest i inner inside inverse
is_whole j k k_begin k_count k_end k_first k_last k_next key key_head key_tile kind lane lane_max
lane_sum larger launch layer_norm_rows least live load_slice log_sum_exp_rows lower Lse lse m MASKED
Masked maximum mean_rows memory mma_product_bf16 mma_product_f16 n new_maximum next_tile Out outside
page pair part_begin part_end parts power product q q_count q_first q_last query query_tile
real_divide real_modulo repeat_heads rescale reserve row row_first rows s scale scores scratch
Scratch shared shift sink sinusoid size smaller softmax_rows split splits stage stream sum sum_rows
sums tile tile_product tile_range tiles to_log2 total turn upper value value_tile View visit
warp_first weight weights Whole whole_end zero
"""
THEIRS = """
INFINITY NAN blockIdx threadIdx float4 cudaErrorInvalidValue cudaErrorMisalignedAddress cudaError_t
cudaStream_t cudaSuccess
abs acos acosh asin asinh assert atan atan2 atanh blockDim cbrt ceil copysign cos cosh div erf
erfc exp exp2 expf expm1 fabs fabsf fdim float2 floor floorf fma fmaf fmax fmaxf fmin fminf fmod
free frexp gamma gridDim hypot ilogb index j0 j1 jn ldexp lgamma linux llabs llrint llround log
log10 log1p log2 logb logf lrint lround main make_float2 malloc max min modf nan nearbyint
nextafter norm pow powf printf rand remainder remquo rhypot rint round rsqrt scalb scalbn signbit
significand sin sincos sinh size_t sqrt sqrtf stderr stdin stdout tan tanh tanhf tgamma time trunc
unix warpSize y0 y1 yn
"""
RESERVED = frozenset((KEYWORDS + OURS + THEIRS).split()) | INTRINSICS.keys()
"""C++'s words, what kernels and the launcher call things themselves, and what `<cuda_runtime.h>`
and `<math.h>` bring that is short enough for a diagram to say."""


def identifier(text: str) -> str:
    """`text` as a C identifier: letters of other scripts by their names, the rest as `_`."""
    plain = "".join(_ascii(char) for char in unicodedata.normalize("NFKC", text))
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_]", "_", plain)).strip("_")
    return f"x{name}" if not name or name[0].isdigit() else name


def _ascii(char: str) -> str:
    if char.isascii() or not char.isalpha():
        return char
    return unicodedata.name(char, "x").split()[-1].lower()


def identifiers(texts: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """An identifier for each of `texts`, all different, none of them reserved or `taken`."""
    used = {*RESERVED, *taken}
    names: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        name = identifier(text)
        while name in used:
            name += "_"
        used.add(name)
        names[text] = name
    return names


def comment(text: str) -> str:
    """`text` on one line and without a backslash, so that a `//` comment ends where it should."""
    shown = "".join(c for c in text if (c.isprintable() or c.isspace()) and c != "\\")
    return " ".join(shown.split())
