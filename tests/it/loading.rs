//! Folders of policies as they come: good ones beside broken ones, parts that nobody includes, and files that are none.

use crate::policies::Copy;
use crate::support;
use calls::{Episode, Settings};
use procedures::policy::{self, Policy, Source};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use store::fixtures::Fixtures;

/// A folder of policies of the test's own, which includes shipped parts.
struct Folder(tempfile::TempDir);

const HEAD: &str =
    "title = \"Desk\"\nclock = \"2025-10-05T03:00:00\"\naudit = \"none\"\ninclude = [\"parts/access\"]\n";
const TOOL: &str = "\n[tool.note]\naction = \"add_incident_update\"\ntitle = \"Note\"\ndescription = \"Leave a note.\"\n\
                    roles = \"any\"\nroles_clause = \"desk.1\"\n";

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
    fn write(&self, file: &str, text: impl AsRef<[u8]>) -> &Folder {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
    /// A policy of one tool, with something more in its file.
    fn policy(&self, id: &str, more: &str) -> &Folder {
        self.write(&format!("{id}/policy.toml"), format!("id = \"{id}\"\n{HEAD}{more}{TOOL}"));
        self.write(&format!("{id}/policy.md"), "- **desk.1** Anybody may leave notes.\n")
    }
    fn source(&self) -> Source {
        Source::Directory(self.path().to_owned())
    }
    /// What a check of the whole folder says: a line for what is right, and one for each mistake.
    fn check(&self) -> Vec<String> {
        let plain = |text: String| text.replace(&format!("{}/", self.path().display()), "");
        let said = policy::check(&self.source()).into_iter().flat_map(|(id, found)| match found {
            Ok(_) => vec![format!("ok {id}")],
            Err(mistakes) => mistakes.iter().map(|mistake| plain(mistake.to_string())).collect(),
        });
        said.collect()
    }
    fn load(&self, id: &str) -> Policy {
        policy::load(&self.source(), id).unwrap_or_else(|mistakes| {
            panic!("{:#?}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>());
        })
    }
}

// ---- whole folders ---------------------------------------------------------------------------------------------------

#[test]
fn what_is_broken_beside_good_policies_is_named() {
    let folder = Folder::new();
    folder.policy("good", "").policy("headless", "").policy("broken", "[halts\n").policy("other", "");
    folder.write("headless/policy.toml", format!("id = \"headless\"\naudit = \"none\"\n{TOOL}"));
    folder.write("lonely/policy.md", "- **lonely.1** A text without a policy.\n");
    fs::remove_file(folder.path().join("other/policy.md")).unwrap();
    let said = folder.check();
    for expected in [
        "ok good",
        "broken/policy.toml:6: unclosed table",
        "headless/policy.toml:1: clock is missing: a policy needs id, title, clock and audit",
        "lonely/policy.toml:1: policy.toml is missing beside policy.md",
        "other/policy.md:1: policy.md is missing",
    ] {
        assert!(said.iter().any(|line| line.starts_with(expected)), "{expected}\n{said:#?}");
    }
}

#[test]
fn a_part_that_nobody_includes_is_checked_by_itself() {
    let folder = Folder::new();
    folder.policy("good", "");
    let part = "include = [\"parts/access\"]\n\n[halts]\nquiet = \"Be quiet.\"\n\n[tool.note]\naction = \"add_incident_note\"\n\
                title = \"Note\"\ndescription = \"Leave a note.\"\nroles = \"any\"\nroles_clause = \"spare.1\"\n";
    folder.write("parts/spare/policy.toml", part).write("parts/spare/policy.md", "* **spare.1** Anybody may.\n");
    assert_eq!(
        folder.check(),
        [
            "ok good",
            "parts/spare/policy.md:1: a clause begins with its id, such as - **metric.2** Text",
            "parts/spare/policy.toml:4: halt code \"quiet\" is not written like INCIDENT_NOT_CLOSED",
            "parts/spare/policy.toml:7: there is no action \"add_incident_note\"; did you mean \"add_incident_update\"?",
        ]
    );
    // Included, it is its policy's matter, and named once.
    folder.policy("good", "");
    let toml = fs::read_to_string(folder.path().join("good/policy.toml")).unwrap();
    folder.write("good/policy.toml", toml.replace("\"parts/access\"", "\"parts/spare\""));
    let said = folder.check();
    assert_eq!(said.iter().filter(|line| line.contains("quiet")).count(), 1, "{said:#?}");
}

/// The shipped parts are right by themselves too: a folder may hold more parts than its policies include.
#[test]
fn spare_parts_are_no_mistake() {
    let copy = Copy::new();
    let Source::Directory(root) = copy.source() else { unreachable!() };
    for policy in support::policies().filter(|id| *id != "client-user-vendor") {
        fs::remove_dir_all(root.join(policy)).unwrap();
    }
    let checked = policy::check(&copy.source());
    let wrong: Vec<_> = checked.iter().filter_map(|(id, found)| Some((id, found.as_ref().err()?))).collect();
    assert!(wrong.is_empty() && checked.len() == 1, "{wrong:#?}");
}

#[cfg(unix)]
#[test]
fn files_that_are_none_are_named_and_nothing_is_waited_for() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.policy("good", "").policy("piped", "").policy("linked", "").policy("latin", "");
    let at = |file: &str| folder.path().join(file);
    // Round in circles, within a policy and by way of the folder itself.
    symlink(folder.path(), at("good/loop")).unwrap();
    symlink(at("good"), at("good/self")).unwrap();
    symlink(at("ring-b"), at("ring-a")).unwrap();
    symlink(at("ring-a"), at("ring-b")).unwrap();
    symlink(at("nowhere"), at("gone")).unwrap();
    fs::remove_file(at("piped/policy.md")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("piped/policy.md")).status().unwrap().success());
    fs::remove_file(at("linked/policy.toml")).unwrap();
    symlink(at("linked/other.toml"), at("linked/policy.toml")).unwrap();
    folder.write("latin/policy.md", b"# T\n\n- **desk.1** Caf\xe9.\n");
    fs::create_dir_all(at("holder/policy.toml")).unwrap();
    folder.write("huge/policy.toml", "");
    fs::File::options().write(true).open(at("huge/policy.toml")).unwrap().set_len(1 << 30).unwrap();
    let said = folder.check();
    for expected in [
        "ok good",
        "piped/policy.md:1: policy.md is no file",
        "linked/policy.toml:1: policy.toml is missing",
        "latin/policy.md:1: policy.md is not UTF-8, first in line 3",
        "holder/policy.toml:1: policy.toml is no file",
        "huge/policy.toml:1: policy.toml has more than 64 MiB",
        "gone:1: this link leads nowhere",
        "ring-a:1: this link leads nowhere",
    ] {
        assert!(said.iter().any(|line| line.starts_with(expected)), "{expected}\n{said:#?}");
    }
    assert!(!said.iter().any(|line| line.contains("loop") || line.contains("self")), "{said:#?}");
}

