//! Newline-delimited JSON out: an object a row, by the `arrow-json` crate, with times as the CSV files have them.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StructArray, new_empty_array};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Field, FieldRef, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow_json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::rows::time::{Clock, Ticks};

/// How newline-delimited JSON is written: UTF-8, an object a line, its keys in the order of the columns.
///
/// - **Integers and decimals** have all their digits; **floats** the fewest digits that read back as the same number. JSON has
///   no NaN and no infinities: they are `null`.
/// - **Dates** are `"2024-02-29"`, **timestamps** `"2024-02-29T12:30:00"` with 0, 3, 6 or 9 digits of a second, as many as the
///   value needs; with a zone the clock time there and its offset, as in `+02:00` (`Z` for UTC). Years beyond 9999 have a sign.
/// - **Lists** are arrays, **structs** objects, **maps** objects whose keys are text; **bytes** are text of hexadecimal digits.
/// - **Times of day** and **durations** are text, as Arrow shows them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NdjsonOptions {
    /// Leaves the keys of nulls out, in place of writing `null`.
    pub skip_nulls: bool,
}

impl NdjsonOptions {
    fn encoder(&self) -> EncoderOptions {
        EncoderOptions::default().with_explicit_nulls(!self.skip_nulls).with_encoder_factory(Arc::new(Times))
    }
}

/// Checks that each column can be written.
///
/// # Errors
/// [`ErrorKind::Options`] that names the column and its type.
pub(super) fn check_schema(schema: &Schema) -> Result<()> {
    if schema.fields().is_empty() {
        let message = "newline-delimited JSON needs at least one column, got a schema of none".to_owned();
        return Err(ErrorKind::Options(message).into());
    }
    let options = NdjsonOptions::default().encoder();
    for field in schema.fields() {
        let empty = new_empty_array(field.data_type());
        if make_encoder(field, &empty, &options).is_err() {
            let message = format!(
                "column {:?}: {} has no form in JSON; leave the column out, or write Parquet",
                field.name(),
                field.data_type()
            );
            return Err(ErrorKind::Options(message).into());
        }
    }
    Ok(())
}

/// Encodes batches of one schema.
pub(super) struct NdjsonEncoder {
    root: FieldRef,
    options: EncoderOptions,
}

impl NdjsonEncoder {
    pub(super) fn new(schema: &Schema, options: &NdjsonOptions) -> Self {
        let root = Arc::new(Field::new_struct("row", schema.fields().clone(), false));
        Self { root, options: options.encoder() }
    }

    /// Adds the lines of a batch to `out`.
    ///
    /// # Errors
    /// Where Arrow cannot show a value.
    pub(super) fn write(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let rows = StructArray::from(batch.clone());
        let mut encoder = make_encoder(&self.root, &rows, &self.options)?;
        for row in 0..batch.num_rows() {
            encoder.encode(row, out);
            out.push(b'\n');
        }
        Ok(())
    }
}

/// Dates and timestamps in ISO 8601.
#[derive(Debug)]
struct Times;

impl EncoderFactory for Times {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> std::result::Result<Option<NullableEncoder<'a>>, ArrowError> {
        let (values, zone): (Values<'a>, _) = match array.data_type() {
            DataType::Date32 => (Values::Days(array.as_primitive::<Date32Type>().values()), None),
            DataType::Date64 => {
                let ticks = Ticks::new(array.as_primitive::<Date64Type>().values(), TimeUnit::Millisecond);
                (Values::Stamps(ticks), None)
            }
            DataType::Timestamp(unit, zone) => {
                let values = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
                };
                (Values::Stamps(Ticks::new(values, *unit)), zone.as_deref())
            }
            _ => return Ok(None),
        };
        let encoder = TimeEncoder { clock: Clock::new(b'T', zone), values };
        Ok(Some(NullableEncoder::new(Box::new(encoder), array.nulls().cloned())))
    }
}

enum Values<'a> {
    Days(&'a [i32]),
    Stamps(Ticks<'a>),
}

struct TimeEncoder<'a> {
    clock: Clock,
    values: Values<'a>,
}

impl Encoder for TimeEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        match &self.values {
            Values::Days(days) => self.clock.push_date(out, days[row].into()),
            Values::Stamps(ticks) => {
                let (seconds, nanoseconds) = ticks.get(row);
                self.clock.push_stamp(out, seconds, nanoseconds);
            }
        }
        out.push(b'"');
    }
}
