//! Service tiers as the author writes them: `"2-4 hours"`, `"5-10 business days"`, `"2 weeks"`.

use super::fragment;
use crate::action::sla::{Span, Targets, Tier};
use crate::mistake::{At, Mistake};

/// Minutes in each unit. A business day counts as a whole one (ruling X48).
const UNITS: [(&str, i64); 6] = [
    ("minute", 1),
    ("hour", 60),
    ("day", 24 * 60),
    ("business day", 24 * 60),
    ("week", 7 * 24 * 60),
    ("month", 30 * 24 * 60),
];

/// Check a tier.
pub fn tier(tier: &fragment::Tier, severities: &[String]) -> Result<Tier, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut targets = indexmap::IndexMap::new();
    for (severity, response, resolution) in &tier.targets {
        if !severities.contains(&severity.value) {
            mistakes.push(severity.mistake(format!(
                "{:?} is not a word of severity: {}",
                severity.value,
                severities.join(", ")
            )));
        }
        match (span(response), span(resolution)) {
            (Ok(response), Ok(resolution)) => {
                targets.insert(severity.value.clone(), Targets { response, resolution });
            }
            (response, resolution) => mistakes.extend(response.err().into_iter().chain(resolution.err())),
        }
    }
    let tier = Tier {
        clients: tier.clients.value.clone(),
        availability: tier.availability.value.clone(),
        coverage: tier.coverage.value.clone(),
        targets,
    };
    if mistakes.is_empty() { Ok(tier) } else { Err(mistakes) }
}

fn span(text: &At<String>) -> Result<Span, Mistake> {
    parse(&text.value).ok_or_else(|| {
        let units: Vec<String> = UNITS.iter().map(|(unit, _)| format!("{unit}s")).collect();
        text.mistake(format!(
            "{:?} is not a time span such as \"2-4 hours\"; units are {}",
            text.value,
            units.join(", ")
        ))
    })
}

fn parse(text: &str) -> Option<Span> {
    let (range, unit) = text.trim().split_once(' ')?;
    let (from, to) = range.split_once('-').unwrap_or((range, range));
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    let (_, minutes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    // Enough digits for any target; more would overflow nothing but sense.
    let number = |digits: &str| digits.parse::<i64>().ok().filter(|n| (0..1_000_000).contains(n));
    let (from, to) = (number(from)?, number(to)?);
    let span = Span { text: text.trim().to_owned(), from_minutes: from * minutes, to_minutes: to * minutes };
    (from <= to).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn spans_read_as_the_seed_writes_them() {
        let ends = |text: &str| parse(text).map(|span| (span.from_minutes, span.to_minutes));
        assert_eq!(ends("15-30 minutes"), Some((15, 30)));
        assert_eq!(ends("128 hours"), Some((7680, 7680)));
        assert_eq!(ends("5-10 business days"), Some((7200, 14400)));
        assert_eq!(ends("2 weeks"), Some((20160, 20160)));
        for wrong in ["", "soon", "4-2 hours", "2 fortnights", "-1 hours", "99999999999999999999 weeks"] {
            assert_eq!(ends(wrong), None, "{wrong}");
        }
    }
}
