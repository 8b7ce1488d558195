// The accuracy files as one table, to sort and to filter.

function worstView({ columns, rows }, drawn) {
  const HEADS = {
    loss: "Loss", call: "Call", of: "Of", dtype: "Dtype", on: "On", measured: "Over", ulp: "Worst, in ulp", at: "Worst input",
  };
  const CHOICES = ["of", "dtype", "on", "measured"];
  const PAGE = 100;
  const records = rows.map((row) => Object.fromEntries(columns.map((name, k) => [name, row[k]])));
  for (const record of records) record.ulp = Number(record.ulp === "inf" ? Infinity : record.ulp);
  const form = $("#filters");
  const kinds = {
    of: (record) => record.of.split(" ")[0],
    dtype: (record) => record.dtype,
    on: (record) => record.on,
    measured: (record) => (record.measured.includes("float32") ? "float32" : record.measured.split(" ").at(-1)),
  };
  let sort = ["ulp", -1];
  let shown = PAGE;

  for (const name of CHOICES) {
    const values = [...new Set(records.map(kinds[name]))].sort();
    form.elements[name].append(el("option", { value: "", textContent: "any" }),
      ...values.map((value) => el("option", { value, textContent: value })));
  }
  for (const name of columns) {
    const head = el("th", { scope: "col" });
    if (name === "at") head.textContent = HEADS[name];
    else {
      const button = el("button", { type: "button", textContent: HEADS[name] });
      button.addEventListener("click", () => {
        sort = sort[0] === name ? [name, -sort[1]] : [name, name === "ulp" ? -1 : 1];
        shown = PAGE;
        renew();
      });
      head.append(button);
    }
    head.dataset.column = name;
    $("#rows thead tr").append(head);
  }

  const text = (x) => (Number.isFinite(x) ? (x >= 2 ** 22 ? "missed" : x >= 100 ? x.toFixed(0) : String(Number(x.toPrecision(3)))) : "missed");

  function filtered() {
    const word = form.elements.q.value.trim().toLowerCase();
    const least = form.elements.least.value === "" ? -Infinity : Number(form.elements.least.value);
    const [by, way] = sort;
    return records
      .filter((record) => record.ulp >= least && record.loss.includes(word)
        && CHOICES.every((name) => !form.elements[name].value || kinds[name](record) === form.elements[name].value))
      .sort((a, b) => way * (by === "ulp" ? a.ulp - b.ulp : a[by].localeCompare(b[by])) || a.loss.localeCompare(b.loss));
  }

  function line(record) {
    const inputs = record.at.map(([hex, number]) => el("span", { title: hex, textContent: digits(number, 6) }));
    const cells = {
      loss: el("code", {}, drawn[record.loss] ? el("a", { href: drawn[record.loss], textContent: record.loss }) : record.loss),
      call: record.call ? el("code", { textContent: record.call }) : "",
      ulp: text(record.ulp),
      at: el("span", { className: "inputs" }, ...inputs),
    };
    return el("tr", {}, ...columns.map((name) => {
      const cell = el(name === "loss" ? "th" : "td", {}, cells[name] ?? record[name]);
      if (name === "loss") cell.scope = "row";
      cell.dataset.column = name;
      return cell;
    }));
  }

  function show() {
    const found = filtered();
    for (const head of $("#rows thead tr").children) {
      const way = head.dataset.column === sort[0] ? (sort[1] > 0 ? "ascending" : "descending") : null;
      if (way) head.setAttribute("aria-sort", way);
      else head.removeAttribute("aria-sort");
    }
    $("#rows tbody").replaceChildren(...found.slice(0, shown).map(line));
    $("#count").value = `${found.length} of ${records.length}`;
    $("#more").hidden = found.length <= shown;
    $("#more").textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
  }

  function renew() {
    show();
    changed();
  }

  form.addEventListener("input", () => { shown = PAGE; renew(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(renew));
  $("#more").addEventListener("click", () => { shown += PAGE; show(); });

  return {
    show,
    read(words) {
      for (const name of ["q", "least", ...CHOICES]) form.elements[name].value = words.get(name) ?? "";
      const [, minus, by] = /^(-?)(\w+)$/.exec(words.get("sort") ?? "") ?? [];
      sort = columns.includes(by) ? [by, minus ? -1 : 1] : ["ulp", -1];
      shown = PAGE;
    },
    write(words) {
      for (const name of ["q", "least", ...CHOICES]) if (form.elements[name].value) words.set(name, form.elements[name].value);
      if (sort.join() !== "ulp,-1") words.set("sort", (sort[1] < 0 ? "-" : "") + sort[0]);
    },
  };
}
