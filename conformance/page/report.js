"use strict";

// --- the data: what stands twice is kept once ------------------------------------------------------

const { data, shared } = JSON.parse(document.getElementById("data").textContent);
const restored = new Map();

function restore(x) {
  if (x === null || typeof x !== "object") return x;
  if (Array.isArray(x)) return x.map(restore);
  if ("$lines" in x) return x.$lines.map(restore).join("\n");
  if ("$" in x) return typeof x.$ === "number" ? once(x.$) : Number(x.$.replace("inf", "Infinity"));
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k.replace(/^\$/, ""), restore(v)]));
}

function once(place) {
  if (!restored.has(place)) restored.set(place, restore(shared[place]));
  return restored.get(place);
}

const { report, date, losses } = restore(data);

// --- words and numbers -----------------------------------------------------------------------------

const OUTCOMES = {
  "pass": ["✓", "within the tolerance of every case"],
  "imprecise": ["≈", "beyond the tolerance, by no more than rounding"],
  "wrong": ["×", "another number, shape or dtype"],
  "NaN": ["N", "not a number, where there is one"],
  "raises": ["!", "an exception instead of a result"],
  "not traceable": ["T", "the compiler of its framework cannot follow"],
  "not applicable": ["–", "a case asks for what the implementation does not offer"],
};
const CAUSES = {
  "new": "not known before",
  "defect": "known defect",
  "convention": "known convention",
};
const cause = (finding) => finding.deviation?.kind ?? "new";
const plain = (o) => o.findings.length > 0 && o.findings.every((f) => cause(f) === "convention");
const spaced = (name) => name.replaceAll("_", " ");
const many = (n, one, more = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

function ulp(x) {
  if (x === null || x === undefined) return "";
  if (!Number.isFinite(x)) return "∞";
  if (x < 9.95) return x.toFixed(1);
  return x < 999.5 ? x.toFixed(0) : x.toExponential(0).replace("+", "");
}

/** Whether anything was computed that an error could be of. */
const isMeasured = (o) => Object.keys(o.counts).some((k) => k !== "raises" && k !== "not applicable");

function number(x, digits = 7) {
  if (typeof x !== "number") return x === null ? "anything" : String(x);
  return String(Number.isFinite(x) ? Number(x.toPrecision(digits)) : x).replace("Infinity", "∞");
}

/** Two numbers, with as many digits as tell them apart. */
function apart(a, b) {
  for (let digits = 7; digits < 17; digits++) {
    if (number(a, digits) !== number(b, digits)) return [number(a, digits), number(b, digits)];
  }
  return [number(a, 17), number(b, 17)];
}

// --- elements --------------------------------------------------------------------------------------

/** An element; whatever the data say becomes text, never markup. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) {
    if (k.startsWith("on")) element.addEventListener(k.slice(2), v);
    else if (v !== false && v !== undefined) element.setAttribute(k, v === true ? "" : v);
  }
  element.append(...children.flat().filter((c) => c !== "" && c !== null));
  return element;
}

/** A name that may go on in the next line after an underscore. */
const breakable = (name) => name.split(/(?<=_)/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));

const find = (selector) => document.querySelector(selector);

function sign(kind, isPlain = false) {
  const [letter] = OUTCOMES[kind];
  const name = kind.replaceAll(" ", "-").toLowerCase();
  return h("span", { class: `sign ${name}${isPlain ? " plain" : ""}`, "aria-hidden": "true" }, letter);
}

function copyable(text, what, isCommand = false) {
  const code = h("pre", { class: isCommand ? "command" : false, tabindex: "0" }, text);
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // for the keys that copy
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return h("div", { class: "copyable" }, code, button);
}

// --- the implementations ---------------------------------------------------------------------------

const implementations = report.implementations.map((found) => {
  const isOurs = !found.is_peer && found.name === found.framework;
  return { ...found, label: isOurs ? `arraylosses on ${found.name}` : found.name, isOurs };
});
const labels = Object.fromEntries(implementations.map((found) => [found.name, found.label]));
const known = new Map(report.outcomes.map((o) => [`${o.loss}/${o.implementation}`, o]));
const version = (i) => (i.isOurs ? `${i.framework} ${i.version}` : i.version);

