//! All recorded cases, each in its class, and the table of them in `docs/semantics.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use partita::Session;

use crate::adapt::Case;
use crate::cases::NotOffered;
use crate::compare::{Expected, difference};
use crate::duckdb::{self, View};
use crate::folder::{self, Corpora};
use crate::guard;
use crate::{pandas, polars, pyarrow, rows, sniff};

/// Which cases differ, and why: a reason and an id a line.
const DIFFERS: &str = include_str!("differs.tsv");
const BEGIN: &str = "<!-- recorded cases: generated, see crates/partita/tests/corpora -->";
const END: &str = "<!-- recorded cases: end -->";

/// Why cases may differ.
const REASONS: [(&str, &str); 1] = [("sniffed", "DuckDB finds out about separator, quote, header; here they are said")];

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Holds,
    Differs(String),
    NotOffered(String),
}

/// A source and its classes, in order of its cases.
type Outcomes = BTreeMap<&'static str, Vec<(String, Class)>>;

pub(crate) fn check(corpora: &Corpora) {
    let corpora = corpora.clone();
    guard::watched(Duration::from_secs(60), move || {
        let outcomes = run(&corpora);
        let listed = listed();
        let wrong = unlisted(&outcomes, &listed);
        assert!(wrong.is_empty(), "{} cases are in the wrong class:\n{}", wrong.len(), wrong.join("\n"));
        compare_with_document(&table(&outcomes, &listed));
    });
}

fn run(corpora: &Corpora) -> Outcomes {
    let folder = tempfile::tempdir().expect("a folder");
    let session = Session::builder().memory_limit("512MiB").threads(2).build().expect("a session");
    let plain = |cases: Vec<Case>| cases.into_iter().map(|case| (case, None)).collect::<Vec<_>>();
    let sources: [(&str, Vec<(Case, Option<View>)>); 7] = [
        ("Python csv", plain(rows::python_cases(corpora, folder.path()))),
        ("Rust csv-core", plain(rows::rust_cases(corpora, folder.path()))),
        ("pandas", plain(pandas::cases(corpora, folder.path()))),
        ("Dask", plain(pandas::dask_cases(corpora, folder.path()))),
        ("Polars", plain(polars::cases(corpora, folder.path()))),
        ("pyarrow", plain(pyarrow::cases(corpora, folder.path()))),
        ("DuckDB", duckdb::cases(corpora)),
    ];
    let mut outcomes = Outcomes::new();
    for (source, cases) in sources {
        let classes = cases.iter().map(|(case, view)| {
            guard::doing(&case.id);
            (case.id.clone(), classify(&session, case, view.as_ref()))
        });
        outcomes.insert(source, classes.collect());
    }
    outcomes
}

fn classify(session: &Session, case: &Case, view: Option<&View>) -> Class {
    let call = match &case.call {
        Ok(call) => call,
        Err(NotOffered(option)) => return Class::NotOffered(option.clone()),
    };
    let difference = match guard::caught(|| call.run(session)) {
        Err(place) => Some(format!("panicked: {place}")),
        Ok(Err(error)) if matches!(case.expected, Expected::Error) => {
            error.to_string().contains("panicked").then(|| error.to_string())
        }
        Ok(Err(error)) => Some(format!("an error: {error}")),
        Ok(Ok(table)) => match view.map_or(Ok(table.clone()), |view| view.of(&table)) {
            Ok(table) => difference(&table, &case.expected, case.manners),
            Err(problem) => Some(problem),
        },
    };
    let Some(difference) = difference else { return Class::Holds };
    let is_sniffed = view.is_some_and(|view| view.is_sniffed)
        && !matches!(case.expected, Expected::Error)
        && sniff::explains(session, call, &case.expected, case.manners, view);
    Class::Differs(if is_sniffed { format!("sniffed: {difference}") } else { difference })
}

