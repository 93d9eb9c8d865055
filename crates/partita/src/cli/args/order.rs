//! The order of rows: keys to sort by, and the index.

use clap::Args;
use partita::{ByteSize, Outside, SetIndex, SortBy};
use serde_json::{Value, json};

use crate::cli::values::{self, List};

#[derive(Debug, Args)]
#[command(next_help_heading = "The order of rows")]
pub(crate) struct SortArgs {
    /// Columns to sort by, the first first, as in 'zone,fare desc nulls first'
    ///
    /// Behind a name there may be asc or desc, and nulls first or nulls last; without them the least value comes first and null
    /// last. Names with commas or such words go in double quotes.
    #[arg(long, value_name = "COLS", required = true, value_parser = values::sort_keys)]
    by: Vec<values::SortKeys>,
}

impl SortArgs {
    /// The keys.
    pub(crate) fn by(&self) -> Vec<SortBy> {
        self.by.iter().flat_map(|keys| keys.0.clone()).collect()
    }
}

const OUTSIDE: &[(&str, &str, Outside)] = &[
    ("error", "they are an error", Outside::Error),
    ("ends", "they go to the first and the last partition", Outside::Ends),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Setting an index")]
pub(crate) struct IndexArgs {
    /// Put all rows in order of this column, which becomes the index of the data set
    ///
    /// Readers of a part of its values open the files and pages that can have them alone. Null and NaN are an error.
    #[arg(long, value_name = "COL")]
    set_index: Option<String>,

    /// Cut at these values of the index: a partition begins at each but the last, where the last one ends
    #[arg(
        long,
        value_name = "A,B",
        value_parser = values::list,
        requires = "set_index",
        conflicts_with_all = ["partition_size", "npartitions"]
    )]
    divisions: Vec<List>,

    /// With --divisions: what becomes of rows outside of them [default: error]
    #[arg(long, value_name = "WHAT", requires = "divisions", value_parser = values::one_of(OUTSIDE))]
    outside: Option<Outside>,

    /// The rows are in order of the index already: check it while they are read, and do not sort them
    #[arg(long, requires = "set_index")]
    sorted: bool,

    /// Bytes of memory of a partition, about [default: as many partitions as the input has]
    #[arg(long, value_name = "SIZE", value_parser = values::size, requires = "set_index", conflicts_with = "npartitions")]
    partition_size: Option<u64>,

    /// How many partitions
    #[arg(long, value_name = "N", requires = "set_index")]
    npartitions: Option<usize>,
}

impl IndexArgs {
    /// The index that was asked for.
    pub(crate) fn set_index(&self) -> Option<SetIndex> {
        let column = self.set_index.as_ref()?;
        let mut index =
            SetIndex::new(column.as_str()).sorted(self.sorted).outside(self.outside.unwrap_or_default());
        if let Some(divisions) = values::some(&self.divisions) {
            index = index.divisions(divisions);
        }
        if let Some(bytes) = self.partition_size {
            index = index.partition_size(ByteSize::from(bytes));
        }
        if let Some(partitions) = self.npartitions {
            index = index.npartitions(partitions);
        }
        Some(index)
    }

    /// What the manifest says of it.
    pub(crate) fn said(&self) -> Option<Value> {
        let column = self.set_index.as_ref()?;
        Some(json!({
            "column": column,
            "divisions": values::some(&self.divisions),
            "outside_goes_to_the_ends": self.outside == Some(Outside::Ends),
            "sorted": self.sorted,
            "partition_size": self.partition_size,
            "npartitions": self.npartitions,
        }))
    }
}
