//! Types of columns from lines that were looked at.
//!
//! What the values of a key look like is a set that only grows, so that files and places may be looked at in any order; the type
//! follows from it alone. Columns are in the order in which their keys were met.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::block::NdjsonBlock;
use super::error::Fault;
use super::json::{Cursor, Kind, Parsed};
use super::reader::Feed;
use crate::csv::infer::kinds::{Kinds, whole_number};
use crate::csv::infer::splitmix;
use crate::csv::options::Infer;
use crate::csv::reader::Buffer;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;
use std::ops::Range;

/// Keys of all objects together: with more of them, objects are not rows but maps.
const KEYS_MAX: usize = 1 << 16;

/// Arrays and objects within each other that become columns within columns; what is deeper is text.
const DEPTH_MAX: usize = 32;

/// What lines look like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shapes(Members);

/// What the values of a key look like.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shape {
    /// Of values that are neither arrays nor objects.
    kinds: Kinds,
    /// Of the items of arrays.
    items: Option<Box<Shape>>,
    members: Option<Members>,
}

/// Keys, and what their values look like.
#[derive(Debug, Clone, Default, PartialEq)]
struct Members {
    shapes: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

impl Members {
    fn shape(&mut self, key: &str) -> &mut Shape {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                self.places.insert(key.to_owned(), self.shapes.len());
                self.shapes.push((key.to_owned(), Shape::default()));
                self.shapes.len() - 1
            }
        };
        &mut self.shapes[place].1
    }

    fn merge(&mut self, other: &Members) {
        for (key, shape) in &other.shapes {
            self.shape(key).merge(shape);
        }
    }

    fn fields(&self) -> Vec<Field> {
        self.shapes.iter().map(|(key, shape)| Field::new(key, shape.data_type(), true)).collect()
    }

    fn keys(&self) -> usize {
        self.shapes.iter().map(|(_, shape)| 1 + shape.keys()).sum()
    }

    fn look(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<()> {
        cursor.members(|cursor, key, _| self.shape(key).look(cursor, depth))
    }
}

impl Shape {
    fn merge(&mut self, other: &Shape) {
        self.kinds = self.kinds.union(other.kinds);
        if let Some(items) = &other.items {
            self.items.get_or_insert_default().merge(items);
        }
        if let Some(members) = &other.members {
            self.members.get_or_insert_default().merge(members);
        }
    }

    fn keys(&self) -> usize {
        self.items.as_ref().map_or(0, |items| items.keys())
            + self.members.as_ref().map_or(0, |members| members.keys())
    }

    fn data_type(&self) -> DataType {
        match (&self.items, &self.members) {
            (None, None) => self.kinds.data_type(),
            (Some(items), None) if self.kinds == Kinds::NONE => {
                DataType::List(Arc::new(Field::new("item", items.data_type(), true)))
            }
            (None, Some(members)) if self.kinds == Kinds::NONE && !members.shapes.is_empty() => {
                DataType::Struct(members.fields().into())
            }
            _ => DataType::Utf8View,
        }
    }

    /// Whether it is text whatever follows.
    fn is_settled(&self) -> bool {
        self.kinds.intersects(Kinds::TEXT)
    }

    fn look(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<()> {
        let start = cursor.at;
        let kinds = match cursor.kind()? {
            Kind::Null => Kinds::NONE,
            Kind::Bool(_) => Kinds::BOOLEAN,
            Kind::Number => {
                let (number, is_whole) = cursor.number()?;
                let whole = if is_whole { whole_number(number.as_bytes()) } else { None };
                whole.unwrap_or(Kinds::FLOAT)
            }
            Kind::Array if depth < DEPTH_MAX && !self.is_settled() => {
                let items = self.items.get_or_insert_default();
                return cursor.items(|cursor| items.look(cursor, depth + 1));
            }
            Kind::Object if depth < DEPTH_MAX && !self.is_settled() => {
                return self.members.get_or_insert_default().look(cursor, depth + 1);
            }
            Kind::String | Kind::Array | Kind::Object => {
                cursor.at = start;
                cursor.skip(0)?;
                Kinds::TEXT
            }
        };
        self.kinds = self.kinds.union(kinds);
        Ok(())
    }
}

impl Shapes {
    /// What the lines of a file look like, or those of them that `infer` says: of its head, and, where it is not compressed, of places
    /// all over it.
    ///
    /// # Errors
    /// Where the store fails, the compressed data are broken, a line is no object of JSON, or there are too many keys;
    /// [`ErrorKind::Window`] where a compressed file takes more memory than `decoder_bytes`.
    pub fn of_file(
        block: &NdjsonBlock,
        input: &Arc<dyn ReadAt>,
        infer: Infer,
        decoder_bytes: usize,
    ) -> Result<Self> {
        let mut lines = Lines { block, input, shapes: Self::default(), decoder_bytes };
        match infer {
            Infer::Full => lines.look(0..u64::MAX)?,
            // Which keys there are has to be known whatever the types are.
            Infer::None => lines.look(0..1)?,
            Infer::Sample { head_bytes, places, place_bytes } => {
                let (head, place_bytes) = (head_bytes as u64, place_bytes as u64);
                let all = head.saturating_add(place_bytes.saturating_mul(places as u64));
                if !block.is_stream() && input.len() <= all {
                    lines.look(0..u64::MAX)?;
                } else {
                    lines.look(0..head.max(1))?;
                    if !block.is_stream() {
                        lines.look_around(head, places, place_bytes)?;
                    }
                }
            }
        }
        Ok(lines.shapes)
    }

