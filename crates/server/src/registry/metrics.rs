//! What is counted and measured, in the text format of Prometheus.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// Upper ends of the classes of latency, in seconds: from a lookup in memory to a write on a slow disk.
const LATENCIES: [f64; 12] = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.5, 2.5];

/// The counters of one process.
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    halts: Family<Halt, Counter>,
    latency: Histogram,
    /// Live episodes.
    pub live: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    policy: String,
    tool: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Halt {
    policy: String,
    rule: String,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let (calls, halts) = (Family::default(), Family::default());
        let (latency, live) = (Histogram::new(LATENCIES), Gauge::default());
        let mut registry = Registry::with_prefix("incident_mcp");
        registry.register(
            "calls",
            "Tool calls by policy, tool and outcome: ok, halt, limit, fault or repeated",
            calls.clone(),
        );
        registry.register("halts", "Calls that a rule halted, by policy and rule", halts.clone());
        registry.register("call_seconds", "From a call's turn to its answer", latency.clone());
        registry.register("live_episodes", "Episodes that are live", live.clone());
        Metrics { registry, calls, halts, latency, live }
    }
}

impl Metrics {
    /// Count a call.
    pub fn called(&self, policy: &str, tool: &str, outcome: &'static str, rule: Option<&str>, took: Duration) {
        let (policy, tool) = (policy.to_owned(), tool.to_owned());
        if let Some(rule) = rule {
            self.halts.get_or_create(&Halt { policy: policy.clone(), rule: rule.to_owned() }).inc();
        }
        self.calls.get_or_create(&Call { policy, tool, outcome }).inc();
        self.latency.observe(took.as_secs_f64());
    }

    /// Everything as text.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}
