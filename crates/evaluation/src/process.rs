//! How an agent went about its work, worked out from the rules alone.

use super::model::{Duty, Precheck, Prechecks, ProcessVerdict, Remark, Retry, RoleBreach, Severity, Step, Violation};
use super::replay::{Deed, ROLE};
use procedures::halt::OK;
use std::collections::BTreeSet;
use store::parse_id;

/// Rules that every call has to pass whatever the policy: breaking them is a slip, not a breach of a procedure.
const SLIPS: [&str; 2] = ["input.schema", "input.reference"];

/// Judge how a trial went about its work.
///
/// A write presupposes that what its rules looked at was read before: by a lookup that showed the record, or searched the
/// table where the rule did; a record that the trial wrote itself is known to it.
pub fn process(calls: &[Step], deeds: &[Deed], unpaid: &[Duty], remarks: &[Remark]) -> ProcessVerdict {
    let mut verdict = ProcessVerdict {
        violations: violations(calls),
        prechecks: prechecks(calls, deeds),
        unpaid: unpaid.to_vec(),
        retries: retries(calls),
        roles: roles(calls, deeds),
        remarks: remarks.to_vec(),
        compliant: false,
    };
    verdict.compliant = verdict.violations.is_empty()
        && verdict.prechecks.missing.is_empty()
        && verdict.unpaid.is_empty()
        && verdict.retries.is_empty()
        && verdict.roles.is_empty()
        && verdict.remarks.iter().all(|remark| remark.severity != Severity::Error);
    verdict
}

fn violations(calls: &[Step]) -> Vec<Violation> {
    let each = calls.iter().flat_map(|step| {
        let broken = step.broken().filter(|broken| !SLIPS.contains(&broken.rule.as_str()));
        broken.map(|broken| Violation { call: step.call, tool: step.tool.clone(), broken: broken.clone() })
    });
    each.collect()
}

fn prechecks(calls: &[Step], deeds: &[Deed]) -> Prechecks {
    let mut found = Prechecks::default();
    let mut known = BTreeSet::new();
    let mut searched = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for (step, deed) in calls.iter().zip(deeds) {
        if step.outcome == OK && !step.changes.is_empty() {
            for look in &deed.consulted {
                // What one write should have read is not missed again by the next.
                if !asked.insert((look.table.name, look.key)) {
                    continue;
                }
                let is_made = match look.key {
                    Some(key) => known.contains(&(look.table.name, key)),
                    None => searched.contains(look.table.name),
                };
                found.needed += 1;
                found.made += usize::from(is_made);
                if !is_made {
                    found.missing.push(Precheck {
                        call: step.call,
                        tool: step.tool.clone(),
                        table: look.table.name.to_owned(),
                        key: look.key.map(|key| key.to_string()),
                        rule: look.rule.clone(),
                        clause: look.clause.clone(),
                    });
                }
            }
        }
        known.extend(deed.seen.iter().copied());
        searched.extend(deed.searched);
        let written = step.changes.iter().filter_map(|row| Some((records::catalogue::table(&row.table)?, &row.key)));
        known.extend(written.filter_map(|(table, key)| Some((table.name, parse_id(key)?))));
    }
    found
}

/// A call is a retry where nothing was written since it halted: it can only halt again.
fn retries(calls: &[Step]) -> Vec<Retry> {
    let mut found = Vec::new();
    for (at, later) in calls.iter().enumerate() {
        let before =
            calls[..at].iter().rev().take_while(|step| step.broken().next().is_some() || step.changes.is_empty());
        let mut same = before.filter(|step| step.tool == later.tool && step.arguments == later.arguments);
        let halted = same.find_map(|step| Some((step.call, step.broken().next()?.code.clone())));
        if let Some((of, code)) = halted {
            found.push(Retry { call: later.call, of, tool: later.tool.clone(), code });
        }
    }
    found
}

fn roles(calls: &[Step], deeds: &[Deed]) -> Vec<RoleBreach> {
    let each = calls.iter().zip(deeds).filter_map(|(step, deed)| {
        let (role, roles) = *deed.role.clone()?;
        let clause = step.broken().find(|broken| broken.rule == ROLE)?.clause.clone();
        let actor = deed.actor.clone().unwrap_or_default();
        Some(RoleBreach { call: step.call, tool: step.tool.clone(), actor, role, roles, clause })
    });
    each.collect()
}
