//! The checks of a parsed expression: its limits, and its types.

use super::types::{Scope, Type, link};
use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators as op};
use records::suggest::did_you_mean;
use std::collections::BTreeSet;

/// Deeper trees are refused: the interpreter recurses without a bound of its own.
pub(super) const DEPTH: u16 = 32;
/// The greatest whole number that an expression meets. As many of them as it has room for add up without overflow.
pub(super) const GREATEST: i64 = 1 << 53;

/// A mistake at the node of that number.
pub(super) type Found = (u64, String);

/// The dotted path that the expression is, if it is one.
pub(super) fn path(e: &IdedExpr) -> Option<String> {
    match &e.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            let mut path = path(&select.operand)?;
            path.push('.');
            path.push_str(&select.field);
            Some(path)
        }
        _ => None,
    }
}

/// The condition that `all()` or `exists()` asks of each item.
fn condition(c: &ComprehensionExpr) -> Option<&IdedExpr> {
    match (&c.accu_init.expr, &c.loop_step.expr) {
        (Expr::Literal(LiteralValue::Boolean(_)), Expr::Call(call)) => call.args.get(1),
        _ => None,
    }
}

/// Collects the paths that `e` reads; fails where it is too deep, or of a form that has no place in a policy.
/// What passes holds only names, fields, literals, lists, calls, `all()` and `exists()`.
pub(super) fn survey(e: &IdedExpr, depth: u16, item: Option<&str>, paths: &mut Vec<String>) -> Result<(), Found> {
    let no = |why: &str| Err((e.id, why.to_owned()));
    if depth > DEPTH {
        return no("this is nested too deeply");
    }
    match &e.expr {
        Expr::Ident(_) | Expr::Select(_) => match path(e) {
            Some(path) if path.split('.').count() > DEPTH.into() => return no("this path is too long"),
            Some(path) if path.split('.').next() == item => {}
            Some(path) => paths.push(path),
            None => return no("only names have fields, and `x != null` tells whether one has a value"),
        },
        Expr::Literal(_) => {}
        Expr::List(list) => {
            for element in &list.elements {
                survey(element, depth + 1, item, paths)?;
            }
        }
        Expr::Call(call) => {
            for argument in call.target.as_deref().into_iter().chain(&call.args) {
                survey(argument, depth + 1, item, paths)?;
            }
        }
        Expr::Comprehension(c) => {
            let Some(condition) = condition(c) else { return no("of the macros, only all() and exists() are known") };
            if item.is_some() {
                return no("all() and exists() cannot be nested");
            }
            survey(&c.iter_range, depth + 1, item, paths)?;
            survey(condition, depth + 1, Some(&c.iter_var), paths)?;
        }
        _ => return no("maps and structs have no place here"),
    }
    Ok(())
}

/// Adds the paths that are not null where `e` is `truth`.
pub(super) fn facts(e: &IdedExpr, truth: bool, known: &mut BTreeSet<String>) {
    let Expr::Call(call) = &e.expr else { return };
    match (call.func_name.as_str(), &call.args[..]) {
        (op::LOGICAL_NOT, [x]) => facts(x, !truth, known),
        (op::LOGICAL_AND, [l, r]) if truth => [l, r].into_iter().for_each(|x| facts(x, true, known)),
        (op::LOGICAL_OR, [l, r]) if !truth => [l, r].into_iter().for_each(|x| facts(x, false, known)),
        (op::IN, [x, list]) if truth => {
            let given = |item: &IdedExpr| matches!(&item.expr, Expr::Literal(value) if *value != LiteralValue::Null);
            if matches!(&list.expr, Expr::List(list) if list.elements.iter().all(given)) {
                known.extend(path(x));
            }
        }
        (op::EQUALS | op::NOT_EQUALS, [l, r]) => {
            for (x, value) in [(l, r), (r, l)] {
                let Expr::Literal(value) = &value.expr else { continue };
                // Not equal to null, or equal to something else.
                if (call.func_name == op::NOT_EQUALS) == (matches!(value, LiteralValue::Null) == truth) {
                    known.extend(path(x));
                }
            }
        }
        _ => {}
    }
}

