//! Judging a call: do its references exist, who acts, and what do the rules say.

use super::association::{About, owners};
use super::call::{Failure, Record};
use super::{Consulted, Foreign, Mode, Session};
use procedures::action::Prepared;
use procedures::action::call::Call;
use procedures::action::input::{Input, Kind as InputKind};
use procedures::domain::service_management;
use procedures::expression::{Type, View};
use procedures::halt::{Halt, Kind, Problem, built_in};
use procedures::policy::tool::OWN_ENTRY;
use procedures::policy::validate::MOST;
use procedures::policy::{Act, Look, Policy, Refusal, Rule, Sight, Tool, Work};
use records::catalogue::{self, AUDIT_LOGS, Table, USERS};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::fixtures::brief_text;
use store::{Agreeing, Page, Predicate, Query, Row, Transaction, Value, parse_id};

/// Why a call does not go through.
pub(super) enum Stop {
    /// The caller is told why.
    Halt(Box<Halt>),
    /// The program failed.
    Failure(Failure),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Stop {
        Stop::Halt(Box::new(halt))
    }
}
impl<E: Into<Failure>> From<E> for Stop {
    fn from(failure: E) -> Stop {
        Stop::Failure(failure.into())
    }
}

/// What a call is judged by.
pub(super) struct Verdict<'a> {
    pub policy: &'a Policy,
    pub tx: &'a Transaction<'a>,
    pub session: &'a Session,
    /// The call of another environment that it stands for.
    pub foreign: Option<&'a Foreign>,
}

/// A call that may go through.
pub(super) struct Judged {
    pub action: Box<dyn Prepared>,
    pub actor: Option<Row>,
}

/// The records that a call refers to.
#[derive(Default)]
struct References {
    /// By the names under which rules see them.
    rows: Vec<(String, Option<Row>)>,
    /// The one whose kind the call names too.
    named: Option<Row>,
}

/// Judge an action with its arguments.
pub(super) fn judge(
    verdict: &Verdict<'_>,
    tool: &Tool,
    act: &Act,
    arguments: Map<String, Json>,
    record: &mut Record,
) -> Result<Judged, Stop> {
    let mut input = verdict.valid(tool, arguments)?;
    let given = input.remove(act.operation.actor);
    let References { rows, named } = verdict.references(act, &input)?;
    // Somebody who is named for another reason acts only where nobody else does.
    let fallback = act.operation.actor_fallback.filter(|_| verdict.session.actor.is_none());
    let given = given.or(fallback.and_then(|name| input.get(name)).cloned());
    let actor = verdict.actor(act.operation.actor, given, record)?;
    let action = act.operation.prepare(input.clone()).map_err(Failure::Action)?;
    if verdict.session.mode != Mode::Off
        && let Some(actor) = &actor
    {
        let policy = verdict.policy;
        let call = Call::new(
            verdict.tx,
            &verdict.session.now,
            &policy.tiers,
            Some(actor.clone()),
            &service_management().operations,
        );
        let computed = match act.reads_computed {
            true => action.compute(&call).map_err(Failure::Action)?,
            false => Vec::new(),
        };
        let about = About::of(act, &rows, named);
        let pays = act.operation.record == &AUDIT_LOGS && verdict.owes(&input, actor)?;
        let mut view = verdict.view(act, actor, input, rows, computed);
        view.bind(OWN_ENTRY, pays.into(), &Type::Bool);
        verdict.rules(&act.actor_rules, &mut view, &about, record)?;
        verdict.role(act, actor, &view, record)?;
        verdict.rules(&act.rules, &mut view, &about, record)?;
    }
    Ok(Judged { action, actor })
}