function drawHead() {
  const names = new Set(report.outcomes.map((o) => o.loss));
  find("#about").append(
    [
      `arraylosses ${report.arraylosses}`,
      many(names.size, "loss", "losses"),
      many(implementations.length, "implementation"),
      many(report.outcomes.reduce((n, o) => n + o.cases, 0), "case"),
      date,
    ].filter(Boolean).join(" · "),
  );
  const findings = report.outcomes.flatMap((o) => o.findings);
  const fresh = findings.filter((f) => !f.deviation).length;
  find("#verdict").append(
    findings.length === 0
      ? "Every case holds."
      : `${many(findings.length, "finding")}, ${fresh ? fresh.toLocaleString("en") : "none"} not known before.`,
  );
  find("#verdict").className = fresh ? "fresh" : "";
  if (report.unseen.length) {
    const lines = report.unseen.map((u) => h("li", {}, `${u.peer}, ${u.loss}, ${u.outcome}: ${u.says}`));
    const title = h("summary", {}, `${many(lines.length, "known deviation")} that this run did not see`);
    find("#unseen").append(h("details", {}, title, h("ul", {}, lines)));
  }
  const isWide = matchMedia("(min-width: 641px)").matches;
  for (const details of document.querySelectorAll("main > section > details")) details.open = isWide;
  for (const [kind, [, says]] of Object.entries(OUTCOMES)) {
    const text = h("span", {}, h("b", {}, kind), ` ${says}`);
    find("#legend").append(h("li", {}, sign(kind), text));
  }
  const text = h("span", {}, h("b", {}, "outlined"), " all of it is a known convention, none of it a defect");
  find("#legend").append(h("li", {}, sign("wrong", true), text));
}

function drawCounts() {
  const kinds = Object.keys(OUTCOMES);
  const heads = kinds.map((kind) => h("th", { scope: "col" }, sign(kind), h("small", {}, kind)));
  find("#counts").append(
    h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, "implementation"), h("th", { scope: "col" }, "losses"), heads,
      h("th", { scope: "col", class: "bar" }, h("small", {}, "share of losses")),
      h("th", { scope: "col" }, "cases"), h("th", { scope: "col" }, "that pass"),
    )),
    h("tbody", {}, implementations.map((found) => {
      const own = report.outcomes.filter((o) => o.implementation === found.name);
      const passed = own.reduce((n, o) => n + (o.counts.pass ?? 0), 0);
      const cases = own.reduce((n, o) => n + o.cases, 0);
      const counts = kinds.map((kind) => own.filter((o) => o.kind === kind).length);
      const bar = h("div", { class: "bar" }, kinds.map((kind, i) => {
        const part = h("i", { class: kind.replaceAll(" ", "-").toLowerCase() });
        part.style.flexGrow = counts[i];
        return counts[i] ? part : "";
      }));
      const runsOn = found.framework === found.name ? "" : ` on ${found.framework}`;
      return h("tr", {},
        h("th", { scope: "row" }, found.label, h("small", {}, ` ${version(found)}${found.isOurs ? "" : runsOn}`)),
        h("td", {}, own.length),
        kinds.map((kind, i) => h("td", {}, counts[i] === 0 ? "" : h("button", {
          type: "button",
          "aria-label": `${found.label}: ${counts[i]} ${kind}, show them`,
          onclick: () => go({ ...EMPTY, outcome: kind, hide: others(found.name) }, true),
        }, counts[i]))),
        h("td", { class: "bar" }, bar),
        h("td", {}, cases.toLocaleString("en")),
        h("td", {}, cases ? `${(Math.floor((1000 * passed) / cases) / 10).toFixed(1)} %` : ""),
      );
    })),
  );
}

// --- the matrix ------------------------------------------------------------------------------------

const cells = new Map(); // of a loss and an implementation: the button
const rows = [];

