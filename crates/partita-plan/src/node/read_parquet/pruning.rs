//! What is left to read of files, when a filter has been asked about their folders and their statistics.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::CastMode;
use partita_formats::parquet::read::{ParquetFile, Predicate};
use partita_tasks::prune;

use super::{ParquetFileInput, ParquetSet};
use crate::bind::bind;
use crate::error::Result;
use crate::expr::Expr;
use crate::node::cuts::Piece;
use crate::node::{Divisions, Statistics};

/// What is left of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftPiece {
    /// The file's place in the list of files.
    pub(super) file: usize,
    /// Its row groups that are left; `None`: all, or whichever are found when it is read.
    pub(super) row_groups: Option<Vec<usize>>,
    /// The rows that are meant, where it is a part of one row group.
    pub(super) part: Option<Range<u64>>,
    /// Whether the filter has rows to drop.
    pub(super) filtered: bool,
    /// Rows in the row groups, where they are known.
    pub(super) rows: Option<u64>,
    /// Bytes to read, about.
    pub(super) bytes: u64,
}

/// What is left of each partition.
pub(super) type Left = Vec<Vec<LeftPiece>>;

/// What a filter says of all rows of a file.
#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    /// It is true of none.
    None,
    /// It is true of all.
    All,
    /// It has to be asked.
    Some,
}

/// A piece of which nothing is left out.
pub(super) fn whole(
    files: &[ParquetFileInput],
    piece: &Piece,
    columns: &[String],
    filtered: bool,
) -> LeftPiece {
    let row_groups = piece.row_groups.clone().map(Iterator::collect::<Vec<_>>);
    of_groups(files, piece, row_groups, columns, filtered)
}

fn of_groups(
    files: &[ParquetFileInput],
    piece: &Piece,
    row_groups: Option<Vec<usize>>,
    columns: &[String],
    filtered: bool,
) -> LeftPiece {
    let part = piece.rows.clone();
    let Some(file) = files.get(piece.file) else {
        return LeftPiece { file: piece.file, row_groups, part, filtered, rows: None, bytes: 0 };
    };
    let (rows, bytes) = match (&file.footer, &row_groups) {
        (Some(footer), Some(groups)) => {
            let footer = &footer.file;
            let rows =
                groups.iter().filter_map(|group| footer.row_groups().get(*group)).map(|group| group.rows);
            let (rows, bytes): (u64, u64) =
                (rows.sum(), groups.iter().map(|group| group_bytes(footer, *group, columns)).sum());
            match &part {
                Some(part) => {
                    let share = u128::from(bytes) * u128::from(part.end - part.start);
                    let bytes = u64::try_from(share / u128::from(rows.max(1))).unwrap_or(u64::MAX);
                    (Some(part.end - part.start), bytes)
                }
                None => (Some(rows), bytes),
            }
        }
        _ => (file.rows, file.input.bytes),
    };
    LeftPiece { file: piece.file, row_groups, part, filtered, rows, bytes }
}

/// Bytes of some columns of a row group.
fn group_bytes(file: &ParquetFile, group: usize, columns: &[String]) -> u64 {
    let positions = columns.iter().filter_map(|name| file.schema().index_of(name).ok());
    positions.map(|position| file.column_bytes(group, position).unwrap_or(0)).sum()
}

/// What a filter leaves of partitions.
///
/// # Errors
/// Where the filter does not bind, which the construction of the plan has excluded.
pub(super) fn left(
    set: &ParquetSet,
    partitions: &[Vec<Piece>],
    predicate: Option<&Expr>,
    columns: &[String],
) -> Result<Left> {
    let files = &set.files;
    let Some(predicate) = predicate else {
        let partition =
            |pieces: &Vec<Piece>| pieces.iter().map(|piece| whole(files, piece, columns, false)).collect();
        return Ok(partitions.iter().map(partition).collect());
    };
    let bound = bind(predicate, &set.schema)?.0;
    // The folders of one file name the columns that those of all do.
    let in_folders =
        |name: &str| files.iter().any(|file| file.input.values.iter().any(|(known, _)| known == name));
    let asked = prune::condition(&bound, &set.schema, &in_folders);
    let mut known: Option<(usize, Verdict)> = None;
    let mut left = Vec::with_capacity(partitions.len());
    for pieces in partitions {
        let mut kept = Vec::new();
        for piece in pieces {
            // Pieces of a file follow each other.
            let verdict = match &known {
                Some((file, verdict)) if *file == piece.file => verdict.clone(),
                _ => verdict(predicate, files.get(piece.file).map_or(&[], |file| &file.input.values)),
            };
            known = Some((piece.file, verdict.clone()));
            let of_piece = match verdict {
                Verdict::None => None,
                Verdict::All => Some(whole(files, piece, columns, false)),
                Verdict::Some => matching(files, piece, &asked, columns),
            };
            kept.extend(of_piece);
        }
        left.push(kept);
    }
    Ok(left)
}

