//! How numbers are written where a point is not what stands before the fraction.

use serde::{Deserialize, Serialize};

use super::{parse_f64, trim_blanks};

/// The bytes in numbers that are neither digits, signs nor exponents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Numbers {
    /// Before the fraction.
    pub decimal: u8,
    /// Between groups of three digits; `None`: nothing stands there.
    pub thousands: Option<u8>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { decimal: b'.', thousands: None }
    }
}

impl Numbers {
    /// Whether numbers are as the parsers have them: with a point, and without groups.
    pub fn is_plain(self) -> bool {
        self == Self::default()
    }

    /// The number that `text` spells as the parsers have it; `text` itself, trimmed, where it has no marks, else in
    /// `scratch`. `None` where a mark stands where none may: then it is no number. What is otherwise wrong is left to the
    /// parsers.
    ///
    /// Marks of thousands stand in the whole part alone: one to three digits, the first of them no zero, then
    /// groups of three, each behind a mark. So `1.000` and `12.345,6` are numbers (with `,` before the fraction), and `1.00`, `0.001`,
    /// `1234.567` and `1,234.5` are none: they were meant otherwise. A number may have no marks at all.
    pub fn plain<'a>(self, text: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let text = trim_blanks(text);
        let is_mark = |byte: &u8| *byte == self.decimal || *byte == b'.' || Some(*byte) == self.thousands;
        if !text.iter().any(is_mark) {
            return Some(text);
        }
        scratch.clear();
        let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
        scratch.extend_from_slice(&text[..sign]);
        let rest = self.whole_part(&text[sign..], scratch)?;
        let rest = match rest.split_first() {
            Some((&first, rest)) if first == self.decimal => {
                scratch.push(b'.');
                rest
            }
            _ => rest,
        };
        if rest.iter().any(is_mark) {
            return None;
        }
        scratch.extend_from_slice(rest);
        Some(scratch)
    }

    /// The marks that make a number of `text`, which is none as it stands. `None` where no marks do, and where some make
    /// another one of it than others: `1,234` may be a little more than one, or a thousand.
    pub(crate) fn guess(text: &[u8]) -> Option<Self> {
        let marks = [
            (b',', None),
            (b',', Some(b'.')),
            (b'.', Some(b',')),
            (b'.', Some(b' ')),
            (b',', Some(b' ')),
            (b'.', Some(b'\'')),
            (b'.', Some(b'_')),
        ];
        let mut found: Option<(Self, f64)> = None;
        for (decimal, thousands) in marks {
            let numbers = Self { decimal, thousands };
            let Some(value) = numbers.plain(text, &mut Vec::new()).and_then(parse_f64) else { continue };
            match found {
                None => found = Some((numbers, value)),
                Some((_, other)) if other != value => return None,
                Some(_) => {}
            }
        }
        found.map(|(numbers, _)| numbers)
    }

    /// Appends the digits of the whole part, and returns what is behind it.
    fn whole_part<'a>(self, text: &'a [u8], scratch: &mut Vec<u8>) -> Option<&'a [u8]> {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let first = digits(text);
        let (head, mut rest) = text.split_at(first);
        scratch.extend_from_slice(head);
        while let Some((&mark, group)) = rest.split_first()
            && Some(mark) == self.thousands
        {
            if !(1..=3).contains(&first) || head[0] == b'0' || digits(group) != 3 {
                return None;
            }
            scratch.extend_from_slice(&group[..3]);
            rest = &group[3..];
        }
        Some(rest)
    }
}
