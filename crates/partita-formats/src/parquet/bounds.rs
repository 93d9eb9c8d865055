//! Bounds of long texts, cut to a length: still bounds, no longer values.

/// Bytes of a bound at most.
const BOUND_BYTES_MAX: usize = 64;

/// A lower bound for texts from `text` on, and whether it was cut. Cut between characters where `is_text`.
pub(super) fn lower(text: &[u8], is_text: bool) -> (Vec<u8>, bool) {
    if text.len() <= BOUND_BYTES_MAX {
        return (text.to_vec(), false);
    }
    match as_text(text, is_text) {
        Some(text) => match (1..=BOUND_BYTES_MAX).rev().find(|&end| text.is_char_boundary(end)) {
            Some(end) => (text.as_bytes()[..end].to_vec(), true),
            None => (text.as_bytes().to_vec(), false),
        },
        None => (text[..BOUND_BYTES_MAX].to_vec(), true),
    }
}

/// An upper bound for texts up to `text`, and whether it was cut: its beginning, with the last character (or byte) that
/// has a successor of its length replaced by that. Where there is none, all of it.
pub(super) fn upper(text: &[u8], is_text: bool) -> (Vec<u8>, bool) {
    if text.len() <= BOUND_BYTES_MAX {
        return (text.to_vec(), false);
    }
    let raised = match as_text(text, is_text) {
        Some(text) => (BOUND_BYTES_MAX - 3..=BOUND_BYTES_MAX)
            .rev()
            .find(|&end| text.is_char_boundary(end))
            .and_then(|end| raise_text(&text[..end])),
        None => raise_bytes(&text[..BOUND_BYTES_MAX]),
    };
    raised.map_or_else(|| (text.to_vec(), false), |raised| (raised, true))
}

fn as_text(bytes: &[u8], is_text: bool) -> Option<&str> {
    if is_text { std::str::from_utf8(bytes).ok() } else { None }
}

fn raise_text(text: &str) -> Option<Vec<u8>> {
    text.char_indices().rev().find_map(|(at, last)| {
        let next = char::from_u32(last as u32 + 1).filter(|next| next.len_utf8() == last.len_utf8())?;
        let mut raised = text[..at].to_owned();
        raised.push(next);
        Some(raised.into_bytes())
    })
}

fn raise_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut raised = bytes.to_vec();
    raised[at] += 1;
    raised[at + 1..].fill(0);
    Some(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_bounds_are_bounds() {
        assert_eq!(lower(b"short", true), (b"short".to_vec(), false));
        assert_eq!(upper(&[255; 64], false), (vec![255; 64], false));
        assert_eq!(upper(&[255; 65], false), (vec![255; 65], false));
        let mut long = vec![7; 63];
        long.extend([255, 1]);
        assert_eq!(lower(&long, false), (long[..64].to_vec(), true));
        assert_eq!(upper(&long, false), ([vec![7; 62], vec![8, 0]].concat(), true));
        let text = "é".repeat(40);
        assert_eq!(lower(text.as_bytes(), true), ("é".repeat(32).into_bytes(), true));
        assert_eq!(upper(text.as_bytes(), true), (("é".repeat(31) + "ê").into_bytes(), true));
        // The last character of two bytes has no successor of two.
        let text = "a".to_owned() + &"\u{7ff}".repeat(40);
        assert_eq!(upper(text.as_bytes(), true), (b"b".to_vec(), true));
        let text = "\u{10ffff}".repeat(20);
        assert_eq!(upper(text.as_bytes(), true), (text.clone().into_bytes(), false));
    }
}
