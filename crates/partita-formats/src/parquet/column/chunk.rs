//! What a column chunk says of itself: sizes, statistics and the two indexes.

use std::collections::BTreeSet;
use std::sync::Arc;

use parquet::basic::{BoundaryOrder, Encoding, EncodingMask, PageType, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::statistics::{Statistics as Chunked, ValueStatistics};

use super::Store;
use super::spec::Spec;
use crate::error::Result;
use crate::parquet::bounds;
use crate::parquet::options::Statistics;

/// A page that has been written.
pub(super) struct PageFacts<B> {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) bounds: Option<(B, B)>,
    pub(super) text_bytes: Option<i64>,
    pub(super) encoding: Encoding,
    /// Bytes with the header, before compression and after.
    pub(super) raw_bytes: usize,
    pub(super) bytes: usize,
}

/// The chunk so far.
pub(super) struct Chunk<B> {
    spec: Arc<Spec>,
    /// Bytes of each data page.
    page_bytes: Vec<usize>,
    index: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
    encodings: BTreeSet<Encoding>,
    encoding_counts: Vec<PageEncodingStats>,
    /// Bytes of the dictionary's page, before compression and after.
    dictionary: Option<(usize, usize)>,
    rows: usize,
    nulls: usize,
    raw_bytes: usize,
    bytes: usize,
    text_bytes: Option<i64>,
    bounds: Option<(B, B)>,
    /// Those of the last page that had any.
    last: Option<(B, B)>,
    ascends: bool,
    descends: bool,
}

impl<B: Clone> Chunk<B> {
    pub(super) fn new(spec: &Arc<Spec>) -> Self {
        let mut index = ColumnIndexBuilder::new(spec.descriptor.physical_type());
        if spec.statistics != Statistics::Page {
            index.to_invalid();
        }
        Self {
            spec: Arc::clone(spec),
            page_bytes: Vec::new(),
            index,
            offsets: OffsetIndexBuilder::new(),
            encodings: BTreeSet::from([Encoding::RLE]),
            encoding_counts: Vec::new(),
            dictionary: None,
            rows: 0,
            nulls: 0,
            raw_bytes: 0,
            bytes: 0,
            text_bytes: None,
            bounds: None,
            last: None,
            ascends: true,
            descends: true,
        }
    }

    /// Number of data pages.
    pub(super) fn pages(&self) -> usize {
        self.page_bytes.len()
    }

    /// Whether no data page has been written.
    pub(super) fn is_empty(&self) -> bool {
        self.page_bytes.is_empty()
    }

    /// Bytes of all pages.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes held, beside those that every page counts.
    pub(super) fn memory_bytes<S: Store<Bound = B>>(&self) -> usize {
        let pairs = self.bounds.iter().chain(&self.last);
        pairs.map(|(low, high)| S::bound_memory(low) + S::bound_memory(high)).sum()
    }

    pub(super) fn add_dictionary(&mut self, raw_bytes: usize, bytes: usize) {
        self.encodings.insert(Encoding::PLAIN);
        let count =
            PageEncodingStats { page_type: PageType::DICTIONARY_PAGE, encoding: Encoding::PLAIN, count: 1 };
        self.encoding_counts.insert(0, count);
        self.dictionary = Some((raw_bytes, bytes));
        self.raw_bytes += raw_bytes;
        self.bytes += bytes;
    }

    pub(super) fn add_page<S: Store<Bound = B>>(&mut self, page: PageFacts<B>, store: &S) {
        self.add_index(&page, store);
        self.encodings.insert(page.encoding);
        match self.encoding_counts.last_mut() {
            Some(last) if last.encoding == page.encoding && last.page_type == PageType::DATA_PAGE => {
                last.count += 1;
            }
            _ => self.encoding_counts.push(PageEncodingStats {
                page_type: PageType::DATA_PAGE,
                encoding: page.encoding,
                count: 1,
            }),
        }
        self.page_bytes.push(page.bytes);
        self.rows += page.rows;
        self.nulls += page.nulls;
        self.raw_bytes += page.raw_bytes;
        self.bytes += page.bytes;
        if let Some(bytes) = page.text_bytes.filter(|_| self.spec.statistics != Statistics::None) {
            *self.text_bytes.get_or_insert(0) += bytes;
        }
        if let Some((low, high)) = page.bounds {
            self.widen(&low, &high, store);
            self.last = Some((low, high));
        }
    }

    fn widen<S: Store<Bound = B>>(&mut self, low: &B, high: &B, store: &S) {
        let Some((least, most)) = &mut self.bounds else {
            self.bounds = Some((low.clone(), high.clone()));
            return;
        };
        if store.is_below(low, least) {
            *least = low.clone();
        }
        if store.is_below(most, high) {
            *most = high.clone();
        }
    }

