//! Groups of all categories, with rows or without.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use partita_columns::Scalar;
use partita_columns::compute::CastMode;
use partita_plan::{Expr, PlanRef, col, lit, node};
use partita_tasks::distinct::Keep;

use super::{DataFrame, GroupBy};
use crate::error::{ErrorKind, Result};

fn refused(message: &str) -> ErrorKind {
    ErrorKind::Option(format!("groupby: observed(false) {message}"))
}

/// Which values of the key are groups.
#[derive(Debug, Clone)]
pub(super) enum Categories {
    /// Those that rows have.
    Observed,
    /// The entries of dictionaries too.
    Found,
    /// These too.
    Given(Vec<Scalar>),
}

/// Which categories are groups.
impl GroupBy {
    /// Whether only those categories of a key of type Dictionary are groups that have rows; so it is, unless this says otherwise. With
    /// `false` every category is one, and what is asked of those without rows is that of no rows: a sum is 0, a count 0, a mean null.
    /// The key comes as its values.
    ///
    /// Categories are known batch by batch, as entries of its dictionary: those of all batches are groups, whether a row has them or not, for
    /// which the key's column is read once more. Entries that no row has go where batches are joined, as `persist` does, and with batches in
    /// which a filter leaves no row: [`GroupBy::categories`] does not depend on that.
    #[must_use]
    pub fn observed(mut self, observed: bool) -> Self {
        self.categories = if observed { Categories::Observed } else { Categories::Found };
        self
    }

    /// Values of the one key that are groups too, with rows or without, as [`GroupBy::observed`] has it for those of a dictionary. Nothing
    /// is read for it.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "day,fare\nmo,5\nwe,9\nmo,3\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let days = trips.groupby(["day"]).sort(true).categories(["mo", "tu", "we"]).sum();
    /// assert_eq!(days.compute()?.column("fare").unwrap().i64().unwrap().to_vec(), [Some(8), Some(0), Some(9)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn categories<T: Into<Scalar>>(mut self, categories: impl IntoIterator<Item = T>) -> Self {
        self.categories = Categories::Given(categories.into_iter().map(Into::into).collect());
        self
    }

    pub(super) fn of_all_categories(&self, asked: impl FnOnce(&PlanRef) -> Vec<Expr>) -> DataFrame {
        let made = self.frame.plan().and_then(|plan| self.completed(plan, asked(plan)));
        made.unwrap_or_else(|error| DataFrame::wrong(self.frame.session().clone(), error))
    }

    fn completed(&self, plan: &PlanRef, asked: Vec<Expr>) -> Result<DataFrame> {
        if self.options.maintains_order {
            return Err(refused(
                "and categories(..) make groups without a first row; use sort(true) in the place of maintain_order(true)",
            )
            .into());
        }
        let [Expr::Column(key)] = self.keys.as_slice() else {
            return Err(refused("and categories(..) are for one key, a column").into());
        };
        let values = match plan.schema().field(node::position(plan.schema(), key)?).data_type() {
            DataType::Dictionary(_, values) => (**values).clone(),
            other if matches!(self.categories, Categories::Given(_)) => other.clone(),
            _ => {
                let message = format!(
                    "is for a key of type Dictionary; name the values of \"{key}\" with categories([..])"
                );
                return Err(refused(&message).into());
            }
        };
        let values = match values {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            other => other,
        };
        let by = GroupBy { categories: Categories::Observed, ..self.clone() };
        let grouped = by.agg(asked.clone()).with_column(key, col(key).cast(values.clone()));
        let empty = self.of_no_rows(asked, &grouped)?;
        let categories = match &self.categories {
            Categories::Given(given) => self.frame.given(key, &values, given)?,
            _ => self.frame.categories(key, &values),
        };
        let all = categories.select(std::iter::once(col(key)).chain(empty));
        let both = DataFrame::concat(&[grouped, all]).drop_duplicates_by([key], Keep::First);
        Ok(if self.options.sorts { both.sort_values([key.as_str()]) } else { both })
    }

    /// What is asked, of no rows.
    fn of_no_rows(&self, asked: Vec<Expr>, grouped: &DataFrame) -> Result<Vec<Expr>> {
        let schema = self.frame.schema()?;
        let none = DataFrame::from_partitions(self.frame.session(), schema, vec![Vec::new()])?;
        let row = none.reduce(asked).compute_batches().map_err(|error| {
            refused(&format!(
                "and categories(..) ask the same of no rows, for which keys, lists and aggregations have no answer: {error}"
            ))
        })?;
        let types = grouped.schema()?;
        let Some(row) = row.first() else { return Ok(Vec::new()) };
        let fields = row.schema();
        let answers = fields.fields().iter().zip(row.columns()).map(|(field, answer)| {
            let answer = Scalar::try_from_array(answer, 0)?;
            let data_type = types.field_with_name(field.name())?.data_type().clone();
            let answer = if answer.is_null() { Scalar::Null(data_type) } else { answer };
            Ok(lit(answer).alias(field.name()))
        });
        answers.collect()
    }
}

impl DataFrame {
    /// A frame of values.
    fn given(&self, key: &str, data_type: &DataType, values: &[Scalar]) -> Result<Self> {
        let schema = Arc::new(Schema::new(vec![Field::new(key, data_type.clone(), true)]));
        let row = |value: &Scalar| {
            let value = value.cast(data_type, CastMode::Strict)?.to_array_of(data_type, 1)?;
            Ok(RecordBatch::try_new(Arc::clone(&schema), vec![value])?)
        };
        let rows = values.iter().map(row).collect::<Result<Vec<_>>>()?;
        Self::from_partitions(self.session(), Arc::clone(&schema), vec![rows])
    }

    /// The entries of the dictionaries of a column, each once.
    fn categories(&self, key: &str, values: &DataType) -> Self {
        let schema = Arc::new(Schema::new(vec![Field::new(key, values.clone(), true)]));
        let (made, values) = (Arc::clone(&schema), values.clone());
        let entries = self.select([key]).map_partition_batches(Schema::clone(&schema), move |_, batches| {
            let entries = |batch: &RecordBatch| {
                let column = batch
                    .columns()
                    .first()
                    .and_then(|column| column.as_any_dictionary_opt().map(|of| of.values()));
                let column: ArrayRef = match column {
                    Some(entries) => arrow::compute::cast(entries, &values)?,
                    None => arrow::array::new_empty_array(&values),
                };
                let some = arrow::compute::filter(&column, &arrow::compute::is_not_null(&column)?)?;
                Ok(RecordBatch::try_new(Arc::clone(&made), vec![some])?)
            };
            batches.iter().map(entries).collect()
        });
        entries.unique(key)
    }
}
