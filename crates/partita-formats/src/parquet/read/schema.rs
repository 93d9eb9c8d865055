//! The Arrow schema of a file, in the types that the engine has.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::basic::Type;
use parquet::file::metadata::FileMetaData;
use parquet::schema::types::SchemaDescriptor;

use super::footer::{guarded, malformed};
use crate::error::Result;

/// One column of a file's schema, as the file holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Root {
    /// Its first leaf.
    pub(super) first_leaf: usize,
    pub(super) leaves: usize,
    /// Whether it is one leaf without groups around it, at most optional.
    pub(super) is_flat: bool,
}

/// The schema, and where its columns are among the leaves.
///
/// The schema that Arrow embeds says what Parquet's types cannot (durations, zones, the unit of `INT96`); where it
/// does not fit the file, or is damaged, it is left aside.
pub(super) fn read(metadata: &FileMetaData, file: &str) -> Result<(SchemaRef, Vec<Root>)> {
    let descriptor = metadata.schema_descr();
    let embedded = guarded(file, "the embedded schema", || {
        parquet_to_arrow_schema(descriptor, metadata.key_value_metadata())
    });
    let plain = match embedded {
        Ok(schema) => schema,
        Err(_) => guarded(file, "the schema", || parquet_to_arrow_schema(descriptor, None))?,
    };
    let is_plain = metadata
        .key_value_metadata()
        .is_none_or(|pairs| pairs.iter().all(|pair| pair.key != parquet::arrow::ARROW_SCHEMA_META_KEY));
    let roots = roots(descriptor, plain.fields().len(), file)?;
    let fields = plain.fields().iter().zip(&roots).map(|(field, root)| {
        let is_int96 = descriptor.column(root.first_leaf).physical_type() == Type::INT96;
        let wanted = match field.data_type() {
            // Microseconds hold every date that Spark and Impala write; nanoseconds end in 2262.
            DataType::Timestamp(TimeUnit::Nanosecond, zone) if is_plain && is_int96 && root.is_flat => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            other => target(other),
        };
        Arc::new(Field::new(field.name(), wanted, field.is_nullable()))
    });
    Ok((Arc::new(Schema::new(fields.collect::<Vec<_>>())), roots))
}

/// How the `parquet` crate reads the leaves of `mask` into the types of `wanted`, the fields of the whole file.
pub(super) fn levels(
    descriptor: &SchemaDescriptor,
    mask: ProjectionMask,
    wanted: &Fields,
    file: &str,
) -> Result<FieldLevels> {
    guarded(file, "the schema", || parquet_to_arrow_field_levels(descriptor, mask, Some(wanted)))
}

fn roots(descriptor: &SchemaDescriptor, columns: usize, file: &str) -> Result<Vec<Root>> {
    let mut roots: Vec<Root> = Vec::with_capacity(columns);
    let mut of_root = None;
    for leaf in 0..descriptor.num_columns() {
        let root = descriptor.get_column_root_idx(leaf);
        let column = descriptor.column(leaf);
        match roots.last_mut() {
            Some(last) if of_root == Some(root) => {
                last.leaves += 1;
                last.is_flat = false;
            }
            _ => {
                let is_flat = column.max_rep_level() == 0
                    && column.max_def_level() <= 1
                    && descriptor.get_column_root(leaf).is_primitive();
                roots.push(Root { first_leaf: leaf, leaves: 1, is_flat });
            }
        }
        of_root = Some(root);
    }
    if roots.len() != columns {
        let got = roots.len();
        return Err(malformed(file, format!("expected leaves for each of {columns} columns, got {got}")));
    }
    Ok(roots)
}

/// The type that the engine reads a type as: text as views, dictionaries as their values. Fields within others lose their
/// metadata, which is of the file (numbers of fields) and not of the data.
pub(crate) fn target(data_type: &DataType) -> DataType {
    let field =
        |field: &FieldRef| Arc::new(Field::new(field.name(), target(field.data_type()), field.is_nullable()));
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => target(values),
        DataType::RunEndEncoded(_, values) => target(values.data_type()),
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(field(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        other => other.clone(),
    }
}
