//! A skill beside a policy.

use procedures::policy::{self, Policy};
use skills::{Alignment, Skills, Source, Standing, compare, digest};

fn shipped(id: &str) -> Policy {
    policy::load(&policy::Source::Embedded, id).unwrap()
}

fn skill(body: &str) -> Source {
    Source::of(format!("---\nname: a\n---\n{body}"), "a")
}

fn aligned(pairs: &[(&str, &str)]) -> Alignment {
    let each =
        pairs.iter().map(|(sentence, clause)| format!("[[align]]\nsentence = {sentence:?}\nclause = {clause:?}\n"));
    Alignment::read(&each.collect::<String>()).unwrap()
}

#[test]
fn a_sentence_is_enforced_by_a_clause_id_in_it_or_by_an_alignment_and_by_nothing_else() {
    let policy = shipped("problem-to-review");
    let same = policy.clause("metric.2").unwrap().text.clone();
    let exempt = policy
        .clauses
        .iter()
        .find(|clause| policy.cover(&clause.id.value).iter().all(|cover| cover.kind() == "exempt"));
    let exempt = exempt.unwrap().id.value.clone();
    let aligned = aligned(&[(&digest(b"Close it first."), "metric.2"), (&digest(b"Think."), &exempt)]);
    for (sentence, standing, clauses) in [
        ("See metric.2.", Standing::Enforced, vec!["metric.2"]),
        ("Per (metric.2), it is closed.", Standing::Enforced, vec!["metric.2"]),
        ("See metric.22 and xmetric.2 and metric.2x.", Standing::Hoped, vec![]),
        ("Close it first.", Standing::Enforced, vec!["metric.2"]),
        ("close it first.", Standing::Hoped, vec![]),
        // Word for word the clause, and nobody said that it is.
        (&same, Standing::Hoped, vec![]),
        ("Think.", Standing::Exempt, vec![&exempt]),
        (&format!("See {exempt}."), Standing::Exempt, vec![&exempt]),
    ] {
        let found = compare(&skill(sentence), &policy, &aligned);
        let told = &found.sentences[0];
        assert_eq!(
            (told.standing, &told.clauses),
            (standing, &clauses.iter().map(|id| (*id).to_owned()).collect()),
            "{sentence}"
        );
        assert_eq!(told.digest, digest(told.sentence.text.as_bytes()));
    }
    let hint = compare(&skill(&same), &policy, &aligned).sentences[0].like.clone();
    assert_eq!(policy.clause(&hint.unwrap()).unwrap().text, same);
}

#[test]
fn rules_that_the_skill_does_not_tell_are_listed() {
    let policy = shipped("problem-to-review");
    let found = compare(&skill("See metric.2."), &policy, &Alignment::default());
    assert!(!found.untold.contains(&"metric.2".to_owned()) && found.untold.contains(&"metric.1".to_owned()));
    let exempt = |id: &String| policy.cover(id).iter().all(|cover| cover.kind() == "exempt");
    assert!(!found.untold.iter().any(exempt), "what nobody enforces is no rule");
}

#[test]
fn a_generated_skill_tells_only_what_its_policy_says_and_all_of_it_together() {
    for id in ["all", "it-incident-management", "client-user-vendor"] {
        let policy = shipped(id);
        let mut untold: Vec<String> = policy.clauses.iter().map(|clause| clause.id.value.clone()).collect();
        for skill in Skills::of(&policy, policy.audit).skills.iter().skip(1) {
            let found =
                compare(&Source::of(skill.files[0].text.to_string(), &skill.name), &policy, &Alignment::default());
            untold.retain(|id| found.untold.contains(id));
            let told: Vec<&str> = found.sentences.iter().flat_map(|told| &told.clauses).map(String::as_str).collect();
            assert!(skill.clauses.iter().all(|clause| told.contains(&clause.as_str())), "{}", skill.name);
            // What is left are the words around the lines.
            let hoped = found.sentences.iter().filter(|told| told.standing == Standing::Hoped);
            assert!(hoped.count() <= 9, "{}", skill.name);
        }
        assert!(untold.iter().all(|id| policy.cover(id).iter().all(|cover| cover.kind() != "rule")), "{untold:?}");
    }
}

#[test]
fn an_alignment_that_fits_nothing_is_told() {
    let policy = shipped("problem-to-review");
    let aligned = aligned(&[("sha256:00", "metric.2"), (&digest(b"See."), "nothing.1")]);
    let found = compare(&skill("See."), &policy, &aligned);
    assert_eq!(
        found.stale,
        ["no sentence of the skill has the digest sha256:00", "the policy has no clause nothing.1"]
    );
    assert_eq!(found.sentences[0].standing, Standing::Hoped);
    for (text, part) in [
        ("align = 1", "list of tables"),
        ("other = 1", "no key \"other\""),
        ("[[align]]\nsentence = \"x\"", "number 1"),
        ("[[align]]\nsentence = \"x\"\nclause = \"y\"\nmore = 1", "number 1"),
        ("[[", "TOML"),
    ] {
        assert!(Alignment::read(text).unwrap_err().contains(part), "{text}");
    }
    assert!(Alignment::read("").is_ok());
}
