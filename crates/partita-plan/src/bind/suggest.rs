//! The name that was probably meant.

/// The nearest of `known`: one that differs in letter case only, else the one with the fewest edits, up to a third of
/// the length.
pub(super) fn nearest(name: &str, known: &[String]) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some(same) = known.iter().find(|other| other.to_lowercase() == lower) {
        return Some(same.clone());
    }
    let edits_max = (name.chars().count() / 3).max(1);
    let scored = known.iter().map(|other| (edits(&lower, &other.to_lowercase()), other));
    let (edits, other) = scored.min_by_key(|(edits, _)| *edits)?;
    (edits <= edits_max).then(|| other.clone())
}

/// The Levenshtein distance in characters (Wagner and Fischer 1974), one row at a time.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
