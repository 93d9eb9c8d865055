//! How a frame is cut: partitions, and their bounds by an index.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::reduce::Reduction;
use partita_plan::col;
use partita_plan::locate::{Loc, locate};
use partita_plan::node::{
    Aggregate, Concat, ConcatColumns, Divided, Divisions, Partitions, Reduce, by_values, every, into_parts,
    of_size, position,
};

use super::DataFrame;
use crate::error::{ErrorKind, Result};
use crate::session::Session;
use crate::size::ByteSize;

/// Names of partitions that an error has at most.
const NAMED_MAX: usize = 8;

/// Partitions, and what is known of them.
impl DataFrame {
    /// Some consecutive partitions, by number.
    #[must_use]
    pub fn partitions(&self, wanted: Range<usize>) -> Self {
        self.map(|plan| Partitions::plan(plan, wanted))
    }

    /// One partition, by number, as a frame.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "fare\n11\n22\n33\n").unwrap();
    /// let trips = partita::read_csv(&path).block_size(3).load()?;
    /// assert_eq!(trips.npartitions()?, 3);
    /// assert_eq!(trips.get_partition(1).sum().compute()?.column("fare").unwrap().i64().unwrap().get(0), Some(22));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get_partition(&self, number: usize) -> Self {
        self.map(|plan| Partitions::plan(plan, number..number.saturating_add(1)))
    }

    /// How the frame is cut by its index: which column that is, and where each partition begins.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn divisions(&self) -> Result<Divisions> {
        Ok(self.plan()?.divisions())
    }

    /// Whether it is known how the frame is cut by an index.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn known_divisions(&self) -> Result<bool> {
        Ok(self.divisions()?.is_known())
    }

    /// The same frame without an index: its divisions are unknown.
    #[must_use]
    pub fn clear_divisions(&self) -> Self {
        self.map(|plan| Divided::plan(plan, Divisions::Unknown))
    }

    /// The same frame with a column as its index, by which the partitions are in order already. The column is read for it, in
    /// one pass; rows within a partition need not be in order.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("days.csv");
    /// # std::fs::write(&path, "day,fare\n1,5\n2,3\n3,8\n4,1\n").unwrap();
    /// let days = partita::read_csv(&path).block_size(8).load()?.compute_divisions("day")?;
    /// assert_eq!(days.divisions()?.to_string(), "by day, from 1 to 4");
    /// // Only the partition that may have the day is read.
    /// assert_eq!(days.loc(3).npartitions()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where partitions overlap (those are named), where a value is null or NaN, where no row is there; and as
    /// [`DataFrame::len`].
    pub fn compute_divisions(&self, column: &str) -> Result<Self> {
        if let Divisions::Known { column: index, .. } = self.divisions()?
            && index == column
        {
            return Ok(self.clone());
        }
        let bounds = self.bounds(column)?;
        let divisions = Divisions::of_bounds(column, &bounds)?;
        Ok(self.map(|plan| Divided::plan(plan, divisions)))
    }

    /// The rows at some values of the index: one, a range, or a list. It is a filter, of the partitions that may have such
    /// rows: those that known divisions exclude are gone.
    ///
    /// Where the index is a date or a time, text may name a part of it: `"2015"`, `"2015-05"`, `"2015-05-05"`, `"2015-05-05
    /// 13"`, and down to a second, stand for all that is in it. A range `a..b` begins where `a` does and ends before `b`
    /// begins; `a..=b` ends with the end of `b`. Of a column with a zone they are what its clocks show.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "at,fare\n2015-05-04 23:59:00,5\n2015-05-05 00:00:00,3\n2015-05-05 23:59:00,8\n2015-06-01 00:00:00,1\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?.compute_divisions("at")?.persist()?;
    /// assert_eq!(trips.loc("2015-05-05").len()?, 2);
    /// assert_eq!(trips.loc("2015-05").len()?, 3);
    /// assert_eq!(trips.loc("2015-05-04".."2015-05-05").len()?, 1);
    /// assert_eq!(trips.loc("2015-05-05"..="2015-06").len()?, 3);
    /// assert_eq!(trips.loc(["2015-05-04", "2015-06-01 00:00"]).len()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn loc(&self, at: impl Into<Loc>) -> Self {
        let at = at.into();
        self.map(|plan| locate(plan, &at))
    }

    /// The rows of all frames, one after the other. They have the same columns, which go by name; where types differ, a column has
    /// one that holds the values of all. Divisions stay known where those of all are, by one column, and each frame begins above
    /// the end of the one before.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (may, june) = (folder.path().join("may.csv"), folder.path().join("june.csv"));
    /// # std::fs::write(&may, "day,fare\n1,5\n2,3\n").unwrap();
    /// # std::fs::write(&june, "fare,day\n8,3\n1,4\n").unwrap();
    /// let may = partita::read_csv(&may).load()?.compute_divisions("day")?;
    /// let june = partita::read_csv(&june).load()?.compute_divisions("day")?;
    /// let both = DataFrame::concat(&[may, june]);
    /// assert_eq!(both.columns()?, ["day", "fare"]);
    /// assert_eq!(both.divisions()?.to_string(), "by day, from 1 to 4");
    /// assert_eq!(both.loc(3).len()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn concat(frames: &[DataFrame]) -> Self {
        DataFrame::concat_with(frames, ConcatColumns::Same)
    }

    /// [`DataFrame::concat`] of frames whose columns may differ.
    #[must_use]
    pub fn concat_with(frames: &[DataFrame], columns: ConcatColumns) -> Self {
        let Some(first) = frames.first() else {
            let error = ErrorKind::Option("concat: expected at least one frame, got none".into());
            return Self::wrong(Session::shared(), error.into());
        };
        let plans = || {
            let plan = |frame: &DataFrame| {
                if Arc::ptr_eq(first.session().engine(), frame.session().engine()) {
                    return Ok(Arc::clone(frame.plan()?));
                }
                let message = "concat: the frames are of several sessions; read them in one";
                Err(ErrorKind::Option(message.into()).into())
            };
            frames.iter().map(plan).collect::<Result<Vec<_>>>()
        };
        match plans() {
            Ok(plans) => first.map(|_| Concat::plan(plans, columns)),
            Err(error) => Self::wrong(first.session().clone(), error),
        }
    }

    /// The same rows in another number of partitions, in the same order. For fewer, neighbours are joined, about as many to each, and
    /// a task holds what it joins. For more, rows are cut evenly, divisions are unknown then, and rows pass through the store: what does
    /// not fit in memory goes to disk.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("days.csv");
    /// # std::fs::write(&path, "at,fare\n2015-05-04,5\n2015-05-30,3\n2015-06-01,8\n2015-08-01,1\n").unwrap();
    /// let days = partita::read_csv(&path).block_size(26).load()?.compute_divisions("at")?;
    /// assert_eq!(days.repartition(1).npartitions()?, 1);
    /// let months = days.repartition_every("1mo");
    /// assert_eq!(months.divisions()?.to_string(), "by at, from date '2015-05-04' to date '2015-08-01'");
    /// assert_eq!(months.get_partition(0).len()?, 2);
    /// let halves = days.repartition_by(["2015-01-01", "2015-06-01", "2016-01-01"]);
    /// assert_eq!(halves.get_partition(1).len()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn repartition(&self, partitions: usize) -> Self {
        self.map(|plan| into_parts(plan, partitions))
    }

    /// The same rows in partitions of about so many bytes of memory: neighbours are joined up to it, and where a partition has more, all
    /// rows are cut evenly by bytes, and divisions are unknown then. How large partitions are is known exactly of persisted frames, and about of
    /// files.
    #[must_use]
    pub fn repartition_size(&self, size: impl Into<ByteSize>) -> Self {
        let wanted = || Ok(of_size(Arc::clone(self.plan()?), size.into().bytes()?)?);
        match wanted() {
            Ok(plan) => self.map(|_| Ok(plan)),
            Err(error) => Self::wrong(self.session().clone(), error),
        }
    }

    /// The same rows cut at these values of the index: a partition begins at each but the last, and ends before the next; the last one
    /// has the last value too. All rows must be between the ends. Divisions must be known. A partition that is cut is
    /// computed once, and held by its task.
    #[must_use]
    pub fn repartition_by<V: Into<Scalar>>(&self, divisions: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<Scalar> = divisions.into_iter().map(Into::into).collect();
        self.map(|plan| by_values(plan, &values))
    }

    /// The same rows with a partition for each step of time by the index: `"1d"`, `"15min"`, `"1mo"`. The first begins with
    /// the first value. Steps without rows are empty partitions. Divisions must be known.
    #[must_use]
    pub fn repartition_every(&self, frequency: &str) -> Self {
        self.map(|plan| every(plan, frequency))
    }

    /// The least and the greatest value of each partition; `None` for those without rows.
    fn bounds(&self, column: &str) -> Result<Vec<Option<(Scalar, Scalar)>>> {
        let plan = self.plan()?;
        let field = plan.schema().field(position(plan.schema(), column)?);
        let of = |reduction: Reduction| Aggregate::new(reduction, vec![col(column)], reduction.name());
        let mut aggregates = vec![of(Reduction::Min), of(Reduction::Max), of(Reduction::NullCount)];
        if matches!(field.data_type(), DataType::Float32 | DataType::Float64) {
            aggregates.push(Aggregate::new(Reduction::Sum, vec![col(column).is_nan()], "nans"));
        }
        let reduced = self.map(|plan| Reduce::each(plan, aggregates)).compute_batches()?;
        let rows = reduced.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
        let mut bounds = Vec::new();
        let mut without_place = Vec::new();
        for (number, (batch, row)) in rows.enumerate() {
            let value =
                |column: usize| Ok::<_, crate::Error>(Scalar::try_from_array(batch.column(column), row)?);
            if is_some_of(batch, row, 2)? || (batch.num_columns() > 3 && is_some_of(batch, row, 3)?) {
                without_place.push(number.to_string());
            }
            let (least, greatest) = (value(0)?, value(1)?);
            bounds.push((!least.is_null()).then_some((least, greatest)));
        }
        if without_place.is_empty() {
            return Ok(bounds);
        }
        let count = without_place.len();
        without_place.truncate(NAMED_MAX);
        let message = format!(
            "{column:?} has nulls or NaN in {count} partitions ({}), which no division has: drop these rows with filter(..), or \
             fill them with fill_null(..) and fill_nan(..)",
            without_place.join(", ")
        );
        Err(ErrorKind::Option(message).into())
    }
}

/// Whether a count is above zero.
fn is_some_of(batch: &RecordBatch, row: usize, column: usize) -> Result<bool> {
    let count = Scalar::try_from_array(batch.column(column), row)?;
    Ok(count.compare(&Scalar::UInt64(0)).is_some_and(|order| order.is_gt()) && !count.is_null())
}
