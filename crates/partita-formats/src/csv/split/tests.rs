use proptest::prelude::*;

use super::super::blocks::find_block_starts;
use super::super::dialect::LineEnd;
use super::super::records::ESCAPED;
use super::super::twin::{self, TwinField, TwinRecord, generate};
use super::*;

/// Records read by the splitter as the twin would give them, and checks on the marks on the way.
fn marked(dialect: &Dialect, input: &[u8], records: &Records, offset: usize) -> Vec<TwinRecord> {
    let mut scratch = Vec::new();
    let mut all = Vec::new();
    for row in 0..records.len() {
        let mut fields = Vec::new();
        for column in 0..records.width(row) {
            let (range, escaped) = records.field(row, column).unwrap();
            let raw = &input[range];
            let found = value(dialect, raw, escaped, &mut scratch);
            let field = TwinField { value: found.bytes.to_vec(), quoted: found.quoted };
            if escaped {
                let mut out = b"x".to_vec();
                assert_eq!(unescape(dialect, raw, &mut out), field.quoted);
                assert_eq!(out[1..], field.value);
                assert_eq!(is_quoted(dialect, raw), field.quoted);
                assert!(field.quoted || dialect.escape.is_some());
            } else {
                assert!(!field.quoted);
            }
            fields.push(field);
        }
        assert!(records.field(row, fields.len()).is_none());
        all.push(TwinRecord { start: offset + records.starts()[row] as usize, fields });
    }
    all
}

/// Splits `input` by each level, tells whether they agree, and gives the bytes consumed and their marks.
fn split_by_levels(
    make: &dyn Fn() -> Splitter,
    input: &[u8],
    last: bool,
    rows_max: usize,
) -> (usize, Records) {
    let mut found: Option<(usize, Records)> = None;
    for level in cpu::levels() {
        let mut records = Records::default();
        let mut splitter = Splitter { level, ..make() };
        let consumed = splitter.split(input, last, rows_max, &mut records);
        assert!(records.len() <= rows_max);
        if records.len() < rows_max {
            assert!(!last || consumed == input.len());
            let counted = splitter.count(input, last);
            assert_eq!(counted, Counted { records: records.len(), consumed }, "{level:?}");
        }
        match &found {
            None => found = Some((consumed, records)),
            Some((consumed_before, before)) => {
                assert_eq!(consumed, *consumed_before, "{level:?}");
                assert_eq!(records.ends(), before.ends(), "{level:?}");
                assert_eq!(records.starts(), before.starts(), "{level:?}");
                assert!((0..records.len()).all(|row| records.width(row) == before.width(row)), "{level:?}");
            }
        }
    }
    found.unwrap()
}

/// What is kept of some fields is what is marked of all, whatever width records should have.
fn check_projections(dialect: &Dialect, input: &[u8], last: bool, rows_max: usize, full: &(usize, Records)) {
    let (consumed, full) = full;
    let first = if full.is_empty() { 2 } else { full.width(0) };
    let projections = [
        (first, vec![0]),
        (first, vec![first - 1, first / 2]),
        (first + 1, vec![1, first]),
        (3, vec![2]),
        (3, vec![]),
        (2, vec![1, 0]),
        (150, vec![2, 3, 64, 149]),
    ];
    // Some of them for each input: the inputs are many.
    for (width, wanted) in projections.into_iter().skip(input.len() % 3).step_by(3) {
        check_projection((dialect, width, &wanted), input, last, rows_max, (*consumed, full));
    }
}

