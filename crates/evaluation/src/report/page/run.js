// The run as a whole: what it came to, in numbers and charts.

/** Words for what a command does, and for traces that came to what was expected. */
const COMMANDS = {
  replay: { title: "Replay", good: "as recorded", bad: "diverged" },
  grade: { title: "Grade", good: "passed", bad: "failed" },
  lint: { title: "Lint", good: "without an error", bad: "with errors" },
};

/** How recorded answers compare with ours, from the most to the least alike. */
const COMPARISONS = {
  exact: ["exact", "good", "The same JSON text."],
  canonical: ["canonical", "good2", "The same meaning: order of keys, nulls, forms of times and numbers apart."],
  shape: ["shape", "calm", "The same meaning, but a row stands alone on one side and in a list on the other."],
  unrecorded: ["unrecorded", "faint", "No answer was recorded."],
  ignored: ["ignored", "faint2", "Not to be compared."],
  different: ["different", "bad", "Another answer."],
};

/** Tasks, files and rows before the rest is folded away. */
const ROWS = 20;

/** The address of the list with one filter set. */
const filtered = (key, value) => `#?${new URLSearchParams({ [key]: value })}`;

function showRun(report) {
  const { totals } = report;
  const words = COMMANDS[report.command];
  const unfinished = report.command === "grade" ? totals.unfinished : 0;
  const bad = totals.traces - totals.good - unfinished;
  const broken = Object.values(totals.rules).reduce((sum, number) => sum + number, 0);
  const share = shares(`Traces ${words.good}`, [
    { name: words.good, number: totals.good, tone: "good", href: filtered("status", "good") },
    { name: words.bad, number: bad, tone: "bad", href: filtered("status", "bad") },
    { name: "unfinished", number: unfinished, tone: "odd", href: filtered("status", "unfinished") },
  ]);
  const tiles = [
    tile(percent(totals.good, totals.traces), words.good, bad || unfinished || report.mistakes.length ? "bad" : "good"),
    tile(totals.traces.toLocaleString("en"), totals.traces === 1 ? "trace" : "traces"),
    tile(totals.calls.toLocaleString("en"), totals.calls === 1 ? "call" : "calls"),
    tile(broken.toLocaleString("en"), broken === 1 ? "rule broken" : "rules broken"),
    totals.doubtful > 0 && tile(totals.doubtful.toLocaleString("en"), "on gold in doubt", "bad"),
    unfinished > 0 && tile(unfinished.toLocaleString("en"), "unfinished", "bad"),
    report.mistakes.length > 0 && tile(report.mistakes.length.toLocaleString("en"), "could not be read", "bad"),
  ];
  return [
    make("h1", null, `${words.title}: ${totals.good.toLocaleString("en")} of ${count(totals.traces, "trace")} ${words.good}`),
    make("div.tiles", null, tiles),
    make("div.lead", null, share),
    unread(report.mistakes),
    doubts(report),
    runNotes(report),
    report.baseline && baseline(report),
    make(
      "div.cards",
      null,
      passHat(report),
      answers(totals),
      findings(totals),
      rules(totals),
      outcomes(totals),
      tools(totals),
      policies(totals),
    ),
    tasks(report.tasks),
    make("p.note", null, `Answers, arguments and changes of more than ${report.page.cut.toLocaleString("en")} bytes are cut in this page; the JSON form of the report has them whole.`),
  ];
}

const tile = (number, name, tone = "plain") => make(`div.tile.${tone}`, null, make("b", null, number), make("span", null, name));

const card = (title, note, ...children) => make("section.card", null, make("h2", null, title), note && make("p.note", null, note), children);

function answers(totals) {
  const parts = Object.entries(COMPARISONS).map(([key, [name, tone]]) => ({ name, tone, number: totals.comparisons[key] ?? 0, href: filtered("status", key) }));
  return card("Answers", "Recorded answers against those given now.", shares("Answers by comparison", parts));
}

function outcomes(totals) {
  const rows = sorted(totals.outcomes).map(([name, number]) => ({ name, number, tone: name === "ok" ? "good" : "odd", href: filtered("q", name) }));
  return rows.length > 0 && card("Outcomes", null, bars("Calls by outcome", rows));
}

