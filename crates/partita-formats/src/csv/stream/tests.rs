use std::io::Write;

use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;
use proptest::prelude::*;

use super::*;

fn decoder(bytes: &[u8], compression: Compression) -> Decoder {
    Decoder::new(Arc::new(bytes.to_vec()), "a.csv.z", compression.into()).unwrap()
}

/// Everything before `compressed_end`, read `size` bytes at a time.
fn read_to(decoder: &mut Decoder, compressed_end: u64, size: usize, all: &mut Vec<u8>) -> Result<()> {
    let mut out = vec![0; size];
    loop {
        let count = decoder.read(&mut out, compressed_end)?;
        if count == 0 {
            return Ok(());
        }
        all.extend_from_slice(&out[..count]);
        assert_eq!(decoder.delivered(), all.len() as u64);
        assert!(decoder.position() <= compressed_end);
    }
}

fn read_all(bytes: &[u8], compression: Compression) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    read_to(&mut decoder(bytes, compression), u64::MAX, 100_000, &mut all)?;
    Ok(all)
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8], level: i32) -> Vec<u8> {
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), level).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip(bytes: &[u8], level: u8) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::new(u32::from(level)));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8], level: u8) -> Vec<u8> {
    let mut encoder = XzEncoder::new(Vec::new(), u32::from(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PACKED: [Compression; 4] = [Compression::Gzip, Compression::Zstd, Compression::Bz2, Compression::Xz];

const ALL: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Bz2, Compression::Xz];

fn compress(bytes: &[u8], compression: Compression, level: u8) -> Vec<u8> {
    match compression {
        Compression::Bz2 => bzip(bytes, level),
        Compression::Xz => xz(bytes, level),
        Compression::Gzip => gzip(bytes, u32::from(level)),
        Compression::Zstd => zstandard(bytes, i32::from(level)),
        Compression::None => bytes.to_vec(),
    }
}

/// Text that compresses, with stretches that do not.
fn mixed(bytes: usize) -> Vec<u8> {
    let mut seed = 1u64;
    let mut out = Vec::new();
    while out.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (out.len() >> 16) % 2 == 0 {
            out.extend_from_slice(format!("{},2020-01-01,fare,{}\n", seed >> 50, seed >> 60).as_bytes());
        } else {
            out.extend_from_slice(&seed.to_le_bytes());
        }
    }
    out
}

/// Reads at all `cuts` in turn, and compares what each delivers with one decoder that goes there at once.
fn check_cuts(packed: &[u8], compression: Compression, cuts: &[u64], sizes: &[usize]) -> Vec<u8> {
    let mut stepwise = decoder(packed, compression);
    let mut all = Vec::new();
    for (&cut, &size) in cuts.iter().zip(sizes.iter().cycle()) {
        read_to(&mut stepwise, cut, size, &mut all).unwrap();
        let mut direct = Vec::new();
        read_to(&mut decoder(packed, compression), cut, 1 << 16, &mut direct).unwrap();
        assert!(all == direct, "at {cut}: {} and {} bytes", all.len(), direct.len());
    }
    read_to(&mut stepwise, u64::MAX, 777, &mut all).unwrap();
    all
}

#[test]
fn recognises_magic_bytes() {
    assert_eq!(detect(&gzip(b"a", 6)), Compression::Gzip);
    assert_eq!(detect(&zstandard(b"a", 3)), Compression::Zstd);
    assert_eq!(detect(b"\x52\x2A\x4D\x18\0\0\0\0"), Compression::Zstd);
    assert_eq!(detect(&bzip(b"a", 6)), Compression::Bz2);
    assert_eq!(detect(&bzip(b"", 1)), Compression::Bz2);
    assert_eq!(detect(&xz(b"a", 6)), Compression::Xz);
    assert_eq!(detect(b"BZh91AY&SY"), Compression::Bz2);
    assert_eq!(detect(b"BZh9\x17\x72\x45\x38\x50\x90"), Compression::Bz2);
    assert_eq!(detect(b"\xFD7zXZ\0\0\x04"), Compression::Xz);
    for text in [&b""[..], b"a,b\n", b"BZh1,x\n1,2", b"\x1F\x8B", b"\x28\xB5\x2F"] {
        assert_eq!(detect(text), Compression::None);
    }
}

#[test]
fn any_cuts_give_the_same_bytes() {
    let plain = mixed(700_000);
    for compression in ALL {
        let packed =
            [compress(&plain[..300_000], compression, 1), compress(&plain[300_000..], compression, 9)]
                .concat();
        for step in [9_973, 65_536, 131_072, 200_000] {
            let cuts: Vec<u64> = (1..=packed.len() as u64 / step).map(|cut| cut * step).collect();
            assert!(check_cuts(&packed, compression, &cuts, &[3_001, 100, 1 << 20, 65_537]) == plain);
        }
    }
}

#[test]
fn asking_again_does_no_harm() {
    let plain = mixed(100_000);
    for compression in ALL {
        let packed = compress(&plain, compression, 3);
        let (mut decoder, mut all) = (decoder(&packed, compression), Vec::new());
        for end in [0, 3, packed.len() as u64 / 2, u64::MAX] {
            for _ in 0..100 {
                read_to(&mut decoder, end, 1 << 20, &mut all).unwrap();
                assert_eq!(decoder.read(&mut [], end).unwrap(), 0);
            }
        }
        assert!(all == plain);
    }
}

#[test]
fn headers_with_everything() {
    let mut encoder = GzBuilder::new()
        .extra(b"extra".to_vec())
        .filename("a.csv")
        .comment("none")
        .mtime(1)
        .write(Vec::new(), Level::fast());
    encoder.write_all(b"a,b\n").unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(read_all(&packed, Compression::Gzip).unwrap(), b"a,b\n");
    let mut with_crc = gzip(b"a,b\n", 6);
    with_crc[3] = 2;
    let mut crc = flate2::Crc::new();
    crc.update(&with_crc[..10]);
    with_crc.splice(10..10, (crc.sum() as u16).to_le_bytes());
    assert_eq!(read_all(&with_crc, Compression::Gzip).unwrap(), b"a,b\n");
    with_crc[10] ^= 1;
    let error = read_all(&with_crc, Compression::Gzip).unwrap_err().to_string();
    assert_eq!(error, "a.csv.z: compressed byte 11: the checksum of the gzip header is wrong");
}

#[test]
fn skippable_frames_are_skipped() {
    let packed =
        [b"\x50\x2A\x4D\x18\x03\0\0\0abc", &*zstandard(b"a,b\n", 3), b"\x5F\x2A\x4D\x18\0\0\0\0"].concat();
    assert_eq!(read_all(&packed, Compression::Zstd).unwrap(), b"a,b\n");
}

#[test]
fn a_window_too_large_is_refused() {
    // A frame of one byte that asks for a window of 256 MiB.
    let packed = b"\x28\xB5\x2F\xFD\x00\x90\x09\x00\x00a";
    let error = read_all(packed, Compression::Zstd).unwrap_err().to_string();
    assert!(error.starts_with("a.csv.z: compressed byte "), "{error}");
    assert!(error.contains("a window of 268435456 bytes; at most 134217728 are read"), "{error}");
}

#[test]
fn garbage_behind_the_stream_is_refused() {
    for compression in PACKED {
        let mut packed = compress(b"a,b\n", compression, 3);
        let end = packed.len();
        packed.extend_from_slice(b"garbage");
        let error = read_all(&packed, compression).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Malformed { .. }));
        assert!(error.to_string().contains(&format!("compressed byte {end}")), "{error}");
    }
}

