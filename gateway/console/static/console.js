// Only what a page cannot do by itself: follow progress, tick all rows, show where one is.
"use strict";

const bar = document.querySelector("[data-follow]");
async function follow() {
  try {
    const answer = await fetch(bar.dataset.follow, {headers: {Accept: "application/json"}});
    if (!answer.ok || answer.redirected) { location.reload(); return; }
    const now = await answer.json();
    bar.max = Math.max(1, now.total);
    bar.value = now.done;
    document.getElementById("words").textContent = now.words;
    if (!now.running) { location.reload(); return; }
  } catch { /* the gateway restarts, perhaps: asked again */ }
  setTimeout(follow, 700);
}
if (bar) setTimeout(follow, 300);

document.querySelector("nav [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"});

for (const all of document.querySelectorAll("[data-all]")) {
  const boxes = [...all.closest("form").querySelectorAll(`input[name="${all.dataset.all}"]`)];
  all.hidden = false;
  all.addEventListener("change", () => boxes.forEach(box => { box.checked = all.checked; }));
  boxes.forEach(box => box.addEventListener("change", () => {
    all.checked = boxes.every(each => each.checked);
    all.indeterminate = !all.checked && boxes.some(each => each.checked);
  }));
}
