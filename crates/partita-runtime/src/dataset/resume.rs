//! Going on with what an earlier run has left in its hidden folder.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::base;
use crate::dataset::error::{Error, Result};
use crate::dataset::manifest::{self, MANIFEST_NAME, ManifestPart};
use crate::dataset::place::{DATA_NAME, FRAGMENTS_NAME, READY_NAME};
use crate::dataset::record::{self, Header, RECORD_VERSION, Record, read_file};
use crate::storage::Disk;

/// Work that need not be done again.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The finished parts, in order.
    pub(super) parts: Vec<ManifestPart>,
    /// The first partition that is in none of them.
    pub(super) partitions: usize,
    /// Bytes of the record up to the last of them.
    pub(super) record_bytes: u64,
}

/// What is in a hidden folder whose writer is no more.
#[derive(Debug)]
pub(super) enum Left {
    /// Parts of this very job.
    Parts(Kept),
    /// Nothing that could be kept.
    Nothing,
    /// Work of a job that differs from this one: how, in words.
    Other(String),
}

/// Looks at the hidden folder of an earlier run.
pub(super) fn look(disk: &dyn Disk, hidden: &Path, header: &Header) -> Result<Left> {
    restore_data(disk, hidden, header)?;
    let Some(found) = record::read(disk, hidden)? else { return Ok(Left::Nothing) };
    if found.header.version != RECORD_VERSION {
        let (before, now) = (found.header.version, RECORD_VERSION);
        return Ok(Left::Other(format!("its record has version {before}, and this is version {now}")));
    }
    if let Some(difference) = header.job.difference(&found.header.job) {
        return Ok(Left::Other(difference));
    }
    if found.header.base != header.base {
        return Ok(Left::Other("the data set that it was to be added to has changed".to_owned()));
    }
    let data = hidden.join(DATA_NAME);
    let magic = header.job.write.magic();
    let mut kept = Kept { record_bytes: found.header_bytes, ..Kept::default() };
    for (done, end) in found.parts {
        let [first, past] = done.partitions;
        let follows = first == kept.partitions && past > first;
        if !follows || !done.parts().all(|part| is_whole(disk, &data.join(&part.name), part, magic)) {
            break;
        }
        kept.partitions = past;
        kept.record_bytes = end;
        kept.parts.extend(done.parts().cloned());
    }
    Ok(if kept.parts.is_empty() { Left::Nothing } else { Left::Parts(kept) })
}

/// If the earlier run ended while its folder was about to change places with the target, gives the folder its former name.
/// What is there instead after they have changed places is the old data set, which has another manifest, or the same bytes.
fn restore_data(disk: &dyn Disk, hidden: &Path, header: &Header) -> Result<()> {
    let (data, ready) = (hidden.join(DATA_NAME), hidden.join(READY_NAME));
    let Ok(json) = read_file(disk, &ready.join(MANIFEST_NAME)) else { return Ok(()) };
    let is_ours = base::parse(&json).is_ok_and(|found| found.job == Some(header.job.fingerprint()));
    if !is_ours || data.exists() {
        return Ok(());
    }
    disk.rename(&ready, &data).map_err(|error| Error::io("rename", &ready, error))
}

/// Whether a part has its size, and begins and ends as a file of its format does.
fn is_whole(disk: &dyn Disk, path: &Path, part: &ManifestPart, magic: &[u8]) -> bool {
    let check = || {
        let file = disk.open(path)?;
        let bytes = file.metadata()?.len();
        let (mut head, mut tail) = (vec![0; magic.len()], vec![0; magic.len()]);
        file.read_exact_at(0, &mut head)?;
        file.read_exact_at(bytes.saturating_sub(magic.len() as u64), &mut tail)?;
        Ok::<_, io::Error>(Some(bytes) == part.bytes && head == magic && tail == magic)
    };
    check().unwrap_or(false)
}

/// Removes from a hidden folder what is not kept: other files, and lines of the record past them.
pub(super) fn clear(disk: &dyn Disk, hidden: &Path, kept: &Kept) -> Result<()> {
    Record::go_on(disk, hidden, kept.record_bytes)?.sync()?;
    let data = hidden.join(DATA_NAME);
    let names = || kept.parts.iter().map(|part| part.name.as_str());
    let files: BTreeSet<PathBuf> = names().map(|name| data.join(name)).collect();
    let folders: BTreeSet<PathBuf> =
        manifest::folders(names()).into_iter().map(|name| data.join(name)).collect();
    clear_folder(disk, &data, &files, &folders)?;
    for name in [FRAGMENTS_NAME, READY_NAME] {
        remove(disk, &hidden.join(name))?;
    }
    Ok(())
}

/// Removes what is in `folder`, but for `files` and what is in `folders`.
fn clear_folder(
    disk: &dyn Disk,
    folder: &Path,
    files: &BTreeSet<PathBuf>,
    folders: &BTreeSet<PathBuf>,
) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io("list", folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| Error::io("list", folder, error))?.path();
        if folders.contains(&path) {
            clear_folder(disk, &path, files, folders)?;
        } else if !files.contains(&path) {
            remove(disk, &path)?;
        }
    }
    Ok(())
}

/// Removes a file, or a folder with all that is in it, where it is there.
pub(super) fn remove(disk: &dyn Disk, path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => disk.remove_dir_all(path),
        Ok(_) => disk.remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}
