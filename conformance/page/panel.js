// --- the panel of a cell ---------------------------------------------------------------------------

const FEW = 8; // groups of so many cases are open
const panel = find("#panel");
let drawn = "";

function showPanel() {
  const o = known.get(state.cell);
  if (!o) {
    panel.close();
    return;
  }
  if (drawn !== state.cell) panel.replaceChildren(...panelOf(o));
  drawn = state.cell;
  if (!panel.open) panel.showModal();
}

function panelOf(o) {
  const of = implementations.find((i) => i.name === o.implementation);
  const runsOn = of.isOurs || of.framework === of.name ? "" : ` on ${of.framework}`;
  const counts = Object.keys(OUTCOMES).filter((k) => o.counts[k]).map((k) =>
    h("li", {}, sign(k), h("span", {}, h("b", {}, o.counts[k].toLocaleString("en")), ` ${k}`)));
  const worst = isMeasured(o)
    ? `Worst error: value ${precise(o.value_ulp)} ulp, ` +
      (o.gradient_ulp === null ? "no gradient." : `gradient ${precise(o.gradient_ulp)} ulp.`)
    : "Nothing was computed that an error could be of.";
  return [
    h("header", {},
      h("h2", { id: "panel-title" }, o.loss, h("small", {}, ` ${of.label} ${version(of)}${runsOn}`)),
      h("button", { type: "button", class: "close", onclick: () => panel.close() }, "Close")),
    h("p", {}, losses[o.loss].summary),
    h("ul", { class: "counts" }, counts),
    h("p", {}, worst),
    skipped(o.not_applicable),
    ...groups(o).map((group) => groupOf(o, group)),
  ];
}

const SEVEREST = ["raises", "NaN", "wrong", "not traceable", "imprecise"];
const rank = (findings) => Math.min(...findings.map((f) => SEVEREST.indexOf(f.kind)));
const severest = (findings) => SEVEREST[rank(findings)];
const precise = (x) => (Number.isFinite(x) ? (x < 1000 ? number(x, 3) : x.toExponential(2).replace("+", "")) : "∞");

function skipped(reasons) {
  const found = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  if (!found.length) return "";
  const lines = found.map(([reason, n]) => h("tr", {}, h("td", {}, n), h("td", {}, reason)));
  const title = h("summary", {}, "Not applicable, and why");
  return h("details", { class: "skipped", open: found.length <= FEW }, title, h("table", {}, h("tbody", {}, lines)));
}

/** The findings by the deviation that tells them; what nothing tells first. */
function groups(o) {
  const found = Map.groupBy(o.findings, (f) => `${cause(f)} ${f.deviation?.says ?? ""}`);
  const order = Object.keys(CAUSES);
  return [...found.values()].sort((a, b) => order.indexOf(cause(a[0])) - order.indexOf(cause(b[0])));
}

function groupOf(o, findings) {
  const { deviation } = findings[0];
  const cases = [...Map.groupBy(findings, (f) => f.case).values()].sort((a, b) => rank(a) - rank(b));
  const isLink = /^https?:\/\//.test(deviation?.issue ?? "");
  const link = isLink ? h("a", { href: deviation.issue, rel: "noreferrer" }, "public issue") : "";
  const kind = cause(findings[0]);
  return h("section", { class: `group ${kind}` },
    h("h3", {}, h("span", { class: "kind" }, CAUSES[kind]),
      ` ${many(findings.length, "finding")} in ${many(cases.length, "case")}`),
    deviation ? h("p", {}, deviation.says, " ", link) : "",
    folded(cases, (found) => caseOf(o, found, cases.length === 1)));
}

/** A long list shows its first ones. */
function folded(items, draw) {
  if (items.length <= FEW + 2) return items.map(draw);
  const shown = items.slice(0, FEW).map(draw);
  const rest = items.slice(FEW);
  const more = h("details", { class: "more" }, h("summary", {}, `${rest.length} more`));
  return [...shown, whenOpened(more, () => rest.map(draw))];
}

