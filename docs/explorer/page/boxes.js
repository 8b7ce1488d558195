// A box that is dragged past its target, and what every loss of boxes says to it.

function boxesView(about, table) {
  const { target, picture, across, down, sides, losses } = about;
  const byKey = new Map(losses.map((loss) => [loss.key, loss]));
  const step = across[1] - across[0];
  const NUMBERS = ["centre x", "centre y", "width", "height"];
  const UNIT = 100; // of the drawing, for one of the boxes
  const LONGEST = 1.6; // of an arrow
  let place = [0, 0, 0, 0]; // steps to the right and down, and which of the sides
  let arrows = [];
  let field = "";

  // --- looking up --------------------------------------------------------------------------------

  const boxAt = ([i, j, w, h]) => [Math.sign(i) * across[Math.abs(i)], Math.sign(j) * down[Math.abs(j)], sides[w], sides[h]];

  /** Value and gradient in center and sides. */
  function look(loss, [i, j, w, h]) {
    const quarter = loss.quarters === 1 ? 0 : (i < 0) + 2 * (j < 0);
    const row = (((quarter * sides.length + h) * sides.length + w) * down.length + Math.abs(j)) * across.length + Math.abs(i);
    const [value, x, y, ...rest] = Array.from(table.subarray(loss.place + row * 5, loss.place + row * 5 + 5), (n) => HALVES[n]);
    return [value, i < 0 ? -x : x, j < 0 ? -y : y, ...rest];
  }

  const within = (n, values) => Math.max(1 - values.length, Math.min(values.length - 1, n));
  const colourOf = (key) => colour(arrows.indexOf(key));

  function move(next) {
    place = [within(next[0], across), within(next[1], down),
      ...next.slice(2).map((k) => Math.max(0, Math.min(sides.length - 1, k)))];
    show();
    changed();
  }

  // --- the stage ---------------------------------------------------------------------------------

  const stage = $("#stage");
  const [wide, high] = picture.map((x) => x * UNIT);
  stage.setAttribute("viewBox", `${-wide / 2} ${-high / 2} ${wide} ${high}`);
  const rect = (className, [x, y, w, h]) => el("rect", {
    class: className, x: (x - w / 2) * UNIT, y: (y - h / 2) * UNIT, width: w * UNIT, height: h * UNIT, rx: 3,
  });
  const fieldMarks = el("path", { class: "field-marks" });
  const body = el("rect", { class: "pred", rx: 3 });
  const grips = [[-1, -1], [1, -1], [-1, 1], [1, 1]].map((corner) => {
    const area = el("circle", { class: "grip-area", r: 24 });
    return { corner, area, mark: el("rect", { class: "grip", width: 16, height: 16, rx: 3 }) };
  });
  const box = el("g", { id: "box", tabindex: 0, role: "application", "aria-roledescription": "box to move" },
    body, ...grips.flatMap(({ area, mark }) => [mark, area]));
  const marks = el("g", { class: "marks", "aria-hidden": "true" });
  stage.append(fieldMarks, rect("target", target), box, marks);

  const onStage = (event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());
    return [x / UNIT, y / UNIT];
  };
  let grabbed = null;
  // A thumb on the box moves the box, beside it the page; browsers do not heed touch-action inside a drawing.
  box.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  box.addEventListener("pointerdown", (event) => {
    const [x, y] = onStage(event), [cx, cy] = boxAt(place);
    const grip = grips.find(({ area }) => area === event.target);
    grabbed = { corner: grip?.corner, off: [x - cx, y - cy] };
    box.setPointerCapture(event.pointerId);
    box.focus({ preventScroll: true });
    event.preventDefault();
  });
  box.addEventListener("pointermove", (event) => {
    if (!grabbed) return;
    const [x, y] = onStage(event), [cx, cy] = boxAt(place);
    if (grabbed.corner) { // the center stays
      const [across_, down_] = [Math.max((x - cx) * grabbed.corner[0], 0), Math.max((y - cy) * grabbed.corner[1], 0)];
      move([place[0], place[1], nearestOf(sides, 2 * across_), nearestOf(sides, 2 * down_)]);
    } else {
      move([Math.round((x - grabbed.off[0]) / step), Math.round((y - grabbed.off[1]) / step), place[2], place[3]]);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => { grabbed = null; });
  box.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    const [x, y] = way;
    move(event.shiftKey ? [place[0], place[1], place[2] + x, place[3] - y] : [place[0] + x, place[1] + y, place[2], place[3]]);
    event.preventDefault();
  });

  /** An arrow as a path; nothing if it is too short to be one. */
  function arrow(x, y, dx, dy, head = 9) {
    const length = Math.hypot(dx, dy);
    if (!(length > 2)) return "";
    const [ux, uy] = [dx / length, dy / length], size = Math.min(head, 0.6 * length);
    const [tx, ty] = [x + dx, y + dy];
    const barb = (s) => `L${tx - size * ux + s * size * 0.55 * uy} ${ty - size * uy - s * size * 0.55 * ux}`;
    return `M${x} ${y}L${tx} ${ty}M${tx} ${ty}${barb(1)}M${tx} ${ty}${barb(-1)}`;
  }

  /** A step against the gradient, as long as the root of it, and not longer than can be drawn. */
  function stepOf(gradient, scale = 1) {
    const size = Math.hypot(...gradient);
    const length = scale * Math.min(1.2 * Math.sqrt(size), LONGEST) * UNIT;
    return gradient.map((g) => (-g * length) / size || 0);
  }

  function showStage() {
    const [cx, cy, w, h] = boxAt(place);
    const [left, top, right, bottom] = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2].map((x) => x * UNIT);
    for (const [k, v] of Object.entries({ x: left, y: top, width: w * UNIT, height: h * UNIT })) body.setAttribute(k, v);
    for (const { corner: [x, y], area, mark } of grips) {
      const [gx, gy] = [x < 0 ? left : right, y < 0 ? top : bottom];
      area.setAttribute("cx", gx);
      area.setAttribute("cy", gy);
      mark.setAttribute("x", gx - 8);
      mark.setAttribute("y", gy - 8);
    }
    box.setAttribute("aria-label", `Predicted box: centre ${digits(cx)}, ${digits(cy)}, ${digits(w)} wide, ${digits(h)} high`);
    marks.replaceChildren();
    arrows.forEach((key, k) => {
      const [, ...gradient] = look(byKey.get(key), place);
      const [dx, dy] = stepOf(gradient.slice(0, 2));
      const [dw, dh] = gradient.slice(2).map((g) => stepOf([g], 0.35)[0]);
      const offset = (k - (arrows.length - 1) / 2) * 12;
      const [x, y] = [cx * UNIT, cy * UNIT];
      const path = arrow(x, y, dx, dy, 14) + arrow(right, y + offset, dw, 0) + arrow(left, y + offset, -dw, 0)
        + arrow(x + offset, bottom, 0, dh) + arrow(x + offset, top, 0, -dh);
      marks.append(el("path", { d: path, class: "halo" }), el("path", { d: path, stroke: colour(k), "data-of": key }));
    });
    marks.append(el("circle", { cx: cx * UNIT, cy: cy * UNIT, r: 4, class: "center" }));
    fieldMarks.setAttribute("d", field ? fieldPath(byKey.get(field)) : "");
    const values = [place[0], place[1], place[2], place[3]];
    controls.forEach(({ slider, output }, k) => {
      slider.value = values[k];
      output.value = digits([cx, cy, w, h][k]);
      slider.setAttribute("aria-valuetext", output.value);
    });
  }

  /** Where a box of this size would be moved from every third place. */
  function fieldPath(loss) {
    let path = "";
    for (let i = 1 - across.length; i < across.length; i += 3) {
      for (let j = 1 - down.length; j < down.length; j += 3) {
        const [, x, y] = look(loss, [i, j, place[2], place[3]]);
        const [cx, cy] = boxAt([i, j, 0, 0]);
        const [dx, dy] = stepOf([x, y], 0.22);
        path += arrow(cx * UNIT - dx / 2, cy * UNIT - dy / 2, dx, dy, 8);
      }
    }
    return path;
  }

  const controls = NUMBERS.map((name, k) => {
    const values = [across, down, sides, sides][k];
    const low = k < 2 ? 1 - values.length : 0;
    const slider = el("input", { type: "range", id: `box-${k}`, min: low, max: values.length - 1, step: 1 });
    slider.addEventListener("input", () => move(place.map((old, i) => (i === k ? Number(slider.value) : old))));
    const output = el("output", { htmlFor: slider.id });
    $("#place").append(el("label", { className: "axis" }, el("span", { textContent: name }), slider, output));
    return { slider, output };
  });
  $("#sides").textContent = `${target[2]} and ${target[3]}`;
  const ofTarget = [nearestOf(sides, target[2]), nearestOf(sides, target[3])];
  $("#meet").addEventListener("click", () => move([0, 0, ...ofTarget]));
  $("#away").addEventListener("click", () => move([17, -11, 3, 2]));

  // --- the numbers -------------------------------------------------------------------------------

  const readings = losses.map((loss) => {
    const bar = el("i"), value = el("b"), numbers = el("small"), swatch = el("svg", { viewBox: "-20 -20 40 40", "aria-hidden": "true" });
    const path = el("path");
    swatch.append(el("circle", { r: 1.5 }), path);
    const button = el("button", { type: "button", title: loss.says },
      swatch, el("span", { className: "name", textContent: loss.key }), value,
      el("span", { className: "meter" }, bar), numbers);
    button.dataset.loss = loss.key;
    button.addEventListener("click", () => {
      arrows = arrows.includes(loss.key) ? arrows.filter((key) => key !== loss.key) : [...arrows, loss.key].slice(-7);
      show();
      changed();
    });
    $("#readings").append(el("li", {}, button));
    $("#field").append(el("option", { value: loss.key, textContent: loss.key }));
    return { loss, button, bar, value, numbers, path };
  });
  $("#field").prepend(el("option", { value: "", textContent: "none" }));
  $("#field").addEventListener("change", (event) => { field = event.target.value; show(); changed(); });

  function showReadings() {
    for (const { loss, button, bar, value, numbers, path } of readings) {
      const [l, ...gradient] = look(loss, place);
      const [low, high] = loss.range;
      const chosen = arrows.includes(loss.key);
      button.setAttribute("aria-pressed", chosen);
      button.style.setProperty("--of", chosen ? colourOf(loss.key) : "");
      value.textContent = digits(l);
      bar.style.width = `${Math.max(0, Math.min(100, 100 * (l - low) / (high - low)))}%`;
      numbers.textContent = `∂x ${digits(gradient[0])}  ∂y ${digits(gradient[1])}  ∂w ${digits(gradient[2])}  ∂h ${digits(gradient[3])}`;
      const [dx, dy] = stepOf(gradient.slice(0, 2), 0.24);
      path.setAttribute("d", arrow(-dx / 2, -dy / 2, dx, dy, 12));
    }
  }

  function show() {
    $("#field").value = field;
    showReadings();
    showStage();
  }

  return {
    show,
    read(words) {
      const steps = (words.get("at") ?? "").split(",").map(Number);
      place = [17, -11, 3, 2];
      if (steps.length === 4 && steps.every(Number.isFinite)) {
        place = [Math.round(steps[0] / step), Math.round(steps[1] / step), nearestOf(sides, steps[2]), nearestOf(sides, steps[3])];
        place = [within(place[0], across), within(place[1], down), place[2], place[3]];
      }
      arrows = (words.get("arrows") ?? about.start.join(",")).split(",").filter((key) => byKey.has(key));
      field = byKey.has(words.get("field")) ? words.get("field") : "";
    },
    write(words) {
      words.set("at", boxAt(place).map((x) => Number(x.toFixed(3))).join(","));
      words.set("arrows", arrows.join(","));
      if (field) words.set("field", field);
    },
  };
}
