//! The end of a data set: the last part, the manifest, the name. And the look at one that is there already.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use parquet::file::metadata::ParquetMetaDataReader;
use partita_formats::output::{FileLayout, Format};
use partita_formats::parquet::options::MANIFEST_KEY;

use super::Dataset;
use super::aside::beside;
use super::base::{self, Base};
use super::error::{Error, ErrorKind, Result};
use super::follow::Following;
use super::found::{Found, is_single_file};
use super::job::Job;
use super::manifest::{self, MANIFEST_NAME, MANIFEST_VERSION, Manifest, ManifestColumn, ManifestPart};
use super::options::{DatasetOptions, InputFingerprint, Replaced, Written};
use super::parts::{Assembled, Parts};
use super::place::{Built, Place};
use super::record::{self, read_file};
use super::sibling::siblings;

impl Dataset {
    /// What is at `target`, where it is what this very job writes: then nothing needs to be done. Looked for with
    /// [`DatasetOptions::resume`] only. What an earlier run has left beside the target is removed.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`], [`ErrorKind::Formats`] for options that do not go with the schema, and what the system reports.
    pub fn complete(target: &Path, schema: SchemaRef, options: &DatasetOptions) -> Result<Option<Written>> {
        let layout = FileLayout::new(schema, &options.write)?;
        let job = Job::new(options, &manifest::columns(&layout));
        let Some(job) = job.filter(|_| options.resume) else { return Ok(None) };
        let Some((real, manifest)) = manifest_at(target, options)? else { return Ok(None) };
        if !is_result(&manifest, &job, options.append) {
            return Ok(None);
        }
        Place::sweep_others(target, &real, &options.disk)?;
        Ok(Some(there(target, &real, &manifest)))
    }

    /// The columns of the data set at `target` that [`DatasetOptions::append`] would add to; `None` where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::NotADataset`], and what the system reports.
    pub fn columns(target: &Path, options: &DatasetOptions) -> Result<Option<Vec<ManifestColumn>>> {
        match Found::at(target)? {
            Found::Folder { real, empty: false } => {
                Ok(Some(Base::read(&*options.disk, &real, target)?.manifest.schema))
            }
            _ => Ok(None),
        }
    }

    /// What the data set in the folder `target` was made of; `None` where there is none.
    ///
    /// # Errors
    /// As [`Dataset::columns`].
    pub fn inputs(target: &Path, options: &DatasetOptions) -> Result<Option<Vec<InputFingerprint>>> {
        match Found::at(target)? {
            Found::Folder { real, empty: false } => {
                Ok(Some(Base::read(&*options.disk, &real, target)?.manifest.inputs))
            }
            _ => Ok(None),
        }
    }

    /// The columns of what an earlier run of the same job has left beside `target`: they may be wider than those that this run
    /// knows of yet. `None` where there is nothing.
    ///
    /// # Errors
    /// What the system reports.
    pub fn columns_left(target: &Path, options: &DatasetOptions) -> Result<Option<Vec<ManifestColumn>>> {
        let Some(job) = Job::new(options, &[]) else { return Ok(None) };
        for hidden in siblings_of(target)? {
            let found = record::read(&*options.disk, &hidden)?.map(|found| found.header.job);
            if let Some(found) = found.filter(|found| found.fingerprint() == job.fingerprint()) {
                return Ok(Some(found.schema));
            }
        }
        Ok(None)
    }

