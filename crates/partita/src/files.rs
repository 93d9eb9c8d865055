//! Files and the values of their folders, before any of them is opened.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_formats::parquet::hive::names;
use partita_plan::Expr;
use partita_plan::node::excludes;
use partita_runtime::dataset::{MANIFEST_NAME, Manifest};
use partita_runtime::storage::Input;
use partita_tasks::program::FileInput;

use crate::context::Inputs;
use crate::error::{ErrorKind, Result};
use crate::session::Session;

/// Which files are meant, and what the names of their folders are.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) session: Session,
    pub(crate) inputs: Inputs,
    /// Endings of the files that a folder stands for; where it has none of them, all its files are meant.
    pub(crate) endings: &'static [&'static str],
    pub(crate) hive: bool,
    pub(crate) hive_types: Vec<(String, DataType)>,
    pub(crate) manifest: bool,
}

/// A file as it was found.
pub(crate) struct Listed {
    pub(crate) input: Input,
    /// The values of its folders by name, as text.
    keys: Vec<names::Named>,
    /// Its rows, where a manifest says so.
    pub(crate) rows: Option<u64>,
}

/// All files, and what their folders say.
pub(crate) struct Listing {
    pub(crate) files: Vec<Listed>,
    /// The columns that are in the names of folders.
    pub(crate) fields: Vec<Field>,
    /// Whether one manifest vouches for all files: then they have the same columns.
    pub(crate) vouched: bool,
    /// The column by which the rows go up from file to file, as a manifest says.
    pub(crate) index: Option<String>,
    /// The columns in the files, where there is no file.
    pub(crate) columns: Vec<Field>,
}

/// A file that a plan may read.
pub(crate) struct Planned<'a> {
    pub(crate) file: &'a Listed,
    pub(crate) input: Arc<FileInput>,
    /// The values of its folders say that none of its rows is wanted.
    pub(crate) excluded: bool,
}

impl Listing {
    /// The files that a plan has to know: all but those that `filters` exclude by the values of their folders. Where these are all, the
    /// first one stays: one has to say what the columns are.
    ///
    /// # Errors
    /// As [`Listing::values`].
    pub(crate) fn planned(
        &self,
        filters: Option<&Expr>,
        include_path: Option<&str>,
    ) -> Result<Vec<Planned<'_>>> {
        let mut planned = Vec::with_capacity(self.files.len());
        let mut first_excluded = None;
        for file in &self.files {
            let mut values = self.values(file)?;
            let excluded = filters.is_some_and(|filter| excludes(filter, &values));
            if excluded && (first_excluded.is_some() || !planned.is_empty()) {
                continue;
            }
            if let Some(column) = include_path {
                values.push((column.to_owned(), Scalar::Utf8(file.input.path.clone())));
            }
            let Input { path, bytes, modified_ns } = file.input.clone();
            let input = Arc::new(FileInput { path, bytes, modified_ns, values });
            if excluded {
                first_excluded = Some(Planned { file, input, excluded });
            } else {
                planned.push(Planned { file, input, excluded });
            }
        }
        // One file has to say what the columns are.
        if planned.is_empty() {
            planned.extend(first_excluded);
        }
        Ok(planned)
    }

    /// The columns of a frame: those of the files, of their folders, and the path.
    ///
    /// # Errors
    /// Where two columns have one name.
    pub(crate) fn schema(&self, in_files: &Schema, include_path: Option<&str>) -> Result<SchemaRef> {
        let is_key = |name: &str| self.fields.iter().any(|field| field.name() == name);
        let kept = in_files.fields().iter().filter(|field| !is_key(field.name()));
        let mut fields: Vec<Field> = kept.map(|field| field.as_ref().clone()).collect();
        fields.extend(self.fields.iter().cloned());
        if let Some(column) = include_path {
            if fields.iter().any(|field| field.name() == column) {
                let message =
                    format!("include_path({column:?}): there is a column of this name; choose another");
                return Err(ErrorKind::Option(message).into());
            }
            fields.push(Field::new(column, DataType::Utf8View, false));
        }
        let mut names = std::collections::HashSet::new();
        if let Some(twice) = fields.iter().find(|field| !names.insert(field.name())) {
            let name = twice.name();
            let message =
                format!("two columns are named {name:?}, and columns are found by name; rename one of them");
            return Err(ErrorKind::Option(message).into());
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The values of a file's folders, in the order of the fields.
    ///
    /// # Errors
    /// Where a text is no value of its column's type.
    pub(crate) fn values(&self, file: &Listed) -> Result<Vec<(String, Scalar)>> {
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

/// Lists what a reader names.
pub(crate) fn list(search: &Search) -> Result<Listing> {
    let Search { session, inputs, .. } = search;
    if inputs.0.is_empty() {
        return Err(ErrorKind::Option("no input: name a path, a glob or a folder".into()).into());
    }
    let vouched = inputs.0.len() == 1;
    let mut listing =
        Listing { files: Vec::new(), fields: Vec::new(), vouched, index: None, columns: Vec::new() };
    let mut types: HashMap<String, DataType> = search.hive_types.iter().cloned().collect();
    for pattern in &inputs.0 {
        let manifest =
            if search.manifest && pattern != "-" { read_manifest(session, pattern)? } else { None };
        match manifest {
            Some(manifest) => {
                let given = |name: &String| search.hive_types.iter().any(|(given, _)| given == name);
                for column in &manifest.schema {
                    let Some(data_type) = frame_type(&column.data_type) else { continue };
                    if !column.in_folders {
                        listing.columns.push(Field::new(&column.name, data_type, column.nullable));
                    } else if !given(&column.name) {
                        types.insert(column.name.clone(), data_type);
                    }
                }
                listing.files.extend(of_manifest(session, pattern, &manifest)?);
                listing.index = manifest.index.filter(|_| vouched);
            }
            None => {
                listing.vouched = false;
                listing.files.extend(of_folders(search, pattern)?);
            }
        }
    }
    if !search.hive {
        listing.files.iter_mut().for_each(|file| file.keys.clear());
    }
    listing.fields = fields(&listing.files, &types)?;
    Ok(listing)
}

fn of_folders(search: &Search, pattern: &str) -> Result<Vec<Listed>> {
    let storage = search.session.engine().storage();
    if pattern == "-" {
        let spooled = search.session.engine().spool(&mut io::stdin().lock())?;
        return Ok(vec![Listed { input: storage.stat(&spooled)?, keys: Vec::new(), rows: None }]);
    }
    let members = storage.members(pattern, search.endings)?.into_iter();
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
