//! A Rust file as the rules see it: its code with comments and literals blanked, its comments apart, and which lines are
//! tests.

use std::ops::Range;

/// Whose file it is; decides which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Library,
    /// The command-line program: the one that may print.
    Program,
    /// Integration tests and files of test modules.
    Test,
    Example,
    Bench,
}

/// A comment, with its slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Comment {
    /// Whether it documents an item or a module.
    pub(crate) fn is_doc(&self) -> bool {
        let t = self.text.as_str();
        (t.starts_with("///") && !t.starts_with("////"))
            || t.starts_with("//!")
            || (t.starts_with("/**") && !t.starts_with("/**/"))
            || t.starts_with("/*!")
    }
}

/// A Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the workspace root, with `/`.
    pub(crate) path: String,
    /// `partita-formats` for `crates/partita-formats/..`; empty elsewhere.
    pub(crate) package: String,
    pub(crate) area: Area,
    pub(crate) text: String,
    /// `text` with comments and the insides of literals as spaces: same length, same lines.
    pub(crate) code: String,
    pub(crate) comments: Vec<Comment>,
    /// Byte ranges of items under `#[cfg(test)]`.
    pub(crate) tests: Vec<Range<usize>>,
    /// Names of files declared as `#[cfg(test)] mod name;`.
    pub(crate) test_modules: Vec<String>,
    line_starts: Vec<usize>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = mask(text);
        let (tests, test_modules) = test_items(&code);
        let package = path.strip_prefix("crates/").and_then(|p| p.split('/').next()).unwrap_or_default();
        let line_starts = line_starts(text);
        Self {
            path: path.to_owned(),
            package: package.to_owned(),
            area: area(path),
            text: text.to_owned(),
            code,
            comments,
            tests,
            test_modules,
            line_starts,
        }
    }

    /// The one-based line of a byte.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= at)
    }

    /// Whether the byte belongs to a test.
    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.area == Area::Test || self.tests.iter().any(|r| r.contains(&at))
    }

    /// Where `word` stands alone in the code.
    pub(crate) fn words(&self, word: &str) -> Vec<usize> {
        words(&self.code, word)
    }
}

fn area(path: &str) -> Area {
    let file = path.rsplit('/').next().unwrap_or(path);
    if path.contains("/tests/") || file == "tests.rs" || file.ends_with("_tests.rs") {
        Area::Test
    } else if path.starts_with("benches/") || path.contains("/benches/") {
        Area::Bench
    } else if path.starts_with("examples/") || path.contains("/examples/") {
        Area::Example
    } else if ["crates/partita/src/bin/", "crates/partita/src/main.rs", "crates/partita/src/cli"]
        .iter()
        .any(|p| path.starts_with(p))
    {
        Area::Program
    } else {
        Area::Library
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1))
        .collect()
}

pub(crate) fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where `word` stands in `code` with no identifier character at either side.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let bytes = code.as_bytes();
    let free = |at: Option<usize>| at.and_then(|i| bytes.get(i)).is_none_or(|b| !is_ident(*b));
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| free(at.checked_sub(1)) && free(Some(at + word.len())))
        .collect()
}

/// The byte after the bracket that closes the one at `open`.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (i, b) in code.bytes().enumerate().skip(open) {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// The end of the item that starts at or after `from`, past its attributes: the `;` or the closing brace of its body. The
/// second value is where the body's brace opens.
pub(crate) fn item_end(code: &str, from: usize) -> (usize, Option<usize>) {
    let bytes = code.as_bytes();
    let mut i = from;
    while let Some(b) = bytes.get(i) {
        match b {
            b'(' | b'[' => i = closing(code, i),
            b'{' => return (closing(code, i), Some(i)),
            b';' => return (i + 1, None),
            _ => i += 1,
        }
    }
    (code.len(), None)
}

fn test_items(code: &str) -> (Vec<Range<usize>>, Vec<String>) {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let (mut ranges, mut modules) = (Vec::new(), Vec::new());
    for (at, _) in code.match_indices(ATTRIBUTE) {
        let from = at + ATTRIBUTE.len();
        let (end, body) = item_end(code, from);
        ranges.push(at..end);
        let item = code[from..end].trim();
        if let (None, Some(name)) = (body, item.strip_prefix("mod ").and_then(|n| n.strip_suffix(';'))) {
            modules.push(name.trim().to_owned());
        }
    }
    (ranges, modules)
}

