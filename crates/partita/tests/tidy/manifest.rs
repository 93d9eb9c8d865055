//! As much of a `Cargo.toml` as the rules need: package name, and dependencies with how they are given.

/// One dependency, of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) line: usize,
    pub(crate) name: String,
    /// Whether version and source come from the workspace table.
    pub(crate) inherited: bool,
    /// Whether only tests, examples and benches see it.
    pub(crate) dev: bool,
}

/// A package's manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) package: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) inherits_lints: bool,
}

impl Manifest {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut manifest = Self {
            path: path.to_owned(),
            package: String::new(),
            dependencies: Vec::new(),
            inherits_lints: false,
        };
        let mut section = String::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split(" #").next().unwrap_or(line).trim();
            if let Some(header) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = header.to_owned();
                manifest.open_section(&section, number + 1);
            } else if let Some((key, value)) = line.split_once('=') {
                manifest.entry(&section, key.trim(), value.trim(), number + 1);
            }
        }
        manifest
    }

    /// `[dependencies.name]` names a dependency in its header.
    fn open_section(&mut self, section: &str, line: usize) {
        let Some((table, name)) = section.rsplit_once('.') else { return };
        if let Some(dev) = dependency_table(table) {
            self.dependencies.push(Dependency { line, name: name.to_owned(), inherited: false, dev });
        }
    }

    fn entry(&mut self, section: &str, key: &str, value: &str, line: usize) {
        if section == "package" && key == "name" {
            value.trim_matches('"').clone_into(&mut self.package);
        } else if section == "lints" && key == "workspace" && value == "true" {
            self.inherits_lints = true;
        } else if let Some(dev) = dependency_table(section) {
            let (name, field) = key.split_once('.').unwrap_or((key, ""));
            let inherited = (field == "workspace" && value == "true") || value.contains("workspace = true");
            // A renamed dependency is known by what it is.
            let package = value.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
            let name = package.unwrap_or(name).to_owned();
            self.dependencies.push(Dependency { line, name, inherited, dev });
        } else if key == "workspace" && value == "true" && section.contains("dependencies.") {
            self.dependencies.iter_mut().rev().take(1).for_each(|d| d.inherited = true);
        }
    }
}

/// Whether `section` is a table of dependencies, and if so whether of the dev kind.
fn dependency_table(section: &str) -> Option<bool> {
    let kind = section.rsplit('.').next().unwrap_or(section);
    match kind {
        "dependencies" | "build-dependencies" => Some(false),
        "dev-dependencies" => Some(true),
        _ => None,
    }
}

#[test]
fn every_way_to_write_a_dependency_is_read() {
    let text = r#"
[package]
name = "partita-plan"
[lints]
workspace = true
[dependencies]
arrow.workspace = true
serde = { workspace = true, features = ["derive"] } # for golden files
memchr = "2"
columns = { package = "partita-columns", path = "../partita-columns" }
[dependencies.csv]
workspace = true
[target.'cfg(unix)'.dev-dependencies]
libc = "0.2"
[profile.dev]
debug = false
"#;
    let manifest = Manifest::parse("crates/partita-plan/Cargo.toml", text);
    assert_eq!(manifest.package, "partita-plan");
    assert!(manifest.inherits_lints);
    let seen: Vec<(&str, bool, bool)> =
        manifest.dependencies.iter().map(|d| (d.name.as_str(), d.inherited, d.dev)).collect();
    assert_eq!(
        seen,
        [
            ("arrow", true, false),
            ("serde", true, false),
            ("memchr", false, false),
            ("partita-columns", false, false),
            ("csv", true, false),
            ("libc", false, true),
        ]
    );
}
