//! The workspace on disk: its text files, Rust files and manifests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest::Manifest;
use crate::source::{Area, Source};

/// A text file of any kind.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// Relative to the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Everything that the rules look at.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TextFile>,
    pub(crate) sources: Vec<Source>,
    pub(crate) manifests: Vec<Manifest>,
}

impl Tree {
    /// Reads the workspace that this test belongs to.
    pub(crate) fn load() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut paths = Vec::new();
        collect(&root, &root, &mut paths);
        paths.sort();
        let mut files = Vec::new();
        for path in paths {
            if let Ok(text) = fs::read_to_string(root.join(&path)) {
                files.push(TextFile { path, text });
            }
        }
        let mut sources: Vec<Source> =
            files.iter().filter(|f| f.path.ends_with(".rs")).map(|f| Source::new(&f.path, &f.text)).collect();
        mark_test_modules(&mut sources);
        let manifests = files
            .iter()
            .filter(|f| f.path.ends_with("/Cargo.toml"))
            .map(|f| Manifest::parse(&f.path, &f.text))
            .collect();
        Self { files, sources, manifests }
    }
}

fn collect(root: &Path, folder: &Path, paths: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|e| e.ok().map(|e| e.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let skipped = ["target", "testdata", "proptest-regressions", "out"].contains(&name.as_str())
            || (name.starts_with('.') && ![".ci", ".github", ".gitignore"].contains(&name.as_str()));
        if skipped {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, paths);
        } else if is_text(&path) {
            let relative: PathBuf = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            paths.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

fn is_text(path: &Path) -> bool {
    match path.extension().and_then(|e| e.to_str()) {
        None => true,
        Some(e) => ["rs", "toml", "md", "sh", "py", "yml", "yaml", "txt", "lock"].contains(&e),
    }
}

/// Files behind `#[cfg(test)] mod name;` are tests, whatever their name.
fn mark_test_modules(sources: &mut [Source]) {
    let mut roots = Vec::new();
    for source in sources.iter() {
        let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", source.path.as_str()));
        let stem = file.trim_end_matches(".rs");
        let own = if ["mod", "lib", "main"].contains(&stem) {
            folder.to_owned()
        } else {
            format!("{folder}/{stem}")
        };
        roots.extend(source.test_modules.iter().map(|name| format!("{own}/{name}")));
    }
    for source in sources {
        let inside =
            |root: &String| source.path.strip_prefix(root).is_some_and(|r| r == ".rs" || r.starts_with('/'));
        if roots.iter().any(inside) {
            source.area = Area::Test;
        }
    }
}

#[test]
fn declared_test_modules_are_tests() {
    let mut sources = [
        Source::new("crates/partita/src/lib.rs", "#[cfg(test)]\nmod checks;\nmod checksum;\n"),
        Source::new("crates/partita/src/checks.rs", ""),
        Source::new("crates/partita/src/checks/deep.rs", ""),
        Source::new("crates/partita/src/checksum.rs", "#[cfg(test)]\nmod slow;\n"),
        Source::new("crates/partita/src/checksum/slow.rs", ""),
    ];
    mark_test_modules(&mut sources);
    let tests: Vec<bool> = sources.iter().map(|s| s.area == Area::Test).collect();
    assert_eq!(tests, [false, true, true, false, true]);
}
