//! Local files.

use std::fs::{self, Metadata};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use glob::{MatchOptions, glob_with};
use partita_formats::io::ReadAt;

use super::disk::{Disk, DiskFile};
use super::{Input, Member, Place, walk};
use crate::error::{ErrorKind, Result};

/// Endings of the files that a folder stands for; where it has none of them, all its files are meant.
const CSV_ENDINGS: [&str; 3] = [".csv", ".tsv", ".txt"];
const COMPRESSED_ENDINGS: [&str; 4] = [".gz", ".zst", ".bz2", ".xz"];

/// Files that are opened on `disk`.
#[derive(Debug)]
pub(super) struct LocalFiles {
    pub(super) disk: Arc<dyn Disk>,
}

impl Place for LocalFiles {
    fn list(&self, pattern: &str) -> Result<Vec<Input>> {
        let path = Path::new(pattern);
        let paths = match fs::metadata(path) {
            Ok(found) if found.is_dir() => folder(path)?,
            Ok(_) => vec![pattern.to_owned()],
            Err(error) if is_glob(pattern) && error.kind() == io::ErrorKind::NotFound => {
                matches(pattern, |path| path.is_file())?
            }
            Err(error) => return Err(failed(pattern, error)),
        };
        if paths.is_empty() {
            return Err(ErrorKind::NoInput { pattern: pattern.to_owned() }.into());
        }
        paths.iter().map(|path| self.stat(path)).collect()
    }

    fn members(&self, pattern: &str, endings: &[&str]) -> Result<Vec<Member>> {
        let path = Path::new(pattern);
        let found =
            match fs::metadata(path) {
                Ok(found) if found.is_dir() => walk::folder(path, endings)?,
                Ok(_) => vec![Member { input: self.stat(pattern)?, below: name_of(pattern).to_owned() }],
                Err(error) if is_glob(pattern) && error.kind() == io::ErrorKind::NotFound => {
                    let fixed = fixed_bytes(pattern);
                    let mut found = Vec::new();
                    for path in matches(pattern, |path| path.exists())? {
                        let below = path.get(fixed..).unwrap_or(&path).trim_start_matches('/');
                        if Path::new(&path).is_dir() {
                            let inner = walk::folder(Path::new(&path), endings)?.into_iter();
                            found.extend(inner.map(|member| Member {
                                below: format!("{below}/{}", member.below),
                                ..member
                            }));
                        } else if !is_hidden(name_of(&path)) {
                            found.push(Member { below: below.to_owned(), input: self.stat(&path)? });
                        }
                    }
                    walk::of_endings(&mut found, endings);
                    found
                }
                Err(error) => return Err(failed(pattern, error)),
            };
        if found.is_empty() {
            return Err(ErrorKind::NoInput { pattern: pattern.to_owned() }.into());
        }
        Ok(found)
    }

    fn side_file(&self, folder: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let path = Path::new(folder).join(name);
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        let shown = path.to_string_lossy();
        let file = match self.disk.open(&path) {
            Err(error) if absent.contains(&error.kind()) => return Ok(None),
            opened => opened.map_err(|error| failed(&shown, error))?,
        };
        let read = || {
            let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
            let mut all = vec![0; bytes];
            file.read_exact_at(0, &mut all).map(|()| all)
        };
        read().map(Some).map_err(|error| failed(&shown, error))
    }

    fn stat(&self, path: &str) -> Result<Input> {
        let found = fs::metadata(path).map_err(|error| failed(path, error))?;
        if found.is_dir() {
            return Err(failed(path, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        Ok(Input { path: path.to_owned(), bytes: found.len(), modified_ns: modified_ns(&found) })
    }

    fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>> {
        let file = self.disk.open(Path::new(path)).map_err(|error| failed(path, error))?;
        let found = file.metadata().map_err(|error| failed(path, error))?;
        if !found.is_file() {
            let error = io::Error::new(io::ErrorKind::Unsupported, "not a regular file; pipe it in as `-`");
            return Err(failed(path, error));
        }
        Ok(Arc::new(LocalFile { file, bytes: found.len() }))
    }
}

pub(super) fn failed(path: &str, source: io::Error) -> crate::error::Error {
    ErrorKind::Io { path: path.to_owned(), source }.into()
}

fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// Bytes of a pattern before the first name that has a wildcard.
fn fixed_bytes(pattern: &str) -> usize {
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..wild].rfind('/').map_or(0, |slash| slash + 1)
}

/// Whether a name is none of data.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn modified_ns(found: &Metadata) -> i128 {
    let Ok(modified) = found.modified() else { return 0 };
    match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    }
}

