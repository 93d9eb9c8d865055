//! Keys as columns, and rows on their way to their groups.

use std::sync::Arc;

use arrow::datatypes::DataType;
use partita_columns::group::Grouper;
use partita_columns::sort::Direction;
use partita_tasks::exchange::{By, Cuts, ExchangeSpec, SortKey};
use partita_tasks::program;
use partita_tasks::within::Keyed;

use super::super::{PlanRef, Project};
use crate::bind::bind;
use crate::error::{ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};

/// Bytes of rows that a task works on, about.
const PART_BYTES: u64 = 64 << 20;

/// `input` with keys that are computed as columns behind its own, and the names of all keys.
///
/// # Errors
/// Where there is no key, or one does not bind or has no equality.
pub(in crate::node) fn keyed(call: &str, input: PlanRef, keys: Vec<Expr>) -> Result<(PlanRef, Vec<String>)> {
    if keys.is_empty() {
        return Err(ErrorKind::Option(format!("{call}: name at least one key")).into());
    }
    let mut computed = Vec::new();
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        if key.is_aggregate() || key.has_windows() {
            let message = "a value of many rows is no key; group by columns, or by expressions over them";
            return Err(ErrorKind::Type { expression: key.to_string(), message: message.into() }.into());
        }
        let (_, field) = bind(&key, input.schema())?;
        if Grouper::new(&[field.data_type().clone()], true).is_err() {
            let message = format!(
                "{call}: values of type {} are not compared; group by something that is computed of them",
                partita_columns::dtype::name(field.data_type())
            );
            return Err(ErrorKind::Type { expression: key.to_string(), message }.into());
        }
        if let Expr::Column(name) = key {
            names.push(name);
            continue;
        }
        // No name of a column ends with a NUL.
        let mut name = key.output_name();
        while input.schema().index_of(&name).is_ok() || names.contains(&name) {
            name.push('\0');
        }
        computed.push(key.unalias().alias(&name));
        names.push(name);
    }
    let input = if computed.is_empty() { input } else { Project::with_columns(input, computed)? };
    Ok((input, names))
}

/// What is true of rows without a null among the keys; `None` where no key has nulls.
pub(in crate::node) fn with_all_keys(input: &PlanRef, keys: &[String]) -> Option<Expr> {
    let has_nulls = |key: &&String| input.schema().field_with_name(key).is_ok_and(|key| key.is_nullable());
    let all = keys.iter().filter(has_nulls).map(|key| col(key).is_not_null());
    all.reduce(Expr::and)
}

/// Whether a condition is on keys alone, and true of all rows of a group or of none.
pub(in crate::node) fn is_of_keys(input: &PlanRef, keys: &[String], predicate: &Expr) -> bool {
    let is_exact = |name: &String| {
        let field = input.schema().field_with_name(name);
        field.is_ok_and(|field| {
            !matches!(field.data_type(), DataType::Float32 | DataType::Float64 | DataType::Dictionary(..))
        })
    };
    !predicate.has_functions() && predicate.columns().iter().all(|name| keys.contains(name) && is_exact(name))
}

/// The rows of the pipelines in so many parts bucket by bucket, those of a bucket in their order, with bucket and place behind them.
///
/// # Errors
/// Where the graph would be too large.
pub(in crate::node) fn gathered(
    lowering: &mut Lowering,
    pipelines: Vec<Pipeline>,
    keyed: &Keyed,
    parts: usize,
) -> Result<Vec<Pipeline>> {
    let (column, keyed) = (keyed.bucket(), Arc::new(keyed.clone()));
    let schema = Arc::clone(&keyed.schema);
    let placed = lowering.chain(pipelines, &schema, |partition| program::Operator::Place {
        keyed: Arc::clone(&keyed),
        partition,
    })?;
    let by = By::Order(vec![SortKey { column, direction: Direction::default() }]);
    let spec = ExchangeSpec { cuts: Cuts::Bytes(PART_BYTES), ..ExchangeSpec::even(schema, by, parts) };
    lowering.exchanged(placed, &Arc::new(spec))
}
