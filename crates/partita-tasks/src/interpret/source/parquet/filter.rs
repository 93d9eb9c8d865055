//! The filter of a scan: which rows stay, by the columns that it uses.
//!
//! Parts of it that use one column of texts or decimals alone are asked of the entries of the column's dictionary, once a dictionary; for
//! rows the answer is looked up by their codes. One comparison with a short text alone is left as it is: that is as soon made of
//! the texts (4 ns a row against 6), where `like` takes 9. Where the column has no dictionary, or a part of the filter fails for an entry
//! that may be in no row, values are looked at row by row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, NullArray, RecordBatch, RecordBatchOptions,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use partita_columns::Scalar;
use partita_columns::compute::{CompareOp, pack_values};
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::parquet::read::RowFilter;

use super::{Layout, Origin};
use crate::error::Result;
use crate::expr::{BoundExpr, Flow, Meter, Prepared};
use crate::program::ParquetScan;

/// Bytes of a text that is in its view.
const SHORT_BYTES_MAX: usize = 12;

/// Entries of which the answers fit a word.
const WORD_ENTRIES: usize = 64;

/// A predicate over the columns that it uses alone.
pub(super) struct ScanFilter {
    /// Over the columns of `schema`.
    predicate: Prepared,
    /// Positions of its columns in the file.
    read: Vec<usize>,
    /// The columns that it uses, then the answers of `coded`.
    schema: SchemaRef,
    /// Where the columns come from.
    layout: Layout,
    coded: Vec<Coded>,
    /// Pays for what is made on the way.
    meter: Meter,
}

impl ScanFilter {
    pub(super) fn new(
        scan: &ParquetScan,
        predicate: &BoundExpr,
        layout: &Layout,
        file: &SchemaRef,
        meter: Meter,
    ) -> Self {
        let used = predicate.columns();
        let predicate = predicate.remap(&|column| used.binary_search(&column).unwrap_or(column));
        let mut read = Vec::new();
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (field, origin) in used
            .iter()
            .filter_map(|column| Some((scan.columns.fields().get(*column)?, layout.columns.get(*column)?)))
        {
            fields.push(Arc::clone(field));
            columns.push(match origin {
                Origin::Read(place) => {
                    read.extend(layout.read.get(*place));
                    Origin::Read(read.len() - 1)
                }
                value => value.clone(),
            });
        }
        let is_coded = |column: usize| {
            let Some(Origin::Read(place)) = columns.get(column) else { return false };
            let in_file = read.get(*place).and_then(|position| file.fields().get(*position));
            let types = [in_file, fields.get(column)].map(|field| field.map(|field| field.data_type()));
            let [Some(in_file), Some(wanted)] = types else { return false };
            in_file == wanted && matches!(wanted, DataType::Utf8View | DataType::Decimal128(..))
        };
        let (predicate, parts) = apart(&predicate, &Schema::new(fields.clone()), &is_coded);
        let mut coded = Vec::with_capacity(parts.len());
        for (number, (column, part)) in parts.iter().enumerate() {
            // A missing value is asked about too, whether or not the column may have one.
            let field = fields[*column].as_ref().clone().with_nullable(true);
            let place = match columns.get(*column) {
                Some(Origin::Read(place)) => *place,
                _ => continue,
            };
            let part = Prepared::new(&[part.remap(&|_| 0)]);
            let schema = Arc::new(Schema::new(vec![field]));
            coded.push(Coded { place, part, schema, known: None });
            fields.push(Arc::new(Field::new(format!("part {number}"), DataType::Boolean, true)));
        }
        let nothing = |column: &usize| Arc::new(Field::new(fields[*column].name(), DataType::Null, true));
        for (column, field) in parts.iter().map(|(column, _)| (*column, nothing(column))).collect::<Vec<_>>()
        {
            fields[column] = field;
        }
        let layout = Layout { read: Vec::new(), columns };
        let predicate = Prepared::new(&[predicate]);
        Self { predicate, read, schema: Arc::new(Schema::new(fields)), layout, coded, meter }
    }

    fn mask(&mut self, batch: &RecordBatch) -> Result<BooleanArray> {
        let rows = batch.num_rows();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (origin, field) in self.layout.columns.iter().zip(self.schema.fields()) {
            arrays.push(match field.data_type() {
                DataType::Null => Arc::new(NullArray::new(rows)),
                data_type => origin.column(batch, data_type)?,
            });
        }
        for coded in &mut self.coded {
            arrays.push(Arc::new(coded.answers(batch.column(coded.place), &self.meter)?));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        self.predicate.mask(&batch, &self.meter)
    }
}

impl RowFilter for ScanFilter {
    fn columns(&self) -> &[usize] {
        &self.read
    }

    fn takes_codes(&self, place: usize) -> bool {
        self.coded.iter().any(|coded| coded.place == place)
    }

