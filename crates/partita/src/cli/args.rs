//! Every command and flag, with its help.

mod agg;
mod cat;
mod order;
mod read;
mod run;
mod write;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use partita::Stage;

pub(crate) use agg::AggArgs;
pub(crate) use cat::CatArgs;
pub(crate) use order::{IndexArgs, SortArgs};
pub(crate) use read::{MismatchArgs, ReadArgs};
pub(crate) use run::{ProgressMode, ReportArgs, RunArgs};
pub(crate) use write::{Changed, WriteArgs};

use super::values::{self, List};

const EXAMPLES: &str = "\
Examples:
  partita head trips.csv                    the first rows, and the types that were found
  partita convert trips.csv --to trips      from CSV to a folder of Parquet files
  partita convert 'data/*.csv.gz' --to all.parquet --where 'fare > 0' --select day,zone,fare
  partita schema data/ --write trips.schema.json
  partita convert data/ --schema trips.schema.json --to out
  zcat trips.csv.gz | partita convert - --to trips

Inputs are CSV files or lines of JSON, plain or compressed with gzip, zstd, bzip2 or xz (told by their first bytes),
Parquet or Arrow IPC files, told by their names (.ndjson, .jsonl, .parquet, .arrow, .feather, .ipc) or first bytes: paths,
patterns such as 'data/*.csv', folders, file:// URLs, or - for standard input.

Sizes are bytes, or numbers with a unit: 256MB is 256,000,000 bytes, 256MiB is 268,435,456.

Exit codes: 0 done; 1 failed; 2 wrong usage; 130 interrupted. Unless all is done, a target is as it
was.";

/// From CSV, JSON, Arrow or Parquet files of any size to Parquet: exact, with types, inside a memory limit, all or nothing.
#[derive(Debug, Parser)]
#[command(name = "partita", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Convert CSV files, lines of JSON, Arrow IPC or Parquet files to Parquet
    Convert(Box<Convert>),
    /// Convert to Parquet with all rows in order, within the files and from file to file
    Sort(Box<Sort>),
    /// Group the rows by keys, and show or write a row for each group
    Agg(Box<Agg>),
    /// Show the columns and the types that are found, or keep them in a file for recurring jobs
    Schema(Box<Schema>),
    /// Show the first rows
    Head(Box<Ends>),
    /// Show the last rows
    Tail(Box<Ends>),
    /// Count the rows, or the values of each column
    Count(Box<Count>),
    /// Show counts, means, quantiles and extremes of each column
    Describe(Box<Describe>),
    /// Print the rows, or write them to a file of another format
    Cat(Box<Cat>),
    /// Show what would be done, as a plan
    Explain(Box<Explain>),
    /// Remove what killed runs have left in folders for temporary files
    Clean(Clean),
    /// Show the versions that matter in a report of a defect
    Versions(Versions),
    /// Print a script that completes commands and flags in a shell
    Completions(Completions),
    /// Print the page of the manual, or that of a command
    Man(Manual),
}

/// What is read.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// CSV, JSON, Arrow IPC or Parquet files: paths, patterns in quotes ('data/*.csv'), folders, file:// URLs, or - for standard input
    ///
    /// Folders of all but CSV are read with all folders in them, and those called name=value are columns.
    /// They are read in the order given, those of a pattern or folder in order of name. What comes through a
    /// pipe is kept in a temporary file, of the folder TMPDIR, while it is used.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
}

/// Which rows and columns go on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Picking rows and columns")]
pub(crate) struct PickArgs {
    /// Columns to keep, in this order [default: all]
    ///
    /// Only they are decoded. Names with commas go in double quotes: --select 'day,"fare, total"'.
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    pub(crate) select: Vec<List>,

    /// Columns to leave out
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    pub(crate) drop: Vec<List>,

    /// Keep the rows where this is true, as in 'fare > 0 and zone in (1, 2)'
    ///
    /// Comparisons, arithmetic, and, or, not, in, between, is null, cast. It may use columns that are not
    /// selected. Text goes in single quotes, odd names in double quotes:
    /// --where "zone = 'A' and \"fare, total\" > 0".
    #[arg(long = "where", value_name = "EXPR", value_parser = values::expression)]
    pub(crate) filter: Option<String>,
}

const CONVERT_EXAMPLES: &str = "\
Examples:
  partita convert weather.csv --null-values NA --to weather
  partita convert 'data/*.csv' --to trips --parse-dates pickup,dropoff --compression snappy
  partita convert trips.csv --to trips.parquet --overwrite --report report.json
  partita convert 'days/*.csv' --to trips --append --incremental
  partita convert 'data/*.csv' --to trips --set-index pickup --partition-size 128MiB
  partita convert trips.csv --to trips --where 'fare > 0' --drop vendor --dry-run

