// One trace: what it came to, and its calls in order.

/** Lines of an answer that are shown before the rest is folded. */
const LINES = 14;

/** Cells of a difference, and entries of a list, before the rest is folded. */
const CELLS = 50;

function showTrace(report, summary) {
  const { trace, number } = summary;
  const { replay, verdict } = trace;
  const { word, tone, why } = result(report.command, summary);
  const fact = (name, value) => value !== null && value !== undefined && value !== "" && make("div", null, make("dt", null, name), make("dd", null, value));
  const trial = replay.trial === undefined ? replay.task : [replay.task ?? "", make("span.trial", null, `#${replay.trial}`)];
  return [
    make("p.crumbs", null, make("a.back", { href: "#" }, "← Run"), make("span.pages", null, neighbour(number, -1, "← Previous"), neighbour(number, 1, "Next →"))),
    make("h1", { id: "trace-title" }, replay.name, " ", badge(word, tone), why && make("span.why", null, why)),
    make(
      "dl.facts",
      null,
      fact("Place", make("code", null, place(replay.place))),
      fact("Task", trial),
      fact("Policy", `${replay.policy}, ${replay.mode}`),
      fact("Mapping", replay.mapping),
      fact("Acting user", replay.actor),
      fact("Unfinished", replay.unfinished),
      fact("Note", replay.notes?.join("; ")),
      fact("Final state", [make("code.hash", { title: replay.hash }, replay.hash.slice(0, 16)), replay.unchanged ? " as it began" : ""]),
    ),
    make("ol.timeline", { "aria-label": "Calls at a glance" }, replay.calls.map((step) => tick(number, step))),
    verdict && showVerdict(number, verdict, { word, tone }),
    (trace.findings ?? []).length > 0 && showFindings(number, trace.findings),
    !verdict && replay.unpaid.length > 0 && make("section", null, make("h2", null, "Audit entries never written"), duties(number, replay.unpaid)),
    make(
      "section.calls",
      { "aria-labelledby": "calls-title" },
      make("div.bar-line", null, make("h2", { id: "calls-title" }, count(replay.calls.length, "call")), make("button.link", { type: "button", id: "fold", on: { click: foldAll } }, "Unfold all")),
      make("ol.steps", null, replay.calls.map((step) => make("li", null, showCall(number, step)))),
    ),
  ];
}

function neighbour(number, step, text) {
  const other = page.list.beside(number, step);
  return other === undefined ? make("span.off", null, text) : make("a", { href: `#trace/${other}` }, text);
}

function tick(number, step) {
  const said = `Call ${step.call}, ${step.tool}: ${step.outcome}, ${COMPARISONS[step.comparison][0]}`;
  return make("li", null, make(`a.fill-${toneOf(step)}`, { href: `#trace/${number}/call/${step.call}`, title: said, "aria-label": said }, String(step.call)));
}

const callLink = (number, call) => make("a", { href: `#trace/${number}/call/${call}` }, `call ${call}`);

const basis = (it) => [it.rule, it.clause && `clause ${it.clause}`].filter(Boolean).join(", ");

/* The verdict. */

