//! Expressions of policies, in CEL: parsed, limited, checked against the schema, and evaluated.
//!
//! Only this module names the crate `cel`. The crate brings no types and no limits, so both are here: what the checker
//! accepts evaluates without an error, whatever the rows hold.

mod check;
mod template;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use template::Template;
pub use types::{Scope, Struct, Type, Vocabularies, link};
pub use value::View;

use cel::common::ast::IdedExpr;
use cel::parser::{Parser, PrattParser};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Longer expressions are refused: a rule that needs more says two things.
const LENGTH: usize = 1000;

/// What is wrong with an expression or a template, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// The byte of the source at which.
    pub offset: usize,
}

/// A checked expression that could not be evaluated: the view lacks what the scope promised, or holds a time that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("cannot evaluate `{expression}`: {message}")]
pub struct Fault {
    /// The expression.
    pub expression: String,
    /// What went wrong.
    pub message: String,
}

/// Paths that are known not to be null where an expression is evaluated or a message is shown.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeSet<String>);

impl Facts {
    /// Nothing is known.
    pub fn none() -> Facts {
        Facts::default()
    }
    /// What is known besides where `expression` holds.
    pub fn given(mut self, expression: &Expression) -> Facts {
        check::facts(&expression.tree, true, &mut self.0);
        self
    }
    /// What is known besides where `expression` does not hold.
    pub fn denied(mut self, expression: &Expression) -> Facts {
        check::facts(&expression.tree, false, &mut self.0);
        self
    }
}

/// An expression that was parsed and checked.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    tree: IdedExpr,
    paths: Vec<String>,
    /// The path that the whole is, if it is one: that needs no interpreter.
    path: Option<String>,
}

impl Expression {
    /// Parses `source` and checks that it is a `wanted` with the names of `scope`, where `facts` are known.
    pub fn check(source: &str, scope: &Scope, wanted: &Type, facts: &Facts) -> Result<Expression, Vec<Mistake>> {
        let expression = Expression::parse(source)?;
        let found = check::mistakes(&expression.tree, scope, wanted, &facts.0);
        if found.is_empty() {
            return Ok(expression);
        }
        // The quick parser keeps no places. The slow one does, and is asked only when there is something to point at.
        Err(match Parser::new().parse_with_source_info(source) {
            Ok((tree, places)) => check::mistakes(&tree, scope, wanted, &facts.0)
                .into_iter()
                .map(|(node, message)| Mistake {
                    message,
                    offset: places.offset_for(node).map_or(0, |(start, _)| start as usize),
                })
                .collect(),
            Err(_) => found.into_iter().map(|(_, message)| Mistake { message, offset: 0 }).collect(),
        })
    }

    /// Parses `source` and keeps it within the limits, without a look at names and types.
    pub(crate) fn parse(source: &str) -> Result<Expression, Vec<Mistake>> {
        let one = |message: &str| vec![Mistake { message: message.to_owned(), offset: 0 }];
        if source.len() > LENGTH {
            return Err(one("this is too long"));
        }
        let tree = PrattParser::new().max_recursion_depth(check::DEPTH).parse(source).map_err(|failed| {
            (failed.errors.into_iter())
                .map(|error| Mistake { offset: byte_at(source, error.pos), message: error.msg })
                .collect::<Vec<_>>()
        })?;
        let mut paths = vec![];
        check::survey(&tree, 0, None, &mut paths).map_err(|(_, message)| one(&message))?;
        let path = check::path(&tree);
        Ok(Expression { source: source.to_owned(), tree, paths: longest(paths), path })
    }

    /// The text that it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }
    /// The dotted paths that it reads, each once and without those that another one passes through, in the order in
    /// which they are written.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
    /// Its value.
    pub fn evaluate(&self, view: &View) -> Result<Json, Fault> {
        match &self.path {
            Some(path) => Ok(view.get(path)),
            None => value::evaluate(&self.tree, view, value::to_json).map_err(|message| self.fault(message)),
        }
    }
    /// Whether it is true; for expressions that were checked to be true or false.
    pub fn holds(&self, view: &View) -> Result<bool, Fault> {
        let truth = match &self.path {
            Some(path) => view.truth(path).ok_or_else(|| "this is neither true nor false".to_owned()),
            None => value::evaluate(&self.tree, view, value::to_bool),
        };
        truth.map_err(|message| self.fault(message))
    }
    fn fault(&self, message: String) -> Fault {
        Fault { expression: self.source.clone(), message }
    }
}

/// The paths, each once, that no other one passes through.
fn longest(paths: Vec<String>) -> Vec<String> {
    let passes =
        |long: &String, short: &String| long.strip_prefix(short.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let mut kept: Vec<String> = vec![];
    for path in &paths {
        if !kept.contains(path) && !paths.iter().any(|other| passes(other, path)) {
            kept.push(path.clone());
        }
    }
    kept
}

/// The byte at that line and column, both counted from one, the column in bytes.
fn byte_at(source: &str, (line, column): (isize, isize)) -> usize {
    let from_zero = |n: isize| usize::try_from(n - 1).unwrap_or(0);
    let before: usize = source.split_inclusive('\n').take(from_zero(line)).map(str::len).sum();
    (before + from_zero(column)).min(source.len())
}
