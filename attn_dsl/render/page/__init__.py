"""A page that stands alone: pictures and sources side by side, what belongs together linked.

In: pictures as SVG text, and source texts, with the names of what they show. Out: HTML, in one
piece, which asks for nothing from the network.
"""

from attn_dsl.render.page.html import page_html
from attn_dsl.render.page.page import Listing, Page, Panel

__all__ = ["Listing", "Page", "Panel", "page_html"]
