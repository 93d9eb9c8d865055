//! Whether a difference comes of what the other reader found out by itself.
//!
//! DuckDB tries separators, quotes and headers until the file looks right; here they are said. Where saying them gives the
//! recorded rows, the difference is that one and no other.

use partita::Session;

use crate::cases::Call;
use crate::compare::{Expected, Manners, difference};
use crate::duckdb::View;

const SEPARATORS: [u8; 5] = [b',', b';', b'|', b'\t', b' '];
const QUOTES: [(Option<u8>, Option<u8>); 5] = [
    (Some(b'"'), None),
    (Some(b'\''), None),
    (None, None),
    (Some(b'"'), Some(b'\\')),
    (Some(b'\''), Some(b'\\')),
];
const COMMENTS: [Option<u8>; 2] = [None, Some(b'#')];
const SKIPPED_MAX: u64 = 4;

/// Whether another separator, quote, comment, header or number of skipped lines gives what was recorded.
pub(crate) fn explains(
    session: &Session,
    call: &Call,
    expected: &Expected,
    manners: Manners,
    view: Option<&View>,
) -> bool {
    let lines = call.skip_rows..=call.skip_rows + SKIPPED_MAX;
    let rest = || QUOTES.into_iter().flat_map(|quote| COMMENTS.map(|comment| (quote, comment)));
    for has_header in [!call.has_header, call.has_header] {
        for (skip_rows, separator) in lines.clone().flat_map(|lines| SEPARATORS.map(|byte| (lines, byte))) {
            for ((quote, escape), comment) in rest() {
                let comment = call.comment.or(comment);
                let call = Call { has_header, skip_rows, separator, quote, escape, comment, ..call.clone() };
                let Ok(table) = call.run(session) else { continue };
                let seen = view.map_or(Ok(table.clone()), |view| view.of(&table));
                if seen.is_ok_and(|table| difference(&table, expected, manners).is_none()) {
                    return true;
                }
            }
        }
    }
    false
}
