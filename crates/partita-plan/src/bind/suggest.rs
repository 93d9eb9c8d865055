//! The name that was probably meant.

/// The nearest of `known`: one that differs in letter case only, else the one with the fewest edits, up to a third of
/// the length.
pub(crate) fn nearest(name: &str, known: &[String]) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some(same) = known.iter().find(|other| other.to_lowercase() == lower) {
        return Some(same.clone());
    }
    let edits_max = (name.chars().count() / 3).max(1);
    let scored = known.iter().map(|other| (edits(&lower, &other.to_lowercase()), other));
    let (edits, other) = scored.min_by_key(|(edits, _)| *edits)?;
    (edits <= edits_max).then(|| other.clone())
}

/// The edit distance in characters, an exchange of neighbours counting once (optimal string alignment, after Damerau
/// 1964), two rows back at a time.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            next[j + 1] = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}
