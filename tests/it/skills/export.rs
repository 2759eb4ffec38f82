//! Skills as folders, and policies of other shapes.

use crate::cli::{program, ran};
use procedures::policy::{self, Source};
use skills::{Refusal, Skills};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder of policies with one of that text; its tools are those of the file's own.
fn desk(text: &str, toml: &str) -> (TempDir, std::sync::Arc<policy::Policy>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("desk")).unwrap();
    fs::write(folder.path().join("desk/policy.md"), text).unwrap();
    let head = "id = \"desk\"\ntitle = \"Desk\"\nclock = \"2025-09-25T23:00:00\"\naudit = \"none\"\ninclude = [\"parts/access\"]\n";
    fs::write(folder.path().join("desk/policy.toml"), format!("{head}{toml}")).unwrap();
    let policy =
        policy::load(&Source::Directory(folder.path().to_owned()), "desk").unwrap_or_else(|all| panic!("{all:#?}"));
    (folder, policy.into())
}

fn tool(name: &str, action: &str, roles: &str, clauses: &str) -> String {
    format!(
        "\n[tool.{name}]\naction = \"{action}\"\ntitle = \"T\"\ndescription = \"Does {name}.\"\nroles = \"any\"\nroles_clause = \"{roles}\"\nclauses = [{clauses}]\n"
    )
}

fn names(policy: &policy::Policy) -> Vec<String> {
    Skills::of(policy, policy.audit).skills.into_iter().map(|skill| skill.name).collect()
}

#[test]
fn sections_are_procedures_whatever_shape_the_text_has() {
    let note = |name: &str, roles: &str, clauses: &str| tool(name, "add_incident_update", roles, clauses);
    for (text, toml, expected) in [
        // Clauses under the title, or under nothing.
        ("# Night desk\n- **note.1** One.\n", note("a", "note.1", ""), vec!["night-desk"]),
        ("- **note.1** One.\n", note("a", "note.1", ""), vec!["desk"]),
        // The title holds nothing together, but a heading below one with clauses goes on with it.
        ("# D\n- **x.1** X.\n\n## A\n- **a.1** A.\n", note("a", "a.1", "\"x.1\""), vec!["a"]),
        ("# D\n## A\n- **a.1** A.\n\n### B\n- **b.1** B.\n", note("a", "b.1", "\"a.1\""), vec!["a"]),
        (
            "# D\n## A\n### B\n- **b.1** B.\n\n### C\n- **c.1** C.\n",
            note("a", "b.1", "") + &note("b", "c.1", ""),
            vec!["b", "c"],
        ),
        // Roles of all tools in one section; each belongs where most of it stands.
        (
            "# D\n## Roles\n- **r.1** R.\n- **r.2** R.\n\n## A\n- **a.1** A.\n- **a.2** A.\n\n## B\n- **b.1** B.\n- **b.2** B.\n",
            note("a", "r.1", "\"a.1\", \"a.2\"") + &note("b", "r.2", "\"b.1\", \"b.2\""),
            vec!["a", "b"],
        ),
        // Two headings of one name.
        (
            "# D\n## A\n- **a.1** A.\n\n## A\n- **b.1** B.\n",
            note("a", "a.1", "") + &note("b", "b.1", ""),
            vec!["a", "a-2"],
        ),
        ("# D\n## Desk overview\n- **a.1** A.\n", note("a", "a.1", ""), vec!["desk-overview-2"]),
    ] {
        let (_folder, policy) = desk(text, &toml);
        let expected: Vec<String> = ["desk-overview"].into_iter().chain(expected).map(str::to_owned).collect();
        assert_eq!(names(&policy), expected, "{text}");
    }
}

#[test]
fn a_licence_is_the_policys_own() {
    let text = "# D\n- **a.1** A.\n";
    let tools = tool("a", "add_incident_update", "a.1", "");
    for (key, license) in [("", None), ("license = \"CC-BY-4.0\"\n", Some("CC-BY-4.0"))] {
        let (_folder, policy) = desk(text, &format!("{key}{tools}"));
        let skills = Skills::of(&policy, policy.audit);
        assert_eq!(skills.skills[1].front.get("license").and_then(|text| text.as_str()), license);
    }
}

#[test]
fn a_long_procedure_is_told_in_more_than_one_file() {
    let mut text = "# D\n\n## A\n\n- **a.1** A.\n".to_owned();
    let mut toml = tool("a", "add_incident_update", "a.1", "");
    for number in 2..900 {
        text += &format!("- **a.{number}** Nobody checks {number}.\n");
        toml += &format!("\n[[exempt]]\nclause = \"a.{number}\"\nreason = \"nothing to check\"\n");
    }
    let (_folder, policy) = desk(&text, &toml);
    let skills = Skills::of(&policy, policy.audit);
    let skill = skills.get("skill://desk/a/SKILL.md").unwrap();
    assert!(skill.files[0].text.lines().count() < 500);
    let moved = skill.files.iter().find(|file| file.path == "references/what-no-tool-makes-sure-of.md").unwrap();
    assert!(moved.text.contains("- **a.899** Nobody checks 899. (Not held by a tool: nothing to check)"));
    assert!(skill.files[0].text.contains(&moved.path), "SKILL.md says where they stand");
}

