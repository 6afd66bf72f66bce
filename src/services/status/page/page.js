// SPDX-License-Identifier: MIT
// Refreshes the page from status.json. The data-of attributes of a table or a list of facts name its
// values; a value's class, a member of `shapes`, determines its form. Text from the server goes into
// the page as text, never as markup.
"use strict";

const SPAN_S = 300, CHART_HEIGHT = 80, MARKS_SHOWN = 8, WAITS_SHOWN = 3;
const EVERY_MS = 1000, ANSWER_MS = 5000, BACKOFF_MOST_MS = 30000;
const CLEAN = "http://www.w3.org/2000/svg";
const WORDS = { start: "start", crash: "crash", hang: "hang", reload: "reload", reload_failed: "failed reload" };

const by = id => document.getElementById(id);

// --- Elements

// element("p", "class", "text" or children ...)
function element(name, shape, ...children) {
	const made = document.createElement(name);
	if (shape)
		made.className = shape;
	made.append(...children);
	return made;
}

function drawing(name, attributes) {
	const made = document.createElementNS(CLEAN, name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	return made;
}

function say(where, text) {
	if (where.textContent !== text)
		where.textContent = text;
}

// --- The form of values: the same as the server writes

function grouped(value) {
	return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

function tenths(value) {
	return (Math.floor(value * 10 + 1e-6) / 10).toFixed(1);
}

function bytes(value) {
	const units = ["KiB", "MiB", "GiB", "TiB"];
	let unit = -1;
	for (; value >= 1024 && unit < units.length - 1; unit++)
		value /= 1024;
	return unit < 0 ? value + " B" : tenths(value) + " " + units[unit];
}

function seconds(value) {
	const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
	value = Math.max(0, Math.floor(value));
	let i = units.findIndex(unit => value >= unit[0]);
	if (i < 0 || i === 3)
		return value + "s";
	const [size, name] = units[i], [next, small] = units[i + 1];
	return Math.floor(value / size) + name + " " + Math.floor(value % size / next) + small;
}

function latency(value) {
	const us = Math.round(value * 1e6);
	if (us < 0)
		return "-";
	if (us < 1000)
		return us + " \u00b5s";
	return us < 1e6 ? tenths(us / 1000) + " ms" : tenths(us / 1e6) + " s";
}

function moment(at, now) {
	const made = element("time", "", seconds(now - at) + " ago");
	made.dateTime = new Date(at * 1000).toISOString().replace(/\.\d+/, "");
	made.title = new Date(at * 1000).toLocaleString();
	return made;
}

function meter(value, most) {
	const made = element("meter", "");
	made.max = most || 1;
	made.high = made.max - Math.floor(made.max / 4);
	made.optimum = 0;
	made.value = value;
	made.setAttribute("aria-hidden", "true");
	return made;
}

// Each takes a list of values and the server's time, and returns a text or a list of nodes.
const shapes = {
	count: ([value]) => grouped(value),
	id: ([value]) => String(value),
	bytes: ([value]) => bytes(value),
	seconds: ([value]) => seconds(value),
	latency: ([value]) => latency(value),
	ratio: ([value]) => (Math.floor(value * 100 + 1e-6) / 100).toFixed(2),
	word: ([value]) => value === "" ? "-" : String(value),
	share: ([value, most]) => grouped(value) + " of " + grouped(most),
	state: ([value]) => [element("span", "badge " + value, value.replaceAll("_", " "))],
	ago: ([value], now) => value > 0 ? [moment(value, now)] : "-",
	meter: ([value, most]) => [meter(value, most), grouped(value) + " of " + grouped(most)],
};

function pick(object, path) {
	return path.split(".").reduce((inner, key) => inner === undefined || inner === null ? undefined : inner[key], object);
}

const shown = new WeakMap();

// Shows the object's values under the names of `of` in the cell, unless it shows them already.
function fill(cell, shape, of, object, now) {
	const values = of.split(" ").map(path => pick(object, path));
	const key = JSON.stringify(shape === "ago" ? [values, seconds(now - values[0])] : values);
	if (shown.get(cell) === key)
		return;
	shown.set(cell, key);
	const made = values.some(value => value === undefined || value === null) ? "-" : shapes[shape](values, now);
	cell.replaceChildren(...typeof made === "string" ? [made] : made);
}

// --- Facts and tables

// The rows of each table, chosen as the server chooses them.
const sources = {
	workers: data => data.workers,
	moves: data => data.workers.filter(worker => !worker.is_former).flatMap(worker =>
		Object.entries(worker.connections_moved_in_total)
			.map(([cause, taken]) => ({ worker: worker.worker, cause, in: taken, out: worker.connections_moved_out_total[cause] }))
			.filter(move => move.in > 0 || move.out > 0)),
	waits: data => data.workers.flatMap(worker => (worker.waits_for || []).slice(0, WAITS_SHOWN)
		.map(wait => ({ ...wait, worker: worker.worker }))),
	stays: data => data.workers.flatMap(worker => Object.entries(worker.stay_reasons || {})
		.filter(([, connections]) => connections > 0)
		.map(([reason, connections]) => ({ worker: worker.worker, reason, connections }))),
	listeners: data => data.listeners.map(listener => ({ ...listener, life: listener.is_gone ? "closed" : "open" })),
	limits: data => data.listeners.flatMap(listener => Object.entries(listener.limits).filter(([, most]) => most > 0)
		.map(([limit, most]) => ({ ...listener, limit, most, reached: listener.limits_reached_total[limit] }))),
	sources: data => data.full_sources,
	upstreams: data => data.upstreams.filter(server => !server.is_gone || server.upstream_connections_live > 0)
		.map(server => ({ ...server, role: server.backup ? "backup" : "active", since_seconds: server.since_seconds || null })),
	counters: data => data.listeners.flatMap(listener => Object.entries(listener.module_counts_total)
		.map(([name, count]) => ({ address: listener.address, name, count }))),
	programs: data => data.programs.map(program => ({ ...program, life: program.is_gone ? "removed" : "running" })),
	copies: data => data.copies.map(copy => copy.pid ? copy : { ...copy, ...NO_PROCESS }),
	crashes: data => data.crashes,
	penalties: data => data.penalties,
	marks: data => data.marks.slice(-MARKS_SHOWN).reverse().map(mark => ({ ...mark, who: who(mark) })),
};

// The values that a copy does not have while it waits for its next start.
const NO_PROCESS = { pid: null, age_seconds: null, cpu_seconds: null, memory_bytes: null };

function who(mark) {
	return mark.kind === "crash" || mark.kind === "hang" ? String(mark.worker) : "";
}

function newRow(columns) {
	const row = element("tr", "");
	columns.forEach((column, i) => {
		const cell = element(i ? "td" : "th", column.className);
		if (!i)
			cell.scope = "row";
		row.append(cell);
	});
	return row;
}

function showTable(body, data, now) {
	const columns = [...body.parentNode.tHead.rows[0].cells];
	const rows = sources[body.dataset.rows](data);
	const none = body.querySelector(".none");
	if (none && rows.length > 0)
		none.remove();
	while (body.rows.length > rows.length)
		body.lastElementChild.remove();
	rows.forEach((row, i) => {
		const line = body.rows[i] || body.appendChild(newRow(columns));
		columns.forEach((column, k) => fill(line.cells[k], column.className, column.dataset.of, row, now));
	});
	if (rows.length === 0) {
		const cell = element("td", "", "None");
		cell.colSpan = columns.length;
		body.append(element("tr", "none", cell));
	}
}

function showFacts(data, now) {
	for (const cell of document.querySelectorAll("dd[data-of]"))
		fill(cell, cell.className, cell.dataset.of, data, now);
}

// --- Tiles

let before = { at: 0, workers: new Map() };

// The worker's rate per second since the last answer; undefined if the worker is new.
function pace(worker, at, name) {
	const then = before.workers.get(worker.pid);
	const passed = (at - before.at) / 1000;
	return then && passed > 0 ? Math.max(0, (worker[name] - then[name]) / passed) : undefined;
}

function newTile() {
	const tile = element("li", "tile", element("p", "head", element("span", ""), element("span", "badge")));
	for (const shape of ["bar", "bar second"])
		tile.append(element("p", "", element("span", ""), element("span", "")), element("div", shape, element("i", "")));
	tile.append(element("p", "", element("span", "", "Requests"), element("span", "")));
	return tile;
}

function showTile(tile, worker, most, at) {
	const [head, open, openBar, cpu, cpuBar, requests] = tile.children;
	const load = pace(worker, at, "worker_cpu_seconds_total"), rate = pace(worker, at, "messages_total");
	for (const part of [cpu, cpuBar, requests])
		part.hidden = worker.is_former;
	say(head.children[0], "Worker " + worker.worker);
	say(head.children[1], worker.state);
	head.children[1].className = "badge " + worker.state;
	say(open.children[0], "Open");
	say(open.children[1], grouped(worker.live));
	openBar.firstChild.style.width = most ? 100 * worker.live / most + "%" : "0";
	say(cpu.children[0], "CPU");
	if (load !== undefined) {
		say(cpu.children[1], Math.round(100 * load) + " %");
		cpuBar.firstChild.style.width = Math.min(100, 100 * load) + "%";
	}
	if (rate !== undefined)
		say(requests.children[1], grouped(rate) + "/s");
}

function showTiles(data, at) {
	const list = by("tiles"), most = Math.max(0, ...data.workers.map(worker => worker.live));
	while (list.children.length > data.workers.length)
		list.lastChild.remove();
	data.workers.forEach((worker, i) => showTile(list.children[i] || list.appendChild(newTile()), worker, most, at));
	before = { at, workers: new Map(data.workers.map(worker => [worker.pid, worker])) };
	list.hidden = data.workers.length === 0;
}

// --- Charts

const COLUMNS = { live: 1, waiting: 2, accepted: 3, messages: 4 };

// The next round number not below the value.
function ceiling(value) {
	const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
	return [1, 2, 3, 4, 5, 6, 8, 10].map(step => step * power).find(step => step >= value);
}

// A line through the moments, with a gap where some are missing.
function line(moments, column, most, end) {
	let path = "", last = 0;
	for (const one of moments) {
		const x = SPAN_S - (end - one[0]), y = CHART_HEIGHT * (1 - one[column] / most);
		path += (one[0] - last > 2 ? "M" : "L") + x + " " + y.toFixed(1);
		last = one[0];
	}
	return path;
}

function counted(marks) {
	return Object.keys(WORDS).map(kind => [marks.filter(mark => mark.kind === kind).length, WORDS[kind]])
		.filter(([n]) => n > 0).map(([n, word]) => `, ${n} × ${word}`).join("");
}

function showMarks(figure, marks, end) {
	figure.querySelector(".marks").replaceChildren(...marks.map(mark => {
		const made = element("span", mark.kind);
		made.style.left = 100 * (SPAN_S - (end - mark.at)) / SPAN_S + "%";
		made.title = `${WORDS[mark.kind] || mark.kind} ${who(mark) && "of worker " + who(mark)} ${new Date(mark.at * 1000).toLocaleTimeString()}`;
		return made;
	}));
}

function showChart(figure, moments, marks, end) {
	const series = figure.dataset.series.split(" ").map(name => COLUMNS[name]);
	const peak = Math.max(0, ...moments.flatMap(one => series.map(column => one[column])));
	const most = ceiling(peak), svg = figure.querySelector("svg");
	const now = moments.length ? moments[moments.length - 1][series[0]] : 0;
	const first = line(moments, series[0], most, end);
	svg.replaceChildren(drawing("line", { x1: 0, x2: SPAN_S, y1: CHART_HEIGHT / 2, y2: CHART_HEIGHT / 2 }),
		...marks.map(mark => drawing("line", { x1: SPAN_S - (end - mark.at), x2: SPAN_S - (end - mark.at), y1: 0, y2: CHART_HEIGHT, class: "mark " + mark.kind })));
	for (const part of first.split("M").slice(1)) {
		const [start, stop] = [part.split(" ")[0], part.split("L").pop().split(" ")[0]];
		svg.append(drawing("path", { class: "area", d: `M${part}L${stop} ${CHART_HEIGHT}L${start} ${CHART_HEIGHT}Z` }));
	}
	svg.append(drawing("path", { d: first }));
	if (series.length > 1)
		svg.append(drawing("path", { class: "second", d: line(moments, series[1], most, end) }));
	svg.setAttribute("aria-label", `${figure.dataset.title}: now ${grouped(now)}, at most ${grouped(peak)} in the last five minutes${counted(marks)}`);
	say(figure.querySelector("b"), grouped(now));
	say(figure.querySelector(".reading span"), `at most ${grouped(peak)}, scale to ${grouped(most)}`);
	showMarks(figure, marks, end);
}

function prepareCharts() {
	for (const figure of document.querySelectorAll("figure")) {
		const marks = element("div", "marks");
		marks.setAttribute("aria-hidden", "true");
		figure.dataset.title = figure.querySelector("figcaption").firstChild.data.trim();
		figure.append(element("p", "reading", element("b", ""), element("span", "")),
			drawing("svg", { role: "img", viewBox: `0 0 ${SPAN_S} ${CHART_HEIGHT}`, preserveAspectRatio: "none" }),
			marks, element("p", "axis", element("span", "", "5 min ago"), element("span", "", "now")));
	}
}

function showCharts(data, now) {
	const last = data.moments.length ? data.moments[data.moments.length - 1][0] : 0;
	const end = Math.max(last, Math.floor(now) - 2);
	const moments = data.moments.filter(one => end - one[0] <= SPAN_S);
	const marks = data.marks.filter(mark => mark.at <= end && end - mark.at <= SPAN_S);
	for (const figure of document.querySelectorAll("figure"))
		showChart(figure, moments, marks, end);
	by("charts").hidden = false;
}

// --- News for screen readers

let known;

function tell(data) {
	const last = data.marks[data.marks.length - 1] || { at: 0, kind: "" };
	const mark = last.at + last.kind + last.worker, state = data.server.state;
	if (known && known.state !== state)
		say(by("news"), `The server is ${state.replaceAll("_", " ")}.`);
	else if (known && known.mark !== mark)
		say(by("news"), `A ${WORDS[last.kind] || last.kind}${who(last) && " of worker " + who(last)}.`);
	known = { mark, state };
}

// --- Polling

const asking = { timer: 0, failures: 0, answered: new Date(), isPaused: false, isBusy: false };

function show(data) {
	const now = data.server.now;
	data.server.last_reload.took_seconds = data.server.last_reload.took_ms / 1000;
	showFacts(data, now);
	for (const body of document.querySelectorAll("tbody[data-rows]"))
		showTable(body, data, now);
	showTiles(data, performance.now());
	showCharts(data, now);
	tell(data);
}

function showPulse() {
	const time = asking.answered.toLocaleTimeString();
	const isSilent = asking.failures > 1;
	say(by("silence"), isSilent ? `No answer since ${time}. What you see is from then.` : "");
	document.body.classList.toggle("silent", isSilent);
	document.title = isSilent ? "No answer - prefork-srv" : "prefork-srv status";
	say(by("pulse"), asking.isPaused ? "Paused at " + time : isSilent ? "Trying again" : "Live, " + time);
	say(by("pause"), asking.isPaused ? "Go on" : "Pause");
}

async function ask() {
	if (asking.isBusy)
		return;
	asking.isBusy = true;
	try {
		const response = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
		if (!response.ok)
			throw new Error(`status ${response.status}`);
		show(await response.json());
		asking.failures = 0;
		asking.answered = new Date();
	} catch (error) {
		asking.failures++;
		if (!(error instanceof TypeError) && error.name !== "TimeoutError")
			console.warn(error);
	}
	asking.isBusy = false;
	plan();
}

function plan() {
	clearTimeout(asking.timer);
	if (!asking.isPaused && !document.hidden)
		asking.timer = setTimeout(ask, Math.min(EVERY_MS * 2 ** asking.failures, BACKOFF_MOST_MS));
	showPulse();
}

function resume() {
	clearTimeout(asking.timer);
	if (asking.isPaused || document.hidden)
		plan();
	else
		ask();
}

prepareCharts();
by("pause").hidden = false;
by("pause").addEventListener("click", () => {
	asking.isPaused = !asking.isPaused;
	resume();
});
document.addEventListener("visibilitychange", resume);
ask();
