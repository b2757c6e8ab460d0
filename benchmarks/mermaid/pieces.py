"""What flowcharts are made of; the first of each list are the ones that people write."""

from __future__ import annotations

HEADS = [
    "flowchart TD\n", "flowchart LR\n", "graph TB\n", "graph LR;\n", "flowchart\n",
    "---\ntitle: T\nattn:\n  dims: {N: 4}\n---\nflowchart TD\n",
    "flowchart-elk BT\n", "graph >\n", "graph v\n", "%%{init: {'theme': 'dark'}}%%\nflowchart\n",
    "\n  %% top\n flowchart RL \n", "flowchart TD;", "graph BR\n", "flowchart ^\n", "graph;",
]  # fmt: skip
IDS = ["A", "B", "C", "Q", "K1", "Scores", "softmax_1", "W_q", "out"]
WILD_IDS = [
    "a.b", "a-b", "1", "1a", "λ", "x", "o", "v", "x1", "ox", "end", "End", "default", "direction",
    "a/b", "a:b", "*", "Kᵀ", "ö", "call", "href", "style", "_self", "e1", "a#b", "A!", "S", "S1",
    "subGraph0", "Q′", "a--b", "click", "graph", "subgraph", "%", "a+b", "x'", "class", "T,U", "²",
]  # fmt: skip
TEXTS = [
    "Query", "Scaled Dot Product", "Q : f16 B", "k <= q", "Softmax", "x / sqrt D", "a-b", "Key 1",
]  # fmt: skip
WILD_TEXTS = [
    "f16[B, H]", "√d", "Kᵀ", "k<q", "a<br>b", "a<br/>b", "x > y", "P@V", "#quot;", "#35;", "&lt;",
    "#word;", "&amp;", "&infin;", "#9829;", "end", "a\nb", "- x", "-- x", "a--b", "~~~", "x=y",
    "a.b", "..", "*i*", "**b**", "<b>x</b>", "<i>x", "<p>a</p>", "<a href='u'>x</a>", ";", "%% c",
    "(x)", "{x}", "|x|", "`x`", "$$x^2$$", "direction LR", "fa:fa-x y", " x ", "a;b", "é\u00a0ü",
    "<x", "a<b>c", "k & q", "a && b", "\\n", "<svg>x</svg>", "<!-- c -->", "#lt;b#gt;", "'q'",
]  # fmt: skip
QUOTED = ['"{}"', '"{}"', '"{}"', '"`{}`"', '" {} "']
BRACKETS = [
    ("[", "]"), ("(", ")"), ("([", "])"), ("{", "}"), ("((", "))"), ("[[", "]]"),
    ("[(", ")]"), ("{{", "}}"), ("(((", ")))"), ("[/", "/]"), ("[\\", "\\]"), ("[/", "\\]"),
    ("[\\", "/]"), (">", "]"), ("(-", "-)"), ("[|k:v|", "]"), ("[", ")"), (" [", "]"), ("[ ", " ]"),
]  # fmt: skip
DATA = [
    " op: softmax, axis: -1 ", ' type: "f16[B, H]" ', " shape: rect ",
    "\n  op: matmul\n  axis: 1\n",
    " repeat: 3 ", ' shape: cyl, label: "L" ',
    " label: x y ", " shape: nope ", " a: [1, 2] ", " animate: true ", " a: {b: 1} ", "", " ",
    "\n  a:\n    b: [x, y]\n", ' label: "a #quot; b" ', " a: 1, a: 2 ", " label: 5 ", "\n x\n",
    "\n - a\n - b\n", " x ", ' a: "} b" ', "\n\ta: 1\n", " icon: 'fa:x' ", " img: u ", " a: b: c ",
    ' label: "a\n b" ', "\n  %% c\n  a: 1\n", " label: true ", " shape: Rect ", " 'a b': c ",
    " curve: linear ", " a: 0x10, b: 1e3, c: ~ ", "\n  a: |\n    x\n      y\n", " shape: lin-cyl ",
    " label: '' ", " label: [a, b] ", " shape: 5 ", " a: *x ", " a: &x 1 ", ' a: "\\u221a" ',
    " w: 3, h: 4 ", " form: circle ", " a: !!str 1 ", " ? x ", "\n",
]  # fmt: skip
ARROWS = [
    "-->", "---", "-.->", "==>", "-->", "<-->",
    "--o", "--x", "o--o", "x--x", "-.-", "===", "~~~", "---->", "-..->", "====>", "<-.->", "o==x",
    "-->>", "->", "--", "x-->", "<--", "-.-x", "--->", "~~~~", "<==>", "-...-", "o-.-o", "=>",
]  # fmt: skip
LABELLED = [
    ("--", "-->"), ("==", "==>"), ("-.", ".->"), ("--", "---"),
    ("<--", "-->"), ("x--", "--x"), ("o--", "-->"), ("--", "==>"), ("-.", ".-"), ("<==", "==>"),
    ("==", "==="), ("--", "---->"), ("-.", "..->"), ("<-.", ".->"), ("--", "--o"), ("x==", "==x"),
]  # fmt: skip
LINE_ENDS = ["\n", ";", ";\n", " \n", "\n\n", "; ", ";;"]
SPACES = ["", " ", "  ", "\n", "\n  ", "\t", " \n%% c\n "]
TITLES = [
    "S", 'S["A title"]', '"A title"', "two words", "S [t]",
    "One", '"One"', "S1[a b]", "T(x)", "the end", "end", "S;x", 'S["`md`"]', " S ", "a-b", "a.b",
    '"a<b"', 'S[""]', "S[]", "x & y", 'λ', '"`x y`"', "direction LR", "A", "2", "S:::hot", "a--b",
    "default", 'S["a"] ', "S@{ repeat: 2 }", '"a" b', "a\tb", "Kᵀ", "a#35;b", "subgraph", "",
]  # fmt: skip
OTHERS = [
    "style A fill:#bbf,stroke:#333", "style B fill:#f9f;", "classDef hot fill:#f00", "class A hot",
    "class A,B hot", "linkStyle 0 stroke:#333", "linkStyle default stroke:#333,color:red",
    "direction LR", "direction TB ", "%% a comment", "%%", "%%{init: {}}%%", 'click A "u" "tip"',
    "click A call f()", 'click A href "u" _blank', "accTitle: a title", "accDescr: text",
    "accDescr {\n two\n lines\n}", "linkStyle 0,1 interpolate basis stroke:red", "linkStyle 9 a:b",
    "style A", "style A fill:rgb(1,2,3)", "classDef a,b fill:red,stroke-dasharray: 5 5", "class A",
    "click A f", "style S fill:#f9f,stroke-width:4px", "end", "e1@{ animate: true }",
    "S@{ repeat: 2 }", "A direction LR", "classDef default fill:#eee", "style A fill:#fff;;",
    "style A a: b\\,c,d:e", "linkStyle 0 interpolate basis", "A;B", "A%%c", "style 1 x:y",
    "class S hot", 'click B call f(1) "t"', "style A fill:'x'", "style A --x:1", "style A a:end",
    "class a-b c-d", "style A fill:#f00 %% c", "direction XY", "direction", "accTitle", "title T",
    "A --> B --> C end", "style A color:#fff,fill", "%% {x}", "%%%%", "A %% c", 'A["a"] B["b"]',
    "classDef x fill:#f9f,stroke:#333,stroke-width:4px;",
]  # fmt: skip
