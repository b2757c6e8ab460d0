"""What this stage says: every message, and its help."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attn_dsl.diagnostics import Diagnostic, Note, Severity, Span, nearest

# ---- documents

MAX_LISTED = 100
"""Diagrams of one file that an error names."""


def unreadable(name: str, reason: str) -> Diagnostic:
    """The file is missing, a directory, or not ours to read."""
    return Diagnostic("E001", f"`{name}` cannot be read: {reason}")


def not_utf8(name: str, offset: int) -> Diagnostic:
    """The file's bytes are no UTF-8 text."""
    message = f"`{name}` is not UTF-8 text: the byte at offset {offset} fits no character"
    return Diagnostic("E002", message, help="save the file as UTF-8")


def lone_surrogate(span: Span) -> Diagnostic:
    """Half of a pair of UTF-16, in a text that does not come from a file."""
    return Diagnostic("E002", "a lone surrogate is no character", span)


def too_large(name: str, max_size: int) -> Diagnostic:
    """More bytes than anyone draws: most likely another kind of file."""
    message = f"`{name}` is larger than {max_size:,} bytes"
    return Diagnostic("E026", message, help="if it should be read all the same, use --max-size")


def too_long_a_line(span: Span, number: int, longest: int) -> Diagnostic:
    """A line that is longer than a file most often is."""
    message = f"line {number} is longer than {longest:,} characters"
    help = "if it should be read all the same, use --max-size: a line may be a quarter of that"
    return Diagnostic("E026", message, span, help=help)


def nothing_to_read(name: str, span: Span | None = None) -> Diagnostic:
    """The file is empty, or holds nothing but white space and comments."""
    help = "start with `flowchart LR`, then draw: `Q --> S[MatMul]`"
    return Diagnostic("E003", f"`{name}` holds no diagram", span, help=help)


def several_blocks(name: str, listing: Sequence[str]) -> Diagnostic:
    """A Markdown file has more than one diagram and none was chosen."""
    message = f"`{name}` holds {len(listing)} diagrams"
    help = f"choose one by number or heading:{_listed(name, listing)}"
    return Diagnostic("E004", message, help=help)


def no_such_block(name: str, wanted: str, listing: Sequence[str]) -> Diagnostic:
    """A Markdown file has diagrams, but not the one that was asked for."""
    message = f"`{name}` has no diagram `#{wanted}`"
    help = f"it has:{_listed(name, listing)}" if listing else "it has none"
    return Diagnostic("E005", message, help=help)


def _listed(name: str, listing: Sequence[str]) -> str:
    """The diagrams of a file, each on a line, as far as anybody reads."""
    lines = "".join(f"\n    {name}#{line}" for line in listing[:MAX_LISTED])
    return lines + ("\n    …" if len(listing) > MAX_LISTED else "")


def no_record(name: str, problem: str) -> Diagnostic:
    """JSON that is not what `attn parse --json` prints."""
    help = "`attn parse --json` prints such objects, one for each diagram"
    return Diagnostic("E027", f"`{name}` describes no diagram: {problem}", help=help)


def json_text(name: str) -> Diagnostic:
    """A file of JSON, where a text is to be laid out."""
    help = f"`attn parse --text {name}` prints the flowchart that it describes"
    return Diagnostic("E027", f"`{name}` is no text of a flowchart", help=help)


def not_written(name: str, problem: str) -> Diagnostic:
    """A description of a diagram for which Mermaid has no words."""
    message = f"`{name}` describes a diagram that Mermaid cannot draw: {problem}"
    return Diagnostic("E027", message)


# ---- header and front matter


def open_front_matter(span: Span) -> Diagnostic:
    """A text starts with `---`, and no other `---` closes it."""
    help = "front matter stands between two lines `---`, with at least one line in between"
    return Diagnostic("E006", "the front matter is not closed", span, help=help)


def header_missing(span: Span, meant: str = "") -> Diagnostic:
    """The first line is not `flowchart …`."""
    help = "begin with `flowchart LR` (or TB, BT, RL); `graph` means the same"
    help = f"did you mean `{meant}`?" if meant else help
    return Diagnostic("E007", "a diagram starts with `flowchart`", span, "not a header", help=help)


def other_diagram(span: Span) -> Diagnostic:
    """The first line is the header of another kind of mermaid diagram."""
    message = f"`{span.text}` is another kind of diagram; only flowcharts can be run"
    return Diagnostic("E007", message, span, help="draw it as a `flowchart`")


def header_rest(span: Span) -> Diagnostic:
    """Something follows the direction on the header's line."""
    message = "nothing but a direction can follow on the header's line"
    help = "a direction is one of TB, TD, BT, LR, RL; begin a new line after it"
    return Diagnostic("E007", message, span, "not a direction", help=help)


# ---- statements


