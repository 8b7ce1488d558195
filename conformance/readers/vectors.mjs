// The vectors, read without Python: `node vectors.mjs [FOLDER]`.
//
// Holds every file against its sum, every array against its shape, and every number against its own digits;
// then computes a few plain losses anew. Exits with 1 and a message if anything disagrees. docs/vectors.md
// describes what is read here; any other language reads it in the same way.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SCHEMA = 2;
const EPSILON = 2 ** -52; // of float64
const SMALLEST = 2 ** -1022; // normal float64
const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "..", "vectors");

const product = (shape) => shape.reduce((a, b) => a * b, 1);

function demand(condition, message) {
  if (!condition) throw new Error(message);
}

// --- numbers ---------------------------------------------------------------------------------------

const HEX = /^(-?)0x([01])(?:\.([0-9a-f]{1,13}))?p([+-]\d+)$/;
const WORDS = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const isNumber = (text) => typeof text === "string" && (text in WORDS || HEX.test(text));

function parse(text) {
  if (text in WORDS) return WORDS[text];
  const [, sign, lead, fraction = "", exponent] = HEX.exec(text) ?? demand(false, `${text} is no number`);
  const mantissa = parseInt(lead + fraction.padEnd(13, "0"), 16); // below 2^53, so exact
  return (sign ? -1 : 1) * mantissa * 2 ** (Number(exponent) - 52);
}

function format(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const whole = bits.getBigUint64(0);
  const biased = Number((whole >> 52n) & 0x7ffn);
  const fraction = (whole & 0xfffffffffffffn).toString(16).padStart(13, "0").replace(/0+$/, "");
  const exponent = biased ? biased - 1023 : fraction ? -1022 : 0;
  const sign = whole >> 63n ? "-" : "";
  return `${sign}0x${biased ? 1 : 0}${fraction && "." + fraction}p${exponent < 0 ? "" : "+"}${exponent}`;
}

function number(text) {
  const x = parse(text);
  demand(format(x) === text, `${text} is read as ${format(x)}`);
  demand(x === 0 || !(Math.abs(x) < SMALLEST), `${text} is subnormal`);
  return x;
}

// --- arrays ----------------------------------------------------------------------------------------

const READ = {
  float: number,
  int: (x) => (demand(Number.isSafeInteger(x), `${x} is no integer`), x),
  bool: (x) => (demand(typeof x === "boolean", `${x} is no boolean`), x),
};

// What is written once and repeated fills the shape; element i of the whole is data[i % data.length].
function fills(shape, data, repeat = 1) {
  demand(Number.isInteger(repeat) && repeat >= 1, `data are repeated ${repeat} times`);
  const count = data.length * repeat;
  demand(count === product(shape), `${count} elements for the shape [${shape}]`);
}

function array({ kind, shape, data, repeat }) {
  demand(kind in READ, `there is no kind ${kind}`);
  fills(shape, data, repeat);
  return { shape, data: data.map(READ[kind]) };
}

const isArray = (packed) => packed === null || "kind" in packed;

// All arrays of an argument by their places: "pred", or "pred[1]['a']" in a structure.
function* places(name, packed) {
  if (isArray(packed)) return yield [name, packed && array(packed)];
  for (const [key, part] of Object.entries(packed)) {
    yield* places(Array.isArray(packed) ? `${name}[${key}]` : `${name}['${key}']`, part);
  }
}

// A result: what must come out, and the size that errors are measured by; null where nothing is promised.
function result({ shape, data, scale, repeat }) {
  demand(data.length === scale.length, `${data.length} numbers with ${scale.length} scales`);
  demand(scale.every((s) => s === null || s >= 0), "a scale is less than 0");
  fills(shape, data, repeat);
  return { shape, want: data.map((x) => (x === null ? null : number(x))), scale };
}

function option(value) {
  if (isNumber(value)) return number(value);
  if (Array.isArray(value)) return value.map(option);
  return value !== null && typeof value === "object" ? array(value) : value;
}

function read(written) {
  const arrays = new Map(Object.entries(written.arrays).flatMap(([k, packed]) => [...places(k, packed)]));
  const options = Object.fromEntries(Object.entries(written.options).map(([k, v]) => [k, option(v)]));
  const value = result(written.value);
  demand(written.cotangent.map(number).length === product(value.shape), "the cotangent is not of the value");
  for (const [name, packed] of Object.entries(written.gradient)) {
    demand(arrays.get(name), `a gradient in ${name}, which is no array`);
    const same = `${result(packed).shape}` === `${arrays.get(name).shape}`;
    demand(same, `the gradient in ${name} is of another shape`);
  }
  demand(written.ulp.length === 2 && written.ulp.every((u) => u > 0), "no tolerance");
  demand(written.tags.every((tag) => typeof tag === "string"), "a tag is no word");
  return { arrays, options, value };
}

// --- losses ----------------------------------------------------------------------------------------

