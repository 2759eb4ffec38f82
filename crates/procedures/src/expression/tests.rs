use super::*;
use proptest::prelude::*;
use records::catalogue::{CHANGES, COMPONENTS, INCIDENTS, Kind, Table, USERS};
use serde_json::json;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use store::{Row, Value};

static WORDS: LazyLock<Vocabularies> = LazyLock::new(|| {
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Arc<[String]>>();
    [
        ("severity", "P1 P2 P3 P4"),
        ("level", "low medium high"),
        ("incident_status", "open in_progress resolved closed"),
        ("change_status", "requested approved completed"),
        ("user_status", "active inactive"),
        ("client_status", "active inactive"),
        ("role", "incident_manager executive account_manager"),
    ]
    .into_iter()
    .map(|(name, list)| (name.to_owned(), words(list)))
    .collect()
});

static SCOPE: LazyLock<Scope<'static>> = LazyLock::new(|| {
    let word = |name: &str| Type::Word(WORDS[name].clone());
    let fields = |name, fields: Vec<(&str, Type)>| {
        Type::of_fields(name, fields.into_iter().map(|(field, of)| (field.to_owned(), of)))
    };
    let change_set =
        vec![("status", word("incident_status").optional()), ("assigned_to_user_id", Type::Id(&USERS).optional())];
    let input = vec![
        ("title", Type::Text),
        ("incident_id", Type::Id(&INCIDENTS)),
        ("requesting_user", Type::Id(&USERS).optional()),
        ("severity", word("severity").optional()),
        ("urgent", Type::Bool.optional()),
        ("minutes", Type::Int),
        ("since", Type::Timestamp.optional()),
        ("change_set", fields("change_set", change_set)),
    ];
    let tool = vec![("name", Type::Text), ("roles", Type::List(Box::new(word("role"))))];
    let mut scope = Scope::new(&WORDS);
    scope.bind("input", fields("input", input));
    scope.bind("actor", Type::Row(&USERS));
    scope.bind("incident", Type::Row(&INCIDENTS));
    scope.bind("change", Type::Row(&CHANGES).optional());
    scope.bind("component", Type::Row(&COMPONENTS).optional());
    scope.bind("now", Type::Timestamp);
    scope.bind("tool", fields("tool", tool));
    scope.bind("twins", Type::Int);
    scope
});

fn check(source: &str) -> Result<Expression, Vec<Mistake>> {
    Expression::check(source, &SCOPE, &Type::Bool, &Facts::none())
}

/// Choices that a test makes from generated numbers, so that a failing case shrinks.
struct Tape<'a> {
    numbers: std::slice::Iter<'a, u16>,
    /// Around which of [`PATHS`] an expression is, so that its parts have to do with each other.
    near: usize,
}

