// Against a baseline: another agent's trials, or the same trials under another edition of the policy.

function baseline(report) {
  const it = report.baseline;
  const title = it.kind === "trials" ? "Against the baseline" : "Under the other edition of the policy";
  return make(
    "section",
    null,
    make(
      "h2",
      null,
      title,
      " ",
      badge(it.regression ? "regression" : "no regression", it.regression ? "bad" : "good"),
      it.doubts && badge("gold in doubt", "bad", "Gold of either side has an error, so that the comparison may be worth nothing."),
    ),
    it.pass.tasks > 0 && verdict(it),
    it.notes?.length > 0 && make("ul", null, it.notes.map((note) => make("li", null, note))),
    changed(it, "worse", "Tasks that pass less often", "bad"),
    changed(it, "better", "Tasks that pass more often", "good"),
    flaky(it),
    moved(it, report),
    ruled(it),
    costs(it),
    untried(it),
  );
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

const trialsPassed = (it) => `${it.passed} of ${it.trials}`;

function verdict({ pass, bound }) {
  const text = `pass^1 was ${pass.before.toFixed(3)} and is ${pass.after.toFixed(3)}: ${signed(pass.difference)} over ${count(pass.tasks, "task")}.`;
  const sure = ` The difference lies between ${signed(pass.low)} and ${signed(pass.high)} with a confidence of ${Math.round(100 * pass.confidence)}%.`;
  const allowed = bound > 0 ? ` It may fall by ${bound}.` : "";
  return make("p", null, text, sure, allowed);
}

/** A table under a heading of its own; nothing where it has no rows. */
function part(title, head, rows, numbers) {
  return rows.length > 0 && section(title, few(rows, ROWS, (some) => table(title, head, some, numbers)));
}

function changed(it, change, title, tone) {
  const of = it.tasks.filter((task) => task.change === change);
  const rows = of.map((task) => [task.task, trialsPassed(task.before), trialsPassed(task.after), task.flipped ? badge("flipped", tone, "All trials of one side pass, none of the other.") : ""]);
  return part(title, ["task", "passed before", "passed after", "all or none"], rows);
}

function flaky(it) {
  const of = it.tasks.filter((task) => task.before.flaky || task.after.flaky);
  return part("Flaky tasks", ["task", "passed before", "passed after"], of.map((task) => [task.task, trialsPassed(task.before), trialsPassed(task.after)]));
}

function moved(it, report) {
  const number = (of) => report.traces.findIndex(({ replay }) => replay.name === of.trace && place(replay.place) === place(of.place)) + 1;
  const rows = (it.moved ?? []).map((of) => [
    make("a", { href: `#trace/${number(of)}` }, of.trace),
    of.before,
    of.after,
    of.newly_broken.join(", "),
    of.no_longer_broken.join(", "),
  ]);
  return part("Verdicts that move", ["trace", "before", "after", "newly broken", "no longer broken"], rows);
}

function ruled(it) {
  const rows = it.rules.map(({ rule, clause, before, after }) => [rule, clause, before.calls, before.trials, after.calls, after.trials]);
  return part("Rules broken more or less often", ["rule", "clause", "calls before", "trials before", "calls after", "trials after"], rows, 2);
}

function costs(it) {
  const row = (name, side) => [name, side.trials, side.calls.toFixed(2), side.tokens === undefined ? "not said" : side.tokens.toLocaleString("en")];
  return part("Per trial", ["side", "trials", "calls", "tokens"], [row("before", it.cost.before), row("after", it.cost.after)], 1);
}

function untried(it) {
  const rows = [...it.only_before.map((task) => [task, "before"]), ...it.only_after.map((task) => [task, "after"])];
  return part("Not compared", ["task", "tried only"], rows);
}
