//! Functions of text, as methods behind [`Expr::str`].

use arrow::datatypes::DataType;
use partita_columns::compute::function::{Function, text};
use partita_columns::{Scalar, dtype};

use super::{Expr, lit};

/// The functions of text. Arguments that are expressions may be columns; those that are Rust values are the same for all
/// rows, and patterns among them are compiled once. Positions and lengths count characters.
///
/// ```
/// use partita_plan::col;
/// let initials = col("name").str().strip().str().slice(0, 1).str().upper();
/// assert_eq!(initials.to_string(), "upper(slice(strip(name), 0, 1))");
/// ```
#[derive(Debug, Clone)]
pub struct TextExpr(Expr);

impl TextExpr {
    pub(super) fn new(of: Expr) -> Self {
        Self(of)
    }

    /// In capitals, by the rules of Unicode.
    #[must_use]
    pub fn upper(self) -> Expr {
        self.0.call(&text::UPPER, [])
    }

    /// In small letters, by the rules of Unicode.
    #[must_use]
    pub fn lower(self) -> Expr {
        self.0.call(&text::LOWER, [])
    }

    /// With a capital at the beginning of every run of letters, and small letters behind it.
    #[must_use]
    pub fn title(self) -> Expr {
        self.0.call(&text::TITLE, [])
    }

    /// With a capital as the first character, and small letters behind it.
    #[must_use]
    pub fn capitalize(self) -> Expr {
        self.0.call(&text::CAPITALIZE, [])
    }

    /// Without the blanks (those of Unicode) at both ends.
    #[must_use]
    pub fn strip(self) -> Expr {
        self.0.call(&text::STRIP, [])
    }

    /// Without any of the characters at both ends.
    #[must_use]
    pub fn strip_chars(self, characters: impl Into<Expr>) -> Expr {
        self.0.call(&text::STRIP, [characters.into()])
    }

    /// Without the blanks (those of Unicode) at the beginning.
    #[must_use]
    pub fn lstrip(self) -> Expr {
        self.0.call(&text::LSTRIP, [])
    }

    /// Without any of the characters at the beginning.
    #[must_use]
    pub fn lstrip_chars(self, characters: impl Into<Expr>) -> Expr {
        self.0.call(&text::LSTRIP, [characters.into()])
    }

    /// Without the blanks (those of Unicode) at the end.
    #[must_use]
    pub fn rstrip(self) -> Expr {
        self.0.call(&text::RSTRIP, [])
    }

    /// Without any of the characters at the end.
    #[must_use]
    pub fn rstrip_chars(self, characters: impl Into<Expr>) -> Expr {
        self.0.call(&text::RSTRIP, [characters.into()])
    }

    /// Without the prefix, where the text begins with it.
    #[must_use]
    pub fn strip_prefix(self, prefix: impl Into<Expr>) -> Expr {
        self.0.call(&text::STRIP_PREFIX, [prefix.into()])
    }

    /// Without the suffix, where the text ends with it.
    #[must_use]
    pub fn strip_suffix(self, suffix: impl Into<Expr>) -> Expr {
        self.0.call(&text::STRIP_SUFFIX, [suffix.into()])
    }

    /// The number of characters (code points).
    #[must_use]
    pub fn len(self) -> Expr {
        self.0.call(&text::LEN_CHARS, [])
    }

    /// The number of bytes in UTF-8.
    #[must_use]
    pub fn len_bytes(self) -> Expr {
        self.0.call(&text::LEN_BYTES, [])
    }

    /// Whether the part occurs, letter by letter. For patterns there are [`TextExpr::like`] and
    /// [`TextExpr::regex_contains`].
    #[must_use]
    pub fn contains(self, part: impl Into<Expr>) -> Expr {
        self.0.call(&text::CONTAINS, [part.into()])
    }

    /// Whether the text begins with the prefix.
    #[must_use]
    pub fn starts_with(self, prefix: impl Into<Expr>) -> Expr {
        self.0.call(&text::STARTS_WITH, [prefix.into()])
    }

    /// Whether the text ends with the suffix.
    #[must_use]
    pub fn ends_with(self, suffix: impl Into<Expr>) -> Expr {
        self.0.call(&text::ENDS_WITH, [suffix.into()])
    }

    /// How many characters stand before the first occurrence of the part; null where there is none.
    #[must_use]
    pub fn find(self, part: impl Into<Expr>) -> Expr {
        self.0.call(&text::FIND, [part.into()])
    }

    /// How often the part occurs, without overlaps; the empty part before every character and at the end.
    #[must_use]
    pub fn count_matches(self, part: impl Into<Expr>) -> Expr {
        self.0.call(&text::COUNT_MATCHES, [part.into()])
    }

    /// Whether the whole text fits a pattern of SQL: `%` stands for any characters, `_` for one, and `\` takes its
    /// meaning from the one behind it.
    ///
    /// ```
    /// use partita_plan::col;
    /// assert_eq!(col("name").str().like("A%").to_string(), "(name like 'A%')");
    /// ```
    #[must_use]
    pub fn like(self, pattern: &str) -> Expr {
        self.0.call(&text::LIKE, [lit(pattern)])
    }

