"use strict";
// Sorts and filters the tables, tells a plot's points by pointer and keyboard, and draws a record's page from its data.
// Whatever comes from a record is set as text, never as markup.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";

  function make(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function draw(name, attributes = {}, text = "") {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  }

  function digits(value) {
    if (value === 0) return "0";
    const places = Math.max(0, Math.min(9, 3 - Math.floor(Math.log10(Math.abs(value)))));
    return value.toLocaleString("en", {minimumFractionDigits: places, maximumFractionDigits: places});
  }

  // As short as a round number is.
  const short = (value) => value === 0 ? "0" : Math.abs(value) >= 1000 ? value.toLocaleString("en", {maximumFractionDigits: 0})
    : String(Number(value.toPrecision(4)));

  // Sorting: a button in each heading; numbers by their value, what is not known always last.
  const collator = new Intl.Collator("en", {numeric: true, sensitivity: "base"});

  function keyOf(row, column) {
    const cell = row.cells[column];
    if (!cell || cell.colSpan > 1 || cell.textContent === "–") return null;
    const number = cell.dataset.v;
    return number === undefined ? cell.textContent.trim() : Number(number);
  }

  function compare(left, right, sign) {
    if (left === null || right === null) return (left === null) - (right === null);
    if (typeof left === "number" && typeof right === "number") return sign * (left - right);
    return sign * collator.compare(String(left), String(right));
  }

  function sort(table, heading) {
    const descending = heading.getAttribute("aria-sort") === "ascending";
    const column = heading.cellIndex;
    for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [keyOf(row, column), row]);
    keyed.sort((left, right) => compare(left[0], right[0], descending ? -1 : 1));
    body.append(...keyed.map((pair) => pair[1]));
  }

  for (const table of all("table.cells"))
    for (const button of all("thead button", table)) {
      button.disabled = false;
      button.addEventListener("click", () => sort(table, button.closest("th")));
    }

  // Filtering: every word must stand in the row; points of rows that are hidden go with them.
  const form = one("#filter");
  const rows = all("table.cells tbody tr");
  const texts = new Map();
  const columns = {model: 1, technique: 2, runtime: 3};
  const points = all("a.point");

  function textOf(row) {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  }

  function fits(row, wanted) {
    if (wanted.front && row.dataset.standing !== "front") return false;
    for (const [name, value] of wanted.chosen) if (row.cells[columns[name]].textContent !== value) return false;
    return wanted.words.every((word) => textOf(row).includes(word));
  }

  function filter() {
    const fields = form.elements;
    const wanted = {
      words: fields.text.value.toLowerCase().split(/\s+/).filter(Boolean),
      front: fields.front.checked,
      chosen: all("select", form).filter((each) => each.value).map((each) => [each.name, each.value]),
    };
    const away = new Set();
    for (const row of rows) {
      row.hidden = !fits(row, wanted);
      if (row.hidden) away.add(row.dataset.row);
    }
    for (const point of points) point.classList.toggle("away", away.has(point.dataset.row));
    all("svg.plot").forEach(rove);
    one("#shown").textContent = `${rows.length - away.size} of ${rows.length} rows`;
  }

  form.hidden = false;
  one("#scriptless").hidden = true;
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());

  // What a point is, beside the pointer or the focus.
  const tip = one("#tip");

  function tell(text, box) {
    tip.textContent = text;
    tip.hidden = false;
    const left = Math.min(box.right + 8, innerWidth - tip.offsetWidth - 8);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  }

  const hush = () => { tip.hidden = true; };
  addEventListener("keydown", (event) => { if (event.key === "Escape") hush(); });
  addEventListener("scroll", hush, {capture: true, passive: true});

  // One stop for the tab key a plot; the arrow keys go along its points.
  const seen = (svg) => all("a.point:not(.away)", svg).map((point) => [Number(one("circle", point).getAttribute("cx")), point])
    .sort((left, right) => left[0] - right[0]).map((pair) => pair[1]);

  function rove(svg) {
    const visible = seen(svg);
    const current = visible.find((point) => point.tabIndex === 0) || visible[0];
    for (const point of all("a.point", svg)) point.setAttribute("tabindex", point === current ? "0" : "-1");
  }

  const STEPS = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity};

  function walk(event, svg) {
    const step = STEPS[event.key];
    if (step === undefined) return;
    const visible = seen(svg);
    const place = visible.indexOf(event.target.closest("a.point"));
    const next = visible[Math.max(0, Math.min(visible.length - 1, place + step))];
    event.preventDefault();
    for (const point of visible) point.setAttribute("tabindex", point === next ? "0" : "-1");
    next.focus();
  }

  for (const svg of all("svg.plot")) {
    rove(svg);
    svg.addEventListener("keydown", (event) => walk(event, svg));
    for (const kind of ["pointerover", "focusin"])
      svg.addEventListener(kind, (event) => {
        const point = event.target.closest("a.point");
        if (point) tell(point.getAttribute("aria-label"), one("circle", point).getBoundingClientRect());
      });
    for (const kind of ["pointerout", "focusout"]) svg.addEventListener(kind, hush);
  }
  for (const point of points) if (!one(`#data-${point.dataset.row}`)) point.removeAttribute("href");

  // A record's page.
  const W = 760, H = 300, LEFT = 76, RIGHT = 16, TOP = 20, BOTTOM = 52;
  const read = (id) => { const found = document.getElementById(id); return found && JSON.parse(found.textContent); };
  let shared = null;

  function scale(low, high, start, end) {
    const range = high - low || Math.abs(high) || 1;
    return (value) => start + ((value - low) / range) * (end - start);
  }

  function ticks(low, high) {
    const rough = (high - low || 1) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(at === 0 ? 0 : at);
    return found;
  }

  function logTicks(low, high) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1)
      for (const factor of [1, 2, 5]) found.push(factor * 10 ** power);
    const inside = found.filter((value) => value >= low && value <= high);
    return inside.length > 1 ? inside : [low, high];
  }

  function frame(label, title) {
    const svg = draw("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", tabindex: "0", "aria-label": label});
    svg.append(draw("path", {class: "axis", d: `M${LEFT} ${TOP}V${H - BOTTOM}H${W - RIGHT}`}));
    svg.append(draw("text", {x: (LEFT + W - RIGHT) / 2, y: H - 8, "text-anchor": "middle"}, title));
    return svg;
  }

  function label(svg, x, y, text, anchor) {
    svg.append(draw("text", {x, y, "text-anchor": anchor}, text));
  }

  // Every call in order, the processes side by side.
  function placed(processes) {
    let offset = 0;
    const marks = [], bands = [];
    for (const each of processes) {
      const start = offset;
      const put = (kind, part) => part.y.forEach((y, place) => marks.push({
        kind, y, x: offset + (part.x ? part.x[place] : place), call: part.x ? part.x[place] : place, round: each.round,
        out: kind === "timed" && (y < each.fences[0] || y > each.fences[1]),
      }));
      put("warm", each.warm);
      offset += each.warm.n;
      const from = offset;
      put("timed", each.timed);
      offset += each.timed.n;
      bands.push({start, from, end: offset, median: each.median, round: each.round});
    }
    return {marks, bands, end: offset};
  }

  function verticals(svg, low, high, log) {
    const up = log ? scale(Math.log10(low), Math.log10(high), H - BOTTOM, TOP) : scale(low, high, H - BOTTOM, TOP);
    const at = (value) => up(log ? Math.log10(value) : value);
    for (const value of log ? logTicks(low, high) : ticks(low, high)) {
      svg.append(draw("path", {class: "grid", d: `M${LEFT} ${at(value)}H${W - RIGHT}`}));
      label(svg, LEFT - 6, at(value) + 4, short(value), "end");
    }
    return at;
  }

  function shape(mark, x, y) {
    if (mark.out) return draw("path", {class: "out", d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`});
    return draw("circle", {class: mark.kind, cx: x, cy: y, r: mark.kind === "warm" ? 2 : 2.5});
  }

  function overTime(data) {
    const {marks, bands, end} = placed(data.processes);
    const values = marks.map((mark) => mark.y).filter((y) => y > 0);
    const low = Math.min(...values), high = Math.max(...values);
    const log = low > 0 && high > 4 * low;
    const svg = frame("Samples over time; the arrow keys go from call to call", "calls in order, one process after the other");
    const across = scale(0, end, LEFT, W - RIGHT);
    bands.forEach((band, place) => {
      if (place % 2) svg.append(draw("rect", {class: "band", x: across(band.start), y: TOP, height: H - TOP - BOTTOM,
        width: across(band.end) - across(band.start)}));
    });
    const up = verticals(svg, log ? low * 0.95 : low - (high - low) * 0.05, log ? high * 1.05 : high + (high - low) * 0.05, log);
    const drawn = [];
    for (const mark of marks) {
      if (log && !(mark.y > 0)) continue;
      const x = across(mark.x + 0.5), y = up(mark.y);
      svg.append(shape(mark, x, y));
      const what = mark.kind === "warm" ? "warm-up call" : mark.out ? "call, an outlier," : "call";
      drawn.push({x, y, text: `process ${mark.round}, ${what} ${mark.call + 1}: ${digits(mark.y)} ms`});
    }
    for (const band of bands) {
      svg.append(draw("path", {class: "middle", d: `M${across(band.from)} ${up(band.median)}H${across(band.end)}`}));
      label(svg, (across(band.start) + across(band.end)) / 2, H - BOTTOM + 18, bands.length > 6 ? `${band.round}` : `process ${band.round}`, "middle");
    }
    label(svg, LEFT + 4, TOP - 5, log ? "ms (logarithmic)" : "ms", "start");
    pick(svg, drawn);
    return svg;
  }

  function distribution(bins) {
    const svg = frame("Distribution of the timed calls; the arrow keys go from bar to bar", "ms");
    const counts = bins.above ? [...bins.counts, bins.above] : bins.counts;
    const width = (W - RIGHT - LEFT) / counts.length;
    const most = Math.max(...counts);
    const up = scale(0, most, H - BOTTOM, TOP);
    for (const value of ticks(0, most)) {
      svg.append(draw("path", {class: "grid", d: `M${LEFT} ${up(value)}H${W - RIGHT}`}));
      label(svg, LEFT - 6, up(value) + 4, value.toLocaleString("en"), "end");
    }
    const step = (bins.high - bins.low) / bins.counts.length;
    const drawn = counts.map((count, place) => {
      const x = LEFT + place * width, y = up(count), beyond = place >= bins.counts.length;
      svg.append(draw("rect", {class: beyond ? "bar out" : "bar", x: x + 0.5, y, width: Math.max(1, width - 1), height: H - BOTTOM - y}));
      const from = bins.low + place * step;
      const range = beyond ? `${digits(bins.high)} to ${digits(bins.most)}` : `${digits(from)} to ${digits(from + step)}`;
      return {x: x + width / 2, y, text: `${range} ms: ${count.toLocaleString("en")} ${count === 1 ? "call" : "calls"}`};
    });
    const across = scale(bins.low, bins.high, LEFT, LEFT + width * bins.counts.length);
    for (const value of ticks(bins.low, bins.high))
      if (!bins.above || across(value) < W - RIGHT - 80) label(svg, across(value), H - BOTTOM + 18, short(value), "middle");
    if (bins.above) label(svg, W - RIGHT, H - BOTTOM + 18, "more", "end");
    svg.append(draw("path", {class: "middle", d: `M${across(bins.median)} ${TOP}V${H - BOTTOM}`}));
    label(svg, across(bins.median) + 4, TOP + 8, `median ${digits(bins.median)}`, "start");
    pick(svg, drawn);
    return svg;
  }

  // The nearest mark by pointer, the next one by arrow key.
  function pick(svg, marks) {
    const ring = draw("circle", {class: "picked", r: 6, visibility: "hidden"});
    let place = -1;
    svg.append(ring);
    function show(index) {
      if (index < 0 || index >= marks.length) return;
      place = index;
      ring.setAttribute("cx", marks[index].x);
      ring.setAttribute("cy", marks[index].y);
      ring.setAttribute("visibility", "visible");
      tell(marks[index].text, ring.getBoundingClientRect());
    }
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) * W / box.width, y = (event.clientY - box.top) * H / box.height;
      let best = -1, least = Infinity;
      marks.forEach((mark, index) => {
        const away = (mark.x - x) ** 2 + (mark.y - y) ** 2;
        if (away < least) [best, least] = [index, away];
      });
      show(best);
    });
    svg.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show(Math.max(0, Math.min(marks.length - 1, place + step)));
    });
    for (const kind of ["pointerleave", "focusout"])
      svg.addEventListener(kind, () => { ring.setAttribute("visibility", "hidden"); hush(); });
  }

  function figure(svg, words) {
    return make("figure", {}, svg, make("figcaption", {}, words));
  }

  function charts(data) {
    const processes = data.processes;
    const count = (part) => processes.reduce((sum, each) => sum + each[part].n, 0);
    const shown = (part) => processes.reduce((sum, each) => sum + each[part].y.length, 0);
    const outliers = processes.reduce((sum, each) => sum + each.outliers, 0);
    const thinned = shown("timed") < count("timed") || shown("warm") < count("warm");
    const words = `${count("timed").toLocaleString("en")} timed calls and ${count("warm").toLocaleString("en")} warm-up calls (hollow)`
      + ` in ${processes.length} ${processes.length === 1 ? "process" : "processes"}; × marks ${outliers === 1 ? "the 1 outlier" : `the ${outliers.toLocaleString("en")} outliers`}`
      + " (beyond Tukey’s fences; none is left out of the numbers); the line is each process’s median."
      + (thinned ? ` Drawn: the least and the largest of neighbouring calls, ${shown("timed") + shown("warm")} points.` : "");
    const parts = [make("h3", {}, "Samples over time"), figure(overTime(data), words)];
    parts.push(make("h3", {}, "Distribution"), figure(distribution(data.histogram), "Timed calls of all processes; the line is their median."));
    return make("section", {}, ...parts);
  }

  const FACTS = {cell: true, "evidence of change": true, conditions: true, artefact: false, cost: false, inputs: false,
    executed: false, protocol: false, host: false};  // whether they are open

  function lines(heading, listed) {
    const title = heading[0].toUpperCase() + heading.slice(1);
    if (heading in FACTS) return facts(title, listed, FACTS[heading]);
    return make("section", {}, make("h3", {}, title), make("ul", {}, ...listed.map((line) => make("li", {}, line))));
  }

  function facts(title, listed, opened) {
    const items = listed.map((line) => {
      const end = line.indexOf(" ");
      return make("li", {}, make("span", {}, line.slice(0, end)), line.slice(end));
    });
    const made = make("details", {}, make("summary", {}, title), make("ul", {class: "facts"}, ...items));
    made.open = opened;
    return made;
  }

  function warnings(listed) {
    const items = listed.map(([code, message, remedy]) =>
      make("li", {}, make("b", {}, code), `: ${message.replace(/\.$/, "")}.`, remedy ? ` Remedy: ${remedy}` : ""));
    return make("section", {class: "warnings"}, make("h3", {}, "Warnings"), make("ul", {}, ...items));
  }

  function neighbours(number) {
    const order = all("script[id^=data-]").map((each) => Number(each.id.slice(5)));
    const place = order.indexOf(number);
    const nav = make("nav", {"aria-label": "Records"}, make("a", {href: "#results"}, "← all results"));
    if (place > 0) nav.append(make("a", {href: `#cell-${order[place - 1]}`, rel: "prev"}, `previous (#${order[place - 1]})`));
    if (place < order.length - 1) nav.append(make("a", {href: `#cell-${order[place + 1]}`, rel: "next"}, `next (#${order[place + 1]})`));
    return nav;
  }

  function open(number) {
    const data = read(`data-${number}`);
    if (!data) return false;
    shared = shared || read("shared");
    const heading = make("h2", {id: "cell-name", tabindex: "-1"}, `#${data.number} ${data.name}`);
    const cell = one("#cell");
    const parts = data.parts.map(([name, listed]) => [name, typeof listed === "number" ? shared[listed] : listed]);
    const result = parts.filter((part) => part[0] === "result");
    cell.replaceChildren(neighbours(number), heading, make("p", {class: "key"}, data.group), ...result.map((part) => lines(...part)));
    if (data.warnings.length) cell.append(warnings(data.warnings));
    if (data.series) cell.append(charts(data.series));
    cell.append(...parts.filter((part) => part[0] !== "result").map((part) => lines(...part)));
    one("#overview").hidden = true;
    cell.hidden = false;
    document.title = `#${data.number} ${data.name}`;
    scrollTo(0, 0);
    heading.focus({preventScroll: true});
    return true;
  }

  const title = document.title;
  let last = 0, left = null;

  function route() {
    const found = /^#cell-(\d+)$/.exec(location.hash);
    hush();
    if (found) {
      if (left === null) left = scrollY;
      if (open(Number(found[1]))) { last = Number(found[1]); return; }
    }
    if (left === null) return;
    one("#cell").hidden = true;
    one("#overview").hidden = false;
    document.title = title;
    scrollTo(0, left);
    left = null;
    const link = one(`tr[data-row="${last}"] a`);
    if (link) link.focus({preventScroll: true});
  }

  addEventListener("beforeprint", () => { for (const each of all("details")) each.open = true; });
  addEventListener("hashchange", route);
  if (location.hash) route();
  document.documentElement.dataset.ready = "yes";
})();
