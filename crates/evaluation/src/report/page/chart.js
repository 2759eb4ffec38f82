// Charts: bars and one curve. Each says in words what it shows.

/** Shares of a whole as one bar and its legend. Parts are {name, number, tone, href}; those of nothing are left out. */
function shares(label, parts) {
  const there = parts.filter((part) => part.number > 0);
  const whole = there.reduce((sum, part) => sum + part.number, 0) || 1;
  let from = 0;
  const pieces = there.map((part) => {
    const width = (100 * part.number) / whole;
    const piece = draw(`rect.fill-${part.tone}`, { x: from, y: 0, width, height: 10 }, draw("title", null, `${part.name}: ${part.number}`));
    from += width;
    return piece;
  });
  const legend = there.map((part) => {
    const text = [make(`i.dot.fill-${part.tone}`, { "aria-hidden": true }), part.name, " ", make("b", null, part.number.toLocaleString("en"))];
    return make("li", null, part.href ? make("a", { href: part.href }, text) : text);
  });
  return make("figure", { "aria-label": label }, bar(pieces), make("ul.legend", null, legend));
}

/** A line for each name: how often, and how much of that is marked. Rows are {name, number, marked, tone, href, note}. */
function bars(label, rows) {
  const most = Math.max(1, ...rows.map((row) => row.number));
  const line = (row) => {
    const scale = (number) => (100 * number) / most;
    const pieces = [draw(`rect.fill-${row.tone ?? "calm"}`, { x: 0, y: 0, width: scale(row.number), height: 10 })];
    let from = 0;
    for (const [number, tone] of row.marked ?? []) {
      pieces.push(draw(`rect.fill-${tone}`, { x: from, y: 0, width: scale(number), height: 10 }));
      from += scale(number);
    }
    const name = row.href ? make("a", { href: row.href }, row.name) : row.name;
    return make("li", null, make("span.name", null, name), make("span.number", { title: row.note }, row.number.toLocaleString("en")), bar(pieces));
  };
  return few(rows, BARS, (some) => make("ul.bars", { "aria-label": label }, some.map(line)));
}

/** Lines of a chart before the rest is folded away. */
const BARS = 10;

function bar(pieces) {
  return draw("svg.bar", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": true }, pieces);
}

/** pass^k over k. */
function curve(values) {
  const [width, height, left, right, top, bottom] = [480, 220, 40, 24, 22, 34];
  const x = (at) => (values.length === 1 ? (left + width - right) / 2 : left + (at * (width - left - right)) / (values.length - 1));
  const y = (value) => top + (1 - value) * (height - top - bottom);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((value) => [
    draw("line.grid", { x1: left, x2: width - right, y1: y(value), y2: y(value) }),
    draw("text.axis", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, `${100 * value}%`),
  ]);
  const path = values.map((value, at) => `${at ? "L" : "M"}${x(at)} ${y(value)}`).join(" ");
  // Labels of every point while there is room, then of some.
  const every = Math.ceil(values.length / 8);
  const points = values.map((value, at) => [
    draw("circle.point", { cx: x(at), cy: y(value), r: 4 }, draw("title", null, `pass^${at + 1}: ${value.toFixed(3)}`)),
    at % every === 0 && draw("text.label", { x: x(at), y: y(value) - 9, "text-anchor": "middle" }, value.toFixed(2)),
    at % every === 0 && draw("text.axis", { x: x(at), y: height - 12, "text-anchor": "middle" }, `k = ${at + 1}`),
  ]);
  const said = values.map((value, at) => `pass^${at + 1} ${value.toFixed(3)}`).join(", ");
  return draw("svg.curve", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said }, grid, draw("path.line", { d: path }), points);
}