/// Every mistake that `e` makes with the names of `scope`, where it should be `wanted` and the paths `known` are not
/// null.
pub(super) fn mistakes(e: &IdedExpr, scope: &Scope, wanted: &Type, known: &BTreeSet<String>) -> Vec<Found> {
    let mut checker = Checker { scope, known: known.clone(), item: None, found: vec![] };
    checker.want(e, wanted);
    checker.found
}

/// Why a message cannot show the path `e`.
pub(super) fn hidden(e: &IdedExpr, scope: &Scope, known: &BTreeSet<String>) -> Vec<String> {
    let mut checker = Checker { scope, known: known.clone(), item: None, found: vec![] };
    match checker.infer(e) {
        Some(of) if of.nullable() => return vec![checker.may_be_null(e)],
        Some(of) if !of.printable() => return vec![format!("{of} cannot be shown: name one of its fields")],
        _ => {}
    }
    checker.found.into_iter().map(|(_, message)| message).collect()
}

struct Checker<'a> {
    scope: &'a Scope<'a>,
    known: BTreeSet<String>,
    item: Option<(&'a str, Type)>,
    found: Vec<Found>,
}

impl<'a> Checker<'a> {
    /// Records a mistake. The type is then unknown, and what depends on it is not looked at.
    fn no<T>(&mut self, at: u64, why: impl Into<String>) -> Option<T> {
        self.found.push((at, why.into()));
        None
    }

    fn want(&mut self, e: &'a IdedExpr, wanted: &Type) -> Option<()> {
        let why = match self.infer(e)? {
            Type::Optional(plain) if plain.misfit(wanted).is_none() => self.may_be_null(e),
            actual => match actual.misfit(wanted) {
                Some(why) => why,
                None => return Some(()),
            },
        };
        self.no(e.id, why)
    }

    fn may_be_null(&self, e: &IdedExpr) -> String {
        path(e).map_or_else(
            || "this may be null".to_owned(),
            |path| format!("`{path}` may be null here: guard it with `{path} != null`"),
        )
    }

    /// The type of `e` where it is known that `when` is `truth`.
    fn infer_where(&mut self, when: &IdedExpr, truth: bool, e: &'a IdedExpr) -> Option<Type> {
        let before = self.known.clone();
        facts(when, truth, &mut self.known);
        let inferred = self.infer(e);
        self.known = before;
        inferred
    }

    fn infer(&mut self, e: &'a IdedExpr) -> Option<Type> {
        match &e.expr {
            Expr::Ident(_) | Expr::Select(_) => self.name(e, false),
            Expr::Literal(literal) => match literal {
                LiteralValue::Null => Some(Type::Null),
                LiteralValue::Boolean(_) => Some(Type::Bool),
                LiteralValue::Int(n) if !(-GREATEST..=GREATEST).contains(n.inner()) => {
                    self.no(e.id, "this number is too great")
                }
                LiteralValue::Int(_) => Some(Type::Int),
                LiteralValue::Double(_) => Some(Type::Double),
                LiteralValue::String(text) => Some(Type::Literal([text.inner().to_owned()].into())),
                _ => self.no(e.id, "unsigned numbers and bytes have no place here"),
            },
            Expr::List(list) => {
                let mut joined: Option<Type> = None;
                for element in &list.elements {
                    let item = self.infer(element)?;
                    joined = Some(match joined {
                        None => item,
                        Some(joined) => match joined.join(item) {
                            Some(joined) => joined,
                            None => return self.no(element.id, "the items of a list have one type"),
                        },
                    });
                }
                match joined {
                    Some(item) => Some(Type::List(Box::new(item))),
                    None => self.no(e.id, "nothing is in an empty list"),
                }
            }
            Expr::Call(call) => {
                let arguments: Vec<_> = call.target.as_deref().into_iter().chain(&call.args).collect();
                self.call(e, &call.func_name, call.target.is_some(), &arguments)
            }
            Expr::Comprehension(c) => {
                if self.scope.get(&c.iter_var).is_some() {
                    return self.no(e.id, format!("`{}` already means something: name the item otherwise", c.iter_var));
                }
                let Type::List(item) = self.infer(&c.iter_range)? else {
                    return self.no(c.iter_range.id, "all() and exists() take a list that is not null");
                };
                let before = self.item.replace((&c.iter_var, *item));
                let fits = condition(c).and_then(|condition| self.want(condition, &Type::Bool));
                self.item = before;
                fits.map(|()| Type::Bool)
            }
            _ => self.no(e.id, "this has no place here"),
        }
    }