impl Verdict<'_> {
    /// The arguments with defaults, or `INVALID_INPUT`.
    pub fn valid(&self, tool: &Tool, arguments: Map<String, Json>) -> Result<Map<String, Json>, Stop> {
        let foreign = self.foreign.filter(|_| self.session.mode == Mode::Off);
        let valid = match (foreign, &tool.work) {
            (Some(foreign), Work::Act(act)) => {
                let given = arguments.clone();
                tool.validate_but(arguments, &|path| foreign.passes(act.operation.inputs, &given, path))
            }
            _ => tool.validate(arguments),
        };
        valid.map_err(|problems| self.invalid(problems).into())
    }

    /// The refusal of arguments that do not fit.
    pub fn invalid(&self, problems: Vec<Problem>) -> Halt {
        let mut halt = self.refuse(&self.policy.refusals.input, built_in::SCHEMA, None, &View::new());
        halt.more_problems = problems.len() > MOST;
        halt.problems = problems;
        halt.problems.truncate(MOST);
        halt
    }

    /// Whether that audit entry is one that the acting user owes.
    fn owes(&self, entry: &Map<String, Json>, actor: &Row) -> Result<bool, Stop> {
        let text = |name: &str| entry.get(name).and_then(Json::as_str).unwrap_or_default();
        let unpaid = self.tx.unpaid(text("action"), text("entity_type"), text("entity_id"), Some(actor.key()))?;
        Ok(unpaid.is_some())
    }

    /// The row of every reference, by name; the first that names no record halts.
    fn references(&self, act: &Act, input: &Map<String, Json>) -> Result<References, Stop> {
        let mut found = References::default();
        self.references_of(act.operation.inputs, input, "", &mut found)?;
        Ok(found)
    }

    fn references_of(
        &self,
        inputs: &'static [Input],
        given: &Map<String, Json>,
        path: &str,
        found: &mut References,
    ) -> Result<(), Stop> {
        let nested = if path.is_empty() { "" } else { "new_" };
        for input in inputs {
            let value = given.get(input.name);
            let field = || format!("{path}{}", input.name);
            match (input.kind, value) {
                (InputKind::Id(_), None) => found.rows.push((format!("{nested}{}", input.row_name()), None)),
                (InputKind::Id(table), Some(id)) => {
                    let row = self.reference(table, &field(), id)?;
                    found.rows.push((format!("{nested}{}", input.row_name()), Some(row)));
                }
                (InputKind::RecordOf(kind), Some(id)) => {
                    let entity = given.get(kind).and_then(Json::as_str).and_then(catalogue::entity);
                    if let Some(table) = entity {
                        found.named = Some(self.reference(table, &field(), id)?);
                    }
                }
                (InputKind::ChangeSet(columns), set) => {
                    let none = Map::new();
                    let set = set.and_then(Json::as_object).unwrap_or(&none);
                    self.references_of(columns, set, &format!("{}.", input.name), found)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn reference(&self, table: &'static Table, field: &str, id: &Json) -> Result<Row, Stop> {
        let text = id.as_str().unwrap_or_default();
        if let Some(key) = parse_id(text)
            && let Some(row) = self.tx.get(table, key)?
        {
            return Ok(row);
        }
        let entity = table.entity.replace('_', " ");
        let find = self.policy.finder(table).map_or("a lookup", |tool| tool.name.as_str());
        let shown = brief_text(text);
        let view = texts(&[("field", field), ("entity", &entity), ("id", &shown), ("find", find)]);
        let refusal = &self.policy.refusals.reference;
        let code = format!("{}_{}", table.entity.to_uppercase(), refusal.code);
        let mut halt = self.refuse(refusal, built_in::REFERENCE, None, &view);
        halt.code = code;
        halt.evidence.insert(field.to_owned(), shown.into());
        Err(halt.into())
    }

    /// Who acts: the session's user, else the one that the call names.
    pub fn actor(&self, argument: &str, given: Option<Json>, record: &mut Record) -> Result<Option<Row>, Stop> {
        let named = match &given {
            Some(id) => Some(self.reference(&USERS, argument, id)?),
            None => None,
        };
        let actor = match (self.session.actor, named) {
            (Some(session), named) => {
                if let Some(named) = named.filter(|named| named.key() != session) {
                    self.violation(self.actor_mismatch(argument, session, &named), record)?;
                }
                self.tx.get(&USERS, session)?
            }
            (None, Some(named)) => Some(named),
            (None, None) => {
                self.violation(self.actor_missing(argument), record)?;
                None
            }
        };
        record.actor = actor.as_ref().map(Row::key);
        Ok(actor)
    }

    /// The refusal of a call for which nobody acts.
    pub fn actor_missing(&self, argument: &str) -> Halt {
        let view = texts(&[("argument", argument)]);
        self.refuse(&self.policy.refusals.actor_missing, built_in::GIVEN, None, &view)
    }

    fn actor_mismatch(&self, argument: &str, session: i64, named: &Row) -> Halt {
        let (session, named) = (session.to_string(), named.key().to_string());
        let view = texts(&[("argument", argument), ("session", &session), ("given", &named)]);
        let refusal = &self.policy.refusals.actor_mismatch;
        let mut halt = self.refuse(refusal, built_in::SAME, None, &view);
        halt.evidence.insert("session".to_owned(), session.into());
        halt.evidence.insert(argument.to_owned(), named.into());
        halt
    }

    fn refuse(&self, refusal: &Refusal, rule: &str, clause: Option<&str>, view: &View) -> Halt {
        let clause = clause.unwrap_or(&refusal.clause);
        let kind = Kind::of_built_in(rule).unwrap_or(Kind::Rule);
        let mut halt = Halt::new(kind, &refusal.code, rule, clause, refusal.message.render(view));
        halt.remedy = refusal.remedy.as_ref().map(|remedy| remedy.render(view));
        halt
    }

    /// Halt, or, where the policy is only observed, note what would have halted.
    fn violation(&self, halt: Halt, record: &mut Record) -> Result<(), Stop> {
        match self.session.mode {
            Mode::Enforce => Err(halt.into()),
            Mode::Observe => {
                record.violations.push(halt);
                Ok(())
            }
            Mode::Off => Ok(()),
        }
    }

    fn view(
        &self,
        act: &Act,
        actor: &Row,
        mut input: Map<String, Json>,
        rows: Vec<(String, Option<Row>)>,
        computed: Vec<Json>,
    ) -> View {
        input.insert(act.operation.actor.to_owned(), actor.key().to_string().into());
        let computed: Map<String, Json> = (act.operation.computed.iter().zip(computed))
            .map(|((name, _), value)| ((*name).to_owned(), value))
            .collect();
        let mut view = self.base_view(actor);
        view.bind("input", Json::Object(input), &act.types.input);
        view.bind("computed", Json::Object(computed), &act.types.computed);
        view.bind("tool", act.described.clone(), &act.types.tool);
        let name = act.operation.actor;
        view.bind_row(name.strip_suffix("_id").unwrap_or(name), Some(actor.clone()));
        for (name, row) in rows {
            view.bind_row(name, row);
        }
        view
    }

    /// What every rule sees, lookups' too.
    pub fn base_view(&self, actor: &Row) -> View {
        let mut view = View::new();
        view.bind_row("actor", Some(actor.clone()));
        view.bind("now", self.session.now.as_str().into(), &Type::Timestamp);
        view.bind("audit", self.session.audit.name().into(), &Type::Text);
        view
    }

    fn role(&self, act: &Act, actor: &Row, view: &View, record: &mut Record) -> Result<(), Stop> {
        let role = actor.text("role").unwrap_or_default();
        let Some(roles) = act.roles.as_ref().filter(|roles| !roles.iter().any(|may| may == role)) else {
            return Ok(());
        };
        let clause = Some(act.roles_clause.as_str());
        let mut halt = self.refuse(&self.policy.refusals.role, built_in::ROLE, clause, view);
        halt.evidence.insert("actor.role".to_owned(), role.into());
        halt.evidence.insert("tool.roles".to_owned(), json!(roles));
        self.violation(halt, record)
    }

    /// Apply rules in order.
    pub fn rules(&self, rules: &[Arc<Rule>], view: &mut View, about: &About, record: &mut Record) -> Result<(), Stop> {
        for rule in rules {
            let names = view.len();
            let halt = self.broken(rule, view, about, record)?;
            // What a rule looks up is its own.
            view.truncate(names);
            if let Some(halt) = halt {
                self.violation(halt, record)?;
            }
        }
        Ok(())
    }

    /// The halt of a rule that applies and does not hold.
    fn broken(&self, rule: &Rule, view: &mut View, about: &About, record: &mut Record) -> Result<Option<Halt>, Stop> {
        if rule.present.iter().any(|name| view.get(name).is_null()) {
            return Ok(None);
        }
        if let Some(when) = &rule.when {
            view.follow(when.paths(), |table, id| self.tx.get(table, id))?;
            if !when.holds(view)? {
                return Ok(None);
            }
        }
        view.follow(&rule.paths, |table, id| self.tx.get(table, id))?;
        for look in &rule.looks {
            let value = self.look(look, view, about)?;
            view.bind(look.name.as_str(), value, &look.of);
        }
        consult(rule, view, record);
        if rule.unless.holds(view)? {
            return Ok(None);
        }
        let mut halt = Halt::new(rule.kind, &rule.code, &rule.id, &rule.clause, rule.message.render(view));
        halt.remedy = rule.remedy.as_ref().map(|remedy| remedy.render(view));
        let paths = rule.unless.paths().iter();
        halt.evidence = paths.map(|path| (path.clone(), view.get(path))).collect();
        Ok(Some(halt))
    }

    fn look(&self, look: &Look, view: &View, about: &About) -> Result<Json, Stop> {
        Ok(match look.what {
            Sight::Concerned(table) => owners(self.tx, &about.concerned, table)?,
            Sight::Written(table) => owners(self.tx, &about.written, table)?,
            Sight::Count(table) => self.tx.count(&agreeing(look, table, view)?)?.into(),
            Sight::List(table, column) => {
                let Agreeing { equal, except, .. } = agreeing(look, table, view)?;
                let predicates = equal.into_iter().map(|(column, value)| Predicate::Equal(column, value));
                let page = Page::WHOLE;
                let found = self.tx.find(&Query { table, predicates: predicates.collect(), page })?;
                let found = found.iter().filter(|row| Some(row.key()) != except);
                let mut seen = BTreeSet::new();
                let ids = found.map(|row| row.get(column.name).to_json(column.kind));
                let ids = ids.filter(|id| id.as_str().is_some_and(|id| seen.insert(id.to_owned()) || look.repeats));
                ids.collect()
            }
        })
    }
}

/// Note what a rule looks at.
fn consult(rule: &Rule, view: &View, record: &mut Record) {
    let rows = rule.paths.iter().flat_map(|path| view.rows(path)).map(|row| (row.table(), Some(row.key())));
    let searched = rule.looks.iter().filter_map(|look| match look.what {
        Sight::Count(table) | Sight::List(table, _) => Some((table, None)),
        Sight::Concerned(_) | Sight::Written(_) => None,
    });
    for (table, key) in rows.chain(searched) {
        if !record.consulted.iter().any(|known| known.table == table && known.key == key) {
            let (rule, clause) = (rule.id.clone(), rule.clause.clone());
            record.consulted.push(Consulted { table, key, rule, clause });
        }
    }
}

/// The rows that a look asks for.
fn agreeing<'a>(look: &'a Look, table: &'static Table, view: &View) -> Result<Agreeing<'a>, Stop> {
    let mut equal = Vec::with_capacity(look.equal.len());
    for (column, expression) in &look.equal {
        equal.push((*column, column.value(&expression.evaluate(view)?).unwrap_or(Value::Null)));
    }
    let except = match &look.except {
        Some(except) => except.evaluate(view)?.as_str().and_then(parse_id),
        None => None,
    };
    Ok(Agreeing { table, equal, except })
}

/// The values that a built-in refusal shows.
fn texts(values: &[(&str, &str)]) -> View {
    let mut view = View::new();
    for (name, value) in values {
        view.bind(*name, (*value).into(), &Type::Text);
    }
    view
}