#[test]
fn a_folder_that_cannot_be_looked_into_is_told() {
    let folder = Folder::new();
    folder.write("file", "");
    for path in ["file", "missing"] {
        let source = Source::Directory(folder.path().join(path));
        assert!(source.usable().unwrap_err().contains(path));
        assert!(policy::load(&source, "all").is_ok(), "the shipped policies can be had from anywhere");
    }
}

#[test]
fn line_ends_of_either_kind_load_alike() {
    let folder = Folder::new();
    folder.policy("good", "");
    let before = folder.load("good");
    for file in ["good/policy.toml", "good/policy.md"] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        folder.write(file, text.replace('\n', "\r\n"));
    }
    let after = folder.load("good");
    let clauses =
        |policy: &Policy| policy.clauses.iter().map(|c| (c.id.value.clone(), c.text.clone())).collect::<Vec<_>>();
    assert_eq!(clauses(&before), clauses(&after));
    assert_eq!(before.tools.len(), after.tools.len());
}

#[test]
fn includes_that_go_too_deep_are_a_mistake_and_no_crash() {
    let folder = Folder::new();
    folder.policy("good", "");
    for number in 0..2000 {
        let next = if number < 1999 { format!("include = [\"parts/p{}\"]\n", number + 1) } else { String::new() };
        folder.write(&format!("parts/p{number}/policy.toml"), next);
        folder.write(&format!("parts/p{number}/policy.md"), "# A part\n");
    }
    let toml = fs::read_to_string(folder.path().join("good/policy.toml")).unwrap();
    folder.write("good/policy.toml", toml.replace("[\"parts/access\"]", "[\"parts/access\", \"parts/p0\"]"));
    let mistakes = policy::load(&folder.source(), "good").unwrap_err();
    assert!(mistakes[0].message.contains("more than 32 deep"), "{mistakes:?}");
}

