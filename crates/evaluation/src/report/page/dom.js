// Making elements. Whatever a trace holds becomes text here, never mark-up.

/** An element: `make("p.note", {title: "…"}, "text", child, …)`. Nothing, null and false are left out. */
function make(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  return fill(element, classes, attributes, children);
}

/** The same of an SVG element. */
function draw(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return fill(element, classes, attributes, children);
}

function fill(element, classes, attributes, children) {
  if (classes.length) element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key === "on") {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const byId = (id) => document.getElementById(id);

/** "1 call", "2 calls", "1,000 calls". */
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

const percent = (part, whole) => (whole === 0 ? "–" : `${Math.floor((100 * part) / whole)}%`);

/** Numbers by name, the greatest first. */
const sorted = (numbers, of = (it) => it) => Object.entries(numbers).sort((a, b) => of(b[1]) - of(a[1]));

const place = (it) => it.file + (it.line ? `:${it.line}` : "") + (it.pointer ? ` ${it.pointer}` : "");

const isObject = (value) => value !== null && typeof value === "object";

/** A value as indented JSON, its names and kinds told apart. */
function json(value) {
  const parts = [];
  write(value, "", parts);
  return make("code.json", null, parts);
}

function write(value, indent, parts) {
  const inner = indent + "  ";
  if (Array.isArray(value) && value.length) {
    parts.push("[\n");
    value.forEach((item, at) => {
      parts.push(inner);
      write(item, inner, parts);
      parts.push(at + 1 < value.length ? ",\n" : `\n${indent}]`);
    });
  } else if (isObject(value) && Object.keys(value).length) {
    const entries = Object.entries(value);
    parts.push("{\n");
    entries.forEach(([key, item], at) => {
      parts.push(inner, make("span.key", null, JSON.stringify(key)), ": ");
      write(item, inner, parts);
      parts.push(at + 1 < entries.length ? ",\n" : `\n${indent}}`);
    });
  } else {
    const kind = typeof value === "string" ? "text" : "other";
    parts.push(make(`span.${kind}`, null, JSON.stringify(value)));
  }
}

/** A value on one line, as in a table: texts without quotes, what is absent as such. */
function short(value) {
  if (value === null || value === undefined) return make("span.none", null, "none");
  return make("span.value", null, typeof value === "string" && value !== "" ? value : JSON.stringify(value));
}

/** A word with a colour: good, bad, odd or calm. */
const badge = (text, tone, title) => make(`span.badge.${tone}`, { title }, text);

/** What lies below a heading of its own. */
const section = (title, ...children) => make("section", null, make("h3", null, title), children);

/** Rows under a head, which scroll by themselves where they are too wide. */
function table(caption, head, rows, numbers = head.length) {
  const columns = head.map((name, at) => make(at < numbers ? "th" : "th.number", { scope: "col" }, name));
  const body = rows.map((row) => make("tr", null, row.map((cell, at) => make(at < numbers ? "td" : "td.number", null, cell))));
  return make(
    "div.scroll",
    { tabindex: 0, role: "group", "aria-label": caption },
    make("table", null, make("caption.hidden", null, caption), make("thead", null, make("tr", null, columns)), make("tbody", null, body)),
  );
}

/** The first few, and a button that shows the rest. */
function few(items, most, show) {
  const holder = make("div.few", null, show(items.slice(0, most)));
  if (items.length > most) {
    const rest = () => holder.replaceChildren(show(items));
    holder.append(make("button.link", { type: "button", on: { click: rest } }, `Show all ${items.length.toLocaleString("en")}`));
  }
  return holder;
}
