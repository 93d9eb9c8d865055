//! `partita agg`: keys, and what is asked of each group.

use clap::Args;
use partita::{DataFrame, expr, exprs};

use crate::cli::failure::Failure;
use crate::cli::values;

#[derive(Debug, Args)]
#[command(next_help_heading = "Grouping")]
pub(crate) struct AggArgs {
    /// Columns, or expressions over them, whose equal values make a group, as in 'zone, year(pickup) as year'
    ///
    /// Odd names go in double quotes.
    #[arg(long, value_name = "COLS", required = true, value_parser = values::expressions)]
    by: String,

    /// What is asked of each group, as in 'mean(fare) as fare, sum(tip) / sum(fare) as share, len()'
    #[arg(long, value_name = "EXPRS", required = true, value_parser = values::expressions)]
    agg: String,

    /// Take the rows where this is true, as in 'fare > 0 and zone in (1, 2)'
    #[arg(long = "where", value_name = "EXPR", value_parser = values::expression)]
    filter: Option<String>,

    /// Groups in the order of their keys [default: as they are found]
    #[arg(long)]
    sort: bool,

    /// Null is a key like any other [default: rows with a null among the keys are left out]
    #[arg(long)]
    null_keys: bool,
}

impl AggArgs {
    /// The groups of a frame.
    ///
    /// # Errors
    /// Expressions that cannot be read.
    pub(crate) fn grouped(&self, frame: &DataFrame) -> Result<DataFrame, Failure> {
        let frame = match &self.filter {
            Some(filter) => frame.filter(expr(filter).map_err(partita::Error::from)?),
            None => frame.clone(),
        };
        let keys = exprs(&self.by).map_err(partita::Error::from)?;
        let asked = exprs(&self.agg).map_err(partita::Error::from)?;
        Ok(frame.groupby(keys).dropna(!self.null_keys).sort(self.sort).agg(asked))
    }
}