    /// The type of a name or a field; with `followed`, of what has the next field.
    fn name(&mut self, e: &'a IdedExpr, followed: bool) -> Option<Type> {
        let declared = match &e.expr {
            Expr::Ident(name) => match (&self.item, self.scope.get(name)) {
                (Some((item, of)), _) if item == name => of.clone(),
                (_, Some(of)) => of.clone(),
                _ => {
                    let near = did_you_mean(name, self.scope.names());
                    return self.no(e.id, format!("nothing is called `{name}` here{near}"));
                }
            },
            Expr::Select(select) => {
                let holder = self.holder(&select.operand)?;
                match self.field(&holder, &select.field, followed) {
                    Some(field) => field,
                    None => {
                        let near = did_you_mean(&select.field, holder.fields());
                        return self.no(e.id, format!("{holder} has no field `{}`{near}", select.field));
                    }
                }
            }
            _ => return self.no(e.id, "only names have fields"),
        };
        match declared {
            Type::Optional(plain) if self.is_known(e) => Some(*plain),
            declared => Some(declared),
        }
    }

    fn is_known(&self, e: &IdedExpr) -> bool {
        path(e).is_some_and(|path| self.known.contains(&path))
    }

    /// The type of something whose field is read.
    fn holder(&mut self, e: &'a IdedExpr) -> Option<Type> {
        match self.name(e, true)? {
            Type::Optional(_) => self.no(e.id, self.may_be_null(e)),
            holder => Some(holder),
        }
    }

