// What mermaid makes of flowcharts. Run it where `mermaid` and `jsdom` are installed; each line
// of the input is a JSON array of texts, each line of the output the array of answers to it.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const installed = createRequire(`${process.cwd()}/`);
const load = (name) => import(pathToFileURL(installed.resolve(name)));
for (const method of ['log', 'info', 'debug', 'warn', 'error']) console[method] = () => {};

const { JSDOM } = await load('jsdom');
const { window } = new JSDOM('<!DOCTYPE html>');
const browser = ['window', 'document', 'Element', 'Node', 'NodeFilter', 'DocumentFragment'];
for (const name of browser) globalThis[name] ??= window[name];
const { default: mermaid } = await load('mermaid');
mermaid.initialize({ startOnLoad: false, maxEdges: Infinity });

// Entities as a browser decodes them, in text that stays HTML.
const page = window.document.createElement('textarea');
function shown(text) {
  const html = String(text ?? '').replaceAll('ﬂ°°', '&#').replaceAll('ﬂ°', '&').replaceAll('¶ß', ';');
  if (!html.includes('&')) return html;
  page.innerHTML = html;
  return page.value;
}

const node = ({ id, text, type }) => ({ id, text: shown(text), shape: type ?? null });
const edge = ({ start, end, text, id, stroke, type }) => ({
  from: start, to: end, text: shown(text), id, stroke: stroke ?? null, arrow: type ?? null,
});
const subgraph = ({ id, title, nodes, dir }) => ({ id, title: shown(title), nodes, dir: dir ?? null });

async function answer(text) {
  try {
    const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(text);
    if (!type.startsWith('flowchart')) throw new Error(`not a flowchart but ${type}`);
    return {
      ok: true,
      direction: db.getDirection() ?? null,
      nodes: [...db.getVertices().values()].map(node),
      edges: db.getEdges().map(edge),
      subgraphs: db.getSubGraphs().map(subgraph),
    };
  } catch (error) {
    return { ok: false, error: String(error?.message ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers = [];
  for (const text of JSON.parse(line)) answers.push(await answer(text));
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
