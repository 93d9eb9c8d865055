//! The files of a data set and the values of their folders, before any of them is opened.

use std::collections::HashMap;
use std::io;

use arrow::datatypes::{DataType, Field};
use partita_columns::Scalar;
use partita_formats::parquet::hive::names;
use partita_runtime::dataset::{MANIFEST_NAME, Manifest};
use partita_runtime::storage::Input;

use super::ParquetReader;
use crate::context::Inputs;
use crate::error::{ErrorKind, Result};
use crate::session::Session;

/// Endings of the files that a folder stands for; where it has none of them, all its files are meant.
const ENDINGS: [&str; 3] = [".parquet", ".parq", ".pq"];

/// A file as it was found.
pub(super) struct Listed {
    pub(super) input: Input,
    /// The values of its folders by name, as text.
    keys: Vec<names::Named>,
    /// Its rows, where a manifest says so.
    pub(super) rows: Option<u64>,
}

/// All files, and what their folders say.
pub(super) struct Listing {
    pub(super) files: Vec<Listed>,
    /// The columns that are in the names of folders.
    pub(super) fields: Vec<Field>,
    /// Whether one manifest vouches for all files: then they have the same columns.
    pub(super) vouched: bool,
    /// The columns in the files, where there is no file.
    pub(super) columns: Vec<Field>,
}

impl Listing {
    /// The values of a file's folders, in the order of the fields.
    ///
    /// # Errors
    /// Where a text is no value of its column's type.
    pub(super) fn values(&self, file: &Listed) -> Result<Vec<(String, Scalar)>> {
        let value = |field: &Field| {
            let found = file.keys.iter().find(|(name, _)| name == field.name());
            let text = found.and_then(|(_, value)| value.as_deref());
            let scalar = names::scalar(field.name(), text, field.data_type());
            let named = |error| format!("{}: {error}", file.input.path);
            Ok((field.name().clone(), scalar.map_err(|error| ErrorKind::Option(named(error)))?))
        };
        self.fields.iter().map(value).collect()
    }
}

/// The first bytes of Parquet files; the second of those whose footers are encrypted, which the reader says.
const MAGIC: [&[u8; 4]; 2] = [b"PAR1", b"PARE"];

/// Whether the first file that inputs stand for is Parquet, by its name or its first bytes.
pub(crate) fn is_parquet(session: &Session, inputs: &Inputs) -> bool {
    let storage = session.engine().storage();
    let Some(pattern) = inputs.0.first().filter(|pattern| *pattern != "-") else { return false };
    let Some(first) = storage.members(pattern, &ENDINGS).ok().and_then(|members| members.into_iter().next())
    else {
        return false;
    };
    let lower = first.below.to_lowercase();
    if ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
        return true;
    }
    let mut head = [0; 4];
    let read = storage.open(&first.input.path).map(|input| input.read_full_at(0, &mut head));
    matches!(read, Ok(Ok(bytes)) if bytes == head.len()) && MAGIC.contains(&&head)
}

/// Lists what a reader names.
pub(super) fn list(reader: &ParquetReader) -> Result<Listing> {
    let ParquetReader { session, inputs, .. } = reader;
    if inputs.0.is_empty() {
        return Err(ErrorKind::Option("no input: name a path, a glob or a folder".into()).into());
    }
    let vouched = inputs.0.len() == 1;
    let mut listing = Listing { files: Vec::new(), fields: Vec::new(), vouched, columns: Vec::new() };
    let mut types: HashMap<String, DataType> = reader.hive_types.iter().cloned().collect();
    for pattern in &inputs.0 {
        let manifest =
            if reader.manifest && pattern != "-" { read_manifest(session, pattern)? } else { None };
        match manifest {
            Some(manifest) => {
                let given = |name: &String| reader.hive_types.iter().any(|(given, _)| given == name);
                for column in &manifest.schema {
                    let Some(data_type) = frame_type(&column.data_type) else { continue };
                    if !column.in_folders {
                        listing.columns.push(Field::new(&column.name, data_type, column.nullable));
                    } else if !given(&column.name) {
                        types.insert(column.name.clone(), data_type);
                    }
                }
                listing.files.extend(of_manifest(session, pattern, &manifest)?);
            }
            None => {
                listing.vouched = false;
                listing.files.extend(of_folders(reader, pattern)?);
            }
        }
    }
    if !reader.hive {
        listing.files.iter_mut().for_each(|file| file.keys.clear());
    }
    listing.fields = fields(&listing.files, &types)?;
    Ok(listing)
}

