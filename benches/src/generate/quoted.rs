//! Texts that make a reader of lines fail: quotes, separators and line breaks inside fields.

use super::{Table, put};
use crate::random::Random;

/// Messages with an id, an author, a subject, a body of several lines and a score.
#[derive(Debug)]
pub struct Quoted {
    random: Random,
    row: u64,
}

impl Quoted {
    /// The messages of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), row: 0 }
    }

    /// A quoted field of so many words.
    fn text(&mut self, words: u64, out: &mut Vec<u8>) {
        const WORDS: [&str; 14] = [
            "the",
            "ship",
            "left",
            "harbour",
            "at",
            "dawn",
            "no one",
            "spoke",
            "naïve",
            "café",
            "\"\"yes\"\"",
            "\"\"",
            "rain,",
            "2,5",
        ];
        out.push(b'"');
        for _ in 0..words {
            out.extend_from_slice(self.random.pick(&WORDS).as_bytes());
            out.extend_from_slice(match self.random.below(12) {
                0 => b"\n",
                1 => b"\r\n",
                2 => b", ",
                _ => b" ",
            });
        }
        out.push(b'"');
    }
}

impl Table for Quoted {
    fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"id,author,subject,body,score\n");
    }

    fn record(&mut self, out: &mut Vec<u8>) {
        self.row += 1;
        put(out, format_args!("{},author{},", self.row, self.random.below(5000)));
        let (subject, body) = (self.random.below(6), self.random.below(60));
        self.text(subject, out);
        out.push(b',');
        self.text(body, out);
        put(out, format_args!(",{}\n", self.random.below(100)));
    }
}
