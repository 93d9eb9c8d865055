//! `partita clean`: removing what killed runs have left.

use std::fmt::Write;

use super::args::Clean;
use super::failure::Failure;
use super::output;

/// Removes the folders of dead sessions, and says which.
///
/// # Errors
/// Where a folder cannot be looked at.
pub(crate) fn clean(args: &Clean) -> Result<(), Failure> {
    let removed = partita::clean(&args.dirs)?;
    let mut text = String::new();
    for folder in &removed {
        let _ = writeln!(text, "removed {}", folder.display());
    }
    if removed.is_empty() {
        text.push_str("nothing to remove\n");
    }
    output::print(&text)
}