/// Whether a filter is true of no row in which some columns have these values.
pub fn excludes(predicate: &Expr, values: &[(String, Scalar)]) -> bool {
    verdict(predicate, values) == Verdict::None
}

/// What the values of a file's folders say about a filter.
fn verdict(predicate: &Expr, values: &[(String, Scalar)]) -> Verdict {
    if values.is_empty() {
        return Verdict::Some;
    }
    let known = predicate.clone().transform(&mut |part| match part {
        Expr::Column(name) => match values.iter().find(|(column, _)| *column == name) {
            Some((_, value)) => Expr::Literal(value.clone()),
            None => Expr::Column(name),
        },
        other => other,
    });
    let is_never = |part: &Expr| matches!(part, Expr::Literal(Scalar::Boolean(false) | Scalar::Null(_)));
    match known.fold().unalias() {
        Expr::Literal(Scalar::Boolean(true)) => Verdict::All,
        // What is missing beside something that may be false is not true either.
        other if other.clone().split_conjunction().iter().any(is_never) => Verdict::None,
        _ => Verdict::Some,
    }
}

/// The row groups of a piece that may have rows that match; `None` where there are none.
fn matching(
    files: &[ParquetFileInput],
    piece: &Piece,
    asked: &Predicate,
    columns: &[String],
) -> Option<LeftPiece> {
    let file = files.get(piece.file)?;
    let (Some(footer), Some(range)) = (&file.footer, &piece.row_groups) else {
        return Some(whole(files, piece, columns, true));
    };
    let may_match = |group: &usize| footer.file.may_match(*group, asked);
    let groups: Vec<usize> = range.clone().filter(may_match).collect();
    (!groups.is_empty()).then(|| of_groups(files, piece, Some(groups), columns, true))
}

/// A number of row groups, of which some may not be known.
pub(super) struct Count {
    known: usize,
    files: usize,
}

/// Adds up the row groups of pieces: their file, number and the first of them; a number of `None` is a file that was
/// not looked at. Parts of one row group follow each other.
pub(super) fn row_groups(pieces: impl Iterator<Item = (usize, Option<usize>, Option<usize>)>) -> Count {
    let mut all = Count { known: 0, files: 0 };
    let mut last_part = None;
    for (file, count, part) in pieces {
        match count {
            Some(_) if part.is_some() && last_part == Some((file, part)) => {}
            Some(count) => all.known += count,
            None => all.files += 1,
        }
        last_part = part.map(|_| (file, part));
    }
    all
}

impl Count {
    /// The number alone.
    pub(super) fn number(&self) -> String {
        match (self.known, self.files) {
            (known, 0) => known.to_string(),
            (0, files) => format!("those of {files} files"),
            (known, files) => format!("{known} and those of {files} files"),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.known, self.files) {
            (known, 0) => write!(out, "{known} row groups"),
            (0, files) => write!(out, "the row groups of {files} files"),
            (known, files) => write!(out, "{known} row groups and those of {files} files"),
        }
    }
}

/// What is known of a column of `data_type` in all rows of some pieces, none of which is filtered.
pub(super) fn statistics(
    files: &[ParquetFileInput],
    pieces: &[&LeftPiece],
    name: &str,
    data_type: &DataType,
) -> Option<Statistics> {
    let (mut ends, mut nulls): (Option<(Scalar, Scalar)>, u64) = (None, 0);
    let pieces = joined(files, pieces)?;
    for piece in pieces.iter().filter(|piece| piece.rows != Some(0)) {
        let (file, rows) = (files.get(piece.file)?, piece.rows?);
        let known = match file.input.values.iter().find(|(column, _)| column == name) {
            Some((_, value)) if value.is_null() => (None, rows),
            Some((_, value)) => (Some((value.clone(), value.clone())), 0),
            None => ends_of_groups(file, piece, name)?,
        };
        nulls += known.1;
        ends = match (ends, known.0) {
            (Some(one), Some(other)) => Some(wider(one, other)?),
            (one, other) => one.or(other),
        };
    }
    let (min, max) = ends.unzip();
    let of_type = |value: Scalar| value.cast(data_type, CastMode::Strict).ok();
    Some(Statistics { min: min.and_then(of_type), max: max.and_then(of_type), nulls: Some(nulls) })
}

