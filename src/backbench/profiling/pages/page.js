"use strict";
const rows = [...document.querySelectorAll("tbody tr")];
const box = document.getElementById("search");
const hits = document.getElementById("hits");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  hits.textContent = words.length ? `${shown} rows` : "";
  if (!words.length) return;
  for (const part of document.querySelectorAll("details")) part.open = Boolean(part.querySelector("tbody tr:not([hidden])"));
});
const number = (text) => parseFloat(text.replace(/,/g, ""));
for (const head of document.querySelectorAll("th")) {
  head.querySelector("button").addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") === "descending" || !head.hasAttribute("aria-sort") && !head.classList.contains("n");
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const place = head.cellIndex;
    const key = (row) => row.cells[place].textContent;
    const order = [...body.rows].sort((one, two) => {
      if (!head.classList.contains("n")) return key(one).localeCompare(key(two), undefined, { numeric: true });
      const [left, right] = [number(key(one)), number(key(two))];
      return (Number.isNaN(left) ? -Infinity : left) - (Number.isNaN(right) ? -Infinity : right);
    });
    body.append(...(up ? order : order.reverse()));
  });
}
