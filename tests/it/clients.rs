//! `client`: this program in the configuration of MCP clients, whose files are others' and are treated so.

use crate::cli::{Ran, program, ran};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A home of its own for each test.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file of a client with that text.
    fn with(text: impl AsRef<[u8]>) -> Home {
        let home = Home::new();
        fs::write(home.path("file"), text).unwrap();
        home
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("file")).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = program();
        command
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("CODEX_HOME");
        command.env("APPDATA", self.0.path()).env("USERPROFILE", self.0.path());
        ran(command.args(arguments).output().unwrap())
    }

    /// Add an entry for a server over HTTP, which names no path of this machine.
    fn add(&self, client: &str, more: &[&str]) -> Ran {
        let arguments = ["client", "add", client, "--file", "file", "--url", "http://127.0.0.1:7330/mcp"];
        self.run(&[&arguments, more].concat())
    }

    fn undo(&self) -> Ran {
        self.run(&["client", "undo", "cursor", "--file", "file"])
    }

    /// All files that are there.
    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

const ALL: [&str; 8] = ["claude-desktop", "claude-code", "vscode", "cursor", "windsurf", "zed", "gemini-cli", "codex"];

/// Where this test's program is, as it stands in a file.
fn without_place(text: &str) -> String {
    text.replace(env!("CARGO_BIN_EXE_incident-mcp"), "/path/to/incident-mcp")
}

