//! Which of the rules that a run broke its agent had been told of, by a skill that it had read.

use super::model::{SkillRead, Step};
use ::skills::Skills;
use indexmap::IndexSet;
use procedures::policy::{Audit, Policy};
use std::collections::{BTreeMap, BTreeSet};
use traces::Skill;

/// The skills of a policy, whoever writes its audit entries: by digest, the clauses that each tells.
#[derive(Debug)]
pub struct Known {
    clauses: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// Those of that policy.
    pub fn of(policy: &Policy) -> Known {
        let all = Audit::NAMES.into_iter().flat_map(|(_, audit)| Skills::of(policy, audit).skills);
        let each = all.map(|skill| (skill.digest().to_owned(), skill.clauses.into_iter().collect()));
        Known { clauses: each.collect() }
    }

    /// What the skills that an agent had read said of what its calls broke. A skill is known by its digest, wherever it was
    /// read; of another one, nobody can say what it told.
    pub fn told(&self, read: &[Skill], calls: &[Step]) -> Vec<SkillRead> {
        let broken: IndexSet<&str> = calls.iter().flat_map(Step::broken).map(|broken| broken.clause.as_str()).collect();
        let each = read.iter().map(|skill| {
            let clauses = self.clauses.get(&skill.digest);
            let (told, untold) = match clauses {
                None => (Vec::new(), Vec::new()),
                Some(clauses) => {
                    broken.iter().map(|clause| (*clause).to_owned()).partition(|clause| clauses.contains(clause))
                }
            };
            let (uri, digest) = (skill.uri.clone(), skill.digest.clone());
            SkillRead { uri, digest, known: clauses.is_some(), told, untold }
        });
        each.collect()
    }
}
