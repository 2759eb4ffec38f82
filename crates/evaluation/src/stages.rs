//! Which policy, mapping and fixtures a trace is run with, each loaded once.

use super::compare::Closeness;
use super::replay::{Conditions, Stage};
use crate::mapping::{self, Mapping};
use calls::Mode;
use procedures::policy::{self, Audit, Clock, Pace, Policy};
use records::time;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use store::fixtures::Fixtures;
use store::image::Image;
use traces::Settings;

/// What was asked for. What is left out is as each trace says.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where policies are.
    pub policies: policy::Source,
    /// Where mappings are.
    pub mappings: mapping::Source,
    /// The policy.
    pub policy: Option<String>,
    /// The mapping.
    pub mapping: Option<String>,
    /// The folder of fixtures, foreign ones where there is a mapping.
    pub fixtures: Option<PathBuf>,
    /// What happens to a call that a rule would halt.
    pub mode: Option<Mode>,
    /// Who writes audit entries.
    pub audit: Option<Audit>,
    /// The acting user, by id or e-mail address.
    pub actor: Option<String>,
    /// How closely recorded answers must agree with ours.
    pub answers: Closeness,
    /// What stands before the tools' names in the traces.
    pub prefix: Option<String>,
}

/// The policy of a trace that names none.
const DEFAULT_POLICY: &str = "all";

/// The clock that a trace was recorded with, where that is no policy's clock that stands still.
fn clock(recorded: &Settings) -> Result<Option<Clock>, String> {
    let (Some(start), Some(kind)) = (&recorded.clock, &recorded.clock_kind) else { return Ok(None) };
    let start =
        time::canonical(start).ok_or_else(|| format!("was recorded with the clock {start:?}, which is no time"))?;
    let pace = Pace::named(kind)
        .ok_or_else(|| format!("was recorded with a clock that is {kind:?}; here it is fixed or stepped"))?;
    Ok(Some(Clock { start, pace }))
}

/// All stages that were asked for so far.
pub struct Stages {
    choice: Choice,
    policies: BTreeMap<String, Arc<Policy>>,
    images: BTreeMap<Option<String>, Arc<Image>>,
    /// The mapping for what traces were recorded with: environment and interface.
    recorded: BTreeMap<(String, Option<String>), Result<Option<String>, String>>,
    /// The policy that a mapping is written for.
    own: BTreeMap<String, Option<String>>,
    stages: BTreeMap<(String, Option<String>), Arc<Stage>>,
}

impl Stages {
    /// None so far.
    pub fn new(choice: Choice) -> Stages {
        let (policies, images, stages) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Stages { choice, policies, images, recorded: BTreeMap::new(), own: BTreeMap::new(), stages }
    }

    /// The stage of a trace that was recorded so, and how it is run there; else what is wrong with what was asked for. `otherwise` acts where nothing
    /// else tells who does.
    pub fn of(&mut self, recorded: &Settings, otherwise: Option<&str>) -> Result<(Arc<Stage>, Conditions), String> {
        let mapping = self.mapping(recorded)?;
        let own = mapping.as_ref().and_then(|id| {
            let mappings = &self.choice.mappings;
            self.own.entry(id.clone()).or_insert_with(|| Mapping::policy_of(mappings, id)).clone()
        });
        let policy = self.choice.policy.clone().or_else(|| own.clone()).or_else(|| recorded.policy.clone());
        let policy = policy.unwrap_or_else(|| DEFAULT_POLICY.to_owned());
        let mode = self.choice.mode.or_else(|| recorded.mode.as_deref().and_then(Mode::named));
        // Under the policy that stands for a foreign environment, its calls are made as they were made there: unchecked.
        let usual = if own.as_ref() == Some(&policy) { Mode::Off } else { Mode::Enforce };
        let conditions = Conditions {
            mode: mode.unwrap_or(usual),
            audit: self.choice.audit.or_else(|| recorded.audit.as_deref().and_then(Audit::named)),
            actor: self.choice.actor.clone(),
            otherwise: otherwise.map(str::to_owned),
            answers: self.choice.answers,
            clock: clock(recorded)?,
            prefix: self.choice.prefix.clone(),
        };
        Ok((self.stage(policy, mapping)?, conditions))
    }

    fn mapping(&mut self, recorded: &Settings) -> Result<Option<String>, String> {
        if let Some(id) = &self.choice.mapping {
            return Ok(Some(id.clone()));
        }
        let (Some(environment), interface) = (&recorded.environment, &recorded.interface) else { return Ok(None) };
        let mappings = &self.choice.mappings;
        let find = || {
            let found = Mapping::of(mappings, environment, interface.as_deref());
            let interface = interface.as_ref().map_or(String::new(), |interface| format!(", interface {interface}"));
            found.map(Some).ok_or_else(|| {
                let known = Mapping::ids(mappings).join(", ");
                format!("was recorded in {environment}{interface}, for which there is no mapping; there are: {known}")
            })
        };
        self.recorded.entry((environment.clone(), interface.clone())).or_insert_with(find).clone()
    }

    fn stage(&mut self, policy: String, mapping: Option<String>) -> Result<Arc<Stage>, String> {
        let name = (policy, mapping);
        if let Some(stage) = self.stages.get(&name) {
            return Ok(stage.clone());
        }
        let policy = self.policy(&name.0)?;
        let mapping = match &name.1 {
            None => None,
            Some(id) => {
                let loaded = Mapping::load(&self.choice.mappings, id, &policy);
                Some(Arc::new(loaded.map_err(|mistakes| listed("the mapping has mistakes:", &mistakes))?))
            }
        };
        let image = self.image(mapping.as_deref())?;
        let stage = Stage::new(policy, image, mapping).map_err(|fault| fault.to_string())?;
        Ok(self.stages.entry(name).or_insert(Arc::new(stage)).clone())
    }

    fn policy(&mut self, id: &str) -> Result<Arc<Policy>, String> {
        if let Some(policy) = self.policies.get(id) {
            return Ok(policy.clone());
        }
        let ids = policy::ids(&self.choice.policies);
        if !ids.iter().any(|known| known == id) {
            return Err(format!("there is no policy {id:?}; there are: {}", ids.join(", ")));
        }
        let policy = policy::load(&self.choice.policies, id);
        let policy = Arc::new(policy.map_err(|mistakes| listed("the policy has mistakes:", &mistakes))?);
        self.policies.insert(id.to_owned(), policy.clone());
        Ok(policy)
    }

    /// The vocabularies of one environment read the same folder alike, so that it is loaded once.
    fn image(&mut self, mapping: Option<&Mapping>) -> Result<Arc<Image>, String> {
        let environment = mapping.map(|mapping| mapping.environment().to_owned());
        if let Some(image) = self.images.get(&environment) {
            return Ok(image.clone());
        }
        let fixtures = match (mapping, &self.choice.fixtures) {
            (Some(mapping), Some(folder)) => mapping.fixtures(folder),
            (Some(mapping), None) => {
                let id = &mapping.id;
                return Err(format!("the mapping {id} needs the folder of its environment's records: --fixtures DIR"));
            }
            (None, Some(folder)) => Fixtures::from_directory(folder, &|_| None),
            (None, None) => Fixtures::shipped(&|_| None),
        };
        let fixtures = fixtures.map_err(|problems| listed("the fixtures have problems:", &problems))?;
        let image = fixtures.image().map_err(|fault| fault.to_string())?;
        self.images.insert(environment, image.clone());
        Ok(image)
    }
}

fn listed<T: Display>(head: &str, items: &[T]) -> String {
    items.iter().fold(head.to_owned(), |text, item| format!("{text}\n  {item}"))
}
