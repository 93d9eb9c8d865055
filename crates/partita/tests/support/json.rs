//! JSON with its numbers as written: a test that compares floats to the last bit must not have them rounded on the way.

/// A value; numbers are text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value and nothing behind it.
    pub(crate) fn parse(text: &str) -> Json {
        let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
        let value = reader.value();
        assert_eq!(reader.at, text.len(), "text behind a JSON value: {text}");
        value
    }

    /// The value of a key, or null.
    pub(crate) fn get(&self, key: &str) -> &Json {
        self.entries().iter().find(|(name, _)| name == key).map_or(&Json::Null, |(_, value)| value)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[(String, Json)] {
        if let Json::Map(entries) = self { entries } else { &[] }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Json] {
        if let Json::List(items) = self { items } else { &[] }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Json::Bool(value) = self { Some(*value) } else { None }
    }

    /// A number that is whole, and written so.
    pub(crate) fn whole(&self) -> Option<i128> {
        if let Json::Number(text) = self { text.parse().ok() } else { None }
    }

    /// The texts of a list of texts.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let Json::List(items) = self else { return None };
        items.iter().map(|item| item.text().map(str::to_owned)).collect()
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Json) -> Json {
        assert!(self.bytes[self.at..].starts_with(word.as_bytes()), "no JSON at byte {}", self.at);
        self.at += word.len();
        value
    }

    fn value(&mut self) -> Json {
        self.space();
        let value = match self.bytes[self.at] {
            b'{' => self.map(),
            b'[' => self.list(),
            b'"' => Json::Text(self.string()),
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            _ => self.number(),
        };
        self.space();
        value
    }

    fn map(&mut self) -> Json {
        let mut entries = Vec::new();
        self.at += 1;
        while !self.eat(b'}') {
            self.space();
            let key = self.string();
            assert!(self.eat(b':'), "no colon at byte {}", self.at);
            entries.push((key, self.value()));
            self.eat(b',');
        }
        Json::Map(entries)
    }

    fn list(&mut self) -> Json {
        let mut items = Vec::new();
        self.at += 1;
        while !self.eat(b']') {
            items.push(self.value());
            self.eat(b',');
        }
        Json::List(items)
    }

    fn number(&mut self) -> Json {
        let start = self.at;
        let part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        while self.bytes.get(self.at).is_some_and(part) {
            self.at += 1;
        }
        assert!(self.at > start, "no JSON at byte {start}");
        Json::Number(String::from_utf8(self.bytes[start..self.at].to_vec()).expect("ASCII"))
    }

    fn string(&mut self) -> String {
        self.at += 1;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let rest = std::str::from_utf8(&self.bytes[self.at..]).expect("UTF-8");
            let next = rest.chars().next().expect("an open string");
            self.at += next.len_utf8();
            match next {
                '"' => return String::from_utf16_lossy(&units),
                '\\' => units.push(self.escape()),
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escape(&mut self) -> u16 {
        let letter = self.bytes[self.at];
        self.at += 1;
        match letter {
            b'n' => 10,
            b't' => 9,
            b'r' => 13,
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let digits = std::str::from_utf8(&self.bytes[self.at..self.at + 4]).expect("hexadecimal");
                self.at += 4;
                u16::from_str_radix(digits, 16).expect("hexadecimal")
            }
            other => u16::from(other),
        }
    }
}
