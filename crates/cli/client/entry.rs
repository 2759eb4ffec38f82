//! What a client is told: the entry of its configuration.

use super::known::{Client, Token};
use crate::Error;

/// A value of an entry, in whichever form it is written.
pub enum Value {
    Text(String),
    List(Vec<String>),
    Map(Vec<(String, String)>),
}

/// Keys and values, in the order in which they are written.
pub type Entry = Vec<(&'static str, Value)>;

/// A program that the client starts.
pub fn started(client: &Client, command: String, arguments: Vec<String>) -> Entry {
    let mut entry = Vec::new();
    if client.typed {
        entry.push(("type", Value::Text("stdio".to_owned())));
    }
    entry.push(("command", Value::Text(command)));
    entry.push(("args", Value::List(arguments)));
    entry
}

/// A server that runs, with the variable that holds its token.
pub fn reached(client: &Client, address: String, variable: Option<&str>) -> Result<Entry, Error> {
    let title = client.title;
    let Some(http) = &client.http else {
        let stdio = "leave --url out, and the client starts the program itself";
        return Err(format!("{title} has no servers over HTTP in this file; {stdio}").into());
    };
    let mut entry = Vec::new();
    if client.typed {
        entry.push(("type", Value::Text("http".to_owned())));
    }
    entry.push((http.address, Value::Text(address)));
    match (variable, &http.token) {
        (None, _) => {}
        (Some(variable), Token::Variable(key)) => entry.push((key, Value::Text(variable.to_owned()))),
        (Some(variable), Token::Header { name, before, after }) => {
            let bearer = format!("Bearer {before}{variable}{after}");
            entry.push((name, Value::Map(vec![("Authorization".to_owned(), bearer)])));
        }
        (Some(_), Token::None) => {
            return Err(format!(
                "{title} takes no token from a variable; leave --token-variable out, and add the header \
                                by hand if the token may stand in the file"
            )
            .into());
        }
    }
    Ok(entry)
}