def box_missing(span: Span, after_ampersand: bool) -> Diagnostic:
    """A line ends where a box should stand."""
    label = "expected a box after " + ("`&`" if after_ampersand else "the arrow")
    return Diagnostic("E008", "the end of the line is not expected here", span, label)


def not_in_id(span: Span) -> Diagnostic:
    """A character that no id may have."""
    help = 'keep ids plain and give the box a label: `id["' + span.text + ' …"]`'
    return Diagnostic("E008", f"{_quoted(span)} cannot stand in an id", span, help=help)


def label_before_id(span: Span) -> Diagnostic:
    """A statement starts with a bracket or a quote."""
    help = 'put an id before it: `a["…"]`'
    return Diagnostic("E008", "a label without a box", span, "expected an id", help=help)


def space_before(span: Span, what: str) -> Diagnostic:
    """White space stands between an id and its label or metadata."""
    message = f"no space may stand before {what}"
    return Diagnostic("E008", message, span, "remove this space")


def second_space(span: Span) -> Diagnostic:
    """`A -->|x|  B`."""
    message = "only one space may stand between an arrow's label and the box"
    return Diagnostic("E008", message, span, "remove this space")


def trailing_space(span: Span) -> Diagnostic:
    """White space at the end of a line where mermaid takes none."""
    return Diagnostic("E008", "mermaid takes no space here", span, "remove this space")


def unclosed(span: Span, closer: str) -> Diagnostic:
    """A bracket or quote is opened and never closed."""
    message = f"{_quoted(span)} is not closed"
    return Diagnostic("E009", message, span, "opened here", help=f"close the label with `{closer}`")


def needs_quotes(span: Span, opener: Span, closer: str, strange: str = "") -> Diagnostic:
    """A bare label has a character that ends it; it may begin with a `strange` quote."""
    message = f"{_quoted(span)} cannot stand in a label without quotes"
    note = Note(opener, "the label starts here")
    help = f'put the label into quotes: `{opener.text}"…"{closer}`'
    if strange:
        help += f"; {strange} is no quote to mermaid"
    return Diagnostic("E010", message, span, "", (note,), help)


def after_quotes(span: Span) -> Diagnostic:
    """Quotes that are not the whole of a label."""
    help = "put all of the label into one pair of quotes; `#quot;` is a quote inside it"
    return Diagnostic("E010", "quotes must enclose the whole label", span, help=help)


def empty_label(span: Span) -> Diagnostic:
    """`A[]` or `A[""]`."""
    help = "write a text, or leave the brackets out: the box then shows its id"
    return Diagnostic("E011", "the label is empty", span, help=help)


def arrow_without_target(span: Span) -> Diagnostic:
    """An arrow with nothing after it."""
    return Diagnostic("E012", "the arrow leads nowhere", span, "expected a box after it")


def open_edge_label(span: Span) -> Diagnostic:
    """`A -- text`, and no arrow after the text."""
    help = "close it, as in `A -- text --> B`; a bare line is `A --- B`"
    return Diagnostic("E012", "the arrow's text is not closed", span, "starts here", help=help)


def arrow_without_source(span: Span) -> Diagnostic:
    """A statement starts with an arrow, perhaps by accident: `x-->y`."""
    head = span.text[0]
    if head in "xo":
        help = f"an `{head}` before dashes is an arrow's head: put a space after the id `{head}`"
    else:
        help = "write the box that it comes from before it"
    return Diagnostic("E013", "the arrow comes from nowhere", span, "expected a box", help=help)


def text_after_box(span: Span, meant: str = "") -> Diagnostic:
    """Something follows a box that is no arrow; `meant` says what may have been meant."""
    help = meant or 'begin a new line, or quote the label: `id["two words"]`'
    label = "expected an arrow, `&`, or the end of the line"
    message = f"{_quoted(span)} is not expected after a box"
    return Diagnostic("E014", message, span, label, help=help)


def direction_after_box(span: Span) -> Diagnostic:
    """A label of several lines ends, and `direction LR` stands later on that line."""
    message = "mermaid reads all of this as a direction, which cannot follow a box"
    help = "reword the text, or put the label on one line"
    return Diagnostic("E014", message, span, help=help)


def lone_ampersand(span: Span) -> Diagnostic:
    """`A &B`."""
    return Diagnostic("E014", "`&` needs a space on both sides", span, help="`A & B --> C`")


def reserved(span: Span) -> Diagnostic:
    """An id that is one of mermaid's own words."""
    message = f"`{span.text}` is a word of mermaid's own and cannot be an id"
    help = f'write it another way and label the box: `{span.text}_["{span.text}"]`'
    return Diagnostic("E015", message, span, "reserved", help=help)


