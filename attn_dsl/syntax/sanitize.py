"""What is left of a label after mermaid has passed it through an HTML sanitizer.

Mermaid takes labels for HTML: `a<b` opens a tag that never closes, and all that follows is gone.
"""

from __future__ import annotations

import re
from collections import Counter

# `<name attributes>`, closed or cut off by the end of the text; comments; other `<!…>` and `<?…>`.
TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*)(?P<attributes>[^>]*)(?P<end>>|$)"
    r"|<!--(?:-?>|.*?(?:--!?>|$))|<(?:[!?]|/(?!\Z))[^>]*(?:>|$)",
    re.DOTALL,
)
NAMES = """
    a abbr acronym address area article aside audio b bdi bdo big blink blockquote br button canvas
    center cite code content data datalist dd decorator del details dfn dialog dir div dl dt
    element em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hgroup hr i img
    input ins kbd label legend li main map mark marquee math menu menuitem meter nav nobr ol
    optgroup option output p picture pre progress q rp rt ruby s samp search section select shadow
    slot small source spacer span strike strong sub summary sup svg table template textarea time
    title track tt u ul var video wbr
"""
KEPT = frozenset(NAMES.split())
VOID = frozenset({"area", "br", "hr", "img", "input", "source", "track", "wbr"})
# Dropped with all that they hold.
SECRETS = """
    script style iframe noscript noembed noframes xmp mi mn mo mrow msup g path rect text tspan
"""
SECRET = frozenset(SECRETS.split())


def sanitize(text: str) -> str:
    """Return `text` as mermaid's sanitizer would, tags written in one way and closed."""
    if "<" not in text:
        return text
    open_tags = _OpenTags()
    body = TAG.sub(lambda tag: _tag(tag, open_tags), _without_secrets(text))
    body = body.replace("\0", "")  # which is no character of HTML
    return body + "".join(f"</{name}>" for name in reversed(open_tags.names))


def _without_secrets(text: str) -> str:
    """`text` without scripts and their like, each up to its end tag or to the end."""
    kept, position = "", 0
    for tag in TAG.finditer(text):
        name = (tag["name"] or "").lower()
        if name in SECRET and not tag["close"] and tag.start() >= position:
            kept += text[position : tag.start()]
            end = re.compile(rf"</{name}\s*>|$", re.IGNORECASE).search(text, tag.end())
            position = end.end() if end else len(text)
    return kept + text[position:]


class _OpenTags:
    """The tags that are open, in order, and how many there are of each name."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._counts: Counter[str] = Counter()

    def open(self, name: str) -> None:
        self.names.append(name)
        self._counts[name] += 1

    def close(self, name: str) -> str:
        """Close `name` and what was opened inside it; a tag that was never opened is dropped."""
        closed: list[str] = []
        while self._counts[name] and name not in closed[-1:]:
            closed.append(self.names.pop())
            self._counts[closed[-1]] -= 1
        return "".join(f"</{one}>" for one in closed)


def _tag(tag: re.Match[str], open_tags: _OpenTags) -> str:
    name = (tag["name"] or "").lower()
    if name not in KEPT or not tag["end"]:
        return ""
    if name in VOID:
        closed = tag["close"] and name != "br"  # to a browser `</br>` is one, too
        return "" if closed else f"<{name}{_attributes(tag['attributes'])}>"
    if not tag["close"]:
        open_tags.open(name)
        return f"<{name}{_attributes(tag['attributes'])}>"
    return open_tags.close(name)


def _attributes(text: str) -> str:
    """Attributes with double quotes, as HTML is written out; event handlers are dropped."""
    found = re.findall(r"""([\w:-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""", text)
    pairs = ((name.lower(), value.strip("\"'")) for name, value in found)
    return "".join(f' {name}="{value}"' for name, value in pairs if not name.startswith("on"))
