//! Options of `serve --http`, and serving by them.

use super::setup::{Setup, fixtures, listed, tell_misfits};
use super::signals::Signals;
use super::{Answer, Error};
use calls::Budget;
use clap::Args;
use server::http::descriptors::Connections;
use server::http::guard::Secret;
use server::http::{Access, Limits, Listener, Options};
use server::registry::{self, DEFAULT_FIXTURES, Durable, Recorder, Registry, Spec};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// How to serve over HTTP.
#[derive(Args)]
#[command(next_help_heading = "Over HTTP")]
pub struct Http {
    /// Serve over Streamable HTTP and HTTP+SSE at this address, such as 127.0.0.1:7330, in place of standard input
    #[arg(id = "http", long = "http", value_name = "ADDRESS", env = "INCIDENT_MCP_HTTP")]
    pub address: Option<String>,
    /// Create and inspect episodes at this address; agents must not reach it
    #[arg(long, value_name = "ADDRESS", requires = "http", env = "INCIDENT_MCP_CONTROL")]
    control: Option<String>,
    /// The file of the bearer token that agents must send [env: the token itself in INCIDENT_MCP_TOKEN]
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// The file of the control plane's bearer token [env: the token itself in INCIDENT_MCP_CONTROL_TOKEN]
    #[arg(long, value_name = "FILE", requires = "http")]
    control_token_file: Option<PathBuf>,
    /// Another name under which this server is reached, as behind a proxy; * for any
    #[arg(long, value_name = "HOST", requires = "http", env = "INCIDENT_MCP_ALLOW_HOST", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// An origin whose web pages may use this server, such as https://inspector.example
    #[arg(long, value_name = "ORIGIN", requires = "http", env = "INCIDENT_MCP_ALLOW_ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,
    /// The address under which agents reach this server, such as https://agents.example, where it is another than --http
    #[arg(long, value_name = "URL", requires = "http", env = "INCIDENT_MCP_PUBLIC_URL")]
    public_url: Option<String>,
    /// A further set of fixtures that episodes can start from
    #[arg(long, value_name = "NAME=DIR", requires = "http", value_parser = named)]
    fixtures_named: Vec<(String, PathBuf)>,
    /// Most episodes at once, beside the default one
    #[arg(long, value_name = "N", default_value_t = registry::Limits::default().episodes, env = "INCIDENT_MCP_MAX_EPISODES")]
    max_episodes: usize,
    /// Seconds without a call after which an episode ends, unless it says otherwise; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, env = "INCIDENT_MCP_TTL")]
    ttl: u64,
    /// Longest body of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body)]
    max_body: usize,
    /// Most requests at work at once; more are turned away
    #[arg(long, value_name = "N", default_value_t = Limits::default().concurrency)]
    max_requests: usize,
    /// Seconds that a request may take until its answer begins
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().time.as_secs())]
    timeout: u64,
    /// Requests a second from one address on the agents' side; 0 for any number
    #[arg(long, value_name = "N", default_value_t = 0, env = "INCIDENT_MCP_RATE_LIMIT")]
    rate_limit: u32,
    /// Seconds that accepted requests may take once the server is told to end
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    drain: u64,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, folder)) if !name.is_empty() && name != DEFAULT_FIXTURES => Ok((name.to_owned(), folder.into())),
        Some(_) => Err(format!("the name must be another than {DEFAULT_FIXTURES}; that set is chosen with --fixtures")),
        None => Err("must be NAME=DIR".to_owned()),
    }
}

impl Http {
    pub fn serve(
        &self,
        address: &str,
        setup: &Setup,
        spec: Spec,
        budget: Budget,
        recorder: Option<Recorder>,
    ) -> Result<Answer, Error> {
        let token = secret(self.token_file.as_ref(), "INCIDENT_MCP_TOKEN")?;
        let control_token = secret(self.control_token_file.as_ref(), "INCIDENT_MCP_CONTROL_TOKEN")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let connections = Connections::of_process();
            // Before anybody can know that there is a server.
            let signals = Signals::hear()?;
            let registry = Registry::open(self.registry(setup, spec, budget, recorder)?).await?;
            let public = Listener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
            let control = match &self.control {
                None => None,
                Some(address) => Some(Listener::bind(address).await.map_err(|error| format!("{address}: {error}"))?),
            };
            let open = |listener: &Listener| !listener.address().ip().is_loopback();
            if let Some(control) = &control
                && (open(&public) || open(control))
                && control_token.is_none()
            {
                let why = "the control plane needs a token, since not everything is on loopback: give --control-token-file, \
                           or the token in INCIDENT_MCP_CONTROL_TOKEN";
                return Err(why.into());
            }
            if open(&public) && token.is_none() {
                tracing::warn!("whoever reaches {} can use the default episode: there is no token", public.address());
            }
            // Before anybody is told where to ask.
            registry.default_episode().await?;
            tracing::info!("listening on http://{}/mcp", public.address());
            if let Some(control) = &control {
                tracing::info!("control plane on http://{}", control.address());
            }
            let (hosts, origins) = (self.allow_host.clone(), self.allow_origin.clone());
            let access = |token| Access { hosts: hosts.clone(), origins: origins.clone(), token };
            let control = control.map(|listener| (listener, access(control_token)));
            let options = Options { access: access(token), limits: self.limits(), connections, grace: Duration::from_secs(self.drain), public_url: self.public_url.clone() };
            server::http::serve(registry.clone(), options, public, control, signals.told_to_end()).await?;
            registry.finish().await;
            tracing::info!("ended with {} live episodes", registry.count());
            Ok(Answer::Yes)
        })
    }

    fn registry(
        &self,
        setup: &Setup,
        defaults: Spec,
        budget: Budget,
        recorder: Option<Recorder>,
    ) -> Result<registry::Setup, Error> {
        let set = setup.fixtures()?;
        let policy = setup.policy.load()?;
        tell_misfits(&policy, &set);
        let mut sets = BTreeMap::from([(DEFAULT_FIXTURES.to_owned(), set)]);
        for (name, folder) in &self.fixtures_named {
            let head = format!("the fixtures {name} have problems:");
            sets.insert(name.clone(), fixtures(Some(folder)).map_err(|problems| listed(&head, &problems))?);
        }
        let durable = setup.state().map(|directory| Durable::open(directory)).transpose()?;
        let ttl = (self.ttl > 0).then(|| Duration::from_secs(self.ttl));
        Ok(registry::Setup {
            source: setup.policy.source.source(),
            fixtures: sets,
            defaults,
            limits: registry::Limits { episodes: self.max_episodes, ttl, budget },
            durable,
            recorder,
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            body: self.max_body,
            concurrency: self.max_requests,
            time: Duration::from_secs(self.timeout),
            rate: NonZeroU32::new(self.rate_limit),
            ..Limits::default()
        }
    }
}

/// The token in a file or in the environment. Clap does not read it, since it would show it in its help.
fn secret(file: Option<&PathBuf>, variable: &str) -> Result<Option<Secret>, Error> {
    let (place, text) = match (file, std::env::var(variable)) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            (file.display().to_string(), text)
        }
        (None, Ok(text)) if text.is_empty() => return Ok(None),
        (None, Ok(text)) => (variable.to_owned(), text),
        (None, Err(_)) => return Ok(None),
    };
    Ok(Some(Secret::new(&text).map_err(|error| format!("{place}: {error}"))?))
}