impl Tape<'_> {
    fn new(numbers: &[u16]) -> Tape<'_> {
        let mut tape = Tape { numbers: numbers.iter(), near: 0 };
        tape.near = tape.next(usize::MAX);
        tape
    }
    fn next(&mut self, below: usize) -> usize {
        usize::from(self.numbers.next().copied().unwrap_or(0)) % below
    }
    fn path(&mut self) -> &'static (String, Type, Vec<String>) {
        &PATHS[(self.near + self.next(6)) % PATHS.len()]
    }
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.next(from.len())]
    }
    fn row(&mut self, table: &'static Table, empty: bool) -> Row {
        let cell = |tape: &mut Tape, column: &records::catalogue::Column| match column.kind {
            _ if column.nullable && (empty || tape.next(2) == 0) => Value::Null,
            Kind::Key | Kind::Id(_) => Value::Integer(1 + tape.next(3) as i64),
            Kind::Text | Kind::Phone => {
                (*tape.pick(&["", "x", "+49 (30) 12-34", "2025-01-01", "  É'\u{1F600} "])).into()
            }
            Kind::Word(name) => WORDS.get(name).map_or("other".into(), |words| tape.pick(words).as_str().into()),
            Kind::Timestamp | Kind::Date => {
                (*tape.pick(&["2025-01-01T00:00:00", "2025-01-01", "1999-12-31T23:59:59.250", "9999-12-31T23:59:59"]))
                    .into()
            }
            Kind::Integer => Value::Integer(*tape.pick(&[0, 7, -1, i64::MAX, i64::MIN])),
            Kind::Real => Value::Real(*tape.pick(&[0.0, 99.9, -1e300])),
            Kind::Bool => (tape.next(2) == 0).into(),
        };
        Row::new(table, table.columns.iter().map(|column| cell(self, column)).collect())
    }
    fn json(&mut self, of: &Type, empty: bool) -> Json {
        match of {
            Type::Optional(_) if empty || self.next(2) == 0 => Json::Null,
            Type::Optional(plain) => self.json(plain, empty),
            Type::Bool => (self.next(2) == 0).into(),
            Type::Int => self.pick(&[json!(0), json!(7), json!(3.0), json!(u64::MAX), json!(i64::MIN)]).clone(),
            Type::Word(words) => self.pick(words).as_str().into(),
            Type::Timestamp => (*self.pick(&["2025-01-01", "2025-09-25T12:00:00"])).into(),
            Type::List(item) => (0..self.next(3)).map(|_| self.json(item, empty)).collect(),
            Type::Struct(of) => of.fields.iter().map(|(name, of)| (name.clone(), self.json(of, empty))).collect(),
            _ => (*self.pick(&["1", "2", "12"])).into(),
        }
    }
    /// Something for every name of [`SCOPE`], and the rows that the paths lead to.
    fn view(&mut self, paths: &[String], empty: bool) -> View {
        let mut view = View::new();
        for name in SCOPE.names() {
            match SCOPE.get(name).unwrap() {
                Type::Row(table) => view.bind_row(name, Some(self.row(table, empty))),
                Type::Optional(of) if empty || self.next(2) == 0 => view.bind(name, Json::Null, of),
                Type::Optional(of) => match **of {
                    Type::Row(table) => view.bind_row(name, Some(self.row(table, empty))),
                    _ => unreachable!(),
                },
                of => view.bind(name, self.json(of, empty), of),
            }
        }
        let Ok(()) = view.follow(paths, |table, _| Ok::<_, Infallible>(Some(self.row(table, empty))));
        view
    }
    /// An expression that is often, but not always, right.
    fn expression(&mut self, depth: usize) -> String {
        match self.next(if depth == 0 { 4 } else { 10 }) {
            0..=3 => self.guarded(),
            4 => format!("({}) && ({})", self.expression(depth - 1), self.expression(depth - 1)),
            5 => format!("({}) || ({})", self.expression(depth - 1), self.expression(depth - 1)),
            6 => format!("!({})", self.expression(depth - 1)),
            7 => {
                let (when, then) = (self.expression(depth - 1), self.expression(depth - 1));
                format!("({when}) ? ({then}) : ({})", self.expression(depth - 1))
            }
            8 => format!("tool.roles.exists(r, r == actor.role || ({}))", self.expression(depth - 1)),
            _ => {
                let (path, ..) = self.path();
                format!("[{path}, null].all(x, x == null || x == {path} || ({}))", self.expression(depth - 1))
            }
        }
    }
    fn guarded(&mut self) -> String {
        let (path, of, optional) = self.path();
        let atom = self.atom(path, of.plain());
        match (self.next(8), optional.as_slice()) {
            (0 | 4, _) | (_, []) => atom,
            (1, some) => format!("{} || {atom}", some.join(" == null || ") + " == null"),
            (2, some) => format!("{} != null && {atom}", some[0]),
            (3, some) => format!("{} == null ? false : {atom}", some.join(" == null ? false : ")),
            (_, some) => format!("{} && {atom}", some.join(" != null && ") + " != null"),
        }
    }
    fn atom(&mut self, path: &str, of: &Type) -> String {
        let same: Vec<_> = PATHS.iter().filter(|(_, other, _)| other.meets(of)).collect();
        let other = same.get(self.next(same.len().max(1))).map_or("null", |(other, ..)| other.as_str());
        let forms: Vec<String> = match of {
            Type::Bool => vec![path.to_owned(), format!("!{path}"), format!("{path} == true")],
            Type::Int | Type::Double => vec![
                format!("{path} < {other}"),
                format!("{path} + {other} - 9007199254740992 >= -{path}"),
                format!("{path} != 3"),
            ],
            Type::Timestamp => vec![
                format!("{path} <= {other}"),
                format!("minutes_between({path}, {other}) + minutes_between(now, {path}) > 5"),
                format!("{path} == '2025-01-01T00:00:00'"),
            ],
            Type::Word(words) => vec![
                format!("{path} == '{}'", words.first().map_or("none", String::as_str)),
                format!("{path} in ['{}', {other}]", words.last().map_or("none", String::as_str)),
                format!("{path} == {other}"),
            ],
            Type::Text => vec![
                format!("{path} in ['a', {other}]"),
                format!("fold({path}).contains(digits({path})) == {path}.startsWith('x')"),
                format!("size({path}) < 3"),
            ],
            Type::List(_) => vec![format!("actor.role in {path}"), format!("size({path}) == 0")],
            _ => vec![format!("{path} == {other}"), format!("{path} != null")],
        };
        self.pick(&forms).clone()
    }
}

