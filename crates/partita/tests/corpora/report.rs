//! All recorded cases, each in its class, and the table of them in `docs/semantics.md`.

use std::collections::BTreeMap;
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

/// Which cases differ, and why: first the reasons, `= reason` and a sentence; then a reason and an id a line.
const DIFFERS: &str = "crates/partita/tests/corpora/differs.tsv";
const BEGIN: &str = "<!-- recorded cases: generated, see crates/partita/tests/corpora -->";
const END: &str = "<!-- recorded cases: end -->";

/// The reason that is proved rather than claimed.
const SNIFFED: &str = "sniffed";

/// The list of differences.
struct Listed {
    /// Reasons and their sentences, in the order of the table.
    reasons: Vec<(String, String)>,
    /// Reasons by id.
    ids: BTreeMap<String, String>,
}

impl Listed {
    fn read() -> Self {
        let text =
            std::fs::read_to_string(folder::workspace().join(DIFFERS)).expect("the list of differences");
        let mut listed = Listed { reasons: Vec::new(), ids: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (reason, rest) = line.split_once('\t').expect("two columns");
            if let Some(reason) = reason.strip_prefix("= ") {
                listed.reasons.push((reason.to_owned(), rest.to_owned()));
                continue;
            }
            assert!(listed.reasons.iter().any(|(known, _)| known == reason), "{rest}: no reason {reason:?}");
            assert!(
                listed.ids.insert(rest.to_owned(), reason.to_owned()).is_none(),
                "{rest} is listed twice"
            );
        }
        listed
    }

    fn reason(&self, id: &str) -> Option<&str> {
        self.ids.get(id).map(String::as_str)
    }
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Holds,
    Differs(String),
    /// Differs, and does not once the dialect is said.
    Sniffed(String),
    NotOffered(String),
}

impl Class {
    fn differs(&self) -> bool {
        matches!(self, Class::Differs(_) | Class::Sniffed(_))
    }
}

/// Cases, and what is made of their tables.
type Viewed = Vec<(Case, Option<View>)>;

/// A source and its classes, in order of its cases.
type Outcomes = BTreeMap<&'static str, Vec<(String, Class)>>;

pub(crate) fn check(corpora: &Corpora) {
    let corpora = corpora.clone();
    guard::watched(Duration::from_secs(60), move || {
        let listed = Listed::read();
        let outcomes = run(&corpora, &listed);
        let wrong = unlisted(&outcomes, &listed);
        assert!(wrong.is_empty(), "{} cases are in the wrong class:\n{}", wrong.len(), wrong.join("\n"));
        compare_with_document(&table(&outcomes, &listed));
    });
}

fn run(corpora: &Corpora, listed: &Listed) -> Outcomes {
    let folder = tempfile::tempdir().expect("a folder");
    let session = Session::builder().memory_limit("512MiB").threads(2).build().expect("a session");
    let plain = |cases: Vec<Case>| cases.into_iter().map(|case| (case, None)).collect::<Viewed>();
    let sources: [(&str, Viewed); 7] = [
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
            (case.id.clone(), classify(&session, case, view.as_ref(), listed.reason(&case.id)))
        });
        outcomes.insert(source, classes.collect());
    }
    outcomes
}

/// A case that is listed as sniffed must be so; others are not tried.
fn classify(session: &Session, case: &Case, view: Option<&View>, listed: Option<&str>) -> Class {
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
    let may_be_sniffed =
        view.is_some_and(|view| view.is_sniffed) && matches!(case.expected, Expected::Texts(_));
    let is_tried = may_be_sniffed && listed.is_none_or(|reason| reason == SNIFFED);
    match is_tried && sniff::explains(session, call, &case.expected, case.manners, view) {
        true => Class::Sniffed(difference),
        false => Class::Differs(difference),
    }
}

/// Cases that differ and are not listed, or are listed and do not.
fn unlisted(outcomes: &Outcomes, listed: &Listed) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, class) in outcomes.values().flatten() {
        match (class, listed.reason(id)) {
            (Class::Holds | Class::NotOffered(_), None) | (Class::Sniffed(_), Some(SNIFFED)) => {}
            (Class::Differs(_), Some(reason)) if reason != SNIFFED => {}
            (Class::Differs(difference), None) => wrong.push(format!("{id}\tdiffers: {difference}")),
            (Class::Sniffed(difference), None) => wrong.push(format!("{id}\tsniffed: {difference}")),
            (class, Some(reason)) => wrong.push(format!("{id}\t{class:?}, and is listed as {reason}")),
        }
    }
    wrong
}

fn table(outcomes: &Outcomes, listed: &Listed) -> String {
    let mut text = String::new();
    let line =
        |text: &mut String, cells: &[String]| writeln!(text, "| {} |", cells.join(" | ")).expect("a line");
    let head = ["source", "cases", "hold", "differ", "option not offered"].map(str::to_owned);
    line(&mut text, &head);
    line(&mut text, &[("---"), "---:", "---:", "---:", "---:"].map(str::to_owned));
    for (source, classes) in outcomes {
        let count =
            |is: fn(&Class) -> bool| classes.iter().filter(|(_, class)| is(class)).count().to_string();
        let cells = [
            (*source).to_owned(),
            classes.len().to_string(),
            count(|class| *class == Class::Holds),
            count(Class::differs),
            count(|class| matches!(class, Class::NotOffered(_))),
        ];
        line(&mut text, &cells);
    }
    text.push_str("\nWhy cases differ:\n\n| cases | where | difference |\n| ---: | --- | --- |\n");
    for (reason, sentence) in &listed.reasons {
        let is_one = |class: &(String, Class)| class.1.differs() && listed.reason(&class.0) == Some(reason);
        let (total, places) = places(outcomes, is_one);
        line(&mut text, &[total.to_string(), places, sentence.clone()]);
    }
    text.push_str("\nOptions that are not offered, by the name that their library gives them:\n\n");
    for (source, classes) in outcomes {
        writeln!(text, "- {source}: {}", options(classes)).expect("a line");
    }
    text
}

/// The options that are not there, the most wanted first.
fn options(classes: &[(String, Class)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, class) in classes {
        if let Class::NotOffered(option) = class {
            *counts.entry(option).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(option, count)| (std::cmp::Reverse(*count), *option));
    let shown: Vec<String> = counts.iter().map(|(option, count)| format!("`{option}` {count}")).collect();
    shown.join(", ")
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
