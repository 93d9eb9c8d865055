//! What the adapters share: inputs to files, and words to options.

use std::path::{Path, PathBuf};

use partita::arrow::datatypes::{DataType, TimeUnit};
use partita::{Encoding, Infer};

use crate::cases::{Call, NotOffered, not_offered};
use crate::compare::{Expected, Manners};
use crate::json::Json;
use crate::recorded::Recorded;

/// A recorded case, ready to run.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) call: Result<Call, NotOffered>,
    pub(crate) expected: Expected,
    pub(crate) manners: Manners,
}

/// An argument that the other library refuses because of its type: the compiler refuses it here.
pub(crate) const WRONG_ARGUMENT: &str = "an argument of the wrong type";

/// Writes the file of a case; `{"text": ..}` or `{"b64": ..}`.
pub(crate) fn write_input(folder: &Path, name: &str, input: &Json) -> PathBuf {
    let bytes = match (input.get("text").text(), input.get("b64").text()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(text)) => base64(text),
        (None, None) => panic!("an input without text: {input:?}"),
    };
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// What a file is packed with is known by its first bytes, as the reader knows it.
pub(crate) fn check_compression(inputs: &[PathBuf]) -> Result<(), NotOffered> {
    const PACKED: [(&[u8], &str); 5] =
        [(b"PK\x03\x04", "zip"), (b"x\x01", "zlib"), (b"x^", "zlib"), (b"x\x9C", "zlib"), (b"x\xDA", "zlib")];
    for input in inputs {
        let bytes = std::fs::read(input).expect("a file");
        if let Some((_, name)) = PACKED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return not_offered(format!("compression: {name}"));
        }
    }
    Ok(())
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| -> u32 {
        match byte {
            b'A'..=b'Z' => u32::from(byte - b'A'),
            b'a'..=b'z' => u32::from(byte - b'a') + 26,
            b'0'..=b'9' => u32::from(byte - b'0') + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("no base64: {other:#x}"),
        }
    };
    let digits: Vec<u32> = text.trim_end_matches('=').bytes().map(digit).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

/// A recorded table or error. Names that the reader made up are `None`: which ones, `is_made_up` says.
pub(crate) fn expected(expect: &Json, is_made_up: impl Fn(&Json) -> bool) -> Expected {
    if *expect.get("error") != Json::Null {
        return Expected::Error;
    }
    let name = |name: &Json| name.text().filter(|_| !is_made_up(name)).map(str::to_owned);
    let names: Vec<Option<String>> = expect.get("columns").items().iter().map(name).collect();
    let shape: Vec<usize> =
        expect.get("shape").items().iter().filter_map(|n| usize::try_from(n.whole()?).ok()).collect();
    let rows = match expect.get("rows") {
        Json::List(rows) => Some(rows.iter().map(|row| row.items().to_vec()).collect()),
        _ => None,
    };
    Expected::Table(Recorded { names, shape: (shape[0], shape[1]), rows })
}

/// One ASCII character; more of them, or another one, are not offered.
pub(crate) fn one_byte(option: &str, value: &Json) -> Result<u8, NotOffered> {
    match value.text().map(str::as_bytes) {
        Some([byte]) if byte.is_ascii() => Ok(*byte),
        Some(b"\\t") => Ok(b'\t'),
        Some(_) => not_offered(format!("{option} of several characters")),
        None => not_offered(WRONG_ARGUMENT),
    }
}

/// One or several texts.
pub(crate) fn text_list(value: &Json) -> Result<Vec<String>, NotOffered> {
    if let Some(text) = value.text() {
        return Ok(vec![text.to_owned()]);
    }
    match value.texts() {
        Some(texts) => Ok(texts),
        None => not_offered(WRONG_ARGUMENT),
    }
}

/// A number that is not negative.
pub(crate) fn count(value: &Json) -> Result<u64, NotOffered> {
    match value.whole().and_then(|number| u64::try_from(number).ok()) {
        Some(number) => Ok(number),
        None => not_offered(WRONG_ARGUMENT),
    }
}

pub(crate) fn flag(value: &Json) -> Result<bool, NotOffered> {
    match value.bool() {
        Some(flag) => Ok(flag),
        None => not_offered(WRONG_ARGUMENT),
    }
}

/// An encoding by its name in Python.
pub(crate) fn encoding(name: &str) -> Result<Encoding, NotOffered> {
    match name.to_lowercase().replace(['-', '_'], "").as_str() {
        "utf8" | "utf8sig" => Ok(Encoding::Utf8),
        "utf8lossy" => Ok(Encoding::Utf8Lossy),
        "latin1" | "iso88591" => Ok(Encoding::Latin1),
        "utf16" => Ok(Encoding::Utf16),
        "utf16le" => Ok(Encoding::Utf16Le),
        "utf16be" => Ok(Encoding::Utf16Be),
        "cp1252" | "windows1252" => Ok(Encoding::Windows1252),
        other => not_offered(format!("encoding {other}")),
    }
}

/// A type by its name in pandas, Polars or pyarrow.
pub(crate) fn data_type(name: &str) -> Result<DataType, NotOffered> {
    Ok(match name.trim_end_matches("[pyarrow]") {
        "str" | "str_" | "object" | "object_" | "O" | "string" | "String" | "<class 'str'>" => DataType::Utf8,
        "bool" | "boolean" | "Boolean" => DataType::Boolean,
        "int" | "int64" | "Int64" => DataType::Int64,
        "int32" | "Int32" => DataType::Int32,
        "int16" | "Int16" => DataType::Int16,
        "int8" | "Int8" => DataType::Int8,
        "uint64" | "UInt64" => DataType::UInt64,
        "uint32" | "UInt32" => DataType::UInt32,
        "uint16" | "UInt16" => DataType::UInt16,
        "uint8" | "UInt8" | "u1" => DataType::UInt8,
        "float" | "float64" | "Float64" | "double" | "f" => DataType::Float64,
        "float32" | "Float32" => DataType::Float32,
        "Date" | "date32[day]" => DataType::Date32,
        "Datetime(time_unit='us', time_zone=None)" => DataType::Timestamp(TimeUnit::Microsecond, None),
        other => {
            let kind = other.split(['(', '<', '[']).next().unwrap_or(other);
            return not_offered(format!("type {kind}"));
        }
    })
}

/// All columns as text: for libraries that know no types.
pub(crate) fn as_text(call: &mut Call) {
    call.infer = Infer::None;
    call.keep_empty_strings = true;
}