def too_many_edges(span: Span, limit: int) -> Diagnostic:
    """`A & B & … --> C & D & …`, which is an edge for each pair."""
    message = f"`&` makes more than {limit:,} edges in this diagram"
    return Diagnostic("E026", message, span, help="an edge is drawn from each box to each")


def endless(span: Span, count: int) -> Diagnostic:
    """A statement of more pieces than anyone writes."""
    message = f"this statement has more than {count:,} ids, arrows and other pieces"
    return Diagnostic("E026", message, span, "starts here", help="divide it into several")


def trailing_comment(span: Span) -> Diagnostic:
    """`A --> B %% so`, or with `#` or `//`."""
    message = "a comment must have a line to itself"
    help = "move it to the line above"
    if not span.text.startswith("%%"):
        help += ", and begin it with `%%`"
    return Diagnostic("E016", message, span, help=help)


def at_sign(span: Span) -> Diagnostic:
    """`A[P@V]`: mermaid reads `A[P@` as the name of an edge."""
    message = "mermaid reads everything up to this `@` as the name of an edge"
    return Diagnostic("E025", message, span, help='quote the label: `S["P @ V"]`')


# ---- metadata


def open_metadata(span: Span) -> Diagnostic:
    """`@{` without its `}`."""
    help = "close it with `}`; texts with `}`, `^` or `[` in them need double quotes"
    return Diagnostic("E017", "the metadata is not closed", span, "opened here", help=help)


def brace_in_metadata(span: Span) -> Diagnostic:
    """`@{ x: {y: 1} }`: the first `}` is the last."""
    message = "the metadata ended at the `}` before this one"
    help = "no map fits into one that stands on one line, and texts with `}` need double quotes"
    return Diagnostic("E017", message, span, "not expected", help=help)


def bad_yaml(span: Span, problem: str) -> Diagnostic:
    """The YAML library's own words say best what is wrong."""
    if "duplicate" in problem:
        help = "give each key once"
    elif "'\\t'" in problem:
        help = "YAML takes no tabs: indent with spaces"
    else:
        help = 'texts with brackets or colons in them need double quotes: `type: "f16[B, H]"`'
    return Diagnostic("E018", "this is not valid YAML", span, problem, help=help)


def long_yaml(span: Span, limit: int) -> Diagnostic:
    """More metadata than anyone writes by hand."""
    return Diagnostic("E018", f"the YAML has more than {limit:,} characters", span)


def much_yaml(span: Span, limit: int) -> Diagnostic:
    """Blocks and blocks of metadata that are more than words, numbers and texts."""
    message = f"the metadata of this diagram has more than {limit:,} characters of YAML"
    help = "words, whole numbers, quoted texts and lists of these do not count"
    return Diagnostic("E026", message, span, help=help)


def deep_yaml(span: Span) -> Diagnostic:
    """More levels of brackets than anyone writes by hand."""
    return Diagnostic("E018", "the YAML is nested too deeply", span)


def no_yaml(span: Span) -> Diagnostic:
    """Several lines between braces, and nothing on them."""
    message = "mermaid cannot read metadata of nothing but line ends"
    return Diagnostic("E018", message, span, help="write `key: value` on the lines, or drop it")


