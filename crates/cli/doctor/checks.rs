//! The program itself: where it is, how it is set up, whether it serves.

use super::Finding;
use crate::setup::Setup;
use crate::{Cli, Error, health};
use clap::CommandFactory;
use rmcp::ServiceExt;
use rmcp::transport::TokioChildProcess;
use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What each of our variables begins with.
const OURS: &str = "INCIDENT_MCP_";

/// Variables that no option has.
const BESIDE: [&str; 3] = ["INCIDENT_MCP_LOG", "INCIDENT_MCP_TOKEN", "INCIDENT_MCP_CONTROL_TOKEN"];

/// How long the program may take to start and list its tools: a hundred times what it takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Open files below which a server over HTTP has few connections.
#[cfg(unix)]
const FILES: u64 = 1024;

pub fn program() -> Finding {
    let place = env::current_exe().map_or_else(|error| error.to_string(), |path| path.display().to_string());
    Finding::good("program", format!("incident-mcp {}, {place}", env!("CARGO_PKG_VERSION")))
}

/// Where a command is on the path.
pub fn find(command: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &["", ".exe", ".cmd"] } else { &[""] };
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let files = folders.iter().flat_map(|folder| endings.iter().map(move |end| folder.join(format!("{command}{end}"))));
    files.into_iter().find(|file| is_program(file))
}

/// Whether a file can be started.
pub fn is_program(file: &Path) -> bool {
    let Ok(about) = file.metadata() else { return false };
    #[cfg(unix)]
    let may = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may = true;
    about.is_file() && may
}

/// The version that another program of ours says it has.
pub fn version(program: &Path) -> Option<String> {
    let said = Command::new(program).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    said.trim().strip_prefix("incident-mcp ").map(str::to_owned)
}

/// Which program a shell starts.
pub fn on_path() -> Option<Finding> {
    let Some(found) = find(env!("CARGO_PKG_NAME")) else {
        let remedy = "name the program by its absolute path, or put its folder on PATH";
        return Some(Finding::doubtful("path", "there is no incident-mcp on PATH", remedy));
    };
    let same = |one: &Path, other: &Path| one.canonicalize().ok() == other.canonicalize().ok();
    let other = env::current_exe().is_ok_and(|own| !same(&own, &found))
        && version(&found).as_deref() != Some(env!("CARGO_PKG_VERSION"));
    other.then(|| {
        let said = version(&found)
            .map_or_else(|| "which does not say its version".to_owned(), |said| format!("version {said}"));
        let what = format!("{} comes first on PATH, {said}", found.display());
        Finding::doubtful("path", what, "remove one of the two, or name the one that is meant by its absolute path")
    })
}

/// Variables that look like ours and are none.
pub fn variables() -> Vec<Finding> {
    let mut known: BTreeSet<String> = BESIDE.iter().map(|name| (*name).to_owned()).collect();
    collect(&Cli::command(), &mut known);
    let given = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let strange: BTreeSet<String> = given.filter(|name| name.starts_with(OURS) && !known.contains(name)).collect();
    let finding = |name: &String| {
        let hint = records::suggest::did_you_mean(name, known.iter().map(String::as_str));
        Finding::doubtful("variable", format!("nothing reads {name}{hint}"), "correct its name, or unset it")
    };
    strange.iter().map(finding).collect()
}

fn collect(command: &clap::Command, into: &mut BTreeSet<String>) {
    into.extend(command.get_arguments().filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned)));
    command.get_subcommands().for_each(|command| collect(command, into));
}

/// Policy and records, as `serve` loads them.
pub fn setup(setup: &Setup) -> Vec<Finding> {
    let loaded = |of, result: Result<String, Error>, remedy: &str| match result {
        Ok(what) => Finding::good(of, what),
        Err(error) => Finding::wrong(of, error.to_string(), remedy),
    };
    let policy = setup.policy.load().map(|policy| format!("{}, {} tools", policy.id, policy.tools.len()));
    let records = setup.fixtures().map(|_| "they load".to_owned());
    vec![
        loaded(
            "policy",
            policy,
            "correct --policy, --policies or their variables; incident-mcp policy check tells more",
        ),
        loaded(
            "records",
            records,
            "correct --fixtures or INCIDENT_MCP_FIXTURES; incident-mcp fixtures check tells more",
        ),
    ]
}

/// Start the program as a client would, in memory.
pub fn start() -> Finding {
    let began = Instant::now();
    let remedy = "run incident-mcp serve, and see what it says on standard error";
    match listed() {
        Ok(tools) => Finding::good("start", format!("{tools} tools after {} ms", began.elapsed().as_millis())),
        Err(error) => Finding::wrong("start", format!("it does not serve: {error}"), remedy),
    }
}

fn listed() -> Result<usize, Error> {
    let mut server = tokio::process::Command::new(env::current_exe()?);
    server.arg("serve");
    // What is kept stays as it is.
    for name in ["INCIDENT_MCP_STATE", "INCIDENT_MCP_JOURNAL"] {
        server.env_remove(name);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tools = runtime.block_on(async {
        let talk = async {
            // Whoever wants its log runs it.
            let (server, _) = TokioChildProcess::builder(server).stderr(Stdio::null()).spawn()?;
            let client = ().serve(server).await?;
            let tools = client.list_all_tools().await?;
            client.cancel().await?;
            Ok::<_, Error>(tools.len())
        };
        tokio::time::timeout(PATIENCE, talk).await.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
    });
    runtime.shutdown_background();
    tools
}

/// What the system lets the process have.
#[cfg(unix)]
pub fn limits() -> Option<Finding> {
    let most = rlimit::Resource::NOFILE.get_hard().ok()?;
    Some(if most < FILES {
        let what = format!("a process may open {most} files, and a server over HTTP needs one for each connection");
        Finding::doubtful(
            "limits",
            what,
            format!("raise it for many agents: ulimit -n {FILES}, or LimitNOFILE of the service"),
        )
    } else {
        Finding::good("limits", format!("{most} open files"))
    })
}

#[cfg(not(unix))]
pub fn limits() -> Option<Finding> {
    None
}

/// A folder, or the folder of a file, in which records are kept.
pub fn kept(of: &'static str, path: &Path) -> Finding {
    let remedy = "make the folder, or name another";
    let folder = match path.metadata() {
        Ok(about) if about.is_dir() => path,
        _ => path.parent().filter(|folder| *folder != OsStr::new("")).unwrap_or(Path::new(".")),
    };
    // One that is not there yet is made in the next one above it.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    if let Err(error) = store::files::probe(there) {
        return Finding::wrong(of, format!("{} cannot be written: {error}", there.display()), remedy);
    }
    if store::files::open_to_others(path).is_empty() {
        return Finding::good(of, path.display().to_string());
    }
    let what = format!("others on this machine can read {}", path.display());
    Finding::doubtful(of, what, format!("chmod -R go= {}", path.display()))
}

/// A server that is to be there.
pub fn server(url: &str) -> Finding {
    match health::ask(url) {
        Ok(_) => Finding::good("server", format!("{url} takes requests")),
        Err(error) => Finding::wrong("server", error.to_string(), "start it: incident-mcp serve --http ADDRESS"),
    }
}