    /// As [`TextExpr::like`], whatever the letter case.
    #[must_use]
    pub fn ilike(self, pattern: &str) -> Expr {
        self.0.call(&text::ILIKE, [lit(pattern)])
    }

    /// Whether a regular expression, of the syntax of the `regex` crate, matches anywhere.
    #[must_use]
    pub fn regex_contains(self, pattern: &str) -> Expr {
        self.0.call(&text::REGEX_CONTAINS, [lit(pattern)])
    }

    /// How many characters stand before the first match of a regular expression; null where there is none.
    #[must_use]
    pub fn regex_find(self, pattern: &str) -> Expr {
        self.0.call(&text::REGEX_FIND, [lit(pattern)])
    }

    /// How often a regular expression matches, without overlaps.
    #[must_use]
    pub fn regex_count(self, pattern: &str) -> Expr {
        self.0.call(&text::REGEX_COUNT, [lit(pattern)])
    }

    /// What a group of a regular expression, by its number or name, matched first; null where it did not match. Group 0 is
    /// the whole match.
    ///
    /// ```
    /// use partita_plan::col;
    /// let code = col("id").str().extract("^[A-Z]+-([0-9]+)", 1);
    /// assert_eq!(code.to_string(), "regex_extract(id, '^[A-Z]+-([0-9]+)', 1)");
    /// ```
    #[must_use]
    pub fn extract(self, pattern: &str, group: impl Into<Scalar>) -> Expr {
        self.0.call(&text::REGEX_EXTRACT, [lit(pattern), lit(group)])
    }

    /// Every match of a regular expression replaced; in `new`, `$1` and `${name}` are what groups matched.
    #[must_use]
    pub fn regex_replace(self, pattern: &str, new: &str) -> Expr {
        self.0.call(&text::REGEX_REPLACE, [lit(pattern), lit(new)])
    }

    /// As [`TextExpr::regex_replace`], the first `count` matches; all where it is negative.
    #[must_use]
    pub fn regex_replace_n(self, pattern: &str, new: &str, count: i64) -> Expr {
        self.0.call(&text::REGEX_REPLACE, [lit(pattern), lit(new), lit(count)])
    }

    /// Every occurrence of a text replaced, from the left and without overlaps.
    #[must_use]
    pub fn replace(self, old: impl Into<Expr>, new: impl Into<Expr>) -> Expr {
        self.0.call(&text::REPLACE, [old.into(), new.into()])
    }

    /// As [`TextExpr::replace`], the first `count` occurrences; all where it is negative.
    #[must_use]
    pub fn replace_n(self, old: impl Into<Expr>, new: impl Into<Expr>, count: impl Into<Expr>) -> Expr {
        self.0.call(&text::REPLACE, [old.into(), new.into(), count.into()])
    }

    /// So many characters from a position, 0 being the first and -1 the last; what lies outside the text is left out.
    ///
    /// ```
    /// use partita_plan::col;
    /// assert_eq!(col("zip").str().slice(0, 2).to_string(), "slice(zip, 0, 2)");
    /// ```
    #[must_use]
    pub fn slice(self, start: impl Into<Expr>, length: impl Into<Expr>) -> Expr {
        self.0.call(&text::SLICE, [start.into(), length.into()])
    }

    /// As [`TextExpr::slice`], up to the end.
    #[must_use]
    pub fn slice_from(self, start: impl Into<Expr>) -> Expr {
        self.0.call(&text::SLICE, [start.into()])
    }

    /// The parts between separators, as a list of texts.
    #[must_use]
    pub fn split(self, separator: &str) -> Expr {
        self.0.call(&text::SPLIT, [lit(separator)])
    }

    /// As [`TextExpr::split`], with at most `count` cuts, from the left.
    #[must_use]
    pub fn split_n(self, separator: &str, count: i64) -> Expr {
        self.0.call(&text::SPLIT, [lit(separator), lit(count)])
    }

    /// The words between blanks, as a list of texts.
    #[must_use]
    pub fn split_blanks(self) -> Expr {
        self.0.call(&text::SPLIT, [])
    }

    /// One of the parts between separators, the first being 0 and the last -1; null where there is none.
    #[must_use]
    pub fn split_nth(self, separator: &str, n: impl Into<Expr>) -> Expr {
        self.0.call(&text::SPLIT_NTH, [lit(separator), n.into()])
    }

    /// Filled with a character on the right, up to `width` characters. Longer texts stay.
    #[must_use]
    pub fn ljust(self, width: impl Into<Expr>, fill: char) -> Expr {
        self.0.call(&text::LJUST, [width.into(), lit(fill.to_string())])
    }

    /// Filled with a character on the left, up to `width` characters. Longer texts stay.
    #[must_use]
    pub fn rjust(self, width: impl Into<Expr>, fill: char) -> Expr {
        self.0.call(&text::RJUST, [width.into(), lit(fill.to_string())])
    }