/// Pieces, with the parts of each row group made one; `None` where some of a row group are not among them.
fn joined(files: &[ParquetFileInput], pieces: &[&LeftPiece]) -> Option<Vec<LeftPiece>> {
    let mut joined: Vec<LeftPiece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let before = joined.last_mut().filter(|last| {
            (last.file, &last.row_groups) == (piece.file, &piece.row_groups) && last.part.is_some()
        });
        match (before, &piece.part) {
            (Some(last), Some(part)) => {
                let start = last.part.as_ref().filter(|before| before.end == part.start)?.start;
                last.part = Some(start..part.end);
                last.rows = Some(part.end - start);
            }
            _ => joined.push((*piece).clone()),
        }
    }
    let is_whole = |piece: &LeftPiece| {
        let (Some(part), Some([group])) = (&piece.part, piece.row_groups.as_deref()) else { return true };
        let footer = files.get(piece.file).and_then(|file| file.footer.as_ref());
        let rows = footer.and_then(|footer| footer.file.row_groups().get(*group)).map(|group| group.rows);
        part.start == 0 && Some(part.end) == rows
    };
    joined.iter().all(is_whole).then_some(joined)
}

/// The exact least and greatest value of a column in a piece, unless all are missing, and how many are.
fn ends_of_groups(
    file: &ParquetFileInput,
    piece: &LeftPiece,
    name: &str,
) -> Option<(Option<(Scalar, Scalar)>, u64)> {
    let (footer, groups) = (&file.footer.as_ref()?.file, piece.row_groups.as_ref()?);
    let Ok(position) = footer.schema().index_of(name) else { return Some((None, piece.rows?)) };
    let (mut ends, mut nulls): (Option<(Scalar, Scalar)>, u64) = (None, 0);
    for group in groups {
        let known = footer.bounds(*group, position)?;
        nulls += known.nulls?;
        if known.is_all_null() {
            continue;
        }
        let is_exact = known.min_is_exact && known.max_is_exact;
        let (min, max) = (known.min.filter(|_| is_exact)?, known.max?);
        ends = Some(match ends {
            Some(before) => wider(before, (min, max))?,
            None => (min, max),
        });
    }
    Some((ends, nulls))
}

/// The least and the greatest of two pairs.
fn wider(one: (Scalar, Scalar), other: (Scalar, Scalar)) -> Option<(Scalar, Scalar)> {
    let lower = matches!(other.0.compare(&one.0)?, Ordering::Less);
    let higher = matches!(other.1.compare(&one.1)?, Ordering::Greater);
    Some((if lower { other.0 } else { one.0 }, if higher { other.1 } else { one.1 }))
}

/// The bounds of partitions by a column, where statistics prove that each begins where the one before ends or later.
pub(super) fn divisions(files: &[ParquetFileInput], partitions: &[Vec<Piece>], column: &str) -> Divisions {
    let bounds = partitions.iter().map(|pieces| partition_bounds(files, pieces, column)).collect();
    let bounds: Option<Vec<Option<(Scalar, Scalar)>>> = bounds;
    let known = bounds.map(|bounds| Divisions::of_bounds(column, &bounds));
    known.and_then(Result::ok).unwrap_or(Divisions::Unknown)
}

/// The least and the greatest value of a column in a partition, unless it has no rows; `None` where they are not known.
fn partition_bounds(
    files: &[ParquetFileInput],
    pieces: &[Piece],
    column: &str,
) -> Option<Option<(Scalar, Scalar)>> {
    let mut all: Option<(Scalar, Scalar)> = None;
    for piece in pieces {
        let file = files.get(piece.file)?;
        let of_folder = file.input.values.iter().find(|(name, _)| name == column);
        let ranges: Vec<(Scalar, Scalar)> = match of_folder {
            Some((_, value)) if !value.is_null() => vec![(value.clone(), value.clone())],
            Some(_) => return None,
            None if piece.rows.is_some() => vec![part_bounds(file, piece)?],
            None => group_bounds(&file.footer.as_ref()?.file, piece.row_groups.clone()?, column)?,
        };
        for range in ranges {
            all = Some(match all {
                Some(before) => wider(before, range)?,
                None => range,
            });
        }
    }
    Some(all)
}

/// What was found out of a part of a row group.
fn part_bounds(file: &ParquetFileInput, piece: &Piece) -> Option<(Scalar, Scalar)> {
    let group = file.extent.row_groups.as_ref()?.get(piece.row_groups.as_ref()?.start)?;
    group.parts.iter().find(|part| Some(&part.rows) == piece.rows.as_ref())?.bounds.clone()
}

/// Bounds of each row group with rows, which must have no null and no NaN.
fn group_bounds(file: &ParquetFile, groups: Range<usize>, column: &str) -> Option<Vec<(Scalar, Scalar)>> {
    let position = file.schema().index_of(column).ok()?;
    let has_rows = |group: &usize| file.row_groups().get(*group).is_none_or(|group| group.rows > 0);
    let bounds = groups.filter(has_rows).map(|group| {
        let bounds = file.bounds(group, position)?;
        let is_proved =
            bounds.nulls == Some(0) && bounds.min_is_exact && bounds.max_is_exact && !bounds.may_have_nan;
        Some((bounds.min.filter(|_| is_proved)?, bounds.max.filter(|_| is_proved)?))
    });
    bounds.collect()
}
