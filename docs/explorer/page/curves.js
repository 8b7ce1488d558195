// Curves of losses of one number, over each other.

const PANELS = ["value ℓ", "gradient ℓ′", "second derivative ℓ″"];
const SIGNS = ["ℓ", "ℓ′", "ℓ″"];

let plotly = null;
/** Have Plotly, which is large, only once there is something to plot and the rest has been painted. */
async function withPlotly(then) {
  plotly ??= unpack("plotly").then((response) => response.text()).then(async (textContent) => {
    await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    const script = el("script");
    script.textContent = textContent;
    document.head.append(script);
  });
  await plotly;
  then();
}

function curvesView({ groups, losses }, table) {
  const byName = new Map(losses.map((loss) => [loss.name, loss]));
  const chosen = new Map(losses.map((loss) => [loss.name, loss.axes.map((axis) => axis.start)]));
  let group, shown, panels, at; // at: which input the numbers in the cards are of
  let ranges = [];
  let even = []; // which inputs are spaced evenly
  let drawing = 0;

  // --- looking up --------------------------------------------------------------------------------

  const inputs = () => groups[group].inputs;

  /** Value, slope and curvature at all inputs, for the chosen parameters. */
  function rows(loss) {
    const n = inputs().length;
    const steps = chosen.get(loss.name);
    const row = loss.axes.reduce((k, axis, i) => k * axis.values.length + steps[i], 0);
    return PANELS.map((_, p) => {
      const first = loss.place + (row * 3 + p) * n;
      return Array.from(table.subarray(first, first + n), (half) => HALVES[half]);
    });
  }

  /** The call, as one would write it. */
  function call(loss) {
    const labels = Object.fromEntries(loss.axes.map((axis, i) => [axis.name, axis.labels[chosen.get(loss.name)[i]]]));
    const arrays = loss.arrays.map((a, k) => (loss.part === null || k === loss.part ? labels[a] ?? a : "…"));
    const options = loss.axes.filter((axis) => !loss.arrays.includes(axis.name));
    const words = [...arrays, ...options.map((axis) => `${axis.name}=${labels[axis.name]}`)];
    return `${loss.loss}(${words.join(", ")})${loss.part === null ? "" : `[${loss.part}]`}`;
  }

  // --- the plot ----------------------------------------------------------------------------------

  /** Where most of what is shown is; what shoots up is cut. */
  function fitted(p, curves) {
    const finite = curves.flatMap((rows) => even.map((k) => rows[p][k])).filter(Number.isFinite).sort((a, b) => a - b);
    if (!finite.length) return [-1, 1];
    const quantile = (q) => finite[Math.round(q * (finite.length - 1))];
    let [low, high] = p === 0 ? [quantile(0.02), quantile(0.9)] : [quantile(0.03), quantile(0.97)];
    if (p === 0 && low >= 0) low = 0;
    if (high - low < 1e-9) [low, high] = [Math.min(low, 0) - (low ? 0 : 1), Math.max(high, 0) + (high ? 0 : 1)];
    return [low - 0.06 * (high - low), high + 0.1 * (high - low)];
  }

  function fit(always) {
    const curves = shown.map((name) => rows(byName.get(name)));
    const wanted = PANELS.map((_, p) => fitted(p, curves));
    const off = (p) => {
      const factor = (wanted[p][1] - wanted[p][0]) / (ranges[p][1] - ranges[p][0]);
      return factor > 2.2 || factor < 1 / 2.2;
    };
    ranges = wanted.map((range, p) => (always || !ranges[p] || off(p) ? range : ranges[p]));
  }

  function draw() {
    cancelAnimationFrame(drawing);
    drawing = requestAnimationFrame(drawNow);
  }

  function drawNow() {
    if ($("#curves").hidden) return;
    if (!window.Plotly) {
      withPlotly(drawNow);
      return;
    }
    const ink = paint("quiet"), line = paint("line");
    const traces = [];
    const n = panels.length, gap = 0.05;
    const x = inputs(), [first, last] = [x[0], x.at(-1)];
    const layout = {
      autosize: true,
      margin: { l: 66, r: 10, t: 8, b: 42 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12.5, color: ink },
      showlegend: false,
      hovermode: "x",
      dragmode: false,
      shapes: [{
        type: "line", xref: "x", yref: "paper", x0: x[at], x1: x[at], y0: 0, y1: 1,
        line: { color: ink, width: 1, dash: "dot" },
      }],
      xaxis: {
        range: [first, last], title: { text: groups[group].of, standoff: 6 }, fixedrange: true,
        gridcolor: line, zerolinecolor: ink, zerolinewidth: 1, anchor: n > 1 ? `y${n}` : "y",
      },
    };
    panels.forEach((p, k) => {
      const height = (1 - gap * (n - 1)) / n;
      const top = 1 - k * (height + gap);
      layout[k ? `yaxis${k + 1}` : "yaxis"] = {
        domain: [Math.max(top - height, 0), top], range: ranges[p], fixedrange: true, nticks: n > 2 ? 5 : 7,
        gridcolor: line, zerolinecolor: ink, zerolinewidth: 1, title: { text: PANELS[p], standoff: 4 },
      };
    });
    shown.forEach((name, k) => {
      const found = rows(byName.get(name));
      panels.forEach((p, place) => traces.push({
        x, y: found[p].map((y) => (Number.isFinite(y) ? y : null)), name: `${name}: ${PANELS[p]}`, type: "scatter",
        mode: "lines", xaxis: "x", yaxis: place ? `y${place + 1}` : "y", hoverinfo: "none",
        line: { color: colour(k), dash: dash(k), width: 2.5, simplify: false },
      }));
    });
    const first_time = !$("#plot").data;
    Plotly.react("plot", traces, layout, { displayModeBar: false, responsive: true, showTips: false });
    if (first_time) {
      $("#plot").on("plotly_hover", ({ points }) => moveCursor(points[0].pointIndex));
      $("#plot").on("plotly_click", ({ points }) => moveCursor(points[0].pointIndex));
    }
    $("#plot").setAttribute("aria-label", `Curves of ${shown.map((name) => call(byName.get(name))).join(", ") || "nothing"}`);
  }

  // --- the cards ---------------------------------------------------------------------------------

  function choose(loss, k, step) {
    chosen.get(loss.name)[k] = step;
    const { name, values } = loss.axes[k];
    if (loss.arrays.includes(name)) { // a label or target is that of all losses beside it
      for (const other of losses.filter((each) => each.group === loss.group)) {
        const place = other.axes.findIndex((axis) => axis.name === name);
        const there = place < 0 ? -1 : other.axes[place].values.indexOf(values[step]);
        if (there >= 0) chosen.get(other.name)[place] = there;
      }
    }
    for (const card of $("#cards").children) card.update();
    draw();
    changed();
  }

  function control(loss, k) {
    const axis = loss.axes[k];
    const id = `${loss.name}.${axis.name}`;
    const step = () => chosen.get(loss.name)[k];
    if (!axis.slides) {
      const options = axis.labels.map((label, value) => el("option", { value, textContent: label }));
      const select = el("select", { id }, ...options);
      select.addEventListener("change", () => { choose(loss, k, Number(select.value)); settle(); });
      const made = el("label", { className: "axis" }, el("span", { textContent: axis.name }), select);
      made.update = () => { select.value = step(); };
      return made;
    }
    const slider = el("input", { type: "range", id, min: 0, max: axis.values.length - 1, step: 1 });
    const output = el("output", { htmlFor: id });
    slider.addEventListener("input", () => choose(loss, k, Number(slider.value)));
    slider.addEventListener("change", settle);
    const made = el("label", { className: "axis" }, el("span", { textContent: axis.name }), slider, output);
    made.update = () => {
      slider.value = step();
      output.value = axis.labels[step()];
      slider.setAttribute("aria-label", `${axis.name} of ${loss.name}`);
      slider.setAttribute("aria-valuetext", axis.labels[step()]);
    };
    return made;
  }

  /** Fit the axes, but only to what would not be seen otherwise. */
  function settle() {
    fit(false);
    draw();
  }

  function card(loss, n) {
    const controls = loss.axes.map((_, k) => control(loss, k));
    const code = el("code");
    const numbers = SIGNS.map((sign) => [sign, el("b")]);
    const remove = el("button", { type: "button", className: "close", textContent: "×", ariaLabel: `Remove ${loss.name}` });
    remove.addEventListener("click", () => { toggle(loss); $("#find").focus({ preventScroll: true }); });
    const swatch = el("svg", { class: "swatch", viewBox: "0 0 26 6", "aria-hidden": "true" });
    const pattern = { solid: null, dash: "6 4", dot: "2 3", dashdot: "7 3 2 3" }[dash(n)];
    swatch.append(el("path", { d: "M0 3H26", "stroke-width": 3.5, stroke: colour(n), "stroke-dasharray": pattern }));
    const made = el("li", {},
      el("div", { className: "top" }, swatch, code, remove),
      ...controls,
      el("p", { className: "numbers" }, ...numbers.map(([sign, b]) => el("span", {}, `${sign} =`, b))));
    made.title = loss.says;
    made.dataset.loss = loss.name;
    made.update = () => {
      for (const each of controls) each.update();
      const [name, rest] = call(loss).split("(");
      code.replaceChildren(`${name}(`, el("wbr"), rest);
      const found = rows(loss);
      numbers.forEach(([, b], p) => { b.textContent = digits(found[p][at]); });
    };
    made.update();
    return made;
  }

  function showCards() {
    const held = document.activeElement?.id;
    $("#cards").replaceChildren(...shown.map((name, n) => card(byName.get(name), n)));
    if (held && held !== document.activeElement?.id) document.getElementById(held)?.focus({ preventScroll: true });
    if (!shown.length) $("#cards").append(el("li", { className: "quiet", textContent: "Choose a loss below." }));
    for (const each of $("#cards").children) each.update ??= () => {};
  }

  function moveCursor(place) {
    at = place;
    const [slider, x] = [$("#x"), inputs()];
    slider.min = x[0];
    slider.max = x.at(-1);
    slider.step = (x.at(-1) - x[0]) / 160;
    slider.value = x[at];
    slider.setAttribute("aria-label", groups[group].of);
    slider.setAttribute("aria-valuetext", digits(x[at]));
    $("#at").replaceChildren(`At ${groups[group].of.split(":")[0]} x = `, el("b", { textContent: digits(x[at]) }));
    for (const each of $("#cards").children) each.update();
    draw();
    changed();
  }

  // --- choosing losses ---------------------------------------------------------------------------

  const boxes = new Map();
  for (const loss of losses) {
    const box = el("input", { type: "checkbox", value: loss.name });
    box.addEventListener("change", () => toggle(loss));
    const where = el("small");
    boxes.set(loss, el("label", { title: loss.says }, box, el("span", { textContent: loss.name }), where));
  }
  const chapters = [...new Set(losses.map((loss) => loss.chapter))];
  for (const chapter of chapters) {
    const labels = losses.filter((loss) => loss.chapter === chapter).map((loss) => boxes.get(loss));
    $("#list").append(el("details", { open: true }, el("summary", { textContent: chapter }), ...labels));
  }
  for (const [value, { title }] of Object.entries(groups)) $("#group").append(el("option", { value, textContent: title }));

  function toggle(loss) {
    if (loss.group !== group) useGroup(loss.group, [loss.name]);
    else shown = shown.includes(loss.name) ? shown.filter((name) => name !== loss.name) : [...shown, loss.name];
    renew();
  }

  function useGroup(name, names) {
    group = name;
    shown = names;
    at = nearest({ probability: 0.5, prediction: 2 }[group] ?? 1);
    const [first, last] = [inputs()[0], inputs().at(-1)];
    even = Array.from({ length: 121 }, (_, k) => nearest(first + (k / 120) * (last - first)));
  }

  const nearest = (x) => nearestOf(inputs(), x);

  function list() {
    const word = $("#find").value.trim().toLowerCase();
    let n = 0;
    for (const [loss, label] of boxes) {
      const here = loss.group === group;
      label.hidden = !(word ? `${loss.name} ${loss.says} ${loss.chapter}`.toLowerCase().includes(word) : here);
      n += !label.hidden;
      $("input", label).checked = here && shown.includes(loss.name);
      $("small", label).textContent = here ? "" : groups[loss.group].title.toLowerCase();
    }
    for (const chapter of $("#list").children) chapter.hidden = ![...chapter.querySelectorAll("label")].some((x) => !x.hidden);
    $("#found").textContent = word ? `${n} loss${n === 1 ? "" : "es"} of all inputs` : "";
  }

  function renew() {
    $("#group").value = group;
    for (const box of document.querySelectorAll("[name=panel]")) box.checked = panels.includes(Number(box.value));
    showCards();
    list();
    fit(true);
    moveCursor(at);
  }

  $("#find").addEventListener("input", list);
  $("#group").addEventListener("change", (event) => { useGroup(event.target.value, groups[event.target.value].start); renew(); });
  $("#panels").addEventListener("change", () => {
    const some = [...document.querySelectorAll("[name=panel]:checked")].map((box) => Number(box.value));
    if (some.length) panels = some;
    renew();
  });
  $("#fit").addEventListener("click", () => { fit(true); draw(); });
  $("#x").addEventListener("input", (event) => moveCursor(nearest(Number(event.target.value))));

  return {
    show() { if (group) { showCards(); draw(); } },
    read(words) {
      const wanted = (words.get("show") ?? "").split(",").filter((name) => byName.has(name));
      const first = wanted.length ? byName.get(wanted[0]).group : words.get("group");
      const name = first in groups ? first : "residual";
      useGroup(name, words.has("show") ? wanted.filter((each) => byName.get(each).group === name) : groups[name].start);
      for (const loss of losses) {
        loss.axes.forEach((axis, k) => {
          const step = axis.labels.indexOf(words.get(`${loss.name}.${axis.name}`));
          chosen.get(loss.name)[k] = step < 0 ? axis.start : step;
        });
      }
      const some = (words.get("panels") ?? "").split(",").filter((p) => p in PANELS && p !== "").map(Number);
      panels = some.length ? some : innerWidth < 700 ? [0, 1] : [0, 1, 2];
      if (words.has("x")) at = nearest(Number(words.get("x")) || 0);
      renew();
    },
    write(words) {
      words.set("group", group);
      words.set("show", shown.join(","));
      for (const name of shown) {
        byName.get(name).axes.forEach((axis, k) => {
          const step = chosen.get(name)[k];
          if (step !== axis.start) words.set(`${name}.${axis.name}`, axis.labels[step]);
        });
      }
      words.set("panels", panels.join(","));
      words.set("x", inputs()[at]);
    },
  };
}
