//! JSON (RFC 8259), one line of it, from left to right.

use std::borrow::Cow;

use super::error::Fault;

/// Arrays and objects within each other.
pub(super) const DEPTH_MAX: usize = 128;

/// Bytes that values which are not in a line may take: so many, and so many for each byte of it. Many small objects of many keys
/// that they do not have would take any number.
const SPENT_MAX: usize = 8 << 20;
const SPENT_PER_BYTE_MAX: usize = 64;

pub(super) type Parsed<T> = Result<T, Fault>;

/// A value that begins here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number,
    String,
    Array,
    Object,
}

/// A place in a line.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
    /// Bytes that values which are not there have taken.
    spent: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, spent: 0 }
    }

    /// Bytes that values which are not in the line have taken.
    pub(super) fn spent(&self) -> usize {
        self.spent
    }

    /// Notes bytes of values that are not in the line.
    pub(super) fn spend(&mut self, bytes: usize) -> Parsed<()> {
        self.spent = self.spent.saturating_add(bytes);
        if self.spent > SPENT_MAX.saturating_add(self.text.len().saturating_mul(SPENT_PER_BYTE_MAX)) {
            return Err(Fault::syntax(
                self.at,
                "fewer objects that lack keys, in a line that takes less memory",
            ));
        }
        Ok(())
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over `byte`, where it is next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &str, kind: Kind) -> Parsed<Kind> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(kind);
        }
        Err(Fault::syntax(self.at, "a value"))
    }

    /// What kind of value comes next. Words are passed over; of all others nothing is.
    pub(super) fn kind(&mut self) -> Parsed<Kind> {
        match self.peek() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'n') => self.word("null", Kind::Null),
            Some(b't') => self.word("true", Kind::Bool(true)),
            Some(b'f') => self.word("false", Kind::Bool(false)),
            _ => Err(Fault::syntax(self.at, "a value")),
        }
    }

    /// The text between two places.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Fault::syntax(self.at, "a digit")) }
    }

    /// A number as it is written, and whether it has neither point nor exponent.
    pub(super) fn number(&mut self) -> Parsed<(&'a str, bool)> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut is_whole = true;
        if self.take(b'.') {
            is_whole = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            is_whole = false;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        if let Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'_') = self.peek() {
            return Err(Fault::syntax(start, "a number"));
        }
        Ok((self.since(start), is_whole))
    }

    /// The content of a string.
    pub(super) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        let Some(plain) = self.run(open)? else {
            let content = self.since(start);
            self.at += 1;
            return Ok(Cow::Borrowed(content));
        };
        let mut content = plain.to_owned();
        loop {
            content.push(self.escape()?);
            let start = self.at;
            match self.run(open)? {
                Some(plain) => content.push_str(plain),
                None => {
                    content.push_str(self.since(start));
                    self.at += 1;
                    return Ok(Cow::Owned(content));
                }
            }
        }
    }

    /// Passes over characters that stand for themselves, up to the quote at the end (`None`) or behind the next backslash
    /// (`Some`: what was before it).
    fn run(&mut self, open: usize) -> Parsed<Option<&'a str>> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let Some(length) = memchr::memchr2(b'"', b'\\', rest) else {
            return Err(Fault::syntax(open, "a string that ends in its line"));
        };
        if rest[..length].iter().any(|byte| *byte < b' ') {
            return Err(Fault::syntax(open, "a string whose control characters are escaped"));
        }
        self.at = start + length;
        if rest[length] == b'"' {
            return Ok(None);
        }
        let plain = self.since(start);
        self.at += 1;
        Ok(Some(plain))
    }

    /// The character of an escape, behind its backslash.
    fn escape(&mut self) -> Parsed<char> {
        let wrong = Fault::syntax(self.at.saturating_sub(1), "an escape of JSON");
        let Some(byte) = self.peek() else { return Err(wrong) };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let code = if (0xD800..0xDC00).contains(&first) {
                    if !(self.take(b'\\') && self.take(b'u')) {
                        return Err(Fault {
                            at: wrong.at,
                            ..Fault::syntax(0, "the second half of a character")
                        });
                    }
                    let second = self.hex()?;
                    if !(0xDC00..0xE000).contains(&second) {
                        return Err(Fault {
                            at: wrong.at,
                            ..Fault::syntax(0, "the second half of a character")
                        });
                    }
                    0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                } else {
                    first
                };
                char::from_u32(code).ok_or(wrong)?
            }
            _ => return Err(wrong),
        })
    }

    fn hex(&mut self) -> Parsed<u32> {
        let wrong = Fault::syntax(self.at, "four hexadecimal digits");
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let Some(digits) = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)) else {
            return Err(wrong);
        };
        let text = std::str::from_utf8(digits).unwrap_or_default();
        self.at += 4;
        u32::from_str_radix(text, 16).map_err(|_| wrong)
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self, depth: usize) -> Parsed<()> {
        if depth > DEPTH_MAX {
            return Err(Fault::syntax(self.at, "at most 128 arrays and objects within each other"));
        }
        match self.kind()? {
            Kind::Null | Kind::Bool(_) => {}
            Kind::Number => drop(self.number()?),
            Kind::String => self.skip_string()?,
            Kind::Array => self.items(|cursor| cursor.skip(depth + 1))?,
            Kind::Object => self.members(|cursor, _, _| cursor.skip(depth + 1))?,
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Parsed<()> {
        let open = self.at;
        self.at += 1;
        while self.run(open)?.is_some() {
            self.escape()?;
        }
        self.at += 1;
        Ok(())
    }

    /// Calls `item` at each item of an array.
    pub(super) fn items(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.at += 1;
        self.skip_blanks();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            self.skip_blanks();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(Fault::syntax(self.at, "`,` or `]`"));
            }
            self.skip_blanks();
        }
    }

    /// Calls `member` at each value of an object, with its key and the place of that.
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &str, usize) -> Parsed<()>,
    ) -> Parsed<()> {
        self.at += 1;
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let place = self.at;
            if self.peek() != Some(b'"') {
                return Err(Fault::syntax(place, "a key in quotes"));
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take(b':') {
                return Err(Fault::syntax(self.at, "`:`"));
            }
            self.skip_blanks();
            member(self, &key, place)?;
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(Fault::syntax(self.at, "`,` or `}`"));
            }
            self.skip_blanks();
        }
    }

    /// That nothing follows but blanks.
    pub(super) fn end(&mut self) -> Parsed<()> {
        self.skip_blanks();
        if self.at < self.text.len() { Err(Fault::syntax(self.at, "the end of the line")) } else { Ok(()) }
    }
}