fn check_projection(
    (dialect, width, wanted): (&Dialect, usize, &[usize]),
    input: &[u8],
    last: bool,
    rows_max: usize,
    (consumed, full): (usize, &Records),
) {
    let make = || Splitter::with_projection(dialect, width, wanted);
    let (taken, some) = split_by_levels(&make, input, last, rows_max);
    assert_eq!((taken, some.starts()), (consumed, full.starts()));
    let regular = (0..full.len()).all(|row| full.width(row) == width);
    assert_eq!(some.stride(width).is_some(), regular);
    for row in 0..full.len() {
        assert_eq!(some.width(row), full.width(row));
        for &column in wanted {
            let field = full.field(row, column).filter(|_| column < width);
            assert_eq!(some.field(row, column), field, "{row} {column} of {width}");
        }
    }
    if let Some(stride) = some.stride(width) {
        assert_eq!(some.ends().len(), stride * some.len());
    }
}

/// Reads `input` as a caller does whose buffer holds `window` bytes, more where a record needs it, and who wants
/// `rows_max` rows at a time.
fn read(dialect: &Dialect, input: &[u8], window: usize, rows_max: usize) -> Vec<TwinRecord> {
    let (mut at, mut size, mut all) = (0, window, Vec::new());
    while at < input.len() {
        let end = input.len().min(at + size);
        let piece = &input[at..end];
        let last = end == input.len();
        let found = split_by_levels(&|| Splitter::new(dialect), piece, last, rows_max);
        check_projections(dialect, piece, last, rows_max, &found);
        let (consumed, records) = found;
        all.extend(marked(dialect, piece, &records, at));
        at += consumed;
        size = if consumed == 0 { size * 2 } else { window };
    }
    all
}

#[track_caller]
fn check(dialect: &Dialect, input: &[u8], ends: &[u32], starts: &[u32], consumed: usize) {
    let mut records = Records::default();
    let mut splitter = Splitter::new(dialect);
    assert_eq!(splitter.split(input, false, usize::MAX, &mut records), consumed);
    assert_eq!(records.ends(), ends);
    assert_eq!(records.starts(), starts);
}

#[test]
fn marks_by_hand() {
    let plain = Dialect::default();
    check(&plain, b"a,bc\n\nd\r\n,e", &[1, 4, 7], &[0, 6], 9);
    check(&plain, b"\"a\"\"\",5\" x,\n\"\n", &[5 | ESCAPED, 10, 11], &[0], 12);
    let comments = Dialect { comment: Some(b'#'), ..Dialect::default() };
    check(&comments, b"#a\n1,2 # b\n#\n3", &[4, 7], &[3], 13);
    let escapes = Dialect { escape: Some(b'\\'), ..Dialect::default() };
    check(&escapes, b"a\\,b,c\\\r\n", &[4 | ESCAPED, 8 | ESCAPED], &[0], 9);
}

#[test]
fn marks_take_the_place_of_earlier_ones() {
    let mut records = Records::default();
    let mut splitter = Splitter::new(&Dialect::default());
    assert_eq!(splitter.split(b"a,b\nc\nd", false, 1, &mut records), 4);
    assert_eq!(records.ends(), [1, 3]);
    assert_eq!(splitter.split(b"c\nd", true, 1, &mut records), 2);
    assert_eq!((records.len(), records.ends()), (1, &[1][..]));
    assert_eq!(splitter.split(b"", true, usize::MAX, &mut records), 0);
    assert_eq!(splitter.split(b"x", true, 0, &mut records), 0);
    assert!(records.is_empty());
}