const times = (factor, x) => (factor === 0 ? 0 : factor * x); // a factor of 0 makes nothing of infinity
const softplus = (x) => (Number.isNaN(x) ? NaN : Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));

// An item, from the numbers of all arrays at its place and the options.
const LOSSES = {
  absolute_error: ([p, t]) => Math.abs(p - t),
  squared_error: ([p, t]) => (p - t) ** 2,
  huber_loss: ([p, t], { delta = 1 }) => {
    const r = Math.abs(p - t);
    return r <= delta ? r ** 2 / 2 : delta * (r - delta / 2);
  },
  smooth_l1_loss: ([p, t], { beta = 1 }) => {
    const r = Math.abs(p - t);
    return r < beta ? r ** 2 / (2 * beta) : r - beta / 2;
  },
  binary_cross_entropy_with_logits: ([x, y], { pos_weight = 1 }) =>
    Number.isNaN(x) ? NaN : times(pos_weight * y, softplus(-x)) + times(1 - y, softplus(x)),
};

// The element of an array that stands at a place of a shape, as NumPy broadcasts.
function at(x, shape, index) {
  if (x === undefined || x === null || typeof x !== "object") return x;
  let flat = 0;
  for (let d = shape.length - 1, rest = index, stride = 1; d >= 0; d--) {
    const place = rest % shape[d];
    rest = Math.floor(rest / shape[d]);
    const size = x.shape[d - shape.length + x.shape.length] ?? 1;
    flat += (size === 1 ? 0 : place) * stride;
    stride *= size;
  }
  return x.data[flat % x.data.length];
}

// Adds without losing what is small beside the sum (Neumaier 1974).
function sum(terms) {
  let [total, lost] = [0, 0];
  for (const x of terms) {
    const next = total + x;
    if (Number.isFinite(next)) lost += Math.abs(total) >= Math.abs(x) ? total - next + x : x - next + total;
    total = next;
  }
  return total + lost;
}

const FRAME = ["sample_weight", "where", "reduction", "normalizer"];

function evaluate(loss, { arrays, options }) {
  const given = [...arrays.values()];
  const { shape } = given[0];
  const { sample_weight = 1, where = true, reduction = "none", normalizer } = options;
  const own = Object.entries(options).filter(([k]) => !FRAME.includes(k));
  const [terms, weights] = [[], []];
  for (let i = 0; i < product(shape); i++) {
    const weight = at(where, shape, i) ? at(sample_weight, shape, i) : 0;
    const numbers = given.map((a) => at(a, shape, i));
    const local = Object.fromEntries(own.map(([k, v]) => [k, at(v, shape, i)]));
    terms.push(times(weight, LOSSES[loss](numbers, local)));
    weights.push(weight);
  }
  if (reduction === "none") return terms;
  if (reduction === "sum") return [sum(terms)];
  const mass = normalizer ?? sum(weights);
  return [mass === 0 ? 0 : sum(terms) / mass];
}

function errorInUlp(got, want, scale) {
  if (want === null || Object.is(got, want) || got === want) return 0;
  if (!Number.isFinite(got) || !Number.isFinite(want)) return Infinity;
  return Math.abs(got - want) / Math.max(EPSILON * (scale ?? Math.abs(want)), SMALLEST);
}

// --- all files -------------------------------------------------------------------------------------

function check() {
  const sums = new Map(
    readFileSync(join(folder, "SHA256SUMS"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.split("  ").reverse()),
  );
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  for (const name of files) demand(sums.has(name), `${name}: there is no sum`);
  const seen = { files: 0, cases: 0, computed: 0 };
  for (const [name, digest] of sums) {
    const content = readFileSync(join(folder, name));
    demand(createHash("sha256").update(content).digest("hex") === digest, `${name}: the sum differs`);
    const { schema, loss, cases } = JSON.parse(content);
    demand(schema === SCHEMA, `${name}: this is version ${schema} of the schema, not ${SCHEMA}`);
    demand(name === `${loss}.json`, `${name}: this is about ${loss}`);
    for (const written of cases) {
      try {
        seen.computed += checkCase(loss, written);
      } catch (error) {
        throw new Error(`${name}: ${written.name}: ${error.message}`);
      }
    }
    seen.files += 1;
    seen.cases += cases.length;
  }
  return seen;
}

function checkCase(loss, written) {
  const known = read(written);
  if (!(loss in LOSSES)) return 0;
  const got = evaluate(loss, known);
  const { want, scale } = known.value;
  demand(got.length === product(written.value.shape), `${got.length} results, not [${written.value.shape}]`);
  got.forEach((x, i) => {
    const error = errorInUlp(x, want[i], scale[i]);
    const allowed = written.ulp[0];
    demand(error <= allowed, `result ${i} is ${x}, not ${want[i]}: ${error} ulp, allowed ${allowed}`);
  });
  return 1;
}

try {
  const { files, cases, computed } = check();
  console.log(`${files} files, ${cases} cases, of which ${computed} were computed anew`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