    pub(super) fn publish(
        &self,
        parts: Parts,
        mut place: Place,
        rows_expected: Option<u64>,
    ) -> Result<Written> {
        let quarantine = place.quarantine();
        let set_aside =
            self.aside.gather(place.old_quarantine().as_deref(), &quarantine, self.options.sync)?;
        let assembled = parts.finish(|part| {
            if !place.is_single_file() {
                return Ok(None);
            }
            let manifest = self.manifest(&place, vec![part.clone()], set_aside);
            Ok(Some(to_json(&manifest, false)?))
        })?;
        self.check_order(&place, &assembled.parts)?;
        let rows: u64 = assembled.parts.iter().map(|part| part.rows).sum();
        check_rows("rows of the partitions", assembled.rows, rows)?;
        if let Some(expected) = rows_expected {
            check_rows("rows of the run", expected, rows)?;
        }
        let mut built = Built {
            parts: assembled.parts.iter().map(|part| part.name.clone()).collect(),
            has_quarantine: quarantine.exists(),
            manifest: String::new(),
        };
        if !place.is_single_file() {
            let json = to_json(&self.manifest(&place, assembled.parts.clone(), set_aside), true)?;
            built.manifest = base::manifest_hash(json.as_bytes());
            self.write_manifest(&place.data().join(MANIFEST_NAME), &json)?;
        }
        let replaced = place.publish(self.options.sync, &built)?;
        place.clear();
        let before = place.base().map_or(0, |base| base.manifest.set_aside);
        Ok(Written {
            set_aside: set_aside.saturating_sub(before),
            quarantine: (set_aside > 0).then(|| beside(place.shown(), place.is_single_file())),
            ..written(&place, &assembled, replaced)
        })
    }

    /// The manifest with these new parts: the continuation of that of the data set which is appended to.
    fn manifest(&self, place: &Place, parts: Vec<ManifestPart>, set_aside: u64) -> Manifest {
        let old = place.base().map(|base| &base.manifest);
        let old_inputs = old.map_or(&[][..], |old| &old.inputs);
        let old_parts = old.map_or(&[][..], |old| &old.parts);
        let parts: Vec<ManifestPart> = old_parts.iter().cloned().chain(parts).collect();
        Manifest {
            version: MANIFEST_VERSION,
            created_by: self.options.write.created_by().to_owned(),
            inputs: old_inputs.iter().chain(&self.options.inputs).cloned().collect(),
            options: self.options.options_json.clone(),
            write: self.options.write.clone(),
            schema: manifest::columns(&self.layout),
            index: self.index(old),
            rows: parts.iter().map(|part| part.rows).sum(),
            parts,
            set_aside,
            job: self.job.as_ref().map(Job::fingerprint),
        }
    }

    /// The column by which the parts are in order: files of rows by key, and parts that follow those of another order, are not.
    fn index(&self, old: Option<&Manifest>) -> Option<String> {
        let index = self.options.index.as_ref().filter(|_| self.layout.key_columns().is_empty())?;
        // Of files of rows nobody knows where the old ones end.
        let is_proved = matches!(self.options.write, Format::Parquet(_));
        old.is_none_or(|old| is_proved && old.index.as_ref() == Some(index)).then(|| index.clone())
    }

    /// Checks that new parts follow the old ones, where both are in order of the same index.
    fn check_order(&self, place: &Place, new: &[ManifestPart]) -> Result<()> {
        let Some(old) = place.base().map(|base| &base.manifest) else { return Ok(()) };
        let Some(index) = self.index(Some(old)) else { return Ok(()) };
        let (disk, shown, folder) = (&self.options.disk, place.shown(), &place.data());
        Following { disk, shown, old, folder, new }.check(&index)
    }

    fn write_manifest(&self, path: &Path, json: &str) -> Result<()> {
        let write = || {
            let file = self.options.disk.create_new(path)?;
            file.write_all_at(0, json.as_bytes())?;
            if self.options.sync { file.sync_data() } else { Ok(()) }
        };
        write().map_err(|error| Error::io("write", path, error))
    }
}

/// The hidden folders beside a target.
fn siblings_of(target: &Path) -> Result<Vec<PathBuf>> {
    let real = match Found::at(target)? {
        Found::Folder { real, .. } | Found::File { real, .. } => real,
        Found::Nothing => target.to_path_buf(),
    };
    let parent = real.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent.is_dir() { siblings(parent, &real) } else { Ok(Vec::new()) }
}

fn check_rows(what: &str, expected: u64, got: u64) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(ErrorKind::RowsMismatch { what: what.to_owned(), expected, got }.into())
}

