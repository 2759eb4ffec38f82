//! Options that set up an episode, shared by the commands that need one.

use super::Error;
use calls::{Episode, Mode, Settings};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use procedures::policy::{self, Audit, Pace, Policy, Source};
use server::registry::{Spec, clock};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use store::fixtures::{Fixtures, Problem};

/// Which policy.
#[derive(Args, Clone)]
pub struct PolicyChoice {
    /// The policy to work under; see `incident-mcp policy check` for all of them
    #[arg(long, value_name = "ID", default_value = "all", env = "INCIDENT_MCP_POLICY")]
    pub policy: String,
    #[command(flatten)]
    pub source: SourceChoice,
}

/// Where policies are.
#[derive(Args, Clone)]
pub struct SourceChoice {
    /// A folder of policies, in place of the ones that the program ships
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_POLICIES")]
    pub policies: Option<PathBuf>,
}

impl SourceChoice {
    pub fn source(&self) -> Source {
        self.policies.clone().map_or(Source::Embedded, Source::Directory)
    }
}

impl PolicyChoice {
    pub fn load(&self) -> Result<Arc<Policy>, Error> {
        self.load_by(policy::load)
    }

    /// The policy, which may be a draft.
    pub fn load_draft(&self) -> Result<Arc<Policy>, Error> {
        self.load_by(policy::load_draft)
    }

    fn load_by(&self, load: fn(&Source, &str) -> Result<Policy, Vec<policy::Mistake>>) -> Result<Arc<Policy>, Error> {
        let source = self.source.source();
        // Before anything else is said about a folder that is not there.
        let (known, unread) = source.survey();
        if !known.contains(&self.policy) {
            let served = policy::ids(&source);
            let hint = records::suggest::did_you_mean(&self.policy, served.iter().map(String::as_str));
            let available = format!("\navailable: {}", served.join(", "));
            let head = format!(
                "there is no policy {:?}{hint}{}",
                self.policy,
                if served.is_empty() { "" } else { &available }
            );
            return Err(listed(&head, &unread));
        }
        let loaded = load(&source, &self.policy);
        Ok(Arc::new(loaded.map_err(|mistakes| listed("the policy has mistakes:", &mistakes))?))
    }
}

/// An error of several lines.
pub fn listed<T: Display>(head: &str, items: &[T]) -> Error {
    let lines: Vec<String> = items.iter().map(|item| format!("\n  {item}")).collect();
    format!("{head}{}", lines.concat()).into()
}

/// How an episode is set up.
#[derive(Args, Clone)]
pub struct Setup {
    #[command(flatten)]
    pub policy: PolicyChoice,
    /// A folder of <table>.json files to begin with, in place of the shipped fixtures
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_FIXTURES")]
    fixtures: Option<PathBuf>,
    /// What happens to a call that a rule would halt
    #[arg(long, value_parser = modes(), default_value = Mode::Enforce.name(), env = "INCIDENT_MCP_MODE")]
    mode: Mode,
    /// Who writes audit entries [default: as the policy says]
    #[arg(long, value_parser = audits(), env = "INCIDENT_MCP_AUDIT")]
    audit: Option<Audit>,
    /// The session's user, by id or e-mail address; without it each call names its own
    #[arg(long, value_name = "USER", env = "INCIDENT_MCP_ACTOR")]
    actor: Option<String>,
    /// What time the clock begins with, such as 2025-09-25T12:00:00 [default: as the policy says]
    #[arg(long, value_name = "TIME", env = "INCIDENT_MCP_CLOCK")]
    clock: Option<String>,
    /// Whether the clock moves [default: as the policy says]
    #[arg(long, value_parser = paces(), env = "INCIDENT_MCP_CLOCK_KIND")]
    clock_kind: Option<Pace>,
    /// Keep the episode in this file, and go on with it if it is there; with --http, a folder for all episodes
    #[arg(long, value_name = "PATH", env = "INCIDENT_MCP_STATE")]
    state: Option<PathBuf>,
}

impl Setup {
    /// Where state is kept.
    pub fn state(&self) -> Option<&PathBuf> {
        self.state.as_ref()
    }