fn of_folders(reader: &ParquetReader, pattern: &str) -> Result<Vec<Listed>> {
    let storage = reader.session.engine().storage();
    if pattern == "-" {
        let spooled = reader.session.engine().spool(&mut io::stdin().lock())?;
        return Ok(vec![Listed { input: storage.stat(&spooled)?, keys: Vec::new(), rows: None }]);
    }
    let members = storage.members(pattern, &ENDINGS)?.into_iter();
    let listed =
        members.map(|member| Listed { keys: names::keys(&member.below), input: member.input, rows: None });
    Ok(listed.collect())
}

/// The manifest of the data set in a folder, where there is one.
fn read_manifest(session: &Session, folder: &str) -> Result<Option<Manifest>> {
    let Some(bytes) = session.engine().storage().side_file(folder, MANIFEST_NAME)? else { return Ok(None) };
    let manifest = Manifest::parse(&bytes).map_err(|what| {
        let way_out = "read the files as they lie with manifest(false)";
        ErrorKind::Option(format!("{folder}: {what}; {way_out}"))
    })?;
    Ok(Some(manifest))
}

fn of_manifest(session: &Session, folder: &str, manifest: &Manifest) -> Result<Vec<Listed>> {
    let folder = folder.trim_end_matches('/');
    let listed = session.engine().parallel(&manifest.parts, |part| {
        let is_inside = part.name.split('/').all(|name| !matches!(name, "" | "." | ".."));
        let refused = |what: String| {
            let message =
                format!("{folder}: {MANIFEST_NAME} {what}; read the files as they lie with manifest(false)");
            crate::Error::from(ErrorKind::Option(message))
        };
        if !is_inside {
            return Err(refused(format!("names {:?}, which is not in the folder", part.name)));
        }
        let input = session.engine().storage().stat(&format!("{folder}/{}", part.name))?;
        if let Some(bytes) = part.bytes.filter(|bytes| *bytes != input.bytes) {
            return Err(refused(format!(
                "says that {} has {bytes} bytes, and it has {}",
                part.name, input.bytes
            )));
        }
        let keys = part.values.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Listed { input, keys, rows: Some(part.rows) })
    });
    let mut listed = listed?;
    // The folders of a manifest are in the order of its columns.
    let order: Vec<&String> =
        manifest.schema.iter().filter(|column| column.in_folders).map(|column| &column.name).collect();
    for file in &mut listed {
        file.keys.sort_by_key(|(name, _)| order.iter().position(|known| *known == name));
    }
    Ok(listed)
}

/// The type in a frame of what a manifest calls so.
fn frame_type(name: &str) -> Option<DataType> {
    match name.parse().ok()? {
        DataType::Utf8 => Some(DataType::Utf8View),
        other => Some(other),
    }
}

/// The columns that the folders of all files name, in the order in which they are met.
fn fields(files: &[Listed], types: &HashMap<String, DataType>) -> Result<Vec<Field>> {
    let mut values: Vec<(&str, Vec<Option<&str>>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for file in files {
        for (number, (name, value)) in file.keys.iter().enumerate() {
            if file.keys[..number].iter().any(|(before, _)| before == name) {
                let message =
                    format!("{}: two of its folders are named {name}=..; name them apart", file.input.path);
                return Err(ErrorKind::Option(message).into());
            }
            let place = *places.entry(name).or_insert_with(|| {
                values.push((name, Vec::new()));
                values.len() - 1
            });
            values[place].1.push(value.as_deref());
        }
    }
    let field = |(name, values): (&str, Vec<Option<&str>>)| {
        let data_type = types.get(name).cloned().unwrap_or_else(|| names::data_type(values));
        Field::new(name, data_type, true)
    };
    Ok(values.into_iter().map(field).collect())
}
