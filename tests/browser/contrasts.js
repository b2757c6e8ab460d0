// The contrast of every text that is seen with what lies under it: [text, contrast].
(() => {
  const channels = (color) => {
    const found = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    const scale = color.startsWith("color(") ? 255 : 1;
    return [...found.slice(0, 3).map((c) => c * scale), found[3] ?? 1];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const luminance = (color) => {
    const [r, g, b] = color.map((c) => c / 255).map((c) =>
      c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const opacity = (element) => {
    let found = 1;
    for (let e = element; e; e = e.parentElement) found *= getComputedStyle(e).opacity;
    return found;
  };
  const isShape = (element) => element.ownerSVGElement && element instanceof SVGGeometryElement;

  // What an element paints under the text: the fill of a shape, the ground of a box.
  const paint = (element) => {
    const style = getComputedStyle(element);
    const painted = isShape(element) ? style.fill : style.backgroundColor;
    const [r, g, b, a] = channels(painted === "none" ? "rgba(0, 0, 0, 0)" : painted);
    const fill = isShape(element) ? Number(style.fillOpacity) : 1;
    return [r, g, b, a * fill * opacity(element)];
  };
  // From the top: what lies under a text of a picture at a point, and what a text stands in.
  const under = (text, x, y) => {
    if (text instanceof SVGElement) {
      const all = document.elementsFromPoint(x, y);
      return all.slice(all.indexOf(text) + 1);
    }
    const all = [];
    for (let e = text; e; e = e.parentElement) all.push(e);
    return all;
  };
  const ground = (text, x, y) =>
    under(text, x, y).reverse().map(paint).reduce((below, p) => over(p, below), [255, 255, 255]);
  const contrast = (text, rect) => {
    const style = getComputedStyle(text);
    const [r, g, b, a] = channels(text instanceof SVGElement ? style.fill : style.color);
    const below = ground(text, rect.left + rect.width / 2, rect.top + rect.height / 2);
    const shown = over([r, g, b, a * opacity(text)], below);
    const [low, high] = [luminance(shown), luminance(below)].sort((m, n) => m - n);
    return (high + 0.05) / (low + 0.05);
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.parentElement;
    if (!node.data.trim() || !text.checkVisibility() || text.closest("title, desc, script, .skip")) continue;
    // Only what is on the screen has a place there to ask for.
    if (text instanceof SVGElement) text.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const range = document.createRange();
    range.selectNodeContents(node);
    const rect = range.getClientRects()[0];
    if (rect?.width) found.push([node.data.trim(), contrast(text, rect)]);
  }
  scrollTo(0, 0);
  return found;
})()
