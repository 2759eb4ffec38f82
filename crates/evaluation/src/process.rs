//! How an agent went about its work, worked out from the rules alone.

use super::model::{Duty, Precheck, Prechecks, ProcessVerdict, Remark, Retry, RoleBreach, Severity, Step, Violation};
use super::packed::Packed;
use super::step::Deed;
use procedures::halt::built_in::{REFERENCE, ROLE, SCHEMA};
use std::collections::{BTreeMap, BTreeSet};
use store::parse_id;

/// Rules that every call has to pass whatever the policy: breaking them is a slip, not a breach of a procedure.
const SLIPS: [&str; 2] = [SCHEMA, REFERENCE];

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
        if step.went_through() && !step.changes.is_empty() {
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

/// A call is a retry where nothing was written since it halted: it can only halt again. One pass, for traces can be long.
fn retries(calls: &[Step]) -> Vec<Retry> {
    let mut found = Vec::new();
    // The last call of each kind that halted, since something was written.
    let mut halted = BTreeMap::<(&str, String), (usize, &str)>::new();
    for step in calls {
        let broken = step.broken().next();
        if broken.is_some() || !halted.is_empty() {
            let same = (step.tool.as_str(), unordered(&step.arguments));
            if let Some((of, code)) = halted.get(&same) {
                found.push(Retry { call: step.call, of: *of, tool: step.tool.clone(), code: (*code).to_owned() });
            }
            if let Some(broken) = broken {
                halted.insert(same, (step.call, &broken.code));
            }
        }
        if broken.is_none() && !step.changes.is_empty() {
            halted.clear();
        }
    }
    found
}

/// Arguments that are the same in whatever order they were given.
fn unordered(arguments: &Packed) -> String {
    let mut value = arguments.value();
    value.sort_all_objects();
    value.to_string()
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