/// Every path of up to three names, its type, and what must not be null for it to have a value.
static PATHS: LazyLock<Vec<(String, Type, Vec<String>)>> = LazyLock::new(|| {
    let mut paths: Vec<(String, Type, Vec<String>)> = vec![];
    let mut add = |path: String, of: &Type, mut optional: Vec<String>| {
        if of.nullable() {
            optional.push(path.clone());
        }
        paths.push((path, of.clone(), optional));
        paths.last().cloned().unwrap()
    };
    for name in SCOPE.names() {
        let mut level = vec![add(name.to_owned(), SCOPE.get(name).unwrap(), vec![])];
        for _ in 0..2 {
            let mut next = vec![];
            for (path, of, optional) in &level {
                for field in of.plain().fields() {
                    let of = match of.plain() {
                        Type::Row(table) => SCOPE.column(table, field).or_else(|| {
                            let (at, target) = link(table, field)?;
                            let row = Type::Row(target);
                            Some(if table.columns[at].nullable { row.optional() } else { row })
                        }),
                        Type::Struct(of) => of.fields.iter().find(|(name, _)| name == field).map(|(_, of)| of.clone()),
                        _ => None,
                    };
                    next.push(add(format!("{path}.{field}"), &of.unwrap(), optional.clone()));
                }
            }
            level = next;
        }
    }
    paths.sort_by(|a, b| a.0.cmp(&b.0));
    paths
});

#[test]
fn accepts_what_is_right() {
    for source in [
        "actor.status == 'active'",
        "actor.role in tool.roles",
        "incident.status in ['resolved', 'closed']",
        "actor.user_id == input.requesting_user",
        "input.urgent == true || twins + 1 > 2",
        "incident.component != null && incident.component.product != null && incident.component.product_id == '1'",
        "incident.component == null || incident.component.location == null || fold(incident.component.location) == 'x'",
        "change == null || change.requesting_user.role == 'executive'",
        "change != null && change.approved_by_user != null && change.approved_by_user.status == 'active'",
        "change == null ? true : change.requesting_user != actor.user_id",
        "!(change == null) && change.status != 'approved'",
        "input.severity == 'P1' && input.severity.startsWith('P')",
        "input.since == null || (input.since <= now && minutes_between(input.since, now) < 30)",
        "incident.created_at >= '2025-01-01T00:00:00'",
        "input.change_set.status == null || input.change_set.status != incident.status",
        "tool.roles.exists(role, role == actor.role) && [1, 2].all(n, n < 3)",
        "size(input.title) > 0 && input.title.size() < 100 && digits(input.title).contains('1')",
        "incident == null || incident.client.status == 'active'",
        "incident.assigned_to_user == null || incident.assigned_to_user.user_id == incident.assigned_to_user_id",
    ] {
        check(source).unwrap_or_else(|mistakes| panic!("{source}: {mistakes:?}"));
    }
}

