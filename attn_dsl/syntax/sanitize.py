"""What is left of a label after mermaid has passed it through an HTML sanitizer.

Mermaid takes labels for HTML: `a<b` opens a tag that never closes, and all that follows is gone.
"""

from __future__ import annotations

import re

# `<name attributes>`, closed or cut off by the end of the text; comments; other `<!…>` and `<?…>`.
TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*)(?P<attributes>[^>]*)(?P<end>>|$)"
    r"|<!--(?:-?>|.*?(?:--!?>|$))|<(?:[!?]|/(?!\Z))[^>]*(?:>|$)",
    re.DOTALL,
)
NAMES = """
    a abbr article aside b bdi bdo big blockquote br center cite code dd del details dfn div dl dt
    em figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small
    span strike strong sub summary sup svg table tbody td th thead tr tt u ul var wbr
"""
KEPT = frozenset(NAMES.split())
VOID = frozenset({"br", "hr", "img", "wbr"})
# Dropped with all that they hold.
SECRET = re.compile(
    r"<(script|style|iframe|title|noscript|template)(?=[\s/>]).*?(</\1\s*>|$)", re.S | re.I
)


def sanitize(text: str) -> str:
    """Return `text` as mermaid's sanitizer would, tags written in one way and closed."""
    if "<" not in text:
        return text
    open_tags: list[str] = []
    body = TAG.sub(lambda tag: _tag(tag, open_tags), SECRET.sub("", text))
    return body + "".join(f"</{name}>" for name in reversed(open_tags))


def _tag(tag: re.Match[str], open_tags: list[str]) -> str:
    name = (tag["name"] or "").lower()
    if name not in KEPT or not tag["end"]:
        return ""
    if name in VOID:
        closed = tag["close"] and name != "br"  # to a browser `</br>` is one, too
        return "" if closed else f"<{name}{_attributes(tag['attributes'])}>"
    if not tag["close"]:
        open_tags.append(name)
        return f"<{name}{_attributes(tag['attributes'])}>"
    return _close(name, open_tags)


def _close(name: str, open_tags: list[str]) -> str:
    """Close `name` and what was opened inside it; a tag that was never opened is dropped."""
    if name not in open_tags:
        return ""
    closed = ""
    while not closed.endswith(f"</{name}>"):
        closed += f"</{open_tags.pop()}>"
    return closed


def _attributes(text: str) -> str:
    """Attributes with double quotes, as HTML is written out; event handlers are dropped."""
    found = re.findall(r"""([\w:-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""", text)
    pairs = ((name.lower(), value.strip("\"'")) for name, value in found)
    return "".join(f' {name}="{value}"' for name, value in pairs if not name.startswith("on"))
