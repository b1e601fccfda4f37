// Draws the devices anew every two seconds. What has the focus keeps it.
"use strict";

async function draw() {
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (!answer || !answer.ok) return; // the program stopped: what it showed last stays
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("devices");
  const shown = document.getElementById("devices");
  if (!next || next.innerHTML === shown.innerHTML) return;
  const form = document.activeElement && document.activeElement.form;
  const focused = form && form.getAttribute("action");
  shown.replaceWith(next);
  const again = focused && next.querySelector(`form[action="${focused}"] button`);
  if (again) again.focus();
}

setInterval(draw, 2000);
