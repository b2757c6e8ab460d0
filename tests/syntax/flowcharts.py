"""Flowcharts for property tests: every kind of statement, in every layout that authors use."""

from __future__ import annotations

from hypothesis import strategies as st

space = st.sampled_from(["", " ", "  ", "\t"])
gap = st.sampled_from([" ", "  ", " \t"])
line_end = st.sampled_from(["\n", "\n", "\n\n", "\n \n\n  ", ";", "; ", ";\n", "\n  %% so\n"])
around_arrow = st.sampled_from(
    [" ", " ", "  ", "\n", "\n  \n ", "\n  %% why\n ", " \n%% a\n\n%% b\n"]
)
ids = st.sampled_from(["A", "B", "C", "n1", "q_proj", "a.b", "λ", "x", "o", "v", "default"])
texts = st.sampled_from(["one", "two words", " k <= q", "a/b", "x", "1:2", "é"])
quoted = st.sampled_from(
    [
        '"Mask: k<q"',
        '"a<br/>b"',
        '"` md `"',
        '"#35;1; #amp;lt;"',
        '"%% x"',
        '"a (b)"',
        '"Q : f32[B, N]"',
        '" padded "',
        '"`md`"',
        '"two\nlines"',
        '"#quot;"',
        '"a; b"',
    ]
)
brackets = st.sampled_from(
    [
        "[]",
        "()",
        "{}",
        "(())",
        "([])",
        "[[]]",
        "[()]",
        "{{}}",
        "((()))",
        "(--)",
        "[//]",
        "[\\/]",
        ">]",
    ]
)
data = st.sampled_from([
    "shape: rect", "op:  softmax,axis: -1", 'type: "f16[B, H]" , op: matmul', "a: [1,2]",
    "\n  op: softmax\n  axis: -1\n", "\n\n   op: x\n   %% c\n   text: |\n     a\n       b\n ",
    '\n  type: "f32[N,\n D]"\n', "'a b':   c", "label: L", "shape: lin-cyl, label: 'a b'", "a: .5",
    "\n  a:\n    b: [x, y]\n  c:\n    - d: 1\n", 'a: "} ^ <b"', "icon: 'fa:x'",
    'a: [1, "x", y z]',
])  # fmt: skip
arrows = st.sampled_from(
    [
        "-->",
        "---",
        "-.->",
        "==>",
        "--o",
        "--x",
        "<-->",
        "o--o",
        "---->",
        "-.-",
        "~~~",
        "===>",
        "<==>",
    ]
)
spans = st.sampled_from(
    [("--", "-->"), ("==", "==>"), ("-.", ".->"), ("--", "---"), ("<--", "-->")]
)


@st.composite
def boxes(draw: st.DrawFn) -> str:
    box = draw(ids)
    if draw(st.booleans()):
        pair = draw(brackets)
        middle = len(pair) // 2
        box += pair[:middle] + draw(texts | quoted) + pair[middle:]
    if draw(st.integers(0, 4)) == 0:
        padding = draw(st.sampled_from(["", " ", "  "]))
        return f"{box}@{{{padding}{draw(data)}{padding}}}"
    return box + (":::hot" if draw(st.integers(0, 5)) == 0 else "")


@st.composite
def links(draw: st.DrawFn) -> str:
    before, after = draw(around_arrow), draw(around_arrow)
    kind = draw(st.integers(0, 3))
    if kind == 0:
        first, last = draw(spans)
        return f"{before}{first}{draw(gap)}{draw(texts | quoted)}{draw(gap)}{last}{after}"
    if kind == 1:
        text = draw(texts.map(lambda text: f" {text} ") | quoted)
        return f"{before}{draw(arrows)}{draw(space)}|{text}|{draw(st.sampled_from(['', ' ']))}"
    if kind == 2:
        return f" e{draw(st.integers(0, 9))}@{draw(arrows)}{after}"
    return f"{before}{draw(arrows)}{after}"


@st.composite
def chains(draw: st.DrawFn) -> str:
    amp = st.tuples(gap, gap).map("&".join)
    chain = draw(boxes())
    for _ in range(draw(st.integers(0, 3))):
        chain += draw(amp) if draw(st.integers(0, 3)) == 0 else draw(links())
        chain += draw(boxes())
    return chain


others = st.sampled_from([
    "style A fill:#bbf,stroke:#333", "style B fill:#f9f;", "classDef hot  fill:#f00",
    "class A,B hot", "direction LR", "direction   TB ",
    'click A "https://x.org" "tip"',
    "click  B call f()", "accTitle: a title ", "accDescr {\n  two\n  lines\n}",
    "linkStyle default stroke:#333",
    "%%{init: {'theme': 'dark'}}%%", "%% a comment", "%%  ", "%%", "e1@{ animate: true }",
    "S@{ repeat: 2 }", "A --> S", "class S cold", "style S fill:#fff", "linkStyle 0 stroke:#333",
])  # fmt: skip


@st.composite
def subgraphs(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    head = draw(st.sampled_from(
        ["S", "S [t]", 'S["a title"]', '"a title"', "two words", " One", "One ", '"One"', "T",
         "a b[c]", 'T["`md`"]', '"a<b"', "Block × 2", "A"]
    ))  # fmt: skip
    return f"subgraph {head}{draw(line_end)}{draw(inner)}\n end"


def body(statement: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    spaced = st.tuples(space, chains(), space, line_end).map("".join)
    line = spaced | st.tuples(space, statement, line_end).map("".join)
    return st.lists(line, max_size=6).map("".join)


statements = st.recursive(
    chains() | chains() | others, lambda inner: subgraphs(body(inner)), max_leaves=12
)
heads = st.sampled_from([
    "flowchart TD\n", "graph LR;", "flowchart\n", "\n%% top\n  graph  RL \n\n",
    "%%{init: {}}%%\nflowchart BT\n",
    "---\ntitle: T \nattn:\n   dims: {N: 4}  \n---\n\nflowchart\n",
])  # fmt: skip
flowcharts = st.tuples(heads, body(statements)).map("".join)
"""Mostly flowcharts; some have an error, as where a space is that mermaid does not take."""


few_ids = st.sampled_from("ST")
said = st.sampled_from(
    ["{}", "{}[x]", "{}(y z):::hot", "{}:::cold", "class {} hot", "class {} cold", "style {} a:b"]
    + [f"{{}}@{{{{ {data} }}}}" for data in ("op: x", "shape: hex", "label: L", "repeat: 2")]
    + ["{} --> S", "T e1@--> {}", "S --> {} --> T"]
)
sharing_statements = st.recursive(
    st.builds(str.format, said, few_ids),
    lambda inner: st.builds(
        "subgraph {}{}\n{}\nend".format,
        few_ids,
        st.sampled_from(["", "[t]"]),
        st.lists(inner, max_size=3).map("\n".join),
    ),
    max_leaves=8,
)
sharing = st.lists(sharing_statements, max_size=7).map("\n".join).map("flowchart\n{}\n".format)
"""Flowcharts in which boxes and subgraphs have the same ids."""