    fn field(&self, holder: &Type, name: &str, followed: bool) -> Option<Type> {
        match holder {
            Type::Struct(of) => of.fields.iter().find(|(field, _)| field == name).map(|(_, of)| of.clone()),
            Type::Row(table) => match (self.scope.column(table, name), link(table, name)) {
                (Some(column), None) => Some(column),
                (Some(column), _) if !followed => Some(column),
                (_, Some((at, target))) => {
                    let row = Type::Row(target);
                    Some(if table.columns[at].nullable { row.optional() } else { row })
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn call(&mut self, e: &'a IdedExpr, name: &str, method: bool, arguments: &[&'a IdedExpr]) -> Option<Type> {
        match (name, arguments) {
            (op::LOGICAL_AND | op::LOGICAL_OR, &[l, r]) => {
                let left = self.want(l, &Type::Bool);
                let before = self.known.clone();
                facts(l, name == op::LOGICAL_AND, &mut self.known);
                let right = self.want(r, &Type::Bool);
                self.known = before;
                left.and(right).map(|()| Type::Bool)
            }
            (op::LOGICAL_NOT, &[x]) => self.want(x, &Type::Bool).map(|()| Type::Bool),
            (op::CONDITIONAL, &[when, then, otherwise]) => {
                self.want(when, &Type::Bool)?;
                let (then, otherwise) =
                    (self.infer_where(when, true, then)?, self.infer_where(when, false, otherwise)?);
                let why = format!("the two branches differ: {then}, and {otherwise}");
                then.join(otherwise).or_else(|| self.no(e.id, why))
            }
            (op::EQUALS | op::NOT_EQUALS, &[l, r]) => {
                let (left, right) = (self.infer(l)?, self.infer(r)?);
                self.equal(e, (l, left), (r, right))
            }
            (op::IN, &[x, list]) => match (self.infer(x)?, self.infer(list)?) {
                (_, list) if list.nullable() => self.no(e.id, "the list after `in` may be null"),
                (value, Type::List(item)) => self.equal(e, (x, value), (list, *item)),
                (_, other) => self.no(e.id, format!("`in` takes a list, not {other}")),
            },
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, &[l, r]) => {
                let (left, right) = (self.infer(l)?, self.infer(r)?);
                for (x, side) in [(l, &left), (r, &right)] {
                    if side.nullable() {
                        return self.no(x.id, self.may_be_null(x));
                    }
                }
                match (&left, &right) {
                    (Type::Int | Type::Double, Type::Int | Type::Double) => Some(Type::Bool),
                    (Type::Timestamp, other) | (other, Type::Timestamp) => match other.misfit(&Type::Timestamp) {
                        Some(why) => self.no(e.id, why),
                        None => Some(Type::Bool),
                    },
                    _ => self.no(e.id, format!("{left} and {right} have no order")),
                }
            }
            (op::ADD | op::SUBSTRACT, &[l, r]) => {
                let left = self.want(l, &Type::Int);
                self.want(r, &Type::Int).and(left).map(|()| Type::Int)
            }
            (op::NEGATE, &[x]) => self.want(x, &Type::Int).map(|()| Type::Int),
            ("size", &[x]) => match self.infer(x)? {
                Type::List(_) => Some(Type::Int),
                text if text.textual() => Some(Type::Int),
                other => self.no(x.id, format!("{other} has no size")),
            },
            _ => self.function(e, name, method, arguments),
        }
    }

    fn function(&mut self, e: &IdedExpr, name: &str, method: bool, arguments: &[&'a IdedExpr]) -> Option<Type> {
        const FUNCTIONS: &[(&str, bool, &[Type], Type)] = &[
            ("minutes_between", false, &[Type::Timestamp, Type::Timestamp], Type::Int),
            ("digits", false, &[Type::Text], Type::Text),
            ("fold", false, &[Type::Text], Type::Text),
            ("startsWith", true, &[Type::Text, Type::Text], Type::Bool),
            ("endsWith", true, &[Type::Text, Type::Text], Type::Bool),
            ("contains", true, &[Type::Text, Type::Text], Type::Bool),
        ];
        let Some((_, is_method, wanted, result)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let known = FUNCTIONS.iter().map(|(known, ..)| *known).chain(["size", "all", "exists"]);
            let operator = name.trim_matches('_');
            return match name == operator {
                true => {
                    self.no(e.id, format!("there is no function `{name}` of that form{}", did_you_mean(name, known)))
                }
                false => self.no(e.id, format!("`{operator}` has no place here")),
            };
        };
        if *is_method != method || arguments.len() != wanted.len() {
            let form = ["a, b", "a"][usize::from(wanted.len() == 1)];
            let form = if *is_method { format!("a.{name}(b)") } else { format!("{name}({form})") };
            return self.no(e.id, format!("`{name}` is written as {form}"));
        }
        let fits = arguments
            .iter()
            .zip(*wanted)
            .fold(true, |fits, (argument, wanted)| self.want(argument, wanted).is_some() && fits);
        fits.then(|| result.clone())
    }

    /// The type of a comparison of the two, or of one with the items of the other.
    fn equal(&mut self, e: &IdedExpr, left: (&'a IdedExpr, Type), right: (&'a IdedExpr, Type)) -> Option<Type> {
        for ((x, of), (y, other)) in [(&left, &right), (&right, &left)] {
            match (of.plain(), other.plain()) {
                (Type::Null, _) => {
                    if let Expr::Select(select) = &y.expr
                        && !other.nullable()
                        && !self.is_known(y)
                        && let Some(Type::Row(_)) = self.holder(&select.operand)
                    {
                        // References may be null in one tool and not in the next, but columns are what they are.
                        return self.no(y.id, format!("`{}` is never null", path(y).unwrap_or_default()));
                    }
                    return Some(Type::Bool);
                }
                (Type::Literal(words), other) if !matches!(other, Type::Literal(_)) => {
                    for word in words.iter() {
                        if let Some(why) = other.refuses(word) {
                            return self.no(literal(x, word).unwrap_or(x.id), why);
                        }
                    }
                    return Some(Type::Bool);
                }
                _ => {}
            }
        }
        match left.1.meets(&right.1) {
            true => Some(Type::Bool),
            false => self.no(e.id, format!("{} and {} are never equal", left.1.plain(), right.1.plain())),
        }
    }
}

/// The node of that string literal in `e`.
fn literal(e: &IdedExpr, word: &str) -> Option<u64> {
    match &e.expr {
        Expr::Literal(LiteralValue::String(text)) if text.inner() == word => Some(e.id),
        Expr::List(list) => list.elements.iter().find_map(|element| literal(element, word)),
        Expr::Call(call) => call.args.iter().find_map(|argument| literal(argument, word)),
        _ => None,
    }
}