#[test]
fn keeps_the_ends_of_wanted_fields_and_of_those_before_them() {
    let mut records = Records::default();
    let mut splitter = Splitter::with_projection(&Dialect::default(), 6, &[4, 0]);
    assert_eq!(splitter.split(b"a,b,c,d,e,f\n1,2,3,4,\"5\",6\n", false, usize::MAX, &mut records), 26);
    assert_eq!(records.ends(), [1, 7, 9, 13, 19, 23 | ESCAPED]);
    assert_eq!((records.stride(6), records.stride(5)), (Some(3), None));
    assert_eq!(
        [0, 1, 2, 3, 4, 5, 6].map(|column| records.position(column)),
        [Some(0), None, None, Some(1), Some(2), None, None]
    );
    assert_eq!(records.field(1, 4), Some((20..23, true)));
    assert_eq!(records.field(1, 0), Some((12..13, false)));
    // The start of what stands before a wanted field is not known.
    assert_eq!(records.field(1, 3), None);
    // Records of other widths are told apart, not made up for by each other.
    let input = b"a,b,c,d,e,f\na,b,c,d,e\na,b,c,d,e,f,g\na,b,c\n\na,b,c,d,e,f\n";
    assert_eq!(splitter.split(input, false, usize::MAX, &mut records), input.len());
    assert_eq!(records.stride(6), None);
    assert_eq!((0..records.len()).map(|row| records.width(row)).collect::<Vec<_>>(), [6, 5, 7, 3, 6]);
    assert_eq!(records.ends(), [1, 7, 9, 13, 19, 21, 23, 29, 31, 37, 44, 50, 52]);
    assert_eq!(records.field(4, 4), Some((51..52, false)));
    assert_eq!(records.field(3, 4), None);
    records.truncate(4);
    assert_eq!((records.len(), records.ends().len(), records.stride(6)), (4, 10, None));
    records.truncate(1);
    assert_eq!((records.ends().len(), records.stride(6)), (3, Some(3)));
}

/// Lines of all kinds, from a fixed linear congruential generator.
fn large(kinds: &[&[u8]], bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 64);
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    while out.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.extend_from_slice(kinds[(seed >> 33) as usize % kinds.len()]);
    }
    out
}

#[test]
fn large_inputs_agree() {
    let numbers: &[&[u8]] = &[b"1,", b"22.5,", b"2020-01-01 00:00:00,", b"7\n", b"3.25\r\n", b"\n"];
    let quoted: &[&[u8]] = &[b"1,", b"\"a, b\",", b"\"x\"\"y\"\n", b"3,\"\r\n\"\r\n", b"plain,text\n"];
    let stray: &[&[u8]] =
        &[b"1,\"a\",", b"5\" x,", b"\"a\" b,", b"\n", b"# \"c\n", b"z # y\n", b"\\\",", b"2\n"];
    let full = Dialect { escape: Some(b'\\'), comment: Some(b'#'), ..Dialect::default() };
    for (kinds, dialect) in [
        (numbers, Dialect::default()),
        (quoted, Dialect::default()),
        (stray, full),
        (stray, Dialect::default()),
    ] {
        let input = large(kinds, 1 << 18);
        let expected = twin::read(&dialect, &input);
        for (window, rows_max) in [(usize::MAX, usize::MAX), (100_000, 8192), (5000, 70)] {
            assert!(
                read(&dialect, &input, window.min(input.len()), rows_max) == expected,
                "{dialect:?} {window}"
            );
        }
    }
}

/// What is carried from block to block and from page to page.
#[test]
fn borders_of_blocks_and_pages() {
    let fillers: [&[u8]; 4] = [b"a", b" ", b"1,", b"1\n"];
    let tails: [&[u8]; 10] = [
        b"\"x,\ny\"\n",
        b",\"x\"\"\",2\n",
        b"\"x\"   \"y,\"\n",
        b",\"x\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,\"y\"\n",
        b",  \"x, \"\n",
        b"\r\n\r\n\"\"\r\n",
        b"#,\"\n\"#\"\n",
        b"\\\r\n\\\"\n",
        b"\r\"\n",
        b"\n\n\r\n\r",
    ];
    let plain = Dialect::default();
    let dialects = [
        Dialect { trim: true, ..plain.clone() },
        Dialect { comment: Some(b'#'), ..plain.clone() },
        Dialect { escape: Some(b'\\'), trim: true, separator: b' ', ..plain.clone() },
        plain,
    ];
    for length in (0..70).chain(4090..4098) {
        for (filler, tail) in fillers.iter().flat_map(|filler| tails.map(|tail| (filler, tail))) {
            let mut input: Vec<u8> = filler.iter().copied().cycle().take(length).collect();
            input.extend_from_slice(tail);
            for dialect in &dialects {
                assert!(
                    read(dialect, &input, input.len(), usize::MAX) == twin::read(dialect, &input),
                    "{dialect:?} {length} {filler:?} {tail:?}"
                );
            }
        }
    }
    // A page of blanks in the middle of a field does not begin another.
    let input = [&[b'a'; 4096][..], &[b' '; 4096], b"\"x,\ny\"\n"].concat();
    for dialect in &dialects {
        assert!(read(dialect, &input, input.len(), usize::MAX) == twin::read(dialect, &input));
    }
}

