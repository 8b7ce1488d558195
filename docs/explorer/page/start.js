// Unpack the numbers and show the view.

async function start() {
  if (!("DecompressionStream" in window)) {
    $("#status").textContent = "This page needs a browser of 2023 or later, which can unpack what is in it.";
    return;
  }
  const data = await (await unpack("data")).json();
  $("#version").textContent = `of arraylosses ${data.version}`;
  views.curves = curvesView(data.curves, await asHalves("curve-table"));
  views.boxes = boxesView(data.boxes, await asHalves("box-table"));
  views.worst = worstView(data.worst, {
    ...Object.fromEntries(data.boxes.losses.map(({ key }) => [key, `#view=boxes&arrows=${key}`])),
    ...Object.fromEntries(data.curves.losses.map(({ loss, name }) => [loss, `#show=${encodeURIComponent(name)}`])),
  });
  showTheme();
  readAddress();
  addEventListener("hashchange", readAddress);
  $("#status").hidden = true;
  document.documentElement.dataset.ready = "yes";
}

start();
