//! Functions of text.

use arrow::array::{Array, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;

use super::{Argument, Input, Signature, Spec, expected, value};
use crate::error::Result;
use crate::scalar::Value;

pub(super) const ALL: &[&Spec] = &[&UPPER];

/// `upper(text)`: in capitals, by the rules of Unicode.
pub static UPPER: Spec = Spec {
    name: "upper",
    arguments: (1, 1),
    common: false,
    signature: |arguments| Ok(Signature::new([text(&arguments[0])?], DataType::Utf8View)),
    kernel: |input| by_value(input, str::to_uppercase),
};

/// The type of an argument that is text.
fn text(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        data_type if data_type.is_string() || data_type.is_null() => Ok(DataType::Utf8View),
        _ => expected("text", argument, "cast it to Utf8"),
    }
}

/// `f` of every text.
fn by_value(input: &Input<'_>, f: impl Fn(&str) -> String) -> Result<Value> {
    let column = input.column(0)?;
    let mut builder = StringViewBuilder::with_capacity(column.len());
    for text in column.as_string_view() {
        builder.append_option(text.map(&f));
    }
    value(builder.finish())
}
