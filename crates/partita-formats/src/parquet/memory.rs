//! What compressors hold, which the column writers do not count.

#[cfg(test)]
mod tests;

use parquet::basic::Compression;

/// The smallest page for which [`ZSTD_KIB`] has a column, as a power of two.
const PAGE_SHIFT_MIN: u32 = 10;

/// KiB of a Zstandard context that has compressed pages of up to 1 KiB, 2 KiB, 4 KiB and so on; the last column is for
/// more than 8 MiB. Sizes are what the library says of its contexts.
const ZSTD_KIB: [[u32; 15]; 14] = [
    [37, 49, 73, 120, 214, 214, 298, 538, 570, 570, 570, 570, 570, 570, 570], // 1
    [37, 49, 73, 120, 214, 274, 394, 634, 634, 762, 762, 762, 762, 762, 762], // 2
    [41, 57, 89, 152, 278, 530, 650, 890, 1018, 1274, 1274, 1274, 1274, 1274, 1274], // 3
    [41, 57, 89, 152, 214, 530, 1034, 1530, 1530, 2554, 2554, 2554, 2554, 2554, 2554], // 4
    [41, 57, 89, 152, 214, 466, 906, 1146, 1786, 3066, 3066, 3066, 3066, 3066, 3066], // 5
    [41, 57, 89, 152, 214, 466, 906, 1146, 3066, 3066, 3066, 3066, 3066, 3066, 3066], // 6
    [41, 57, 89, 152, 214, 466, 906, 1146, 3066, 5626, 5626, 5626, 5626, 5626, 5626], // 7, 8
    [45, 65, 105, 184, 278, 466, 906, 1146, 3066, 5626, 10746, 10746, 10746, 10746, 10746], // 9
    [45, 65, 105, 184, 278, 466, 906, 1146, 3066, 5626, 10746, 20986, 20986, 20986, 20986], // 10
    [191, 211, 250, 329, 423, 658, 1290, 1530, 3578, 5626, 10746, 20986, 20986, 20986, 20986], // 11
    [196, 221, 270, 369, 502, 658, 1290, 2042, 4602, 5626, 10746, 20986, 41466, 41466, 41466], // 12
    [196, 221, 270, 369, 502, 803, 1435, 2187, 3723, 8698, 16890, 33274, 33274, 33274, 33274], // 13
    [196, 221, 270, 369, 566, 961, 1750, 2817, 4353, 8698, 16890, 33274, 66042, 66042, 66042], // 14, 15
    [196, 221, 270, 369, 566, 961, 1750, 2817, 5377, 9473, 17665, 34049, 66817, 132353, 656641], // 16 to 22
];

/// A Zstandard writer brings a decompressor along, of which the first page is touched.
const ZSTD_DECODER_BYTES: usize = 8 << 10;

/// Bytes that a column's compressor holds after pages of at most `page_bytes`, raw.
pub(super) fn compressor_bytes(compression: Compression, page_bytes: usize) -> usize {
    match compression {
        Compression::ZSTD(_) if page_bytes == 0 => ZSTD_DECODER_BYTES,
        Compression::ZSTD(level) => {
            let row = match level.compression_level() {
                level @ ..=7 => usize::try_from(level).unwrap_or(1).max(1) - 1,
                8 => 6,
                level @ 9..=13 => level as usize - 2,
                14 | 15 => 12,
                _ => 13,
            };
            let shift =
                page_bytes.next_power_of_two().trailing_zeros().saturating_sub(PAGE_SHIFT_MIN) as usize;
            let columns = &ZSTD_KIB[row];
            ZSTD_DECODER_BYTES + ((columns[shift.min(columns.len() - 1)] as usize) << 10)
        }
        Compression::SNAPPY if page_bytes > 0 => 36 << 10,
        _ => 0,
    }
}

/// What the header of a page tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHead {
    pub(super) is_dictionary: bool,
    /// Bytes before compression.
    pub(super) raw_bytes: usize,
}

/// Reads the beginning of a page's header; `None` where the bytes are no such header.
///
/// A header is a Thrift struct in the compact protocol whose first two fields are numbers: the page's type, and its
/// size before compression.
pub(super) fn page_head(header: &[u8]) -> Option<PageHead> {
    const DICTIONARY_PAGE: u64 = 2;
    let (kind, rest) = next_number(header)?;
    let (raw, _) = next_number(rest)?;
    Some(PageHead { is_dictionary: kind == DICTIONARY_PAGE, raw_bytes: usize::try_from(raw).ok()? })
}

/// The field after the one before, a 32-bit number that is not negative; and the bytes behind it.
fn next_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const NEXT_I32: u8 = 0x15;
    let bytes = bytes.strip_prefix(&[NEXT_I32])?;
    let last = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at(last + 1);
    let zigzag = number.iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((zigzag >> 1, rest))
}