    /// Filled with a character on both sides, up to `width` characters. Longer texts stay.
    #[must_use]
    pub fn center(self, width: impl Into<Expr>, fill: char) -> Expr {
        self.0.call(&text::CENTER, [width.into(), lit(fill.to_string())])
    }

    /// With zeros before it up to `width` characters, behind a sign where there is one.
    #[must_use]
    pub fn zfill(self, width: impl Into<Expr>) -> Expr {
        self.0.call(&text::ZFILL, [width.into()])
    }

    /// So often one behind the other.
    #[must_use]
    pub fn repeat(self, count: impl Into<Expr>) -> Expr {
        self.0.call(&text::REPEAT, [count.into()])
    }

    /// The characters from the last to the first.
    #[must_use]
    pub fn reverse(self) -> Expr {
        self.0.call(&text::REVERSE, [])
    }

    /// A date of the form `2020-01-31`; a text that is none is an error. Blanks around it do not count.
    #[must_use]
    pub fn to_date(self) -> Expr {
        self.0.call(&text::TO_DATE, [])
    }

    /// A date in a format of strftime's letters; a text that is none is an error.
    #[must_use]
    pub fn to_date_as(self, format: &str) -> Expr {
        self.0.call(&text::TO_DATE, [lit(format)])
    }

    /// A wall-clock time of microseconds, of the form `2020-01-31 23:59:59.5`; a text that is none is an error. Blanks around it do not count.
    #[must_use]
    pub fn to_datetime(self) -> Expr {
        self.0.call(&text::TO_DATETIME, [])
    }

    /// A time of microseconds in a format of strftime's letters; a text that is none is an error. A format with an offset gives
    /// instants, in UTC.
    #[must_use]
    pub fn to_datetime_as(self, format: &str) -> Expr {
        self.0.call(&text::TO_DATETIME, [lit(format)])
    }

    /// An instant of microseconds in a zone, from text in a format or in ISO form; a text that is none is an error. Text without an offset
    /// is what clocks of the zone show.
    #[must_use]
    pub fn to_instant(self, format: Option<&str>, zone: &str) -> Expr {
        self.0.call(&text::TO_DATETIME, [lit(format.map(str::to_owned)), lit(zone)])
    }

    /// A number of a type; a text that is none is an error. Blanks around it do not count.
    #[must_use]
    pub fn to_numeric(self, to: &DataType) -> Expr {
        self.0.call(&text::TO_NUMERIC, [lit(dtype::name(to))])
    }

    /// A date of the form `2020-01-31`; null where it is none. Blanks around it do not count.
    #[must_use]
    pub fn try_to_date(self) -> Expr {
        self.0.call(&text::TRY_TO_DATE, [])
    }

    /// A date in a format of strftime's letters; null where it is none.
    #[must_use]
    pub fn try_to_date_as(self, format: &str) -> Expr {
        self.0.call(&text::TRY_TO_DATE, [lit(format)])
    }

    /// A wall-clock time of microseconds, of the form `2020-01-31 23:59:59.5`; null where it is none. Blanks around it do not count.
    #[must_use]
    pub fn try_to_datetime(self) -> Expr {
        self.0.call(&text::TRY_TO_DATETIME, [])
    }

    /// A time of microseconds in a format of strftime's letters; null where it is none. A format with an offset gives
    /// instants, in UTC.
    #[must_use]
    pub fn try_to_datetime_as(self, format: &str) -> Expr {
        self.0.call(&text::TRY_TO_DATETIME, [lit(format)])
    }

    /// An instant of microseconds in a zone, from text in a format or in ISO form; null where it is none. Text without an offset
    /// is what clocks of the zone show.
    #[must_use]
    pub fn try_to_instant(self, format: Option<&str>, zone: &str) -> Expr {
        self.0.call(&text::TRY_TO_DATETIME, [lit(format.map(str::to_owned)), lit(zone)])
    }

    /// A number of a type; null where it is none. Blanks around it do not count.
    #[must_use]
    pub fn try_to_numeric(self, to: &DataType) -> Expr {
        self.0.call(&text::TRY_TO_NUMERIC, [lit(dtype::name(to))])
    }

    /// The texts one behind the other, this one first; null where one of them is.
    ///
    /// ```
    /// use partita_plan::col;
    /// let full = col("first").str().cat([" ".into(), col("last")]);
    /// assert_eq!(full.to_string(), "concat(first, ' ', last)");
    /// ```
    #[must_use]
    pub fn cat(self, others: impl IntoIterator<Item = Expr>) -> Expr {
        let all = std::iter::once(self.0).chain(others).collect();
        Expr::Call(Function::from(&text::CONCAT), all)
    }

    /// The texts that are not null, this one first, with a separator between them.
    #[must_use]
    pub fn join(self, separator: impl Into<Expr>, others: impl IntoIterator<Item = Expr>) -> Expr {
        let all = [separator.into(), self.0].into_iter().chain(others).collect();
        Expr::Call(Function::from(&text::CONCAT_WS), all)
    }
}
