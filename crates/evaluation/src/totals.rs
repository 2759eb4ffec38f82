//! A run in numbers.

use super::compare::Closeness;
use super::model::{Command, Finding, Severity, Totals, TraceReport, Verdict};

/// Count a run.
pub fn totals(command: Command, traces: &[TraceReport], answers: Closeness) -> Totals {
    let mut totals = Totals { traces: traces.len(), ..Totals::default() };
    for trace in traces {
        totals.good += usize::from(is_good(command, trace));
        totals.unfinished += usize::from(trace.replay.unfinished.is_some());
        totals.doubtful += usize::from(trace.verdict.as_ref().is_some_and(Verdict::is_doubtful));
        totals.calls += trace.replay.calls.len();
        for finding in &trace.findings {
            *totals.findings.entry(finding.check.clone()).or_default() += 1;
        }
        for step in &trace.replay.calls {
            *totals.comparisons.entry(step.comparison).or_default() += 1;
            *totals.outcomes.entry(step.outcome.clone()).or_default() += 1;
            for broken in step.broken() {
                *totals.rules.entry(broken.rule.clone()).or_default() += 1;
            }
            let broken = usize::from(step.broken().next().is_some());
            let different = usize::from(!answers.admits(step.comparison));
            let tool = totals.tools.entry(step.tool.clone()).or_default();
            let policy = totals.policies.entry(trace.replay.policy.clone()).or_default();
            for counted in [tool, policy] {
                counted.calls += 1;
                counted.broken += broken;
                counted.different += different;
            }
        }
    }
    totals
}

/// Whether a trace came to what was expected of it.
pub fn is_good(command: Command, trace: &TraceReport) -> bool {
    match command {
        Command::Replay => trace.replay.first_divergence.is_none(),
        Command::Grade => trace.verdict.as_ref().is_some_and(|verdict| verdict.pass),
        Command::Lint => worst(&trace.findings) < Some(Severity::Error),
    }
}

/// The worst that was found; none where nothing was.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}
