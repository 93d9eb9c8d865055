//! The files of a folder and of all folders in it.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::local::{failed, modified_ns, utf8};
use super::{Input, Member};
use crate::error::{ErrorKind, Result};

/// Folders that may stand one in the other: more is no data set.
const DEPTH_MAX: usize = 64;

/// The files below `root`, in order of their paths: those that end in one of `endings`, or all where none does.
/// Names that begin with `_` or `.` are not data. Links to files count as files; links to folders are not followed.
pub(super) fn folder(root: &Path, endings: &[&str]) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    let mut folders: Vec<(PathBuf, String, usize)> = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((path, below, depth)) = folders.pop() {
        let shown = path.to_string_lossy();
        if depth > DEPTH_MAX {
            let message = format!("folders stand over {DEPTH_MAX} deep in each other; name one of them");
            return Err(ErrorKind::Pattern { pattern: shown.into_owned(), message }.into());
        }
        for entry in fs::read_dir(&path).map_err(|error| failed(&shown, error))? {
            let entry = entry.map_err(|error| failed(&shown, error))?;
            let name = entry.file_name();
            if name.as_encoded_bytes().first().is_none_or(|byte| matches!(byte, b'.' | b'_')) {
                continue;
            }
            let full = entry.path();
            let below = format!("{below}{}", utf8(Path::new(&name))?);
            let kind = entry.file_type().map_err(|error| failed(&shown, error))?;
            if kind.is_dir() {
                folders.push((full, below + "/", depth + 1));
            } else if let Some(input) = file(&entry, kind.is_symlink(), &full)? {
                found.push(Member { input, below });
            }
        }
    }
    of_endings(&mut found, endings);
    found.sort_by(|left, right| left.below.cmp(&right.below));
    Ok(found)
}

/// Keeps what ends in one of `endings`, where anything does.
pub(super) fn of_endings(found: &mut Vec<Member>, endings: &[&str]) {
    let ends = |member: &Member| {
        let lower = member.below.to_lowercase();
        endings.iter().any(|ending| lower.ends_with(ending))
    };
    if found.iter().any(ends) {
        found.retain(ends);
    }
}

/// An entry that is a file, or a link to one.
fn file(entry: &DirEntry, is_link: bool, path: &Path) -> Result<Option<Input>> {
    let found = if is_link { fs::metadata(path) } else { entry.metadata() };
    let found = match found {
        Err(_) if is_link => return Ok(None),
        found => found.map_err(|error| failed(&path.to_string_lossy(), error))?,
    };
    if !found.is_file() {
        return Ok(None);
    }
    Ok(Some(Input { path: utf8(path)?, bytes: found.len(), modified_ns: modified_ns(&found) }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn folders_in_folders_are_walked_and_links_to_folders_are_not() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["b=2/c=1", "b=1", "_hidden", ".hidden"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for name in
            ["b=2/c=1/x.parquet", "b=1/y.PARQUET", "a.txt", "_hidden/z.parquet", "_meta", ".hidden/u.parquet"]
        {
            fs::write(root.path().join(name), "x").unwrap();
        }
        symlink(root.path(), root.path().join("b=1/again")).unwrap();
        symlink(root.path().join("a.txt"), root.path().join("b=1/link.parquet")).unwrap();
        symlink(root.path().join("nowhere"), root.path().join("b=1/dangling.parquet")).unwrap();
        let found = folder(root.path(), &[".parquet"]).unwrap();
        let below: Vec<&str> = found.iter().map(|member| member.below.as_str()).collect();
        assert_eq!(below, ["b=1/link.parquet", "b=1/y.PARQUET", "b=2/c=1/x.parquet"]);
        assert!(found.iter().all(|member| member.input.bytes == 1 && member.input.modified_ns > 0));
        let any: Vec<String> =
            folder(root.path(), &[".orc"]).unwrap().into_iter().map(|member| member.below).collect();
        assert_eq!(any, ["a.txt", "b=1/link.parquet", "b=1/y.PARQUET", "b=2/c=1/x.parquet"]);
    }
}