function whenOpened(details, draw) {
  const fill = () => details.open && details.childElementCount === 1 && details.append(...draw());
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

function caseOf(o, findings, isOpen) {
  const [{ case: name, tags, call }] = findings;
  const dtypes = Map.groupBy(findings, (f) => f.dtype);
  const title = h("summary", {}, sign(severest(findings)), h("span", { class: "name" }, name || "the process"),
    tags.map((tag) => h("span", { class: "tag" }, tag)),
    h("span", { class: "quiet" }, [...dtypes.keys()].join(", ")));
  return whenOpened(h("details", { class: "case", open: isOpen }, title), () => [
    h("h4", { class: "minor" }, "Call"),
    copyable(call, "the call"),
    ...[...dtypes.values()].map((found) => h("div", { class: "dtype" },
      found.map((f) => findingOf(o, f)),
      h("h4", { class: "minor" }, "Command that shows it again"),
      copyable(found[0].command, "the command", true))),
  ]);
}

function findingOf(o, f) {
  const program = f.snippet
    ? h("details", { class: "program" }, h("summary", {}, "Program that shows it"),
      copyable(`${o.prelude}\n${f.snippet}`.trim(), "the program"))
    : "";
  const title = h("h4", {}, sign(f.kind), ` ${[f.dtype, f.what].filter(Boolean).join(", ")}`);
  return h("div", { class: "finding" }, title, numbersOf(f), program);
}

/** What was expected and what was seen; of many numbers those that are furthest apart. */
function numbersOf({ expected, got, at, kind }) {
  if (kind === "raises" || kind === "not traceable") {
    const lines = String(got).trim().split("\n");
    const all = lines.length > 1 ? h("details", {}, h("summary", {}, "Where"), h("pre", {}, got)) : "";
    return h("div", {}, h("pre", { class: "error", tabindex: "0" }, lines.at(-1)), all);
  }
  const [want, seen] = [leaves(expected), leaves(got)];
  const isSame = want.length === seen.length && want.some(([, x]) => typeof x === "number");
  const pairs = isSame
    ? want.map(([place, x], i) => [at ?? place, x, seen[i][1]])
    : [[[], String(expected), String(got)]];
  const differ = pairs.filter(([, a, b]) => a !== null && a !== b && (a === a || b === b))
    .sort((x, y) => gap(y) - gap(x));
  const far = differ.filter((pair) => gap(pair) >= gap(differ[0]) * 1e-6).slice(0, FEW);
  const rest = differ.length - far.length;
  const rows = far.map(([place, a, b]) => h("tr", {},
    h("td", { class: "quiet" }, place.length ? `[${place.join(", ")}]` : ""), apart(a, b).map((x) => h("td", {}, x))));
  const caption = rest > 0 ? h("caption", {}, `and ${many(rest, "number")} that are closer`) : "";
  const heads = ["", "expected", "got"].map((text) => h("th", { scope: "col" }, text));
  return h("table", { class: "numbers" }, caption, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows));
}

function leaves(x, place = []) {
  return Array.isArray(x) ? x.flatMap((part, i) => leaves(part, [...place, i])) : [[place, x]];
}

function gap([, a, b]) {
  const far = Math.abs(a - b);
  return Number.isFinite(far) ? far : Infinity;
}

panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close(); // beside it
});
panel.addEventListener("close", () => {
  const button = cells.get(drawn);
  drawn = "";
  if (state.cell) go({ cell: "" });
  if (button) reach(button);
  button?.focus();
});

// --- light and dark --------------------------------------------------------------------------------

const theme = find("#theme");
const isDark = matchMedia("(prefers-color-scheme: dark)");

function paint(wanted) {
  if (wanted) document.documentElement.dataset.theme = wanted;
  const now = document.documentElement.dataset.theme ?? (isDark.matches ? "dark" : "light");
  theme.textContent = now === "dark" ? "Light" : "Dark";
}

theme.addEventListener("click", () => {
  const wanted = theme.textContent.toLowerCase();
  paint(wanted);
  try {
    localStorage.setItem("theme", wanted);
  } catch {} // where nothing may be stored
});
isDark.addEventListener("change", () => paint());

// ---------------------------------------------------------------------------------------------------

let stored = null;
try {
  stored = localStorage.getItem("theme");
} catch {}
paint(stored);
drawHead();
drawCounts();
drawMatrix();
drawFilters();
addEventListener("hashchange", () => {
  state = read();
  show();
});
state = read();
show();