#[test]
fn refuses_what_is_wrong_and_says_where() {
    for (source, at, why) in [
        ("actr.status == 'active'", 0, "nothing is called `actr` here; did you mean \"actor\"?"),
        ("true && actor.statu == 'active'", 13, "a row of users has no field `statu`; did you mean \"status\"?"),
        ("actor.status == 'activ'", 16, "'activ' is none of active, inactive; did you mean \"active\"?"),
        ("incident.status in ['open', 'close']", 28, "; did you mean \"closed\"?"),
        (
            "'é' == input.title && change.status == 'approved'",
            23,
            "`change` may be null here: guard it with `change != null`",
        ),
        ("change != null || change.status == 'approved'", 18, "may be null"),
        ("incident.component.product.status == 'x'", 8, "`incident.component` may be null"),
        ("incident.resolution_timestamp < now", 8, "`incident.resolution_timestamp` may be null"),
        ("input.urgent", 5, "`input.urgent` may be null"),
        ("incident.client_id == actor.user_id", 19, "an id of clients and an id of users are never equal"),
        ("incident.client_id.status == 'active'", 18, "an id of clients has no field"),
        ("incident.status != null", 8, "`incident.status` is never null"),
        ("incident.created_at > '2025-01-01'", 20, "write it as YYYY-MM-DDTHH:MM:SS"),
        ("actor.user_id == 'u1'", 17, "ids are decimal digits"),
        ("actor.timezone == null || incident.component.environment == 'x'", 34, "may be null"),
        ("component != null && component.environment == 'production'", 46, "the policy lists no words"),
        ("twins == 'x'", 9, "a whole number is never 'x'"),
        ("minute_between(now, now) > 3", 14, "did you mean \"minutes_between\"?"),
        ("input.title.fold() == 'x'", 16, "`fold` is written as fold(a)"),
        ("twins * 2 == 2", 6, "`*` has no place here"),
        ("twins == 9007199254740993", 9, "too great"),
        ("input.title", 5, "this is text, not true or false"),
        ("has(change.status)", 0, "only names have fields"),
        ("[1].map(x, x + 1) == [2]", 0, "only all() and exists()"),
        ("[1].all(x, [2].all(y, x < y))", 0, "cannot be nested"),
        ("[1].all(actor, actor < 2)", 7, "`actor` already means something"),
        ("input.title in []", 15, "nothing is in an empty list"),
        ("{'a': 1} == null", 0, "maps and structs have no place"),
        ("true &&", 7, "expecting expression"),
    ] {
        let mistakes = check(source).expect_err(source);
        assert!(mistakes[0].message.contains(why), "{source}: {mistakes:?}");
        assert_eq!(mistakes[0].offset, at, "{source}: {mistakes:?}");
    }
    let several = check("actr == 'x' && incident.status == 'y' && twins").unwrap_err();
    assert_eq!(several.len(), 3);
}

#[test]
fn keeps_within_limits() {
    let and = |n| vec!["twins > 1"; n].join(" && ");
    assert!(check(&and(70)).is_ok());
    assert_eq!(check(&and(90)).unwrap_err()[0].message, "this is too long");
    assert!(check(&format!("twins > {}", vec!["1"; 40].join(" + "))).is_err());
    assert!(check(&format!("{}true{}", "!(".repeat(40), ")".repeat(40))).is_err());
    for pattern in
        ["(", "[", "{", "!", "-", "!-", "a?", "a?a:", "a.", "f(", "a.f(", "a[", "((", "\\", "'", "+1", "r'", "é"]
    {
        let many = pattern.repeat(1000 / pattern.len());
        let _ = check(&many);
        let half = pattern.repeat(450 / pattern.len());
        for close in [")", "]", "}", ""] {
            let _ = check(&format!("{half}nope{}", close.repeat(450)));
        }
    }
}

