use proptest::prelude::*;

use super::*;

fn decoded(encoding: Encoding, bytes: &[u8]) -> Result<Vec<u8>, InvalidUtf8> {
    let mut out = b"before".to_vec();
    let result = encoding.decode_into(bytes, &mut out);
    assert!(out.starts_with(b"before"));
    result.map(|()| out.split_off(6))
}

#[test]
fn utf8_is_taken_or_refused_with_its_place() {
    assert_eq!(decoded(Encoding::Utf8, "Zürich €".as_bytes()), Ok("Zürich €".into()));
    assert_eq!(decoded(Encoding::Utf8, b"ab\xC3"), Err(InvalidUtf8 { offset: 2 }));
    assert_eq!(decoded(Encoding::Utf8, b"\xED\xA0\x80"), Err(InvalidUtf8 { offset: 0 }));
    assert_eq!(decoded(Encoding::Utf8, b""), Ok(vec![]));
}

#[test]
fn windows_1252_differs_from_latin_1_in_the_c1_range() {
    assert_eq!(decoded(Encoding::Latin1, b"caf\xE9 \x80"), Ok("café \u{80}".into()));
    assert_eq!(decoded(Encoding::Windows1252, b"caf\xE9 \x80\x9F"), Ok("café €Ÿ".into()));
    for unassigned in [0x81u8, 0x8D, 0x8F, 0x90, 0x9D] {
        let as_control = char::from(unassigned).to_string().into_bytes();
        assert_eq!(decoded(Encoding::Windows1252, &[unassigned]), Ok(as_control));
    }
}

#[test]
fn byte_order_marks() {
    assert_eq!(strip_bom(b"\xEF\xBB\xBFa"), b"a");
    assert_eq!(strip_bom(b"\xEF\xBB"), b"\xEF\xBB");
    let error = Encoding::Utf16.of_file("a.csv", b"\xFF\xFE\0\0").unwrap_err().to_string();
    assert_eq!(
        error,
        "a.csv: begins with the byte-order mark of UTF-32, which is not read; convert it first: \
         iconv -f UTF-32 -t UTF-8 < in.csv > out.csv"
    );
    assert!(Encoding::Utf8.of_file("a.csv", b"\0\0\xFE\xFF").is_err());
}

#[test]
fn a_byte_order_mark_counts_more_than_what_was_said() {
    use Encoding::*;
    let narrow = |fields| Found { wide: None, fields };
    let wide = |big_endian, lossy| Found { wide: Some(super::Utf16 { big_endian, lossy }), fields: Utf8 };
    let (le, be, bom) = (&b"\xFF\xFEa\0"[..], &b"\xFE\xFF\0a"[..], &b"\xEF\xBB\xBFa"[..]);
    for (said, first, found) in [
        (Utf8, &b"a,b\n"[..], narrow(Utf8)),
        (Latin1, b"a,b\n", narrow(Latin1)),
        (Utf16, b"a\0,\0", wide(false, false)),
        (Utf16Le, b"a\0,\0", wide(false, false)),
        (Utf16Be, b"\0a\0,", wide(true, false)),
        (Utf8, le, wide(false, false)),
        (Utf8Lossy, le, wide(false, true)),
        (Latin1, be, wide(true, false)),
        (Utf16Le, be, wide(true, false)),
        (Utf16Be, le, wide(false, false)),
        (Utf16, bom, narrow(Utf8)),
        (Windows1252, bom, narrow(Windows1252)),
        (Utf16Be, b"", wide(true, false)),
    ] {
        assert_eq!(said.of_file("a.csv", first).unwrap(), found, "{said:?} {first:?}");
    }
}

proptest! {
    #[test]
    fn agrees_with_the_standard_library(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        match std::str::from_utf8(&bytes) {
            Ok(text) => prop_assert_eq!(decoded(Encoding::Utf8, &bytes), Ok(text.as_bytes().to_vec())),
            Err(error) => prop_assert_eq!(
                decoded(Encoding::Utf8, &bytes),
                Err(InvalidUtf8 { offset: error.valid_up_to() })
            ),
        }
        let lossy = String::from_utf8_lossy(&bytes).into_owned().into_bytes();
        prop_assert_eq!(decoded(Encoding::Utf8Lossy, &bytes), Ok(lossy));
        let latin1: String = bytes.iter().map(|&b| char::from(b)).collect();
        prop_assert_eq!(decoded(Encoding::Latin1, &bytes), Ok(latin1.into_bytes()));
        let windows = WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned();
        prop_assert_eq!(decoded(Encoding::Windows1252, &bytes), Ok(windows.into_bytes()));
        for encoding in [Encoding::Utf8, Encoding::Utf8Lossy, Encoding::Latin1, Encoding::Windows1252] {
            if let Some(text) = encoding.verbatim(&bytes) {
                prop_assert_eq!(text.as_bytes(), &bytes[..]);
                prop_assert_eq!(decoded(encoding, &bytes), Ok(bytes.clone()));
            }
        }
    }
}
