"use strict";

// What belongs together lights up together. Parts of pictures and lines of listings say in
// `data-link` what they show; two that share a name belong together. All listeners are the
// document's, so that they also serve a `main` that takes the place of another.
const page = (() => {
  const root = document.documentElement;
  const THEMES = ["system", "light", "dark"];
  let byName = new Map(); // the elements that have a name
  let ownHint = "", hint = ""; // what the status says while nothing is lit
  // What is lit: of these the first that there is. Each is {label, names}.
  let pinned = null, hovered = null, focused = null;

  const linkOf = (target) => (target instanceof Element ? target.closest("[data-link]") : null);
  const groupOf = (element) => element.closest(".view, .listing");

  function meaning(element) {
    if (!element) return null;
    const names = element.dataset.link.split(" ");
    return { label: element.getAttribute("aria-label") ?? names[0], names };
  }

  // ---- Lighting

  function light() {
    const what = pinned ?? hovered ?? focused;
    for (const element of document.querySelectorAll(".lit")) {
      element.classList.remove("lit");
      element.setAttribute("aria-pressed", "false");
    }
    root.classList.toggle("lighting", what !== null);
    const lit = new Set((what?.names ?? []).flatMap((name) => byName.get(name) ?? []));
    for (const element of lit) {
      element.classList.add("lit");
      element.setAttribute("aria-pressed", String(pinned !== null));
    }
    const said = what ? `${pinned ? "Kept: " : ""}${what.label}: ${counted(lit)}` : hint;
    const status = document.getElementById("lit");
    if (status.textContent !== said) status.textContent = said;
  }

  // "1 box in Diagram, 6 lines in NumPy": how many of each panel are lit.
  function counted(lit) {
    const counts = new Map();
    for (const element of lit) {
      const panel = element.closest("[data-nouns]");
      counts.set(panel, (counts.get(panel) ?? 0) + 1);
    }
    const parts = [...counts].map(([panel, count]) => {
      const [one, many] = panel.dataset.nouns.split("|");
      const title = document.getElementById(panel.getAttribute("aria-labelledby"));
      return `${count} ${count === 1 ? one : many} in ${title.textContent}`;
    });
    return parts.join(", ");
  }

  function pin(element) {
    const what = meaning(element);
    pinned = pinned?.names.join() === what.names.join() ? null : what;
    light();
    if (pinned) for (const group of document.querySelectorAll(".view, .listing")) {
      if (group !== groupOf(element)) reveal(group);
    }
  }

  // Bring the first that is lit into view, within its panel: the page itself stays.
  function reveal(group) {
    const first = group.querySelector(".lit");
    if (!first || !group.offsetParent) return;
    const lit = first.getBoundingClientRect(), seen = group.getBoundingClientRect();
    const away = (low, high, from, to) => (low < from || high > to ? low - from - (to - from) / 3 : 0);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    group.scrollBy({
      left: away(lit.left, Math.min(lit.right, lit.left + seen.width), seen.left, seen.right),
      top: away(lit.top, lit.bottom, seen.top, seen.bottom),
      behavior: still ? "instant" : "smooth",
    });
  }

  // ---- Keys: Tab goes from panel to panel, arrows from part to part

  // Each panel has one part that Tab comes to: the last that had the focus.
  function rove(element) {
    for (const other of groupOf(element).querySelectorAll("[data-link][tabindex='0']")) {
      other.setAttribute("tabindex", "-1");
    }
    element.setAttribute("tabindex", "0");
  }

  const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  function middle(element) {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  }

  // The nearest part in a direction; what lies aside counts double.
  function neighbour(element, [dx, dy]) {
    const [x0, y0] = middle(element);
    let best = null, least = Infinity;
    for (const other of groupOf(element).querySelectorAll("[data-link]")) {
      const [x, y] = middle(other);
      const ahead = (x - x0) * dx + (y - y0) * dy;
      const aside = Math.abs((x - x0) * dy) + Math.abs((y - y0) * dx);
      if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [other, ahead + 2 * aside];
    }
    return best;
  }

  function onKey(event) {
    if (event.key === "Escape") {
      pinned = hovered = focused = null;
      light();
      return;
    }
    const tab = event.target.closest("[role=tab]");
    const element = linkOf(event.target);
    const direction = ARROWS[event.key];
    if (element && (event.key === "Enter" || event.key === " ")) pin(element);
    else if (element && direction) neighbour(element, direction)?.focus();
    else if (tab && direction?.[0]) nextTab(tab, direction[0]);
    else return;
    event.preventDefault();
  }

  // ---- Tabs of the listings

  const tabs = () => [...document.querySelectorAll("[role=tab]")];
  const listingOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  function choose(tab) {
    for (const other of tabs()) {
      other.setAttribute("aria-selected", String(other === tab));
      other.setAttribute("tabindex", other === tab ? "0" : "-1");
      listingOf(other).hidden = other !== tab;
    }
    if (pinned) reveal(listingOf(tab));
  }

  function nextTab(tab, by) {
    const all = tabs();
    const next = all[(all.indexOf(tab) + by + all.length) % all.length];
    next.focus();
    choose(next);
  }

  // ---- Steps of a loop

  // A part is worked on in a step if all its keys are among the step's.
  function step(slider) {
    const panel = slider.closest(".panel");
    const frame = JSON.parse(panel.querySelector("script").textContent)[slider.valueAsNumber];
    for (const element of panel.querySelectorAll("[data-at]")) {
      const keys = element.dataset.at.split(" ");
      element.classList.toggle("now", keys.every((key) => frame.at.includes(key)));
    }
    slider.setAttribute("aria-valuetext", frame.label);
    const numbers = document.createElement("dl");
    for (const [name, value] of Object.entries(frame.values)) {
      const pair = document.createElement("div");
      pair.append(word("dt", name), word("dd", value));
      numbers.append(pair);
    }
    panel.querySelector("output").replaceChildren(word("strong", frame.label), numbers);
  }

  function word(tag, text) {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  }

  // ---- Zoom and theme

  function zoom(button, on) {
    button.setAttribute("aria-pressed", String(on));
    button.closest(".panel").classList.toggle("zoomed", on);
  }

  // A page from a file may have no storage: then the choice lasts as long as the page.
  function stored() {
    try { return localStorage.getItem("attn-theme"); } catch { return null; }
  }

  function store(theme) {
    try { localStorage.setItem("attn-theme", theme); } catch { /* see above */ }
  }

  function setTheme(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
  }

  function showTheme() {
    document.getElementById("theme").textContent = `Theme: ${root.dataset.theme ?? "system"}`;
  }

  function nextTheme() {
    const now = THEMES.indexOf(root.dataset.theme ?? "system");
    const next = THEMES[(now + 1) % THEMES.length];
    setTheme(next);
    store(next);
    showTheme();
  }

  // ---- The whole

  // Make the pictures and listings that are in the document ready.
  function setUp() {
    byName = new Map();
    for (const element of document.querySelectorAll("[data-link]")) {
      for (const name of element.dataset.link.split(" ")) {
        if (!byName.has(name)) byName.set(name, []);
        byName.get(name).push(element);
      }
    }
    for (const group of document.querySelectorAll(".view, .listing")) {
      const first = group.querySelector("[data-link]");
      if (first) first.setAttribute("tabindex", "0");
      else group.setAttribute("tabindex", "0"); // so that keys can scroll it
    }
    for (const slider of document.querySelectorAll(".steps input")) step(slider);
    if (tabs().length) choose(tabs()[0]);
  }

  // ---- Another page in the place of this one

  // What a reader has done to the page, by the ids of panels and listings.
  function kept() {
    const groups = [...document.querySelectorAll(".view, .listing")];
    const focus = document.activeElement;
    return {
      scrolls: groups.map((e) => [idOf(e), e.scrollLeft, e.scrollTop]),
      zoomed: [...document.querySelectorAll(".panel.zoomed")].map((panel) => panel.id),
      steps: [...document.querySelectorAll(".steps input")].map((e) => [idOf(e), e.value]),
      tab: document.querySelector("[role=tab][aria-selected=true]")?.id,
      focus: focus.closest(".panel") && [idOf(focus), focus.getAttribute("aria-label")],
    };
  }

  const idOf = (element) => element.closest(".listing, .panel").id;
  const within = (id, selector) => document.querySelector(`#${id} ${selector}`);

  function restore({ scrolls, zoomed, steps, tab, focus }) {
    const chosen = tab && document.getElementById(tab);
    if (chosen) choose(chosen);
    for (const id of zoomed) {
      const button = within(id, ".zoom");
      if (button) zoom(button, true);
    }
    for (const [id, value] of steps) {
      const slider = within(id, "input");
      if (slider) { slider.value = value; step(slider); }
    }
    for (const [id, left, top] of scrolls) {
      const panel = document.getElementById(id);
      const group = panel?.querySelector(".view") ?? panel;
      group?.scrollTo({ left, top, behavior: "instant" });
    }
    const name = focus && focus[1];
    if (name) within(focus[0], `[aria-label="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
  }

  // Show what is in the document `next`, and leave all else as the reader has it.
  function replace(next) {
    const before = kept();
    for (const part of ["title", "h1", ".about", "#alert", "main"]) {
      document.querySelector(part).replaceWith(next.querySelector(part));
    }
    root.dataset.version = next.documentElement.dataset.version;
    hovered = focused = null;
    setUp();
    restore(before);
    light();
  }

  function onClick(event) {
    const button = event.target.closest("button");
    const element = linkOf(event.target);
    if (element) pin(element);
    else if (button?.id === "theme") nextTheme();
    else if (button?.role === "tab") choose(button);
    else if (button?.className === "zoom") zoom(button, button.ariaPressed !== "true");
  }

  setTheme(stored() ?? root.dataset.theme ?? "system"); // before anything is drawn
  document.addEventListener("DOMContentLoaded", () => {
    ownHint = hint = document.getElementById("lit").textContent;
    showTheme();
    setUp();
    document.addEventListener("click", onClick);
    document.addEventListener("keydown", onKey);
    document.addEventListener("pointerover", (event) => {
      hovered = meaning(linkOf(event.target));
      light();
    });
    document.addEventListener("focusin", (event) => {
      const element = linkOf(event.target);
      if (element) rove(element);
      focused = event.target.matches(":focus-visible") ? meaning(element) : null;
      light();
    });
    document.addEventListener("focusout", () => { focused = null; light(); });
    document.addEventListener("input", (event) => {
      if (event.target.matches(".steps input")) step(event.target);
    });
  });
  return {
    replace,
    // Say something else while nothing is lit; null for what is said otherwise.
    hint(text) { hint = text ?? ownHint; light(); },
  };
})();