/// The files of a folder in order of name; hidden ones and those that begin with `_` are not data.
fn folder(path: &Path) -> Result<Vec<String>> {
    let named = path.to_string_lossy();
    let mut all = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| failed(&named, error))? {
        let entry = entry.map_err(|error| failed(&named, error))?;
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().first().is_none_or(|byte| matches!(byte, b'.' | b'_'));
        if !hidden && entry.path().is_file() {
            all.push(utf8(&entry.path())?);
        }
    }
    all.sort();
    let csv: Vec<String> = all.iter().filter(|path| has_csv_ending(path)).cloned().collect();
    Ok(if csv.is_empty() { all } else { csv })
}

fn has_csv_ending(path: &str) -> bool {
    let lower = path.to_lowercase();
    let plain = COMPRESSED_ENDINGS.iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(&lower);
    CSV_ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn matches(pattern: &str, is_meant: impl Fn(&Path) -> bool) -> Result<Vec<String>> {
    let bad = |message: String| ErrorKind::Pattern { pattern: pattern.to_owned(), message };
    let mut paths = Vec::new();
    // A star leaves hidden files out, as in a shell.
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
    // `**` stands for folders: of a pattern that ends so, the files below them are meant.
    let files = if pattern == "**" || pattern.ends_with("/**") { &format!("{pattern}/*") } else { pattern };
    for entry in glob_with(files, options).map_err(|error| bad(error.to_string()))? {
        let path = entry.map_err(|error| bad(error.to_string()))?;
        if is_meant(&path) {
            paths.push(utf8(&path)?);
        }
    }
    paths.sort();
    Ok(paths)
}

pub(super) fn utf8(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(ErrorKind::Pattern {
            pattern: path.to_string_lossy().into_owned(),
            message: "the name is not UTF-8; rename it, or name it through a link".into(),
        }
        .into()),
    }
}

/// An open file, read by position from any number of threads.
struct LocalFile {
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

impl ReadAt for LocalFile {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_some_at(offset, buffer)
    }

    fn prefetch(&self, range: Range<u64>) {
        self.file.will_read(range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::LocalDisk;

    fn local() -> LocalFiles {
        LocalFiles { disk: Arc::new(LocalDisk) }
    }

    fn names(inputs: &[Input]) -> Vec<&str> {
        inputs.iter().map(|input| input.path.rsplit('/').next().unwrap_or("")).collect()
    }

    #[test]
    fn a_folder_stands_for_its_csv_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv.gz", ".hidden.csv", "_partita.json", "notes.md"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let found = local().list(folder.path().to_str().unwrap()).unwrap();
        assert_eq!(names(&found), ["a.csv.gz", "b.csv"]);
        let glob = format!("{}/*.csv", folder.path().display());
        assert_eq!(names(&local().list(&glob).unwrap()), ["b.csv"]);
    }

    #[test]
    fn a_name_with_brackets_is_a_name_where_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a[1].csv");
        fs::write(&path, "x").unwrap();
        assert_eq!(names(&local().list(path.to_str().unwrap()).unwrap()), ["a[1].csv"]);
    }

    #[test]
    fn two_stars_stand_for_all_files_below() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/c")).unwrap();
        fs::create_dir_all(folder.path().join(".d")).unwrap();
        for name in ["a.csv", "b/c/x.csv", "b/y.csv", ".d/z.csv"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let glob = format!("{}/**", folder.path().display());
        assert_eq!(names(&local().list(&glob).unwrap()), ["a.csv", "x.csv", "y.csv"]);
        let glob = format!("{}/**/[xz].csv", folder.path().display());
        assert_eq!(names(&local().list(&glob).unwrap()), ["x.csv"]);
    }

    #[test]
    fn nothing_found_is_an_error_that_names_the_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let glob = format!("{}/*.csv", folder.path().display());
        let message = local().list(&glob).unwrap_err().to_string();
        assert!(message.contains(&glob), "{message}");
    }
}