    /// The records to begin with.
    pub fn fixtures(&self) -> Result<Fixtures, Error> {
        fixtures(self.fixtures.as_ref()).map_err(|problems| listed("the fixtures have problems:", &problems))
    }

    /// What episodes are, unless they say otherwise.
    pub fn spec(&self) -> Spec {
        Spec {
            policy: Some(self.policy.policy.clone()),
            mode: Some(self.mode),
            audit: self.audit,
            actor: self.actor.clone(),
            clock: self.clock.clone(),
            clock_kind: self.clock_kind,
            ..Spec::default()
        }
    }

    /// Begin the episode, or resume it.
    pub fn episode(&self) -> Result<Episode, Error> {
        let policy = self.policy.load()?;
        let fixtures = self.fixtures()?;
        // A state that is there already was begun with others, or told of.
        if !self.state.as_ref().is_some_and(|file| file.exists()) {
            tell_misfits(&policy, &fixtures);
        }
        let clock = clock(&policy, self.clock.clone(), self.clock_kind)?;
        let settings = Settings { mode: self.mode, audit: self.audit, actor: self.actor.clone(), clock };
        Ok(match &self.state {
            None => Episode::on_image(policy, &fixtures.image()?, &settings)?,
            Some(file) => {
                let episode = Episode::in_file(policy, &fixtures, &settings, file)?;
                store::files::tell_open(file);
                episode
            }
        })
    }
}

/// Load fixtures for use: words are a policy's matter and are not checked.
pub fn fixtures(directory: Option<&PathBuf>) -> Result<Fixtures, Vec<Problem>> {
    match directory {
        None => Fixtures::shipped(&|_| None),
        Some(directory) => Fixtures::from_directory(directory, &|_| None),
    }
}

/// Tell which fixtures have words that a policy does not know: it is served all the same, but its rules will not know what
/// to make of them.
pub fn tell_misfits(policy: &Policy, fixtures: &Fixtures) {
    let misfits = fixtures.misfits(&|vocabulary| Some(policy.words.get(vocabulary)?.iter().cloned().collect()));
    if let Some(first) = misfits.first() {
        let (number, id) = (super::print::count(misfits.len(), "word"), &policy.id);
        tracing::warn!(
            "the fixtures have {number} that policy {id} does not know, see fixtures check --policy {id}: {first}"
        );
    }
}

/// The words that any of these policies knows, by vocabulary: stored rows outlive a policy's own list.
pub fn union_of_words(policies: &[Policy]) -> impl Fn(&str) -> Option<BTreeSet<String>> + '_ {
    |vocabulary| {
        let lists: Vec<_> = policies.iter().filter_map(|policy| policy.words.get(vocabulary)).collect();
        (!lists.is_empty()).then(|| lists.iter().flat_map(|words| words.iter().cloned()).collect())
    }
}

/// The modes, by name.
pub fn modes() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new([
        PossibleValue::new("enforce").help("It halts"),
        PossibleValue::new("observe").help("It goes through, and the journal says what would have halted it"),
        PossibleValue::new("off").help("It goes through; only types and references are checked"),
    ])
    .try_map(|name| Mode::named(&name).ok_or("no such mode"))
}

/// The kinds of clocks, by name.
pub fn paces() -> impl TypedValueParser<Value = Pace> {
    PossibleValuesParser::new([
        PossibleValue::new("fixed").help("It stands still"),
        PossibleValue::new("stepped").help("Whoever runs the episode moves it, with episode advance"),
    ])
    .try_map(|name| Pace::named(&name).ok_or("no such kind"))
}

/// Who may write audit entries, by name.
pub fn audits() -> impl TypedValueParser<Value = Audit> {
    PossibleValuesParser::new([
        PossibleValue::new("explicit").help("The agent, with log_audit; the answer of a write says what it owes"),
        PossibleValue::new("automatic").help("The server, in the same transaction"),
        PossibleValue::new("none").help("Nobody has to"),
    ])
    .try_map(|name| Audit::named(&name).ok_or("no such way"))
}