function drawMatrix() {
  const head = h("tr", {}, h("th", { scope: "col" }, "loss"), implementations.map((found) =>
    h("th", { scope: "col", "data-of": found.name, title: `${found.label} ${version(found)}` },
      found.label, h("small", {}, version(found)))));
  const table = find("#matrix table");
  table.append(h("thead", {}, head));
  for (const [family, members] of families()) {
    const title = h("th", { scope: "rowgroup" }, spaced(family));
    const body = h("tbody", {},
      h("tr", { class: "family" }, title, h("td", { colspan: implementations.length })));
    for (const loss of members) {
      const row = h("tr", { "data-loss": loss }, h("th", { scope: "row", title: losses[loss].summary }, breakable(loss)),
        implementations.map((found) => h("td", { "data-of": found.name }, cell(loss, found.name))));
      rows.push({ loss, family, row, body });
      body.append(row);
    }
    table.append(body);
  }
  table.addEventListener("keydown", move);
}

function families() {
  const found = new Map(Object.values(losses).map((l) => [l.family, []]));
  for (const [loss, { family }] of Object.entries(losses)) found.get(family).push(loss);
  return found;
}

function cell(loss, name) {
  const o = known.get(`${loss}/${name}`);
  if (!o) return "";
  const [value, gradient] = isMeasured(o) ? [ulp(o.value_ulp), ulp(o.gradient_ulp)] : ["", ""];
  const said = [value && `value ${value} ulp`, gradient && `gradient ${gradient} ulp`].filter(Boolean);
  const button = h("button", {
    type: "button",
    tabindex: "-1",
    "data-kind": o.kind,
    title: Object.entries(o.counts).map(([kind, n]) => `${n} ${kind}`).join(", "),
    "aria-label": `${loss}, ${labels[name]}: ${[o.kind, ...said].join(", ")}`,
    onclick: () => go({ cell: `${loss}/${name}` }, false, true),
  }, sign(o.kind, plain(o)), h("span", {}, value), h("span", {}, gradient));
  cells.set(`${loss}/${name}`, button);
  return button;
}

/** The arrow keys go from cell to cell. */
function move(event) {
  const from = event.target.closest("td");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!from || !step) return;
  event.preventDefault();
  const lines = rows.map((r) => r.row).filter((row) => !row.hidden);
  let [i, j] = [lines.indexOf(from.parentElement), from.cellIndex];
  for (;;) {
    i += step[0];
    j += step[1];
    const next = lines[i]?.cells[j];
    if (!next) return;
    if (next.hidden || !next.firstElementChild || next.cellIndex === 0) continue;
    reach(next.firstElementChild);
    next.firstElementChild.focus();
    return;
  }
}

/** One cell is reached with the Tab key. */
function reach(button) {
  find("#matrix button[tabindex='0']")?.setAttribute("tabindex", "-1");
  button?.setAttribute("tabindex", "0");
}

// --- filters ---------------------------------------------------------------------------------------

const EMPTY = { q: "", family: "", outcome: "", tag: "", cause: "", all: "", cell: "", hide: [] };
const form = find("#filters");
let state = EMPTY;

const others = (name) => implementations.map((i) => i.name).filter((other) => other !== name);

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const words = Object.keys(EMPTY).map((k) => [k, k === "hide" ? given.getAll(k) : (given.get(k) ?? "")]);
  return Object.fromEntries(words);
}

/** Change the state, which stands in the address, and show it. */
function go(change, scrolls = false, isStep = false) {
  state = { ...state, ...change };
  const words = new URLSearchParams();
  for (const [k, v] of Object.entries(state)) for (const word of [v].flat()) if (word) words.append(k, word);
  const address = String(words) ? `#${words}` : location.pathname + location.search;
  history[isStep ? "pushState" : "replaceState"](null, "", address);
  show();
  if (scrolls) find("#matrix-title").scrollIntoView();
}

