//! What counts as a value in one column: nulls, words, formats.

use super::super::dialect::Dialect;
use super::super::options::ReadOptions;
use super::super::reader::{ColumnSpec, CsvBlock};
use super::super::split;
use super::super::text::Encoding;
use super::super::value::{BoolWords, Manner, Numbers, Pattern};
use super::{Chunk, Misfit, Span};
use crate::error::{ErrorKind, Result};
use crate::simd::decode::Kernels;

/// Texts that are null.
#[derive(Debug, Clone, Default)]
pub(crate) struct NullTexts {
    texts: Vec<Box<[u8]>>,
    /// Bit n: a text of n bytes is among them; bit 63: one of 63 or more.
    lengths: u64,
}

impl NullTexts {
    pub(crate) fn new(texts: &[String]) -> Self {
        let lengths = texts.iter().fold(0, |lengths, text| lengths | 1 << text.len().min(63));
        Self { texts: texts.iter().map(|text| text.as_bytes().into()).collect(), lengths }
    }

    #[inline]
    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        self.lengths >> text.len().min(63) & 1 != 0 && self.texts.iter().any(|null| **null == *text)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(|text| &**text)
    }
}

/// One field on the slow way.
pub(crate) enum Slow<'a> {
    /// It is missing, or says so.
    Null,
    /// It has this text: unquoted, unescaped, trimmed, in the bytes of the file.
    Text(&'a [u8]),
}

/// How the fields of one column are read.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) dialect: Dialect,
    pub(crate) encoding: Encoding,
    pub(crate) nulls: NullTexts,
    /// An empty field without quotes is a value, of text.
    pub(crate) keeps_empty: bool,
    /// The quote, where neither it nor the escape is a byte of numbers, times or truth values: then what stands between two
    /// of them is the value, if it looks like one.
    pub(crate) quote: Option<u8>,
    pub(crate) kernels: Kernels,
    manner: Manner,
    scratch: Vec<u8>,
}

fn safe_quote(dialect: &Dialect, manner: &Manner) -> Option<u8> {
    let may_mean = |byte: u8| {
        b"+-.: ".contains(&byte)
            || byte.is_ascii_alphanumeric()
            || byte == manner.numbers.decimal
            || manner.words.iter().any(|(text, _)| text.contains(&byte))
    };
    dialect.quote.filter(|quote| !may_mean(*quote) && !dialect.escape.is_some_and(may_mean))
}

impl Rules {
    pub(crate) fn new(block: &CsvBlock, spec: &ColumnSpec, kernels: Kernels) -> Result<Self> {
        let pattern = spec.format.as_deref().map(Pattern::new).transpose();
        let pattern =
            pattern.map_err(|message| ErrorKind::Options(format!("column {:?}: {message}", spec.name)))?;
        let manner = Manner {
            words: BoolWords::new(&block.true_values, &block.false_values),
            numbers: block.numbers,
            pattern,
        };
        Ok(Self {
            dialect: block.dialect.clone(),
            encoding: block.encoding,
            nulls: NullTexts::new(&spec.null_values),
            keeps_empty: block.keep_empty_strings,
            quote: safe_quote(&block.dialect, &manner),
            kernels,
            manner,
            scratch: Vec::new(),
        })
    }

    /// The rules of a column before its type is known, for inference.
    pub(crate) fn for_inference(options: &ReadOptions, dialect: &Dialect, name: &str) -> Result<Self> {
        let pattern = options.date_format(name).map(Pattern::new).transpose();
        let manner = Manner {
            words: BoolWords::new(&options.true_values, &options.false_values),
            numbers: options.numbers(),
            pattern: pattern.map_err(|message| ErrorKind::Options(format!("column {name:?}: {message}")))?,
        };
        Ok(Self {
            dialect: dialect.clone(),
            encoding: options.encoding,
            nulls: NullTexts::new(&options.nulls_of(name)),
            keeps_empty: options.keep_empty_strings,
            quote: safe_quote(dialect, &manner),
            kernels: Kernels::new(),
            manner,
            scratch: Vec::new(),
        })
    }

    pub(crate) fn words(&self) -> &BoolWords {
        &self.manner.words
    }

    pub(crate) fn pattern(&self) -> Option<&Pattern> {
        self.manner.pattern.as_ref()
    }

    pub(crate) fn numbers(&self) -> Numbers {
        self.manner.numbers
    }

    pub(crate) fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Whether a field, without its quotes, plainly is a word for null: most that are no values are.
    #[inline]
    pub(crate) fn says_null(&self, bytes: &[u8], (start, len): (u32, u32)) -> bool {
        let (start, len) = (start as usize, len as usize);
        !self.dialect.trim && bytes.get(start..start + len).is_some_and(|text| self.nulls.contains(text))
    }

    /// The text of a field in a column that is not of text: empty is null, quoted or not.
    pub(crate) fn value<'a>(&'a mut self, bytes: &'a [u8], span: Span) -> Slow<'a> {
        if span.is_missing() || span.len() == 0 {
            return Slow::Null;
        }
        let (raw, escaped) = span.raw(bytes);
        let value = split::value(&self.dialect, raw, escaped, &mut self.scratch);
        if value.bytes.is_empty() || self.nulls.contains(value.bytes) {
            return Slow::Null;
        }
        Slow::Text(value.bytes)
    }

    /// The text of a field in a column of text: empty is null unless it is quoted or empty strings are kept.
    pub(crate) fn text<'a>(&'a mut self, bytes: &'a [u8], span: Span) -> Slow<'a> {
        if span.is_missing() {
            return Slow::Null;
        }
        let (raw, escaped) = span.raw(bytes);
        let value = split::value(&self.dialect, raw, escaped, &mut self.scratch);
        let null_if_empty = !value.quoted && !self.keeps_empty;
        if value.bytes.is_empty() && null_if_empty || self.nulls.contains(value.bytes) {
            return Slow::Null;
        }
        Slow::Text(value.bytes)
    }

    /// A field that does not fit.
    pub(crate) fn misfit(&mut self, chunk: &Chunk<'_>, span: Span, row: u32, not_text: bool) -> Misfit {
        const SHOWN_BYTES: usize = 1 << 10;
        let (raw, escaped) = span.raw(chunk.bytes);
        let value = split::value(&self.dialect, raw, escaped, &mut self.scratch);
        let text = value.bytes[..value.bytes.len().min(SHOWN_BYTES)].to_vec();
        Misfit { row, start: span.start, text, not_text }
    }
}
