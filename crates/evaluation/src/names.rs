//! Which tool a recorded name means: clients put the name of a server before those of its tools.

use std::borrow::Cow;
use std::collections::BTreeSet;
use traces::Call;

/// What clients put between a server's name and a tool's. One underscore does only behind `mcp_`, for names have some.
const BETWEEN: [&str; 6] = ["__", ".", "-", "/", ":", "_"];

/// How the names of one trace are to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// As they stand.
    Plain,
    /// A name that is no tool is one without what stands before it, which is of one server in the whole trace.
    Server,
    /// Those with this prefix are without it, and the others as they stand.
    Given(String),
    /// As they stand, for there are calls to several servers.
    Several(Vec<String>),
}

impl Names {
    /// How names in these calls are to be taken, where a prefix may have been given.
    pub fn of(calls: &[Call], given: Option<&str>, is_tool: impl Fn(&str) -> bool) -> Names {
        if let Some(given) = given {
            return Names::Given(given.to_owned());
        }
        let mut servers = BTreeSet::new();
        for name in calls.iter().map(|call| call.tool.as_str()).filter(|name| !is_tool(name)) {
            servers.extend(split(name, &is_tool).map(|(server, _)| server));
        }
        match servers.len() {
            0 => Names::Plain,
            1 => Names::Server,
            _ => Names::Several(servers.into_iter().collect()),
        }
    }

    /// The tool that a name is taken for.
    pub fn tool<'a>(&self, name: &'a str, is_tool: impl Fn(&str) -> bool) -> &'a str {
        match self {
            Names::Given(prefix) => name.strip_prefix(prefix.as_str()).unwrap_or(name),
            Names::Server if !is_tool(name) => split(name, &is_tool).map_or(name, |(_, tool)| tool),
            Names::Plain | Names::Server | Names::Several(_) => name,
        }
    }

    /// The calls with the names of the tools that they are taken for.
    pub fn taken<'a>(&self, calls: &'a [Call], is_tool: impl Fn(&str) -> bool) -> Cow<'a, [Call]> {
        if matches!(self, Names::Plain | Names::Several(_)) {
            return Cow::Borrowed(calls);
        }
        let taken = |call: &Call| Call { tool: self.tool(&call.tool, &is_tool).to_owned(), ..call.clone() };
        Cow::Owned(calls.iter().map(taken).collect())
    }

    /// What is to be said of a name that is no tool, though it ends with one.
    pub fn hint(&self, name: &str, is_tool: impl Fn(&str) -> bool) -> Option<String> {
        let (_, tool) = split(name, &is_tool)?;
        let prefix = name.strip_suffix(tool)?;
        let why = match self {
            Names::Several(servers) => format!("the trace has calls to several servers ({})", servers.join(", ")),
            Names::Given(given) => format!("it does not begin with the prefix {given:?}"),
            Names::Plain | Names::Server => return None,
        };
        Some(format!("did you mean {tool}? {why}; say --tool-prefix {prefix} to take it for that"))
    }
}

/// A name as a server's and a tool's; none where it has no tool in it, or might have several.
fn split<'a>(name: &'a str, is_tool: &impl Fn(&str) -> bool) -> Option<(String, &'a str)> {
    let ends = BETWEEN.iter().filter(|between| **between != "_" || name.starts_with("mcp_"));
    let parts = ends.flat_map(|between| name.match_indices(between).map(|(at, _)| (at, at + between.len())));
    let tools: BTreeSet<(&str, usize)> =
        parts.filter_map(|(at, end)| Some((name.get(end..)?, at))).filter(|(tool, _)| is_tool(tool)).collect();
    let &(tool, _) = tools.first()?;
    if tools.iter().any(|(other, _)| *other != tool) {
        return None;
    }
    // One server may be written in several ways: `mcp__desk__find`, `desk.find`.
    let server = name.strip_suffix(tool)?.trim_end_matches(|c: char| !c.is_alphanumeric());
    let server = server.strip_prefix("mcp_").map_or(server, |server| server.trim_start_matches('_'));
    Some((server.to_lowercase().replace('-', "_"), tool))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(names: &[&str]) -> Vec<Call> {
        names.iter().map(|name| Call { tool: (*name).to_owned(), ..Call::default() }).collect()
    }

    fn is_tool(name: &str) -> bool {
        ["find_users", "add_note", "note", "a__note"].contains(&name)
    }

    fn taken(names: &[&str], given: Option<&str>) -> Vec<String> {
        let how = Names::of(&calls(names), given, is_tool);
        names.iter().map(|name| how.tool(name, is_tool).to_owned()).collect()
    }

    #[test]
    fn a_server_before_a_tool_is_left_out_however_it_is_written() {
        for name in [
            "mcp__incident-mcp__find_users",
            "mcp__incident_mcp__find_users",
            "mcp_desk_find_users",
            "mcp_find_users",
            "desk.find_users",
            "desk-find_users",
            "incident-mcp-find_users",
            "desk/find_users",
            "desk:find_users",
            "desk__find_users",
        ] {
            assert_eq!(taken(&[name], None), ["find_users"], "{name}");
        }
        let several = ["mcp__Desk__find_users", "desk.add_note", "desk-find_users", "find_users"];
        assert_eq!(taken(&several, None), ["find_users", "add_note", "find_users", "find_users"]);
    }

    #[test]
    fn a_name_that_is_a_tool_or_may_be_several_stays() {
        for name in
            ["find_users", "refind_users", "desk_find_users", "xfind_users", "mcp_desk_add_note", "b__a__note", "desk."]
        {
            assert_eq!(taken(&[name], None), [name]);
        }
    }

    #[test]
    fn of_two_servers_none_is_ours_unless_it_is_said() {
        let names = ["mcp__desk__find_users", "mcp__other__find_users"];
        assert_eq!(taken(&names, None), names);
        assert_eq!(taken(&names, Some("mcp__desk__")), ["find_users", "mcp__other__find_users"]);
        let how = Names::of(&calls(&names), None, is_tool);
        let hint = how.hint(names[0], is_tool).unwrap();
        assert!(hint.contains("did you mean find_users?") && hint.contains("--tool-prefix mcp__desk__"), "{hint}");
        assert_eq!(how.hint("unknown", is_tool), None);
    }
}
