"use strict";

// A page of `attn serve` shows what the server has, as soon as that changes. The server tells
// its version also when the connection is made, so nothing is missed while there is none.
(() => {
  const events = new EventSource("/events");
  let turn = Promise.resolve(); // one version after the other

  async function update(version) {
    if (version === document.documentElement.dataset.version) return;
    let text;
    try { text = await (await fetch("/")).text(); } catch { return; } // ended, as onerror says
    page.replace(new DOMParser().parseFromString(text, "text/html"));
  }

  events.onopen = () => page.hint(null);
  events.onerror = () => page.hint("attn serve has ended: this is the last that it showed.");
  events.onmessage = ({ data }) => { turn = turn.then(() => update(data)); };
})();