function rules(totals) {
  const rows = sorted(totals.rules).map(([name, number]) => ({ name, number, tone: "odd", href: filtered("rule", name) }));
  return rows.length > 0 && card("Rules broken", "Calls that halted, or would have.", bars("Broken rules", rows));
}

function findings(totals) {
  const rows = sorted(totals.findings).map(([name, number]) => ({ name, number, tone: "odd", href: filtered("q", name) }));
  return rows.length > 0 && card("Findings", null, bars("Findings by check", rows));
}

function counted(numbers, filter) {
  return sorted(numbers, (it) => it.calls).map(([name, it]) => ({
    name,
    number: it.calls,
    marked: [[it.different, "bad"], [Math.max(0, it.broken - it.different), "odd"]],
    href: filtered(filter, name),
    note: `${it.broken} broke a rule, ${it.different} answered otherwise`,
  }));
}

const legend = () => make("p.note", null, [["bad", "answered otherwise"], ["odd", "broke a rule"], ["calm", "neither"]].map(([tone, text]) => make("span.key-to", null, make(`i.dot.fill-${tone}`), text)));

function tools(totals) {
  const rows = counted(totals.tools, "tool");
  return rows.length > 0 && card("Calls by tool", null, legend(), bars("Calls by tool", rows));
}

function policies(totals) {
  const rows = counted(totals.policies, "policy");
  return rows.length > 0 && card("Calls by policy", null, legend(), bars("Calls by policy", rows));
}

function tasks(list) {
  if (list.length === 0) return null;
  const alike = (it) => list.filter((other) => other.task === it.task).length > 1;
  const row = (it) => [
    [make("a", { href: filtered("q", it.task) }, it.task), alike(it) && ` (${it.gold.file})`],
    it.trials === 0 ? badge("not tried", "odd") : badge(`${it.passed} of ${it.trials}`, it.passed === it.trials ? "good" : "bad"),
    it.unfinished || "",
    it.pass_hat.map((value) => value.toFixed(2)).join(" · "),
  ];
  const show = (some) => table("Tasks", ["task", "trials passed", "unfinished", "pass^k, from k = 1"], some.map(row));
  return make("section", null, make("h2", null, "Tasks"), few(list, ROWS, show));
}

/** Gold that is not right, with all that is wrong with it. */
function doubts(report) {
  const golds = new Map(report.traces.filter((it) => it.verdict?.gold_findings).map(({ verdict }) => [place(verdict.gold), verdict.gold_findings]));
  const rows = [...golds].flatMap(([gold, found]) => found.map((it) => [make("code", null, gold), it.call ? `call ${it.call} ${it.tool}` : "", `${it.check}: ${it.message}`, [it.rule, it.clause && `clause ${it.clause}`].filter(Boolean).join(", ")]));
  if (rows.length === 0) return null;
  const show = (some) => table("Gold in doubt", ["gold", "call", "what is wrong", "rule"], some);
  return make("section.warn", null, make("h2", null, "Gold in doubt"), few(rows, ROWS, show));
}

function runNotes(report) {
  const notes = report.notes ?? [];
  if (notes.length === 0) return null;
  return make("section", null, make("h2", null, "To be known of the run"), few(notes, ROWS, (some) => make("ul", null, some.map((note) => make("li", null, note)))));
}

/** pass^k, and how many tasks nobody tried. */
function passHat(report) {
  if (report.pass_hat.length === 0) return null;
  const untried = report.tasks.filter((it) => it.trials === 0).length;
  const tried = (report.pass_hat_tried ?? []).map((value) => value.toFixed(3)).join(", ");
  const said = untried > 0 && make("p.note", null, `${untried} of ${count(report.tasks.length, "task")} were not tried, which counts as not passed; pass^k of those tried alone: ${tried}.`);
  return card("pass^k", "The probability that k trials of a task, drawn from those there are, all pass.", curve(report.pass_hat), said);
}

function unread(mistakes) {
  if (mistakes.length === 0) return null;
  const show = (some) => table("Could not be read", ["place", "why"], some.map((it) => [make("code", null, place(it.place)), it.reason]));
  return make("section.warn", null, make("h2", null, "Could not be read"), few(mistakes, ROWS, show));
}