#[test]
fn each_client_gets_the_entry_that_it_reads() {
    let mut shown = Vec::new();
    for client in ALL {
        let home = Home::new();
        home.run(&["client", "add", client, "--file", "file", "--", "--policy", "all", "--actor", "6"]).ends(0);
        shown.push(format!("# {client}\n{}", without_place(&home.text())));
        if client == "claude-desktop" {
            home.add(client, &["--replace"]).ends(1).complains(&["no servers over HTTP"]);
            continue;
        }
        let token: &[&str] = if client == "zed" { &["--replace"] } else { &["--replace", "--token-variable", "TOKEN"] };
        home.add(client, token).ends(0);
        shown.push(format!("# {client}, over HTTP\n{}", home.text()));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn everything_else_in_a_file_stays_as_it_is() {
    let entry = r#""incident-mcp": {
      "url": "http://127.0.0.1:7330/mcp"
    }"#;
    let kept: [(&str, &str, String); 9] = [
        ("cursor", "{}", format!("{{\n  \"mcpServers\": {{\n    {entry}\n  }}\n}}")),
        ("cursor", "{\n  \"z\": 1,\n  \"a\": [1,2]\n}\n", format!("{{\n  \"z\": 1,\n  \"a\": [1,2],\n  \"mcpServers\": {{\n    {entry}\n  }}\n}}\n")),
        (
            "cursor",
            "// mine\n{\n  // first\n  \"mcpServers\": {\n    \"a\": {}, // one\n    /* two */ \"b\": {}\n  } // end\n}\n",
            format!(
                "// mine\n{{\n  // first\n  \"mcpServers\": {{\n    \"a\": {{}}, // one\n    /* two */ \"b\": {{}},\n    {entry}\n  }} // end\n}}\n"
            ),
        ),
        (
            "cursor",
            "{\n  \"mcpServers\": {\n    \"a\": {},\n  },\n}\n",
            format!("{{\n  \"mcpServers\": {{\n    \"a\": {{}},\n    {},\n  }},\n}}\n", entry.replace("/mcp\"", "/mcp\",")),
        ),
        (
            "cursor",
            "{\r\n  \"mcpServers\": {\r\n    \"a\": {}\r\n  }\r\n}\r\n",
            format!("{{\n  \"mcpServers\": {{\n    \"a\": {{}},\n    {entry}\n  }}\n}}\n").replace('\n', "\r\n"),
        ),
        (
            "cursor",
            "\u{feff}{\n\t\"mcpServers\": {\n\t\t\"a\": {}\n\t}\n}",
            format!("\u{feff}{{\n  \"mcpServers\": {{\n    \"a\": {{}},\n    {entry}\n  }}\n}}").replace("  ", "\t"),
        ),
        (
            "codex",
            "# mine\nmodel = \"x\"   # the best\n\n[mcp_servers.other]\ncommand = 'y' # z\n",
            "# mine\nmodel = \"x\"   # the best\n\n[mcp_servers.other]\ncommand = 'y' # z\n\n[mcp_servers.incident-mcp]\nurl = \"http://127.0.0.1:7330/mcp\"\n".to_owned(),
        ),
        (
            "codex",
            "mcp_servers = { other = { command = \"y\" } } # all\n",
            "mcp_servers = { other = { command = \"y\" }, incident-mcp = { url = \"http://127.0.0.1:7330/mcp\" } } # all\n".to_owned(),
        ),
        ("codex", "", "[mcp_servers.incident-mcp]\nurl = \"http://127.0.0.1:7330/mcp\"\n".to_owned()),
    ];
    for (client, before, after) in kept {
        let home = Home::with(before);
        home.add(client, &[]).ends(0);
        assert_eq!(home.text(), after, "{before:?}");
        home.run(&["client", "undo", client, "--file", "file"]).ends(0);
        assert_eq!((home.text().as_str(), home.files()), (before, vec!["file".to_owned()]));
    }
}

#[test]
fn an_entry_is_replaced_in_its_place_and_only_when_that_is_asked_for() {
    let replaced = [
        (
            "codex",
            "[mcp_servers]\nincident-mcp = { command = \"old\" } # ours\nb = { command = \"b\" }\n",
            "[mcp_servers]\nincident-mcp = { url = \"http://127.0.0.1:7330/mcp\" } # ours\nb = { command = \"b\" }\n",
        ),
        (
            "cursor",
            "{\"mcpServers\": {\"incident-mcp\": {\"command\": \"old\"}, /* after */ \"b\": {}}}",
            "{\"mcpServers\": {\"incident-mcp\": {\n      \"url\": \"http://127.0.0.1:7330/mcp\"\n    }, /* after */ \"b\": {}}}",
        ),
        (
            "codex",
            "# ours\n[mcp_servers.incident-mcp]\ncommand = \"old\"\n\n# theirs\n[mcp_servers.b]\ncommand = \"b\"\n",
            "# ours\n[mcp_servers.incident-mcp]\nurl = \"http://127.0.0.1:7330/mcp\"\n\n# theirs\n[mcp_servers.b]\ncommand = \"b\"\n",
        ),
    ];
    for (client, before, after) in replaced {
        let home = Home::with(before);
        home.add(client, &[]).ends(1).complains(&["already", "--replace"]);
        assert_eq!((home.text().as_str(), home.files()), (before, vec!["file".to_owned()]));
        home.add(client, &["--replace"]).ends(0);
        assert_eq!(home.text(), after);
        let again = home.add(client, &["--replace"]).ends(0);
        assert!(again.stdout.contains("already"), "{}", again.stdout);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let broken: [(&str, &[u8], &str); 14] = [
        ("cursor", b"{\"mcpServers\": {}", ""),
        ("cursor", b"{\"mcpServers\": {} \"b\": 1}", ""),
        ("cursor", b"{'mcpServers': {}}", ""),
        ("cursor", b"[]", "no JSON object"),
        ("cursor", b"{} {}", ""),
        ("cursor", b"{\"mcpServers\": []}", "no map of servers"),
        ("cursor", b"{\"mcpServers\": {}, \"mcpServers\": {}}", "twice"),
        ("cursor", b"{\"mcpServers\": {\"incident-mcp\": {}, \"incident-mcp\": {}}}", "twice"),
        ("cursor", b"\xff\xfe{\0}\0", "UTF-8"),
        ("cursor", deep.as_bytes(), "nested"),
        ("claude-desktop", b"{\"mcpServers\": {}} // mine", ""),
        ("claude-code", b"{\"mcpServers\": {},}", ""),
        ("codex", b"mcp_servers = 1", "no map of servers"),
        ("codex", b"[mcp_servers\n", ""),
    ];
    for (client, text, part) in broken {
        let home = Home::with(text);
        home.run(&["client", "add", client, "--file", "file"]).ends(1).complains(&["file", part]);
        assert_eq!((fs::read(home.path("file")).unwrap().as_slice(), home.files()), (text, vec!["file".to_owned()]));
    }
    let home = Home::new();
    home.run(&["client", "add", "cursor", "--file", "."]).ends(1).complains(&["no file"]);
}

#[test]
fn a_change_is_taken_back_step_by_step_and_never_over_one_of_somebody_else() {
    let home = Home::with("{}");
    home.add("cursor", &[]).ends(0);
    let first = home.text();
    home.add("cursor", &["--name", "second"]).ends(0);
    home.undo().ends(0);
    assert_eq!(home.text(), first);
    fs::write(home.path("file"), "{ \"mine\": 1 }").unwrap();
    home.undo().ends(1).complains(&["not as this program left it"]);
    fs::write(home.path("file"), &first).unwrap();
    home.undo().ends(0);
    assert_eq!(home.text(), "{}");
    home.undo().ends(1).complains(&["nothing to undo"]);
    // A file that was made is taken away again, and one that was empty is empty.
    let (made, empty) = (Home::new(), Home::with(""));
    for home in [&made, &empty] {
        home.add("cursor", &[]).ends(0);
        home.undo().ends(0);
    }
    assert_eq!((made.files(), empty.files(), empty.text()), (vec![], vec!["file".to_owned()], String::new()));
}

#[test]
fn a_dry_run_shows_the_change_and_makes_none() {
    let home = Home::with("{}");
    let shown = home.add("cursor", &["--dry-run"]).ends(0).stdout;
    assert!(shown.contains("+    \"incident-mcp\": {") && shown.contains("dry run"), "{shown}");
    assert_eq!((home.text().as_str(), home.files()), ("{}", vec!["file".to_owned()]));
    Home::new().run(&["client", "add", "cursor", "--project", "--dry-run"]).ends(0);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_mode_its_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let home = Home::with("{}");
    fs::set_permissions(home.path("file"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("file", home.path("link")).unwrap();
    home.run(&["client", "add", "cursor", "--file", "link"]).ends(0);
    assert!(home.path("link").is_symlink() && home.text().contains("incident-mcp"));
    assert_eq!(mode(&home.path("file")), 0o640);
    let backup = home.files().into_iter().find(|name| name.contains("before")).unwrap();
    assert_eq!(mode(&home.path(&backup)), 0o640);
    // A new one may come to hold a token.
    home.run(&["client", "add", "cursor", "--file", "new/one"]).ends(0);
    assert_eq!((mode(&home.path("new")), mode(&home.path("new/one"))), (0o700, 0o600));
    symlink("nowhere", home.path("lost")).unwrap();
    home.run(&["client", "add", "cursor", "--file", "lost"]).ends(1).complains(&["lost"]);
}

#[test]
fn options_are_those_of_serve_and_lead_to_the_same_files_from_anywhere() {
    let home = Home::new();
    let add = ["client", "add", "cursor", "--file", "file", "--"];
    let refused: [(&[&str], &str); 4] = [
        (&["--polcy", "all"], "--policy"),
        (&["--mode", "lenient"], "enforce"),
        (&["--http", "127.0.0.1:1"], "--url"),
        (&["--help"], "needs a server"),
    ];
    for (options, part) in refused {
        home.run(&[&add, options].concat()).ends(1).complains(&[part]);
    }
    assert_eq!(home.files(), Vec::<String>::new());
    home.run(&[&add[..], &["--state", "a.db", "--journal=runs", "--actor", "--state"]].concat()).ends(1);
    home.run(&[&add[..], &["--state", "a.db", "--journal=runs"]].concat()).ends(0);
    let text = home.text();
    let folder = home.0.path().canonicalize().unwrap();
    for path in
        [format!("\"{}\"", folder.join("a.db").display()), format!("\"--journal={}\"", folder.join("runs").display())]
    {
        assert!(text.contains(&path), "no {path} in {text}");
    }
    for url in ["127.0.0.1:7330/mcp", "ftp://a/mcp", "http://127.0.0.1:7330", "http://"] {
        home.run(&["client", "add", "cursor", "--file", "other", "--url", url])
            .ends(1)
            .complains(&[url, "127.0.0.1:7330/mcp"]);
    }
}

#[test]
fn the_doctor_says_what_to_do_about_a_clients_file() {
    let home = Home::new();
    home.run(&["client", "add", "cursor"]).ends(0);
    home.run(&["client", "add", "codex"]).ends(0);
    let well = home.run(&["doctor"]).ends(0);
    assert!(well.stdout.contains("Cursor starts") && well.stdout.contains("Nothing is wrong"), "{}", well.stdout);
    let listed = home.run(&["client", "list"]).ends(0).stdout;
    assert_eq!(listed.matches(env!("CARGO_BIN_EXE_incident-mcp")).count(), 2, "{listed}");
    fs::write(home.path(".cursor/mcp.json"), "{").unwrap();
    let codex = home.path(".codex/config.toml");
    let moved =
        fs::read_to_string(&codex).unwrap().replace(env!("CARGO_BIN_EXE_incident-mcp"), "/nowhere/incident-mcp");
    fs::write(&codex, moved).unwrap();
    let ill = home.run(&["doctor"]).ends(3).stdout;
    for part in ["Cursor cannot read", "no program that can be found", "client add codex --replace", "2 things wrong"] {
        assert!(ill.contains(part), "no {part:?} in {ill}");
    }
}

#[test]
fn the_doctor_checks_the_setup_and_a_server() {
    let home = Home::new();
    let checks: [(&[&str], &str); 4] = [
        (&["--policy", "al"], "no policy"),
        (&["--fixtures", "nowhere"], "nowhere"),
        (&["--url", "http://127.0.0.1:9"], "no answer"),
        (&["--state", "file/state"], "cannot be written"),
    ];
    fs::write(home.path("file"), "").unwrap();
    for (options, part) in checks {
        let said = home.run(&[&["doctor"], options].concat()).ends(3).stdout;
        assert!(said.contains(part) && said.contains("to do:"), "no {part:?} in {said}");
    }
    let mut command = program();
    let said = ran(command.env("HOME", home.0.path()).env("INCIDENT_MCP_POLICIS", "x").arg("doctor").output().unwrap())
        .ends(0);
    assert!(said.stdout.contains("INCIDENT_MCP_POLICIS; did you mean \"INCIDENT_MCP_POLICIES\"?"), "{}", said.stdout);
}

#[test]
fn health_is_an_exit_code() {
    let home = Home::new();
    home.run(&["health", "http://127.0.0.1:9"]).ends(1).complains(&["no answer"]);
    home.run(&["health", "127.0.0.1:9"]).ends(1).complains(&["no address"]);
}