#[test]
fn knows_what_guards_tell() {
    let when = check("change != null").unwrap();
    let unless = check("change == null || change.approved_by_user == null").unwrap();
    let source = "change.status == 'approved'";
    let given = |facts: &Facts| Expression::check(source, &SCOPE, &Type::Bool, facts).is_ok();
    assert!(!given(&Facts::none()));
    assert!(given(&Facts::none().given(&when)));
    assert!(given(&Facts::none().denied(&unless)));
    let template = "{change.status} by {change.approved_by_user.name}";
    assert!(Template::check(template, &SCOPE, &Facts::none().given(&when)).is_err());
    assert!(Template::check(template, &SCOPE, &Facts::none().denied(&unless)).is_ok());
}

#[test]
fn lists_the_longest_paths() {
    let source = "change != null && change.incident != null && change.incident.client_id == '1' && now > now
        && tool.roles.all(role, role != actor.role)";
    assert_eq!(check(source).unwrap().paths(), ["change.incident.client_id", "now", "tool.roles", "actor.role"]);
}

#[test]
fn evaluates_over_followed_rows() {
    let numbers: Vec<u16> = (1..999).collect();
    let mut tape = Tape::new(&numbers);
    let source = "change.requesting_user.role == 'executive' && change.requesting_user == '2'
        && change.incident.title == 'Disk full' && change.created_at == '2025-01-01T00:00:00'";
    let expression = check(&format!("change == null || change.incident == null || ({source})")).unwrap();
    let with = |mut row: Row, changes: &[(&str, Value)]| {
        let mut cells = row.cells().to_vec();
        for (column, value) in changes {
            cells[row.table().position(column).unwrap()] = value.clone();
        }
        row = Row::new(row.table(), cells);
        row
    };
    let change = with(
        tape.row(&CHANGES, true),
        &[("incident_id", 7.into()), ("requesting_user", 2.into()), ("created_at", "2025-01-01T00:00:00".into())],
    );
    let (user, incident) = (tape.row(&USERS, true), tape.row(&INCIDENTS, true));
    let user = with(user, &[("role", "executive".into())]);
    let incident = with(incident, &[("title", "Disk full".into())]);
    let mut view = View::new();
    view.bind_row("change", Some(change));
    let mut read = vec![];
    view.follow(expression.paths(), |table, id| {
        read.push((table.name, id));
        Ok::<_, Infallible>(Some(if *table == USERS { user.clone() } else { incident.clone() }))
    })
    .unwrap();
    assert_eq!(read, [("users", 2), ("incidents", 7)]);
    assert_eq!(expression.holds(&view), Ok(true));
    assert_eq!(view.get("change.incident"), json!("7"));
    assert_eq!(view.get("change.incident.title"), json!("Disk full"));
    assert_eq!(view.get("change.approved_by_user.role"), Json::Null);
    view.bind_row("change", None);
    assert_eq!(expression.holds(&view), Ok(true));
    let expression = Expression::check("twins + 1", &SCOPE, &Type::Int, &Facts::none()).unwrap();
    assert!(expression.evaluate(&view).is_err());
    view.bind("twins", json!(2), &Type::Int);
    assert_eq!(expression.evaluate(&view), Ok(json!(3)));
    let expression = Expression::check(" (twins) // alone", &SCOPE, &Type::Int, &Facts::none()).unwrap();
    assert_eq!(expression.evaluate(&view), Ok(json!(2)));
}

#[test]
fn times_compare_in_whatever_form_they_come() {
    let check = |source: &str| check(source).unwrap();
    let mut view = View::new();
    view.bind("now", json!("2025-09-25"), &Type::Timestamp);
    assert_eq!(check("now == '2025-09-25T00:00:00' && now < '2025-09-25T00:00:00.5'").holds(&view), Ok(true));
    view.bind("now", json!("2025-09-25T00:30:00.500"), &Type::Timestamp);
    let source = "now == '2025-09-25T00:30:00.5' && minutes_between('2025-09-24T23:00:00', now) == 90";
    assert_eq!(check(source).holds(&view), Ok(true));
}

