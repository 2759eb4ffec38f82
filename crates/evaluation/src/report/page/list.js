// The list of traces: filters, search, and rows that are made as they are needed.

/** Rows that are made at a time: more than any screen shows. */
const SLICE = 100;

/** What there is to filter by and to show of each trace, worked out once. */
function summarise(report) {
  return report.traces.map((trace, at) => {
    const { replay, verdict } = trace;
    const found = trace.findings ?? [];
    const broken = replay.calls.flatMap((step) => [...(step.halt ? [step.halt] : []), ...(step.violations ?? [])]).concat(verdict?.process.violations ?? []);
    const rules = new Set([...broken.map((it) => it.rule), ...found.flatMap((it) => it.rule ?? [])]);
    const tools = new Set(replay.calls.map((step) => step.tool));
    const comparisons = new Set(replay.calls.map((step) => step.comparison));
    const texts = [replay.name, place(replay.place), replay.task, replay.policy, replay.actor, replay.mapping, replay.unfinished, ...tools, ...rules];
    texts.push(...replay.calls.map((step) => step.outcome), ...found.flatMap((it) => [it.check, it.message]), ...broken.map((it) => it.clause));
    const good = {
      replay: () => !replay.first_divergence,
      grade: () => verdict?.pass === true,
      lint: () => found.every((it) => it.severity !== "error"),
    }[report.command]();
    const unfinished = replay.unfinished !== undefined;
    return { number: at + 1, trace, good, unfinished, rules, tools, comparisons, text: texts.filter(Boolean).join("\n").toLowerCase() };
  });
}

/** What a trace came to: a word, its tone, and what it rests on. */
function result(command, { trace, good }) {
  const { replay, verdict } = trace;
  if (command === "grade" && replay.unfinished !== undefined) return { word: "unfinished", tone: "odd", why: replay.unfinished };
  if (command === "grade") {
    const parts = verdict ? [[verdict.state.equal, "state"], [verdict.outputs.complete, "outputs"], [verdict.process.compliant, "process"]] : [];
    const failed = parts.filter(([holds]) => !holds).map(([, name]) => name);
    const doubtful = (verdict?.gold_findings ?? []).some((it) => it.severity === "error");
    const why = [...failed, ...(doubtful ? ["gold in doubt"] : [])].join(", ");
    return { word: good ? "pass" : "fail", tone: good && doubtful ? "odd" : good ? "good" : "bad", why };
  }
  if (command === "lint") {
    const found = trace.findings ?? [];
    const worst = ["error", "warning", "note"].find((severity) => found.some((it) => it.severity === severity));
    return { word: worst ? count(found.length, "finding") : "clean", tone: { error: "bad", warning: "odd" }[worst] ?? "good", why: [...new Set(found.map((it) => it.check))].join(", ") };
  }
  return good
    ? { word: COMPARISONS[replay.comparison][0], tone: { unrecorded: "faint", ignored: "faint" }[replay.comparison] ?? "good", why: "" }
    : { word: "diverges", tone: "bad", why: `at call ${replay.first_divergence}` };
}

const FILTERS = ["status", "policy", "rule", "tool"];

/** The list in the side bar; `onchange` is told when the reader filters it. */
class List {
  constructor(report, summaries) {
    Object.assign(this, { report, summaries, shown: summaries, current: null, rows: 0 });
    this.set = { q: "", status: "", policy: "", rule: "", tool: "" };
    const words = COMMANDS[report.command];
    const there = new Set(summaries.flatMap((it) => [...it.comparisons]));
    const broken = summaries.some((it) => it.unfinished) ? [["unfinished", "unfinished"]] : [];
    const status = [["good", words.good], ["bad", words.bad], ...broken, ...Object.entries(COMPARISONS).filter(([key]) => there.has(key)).map(([key, [name]]) => [key, `an answer ${name}`])];
    this.options("status", status);
    const names = (of) => [...new Set(summaries.flatMap(of))].sort().map((name) => [name, name]);
    this.options("policy", names((it) => it.trace.replay.policy));
    this.options("rule", names((it) => [...it.rules]));
    this.options("tool", names((it) => [...it.tools]));
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    byId("search").addEventListener("input", () => this.change());
    FILTERS.forEach((key) => byId(key).addEventListener("change", () => this.change()));
    byId("clear").addEventListener("click", () => this.apply({}));
    byId("more").addEventListener("click", () => this.grow(this.rows + SLICE));
    new IntersectionObserver((seen) => seen.some((it) => it.isIntersecting) && this.grow(this.rows + SLICE)).observe(byId("more"));
    this.refresh();
  }

