//! A place in the tokens.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use crate::error::{Error, ErrorKind, Result};
use crate::expr::{DEPTH_MAX, Expr};

/// The tokens that mean something, and how far they have been read.
pub(super) struct Cursor<'a> {
    text: &'a str,
    tokens: Vec<TokenWithSpan>,
    next: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, mut tokens: Vec<TokenWithSpan>) -> Self {
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        Self { text, tokens, next: 0, depth: 0 }
    }

    /// The next token; [`Token::EOF`] behind the last.
    pub(super) fn peek(&self) -> &Token {
        self.peek_behind(0)
    }

    /// The token `skipped` tokens behind the next.
    pub(super) fn peek_behind(&self, skipped: usize) -> &Token {
        self.tokens.get(self.next + skipped).map_or(&Token::EOF, |token| &token.token)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// The place of the next token, or the end of the text.
    pub(super) fn place(&self) -> Location {
        match self.tokens.get(self.next) {
            Some(token) => token.span.start,
            None => self.tokens.last().map_or(Location { line: 1, column: 1 }, |last| last.span.end),
        }
    }

    /// The end of the token read last.
    fn end_of_last(&self) -> Location {
        let last = self.next.checked_sub(1).and_then(|last| self.tokens.get(last));
        last.map_or(Location { line: 1, column: 1 }, |last| last.span.end)
    }

    /// Whether the next token is this word, in any letter case and without quotes.
    pub(super) fn is_word(&self, word: &str) -> bool {
        is_word(self.peek(), word)
    }

    /// Takes the next token if it is this word.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    /// Takes the next token if it is this one.
    pub(super) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, token: &Token, after: &str) -> Result<()> {
        match self.take(token) {
            true => Ok(()),
            false => Err(self.error(format!("expected `{token}` {after}, got {}", self.found()))),
        }
    }

    pub(super) fn expect_word(&mut self, word: &str, after: &str) -> Result<()> {
        match self.take_word(word) {
            true => Ok(()),
            false => Err(self.error(format!("expected `{word}` {after}, got {}", self.found()))),
        }
    }

    /// The next token, for messages.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            Token::EOF => "the end".to_owned(),
            Token::Word(word) => format!("`{}`", word.value),
            other => format!("`{other}`"),
        }
    }

    /// An error at the next token.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        at(self.text, self.place(), message.into())
    }

    /// An error at a place noted before.
    pub(super) fn error_at(&self, place: Location, message: impl Into<String>) -> Error {
        at(self.text, place, message.into())
    }

    /// Runs `read` one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.error(format!("nested over {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The text from a place to the end of the token read last.
    pub(super) fn text_since(&self, start: Location) -> &'a str {
        let (from, to) = (offset(self.text, start), offset(self.text, self.end_of_last()));
        self.text.get(from..to).unwrap_or("").trim()
    }
}

/// An expression and how deep it is nested: chains of operators nest without a parenthesis.
pub(super) struct Deep {
    pub(super) expr: Expr,
    depth: usize,
}

impl Deep {
    /// An expression without parts.
    pub(super) fn leaf(expr: Expr) -> Self {
        Self { expr, depth: 0 }
    }

    /// An expression made of parts.
    pub(super) fn over<const N: usize>(
        cursor: &Cursor<'_>,
        parts: [Deep; N],
        make: impl FnOnce([Expr; N]) -> Expr,
    ) -> Result<Self> {
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or(0) + 1;
        let made = Self { expr: make(parts.map(|part| part.expr)), depth };
        made.checked(cursor)
    }

    /// An expression of many equal parts.
    pub(super) fn joined(
        cursor: &Cursor<'_>,
        mut parts: Vec<Deep>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Self> {
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        Deep::many(cursor, parts, join)
    }

    /// An expression over any number of parts.
    pub(super) fn many(
        cursor: &Cursor<'_>,
        parts: Vec<Deep>,
        join: impl FnOnce(Vec<Expr>) -> Expr,
    ) -> Result<Self> {
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or(0) + 1;
        let made = Self { expr: join(parts.into_iter().map(|part| part.expr).collect()), depth };
        made.checked(cursor)
    }

    fn checked(self, cursor: &Cursor<'_>) -> Result<Self> {
        match self.depth > DEPTH_MAX {
            true => {
                Err(cursor
                    .error(format!("nested over {DEPTH_MAX} deep; compute parts of it as columns first")))
            }
            false => Ok(self),
        }
    }
}

pub(super) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

pub(super) fn at(text: &str, place: Location, message: String) -> Error {
    let line = usize::try_from(place.line).unwrap_or(1).max(1);
    let column = usize::try_from(place.column).unwrap_or(1).max(1);
    ErrorKind::Parse { text: text.to_owned(), line, column, message }.into()
}

/// The byte of a place, whose line and column count characters from 1.
fn offset(text: &str, place: Location) -> usize {
    let (mut line, mut column) = (1, 1);
    for (byte, character) in text.char_indices() {
        if (line, column) >= (place.line, place.column) {
            return byte;
        }
        (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    text.len()
}
