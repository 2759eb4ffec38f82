//! The clients that are known: where each keeps its configuration, and in which form.

use std::env;
use std::path::PathBuf;

/// A program that connects to MCP servers.
pub struct Client {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    pub form: Form,
    /// Where servers stand in its file, from the outside in.
    pub section: &'static str,
    /// How it is told of a server over HTTP, if its file can.
    pub http: Option<Http>,
    /// Whether an entry names its transport in `type`.
    pub typed: bool,
    /// The file of its user.
    user: fn() -> Option<PathBuf>,
    /// The file in the folder of a project.
    project: Option<&'static str>,
}

/// The form of a configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON as its standard has it, which is all that the client reads.
    Json,
    /// JSON with comments and commas at the end of lists.
    Jsonc,
    Toml,
}

/// Whose a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    User,
    Project,
}

/// How an entry names an address, and a token that is in a variable of the environment.
pub struct Http {
    pub address: &'static str,
    pub token: Token,
}

pub enum Token {
    /// A header, with the variable between these two.
    Header { name: &'static str, before: &'static str, after: &'static str },
    /// A key that holds the variable's name.
    Variable(&'static str),
    /// It has none: a token would stand in the file.
    None,
}

const fn header(before: &'static str, after: &'static str) -> Token {
    Token::Header { name: "headers", before, after }
}

/// All of them, as lists show them.
pub const CLIENTS: [Client; 8] = [
    Client {
        name: "claude-desktop",
        title: "Claude Desktop",
        form: Form::Json,
        section: "mcpServers",
        http: None,
        typed: false,
        user: || Some(settings()?.join("Claude").join("claude_desktop_config.json")),
        project: None,
    },
    Client {
        name: "claude-code",
        title: "Claude Code",
        form: Form::Json,
        section: "mcpServers",
        http: Some(Http { address: "url", token: header("${", "}") }),
        typed: true,
        user: || Some(home()?.join(".claude.json")),
        project: Some(".mcp.json"),
    },
    Client {
        name: "vscode",
        title: "VS Code",
        form: Form::Jsonc,
        section: "servers",
        http: Some(Http { address: "url", token: header("${env:", "}") }),
        typed: true,
        user: || Some(settings()?.join("Code").join("User").join("mcp.json")),
        project: Some(".vscode/mcp.json"),
    },
    Client {
        name: "cursor",
        title: "Cursor",
        form: Form::Jsonc,
        section: "mcpServers",
        http: Some(Http { address: "url", token: header("${env:", "}") }),
        typed: false,
        user: || Some(home()?.join(".cursor").join("mcp.json")),
        project: Some(".cursor/mcp.json"),
    },
    Client {
        name: "windsurf",
        title: "Windsurf",
        form: Form::Jsonc,
        section: "mcpServers",
        http: Some(Http { address: "serverUrl", token: header("${env:", "}") }),
        typed: false,
        user: || Some(home()?.join(".codeium").join("windsurf").join("mcp_config.json")),
        project: None,
    },
    Client {
        name: "zed",
        title: "Zed",
        form: Form::Jsonc,
        section: "context_servers",
        http: Some(Http { address: "url", token: Token::None }),
        typed: false,
        user: || {
            let folder = if cfg!(windows) { settings()?.join("Zed") } else { unix_settings()?.join("zed") };
            Some(folder.join("settings.json"))
        },
        project: Some(".zed/settings.json"),
    },
    Client {
        name: "gemini-cli",
        title: "Gemini CLI",
        form: Form::Jsonc,
        section: "mcpServers",
        http: Some(Http { address: "httpUrl", token: header("${", "}") }),
        typed: false,
        user: || Some(home()?.join(".gemini").join("settings.json")),
        project: Some(".gemini/settings.json"),
    },
    Client {
        name: "codex",
        title: "Codex",
        form: Form::Toml,
        section: "mcp_servers",
        http: Some(Http { address: "url", token: Token::Variable("bearer_token_env_var") }),
        typed: false,
        user: || {
            let own = env::var_os("CODEX_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
            Some(own.or_else(|| Some(home()?.join(".codex")))?.join("config.toml"))
        },
        project: Some(".codex/config.toml"),
    },
];

impl Client {
    pub fn named(name: &str) -> Option<&'static Client> {
        CLIENTS.iter().find(|client| client.name == name)
    }

    /// Its user's file; none where the user has no home.
    pub fn user_file(&self) -> Option<PathBuf> {
        (self.user)()
    }

    /// Its files: that of its user, and that of the present folder where it is another.
    pub fn files(&self) -> Vec<(Place, PathBuf)> {
        let (user, project) = (self.user_file(), self.project_file());
        let same = |path: &PathBuf| std::path::absolute(path).ok() == user;
        let project = project.filter(|path| !same(path)).map(|path| (Place::Project, path));
        user.clone().map(|path| (Place::User, path)).into_iter().chain(project).collect()
    }

    /// Its file in the present folder, if it has such files.
    pub fn project_file(&self) -> Option<PathBuf> {
        self.project.map(PathBuf::from)
    }
}

fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// Where programs of this platform keep their settings.
fn settings() -> Option<PathBuf> {
    if cfg!(target_os = "macos") {
        Some(home()?.join("Library").join("Application Support"))
    } else if cfg!(windows) {
        env::var_os("APPDATA").map(PathBuf::from)
    } else {
        unix_settings()
    }
}

/// Where they are by the XDG convention.
fn unix_settings() -> Option<PathBuf> {
    let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    named.or_else(|| Some(home()?.join(".config")))
}