#[test]
fn truncated_and_corrupted_streams_are_refused() {
    let plain = mixed(3_000);
    for compression in PACKED {
        let packed = compress(&plain, compression, 6);
        for end in 0..packed.len() {
            let error = read_all(&packed[..end], compression).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{compression:?} {end}: {error}");
        }
        for at in 0..packed.len() {
            let mut broken = packed.clone();
            broken[at] ^= 0x10;
            match read_all(&broken, compression) {
                // Times and names in a header may be anything.
                Ok(found) => assert!(found == plain, "{compression:?}: byte {at} is not noticed"),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Malformed { .. })),
            }
        }
    }
}

/// One frame, whose window has `log` bits.
fn windowed(bytes: &[u8], log: u32) -> Vec<u8> {
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(log).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn memory_is_asked_for_before_it_is_taken() {
    let frames = [windowed(b"a,b\n", 20), windowed(&mixed(3 << 20), 21), windowed(b"1,2\n", 10)];
    let packed = frames.concat();
    let need = |log: u32| SLICE_BYTES + (640 << 10) + (1 << log);
    assert_eq!(memory_bytes(&packed[..MAGIC_BYTES]), need(20));
    for slice in [1, 777, 1 << 20] {
        let mut decoder = decoder(&packed, Compression::Zstd);
        decoder.allow(0);
        let (mut all, mut asked, mut out) = (Vec::new(), Vec::new(), vec![0; slice]);
        loop {
            match decoder.read(&mut out, u64::MAX) {
                Ok(0) => break,
                Ok(count) => all.extend_from_slice(&out[..count]),
                Err(error) => {
                    let ErrorKind::Window { bytes, .. } = error.kind() else { panic!("{error}") };
                    asked.push(*bytes);
                    decoder.allow(*bytes);
                }
            }
        }
        assert!(all == [b"a,b\n", &*mixed(3 << 20), b"1,2\n"].concat());
        assert_eq!(asked, [need(20), need(21)]);
    }
}

#[test]
fn heads_of_frames_are_read_as_they_are_written() {
    use super::zstd::{Head, read_head};
    // All of it in one segment: the size is the window. (RFC 8878, 3.1.1.1)
    for (bytes, window) in [(4_usize, 4), (300, 300), (70_000, 70_000)] {
        let packed = ::zstd::bulk::compress(&vec![b'a'; bytes], 1).unwrap();
        let Head::Complete(memory) = read_head(&packed) else { panic!("no head: {packed:?}") };
        assert_eq!(memory, window + (640 << 10));
        let length =
            (0..packed.len()).find(|&length| matches!(read_head(&packed[..length]), Head::Complete(_)));
        assert!(length.unwrap() <= MAGIC_BYTES);
    }
    assert_eq!(
        read_head(b"\x28\xB5\x2F\xFD\x00\x0B"),
        Head::Complete((2 << 10) + (2 << 10) / 8 * 3 + (640 << 10))
    );
    assert_eq!(read_head(b"\x28\xB5\x2F\xFD\xE3"), Head::Longer(17));
    assert_eq!(read_head(b"\x28\xB5\x2F\xFC"), Head::Wrong);
    assert_eq!(read_head(b"\x53\x2A\x4D\x18\x00"), Head::Longer(8));
    let huge = [&b"\x28\xB5\x2F\xFD\xE0"[..], &[0xFF; 8]].concat();
    assert_eq!(read_head(&huge), Head::Complete(u64::MAX));
    let error = read_all(&[&huge[..], &[0; 20]].concat(), Compression::Zstd).unwrap_err().to_string();
    assert!(error.contains("at most 134217728 are read"), "{error}");
}

#[test]
fn many_members_are_one_stream() {
    for compression in PACKED {
        // Each stream of the others takes megabytes and gives them back.
        let members = if matches!(compression, Compression::Bz2 | Compression::Xz) { 3_000 } else { 100_000 };
        let packed = compress(b"1\n", compression, 1).repeat(members);
        let mut decoder = decoder(&packed, compression);
        decoder.allow(4 << 20);
        let mut all = Vec::new();
        read_to(&mut decoder, u64::MAX, 5000, &mut all).unwrap();
        assert!(all == b"1\n".repeat(members));
    }
}

#[test]
fn xz_with_everything() {
    let plain = mixed(300_000);
    for check in [Check::None, Check::Crc32, Check::Crc64, Check::Sha256] {
        let mut options = LzmaOptions::new_preset(1).unwrap();
        options.dict_size(1 << 18);
        let mut filters = Filters::new();
        filters.delta_properties(&[0]).unwrap().x86().lzma2(&options);
        let stream = Stream::new_stream_encoder(&filters, check).unwrap();
        let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
        for block in plain.chunks(50_000) {
            encoder.write_all(block).unwrap();
            encoder.flush().unwrap();
        }
        let packed = encoder.finish().unwrap();
        let padded = [&packed[..], &[0; 8], &xz(b"", 0), &packed, &[0; 4]].concat();
        let cuts: Vec<u64> = (1..=padded.len() as u64 / 9_973).map(|cut| cut * 9_973).collect();
        assert!(
            check_cuts(&padded, Compression::Xz, &cuts, &[3_001, 1 << 20]) == [&plain[..], &plain].concat()
        );
        for zeros in [1, 2, 3, 5] {
            let odd = [&packed[..], &vec![0; zeros], &packed].concat();
            let error = read_all(&odd, Compression::Xz).unwrap_err().to_string();
            let place =
                format!("compressed byte {}: expected the end or another xz stream", packed.len() + zeros);
            assert!(error.contains(&place), "{error}");
            let error = read_all(&[&packed[..], &vec![0; zeros]].concat(), Compression::Xz).unwrap_err();
            assert!(error.to_string().contains("in the middle of the stream"), "{error}");
        }
    }
}

/// One stream, whose dictionary has `bytes`.
fn with_dictionary(plain: &[u8], bytes: u32) -> Vec<u8> {
    let mut options = LzmaOptions::new_preset(0).unwrap();
    options.dict_size(bytes);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32).unwrap();
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_dictionary_too_large_is_refused() {
    let mut packed = with_dictionary(b"a,b\n", 1 << 20);
    // The byte of the dictionary's size in the head of the block, and the head's checksum. (Format, 3.1 and 5.3.1)
    let head = &mut packed[12..24];
    assert_eq!(head[..5], [2, 0, 0x21, 1, 16]);
    head[4] = 31;
    let mut crc = flate2::Crc::new();
    crc.update(&head[..8]);
    head[8..].copy_from_slice(&crc.sum().to_le_bytes());
    let error = read_all(&packed, Compression::Xz).unwrap_err().to_string();
    assert!(
        error.starts_with("a.csv.z: compressed byte 24: an xz block with a dictionary of about 20"),
        "{error}"
    );
    assert!(error.contains("at most 134217728 are read: decompress it first"), "{error}");
    assert_eq!(memory_bytes(&packed), SLICE_BYTES);
}

/// Reads all, allowing what is asked for; returns what was asked for.
fn read_asking(packed: &[u8], compression: Compression, slice: usize) -> (Vec<u8>, Vec<usize>) {
    let mut decoder = decoder(packed, compression);
    decoder.allow(0);
    let (mut all, mut asked, mut out) = (Vec::new(), Vec::new(), vec![0; slice]);
    loop {
        match decoder.read(&mut out, u64::MAX) {
            Ok(0) => return (all, asked),
            Ok(count) => all.extend_from_slice(&out[..count]),
            Err(error) => {
                let ErrorKind::Window { bytes, .. } = error.kind() else { panic!("{error}") };
                assert!(decoder.memory_bytes() < *bytes);
                asked.push(*bytes);
                decoder.allow(*bytes);
            }
        }
        assert!(asked.last().is_none_or(|asked| decoder.memory_bytes() <= *asked));
    }
}

#[test]
fn dictionaries_are_asked_for_before_they_are_taken() {
    let packed = [
        with_dictionary(b"a,b\n", 1 << 16),
        with_dictionary(&mixed(3 << 20), 1 << 21),
        with_dictionary(b"1,2\n", 1 << 20),
    ];
    for slice in [1, 777, 1 << 20] {
        let (all, asked) = read_asking(&packed.concat(), Compression::Xz, slice);
        assert!(all == [b"a,b\n", &*mixed(3 << 20), b"1,2\n"].concat());
        let needs: Vec<usize> = packed[..2].iter().map(|packed| memory_bytes(packed)).collect();
        let asked: Vec<usize> = asked.into_iter().filter(|bytes| *bytes > SLICE_BYTES + (64 << 10)).collect();
        assert_eq!(asked, needs);
        // The dictionary, and less than a mebibyte beside it.
        assert!((1 << 16..1 << 20).contains(&(needs[0] - SLICE_BYTES)), "{needs:?}");
        assert!((2 << 20..3 << 20).contains(&(needs[1] - SLICE_BYTES)), "{needs:?}");
    }
    let (all, asked) = read_asking(&bzip(&mixed(1 << 20), 9), Compression::Bz2, 777);
    assert!(all == mixed(1 << 20));
    assert_eq!(asked, [SLICE_BYTES + (3_600_000 + (128 << 10))]);
}

#[test]
fn a_bomb_comes_out_in_pieces() {
    let packed = zstandard(&vec![0; 50 << 20], 1);
    assert!(packed.len() < 20_000);
    let mut decoder = decoder(&packed, Compression::Zstd);
    let (mut out, mut total) = (vec![0; 4096], 0);
    loop {
        match decoder.read(&mut out, u64::MAX).unwrap() {
            0 => break,
            count => total += count,
        }
    }
    assert_eq!(total, 50 << 20);
}

/// UTF-16, without a mark.
fn utf16(units: impl IntoIterator<Item = u16>, how: Utf16) -> Vec<u8> {
    let bytes = if how.big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
    units.into_iter().flat_map(bytes).collect()
}

fn wide_decoder(bytes: &[u8], compression: Compression, how: Utf16) -> Decoder {
    let packing = Packing { compression, wide: Some(how) };
    Decoder::new(Arc::new(bytes.to_vec()), "a.csv", packing).unwrap()
}

/// The text before what is wrong, and that.
fn read_wide(bytes: &[u8], compression: Compression, how: Utf16, size: usize) -> (Vec<u8>, Option<String>) {
    let (mut decoder, mut all) = (wide_decoder(bytes, compression, how), Vec::new());
    let error = read_to(&mut decoder, u64::MAX, size, &mut all).err();
    assert!(decoder.memory_bytes() <= SLICE_BYTES + 128 * 1024 + (4 << 20));
    (all, error.map(|error| error.to_string()))
}

const STRICT: Utf16 = Utf16 { big_endian: false, lossy: false };

#[test]
fn half_a_character_is_an_error_with_its_place() {
    for big_endian in [false, true] {
        let strict = Utf16 { big_endian, ..STRICT };
        // Long enough for several pieces, with pairs at every place of a piece's end.
        for before in (16_380..16_390).chain([0, 1, 40_000]) {
            let text = "x".repeat(before);
            let place = |byte: usize, message: &str| format!("a.csv: byte {byte} of UTF-16: {message}");
            for (lone, behind) in [(0xD83D_u16, "y"), (0xDE00, ""), (0xDE00, "y"), (0xD83D, "\u{1F600}")] {
                let units = text.encode_utf16().chain([lone]).chain(behind.encode_utf16());
                let bytes = utf16(units, strict);
                let (all, error) = read_wide(&bytes, Compression::None, strict, 777);
                assert!(all == text.as_bytes());
                let expected =
                    place(2 * before, &format!("the surrogate {lone:#06x} stands alone; mend the file"));
                assert!(error.is_some_and(|error| error.starts_with(&expected)));
                let (all, error) = read_wide(&bytes, Compression::None, Utf16 { lossy: true, ..strict }, 777);
                assert_eq!((all, error), (format!("{text}\u{FFFD}{behind}").into_bytes(), None));
            }
            let whole = utf16(text.encode_utf16().chain([0xD83D, 0xDE00]), strict);
            assert_eq!(
                read_wide(&whole, Compression::None, strict, 3),
                (format!("{text}\u{1F600}").into_bytes(), None)
            );
            for lost in 1..4 {
                let short = &whole[..whole.len() - lost];
                let (all, error) = read_wide(short, Compression::None, strict, 777);
                assert!(all == text.as_bytes());
                let ends = "the file ends in the middle of a character; is it complete?";
                assert_eq!(error, Some(place(2 * before, ends)));
                let (all, error) = read_wide(short, Compression::None, Utf16 { lossy: true, ..strict }, 777);
                assert_eq!((all, error), (format!("{text}\u{FFFD}").into_bytes(), None));
            }
        }
    }
}

proptest! {
    #[test]
    fn utf16_is_the_text_that_it_was(
        text in "[a-z,\\n\"é日\u{1F600}\u{FEFF}]{0,300}",
        big_endian: bool,
        compression in prop::sample::select(ALL.to_vec()),
        step in 1u64..100,
        sizes in prop::collection::vec(1usize..60, 1..4),
    ) {
        let how = Utf16 { big_endian, ..STRICT };
        let packed = compress(&utf16(text.encode_utf16(), how), compression, 1);
        let (mut stepwise, mut all) = (wide_decoder(&packed, compression, how), Vec::new());
        for (cut, &size) in (1..=packed.len() as u64 / step).zip(sizes.iter().cycle()) {
            read_to(&mut stepwise, cut * step, size, &mut all).unwrap();
            let mut direct = Vec::new();
            read_to(&mut wide_decoder(&packed, compression, how), cut * step, 1 << 16, &mut direct).unwrap();
            prop_assert_eq!(&all, &direct);
        }
        read_to(&mut stepwise, u64::MAX, 7, &mut all).unwrap();
        prop_assert_eq!(String::from_utf8(all).unwrap(), text);
    }

    #[test]
    fn any_units_are_what_the_standard_library_makes_of_them(
        units in prop::collection::vec(prop_oneof![Just(0xD83D_u16), Just(0xDE00), 0x20_u16..0x80, any::<u16>()], 0..200),
        half: bool,
        big_endian: bool,
        size in 1usize..50,
    ) {
        let lossy = Utf16 { big_endian, lossy: true };
        let mut bytes = utf16(units.iter().copied(), lossy);
        let mut expected = String::from_utf16_lossy(&units);
        if half {
            bytes.push(0x41);
            // Half a unit behind half a pair is one thing that is no text.
            if !units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
                expected.push('\u{FFFD}');
            }
        }
        prop_assert_eq!(read_wide(&bytes, Compression::None, lossy, size), (expected.into_bytes(), None));
        let (all, error) = read_wide(&bytes, Compression::None, Utf16 { lossy: false, ..lossy }, size);
        match String::from_utf16(&units) {
            Ok(text) if !half => prop_assert_eq!((all, error), (text.into_bytes(), None)),
            _ => {
                let valid = (0..=units.len()).rev().find(|&end| String::from_utf16(&units[..end]).is_ok()).unwrap();
                let place = format!("a.csv: byte {} of UTF-16", 2 * valid);
                prop_assert!(error.is_some_and(|error| error.starts_with(&place)));
                prop_assert_eq!(String::from_utf8(all).unwrap(), String::from_utf16(&units[..valid]).unwrap());
            }
        }
    }

    #[test]
    fn decodes_what_others_encode(
        parts in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab,\n0".to_vec()), 0..400), 1..4),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        compression in prop::sample::select(ALL.to_vec()),
        level in 1u8..9,
        step in 1u64..100,
        sizes in prop::collection::vec(1usize..300, 1..4),
    ) {
        let parts = [parts, vec![noise]].concat();
        let packed: Vec<u8> = parts.iter().flat_map(|part| compress(part, compression, level)).collect();
        let cuts: Vec<u64> = (1..=packed.len() as u64 / step).map(|cut| cut * step).collect();
        prop_assert_eq!(check_cuts(&packed, compression, &cuts, &sizes), parts.concat());
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        for (compression, magic) in [(Compression::Gzip, &b"\x1F\x8B\x08"[..]), (Compression::Zstd, b"\x28\xB5\x2F\xFD"),
            (Compression::Bz2, b"BZh91AY&SY"), (Compression::Bz2, b"BZh"), (Compression::Xz, b"\xFD7zXZ\0"),
            (Compression::Xz, b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46")] {
            prop_assert!(read_all(&[magic, &bytes].concat(), compression).is_err());
        }
    }
}
