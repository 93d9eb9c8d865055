//! What stands at a target, and what of it is refused.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use partita_formats::output::Format;

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::options::{DatasetOptions, InputFingerprint};

/// What stands at the target.
pub(super) enum Found {
    Nothing,
    Folder { real: PathBuf, empty: bool },
    File { real: PathBuf, empty: bool },
}

impl Found {
    pub(super) fn at(shown: &Path) -> Result<Self> {
        match fs::symlink_metadata(shown) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(Error::io("look at", shown, error)),
            Ok(_) => {}
        }
        let real = canonical(shown)?;
        let metadata = fs::metadata(&real).map_err(|error| Error::io("look at", shown, error))?;
        if !metadata.is_dir() {
            return Ok(Found::File { real, empty: metadata.is_file() && metadata.len() == 0 });
        }
        let mut entries = fs::read_dir(&real).map_err(|error| Error::io("list", shown, error))?;
        Ok(Found::Folder { real, empty: entries.next().is_none() })
    }

    pub(super) fn check(&self, shown: &Path, single_file: bool, options: &DatasetOptions) -> Result<()> {
        let target = || shown.to_path_buf();
        let (real, empty) = match self {
            _ if options.append && single_file => {
                return Err(ErrorKind::WrongKind {
                    target: target(),
                    expected: "a folder of parts to append to",
                    found: "a single file",
                    way_out: "name a folder, with a slash at its end where its name ends as those of files do",
                }
                .into());
            }
            Found::Nothing => return Ok(()),
            Found::Folder { .. } if single_file => {
                let way_out = "name a file in it, or leave out single_file (--single-file)";
                return Err(ErrorKind::WrongKind {
                    target: target(),
                    expected: "a file",
                    found: "a folder",
                    way_out,
                }
                .into());
            }
            Found::File { .. } if !single_file => {
                let way_out = "name a folder, or write one file with single_file (--single-file)";
                return Err(ErrorKind::WrongKind {
                    target: target(),
                    expected: "a folder",
                    found: "a file",
                    way_out,
                }
                .into());
            }
            Found::Folder { real, empty } | Found::File { real, empty } => (real, *empty),
        };
        if let Some(input) = own_input(real, &options.inputs) {
            return Err(ErrorKind::OwnInput { target: target(), input }.into());
        }
        if !empty && !options.overwrite && !options.append {
            return Err(ErrorKind::NotEmpty { target: target() }.into());
        }
        match protected(real) {
            Some(what) => Err(ErrorKind::Protected { target: target(), what }.into()),
            None => Ok(()),
        }
    }
}

/// The first input that is `target` or in it: by where its bytes are, and by where its name is.
fn own_input(target: &Path, inputs: &[InputFingerprint]) -> Option<PathBuf> {
    inputs.iter().map(|input| Path::new(input.path.strip_prefix("file://").unwrap_or(&input.path))).find_map(
        |input| {
            let bytes = fs::canonicalize(input).ok();
            let name = input.file_name().and_then(|name| {
                let parent = input.parent().filter(|parent| !parent.as_os_str().is_empty());
                Some(fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?.join(name))
            });
            let inside = [bytes, name].into_iter().flatten().any(|input| input.starts_with(target));
            inside.then(|| input.to_path_buf())
        },
    )
}

/// Why a folder must not be replaced, whatever was asked.
fn protected(real: &Path) -> Option<&'static str> {
    let is_above = |inner: Option<PathBuf>| {
        inner.and_then(|inner| fs::canonicalize(inner).ok()).is_some_and(|inner| inner.starts_with(real))
    };
    if real.parent().is_none() {
        Some("the root of the file system")
    } else if is_above(std::env::current_dir().ok()) {
        Some("the working directory, or above it")
    } else if is_above(std::env::home_dir()) {
        Some("the home folder, or above it")
    } else {
        None
    }
}

/// Whether the target is to be one file.
pub(super) fn is_single_file(shown: &Path, options: &DatasetOptions) -> bool {
    options.single_file || (is_named_as_file(shown, &options.write) && !shown.is_dir())
}

/// Whether the name ends as those of files of the format do, without a slash after it.
fn is_named_as_file(shown: &Path, format: &Format) -> bool {
    shown.extension().and_then(|found| found.to_str()).is_some_and(|found| format.names_file(found))
        && !shown.as_os_str().as_encoded_bytes().ends_with(b"/")
}

pub(super) fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| Error::io("resolve", path, error))
}