/// Blanks comments and the insides of literals; line breaks stay.
fn mask(text: &str) -> (String, Vec<Comment>) {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut comments = Vec::new();
    let mut line = 1;
    let mut i = 0;
    while i < bytes.len() {
        let rest = &bytes[i..];
        let (end, blank) = if rest.starts_with(b"//") {
            let end = rest.iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| i + n);
            (end, i..end)
        } else if rest.starts_with(b"/*") {
            let end = block_comment_end(bytes, i);
            (end, i..end)
        } else if rest[0] == b'"' {
            let end = string_end(bytes, i + 1);
            (end, i + 1..end.saturating_sub(1))
        } else if rest[0] == b'\'' {
            let end = char_end(text, i);
            (end, i + 1..end.saturating_sub(1).max(i + 1))
        } else if is_ident(rest[0]) {
            let end = i + rest.iter().take_while(|&&b| is_ident(b)).count();
            match raw_string_end(bytes, &bytes[i..end], end) {
                Some(raw_end) => (raw_end, end..raw_end),
                None => (end, end..end),
            }
        } else {
            (i + 1, i..i)
        };
        if rest.starts_with(b"//") || rest.starts_with(b"/*") {
            comments.push(Comment { line, text: text[i..end].to_owned() });
        }
        out[blank].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
        line += bytes[i..end].iter().filter(|&&b| b == b'\n').count();
        i = end;
    }
    (String::from_utf8_lossy(&out).into_owned(), comments)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut i = start;
    while i < bytes.len() {
        if bytes[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if bytes[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    bytes.len()
}

/// The byte after the quote that closes a string whose inside starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut i = start;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

/// The byte after a character literal that opens at `start`, or after the quote alone where it is a lifetime.
fn char_end(text: &str, start: usize) -> usize {
    let inside = &text[start + 1..];
    if let Some(escaped) = inside.strip_prefix('\\') {
        let skip = escaped.chars().next().map_or(0, char::len_utf8);
        let close = escaped[skip..].find('\'').map_or(escaped.len(), |n| skip + n + 1);
        return start + 2 + close;
    }
    let first = inside.chars().next().map_or(0, char::len_utf8);
    if inside[first..].starts_with('\'') { start + 1 + first + 1 } else { start + 1 }
}

/// The byte after a raw string whose prefix (`r`, `br`, `cr`) has just been read up to `from`.
fn raw_string_end(bytes: &[u8], prefix: &[u8], from: usize) -> Option<usize> {
    if ![&b"r"[..], b"br", b"cr"].contains(&prefix) {
        return None;
    }
    let hashes = bytes[from..].iter().take_while(|&&b| b == b'#').count();
    if bytes.get(from + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let inside = from + hashes + 1;
    let length = bytes[inside..].windows(close.len()).position(|w| w == close);
    Some(length.map_or(bytes.len(), |n| inside + n + close.len()))
}

#[test]
fn comments_and_literals_are_blanked() {
    let text = concat!(
        "let a = \"fn { // not a comment\"; // a { comment\n",
        "let b = r#\"raw \" { \"#; let c = '{'; let d = '\\''; let e = b\"{\";\n",
        "fn f<'a>(x: &'a str) /* block /* nested { */ */ {}\n",
        "let r#type = \"é{\\\"{\"; let g = 'é';\n",
    );
    let source = Source::new("crates/partita/src/x.rs", text);
    assert_eq!(source.code.len(), text.len());
    assert_eq!(source.code.lines().count(), 4);
    assert_eq!(source.code.matches('{').count(), 1, "{}", source.code);
    assert!(source.code.contains("fn f<'a>(x: &'a str)"));
    assert_eq!(source.comments.iter().map(|c| c.line).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(source.comments[0].text, "// a { comment");
}

#[test]
fn test_items_are_found() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
    let source = Source::new("crates/partita/src/x.rs", text);
    let in_test: Vec<bool> = source.words("fn").into_iter().map(|at| source.is_test(at)).collect();
    assert_eq!(in_test, [false, true, false, false]);
    assert_eq!(source.test_modules, ["more"]);
    assert_eq!(source.line(text.find("fn c").unwrap()), 6);
}

#[test]
fn areas_follow_from_paths() {
    assert_eq!(area("crates/partita-plan/src/node/filter.rs"), Area::Library);
    assert_eq!(area("crates/partita-plan/src/node/tests.rs"), Area::Test);
    assert_eq!(area("crates/partita/tests/csv.rs"), Area::Test);
    assert_eq!(area("crates/partita/src/main.rs"), Area::Program);
    assert_eq!(area("crates/partita/src/cli/convert.rs"), Area::Program);
    assert_eq!(area("benches/src/bin/jobs.rs"), Area::Bench);
    assert_eq!(area("examples/convert.rs"), Area::Example);
}
