use super::*;

const MIB: u64 = 1 << 20;

fn file(row_groups: &[u64]) -> Extent {
    Extent { bytes: row_groups.iter().sum(), row_groups: Some(row_groups.to_vec()) }
}

fn unopened(bytes: u64) -> Extent {
    Extent { row_groups: None, bytes }
}

/// `file:first-last` of each piece, `file` alone where it is whole.
fn told(files: &[Extent], split: Split) -> Vec<String> {
    let piece = |piece: &Piece| match &piece.row_groups {
        Some(range) => format!("{}:{}-{}", piece.file, range.start, range.end),
        None => piece.file.to_string(),
    };
    let partitions = cut(files, split);
    partitions.iter().map(|pieces| pieces.iter().map(piece).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn row_groups_are_gathered_up_to_a_size_across_files() {
    let files = [file(&[MIB, 2 * MIB, MIB]), file(&[]), file(&[9 * MIB]), unopened(MIB), unopened(10)];
    assert_eq!(told(&files, Split::Bytes(4 * MIB)), ["0:0-3", "1:0-0", "2:0-1", "3 4"]);
    assert_eq!(told(&files, Split::Bytes(3 * MIB)), ["0:0-2", "0:2-3 1:0-0", "2:0-1", "3 4"]);
    assert_eq!(told(&files, Split::Bytes(0)), ["0:0-1", "0:1-2", "0:2-3", "1:0-0", "2:0-1", "3", "4"]);
}

#[test]
fn small_files_count_what_opening_them_takes() {
    let files: Vec<Extent> = (0..10).map(|_| file(&[10])).collect();
    assert_eq!(
        told(&files, Split::Bytes(MIB)),
        ["0:0-1 1:0-1 2:0-1 3:0-1", "4:0-1 5:0-1 6:0-1 7:0-1", "8:0-1 9:0-1"]
    );
}

#[test]
fn files_and_row_groups_can_be_kept_apart() {
    let files = [file(&[MIB, MIB, MIB]), file(&[]), unopened(MIB)];
    assert_eq!(told(&files, Split::Files), ["0:0-3", "1:0-0", "2"]);
    assert_eq!(told(&files, Split::RowGroups(2)), ["0:0-2", "0:2-3", "1:0-0", "2"]);
    assert_eq!(told(&files, Split::RowGroups(0)), ["0:0-1", "0:1-2", "0:2-3", "1:0-0", "2"]);
    assert_eq!(told(&[], Split::Files), [""]);
}
