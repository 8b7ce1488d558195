"use strict";
// What all views share: the packed numbers, the address, tabs and theme.

const $ = (selector, within = document) => within.querySelector(selector);

/** An element with properties and children; what is none of its properties is an attribute. */
function el(tag, properties = {}, ...children) {
  const drawn = ["svg", "g", "path", "rect", "circle", "line", "text"].includes(tag);
  const made = drawn ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [k, v] of Object.entries(properties)) {
    if (!drawn && k in made && k !== "list") made[k] = v;
    else if (v !== null && v !== undefined) made.setAttribute(k, v);
  }
  made.append(...children);
  return made;
}

// --- numbers -------------------------------------------------------------------------------------

/** What is packed in a script element, which it empties. */
async function unpack(id) {
  const holder = document.getElementById(id);
  const text = atob(holder.textContent);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  holder.remove();
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

/** Every float16 there is. */
const HALVES = Float32Array.from({ length: 1 << 16 }, (_, n) => {
  const sign = n >> 15 ? -1 : 1, exponent = (n >> 10) & 31, rest = n & 1023;
  if (exponent === 31) return rest ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + rest) : 2 ** -24 * rest);
});

const asHalves = async (id) => new Uint16Array(await (await unpack(id)).arrayBuffer());

/** Which of some numbers is nearest. */
const nearestOf = (values, x) => values.reduce((best, v, k) => (Math.abs(v - x) < Math.abs(values[best] - x) ? k : best), 0);

/** A number in a few digits: the tables have three. */
function digits(x, n = 3) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  const text = size && (size < 1e-3 || size >= 1e4) ? x.toExponential(n - 1) : String(Number(x.toPrecision(n)));
  return text.replace("e+", "e").replaceAll("-", "−");
}

// --- the address ---------------------------------------------------------------------------------

/** Each view writes what it shows into the address, and shows what it reads there. */
const views = {};
let view = "curves";

function address() {
  const words = new URLSearchParams();
  if (view !== "curves") words.set("view", view);
  views[view].write(words);
  const text = words.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text ? `#${text}` : location.pathname + location.search;
}

let writing = 0;
/** Say in the address what is shown, but not more often than a browser lets one. */
function changed() {
  clearTimeout(writing);
  writing = setTimeout(() => history.replaceState(null, "", address()), 120);
}

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  view = words.get("view") in views ? words.get("view") : "curves";
  views[view].read(words);
  showView();
}

// --- tabs ----------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("[role=tab]")];

function showView() {
  for (const tab of tabs) {
    const chosen = tab.getAttribute("aria-controls") === view;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
  }
  views[view].show();
}

for (const tab of tabs) {
  tab.addEventListener("click", () => { view = tab.getAttribute("aria-controls"); showView(); changed(); });
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
    event.preventDefault();
  });
}

// --- theme ---------------------------------------------------------------------------------------

// The colours of Okabe and Ito, those first that stand out.
const PALETTES = {
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1c1e22"],
  dark: ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#e6e7e9"],
};
const DASHES = ["solid", "dash", "dot", "dashdot"];
const wantsDark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (wantsDark.matches ? "dark" : "light");
const colour = (n) => PALETTES[theme()][n % 7];
const dash = (n) => DASHES[(n % 2) + 2 * (Math.floor(n / 7) % 2)]; // one over another, both are seen

/** A colour of the style sheet as the theme has it. */
function paint(name) {
  const probe = $("#status");
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

function showTheme() {
  $("#theme").textContent = theme() === "dark" ? "Light" : "Dark";
  if (views[view]) views[view].show();
}

$("#theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
  showTheme();
});
wantsDark.addEventListener("change", showTheme);