#[test]
fn templates_show_values() {
    let template = |text: &str| Template::check(text, &SCOPE, &Facts::none());
    let mut view = View::new();
    view.bind("tool", json!({"name": "log", "roles": ["a", "b"]}), SCOPE.get("tool").unwrap());
    view.bind("twins", json!(3), &Type::Int);
    let shown = template("{tool.name}: only {tool.roles}, é {twins}").unwrap();
    assert_eq!(shown.render(&view), "log: only a, b, é 3");
    assert_eq!(shown.paths(), ["tool.name", "tool.roles", "twins"]);
    assert_eq!(template("no holes").unwrap().render(&view), "no holes");
    for (text, at, why) in [
        ("x {tool.nam}", 2, "did you mean \"name\"?"),
        ("é{change.status}", 2, "`change` may be null here"),
        ("{input.severity}", 0, "may be null"),
        ("{incident}", 0, "cannot be shown"),
        ("{twins + 1}", 0, "`twins + 1` is no path"),
        ("{}", 0, "`` is no path"),
        ("{twins", 0, "holes are written as"),
        ("ab } x", 3, "holes are written as"),
    ] {
        let mistakes = template(text).expect_err(text);
        assert!(mistakes[0].message.contains(why) && mistakes[0].offset == at, "{text}: {mistakes:?}");
    }
}

#[test]
fn can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<(Expression, Template, View)>();
}

/// Most of what the generator writes is right, so that the property below is about something.
#[test]
fn generated_expressions_are_mostly_right() {
    let mut numbers = 1u32..;
    let mut right = 0;
    for _ in 0..300 {
        let tape: Vec<u16> = numbers.by_ref().take(64).map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as u16).collect();
        right += usize::from(check(&Tape::new(&tape).expression(2)).is_ok());
    }
    assert!((100..300).contains(&right), "{right}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the checker accepts evaluates without a fault.
    #[test]
    fn what_is_accepted_evaluates(
        source in proptest::collection::vec(any::<u16>(), 1..64),
        rows in proptest::collection::vec(any::<u16>(), 300),
        depth in 0usize..4,
    ) {
        let source = Tape::new(&source).expression(depth);
        if let Ok(expression) = check(&source) {
            for view in [Tape::new(&rows).view(expression.paths(), true), Tape::new(&rows).view(expression.paths(), false)] {
                prop_assert!(expression.holds(&view).is_ok(), "{:?}", expression.holds(&view));
            }
        }
    }

    /// Nothing that a file can hold upsets the parser or the checker.
    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}", tokens in proptest::collection::vec(0..TOKENS.len(), 0..120)) {
        let tokens: String = tokens.iter().map(|token| TOKENS[*token]).collect();
        for source in [text, tokens] {
            let _ = check(&source);
            let _ = Template::check(&source, &SCOPE, &Facts::none());
        }
    }
}

const TOKENS: &[&str] = &[
    "actor",
    "change",
    "incident",
    "input",
    "x",
    ".",
    ".",
    "status",
    "component",
    "severity",
    " == ",
    " != ",
    " && ",
    " || ",
    "!",
    "-",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "?",
    ":",
    " in ",
    "null",
    "true",
    "1",
    "0x",
    "1.5",
    "9u",
    "1e",
    "'a'",
    "'",
    "\"",
    "r'",
    "b'\\x",
    "'''",
    "\\",
    "`",
    "é",
    "\u{1F600}",
    "// \n",
    "all(x, ",
    "exists(x, ",
    "map(x, ",
    "has(",
    "size(",
    "minutes_between(",
    "<",
    "+",
    "%",
    "/",
    "&",
    "|",
    "=",
    "\n",
    "@result",
    "as",
    "_",
];
