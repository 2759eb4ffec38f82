//! Fuzz targets for everything that comes from outside: see scripts/fuzz, which builds and runs them.
//!
//! One binary holds them all, since linking takes longer than a short run; `FUZZ_TARGET` says which is run. A panic, a fault,
//! a state that changed though the call was refused: each ends the run and leaves its input.
#![no_main]

mod files;
mod served;

use calls::{Episode, Settings};
use procedures::expression::{Expression, Facts, Scope, Template, Type, View, Vocabularies};
use procedures::policy::{self, Source};
use store::canonical::Extent;
use records::catalogue::INCIDENTS;
use store::fixtures::Fixtures;
use store::image::Image;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value as Json};
use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

/// A target's name, and what it does with an input.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("arguments", arguments),
    ("expressions", expressions),
    ("http", served::http),
    ("lines", served::lines),
    ("mappings", files::mapping),
    ("policies", files::policy),
    ("traces", files::trace),
];

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET is one of {:?}", TARGETS.map(|(known, _)| known))).1
});

fuzz_target!(|data: &[u8]| TARGET(data));

static IMAGE: LazyLock<Arc<Image>> = LazyLock::new(|| {
    let fixtures = Fixtures::shipped(&|_| None).expect("the shipped fixtures are right");
    fixtures.image().expect("an image can be made")
});

/// An episode under the policy that has all tools.
pub fn episode() -> Episode {
    let policy = policy::load(&Source::Embedded, "all").expect("the shipped policy is right");
    Episode::on_image(Arc::new(policy), &IMAGE, &Settings::default()).expect("an episode begins")
}

/// A tool, by the first byte, and its arguments. Whatever they are: no fault, and a halt changes nothing.
fn arguments(data: &[u8]) {
    thread_local! {
        static EPISODE: RefCell<Episode> = RefCell::new(episode());
    }
    let Some((which, json)) = data.split_first() else { return };
    let Ok(arguments) = serde_json::from_slice::<Map<String, Json>>(json) else { return };
    EPISODE.with_borrow_mut(|episode| {
        let policy = episode.policy().clone();
        let tool = &policy.tools[usize::from(*which) % policy.tools.len()].name;
        let before = episode.hash(Extent::Everything).expect("a state has a hash").state;
        let outcome = episode.call(tool, arguments).expect("the tool is there");
        assert_ne!(outcome.answer.get("code"), Some(&"FAULT".into()), "{tool}: {}", outcome.text);
        if outcome.is_error() {
            let after = episode.hash(Extent::Everything).expect("a state has a hash").state;
            assert_eq!(before, after, "{tool} halted and wrote: {}", outcome.text);
        }
        episode.reset();
    });
}

/// An expression and a message, with what rules have in view. What the checker lets pass can be evaluated.
fn expressions(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let words: Vocabularies =
        [("level".to_owned(), Arc::from(["low".to_owned(), "high".to_owned()]))].into_iter().collect();
    let fields = || {
        [
            ("note", Type::Text),
            ("count", Type::Int),
            ("share", Type::Double),
            ("at", Type::Timestamp),
            ("flag", Type::Bool),
            ("level", Type::Word(words["level"].clone())),
            ("list", Type::List(Box::new(Type::Id(&INCIDENTS)))),
            ("maybe", Type::Timestamp.optional()),
        ]
    };
    let input = Type::of_fields("input", fields().map(|(name, of)| (name.to_owned(), of)));
    let mut scope = Scope::new(&words);
    scope.bind("input", input.clone());
    scope.bind("now", Type::Timestamp);
    let mut view = View::new();
    let values = serde_json::json!({
        "note": "Ünicode", "count": i64::MAX, "share": 0.5, "at": "2025-09-25T12:00:00", "flag": true, "level": "low",
        "list": ["1", "2"], "maybe": null,
    });
    view.bind("input", values, &input);
    view.bind("now", "2025-09-25T12:00:00".into(), &Type::Timestamp);
    for wanted in [Type::Bool, Type::Int, Type::Text, Type::Timestamp] {
        if let Ok(expression) = Expression::check(source, &scope, &wanted, &Facts::none()) {
            expression.evaluate(&view).expect("what is checked can be evaluated");
        }
    }
    if let Ok(template) = Template::check(source, &scope, &Facts::none()) {
        template.render(&view);
    }
}