#[test]
fn deep_and_odd_toml_is_a_mistake_and_no_crash() {
    let folder = Folder::new();
    for more in [
        format!("find = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
        format!("words = {}\n", "{ a = ".repeat(50_000)),
        format!("{} = 1\n", vec!["a"; 50_000].join(".")),
        format!("[{}]\n", vec!["a"; 50_000].join(".")),
        "find = [\"incidents\"]\nfind = [\"users\"]\n".to_owned(),
        "[words]\nlevel = [\"low\"]\n[words]\n".to_owned(),
        "find = [\"inc\u{0}idents\"]\n".to_owned(),
    ] {
        folder.policy("odd", &more);
        let said = folder.check();
        assert!(said.iter().all(|line| line.starts_with("odd/policy.toml:")) && !said.is_empty(), "{said:#?}");
    }
}

// ---- what is found only with much of it ---------------------------------------------------------------------------------

/// With work for each pair of clauses this would not end while anybody waits for it.
#[test]
fn a_hundred_thousand_clauses_load() {
    const CLAUSES: usize = 100_000;
    let folder = Folder::new();
    let (mut text, mut exempt) = ("- **desk.1** Anybody may leave notes.\n".to_owned(), String::new());
    for number in 2..=CLAUSES {
        writeln!(text, "- **desk.{number}** A duty of its own.").unwrap();
        writeln!(exempt, "[[exempt]]\nclause = \"desk.{number}\"\nreason = \"Later.\"").unwrap();
    }
    folder.policy("large", &exempt).write("large/policy.md", &text);
    let policy = folder.load("large");
    assert!(policy.clauses.len() >= CLAUSES);
    assert_eq!(policy.clause(&format!("desk.{CLAUSES}")).unwrap().text, "A duty of its own.");
    assert!(policy.clauses.iter().all(|clause| !policy.cover(&clause.id.value).is_empty()));
    // As many mistakes are named.
    folder.policy("large", &exempt.replace("desk.", "desks.")).write("large/policy.md", &text);
    let mistakes = policy::load(&folder.source(), "large").unwrap_err();
    assert_eq!(mistakes.len(), 2 * (CLAUSES - 1));
}

// ---- looks ----------------------------------------------------------------------------------------------------------------

fn refused(policy: Policy, note: &str) -> Json {
    let mut episode = Episode::on_image(policy.into(), support::image(), &Settings::default()).unwrap();
    let answer = support::call(&mut episode, "note", json!({ "incident_id": "27", "note": note, "acting_user": "12" }));
    support::halt(&answer, "NOTE_STOPPED")
}

/// A rule that shows what a look holds, whatever is called.
fn rule(id: &str, look: &str, unless: &str, message: &str) -> String {
    format!(
        "\n[[tool.note.rule]]\nid = \"{id}\"\nlook = {look}\nunless = \"{unless}\"\nhalt = \"NOTE_STOPPED\"\n\
         message = \"{message}\"\nclause = \"desk.1\"\n"
    )
}

fn with_rules(rules: &str) -> Folder {
    let folder = Folder::new();
    folder.policy("good", "[halts]\nNOTE_STOPPED = \"No note can be left.\"\n");
    let toml = fs::read_to_string(folder.path().join("good/policy.toml")).unwrap();
    folder.write("good/policy.toml", toml + rules);
    folder
}

#[test]
fn a_look_is_in_view_in_its_own_rule_alone() {
    let first = rule("desk.first", "{ many = { count = \"users\" } }", "many > 0", "There are none.");
    let folder =
        with_rules(&(first.clone() + &rule("desk.second", "{ few = { count = \"users\" } }", "many > 0", "None.")));
    let said = folder.check();
    assert_eq!(said, ["good/policy.toml:27: nothing is called `many` here"]);
    // Two rules may use one name for two things.
    let second = rule(
        "desk.second",
        "{ many = { count = \"clients\", where = { client_name = \"'Nobody'\" } } }",
        "many > 0",
        "{many} of them.",
    );
    assert_eq!(refused(with_rules(&(first + &second)).load("good"), "Note")["message"], "0 of them.");
}

#[test]
fn a_look_takes_no_name_that_means_something() {
    for name in ["incident", "actor", "now", "audit", "input", "computed", "tool", "client", "new_client"] {
        let folder =
            with_rules(&rule("desk.look", &format!("{{ {name} = {{ count = \"users\" }} }}"), "true", "None."));
        let expected = format!("good/policy.toml:18: \"{name}\" already means something: give the look another name");
        assert!(folder.check().contains(&expected), "{:#?}", folder.check());
    }
    for name in ["Twins", "\"two twins\"", "\"tw.ins\"", "\"\""] {
        let folder =
            with_rules(&rule("desk.look", &format!("{{ {name} = {{ count = \"users\" }} }}"), "true", "None."));
        assert!(folder.check()[0].contains("is no name for a look"), "{:#?}", folder.check());
    }
}

#[test]
fn a_list_holds_neither_nulls_nor_unless_it_says_so_the_same_id_twice() {
    let ids = |of: &str, repeats: &str| {
        let look = format!("{{ found = {{ list = \"users\", of = \"{of}\"{repeats} }} }}");
        let policy = with_rules(&rule("desk.list", &look, "size(found) < 0", "{found}")).load("good");
        let message = refused(policy, "Note")["message"].as_str().unwrap_or_default().to_owned();
        message.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let (once, often) = (ids("client_id", ""), ids("client_id", ", repeats = true"));
    assert!(!often.iter().any(|id| id == "null"), "{often:?}");
    assert!(often.len() > once.len(), "{often:?}");
    assert_eq!(once.len(), often.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn an_empty_list_in_a_message_is_none() {
    let look =
        "{ found = { list = \"client_assignments\", of = \"client_id\", where = { user_id = \"actor.user_id\" } } }";
    let policy = with_rules(&rule("desk.list", look, "size(found) > 0", "Assigned: {found}.")).load("good");
    assert_eq!(refused(policy, "Note")["message"], "Assigned: none.");
}

// ---- fixtures --------------------------------------------------------------------------------------------------------------

#[test]
fn fixtures_that_do_not_fit_a_policys_words_can_be_told() {
    let words =
        |id: &'static str| move |name: &str| Some(support::policy(id).words.get(name)?.iter().cloned().collect());
    let shipped = Fixtures::shipped(&|_| None).unwrap();
    assert_eq!(shipped.misfits(&words("all")), []);
    let folder = Folder::new();
    folder.policy("good", "[words]\nincident_status = [\"open\", \"closed\"]\n");
    let policy = folder.load("good");
    let misfits = shipped.misfits(&|name| Some(policy.words.get(name)?.iter().cloned().collect()));
    let said: Vec<String> = misfits.iter().map(ToString::to_string).collect();
    assert!(!said.is_empty());
    assert!(
        said.iter().all(|line| line.starts_with("incidents.json: row ") && line.contains("is not one of closed, open"))
    );
}