#[test]
fn words_of_the_policy_that_yaml_or_its_readers_would_take_otherwise_stay_words() {
    let text = "# D\n\n## A: \"b\" --- [c] # d\n\nFor *this*: 'that'.\n\n- **a.1** A.\n";
    let long = "x ".repeat(90);
    let tools: String = (0..12).map(|at| tool(&format!("a{at}"), "add_incident_update", "a.1", "")).collect();
    let tools = tools.replace("Does ", &long);
    let (_folder, policy) = desk(text, &tools);
    let skills = Skills::of(&policy, policy.audit);
    let skill = &skills.skills[1];
    assert_eq!(skill.name, "a-b-c-d");
    let description = skill.description();
    assert!(
        description.chars().count() <= 1024 && description.ends_with(" When: For *this*: 'that'."),
        "{description}"
    );
    assert!(!description.contains("---"));
    assert_eq!(skills::read(&skill.files[0].text).unwrap().front, skill.front);
}

// ---- folders ---------------------------------------------------------------------------------------------------------

fn export(into: &Path, policy: &str) -> crate::cli::Ran {
    ran(program().args(["policy", "export", "--policy", policy, "--skill"]).arg(into).output().unwrap())
}

#[test]
fn an_export_writes_each_skill_into_a_folder_of_its_name_and_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let said = export(folder.path(), "client-user-vendor").ends(0).stdout;
    let policy = crate::support::policy("client-user-vendor");
    let skills = Skills::of(&policy, policy.audit);
    let folders: Vec<String> =
        skills.skills.iter().map(|skill| folder.path().join(&skill.name).display().to_string()).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), folders);
    for skill in &skills.skills {
        for file in &skill.files {
            let text = fs::read_to_string(folder.path().join(&skill.name).join(&file.path)).unwrap();
            assert_eq!(text, *file.text);
            assert!(file.path != "SKILL.md" || text.contains("`incident-mcp serve --policy client-user-vendor`"));
        }
    }
    // An earlier edition is replaced.
    let first = folder.path().join(&skills.skills[1].name).join("SKILL.md");
    let kept = fs::read_to_string(&first).unwrap();
    fs::write(&first, kept.replace("## Steps", "## Old steps")).unwrap();
    export(folder.path(), "client-user-vendor").ends(0);
    assert_eq!(fs::read_to_string(&first).unwrap(), kept);
}

#[test]
fn an_export_overwrites_nothing_of_others_and_then_writes_nothing() {
    let policy = crate::support::policy("client-user-vendor");
    let skills = Skills::of(&policy, policy.audit);
    let last = &skills.skills.last().unwrap().name;
    for (path, text) in [
        (format!("{last}/SKILL.md"), "---\nname: x\n---\n"),
        (format!("{last}/SKILL.md"), "---\nmetadata:\n  policy: all\n---\n"),
        (format!("{last}/notes.txt"), "mine"),
        (last.clone(), "a file"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join(&path);
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::write(&there, text).unwrap();
        let ran = export(folder.path(), "client-user-vendor").ends(1);
        assert!(ran.stderr.contains(last.as_str()) && ran.stderr.contains("move it away"), "{}", ran.stderr);
        assert_eq!(fs::read_to_string(&there).unwrap(), text);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else was written");
    }
}

#[cfg(unix)]
#[test]
fn an_export_follows_no_link() {
    let policy = crate::support::policy("client-user-vendor");
    let skills = Skills::of(&policy, policy.audit);
    let name = &skills.skills[0].name;
    for path in
        [name.clone(), format!("{name}/SKILL.md"), format!("{name}/references"), format!("{name}/references/words.md")]
    {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        skills::write(&skills, &policy, folder.path()).unwrap();
        let there = folder.path().join(&path);
        let target = elsewhere.path().join("kept");
        match there.is_dir() {
            true => {
                fs::rename(&there, &target).unwrap();
                std::os::unix::fs::symlink(&target, &there).unwrap();
            }
            false => {
                fs::write(&target, "kept").unwrap();
                fs::remove_file(&there).unwrap();
                std::os::unix::fs::symlink(&target, &there).unwrap();
            }
        }
        let refused = skills::write(&skills, &policy, folder.path());
        assert!(matches!(refused, Err(Refusal::Taken(_))), "{path}: {refused:?}");
        assert!(target.is_dir() || fs::read_to_string(&target).unwrap() == "kept");
    }
}