    fn add_index<S: Store<Bound = B>>(&mut self, page: &PageFacts<B>, store: &S) {
        self.offsets.append_row_count(page.rows as i64);
        self.offsets.append_unencoded_byte_array_data_bytes(page.text_bytes);
        if page.nulls == page.rows {
            if self.index.valid() {
                self.index.append(true, Vec::new(), Vec::new(), page.nulls as i64);
            }
        } else if let Some((low, high)) = &page.bounds {
            if let Some((last_low, last_high)) = &self.last {
                self.ascends &= !store.is_below(low, last_low) && !store.is_below(high, last_high);
                self.descends &= !store.is_below(last_low, low) && !store.is_below(last_high, high);
            }
            if self.index.valid() {
                let (low, high) = (S::bound_bytes(low), S::bound_bytes(high));
                let (low, high) = match self.spec.descriptor.physical_type() {
                    Type::BYTE_ARRAY => {
                        (bounds::lower(&low, self.spec.is_text).0, bounds::upper(&high, self.spec.is_text).0)
                    }
                    _ => (low.into_owned(), high.into_owned()),
                };
                self.index.append(false, low, high, page.nulls as i64);
            }
        } else {
            // Nothing but NaN: no bounds can be told, and the index has no word for that.
            self.index.to_invalid();
        }
        self.index.append_histograms(&None, &self.histogram(page.rows, page.nulls));
    }

    /// How many rows have a value and how many have none.
    fn histogram(&self, rows: usize, nulls: usize) -> Option<LevelHistogram> {
        if self.spec.statistics == Statistics::None {
            return None;
        }
        let mut histogram = LevelHistogram::try_new(self.spec.descriptor.max_def_level())?;
        histogram.increment_by(0, nulls as i64);
        histogram.increment_by(1, (rows - nulls) as i64);
        Some(histogram)
    }

    /// What the file's writer needs to know.
    pub(super) fn close<S: Store<Bound = B>>(mut self) -> Result<ColumnCloseResult> {
        let start = self.dictionary.map_or(0, |(_, bytes)| bytes);
        let mut offset = start;
        for &bytes in &self.page_bytes {
            let page = i32::try_from(bytes).map_err(|_| too_large(bytes))?;
            self.offsets.append_offset_and_size(offset as i64, page);
            offset += bytes;
        }
        let order = match (self.ascends, self.descends) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        };
        self.index.set_boundary_order(order);
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(&self.spec.descriptor))
            .set_compression(self.spec.compression)
            .set_encodings_mask(EncodingMask::new_from_encodings(self.encodings.iter()))
            .set_page_encoding_stats(std::mem::take(&mut self.encoding_counts))
            .set_total_compressed_size(self.bytes as i64)
            .set_total_uncompressed_size(self.raw_bytes as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(start as i64)
            .set_dictionary_page_offset(self.dictionary.map(|_| 0));
        if self.spec.statistics != Statistics::None {
            let range = self.bounds.as_ref().map(|(low, high)| (S::bound_bytes(low), S::bound_bytes(high)));
            let range = range.as_ref().map(|(low, high)| (&**low, &**high));
            metadata = metadata
                .set_statistics(statistics(&self.spec, range, self.nulls as u64)?)
                .set_unencoded_byte_array_data_bytes(self.text_bytes)
                .set_definition_level_histogram(self.histogram(self.rows, self.nulls));
        }
        Ok(ColumnCloseResult {
            bytes_written: self.bytes as u64,
            rows_written: self.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: if self.index.valid() { Some(self.index.build()?) } else { None },
            offset_index: Some(self.offsets.build()),
        })
    }
}

fn too_large(bytes: usize) -> ParquetError {
    ParquetError::General(format!("a page of {bytes} bytes: expected less than 2 GiB"))
}

/// The statistics of a chunk, from bounds as they are written.
fn statistics(spec: &Spec, bounds: Option<(&[u8], &[u8])>, nulls: u64) -> Result<Chunked> {
    /// Numbers of `N` bytes.
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {{
            let number = |bytes: &[u8]| bytes.try_into().ok().map(<$type>::from_le_bytes);
            let (low, high) = match bounds {
                Some((low, high)) => (number(low), number(high)),
                None => (None, None),
            };
            Chunked::$variant(with_order(ValueStatistics::new(low, high, None, Some(nulls), false), spec))
        }};
    }
    Ok(match spec.descriptor.physical_type() {
        Type::INT32 => numbers!(Int32, i32),
        Type::INT64 => numbers!(Int64, i64),
        Type::FLOAT => numbers!(Float, f32),
        Type::DOUBLE => numbers!(Double, f64),
        Type::BOOLEAN => {
            let flag = |bytes: &[u8]| bytes.first().map(|&bit| bit == 1);
            let low = bounds.and_then(|(low, _)| flag(low));
            let high = bounds.and_then(|(_, high)| flag(high));
            Chunked::Boolean(with_order(ValueStatistics::new(low, high, None, Some(nulls), false), spec))
        }
        Type::BYTE_ARRAY => {
            let Some((low, high)) = bounds else {
                let none = ValueStatistics::new(None, None, None, Some(nulls), false);
                return Ok(Chunked::ByteArray(with_order(none, spec)));
            };
            let (low, low_is_cut) = bounds::lower(low, spec.is_text);
            let (high, high_is_cut) = bounds::upper(high, spec.is_text);
            let text = |bytes: Vec<u8>| Some(ByteArray::from(bytes));
            let is_signed = spec.descriptor.sort_order().is_signed();
            let statistics = ValueStatistics::new(text(low), text(high), None, Some(nulls), is_signed);
            Chunked::ByteArray(statistics.with_min_is_exact(!low_is_cut).with_max_is_exact(!high_is_cut))
        }
        other => return Err(ParquetError::General(format!("no statistics of {other}")).into()),
    })
}

/// Old readers compare as signed numbers: the fields that they know are written only where that is right.
fn with_order<T>(statistics: ValueStatistics<T>, spec: &Spec) -> ValueStatistics<T> {
    statistics.with_backwards_compatible_min_max(spec.descriptor.sort_order().is_signed())
}