  options(key, options) {
    byId(key).replaceChildren(make("option", { value: "" }, "any"), ...options.map(([value, name]) => make("option", { value }, name)));
    byId(key).disabled = options.length === 0;
  }

  /** What the reader has chosen, taken from the form. */
  change() {
    this.set = Object.fromEntries([["q", byId("search").value.trim()], ...FILTERS.map((key) => [key, byId(key).value])]);
    this.refresh();
    this.onchange?.();
  }

  /** Filters from an address. */
  apply(set) {
    byId("search").value = set.q ?? "";
    FILTERS.forEach((key) => (byId(key).value = set[key] ?? ""));
    this.change();
  }

  /** The filters as an address has them. */
  address() {
    const set = Object.entries(this.set).filter(([, value]) => value);
    return set.length ? `#?${new URLSearchParams(set)}` : "#";
  }

  refresh() {
    const { q, status, policy, rule, tool } = this.set;
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = this.summaries.filter(
      (it) =>
        (!status || this.isIn(status, it)) &&
        (!policy || it.trace.replay.policy === policy) &&
        (!rule || it.rules.has(rule)) &&
        (!tool || it.tools.has(tool)) &&
        words.every((word) => it.text.includes(word)),
    );
    const all = this.shown.length === this.summaries.length;
    byId("count").textContent = all ? count(this.summaries.length, "trace") : `${this.shown.length.toLocaleString("en")} of ${count(this.summaries.length, "trace")}`;
    byId("clear").hidden = this.address() === "#";
    this.rows = 0;
    byId("list").replaceChildren();
    this.grow(SLICE);
  }

  /** Whether a trace is of that status. When grading, a run that broke off has not failed. */
  isIn(status, it) {
    const apart = it.unfinished && this.report.command === "grade";
    return { good: it.good, bad: !it.good && !apart, unfinished: it.unfinished }[status] ?? it.comparisons.has(status);
  }

  /** Make rows up to that number. */
  grow(number) {
    const more = this.shown.slice(this.rows, number);
    byId("list").append(...more.map((it) => this.row(it)));
    this.rows += more.length;
    const left = this.shown.length - this.rows;
    byId("more").hidden = left === 0;
    byId("more").textContent = `Show more (${left.toLocaleString("en")} left)`;
  }

  row(summary) {
    const { replay } = summary.trace;
    const { word, tone, why } = result(this.report.command, summary);
    const named = replay.name.endsWith(`/${replay.trial}`);
    const trial = replay.trial !== undefined && !named && make("span.trial", { title: "trial" }, `#${replay.trial}`);
    const facts = [replay.policy, count(replay.calls.length, "call"), why].filter(Boolean).join(" · ");
    const current = this.current === summary.number;
    return make(
      "li",
      { value: summary.number },
      make(
        "a",
        { href: `#trace/${summary.number}`, "aria-current": current ? "page" : null, "data-trace": summary.number },
        make("span.first", null, make("span.name", null, replay.name, trial), badge(word, tone)),
        strip(replay.calls),
        make("span.facts", null, facts),
      ),
    );
  }

  /** Mark the trace that is open. */
  mark(number) {
    this.current = number;
    byId("list").querySelectorAll("[aria-current]").forEach((it) => it.removeAttribute("aria-current"));
    const at = this.shown.findIndex((it) => it.number === number);
    if (at >= this.rows) this.grow(at + SLICE);
    const row = this.link(number);
    row?.setAttribute("aria-current", "page");
    row?.scrollIntoView({ block: "nearest" });
  }

  link(number) {
    return byId("list").querySelector(`[data-trace="${number}"]`);
  }

  /** The trace so many places after that one, among those shown. */
  beside(number, step) {
    const at = this.shown.findIndex((it) => it.number === number);
    return this.shown[at < 0 ? (step > 0 ? 0 : -1) : at + step]?.number;
  }
}

/** Calls in a strip before they are too thin to tell. */
const TICKS = 60;

/** The calls of a trace at a glance. */
function strip(calls) {
  const ticks = calls.slice(0, TICKS).map((step, at) => draw(`rect.fill-${toneOf(step)}`, { x: at * 10, y: 0, width: 8, height: 8, rx: 2 }));
  return draw("svg.strip", { viewBox: `0 0 ${TICKS * 10} 8`, preserveAspectRatio: "xMinYMid meet", "aria-hidden": true }, ticks);
}

/** The tone of a call: its answer is another, it broke a rule, it wrote, or it read. */
function toneOf(step) {
  if (step.comparison === "different") return "bad";
  if (step.halt || step.violations || step.outcome !== "ok") return "odd";
  return step.changes ? "calm" : "faint";
}