def unknown_shape(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    """`shape:` names nothing that mermaid draws."""
    near = nearest(name, sorted(known))
    help = f"did you mean `{near[0]}`?" if near else "`rect` and `rounded` are the usual ones"
    return Diagnostic("E019", f"mermaid has no shape `{name}`", span, help=help)


# ---- subgraphs and styles


def open_subgraph(span: Span) -> Diagnostic:
    """The file ends inside a subgraph."""
    help = "write `end` after its last line"
    return Diagnostic("E020", "the subgraph is not closed", span, help=help)


def stray_end(span: Span) -> Diagnostic:
    """`end` outside any subgraph."""
    message = "`end` closes nothing: no subgraph is open here"
    return Diagnostic("E021", message, span, help="`end` cannot be an id either; `End` can")


def untitled_subgraph(span: Span) -> Diagnostic:
    """`subgraph` alone on its line."""
    help = 'give it an id, a title, or both: `subgraph Block["Encoder block"]`'
    return Diagnostic("E022", "the subgraph has no title", span, help=help)


def direction_in_line(span: Span) -> Diagnostic:
    """`subgraph S; direction LR`."""
    message = "mermaid reads `direction …` before the title"
    return Diagnostic("E022", message, span, help="give `direction` a line of its own")


def bad_title(span: Span) -> Diagnostic:
    """A subgraph's title has something in it that mermaid cannot read bare."""
    help = 'put the title into quotes: `subgraph "…"` or `subgraph Id["…"]`'
    return Diagnostic("E022", f"{_quoted(span)} cannot stand in a bare title", span, help=help)


def incomplete(span: Span, form: str) -> Diagnostic:
    """A `style`, `class` or `click` that lacks something."""
    return Diagnostic("E023", "this statement cannot be read", span, help=f"its form is `{form}`")


def no_such_edge(span: Span, number: str, count: int) -> Diagnostic:
    """`linkStyle 7` before there are eight edges."""
    there = f"the last one is {count - 1}" if count else "there is none"
    message = f"there is no edge {number} so far"
    return Diagnostic("E024", message, span, there, help="edges are counted from 0")


# ---- warnings


def cut_label(span: Span, shown: str) -> Diagnostic:
    """`k<q` looks like an HTML tag to mermaid."""
    message = f"mermaid shows this label as `{shown}`: it takes `<` for an HTML tag"
    help = "put a space after `<`, or write `#lt;`"
    return Diagnostic("W001", message, span, "", (), help, Severity.WARNING)


def swallowed_line(span: Span, side: str) -> Diagnostic:
    """`direction LR` anywhere on a line makes all of it a direction."""
    message = f"mermaid reads this whole line as `direction {side}` and drops the rest"
    return Diagnostic("W002", message, span, "", (), "reword the text", Severity.WARNING)


def drawn_elsewhere(span: Span, id: str, home: str | None, drawn: Note) -> Diagnostic:
    """A node is declared in one place, and mermaid draws it in another."""
    where = f"belongs to `{home}`, where it is declared" if home else "is declared outside"
    message = f"`{id}` {where}; mermaid draws it in another subgraph"
    return Diagnostic("W003", message, span, "declared here", (drawn,), "", Severity.NOTE)


def nameless_entity(span: Span) -> Diagnostic:
    """`#word;`, which is no character that HTML has a name for."""
    message = f"mermaid shows `{span.text}` as `&{span.text[1:]}`: it takes `#…;` for a character"
    help = "write `#35;` for the `#`"
    return Diagnostic("W009", message, span, "", (), help, Severity.WARNING)


def yaml_without_keys(span: Span) -> Diagnostic:
    """YAML, but a text or a list."""
    message = "mermaid leaves this out: metadata is made of keys and values"
    label = "expected `key: value`"
    return Diagnostic("W010", message, span, label, (), "", Severity.WARNING)


def long_title(span: Span) -> Diagnostic:
    """`subgraph the end`: the word takes the line end, so that the next line is title too."""
    message = "mermaid reads on past this `end`: the next line becomes part of the title"
    help = 'put the title into quotes: `subgraph Id["…"]`'
    return Diagnostic("W011", message, span, "", (), help, Severity.WARNING)


def lost_line(span: Span) -> Diagnostic:
    """`accTitle:` or `click A` with the rest missing."""
    message = "mermaid takes what follows for the rest of this line, and does not draw it"
    help = "complete this line"
    return Diagnostic("W012", message, span, "", (), help, Severity.WARNING)


def open_directive(span: Span) -> Diagnostic:
    """`%%{ …` without its `}%%`."""
    message = "this directive is not closed, and mermaid reads none of what follows in it"
    help = "close it with `}%%`; a comment is `%%` with a space after it"
    return Diagnostic("W013", message, span, "", (), help, Severity.WARNING)


def uneven_arrow(span: Span) -> Diagnostic:
    """`A x-- text --> B`."""
    message = "the two ends of this arrow do not match; mermaid may not draw it"
    help = "give both ends the same head, or only the last one"
    return Diagnostic("W004", message, span, "", (), help, Severity.WARNING)


def early_edge_data(span: Span) -> Diagnostic:
    """Metadata of an edge that comes only later."""
    message = "this comes before its edge, so mermaid draws a box of that name"
    return Diagnostic("W005", message, span, "", (), "move it below the edge", Severity.WARNING)


def early_subgraph_data(span: Span) -> Diagnostic:
    """Metadata of a subgraph that comes before its `end`."""
    message = "mermaid takes metadata of a subgraph only after its `end`"
    return Diagnostic("W005", message, span, "", (), "move it below `end`", Severity.WARNING)


def percent_box(span: Span) -> Diagnostic:
    """`%%` with no text after it is no comment."""
    message = "a `%%` with nothing after it is no comment: mermaid draws a box"
    return Diagnostic("W006", message, span, "", (), "", Severity.WARNING)


def hidden_order(span: Span) -> Diagnostic:
    """Characters that show a text in another order than it is read in."""
    message = "this character changes the order in which the text is shown, and cannot be seen"
    return Diagnostic("W008", message, span, "", (), "remove it", Severity.WARNING)


def repeated_subgraph(span: Span, first: Span) -> Diagnostic:
    """Two subgraphs have one id."""
    message = "another subgraph has this id already"
    note = Note(first, "the first one")
    return Diagnostic("W007", message, span, "", (note,), "", Severity.WARNING)


def _quoted(span: Span) -> str:
    text = span.text.strip()
    return f"`{text}`" if text else "the end of the line"