function showVerdict(number, verdict, { word, tone }) {
  const { state, outputs, process } = verdict;
  const { prechecks } = process;
  const told = outputs.required.length - outputs.missing.length;
  const part = (name, holds, text) => make("li", null, badge(holds ? "holds" : "fails", holds ? "good" : "bad"), make("b", null, name), make("span", null, text));
  const saying = !outputs.required.length ? "nothing had to be told" : outputs.judged ? `${told} of ${outputs.required.length} told` : "no messages to look in";
  const marks = [
    [process.violations.length, "broken rule"],
    [prechecks.missing.length, "read left out"],
    [process.unpaid.length, "audit entry owed"],
    [process.retries.length, "unchanged retry"],
    [process.roles.length, "role overstepped"],
    [process.remarks.length, "duty left undone"],
  ].filter(([times]) => times > 0).map(([times, what]) => `${what}: ${times}`);
  return make(
    "section.verdict",
    { "aria-label": "Verdict" },
    make("h2", null, "Verdict ", badge(word, tone)),
    make("p.note", null, "Against ", make("code", null, place(verdict.gold))),
    verdict.gold_findings && section("Gold in doubt", make("ul", null, verdict.gold_findings.map((it) => make("li", null, `${it.call ? `call ${it.call} ${it.tool} ` : ""}${it.check}: ${it.message} `, make("span.note", null, basis(it)))))),
    make(
      "ul.parts",
      null,
      part("State", state.equal, state.equal ? "the final state is that of gold" : count(state.difference.length, "cell") + (state.difference.length === 1 ? " differs" : " differ")),
      part("Outputs", outputs.complete, saying),
      part("Process", process.compliant, marks.join(", ") || `${prechecks.made} of ${prechecks.needed} reads made before writing`),
    ),
    state.difference.length > 0 && section("Final state against gold", difference(state)),
    outputs.missing.length > 0 && section("Never told", make("ul", null, outputs.missing.map((text) => make("li", null, make("q", null, text))))),
    process.violations.length > 0 && section("Rules broken", few(process.violations, CELLS, (some) => make("ul.plain", null, some.map((it) => make("li", null, brokenRule(it, [callLink(number, it.call), " ", make("code", null, it.tool)])))))),
    prechecks.missing.length > 0 && section(`Reads left out before a write (${prechecks.made} of ${prechecks.needed} made)`, prechecksTable(number, prechecks.missing)),
    process.unpaid.length > 0 && section("Audit entries never written", duties(number, process.unpaid)),
    process.retries.length > 0 && section("Calls made again after a halt, unchanged", make("ul", null, process.retries.map((it) => make("li", null, callLink(number, it.call), " ", make("code", null, it.tool), " repeats ", callLink(number, it.of), ", which halted with ", make("code", null, it.code))))),
    process.roles.length > 0 && section("Roles never held", make("ul", null, process.roles.map((it) => make("li", null, callLink(number, it.call), " ", make("code", null, it.tool), `: user ${it.actor} is ${it.role}; ${it.roles.join(", ")} may (clause ${it.clause})`)))),
    process.remarks.length > 0 && section("Duties beside the rules", make("ul", null, process.remarks.map((it) => make("li", null, callLink(number, it.call), " ", make("code", null, it.tool), `: ${it.message} (${it.severity})`)))),
  );
}

function difference(state) {
  const show = (some) =>
    table(
      "Final state against gold",
      ["table", "key", "column", "expected", "actual"],
      some.map((it) => [it.table, it.key, it.column, make("ins", null, short(it.expected)), make("del", null, short(it.actual))]),
    );
  return [
    make("div.cells", null, few(state.difference, CELLS, show)),
    make("p.note", null, "Expected ", make("code.hash", { title: state.expected }, state.expected.slice(0, 16)), ", actual ", make("code.hash", { title: state.actual }, state.actual.slice(0, 16))),
  ];
}

function prechecksTable(number, missing) {
  const row = (it) => [callLink(number, it.call), make("code", null, it.tool), it.key ? `${it.table} ${it.key}` : `a search of ${it.table}`, basis(it)];
  return few(missing, CELLS, (some) => table("Reads left out", ["before", "tool", "not read", "rule"], some.map(row)));
}

function duties(number, list) {
  return make("ul", null, list.map((it) => make("li", null, callLink(number, it.call), " owes ", make("code", null, `${it.action} ${it.entity_type} ${it.entity_id}`))));
}

function showFindings(number, findings) {
  const tone = { error: "bad", warning: "odd", note: "faint" };
  const row = (it) =>
    make(
      "li.finding",
      null,
      badge(it.severity, tone[it.severity]),
      make("b", null, it.check),
      it.call !== undefined && [callLink(number, it.call), make("code", null, it.tool)],
      make("p", null, it.message),
      make("p.note", null, [basis(it), place(it.place)].filter(Boolean).join(" · ")),
    );
  return make("section", { "aria-label": "Findings" }, make("h2", null, count(findings.length, "finding")), make("ul.plain", null, findings.map(row)));
}

/* A call. */

function showCall(number, step) {
  const [name, tone, meaning] = COMPARISONS[step.comparison];
  const telling = toneOf(step) !== "faint";
  const summary = make(
    "summary",
    null,
    make("span.number", null, String(step.call)),
    make("code.tool", null, step.tool),
    make("span.glance", null, glance(step)),
    step.outcome !== "ok" && badge(step.outcome, "odd", "Outcome"),
    (step.violations ?? []).length > 0 && badge(count(step.violations.length, "violation"), "odd"),
    (step.changes ?? []).length > 0 && badge(step.cut?.changes ? "rows written" : `${count(step.changes.length, "row")} written`, "calm"),
    badge(name, tone, meaning),
  );
  const call = make("details.call", { id: `call-${step.call}`, open: telling }, summary);
  call.classList.add(`edge-${toneOf(step)}`);
  // The inside is made when it is first seen.
  const inside = () => call.children.length === 1 && call.append(make("div.inside", null, insideOf(number, step)));
  call.addEventListener("toggle", inside);
  if (telling) inside();
  return call;
}