    fn keep(&mut self, batch: &RecordBatch) -> partita_formats::Result<BooleanArray> {
        self.mask(batch).map_err(|error| FormatsErrorKind::Filter(Box::new(error)).into())
    }
}

/// A predicate with the parts taken out that use one coded column alone, and these with their columns: each is a column
/// behind those of `schema`.
fn apart(
    predicate: &BoundExpr,
    schema: &Schema,
    is_coded: &dyn Fn(usize) -> bool,
) -> (BoundExpr, Vec<(usize, BoundExpr)>) {
    let mut parts = Vec::new();
    let rest = take_parts(predicate, schema, is_coded, &mut parts);
    // Where the value itself is needed too, nothing is won.
    let needed: Vec<usize> = rest.columns().into_iter().filter(|column| is_coded(*column)).collect();
    if needed.is_empty() {
        return (rest, parts);
    }
    parts.clear();
    let is_coded = |column: usize| is_coded(column) && !needed.contains(&column);
    (take_parts(predicate, schema, &is_coded, &mut parts), parts)
}

fn take_parts(
    of: &BoundExpr,
    schema: &Schema,
    is_coded: &dyn Fn(usize) -> bool,
    parts: &mut Vec<(usize, BoundExpr)>,
) -> BoundExpr {
    // What a user's function makes of a value may depend on the others.
    let mut is_ours = true;
    of.visit(&mut |part| is_ours &= !matches!(part, BoundExpr::Map(..)));
    let is_answer = || !is_cheap(of) && matches!(of.data_type(schema), Ok(DataType::Boolean));
    if let [column] = of.columns()[..]
        && is_ours
        && is_coded(column)
        && is_answer()
    {
        parts.push((column, of.clone()));
        return BoundExpr::Column(schema.fields().len() + parts.len() - 1);
    }
    match of {
        BoundExpr::And(..) | BoundExpr::Or(..) | BoundExpr::Not(..) => {
            of.map_parts(&mut |part| take_parts(part, schema, is_coded, parts))
        }
        other => other.clone(),
    }
}

/// Whether a part is answered for texts as soon as for codes: one equality with a text that is in its view, or the question
/// for null.
fn is_cheap(of: &BoundExpr) -> bool {
    let is_column = |of: &BoundExpr| matches!(of, BoundExpr::Column(_));
    let is_short = |of: &BoundExpr| match of {
        BoundExpr::Literal(Scalar::Utf8(text)) => text.len() <= SHORT_BYTES_MAX,
        _ => false,
    };
    match of {
        BoundExpr::Not(of) => is_cheap(of),
        BoundExpr::IsNull(of) => is_column(of),
        BoundExpr::Compare(CompareOp::Eq | CompareOp::NotEq, left, right) => {
            is_column(left) && is_short(right) || is_short(left) && is_column(right)
        }
        _ => false,
    }
}

/// A part of a predicate that uses one coded column alone.
struct Coded {
    /// The column, among those that are read.
    place: usize,
    part: Prepared,
    /// The column alone.
    schema: SchemaRef,
    /// The dictionary that was met last, and the answers for its entries, then for a missing value; none where the part
    /// fails for one of these.
    known: Option<(ArrayRef, Option<Vec<Answer>>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    No,
    Yes,
    /// Null.
    Unknown,
}

impl Coded {
    /// The part's value for each row.
    fn answers(&mut self, column: &ArrayRef, meter: &Meter) -> Result<BooleanArray> {
        let Some(coded) = column.as_any().downcast_ref::<DictionaryArray<UInt32Type>>() else {
            return self.ask(Arc::clone(column), meter);
        };
        let is_known = self.known.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, coded.values()));
        if !is_known {
            let answers = self.ask_entries(coded.values(), meter).ok();
            self.known = Some((Arc::clone(coded.values()), answers));
        }
        match self.known.as_ref().and_then(|(_, answers)| answers.as_ref()) {
            Some(answers) => Ok(looked_up(answers, coded)),
            None => self.ask(cast(column, &coded.value_type())?, meter),
        }
    }

    fn ask(&self, values: ArrayRef, meter: &Meter) -> Result<BooleanArray> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![values])?;
        let answer = Schema::new(vec![Field::new("answer", DataType::Boolean, true)]);
        let mut pieces: Vec<ArrayRef> = Vec::new();
        let piece = |columns| {
            pieces.extend::<Vec<ArrayRef>>(columns);
            Ok(Flow::More)
        };
        meter.in_pieces(&batch, |batch| self.part.columns(batch, &answer, meter), piece)?;
        let all = match pieces.as_slice() {
            [whole] => Arc::clone(whole),
            pieces => concat(&pieces.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
        };
        Ok(all.as_boolean().clone())
    }

    fn ask_entries(&self, entries: &ArrayRef, meter: &Meter) -> Result<Vec<Answer>> {
        let missing = new_null_array(entries.data_type(), 1);
        let answers = self.ask(concat(&[entries.as_ref(), missing.as_ref()])?, meter)?;
        Ok(answers
            .iter()
            .map(|answer| match answer {
                None => Answer::Unknown,
                Some(true) => Answer::Yes,
                Some(false) => Answer::No,
            })
            .collect())
    }
}

/// The answers for rows, of those for the entries of their dictionary and, last, for a missing value.
fn looked_up(answers: &[Answer], coded: &DictionaryArray<UInt32Type>) -> BooleanArray {
    let (entries, missing) = match answers.split_last() {
        Some((missing, entries)) => (entries, *missing),
        None => (answers, Answer::Unknown),
    };
    let (codes, there) = (coded.keys().values(), coded.nulls().map(NullBuffer::inner));
    let among = |one: Answer| {
        let found = if entries.len() <= WORD_ENTRIES {
            let bit = |(number, answer): (usize, &Answer)| u64::from(*answer == one) << number;
            let word = entries.iter().enumerate().map(bit).fold(0, |all, bit| all | bit);
            pack_values(codes, |code| word >> (code % 64) & 1 != 0)
        } else {
            let is_one: Vec<bool> = entries.iter().map(|answer| *answer == one).collect();
            let of = |code: u32| is_one.get(code as usize).copied().unwrap_or(one == Answer::Unknown);
            BooleanBuffer::collect_bool(codes.len(), |row| of(codes[row]))
        };
        match there {
            None => found,
            Some(there) if missing == one => &found | &!there,
            Some(there) => &found & there,
        }
    };
    let may_be_unknown = entries.contains(&Answer::Unknown) || there.is_some() && missing == Answer::Unknown;
    let unknown = may_be_unknown.then(|| NullBuffer::new(!&among(Answer::Unknown)));
    BooleanArray::new(among(Answer::Yes), unknown)
}
