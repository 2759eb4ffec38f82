//! What a sentence looks like, by its words: a hint for whoever turns a skill into a policy, and never more.

/// Kinds of rules, with the words that tell of one. A phrase is of whole words; a `#` in it is any number.
const KINDS: [(&str, &[&str]); 5] = [
    (
        "prohibition",
        &[
            "never",
            "do not",
            "don't",
            "must not",
            "mustn't",
            "may not",
            "shall not",
            "should not",
            "shouldn't",
            "cannot",
            "can't",
            "can not",
            "avoid",
            "forbidden",
            "prohibited",
            "not allowed",
            "not permitted",
            "refuse",
            "refrain",
            "disallowed",
            "under no circumstances",
        ],
    ),
    (
        "precondition",
        &[
            "must",
            "before",
            "unless",
            "until",
            "only if",
            "only when",
            "only after",
            "provided that",
            "as long as",
            "require",
            "requires",
            "required",
            "requirement",
            "prerequisite",
            "prerequisites",
            "precondition",
            "ensure",
            "make sure",
            "verify",
            "confirm",
            "check that",
            "check whether",
            "check if",
            "need to",
            "needs to",
            "shall",
            "mandatory",
            "always",
        ],
    ),
    (
        "role",
        &[
            "role",
            "roles",
            "admin",
            "admins",
            "administrator",
            "administrators",
            "manager",
            "managers",
            "approver",
            "approvers",
            "approval",
            "authorized",
            "authorised",
            "permission",
            "permissions",
            "owner",
            "owners",
            "maintainer",
            "maintainers",
            "on behalf of",
        ],
    ),
    (
        "status",
        &[
            "status",
            "statuses",
            "closed",
            "pending",
            "resolved",
            "active",
            "inactive",
            "archived",
            "approved",
            "rejected",
            "cancelled",
            "canceled",
            "in progress",
            "merged",
            "published",
        ],
    ),
    (
        "limit",
        &[
            "at most",
            "at least",
            "maximum",
            "minimum",
            "no more than",
            "no fewer than",
            "no less than",
            "fewer than",
            "less than",
            "more than",
            "up to #",
            "limit",
            "limits",
            "exceed",
            "exceeds",
            "within #",
            "max",
            "min",
            "# characters",
            "# minutes",
            "# hours",
            "# days",
            "# seconds",
            "# lines",
            "# words",
            "# tokens",
            "# mb",
        ],
    ),
];

/// The kinds of rules that a sentence looks like; none where it looks like none.
pub fn looks_like(text: &str) -> Vec<&'static str> {
    let words = words(text);
    let holds = |phrase: &str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        let same = |(word, wanted): (&String, &&str)| {
            word == wanted || (**wanted == *"#" && word.starts_with(|c: char| c.is_ascii_digit()))
        };
        words.windows(phrase.len()).any(|window| window.iter().zip(&phrase).all(same))
    };
    KINDS.iter().filter(|(_, phrases)| phrases.iter().any(|phrase| holds(phrase))).map(|(kind, _)| *kind).collect()
}

/// The words of a text, in lower case. An apostrophe belongs to its word, whichever it is.
pub fn words(text: &str) -> Vec<String> {
    let text = text.replace('’', "'").to_lowercase();
    let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '_'));
    parts.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_looks_like_what_its_words_say() {
        for (text, kinds) in [
            ("Never push to main.", vec!["prohibition"]),
            ("Don’t guess.", vec!["prohibition"]),
            ("You must not exceed 3 retries.", vec!["prohibition", "precondition", "limit"]),
            ("Run the tests BEFORE you commit.", vec!["precondition"]),
            ("Only an administrator may do this.", vec!["role"]),
            ("The ticket is closed.", vec!["status"]),
            ("Keep it under 500 lines.", vec!["limit"]),
            ("Answer within 5 minutes.", vec!["limit"]),
            ("Write a summary.", vec![]),
            ("The enforcement of beforehand is unlimited.", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(looks_like(text), kinds, "{text}");
        }
    }
}
