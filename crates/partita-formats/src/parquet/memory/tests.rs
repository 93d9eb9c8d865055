use parquet::basic::{Compression, ZstdLevel};

use super::{compressor_bytes, page_head};

/// The library itself says what its contexts hold.
#[test]
fn zstd_contexts_are_as_large_as_is_said() {
    let page = vec![b'x'; 5 << 20];
    for level in 1..=22 {
        let said = |bytes| compressor_bytes(Compression::ZSTD(ZstdLevel::try_new(level).unwrap()), bytes);
        for bytes in [1, 500, 1024, 5000, 16 << 10, 40_000, 128 << 10, 131_073, 262_145, 1 << 20, page.len()]
        {
            // High levels take seconds for large pages.
            if level > 12 && bytes > 1 << 20 {
                continue;
            }
            let mut compressor = zstd::bulk::Compressor::new(level).unwrap();
            compressor.compress(&page[..1]).unwrap();
            compressor.compress(&page[..bytes]).unwrap();
            let held = compressor.context_mut().sizeof();
            let said = said(bytes);
            assert!(held <= said, "level {level}, {bytes} bytes: {held} > {said}");
            assert!(said < 2 * held + (700 << 10), "level {level}, {bytes} bytes: {said} for {held}");
        }
    }
}

#[test]
fn headers_tell_kind_and_raw_size() {
    let head = |bytes| page_head(bytes).map(|head| (head.is_dictionary, head.raw_bytes));
    // Types 0 and 2, sizes 1, 100 and 1,048,576.
    assert_eq!(head(&[0x15, 0, 0x15, 2, 0x15, 2]), Some((false, 1)));
    assert_eq!(head(&[0x15, 4, 0x15, 0xc8, 0x01, 0x15]), Some((true, 100)));
    assert_eq!(head(&[0x15, 0, 0x15, 0x80, 0x80, 0x80, 0x01]), Some((false, 1 << 20)));
    for wrong in [&[][..], &[0x15], &[0x15, 0, 0x16, 2], &[0x15, 0, 0x15], &[0x15, 0, 0x15, 0x80, 0x80]] {
        assert_eq!(page_head(wrong), None, "{wrong:?}");
    }
}
