//! Who touches the machine: threads, processes and sockets in runtime alone; clocks not in the pure rooms; files not where
//! there is no I/O; prints in the program.

use crate::Finding;
use crate::source::{Area, Source, is_ident, words};

/// One thing that only some rooms may use.
struct Ban {
    /// Paths, matched anywhere in a longer path; `name!` is a macro.
    paths: &'static [&'static str],
    /// Whether it holds for this file.
    holds: fn(&Source) -> bool,
    why: &'static str,
}

const BANS: [Ban; 4] = [
    Ban {
        paths: &[
            "std::thread",
            "thread::spawn",
            "thread::scope",
            "thread::Builder",
            "process::Command",
            "std::net",
            "unix::net",
        ],
        holds: |s| ours(s) && s.package != "partita-runtime",
        why: "threads, processes and sockets belong to runtime",
    },
    Ban {
        paths: &["Instant::now", "SystemTime::now", "Utc::now", "Local::now"],
        holds: |s| {
            among(
                s,
                &["partita-schedule", "partita-plan", "partita-columns", "partita-formats", "partita-tasks"],
            )
        },
        why: "there is no clock in this room: take the time as an argument",
    },
    Ban {
        paths: &["std::fs", "fs::File"],
        holds: |s| among(s, &["partita-schedule", "partita-plan", "partita-columns", "partita-tasks"]),
        why: "this room does no I/O: bytes come through the host",
    },
    Ban {
        paths: &["print!", "println!", "eprint!", "eprintln!", "io::stdout", "io::stderr"],
        holds: |s| s.area == Area::Library,
        why: "only the program prints",
    },
];

fn ours(source: &Source) -> bool {
    matches!(source.area, Area::Library | Area::Program)
}

fn among(source: &Source, rooms: &[&str]) -> bool {
    ours(source) && rooms.contains(&source.package.as_str())
}

/// Uses of the machine in rooms that have none; tests are free.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let bans: Vec<&Ban> = BANS.iter().filter(|ban| (ban.holds)(source)).collect();
    let mut findings = Vec::new();
    for (at, path) in paths(&source.code) {
        let banned = bans.iter().find(|ban| ban.paths.iter().any(|p| mentions(&path, p)));
        if let Some(ban) = banned.filter(|_| !source.is_test(at)) {
            findings.push(Finding::new(&source.path, source.line(at), format!("`{path}`: {}", ban.why)));
        }
    }
    findings
}

/// Whether the segments of `banned` follow each other somewhere in `path`.
fn mentions(path: &str, banned: &str) -> bool {
    let (path, banned): (Vec<&str>, Vec<&str>) = (path.split("::").collect(), banned.split("::").collect());
    path.windows(banned.len()).any(|w| w == banned)
}

/// All paths of a file with their places: every leaf of a `use` in full, `a::b` as it stands, `name!` for macros.
fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = code.to_owned();
    // `use<'a>` in a return type is no import.
    for at in words(code, "use").into_iter().filter(|at| !code[at + 3..].starts_with('<')) {
        let end = code[at..].find(';').map_or(code.len(), |n| at + n);
        let tree: String = code[at + 3..end].chars().filter(|c| !c.is_whitespace()).collect();
        expand("", &tree, &mut |path| found.push((at, path)));
        rest.replace_range(at..end, &" ".repeat(end - at));
    }
    let bytes = rest.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !is_ident(bytes[i]) {
            i += 1;
            continue;
        }
        let start = i;
        while i < bytes.len() && (is_ident(bytes[i]) || bytes[i..].starts_with(b"::")) {
            i += if is_ident(bytes[i]) { 1 } else { 2 };
        }
        let bang = bytes.get(i) == Some(&b'!') && bytes.get(i + 1) != Some(&b'=');
        let path = rest[start..i].trim_end_matches(':');
        if bang || path.contains("::") {
            found.push((start, format!("{path}{}", if bang { "!" } else { "" })));
        }
    }
    found
}

/// Spells out `a::{b, c::{d, e}}`.
fn expand(prefix: &str, tree: &str, say: &mut impl FnMut(String)) {
    let Some(open) = tree.find('{') else {
        let path = format!("{prefix}{tree}");
        return say(path.split(" as ").next().unwrap_or(&path).to_owned());
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let (mut depth, mut start) = (0usize, open + 1);
    for (i, c) in tree.char_indices().skip(open) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if (c == ',' && depth == 1) || (c == '}' && depth == 0) {
            if start < i {
                expand(&prefix, &tree[start..i], say);
            }
            start = i + 1;
        }
    }
}

#[test]
fn use_trees_are_spelled_out() {
    let mut seen = Vec::new();
    expand("", "std::{fs,io::{self,Write},thread}", &mut |path| seen.push(path));
    assert_eq!(seen, ["std::fs", "std::io::self", "std::io::Write", "std::thread"]);
}

#[test]
fn machine_use_is_found() {
    let found = |path: &str, text: &str| check(&Source::new(path, text)).len();
    let plan = "crates/partita-plan/src/lib.rs";
    for bad in [
        "fn f() { std::thread::spawn(|| 1); }",
        "use std::{\n    fmt,\n    thread,\n};",
        "use std::process::{Command, ExitCode};",
        "use std::net::TcpListener;",
        "fn f() { std::os::unix::net::UnixStream::pair(); }",
        "fn f() { let t = Instant::now(); }",
        "fn f() { let t = std::time::SystemTime::now(); }",
        "use std::fs::File;",
        "fn f() { println!(\"x\"); }",
        "fn f() { std::io::stderr().flush(); }",
    ] {
        assert_eq!(found(plan, bad), 1, "{bad}");
        assert_eq!(found(plan, &format!("#[cfg(test)]\nmod tests {{\n{bad}\n}}\n")), 0, "in a test: {bad}");
    }
    for good in [
        "fn f() { machine.handle(Command::Start, now); }",
        "use std::process::ExitCode;",
        "// std::thread::spawn is for runtime",
        "fn f() -> &'static str { \"std::fs::read\" }",
        "fn f(print: bool) { if print != false {} }",
    ] {
        assert_eq!(found(plan, good), 0, "{good}");
    }
}

#[test]
fn rooms_with_the_right_are_left_alone() {
    let found = |path: &str, text: &str| check(&Source::new(path, text)).len();
    let thread = "fn f() { std::thread::spawn(|| Instant::now()); }";
    assert_eq!(found("crates/partita-runtime/src/threaded.rs", thread), 0);
    assert_eq!(found("crates/partita-formats/src/csv/split.rs", thread), 2);
    assert_eq!(found("crates/partita/src/frame.rs", thread), 1);
    let print = "fn f() { println!(\"x\"); }";
    assert_eq!(found("crates/partita/src/main.rs", print), 0);
    assert_eq!(found("crates/partita/src/cli/head.rs", print), 0);
    assert_eq!(found("crates/partita-runtime/src/threaded.rs", print), 1);
    assert_eq!(found("benches/src/bin/jobs.rs", print), 0);
}
