//! Rooms and the arrows between them: strictly downwards, tests included.

use crate::Finding;
use crate::manifest::{Dependency, Manifest};

/// Every room and its level. An arrow may only go to a lower level, so rooms of one level do not know each other.
const LEVELS: [(&str, u8); 9] = [
    ("partita-columns", 0),
    ("partita-schedule", 0),
    ("partita-formats", 1),
    ("partita-dashboard", 1),
    ("partita-tasks", 2),
    ("partita-plan", 3),
    ("partita-runtime", 3),
    ("partita-cluster", 3),
    ("partita", 4),
];

/// The façade's users live above it.
const BENCHES: (&str, u8) = ("partita-benches", 5);

/// What a room must not lean on: a package, or every package whose name starts so.
const ABSENT: [(&str, &[&str], &str); 5] = [
    (
        "partita-schedule",
        &["partita", "arrow", "parquet", "polars", "crossbeam", "rayon", "tokio", "rustix", "libc", "chrono"],
        "schedule is pure: no columns, files, threads, sockets or clock",
    ),
    ("partita-plan", &["crossbeam", "rayon", "tokio", "rustix", "libc", "object_store"], "plan does no I/O"),
    ("partita-columns", &["crossbeam", "tokio", "rustix", "libc", "object_store"], "columns does no I/O"),
    (
        "partita-formats",
        &["crossbeam", "tokio", "rustix", "libc", "object_store"],
        "formats reads through its trait",
    ),
    ("partita-tasks", &["crossbeam", "tokio", "rustix", "libc", "object_store"], "tasks asks its host"),
];

/// Dependency direction, one version table, one lint table.
pub(crate) fn check(manifests: &[Manifest]) -> Vec<Finding> {
    manifests.iter().flat_map(check_manifest).collect()
}

fn check_manifest(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |line: usize, message: String| findings.push(Finding::new(&manifest.path, line, message));
    let Some(own) = level(&manifest.package) else {
        say(0, format!("package \"{}\" has no level: give it one in the table of rooms", manifest.package));
        return findings;
    };
    let folder = manifest.path.rsplit('/').nth(1).unwrap_or_default();
    if manifest.path.starts_with("crates/") && folder != manifest.package {
        say(0, format!("folder \"{folder}\" holds package \"{}\": they have one name", manifest.package));
    }
    if !manifest.inherits_lints {
        say(0, "the lints of the workspace do not hold here: add `[lints] workspace = true`".to_owned());
    }
    for dependency in &manifest.dependencies {
        if let Some(message) = check_dependency(&manifest.package, own, dependency) {
            say(dependency.line, message);
        }
    }
    findings
}

fn check_dependency(package: &str, own: u8, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if let Some(other) = level(name).filter(|&other| other >= own) {
        return Some(format!("{package} (level {own}) leans on {name} (level {other}): arrows go down only"));
    }
    if !dependency.inherited {
        return Some(format!("{name} has its own version: take it from the workspace table"));
    }
    let absent = ABSENT.iter().find(|(room, names, _)| {
        *room == package && !dependency.dev && names.iter().any(|n| name.starts_with(n))
    });
    absent.map(|(_, _, why)| format!("{package} leans on {name}: {why}"))
}

fn level(package: &str) -> Option<u8> {
    LEVELS.iter().chain([&BENCHES]).find(|(name, _)| *name == package).map(|(_, level)| *level)
}

/// Every locked package is one of ours or comes from crates.io.
pub(crate) fn check_lock(path: &str, text: &str) -> Vec<Finding> {
    const PUBLIC: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| line.starts_with("source = ") && *line != PUBLIC)
        .map(|(n, line)| Finding::new(path, n + 1, format!("{line}: not the public registry")))
        .collect()
}

#[cfg(test)]
fn manifest(package: &str, dependencies: &str) -> Vec<Finding> {
    let text = format!("[package]\nname = \"{package}\"\n[lints]\nworkspace = true\n{dependencies}");
    check(&[Manifest::parse(&format!("crates/{package}/Cargo.toml"), &text)])
}

#[test]
fn arrows_up_and_sideways_are_found() {
    assert_eq!(manifest("partita-plan", "[dependencies]\npartita-tasks.workspace = true\n"), []);
    for (package, dependency) in [
        ("partita-columns", "partita-formats"),
        ("partita-runtime", "partita-plan"),
        ("partita-plan", "partita-runtime"),
        ("partita-columns", "partita-schedule"),
        ("partita-tasks", "partita"),
    ] {
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let found = manifest(package, &format!("[{table}]\n{dependency}.workspace = true\n"));
            assert_eq!(found.len(), 1, "{package} -> {dependency} in {table}");
            assert_eq!(found[0].line, 6);
        }
    }
}

#[test]
fn schedule_stays_pure() {
    for name in ["partita-columns", "arrow-schema", "tokio", "crossbeam-channel"] {
        assert_eq!(
            manifest("partita-schedule", &format!("[dependencies]\n{name}.workspace = true\n")).len(),
            1
        );
    }
    assert_eq!(manifest("partita-schedule", "[dependencies]\nserde.workspace = true\n"), []);
}

#[test]
fn own_versions_missing_lints_and_unknown_rooms_are_found() {
    assert_eq!(manifest("partita-plan", "[dependencies]\nmemchr = \"2\"\n").len(), 1);
    assert_eq!(manifest("partita-cellar", "").len(), 1);
    let no_lints = Manifest::parse("crates/partita-plan/Cargo.toml", "[package]\nname = \"partita-plan\"\n");
    assert_eq!(check(&[no_lints]).len(), 1);
    let elsewhere = "[package]\nname = \"partita-plan\"\n[lints]\nworkspace = true\n";
    assert_eq!(check(&[Manifest::parse("crates/plan/Cargo.toml", elsewhere)]).len(), 1);
}

#[test]
fn other_registries_are_found() {
    let good = "name = \"a\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    assert_eq!(check_lock("Cargo.lock", good), []);
    let bad = "name = \"a\"\nsource = \"registry+https://mirror.example/index\"\n";
    assert_eq!(check_lock("Cargo.lock", bad).len(), 1);
}