/// Reasons by id.
fn listed() -> BTreeMap<&'static str, &'static str> {
    let known: BTreeSet<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
    let mut listed = BTreeMap::new();
    for line in DIFFERS.lines().filter(|line| !line.is_empty()) {
        let (reason, id) = line.split_once('\t').expect("a reason and an id");
        assert!(known.contains(reason), "{id}: no reason {reason:?}");
        assert!(listed.insert(id, reason).is_none(), "{id} is listed twice");
    }
    listed
}

/// Cases that differ and are not listed, or are listed and do not.
fn unlisted(outcomes: &Outcomes, listed: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, class) in outcomes.values().flatten() {
        match (class, listed.get(id.as_str())) {
            (Class::Differs(_), Some(_)) | (Class::Holds | Class::NotOffered(_), None) => {}
            (Class::Differs(difference), None) => wrong.push(format!("{id}\tdiffers: {difference}")),
            (class, Some(reason)) => wrong.push(format!("{id}\t{class:?}, and is listed as {reason}")),
        }
    }
    wrong
}

fn table(outcomes: &Outcomes, listed: &BTreeMap<&str, &str>) -> String {
    let mut text = String::new();
    let line = |text: &mut String, cells: &[String]| writeln!(text, "| {} |", cells.join(" | ")).expect("a line");
    let head = ["source", "cases", "hold", "differ", "option not offered"].map(str::to_owned);
    line(&mut text, &head);
    line(&mut text, &[("---"), "---:", "---:", "---:", "---:"].map(str::to_owned));
    for (source, classes) in outcomes {
        let count = |is: fn(&Class) -> bool| classes.iter().filter(|(_, class)| is(class)).count().to_string();
        let cells = [
            (*source).to_owned(),
            classes.len().to_string(),
            count(|class| *class == Class::Holds),
            count(|class| matches!(class, Class::Differs(_))),
            count(|class| matches!(class, Class::NotOffered(_))),
        ];
        line(&mut text, &cells);
    }
    text.push_str("\nWhy cases differ:\n\n| cases | where | difference |\n| ---: | --- | --- |\n");
    for (reason, sentence) in REASONS {
        let is_one = |class: &(String, Class)| {
            matches!(class.1, Class::Differs(_)) && listed.get(class.0.as_str()) == Some(&reason)
        };
        let (total, places) = places(outcomes, is_one);
        line(&mut text, &[total.to_string(), places, sentence.to_owned()]);
    }
    text.push_str("\nOptions that are not offered, by the name that their library gives them:\n\n");
    text.push_str("| cases | where | option |\n| ---: | --- | --- |\n");
    let mut options: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, class) in outcomes.values().flatten() {
        if let Class::NotOffered(option) = class {
            *options.entry(option).or_default() += 1;
        }
    }
    let mut options: Vec<(&str, usize)> = options.into_iter().collect();
    options.sort_by_key(|(option, count)| (std::cmp::Reverse(*count), *option));
    for (option, count) in options {
        let is_one = |class: &(String, Class)| class.1 == Class::NotOffered(option.to_owned());
        line(&mut text, &[count.to_string(), places(outcomes, is_one).1, format!("`{option}`")]);
    }
    text
}

/// How many cases, and of which sources.
fn places(outcomes: &Outcomes, is_one: impl Fn(&(String, Class)) -> bool) -> (usize, String) {
    let counts: Vec<(&str, usize)> = outcomes
        .iter()
        .map(|(source, classes)| (*source, classes.iter().filter(|class| is_one(class)).count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let names: Vec<String> = counts.iter().map(|(source, count)| format!("{source} {count}")).collect();
    (counts.iter().map(|(_, count)| count).sum(), names.join(", "))
}

fn compare_with_document(table: &str) {
    let path = folder::workspace().join("docs/semantics.md");
    let document = std::fs::read_to_string(&path).expect("docs/semantics.md");
    let (before, rest) = document.split_once(BEGIN).expect("the begin of the table");
    let (old, after) = rest.split_once(END).expect("the end of the table");
    let new = format!("\n\n{table}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{new}{END}{after}")).expect("docs/semantics.md");
    } else {
        assert!(old == new, "docs/semantics.md has another table than\n{table}\nUPDATE_EXPECT=1 rewrites it");
    }
}
