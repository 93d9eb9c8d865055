//! The text speaks of the project: no paths of anybody's machine, no private hosts, no talk about how the work was
//! handed out. The words are written in halves so that this file does not find itself.

use crate::Finding;

/// Prefixes of absolute paths that exist on somebody's machine only.
const PATHS: [&str; 6] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/fa", "rm/"),
    concat!("/opt/wh", "eels"),
];
/// Ends of host names that only some network resolves.
const HOSTS: [&str; 5] = [".internal", ".intranet", ".corp", ".lan", ".local"];
/// Phrases, in lower case.
const PHRASES: [&str; 8] = [
    concat!("helper ses", "sion"),
    concat!("sub", "-agent"),
    concat!("language mo", "del"),
    concat!("before-", "stop"),
    concat!("shared/des", "ign"),
    concat!("shared/st", "yle"),
    concat!("shared/li", "mits"),
    concat!("shared/be", "nch"),
];
/// Words that betray the workplace when a number follows.
const NUMBERED: [&str; 3] = [concat!("iss", "ue"), concat!("sess", "ion"), concat!("sitt", "ing")];

/// Everything above, in any text file.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if let Some(what) = betrayal(line) {
            findings.push(Finding::new(path, n + 1, format!("does not belong in the project: {what}")));
        }
    }
    findings
}

fn betrayal(line: &str) -> Option<String> {
    let at_start = |at: usize| {
        line[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '}' | ')' | '/'))
    };
    let starts = |prefix: &&&str| line.match_indices(**prefix).any(|(at, _)| at_start(at));
    if let Some(path) = PATHS.iter().find(starts) {
        return Some((*path).to_owned());
    }
    if let Some(host) = hosts(line).find(|host| HOSTS.iter().any(|end| host.ends_with(end))) {
        return Some(host.to_owned());
    }
    let lower = line.to_lowercase();
    if let Some(phrase) = PHRASES.iter().find(|p| lower.contains(**p)) {
        return Some((*phrase).to_owned());
    }
    NUMBERED.iter().find(|word| numbered(&lower, word)).map(|word| format!("{word} and a number"))
}

/// The hosts of the URLs in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.split("://").skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '@')));
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// Whether `word` is followed by a number as in `word 3` or `word #3`.
fn numbered(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].strip_prefix(' ').map(|rest| rest.trim_start_matches('#'));
        before.is_none_or(|c| !c.is_alphanumeric())
            && after.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[test]
fn each_of_them_is_found() {
    for path in PATHS {
        assert_eq!(check("docs/a.md", &format!("see {path}main\n")).len(), 1, "{path}");
        assert_eq!(check("docs/a.md", &format!("see `{path}x`\n")).len(), 1, "{path}");
    }
    for host in HOSTS {
        assert_eq!(check("docs/a.md", &format!("index https://crates{host}/index\n")).len(), 1, "{host}");
    }
    for phrase in PHRASES {
        assert_eq!(check("docs/a.md", &phrase.to_uppercase()).len(), 1, "{phrase}");
    }
    for word in NUMBERED {
        assert_eq!(check("docs/a.md", &format!("as {word} 12 says")).len(), 1, "{word}");
        assert_eq!(check("docs/a.md", &format!("{word} #2")).len(), 1, "{word}");
    }
}

#[test]
fn plain_speech_is_left_alone() {
    for good in [
        "the session holds 4 partitions",
        "https://github.com/rust-lang/rust/issues/1",
        "http://127.0.0.1:8787/status",
        "config.local is not a host here",
        concat!("one unit of w", "ork/load"),
        concat!("out/wo", "rk/part-0.parquet"),
        "sessions: 3",
    ] {
        assert_eq!(check("docs/a.md", good), [], "{good}");
    }
}