fn to_json(manifest: &Manifest, pretty: bool) -> Result<String> {
    let json = if pretty { serde_json::to_string_pretty(manifest) } else { serde_json::to_string(manifest) };
    json.map_err(|error| ErrorKind::Misuse(format!("the manifest is no JSON: {error}")).into())
}

fn written(place: &Place, assembled: &Assembled, replaced: Replaced) -> Written {
    let shown = place.shown();
    let file = |part: &ManifestPart| -> PathBuf {
        if place.is_single_file() { shown.to_path_buf() } else { shown.join(&part.name) }
    };
    let parts = &assembled.parts;
    Written {
        rows: assembled.rows,
        files: parts.iter().map(file).collect(),
        bytes: parts.iter().filter_map(|part| part.bytes).sum(),
        row_groups: parts.iter().map(|part| part.row_groups).sum(),
        folders: key_folders(parts),
        parts_reused: place.kept().parts.len(),
        set_aside: 0,
        quarantine: None,
        replaced,
        notes: place.notes().to_vec(),
    }
}

/// The real place of a complete data set at `target`, of the kind that the options ask for, and its manifest.
fn manifest_at(target: &Path, options: &DatasetOptions) -> Result<Option<(PathBuf, Manifest)>> {
    let is_single = is_single_file(target, options);
    let found = match Found::at(target)? {
        Found::Folder { real, .. } if !is_single => {
            folder_manifest(options, &real).map(|found| (real, found))
        }
        Found::File { real, .. } if is_single && matches!(options.write, Format::Parquet(_)) => {
            footer_manifest(&real).map(|found| (real, found))
        }
        _ => None,
    };
    Ok(found)
}

/// Folders in which parts lie, other than the data set's own.
fn key_folders(parts: &[ManifestPart]) -> usize {
    let folders = parts.iter().filter_map(|part| Some(part.name.rsplit_once('/')?.0));
    folders.collect::<BTreeSet<_>>().len()
}

/// The manifest of a folder whose parts are there with their sizes.
fn folder_manifest(options: &DatasetOptions, folder: &Path) -> Option<Manifest> {
    let json = read_file(&*options.disk, &folder.join(MANIFEST_NAME)).ok()?;
    let manifest = base::parse(&json).ok()?;
    let is_there = |part: &ManifestPart| {
        fs::metadata(folder.join(&part.name)).is_ok_and(|found| Some(found.len()) == part.bytes)
    };
    manifest.parts.iter().all(is_there).then_some(manifest)
}

/// The manifest in the footer of a single file.
fn footer_manifest(file: &Path) -> Option<Manifest> {
    let file = fs::File::open(file).ok()?;
    let footer = ParquetMetaDataReader::new().parse_and_finish(&file).ok()?;
    let pairs = footer.file_metadata().key_value_metadata()?;
    let json = pairs.iter().find(|pair| pair.key == MANIFEST_KEY)?.value.as_ref()?;
    base::parse(json.as_bytes()).ok()
}

/// Whether a manifest is what `job` leaves; where it appends, what is before it does not matter.
fn is_result(manifest: &Manifest, job: &Job, append: bool) -> bool {
    manifest.job.as_ref() == Some(&job.fingerprint()) && (append || manifest.inputs == job.inputs)
}

fn there(target: &Path, real: &Path, manifest: &Manifest) -> Written {
    let is_file = real.is_file();
    let file = |part: &ManifestPart| {
        if is_file { target.to_path_buf() } else { target.join(&part.name) }
    };
    let files: Vec<PathBuf> = manifest.parts.iter().map(file).collect();
    let size = |file: &PathBuf| fs::metadata(file).map_or(0, |found| found.len());
    Written {
        rows: manifest.rows,
        bytes: files.iter().map(size).sum(),
        row_groups: manifest.parts.iter().map(|part| part.row_groups).sum(),
        folders: key_folders(&manifest.parts),
        parts_reused: files.len(),
        files,
        set_aside: manifest.set_aside,
        quarantine: (manifest.set_aside > 0).then(|| beside(target, is_file)),
        replaced: Replaced::Unchanged,
        notes: Vec::new(),
    }
}