/** The arguments on one line, as far as there is room. */
function glance(step) {
  if (step.cut?.arguments) return step.arguments;
  return Object.entries(step.arguments).map(([key, value]) => `${key}: ${isObject(value) ? JSON.stringify(value) : value}`).join(", ");
}

function insideOf(number, step) {
  return [
    step.halt && make("div.halt", { role: "note" }, make("h3.label", null, "Halted"), brokenRule(step.halt)),
    step.violations && make("div.halt", { role: "note" }, make("h3.label", null, "Would have halted"), step.violations.map((it) => brokenRule(it))),
    make("div.block", null, make("h3.label", null, "Arguments"), step.cut?.arguments ? long(step, "arguments") : inputs(step.arguments)),
    step.mapped && make("div.block", null, make("h3.label", null, "As a call of ours"), step.cut?.mapped ? long(step, "mapped") : [make("code.tool", null, step.mapped.tool), inputs(step.mapped.arguments)]),
    step.difference && make("div.block", null, make("h3.label", null, "First difference"), differs(step.difference)),
    step.changes && make("div.block", null, make("h3.label", null, "Rows written"), step.cut?.changes ? long(step, "changes") : step.changes.map(rowChange)),
    make("div.pair", null, block("Answer", step, "answer"), step.recorded !== undefined && block("Recorded answer", step, "recorded")),
    step.comparison === "exact" && make("p.note", null, "The recorded answer is the same text."),
    make("p.note.link-line", null, make("a", { href: `#trace/${number}/call/${step.call}` }, `Link to call ${step.call}`)),
  ];
}

function brokenRule(it, before) {
  return make(
    "div.rule",
    null,
    make("p", null, before, before && " ", make("code.code", null, it.code), " ", make("span.note", null, basis(it))),
    make("p", null, it.message),
    it.remedy && make("p.remedy", null, it.remedy),
  );
}

/** Arguments, each on a line of its own. */
function inputs(them) {
  const entries = Object.entries(them);
  if (entries.length === 0) return make("p.note", null, "none");
  return make("dl.inputs", null, entries.map(([key, value]) => [make("dt", null, key), make("dd", null, isObject(value) ? folded(value) : short(value))]));
}

function differs(it) {
  if (!it.pointer) return make("p.note", null, "The answers have nothing in common; both are below.");
  return table("First difference", ["at", "recorded", "now"], [[make("code", null, it.pointer), make("del", null, short(it.recorded)), make("ins", null, short(it.replayed))]]);
}

function rowChange(change) {
  const fresh = Object.values(change.columns).every(([before]) => before === null);
  const columns = Object.entries(change.columns).filter(([, [before, after]]) => !fresh || after !== null || before !== null);
  const rows = columns.map(([name, [before, after]]) => (fresh ? [name, make("ins", null, short(after))] : [name, make("del", null, short(before)), make("ins", null, short(after))]));
  const caption = `${change.table} ${change.key}`;
  return make("div.row", null, make("p", null, make("code", null, caption), fresh && badge("new", "calm")), table(caption, fresh ? ["column", "value"] : ["column", "before", "after"], rows));
}

/** A value of a call under its name, folded where it is long and marked where the page has not all of it. */
function block(title, step, name) {
  return make("div.block", null, make("h3.label", null, title), step.cut?.[name] ? long(step, name) : folded(step[name]));
}

function long(step, name) {
  const text = step[name];
  const note = `Cut: the first ${text.length.toLocaleString("en")} characters of ${step.cut[name].toLocaleString("en")} bytes. The JSON form of the report has the whole.`;
  return [fold(make("code.json", null, text), text.length > LINES * 80), make("p.note", null, note)];
}

function folded(value) {
  if (isObject(value) && Object.keys(value).length === 0) return make("p.note", null, "none");
  const code = typeof value === "string" ? make("code.json", null, value) : json(value);
  const text = code.textContent;
  return fold(code, text.split("\n").length > LINES || text.length > LINES * 120);
}

function fold(code, isLong) {
  const pre = make("pre", { tabindex: 0 }, code);
  if (!isLong) return pre;
  pre.classList.add("folded");
  const turn = (event) => {
    const now = pre.classList.toggle("folded");
    event.target.textContent = now ? "Show all" : "Show less";
    event.target.setAttribute("aria-expanded", String(!now));
  };
  return [pre, make("button.link", { type: "button", "aria-expanded": "false", on: { click: turn } }, "Show all")];
}

/** Unfold all calls, or fold them where all are unfolded. */
function foldAll() {
  const calls = [...document.querySelectorAll("details.call")];
  const open = calls.some((it) => !it.open);
  calls.forEach((it) => (it.open = open));
  const button = byId("fold");
  if (button) button.textContent = open ? "Fold all" : "Unfold all";
}
