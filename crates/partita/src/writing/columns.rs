//! Columns with the types that they have in a data set: the one that is added to, or what an earlier run has left.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use partita_columns::Scalar;
use partita_formats::csv::schema_file::type_name;
use partita_formats::output::{FileLayout, Format};
use partita_plan::node::{Project, ReadCsv, retyped};
use partita_plan::{Expr, PlanRef, col, lit};
use partita_runtime::dataset::ManifestColumn;

use crate::error::Result;
use crate::writing::plan::sources;

/// `plan` with the types of `known` where they hold all that its own types do: read as such where that is possible. Where
/// they do not, a column keeps its type.
///
/// # Errors
/// Where the options do not go with the columns.
pub(super) fn widen(plan: &PlanRef, known: &[ManifestColumn], format: &Format) -> Result<PlanRef> {
    let wider = differing(plan, known, format)?.into_iter().filter(|(_, from, to)| is_wider(from, to));
    let types: Vec<(String, DataType)> = wider.map(|(name, _, to)| (name, to)).collect();
    let is_read = |name: &String| {
        sources(plan).flat_map(ReadCsv::inputs).any(|file| file.block.schema.index_of(name).is_ok())
    };
    let types: Vec<_> = types.into_iter().filter(|(name, _)| is_read(name)).collect();
    // Where an operator does not go with the types, the plan stays as it is.
    Ok(retyped(plan, &types).unwrap_or_else(|_| Arc::clone(plan)))
}

/// What [`widen`] has changed, column by column.
pub(super) fn changes(plan: &PlanRef, wider: &PlanRef) -> impl Iterator<Item = String> {
    let pairs = plan.schema().fields().iter().zip(wider.schema().fields());
    pairs.filter(|(from, to)| from.data_type() != to.data_type()).map(|(from, to)| {
        let (before, after) = (type_name(from.data_type()), type_name(to.data_type()));
        format!("widened column {:?} from {before} to {after}", from.name())
    })
}

/// [`widen`], and then columns that are still narrower are cast, those that are not there and may be null are null, and their
/// order is that of `known`.
///
/// # Errors
/// Where the options do not go with the columns.
pub(super) fn fit(plan: &PlanRef, known: &[ManifestColumn], format: &Format) -> Result<PlanRef> {
    let plan = widen(plan, known, format)?;
    let casts = differing(&plan, known, format)?;
    let schema = plan.schema();
    let mut columns: Vec<Expr> = Vec::new();
    for column in known {
        let name = &column.name;
        let cast = casts.iter().find(|(cast, from, to)| cast == name && is_cast_exact(from, to));
        match (schema.index_of(name), cast, frame_type(&column.data_type)) {
            (Ok(_), Some((_, _, to)), _) => columns.push(col(name).cast(to.clone()).alias(name)),
            (Ok(_), None, _) => columns.push(col(name)),
            (Err(_), _, Some(data_type)) if column.nullable => {
                columns.push(lit(Scalar::Null(data_type)).alias(name));
            }
            (Err(_), ..) => {}
        }
    }
    let is_new = |name: &String| known.iter().all(|column| column.name != *name);
    columns.extend(
        schema
            .fields()
            .iter()
            .map(|field| field.name())
            .filter(|name| is_new(name))
            .map(|name: &String| col(name)),
    );
    let names = written(&plan, format)?;
    let is_same =
        casts.is_empty() && names.iter().map(|(name, _)| name).eq(known.iter().map(|column| &column.name));
    if is_same { Ok(plan) } else { Ok(Project::plan(plan, columns)?) }
}

/// The columns as a manifest names them, with their types.
fn written(plan: &PlanRef, format: &Format) -> Result<Vec<(String, String)>> {
    let layout = FileLayout::new(Arc::clone(plan.schema()), format)?;
    let fields = layout.written_schema().fields().iter().chain(layout.key_columns().iter());
    Ok(fields.map(|field| (field.name().clone(), field.data_type().to_string())).collect())
}

/// Columns whose type in the files is not the known one: name, type in the frame now, and type in the frame as known.
fn differing(
    plan: &PlanRef,
    known: &[ManifestColumn],
    format: &Format,
) -> Result<Vec<(String, DataType, DataType)>> {
    let schema = plan.schema();
    let written = written(plan, format)?;
    let differs = |column: &ManifestColumn| {
        let (name, _) =
            written.iter().find(|(name, text)| *name == column.name && *text != column.data_type)?;
        let from = schema.field_with_name(name).ok()?.data_type().clone();
        Some((name.clone(), from, frame_type(&column.data_type)?))
    };
    Ok(known.iter().filter_map(differs).collect())
}

/// The type in a frame that is written as a type of this name.
fn frame_type(name: &str) -> Option<DataType> {
    match name.parse().ok()? {
        DataType::Utf8 => Some(DataType::Utf8View),
        DataType::Binary => Some(DataType::BinaryView),
        other => Some(other),
    }
}

/// Whether a column of CSV can be read as `to` where `from` was enough for what was looked at.
fn is_wider(from: &DataType, to: &DataType) -> bool {
    *to == DataType::Utf8View || (from.is_integer() && *to == DataType::Float64) || is_cast_exact(from, to)
}

/// Whether each value of `from` is one of `to`.
fn is_cast_exact(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let bits = |data_type: &DataType| data_type.primitive_width().unwrap_or(0) * 8;
    match (from, to) {
        (T::Float32, T::Float64) | (T::Date32, T::Timestamp(_, None)) => true,
        (T::Timestamp(from, zone), T::Timestamp(to, other)) => zone == other && is_finer(*to, *from),
        (from, T::Float64) if from.is_integer() => bits(from) <= 32,
        (from, T::Float32) if from.is_integer() => bits(from) <= 16,
        (from, to) if from.is_signed_integer() => to.is_signed_integer() && bits(to) > bits(from),
        (from, to) if from.is_unsigned_integer() => to.is_integer() && bits(to) > bits(from),
        _ => false,
    }
}

fn is_finer(unit: TimeUnit, than: TimeUnit) -> bool {
    let rank = |unit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    };
    rank(unit) > rank(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_is_exact_or_it_is_not_made() {
        for (from, to, exact) in [
            ("Int8", "Int64", true),
            ("Int64", "Int32", false),
            ("UInt8", "Int16", true),
            ("UInt64", "Int64", false),
            ("Int8", "UInt64", false),
            ("Int32", "Float64", true),
            ("Int64", "Float64", false),
            ("Int16", "Float32", true),
            ("Int32", "Float32", false),
            ("Float32", "Float64", true),
            ("Float64", "Float32", false),
            ("Date32", "Timestamp(µs)", true),
            ("Date32", "Timestamp(µs, \"UTC\")", false),
            ("Timestamp(ms)", "Timestamp(µs)", true),
            ("Timestamp(µs)", "Timestamp(ms)", false),
            ("Timestamp(ms)", "Timestamp(µs, \"UTC\")", false),
            ("Utf8", "Int64", false),
            ("Boolean", "Int64", false),
        ] {
            let (from_type, to_type) = (frame_type(from).unwrap(), frame_type(to).unwrap());
            assert_eq!(is_cast_exact(&from_type, &to_type), exact, "{from} to {to}");
        }
        assert_eq!(frame_type("Utf8"), Some(DataType::Utf8View));
        assert_eq!(frame_type("Something"), None);
    }
}