The target appears at once, when all of it is on the disk; until then, and after an error or
Ctrl-C, it is as it was. A manifest, _partita.json, lies beside the parts of a folder: name
trips/*.parquet to readers that stumble over it.";

#[derive(Debug, Args)]
#[command(after_help = CONVERT_EXAMPLES)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) conversion: Conversion,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}

const SORT_EXAMPLES: &str = "\
Examples:
  partita sort 'data/*.csv' --by pickup --to trips
  partita sort trips.csv --by 'zone,fare desc nulls first' --to trips.parquet
  partita sort trips/ --by '\"fare, total\" desc' --to sorted --where 'fare > 0'

Rows that are equal by all columns keep their order. What does not fit in memory waits on the disk, in the folders of
--spill-dir.";

#[derive(Debug, Args)]
#[command(after_help = SORT_EXAMPLES)]
pub(crate) struct Sort {
    #[command(flatten)]
    pub(crate) conversion: Conversion,
    #[command(flatten)]
    pub(crate) order: SortArgs,
}

/// From files to Parquet.
#[derive(Debug, Args)]
pub(crate) struct Conversion {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) mismatch: MismatchArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// Only what nobody uses is removed: the lock of a running session keeps its folder.
#[derive(Debug, Args)]
pub(crate) struct Clean {
    /// Folders that were given as --spill-dir [default: those that are used without it]
    #[arg(value_name = "DIR")]
    pub(crate) dirs: Vec<PathBuf>,
}

const SCHEMA_EXAMPLES: &str = "\
Examples:
  partita schema trips.csv
  partita schema 'data/*.csv' --infer full --write trips.schema.json
  partita convert data/new.csv --schema trips.schema.json --to new

A schema file is JSON and meant to be edited. With it nothing is inferred, and a value of another
type is an error.

There is no --where here: columns and types are those of the files, whichever rows are picked. What
they are after --where and --select, 'partita explain' says.";

#[derive(Debug, Args)]
#[command(after_help = SCHEMA_EXAMPLES)]
pub(crate) struct Schema {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    /// Write a schema file, for --schema
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,

    /// Replace the schema file where there is one already
    #[arg(long, requires = "write")]
    pub(crate) overwrite: bool,

    /// Print the text of a schema file instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const ENDS_EXAMPLES: &str = "\
Examples:
  partita head 'data/*.csv' -n 5
  partita head trips/year=2024 -n 20          (a folder of Parquet)
  partita tail trips.csv --select pickup,fare --where 'fare > 100'
  curl -s https://example.org/trips.csv.gz | partita head -";

#[derive(Debug, Args)]
#[command(after_help = ENDS_EXAMPLES)]
pub(crate) struct Ends {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    /// Rows to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(crate) rows: usize,

    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const COUNT_EXAMPLES: &str = "\
Examples:
  partita count 'data/*.csv'
  partita count trips.csv --where 'fare <= 0'
  partita count weather.csv --columns --null-values NA";

#[derive(Debug, Args)]
#[command(after_help = COUNT_EXAMPLES)]
pub(crate) struct Count {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    /// Count the values of each column that are not null, instead of the rows
    #[arg(long)]
    pub(crate) columns: bool,

    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const DESCRIBE_EXAMPLES: &str = "\
Examples:
  partita describe trips.csv
  partita describe 'data/*.csv' --select fare,distance --where 'fare > 0'";

#[derive(Debug, Args)]
#[command(after_help = DESCRIBE_EXAMPLES)]
pub(crate) struct Describe {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const CAT_EXAMPLES: &str = "\
Examples:
  partita cat trips.csv.gz --where 'fare > 100' --select day,fare | less
  partita cat 'data/*.csv' --to all.tsv
  partita cat trips/ --to trips.ndjson
  partita cat trips.parquet --to trips.arrow --to-compression zstd
  partita cat trips.csv --to trips.parquet --overwrite";

#[derive(Debug, Args)]
#[command(after_help = CAT_EXAMPLES)]
pub(crate) struct Cat {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) cat: CatArgs,
    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const AGG_EXAMPLES: &str = "\
Examples:
  partita agg trips.csv --by zone --agg 'mean(fare) as fare, len()'
  partita agg 'data/*.csv' --by 'year(pickup) as year, zone' --agg 'sum(tip) / sum(fare) as share' --sort
  partita agg trips/ --by zone --agg 'max(fare)' --where 'fare > 0' --to zones.parquet
  partita agg trips/ --by zone --agg 'collect_list(fare) as fares' --to zones.ndjson

What does not fit in memory waits on the disk, in the folders of --spill-dir.";

#[derive(Debug, Args)]
#[command(after_help = AGG_EXAMPLES)]
pub(crate) struct Agg {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) agg: AggArgs,
    #[command(flatten)]
    pub(crate) cat: CatArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The stages of a plan, with their help.
const STAGES: &[(&str, &str, Stage)] = &[
    ("written", "the calls as they were made", Stage::Written),
    ("simplified", "filters moved down, columns that nobody needs dropped", Stage::Simplified),
    ("tuned", "partitions that nobody needs dropped", Stage::Tuned),
    ("physical", "how each file is read is fixed", Stage::Physical),
    ("fused", "one task a partition", Stage::Fused),
];

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  partita explain 'data/*.csv' --select day,fare --where 'fare > 0'
  partita explain trips.csv.gz --stage written";

#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    /// How far the plan is taken
    #[arg(long, value_name = "STAGE", default_value = "fused", value_parser = values::one_of(STAGES))]
    pub(crate) stage: Stage,

    #[command(flatten)]
    pub(crate) pick: PickArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  partita completions bash > ~/.local/share/bash-completion/completions/partita
  partita completions zsh > ~/.zfunc/_partita
  partita completions fish > ~/.config/fish/completions/partita.fish";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  partita man | man -l -
  partita man convert > partita-convert.1";

#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct Manual {
    /// The command [default: all in short]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_is_explained() {
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
                let (command, name) = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{command} {name} says nothing");
                let heading = argument.get_help_heading();
                let own = matches!(
                    name.as_str(),
                    "inputs"
                        | "dirs"
                        | "write"
                        | "overwrite"
                        | "json"
                        | "rows"
                        | "columns"
                        | "stage"
                        | "shell"
                        | "command"
                );
                assert!(heading.is_some() || own, "{command} {name} has no heading");
            }
        }
    }
}
