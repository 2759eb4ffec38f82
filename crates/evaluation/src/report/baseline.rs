//! What differs from a baseline, in one sentence and a few tables that the forms write down in their own ways.

use super::words::{count, place, plain};
use crate::baseline::model::{Baseline, Change, Kind, PerTrial, Trials};

/// A table: its title, the names of its columns, the first of those that hold numbers, its rows.
pub struct Block {
    /// What it shows.
    pub title: &'static str,
    /// The names of the columns.
    pub head: &'static [&'static str],
    /// The first column of numbers; the number of columns where there is none.
    pub numbers: usize,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// The answer: how pass^1 differs, how sure that is, and whether it is a regression.
pub fn sentence(baseline: &Baseline) -> String {
    let pass = &baseline.pass;
    if pass.tasks == 0 {
        return "regression: nothing could be compared".to_owned();
    }
    let doubt = if baseline.doubts.is_empty() { "" } else { "in doubt, since gold has an error; " };
    let (what, bound) = (if baseline.regression { "regression" } else { "no regression" }, baseline.bound);
    let allowed = if bound > 0.0 { format!(" (it may fall by {bound})") } else { String::new() };
    format!(
        "{doubt}{what}{allowed}: pass^1 {:.3} before, {:.3} after, {:+.3} over {}; {:.0} % interval {:+.3} to {:+.3}",
        pass.before,
        pass.after,
        pass.difference,
        count(pass.tasks, "task"),
        100.0 * pass.confidence,
        pass.low,
        pass.high
    )
}

/// What is told of it; tables without rows are left out.
pub fn blocks(baseline: &Baseline) -> Vec<Block> {
    let mut blocks = vec![
        tasks("Tasks that pass less often", baseline, Change::Worse),
        tasks("Tasks that pass more often", baseline, Change::Better),
        flaky(baseline),
        moved(baseline),
        rules(baseline),
        cost(baseline),
        untried(baseline),
        doubts(baseline),
        editions(baseline),
        Block { title: "To be known", head: &["note"], numbers: 1, rows: column(&baseline.notes) },
    ];
    blocks.retain(|block| !block.rows.is_empty());
    blocks
}

fn passed(trials: &Trials) -> String {
    format!("{} of {}", trials.passed, trials.trials)
}

fn tasks(title: &'static str, baseline: &Baseline, change: Change) -> Block {
    let changed = baseline.tasks.iter().filter(|task| task.change == change);
    let rows = changed.map(|task| {
        let flipped = if task.flipped { "flipped" } else { "" };
        vec![plain(&task.task).into_owned(), passed(&task.before), passed(&task.after), flipped.to_owned()]
    });
    Block { title, head: &["task", "passed before", "passed after", "all or none"], numbers: 4, rows: rows.collect() }
}

fn flaky(baseline: &Baseline) -> Block {
    let flaky = baseline.tasks.iter().filter(|task| task.before.flaky || task.after.flaky);
    let rows = flaky.map(|task| vec![plain(&task.task).into_owned(), passed(&task.before), passed(&task.after)]);
    Block { title: "Flaky tasks", head: &["task", "passed before", "passed after"], numbers: 3, rows: rows.collect() }
}

fn moved(baseline: &Baseline) -> Block {
    let rows = baseline.moved.iter().map(|moved| {
        let [no_longer, newly] = [&moved.no_longer_broken, &moved.newly_broken].map(|rules| rules.join(", "));
        let [trace, before, after] = [&moved.trace, &moved.before, &moved.after].map(|text| plain(text).into_owned());
        vec![trace, place(&moved.place), before, after, newly, no_longer]
    });
    Block {
        title: "Verdicts that move",
        head: &["trace", "place", "before", "after", "newly broken", "no longer broken"],
        numbers: 6,
        rows: rows.collect(),
    }
}

fn rules(baseline: &Baseline) -> Block {
    let rows = baseline.rules.iter().map(|rule| {
        let numbers = [rule.before.calls, rule.before.trials, rule.after.calls, rule.after.trials];
        let names = [&rule.rule, &rule.clause].map(|name| plain(name).into_owned());
        names.into_iter().chain(numbers.map(|number| number.to_string())).collect()
    });
    Block {
        title: "Rules broken more or less often",
        head: &["rule", "clause", "calls before", "trials before", "calls after", "trials after"],
        numbers: 2,
        rows: rows.collect(),
    }
}

fn cost(baseline: &Baseline) -> Block {
    let row = |name: &str, side: &PerTrial| {
        let tokens = side.tokens.map_or("not said".to_owned(), |tokens| format!("{tokens:.1}"));
        let counted = if side.counted == side.trials { String::new() } else { side.counted.to_string() };
        vec![name.to_owned(), side.trials.to_string(), format!("{:.2}", side.calls), tokens, counted]
    };
    Block {
        title: "Per trial",
        head: &["side", "trials", "calls", "tokens", "trials that say their tokens"],
        numbers: 1,
        rows: vec![row("before", &baseline.cost.before), row("after", &baseline.cost.after)],
    }
}

fn untried(baseline: &Baseline) -> Block {
    let row = |side: &str, task: &String| vec![plain(task).into_owned(), side.to_owned()];
    let before = baseline.only_before.iter().map(|task| row("before", task));
    let after = baseline.only_after.iter().map(|task| row("after", task));
    Block { title: "Not compared", head: &["task", "tried only"], numbers: 2, rows: before.chain(after).collect() }
}

fn doubts(baseline: &Baseline) -> Block {
    let rows = baseline.doubts.iter().map(|gold| vec![place(gold)]);
    Block { title: "Gold in doubt", head: &["gold"], numbers: 1, rows: rows.collect() }
}

/// An edition that is the same on both sides is a note already.
fn editions(baseline: &Baseline) -> Block {
    let other = baseline.editions.iter().filter(|edition| edition.before != edition.after);
    let rows = other.map(|it| vec![it.policy.clone(), it.before.clone(), it.after.clone()]);
    Block { title: "Editions", head: &["policy", "before", "after"], numbers: 3, rows: rows.collect() }
}

fn column(texts: &[String]) -> Vec<Vec<String>> {
    texts.iter().map(|text| vec![plain(text).into_owned()]).collect()
}

/// Whether it is no regression, by gold that has no error.
pub fn is_good(baseline: &Baseline) -> bool {
    !baseline.regression && baseline.doubts.is_empty()
}

/// What is compared, as a heading.
pub fn title(baseline: &Baseline) -> &'static str {
    match baseline.kind {
        Kind::Trials => "Against the baseline",
        Kind::PolicyEdition => "Under the other edition of the policy",
    }
}