function drawFilters() {
  const findings = report.outcomes.flatMap((o) => o.findings);
  const tags = [...new Set(findings.flatMap((f) => f.tags))].sort();
  const seen = new Set(report.outcomes.map((o) => o.kind));
  const causes = new Set(findings.map(cause));
  const run = [...new Set(report.outcomes.map((o) => losses[o.loss].family))];
  choices("family", [...families().keys()].map((f) => [f, spaced(f)]), (f) => run.includes(f));
  choices("outcome", Object.keys(OUTCOMES).map((k) => [k, `${OUTCOMES[k][0]}  ${k}`]), (k) => seen.has(k));
  choices("tag", tags.map((t) => [t, t]));
  choices("cause", Object.entries(CAUSES), (k) => causes.has(k));
  find("#shown div").append(
    h("button", { type: "button", onclick: () => go({ hide: [] }) }, "all"),
    ...implementations.map((found) => h("p", {},
      h("label", {}, h("input", { type: "checkbox", name: "of", value: found.name }), ` ${found.label}`),
      h("button", { type: "button", onclick: () => go({ hide: others(found.name) }) }, "only"))),
  );
  const apply = () => {
    const of = [...form.elements].filter((e) => e.name === "of" && !e.checked).map((e) => e.value);
    const words = ["q", "family", "outcome", "tag", "cause"].map((k) => [k, form.elements[k].value]);
    go({ ...Object.fromEntries(words), all: form.elements.all.checked ? "1" : "", hide: of });
  };
  form.addEventListener("input", apply);
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    go(EMPTY);
  });
  document.addEventListener("click", (event) => {
    if (!find("#shown").contains(event.target)) find("#shown").open = false;
  });
}

function choices(name, pairs, has = () => true) {
  const options = pairs.filter(([value]) => has(value)).map(([value, text]) => h("option", { value }, text));
  form.elements[name].append(h("option", { value: "" }, "any"), ...options);
}

/** Whether a finding has the tag and the cause that are looked for. */
const isSought = (f) => (!state.tag || f.tags.includes(state.tag)) && (!state.cause || cause(f) === state.cause);

/** Whether a cell is what is looked for. */
function matches(o) {
  if (state.outcome && o.kind !== state.outcome) return false;
  return (!state.tag && !state.cause) || o.findings.some(isSought);
}

function show() {
  const shown = implementations.map((i) => i.name).filter((name) => !state.hide.includes(name));
  const asks = state.outcome || state.tag || state.cause;
  const word = state.q.trim().toLowerCase();
  const first = [];
  let [visible, outcomes, findings] = [0, 0, 0];
  for (const { body } of rows) body.hidden = true;
  for (const { loss, family, row, body } of rows) {
    const own = shown.map((name) => known.get(`${loss}/${name}`)).filter(Boolean);
    const found = own.filter(matches);
    row.hidden = !(spaced(loss).includes(spaced(word)) && (!state.family || family === state.family) &&
      (found.length > 0 || (state.all && !asks)));
    for (const o of own) {
      const button = cells.get(`${loss}/${o.implementation}`);
      button.classList.toggle("faint", !matches(o));
      if (!row.hidden) first.push(button);
    }
    if (row.hidden) continue;
    body.hidden = false;
    visible += 1;
    outcomes += found.length;
    findings += found.reduce((n, o) => n + o.findings.filter(isSought).length, 0);
  }
  for (const element of document.querySelectorAll("[data-of]")) {
    element.hidden = state.hide.includes(element.dataset.of);
  }
  const reached = find("#matrix button[tabindex='0']");
  if (!reached?.checkVisibility()) reach(first.find((b) => b.checkVisibility()));
  find("#count").value = `${many(visible, "loss", "losses")} of ${rows.length}, ${many(outcomes, "outcome")}, ` +
    many(findings, "finding");
  find("#nothing").hidden = visible > 0;
  find("#matrix").hidden = visible === 0;
  for (const k of ["q", "family", "outcome", "tag", "cause"]) {
    if (form.elements[k].value !== state[k]) form.elements[k].value = state[k];
  }
  form.elements.all.checked = Boolean(state.all);
  for (const box of document.querySelectorAll("[name=of]")) box.checked = !state.hide.includes(box.value);
  find("#shown summary").textContent = `${shown.length} of ${implementations.length}`;
  showPanel();
}