proptest! {
    #[test]
    fn is_its_twin(
        dialect in generate::dialects(),
        input in generate::files(),
        window in prop_oneof![1usize..400, Just(usize::MAX >> 1)],
        rows_max in prop_oneof![1usize..5, Just(usize::MAX)],
    ) {
        prop_assert_eq!(read(&dialect, &input, window, rows_max), twin::read(&dialect, &input));
    }

    /// What has a regular shape takes the fast way, up to the lines that have not.
    #[test]
    fn tables_are_their_twins(
        dialect in generate::dialects(),
        (width, input) in generate::tables(),
        wanted in prop::collection::vec(0usize..140, 1..6),
        window in prop_oneof![100usize..3000, Just(usize::MAX >> 1)],
        rows_max in prop_oneof![1usize..200, Just(usize::MAX)],
    ) {
        prop_assert_eq!(read(&dialect, &input, window, rows_max), twin::read(&dialect, &input));
        let wanted: Vec<usize> = wanted.into_iter().map(|column| column % width).collect();
        let (consumed, full) = split_by_levels(&|| Splitter::new(&dialect), &input, true, rows_max);
        check_projection((&dialect, width, &wanted), &input, true, rows_max, (consumed, &full));
    }

    #[test]
    fn any_bytes_under_any_bytes(
        input in prop::collection::vec(any::<u8>(), 0..300),
        separator in any::<u8>(),
        (quote, escape, comment) in any::<(Option<u8>, Option<u8>, Option<u8>)>(),
        (trim, mixed) in any::<(bool, bool)>(),
    ) {
        let line_end = if mixed { LineEnd::Any } else { LineEnd::Lf };
        let dialect = Dialect { separator, quote, escape, comment, trim, line_end };
        if dialect.check().is_ok() {
            prop_assert_eq!(read(&dialect, &input, 64, usize::MAX), twin::read(&dialect, &input));
        } else {
            let mut records = Records::default();
            Splitter::new(&dialect).split(&input, true, usize::MAX, &mut records);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Long enough for pages with and without quotes, and for room for marks to run out.
    #[test]
    fn pages_are_their_twins(
        dialect in generate::dialects(),
        parts in prop::collection::vec((generate::lines(600), 0usize..400), 1..4),
        window in prop_oneof![1usize..9000, Just(usize::MAX >> 1)],
    ) {
        let input: Vec<u8> = parts.into_iter().flat_map(|(lines, plain)| [lines, b"12,3\n".repeat(plain)].concat()).collect();
        let expected = twin::read(&dialect, &input);
        prop_assert!(read(&dialect, &input, window, usize::MAX) == expected);
        let starts: Vec<usize> = expected.iter().map(|record| record.start).collect();
        let file = input.clone();
        for block_bytes in [1, 1000, 5000] {
            let found = find_block_starts(&file, "a.csv", &dialect, 0, block_bytes, &|| false).unwrap().starts;
            for (block, &start) in found.iter().enumerate().skip(1).take(found.len().saturating_sub(2)) {
                let cut = block * block_bytes as usize;
                let first = starts.partition_point(|&start| start < cut);
                prop_assert_eq!(start as usize, starts.get(first).copied().unwrap_or(input.len()));
            }
        }
    }
}