    /// Takes in what was seen elsewhere.
    pub fn merge(&mut self, other: &Shapes) {
        self.0.merge(&other.0);
    }

    /// The columns: those of `types` have those, others what was seen, or text where `infer` is [`Infer::None`]. Types that no key was
    /// met for are columns too.
    pub fn schema(&self, types: &[(String, DataType)], infer: Infer) -> SchemaRef {
        let given =
            |name: &str| types.iter().find(|(given, _)| given == name).map(|(_, known)| known.clone());
        let field = |field: Field| match given(field.name()) {
            Some(known) => field.with_data_type(known),
            None if infer == Infer::None => field.with_data_type(DataType::Utf8View),
            None => field,
        };
        let mut fields: Vec<Field> = self.0.fields().into_iter().map(field).collect();
        for (name, data_type) in types {
            if !fields.iter().any(|field| field.name() == name) {
                fields.push(Field::new(name, data_type.clone(), true));
            }
        }
        Arc::new(Schema::new(fields))
    }
}

/// The lines of one file.
struct Lines<'a> {
    block: &'a NdjsonBlock,
    input: &'a Arc<dyn ReadAt>,
    shapes: Shapes,
    decoder_bytes: usize,
}

impl Lines<'_> {
    /// Places spread by a fixed sequence, and the end of the file: the same file gives the same types.
    fn look_around(&mut self, begin: u64, places: usize, place_bytes: u64) -> Result<()> {
        let len = self.input.len();
        let last = len.saturating_sub(place_bytes).max(begin);
        let mut random = len;
        for place in 0..places {
            let at = if place == 0 { last } else { begin + splitmix(&mut random) % (last - begin).max(1) };
            // The line that is cut at the end is not read to its end.
            let end = at.saturating_add(place_bytes).min(len);
            self.look_within(at, end)?;
        }
        Ok(())
    }

    /// Whole lines between two places.
    fn look_within(&mut self, from: u64, to: u64) -> Result<()> {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        let failed = |source| ErrorKind::Io { file: self.block.file.clone(), source };
        let got = self.input.read_full_at(from, &mut bytes).map_err(failed)?;
        let Some(first) = memchr::memchr(b'\n', &bytes[..got]) else { return Ok(()) };
        let is_end = from + got as u64 >= self.input.len();
        let end = if is_end { got } else { memchr::memrchr(b'\n', &bytes[..got]).map_or(first, |end| end) };
        let start = first + 1;
        if end > start { self.look_at(&bytes[start..end], from + start as u64) } else { Ok(()) }
    }

    /// The lines that begin in a range from the beginning of the file.
    fn look(&mut self, range: Range<u64>) -> Result<()> {
        let block = self.block;
        let mut feed = Feed::new(block, self.input, 0)?;
        if let Feed::Decoder(decoder) = &mut feed {
            decoder.allow(self.decoder_bytes);
        }
        let chunk = usize::try_from(range.end)
            .unwrap_or(usize::MAX)
            .clamp(4 << 10, block.limits.chunk_bytes.max(4 << 10));
        let mut buffer = Buffer::new(chunk, 0);
        let mut ended = false;
        let mut has_row = false;
        loop {
            let window = buffer.window();
            let whole =
                if ended { window.len() } else { memchr::memrchr(b'\n', window).map_or(0, |end| end + 1) };
            if whole > 0 {
                let place = buffer.place();
                let mark = if place == 0 && window.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
                self.look_at(&buffer.window()[mark..whole], place + mark as u64)?;
                has_row |= window_has_row(&buffer.window()[mark..whole]);
                buffer.consume(whole);
            }
            if ended || has_row && buffer.end_place() >= range.end {
                return Ok(());
            }
            if buffer.window().len() > block.limits.line_bytes_max {
                // The reader of the file says so.
                return Ok(());
            }
            ended = buffer
                .refill(block.limits.line_bytes_max.saturating_add(1), |out| feed.read(&block.file, out))?;
        }
    }

    fn look_at(&mut self, lines: &[u8], place: u64) -> Result<()> {
        let Ok(text) = simdutf8::basic::from_utf8(lines) else {
            let message = format!(
                "a line from byte {place} on is not UTF-8, which JSON has to be; convert the file, as with iconv"
            );
            return Err(ErrorKind::Malformed { file: self.block.file.clone(), message }.into());
        };
        let mut at = place;
        for line in text.split('\n') {
            if let Err(fault) = self.line(line) {
                return Err(fault.told(&self.block.file, None, at, line.as_bytes()));
            }
            at += line.len() as u64 + 1;
        }
        if self.shapes.0.keys() > KEYS_MAX {
            let message = format!(
                "more than {KEYS_MAX} different keys: its objects are maps and no rows; name the columns and their types with \
                 dtype (--dtype) and infer(Infer::None) (--infer none)"
            );
            return Err(ErrorKind::Malformed { file: self.block.file.clone(), message }.into());
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Parsed<()> {
        let mut cursor = Cursor::new(line);
        cursor.skip_blanks();
        if cursor.at == line.len() {
            return Ok(());
        }
        let start = cursor.at;
        match cursor.kind() {
            Ok(Kind::Object) => {}
            _ => return Err(Fault::syntax(start, "an object")),
        }
        self.shapes.0.look(&mut cursor, 0)?;
        cursor.end()
    }
}

fn window_has_row(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| !byte.is_ascii_whitespace())
}
