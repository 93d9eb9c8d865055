use super::*;

const MIB: u64 = 1 << 20;

fn file(row_groups: &[u64]) -> Extent {
    let groups = row_groups.iter().map(|bytes| GroupExtent { bytes: *bytes, parts: Vec::new() });
    Extent { bytes: row_groups.iter().sum(), row_groups: Some(groups.collect()) }
}

fn unopened(bytes: u64) -> Extent {
    Extent { row_groups: None, bytes }
}

/// `file:first-last` of each piece, `file` alone where it is whole.
fn told(files: &[Extent], split: Split) -> Vec<String> {
    let piece = |piece: &Piece| match &piece.row_groups {
        Some(range) => {
            let rows = piece.rows.as_ref().map_or_else(String::new, |rows| format!("[{rows:?}]"));
            format!("{}:{}-{}{rows}", piece.file, range.start, range.end)
        }
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

#[test]
fn large_row_groups_are_cut_where_pages_begin() {
    let pages: Vec<u64> = (0..10).map(|page| page * 100).collect();
    assert_eq!(parts(1000, 1000, 500, &pages), [0..500, 500..1000]);
    // The nearest page: thirds of a thousand are no multiples of a hundred.
    assert_eq!(parts(1000, 1000, 400, &pages), [0..300, 300..700, 700..1000]);
    assert_eq!(parts(1000, 1000, 10, &pages).len(), 10);
    assert_eq!(parts(1000, 1000, 1000, &pages), []);
    assert_eq!(parts(1000, u64::MAX, 1, &[0]), []);
    assert_eq!(parts(1000, 1000, 100, &[]), []);
    assert_eq!(parts(0, 1000, 100, &[0, 0]), []);
    // One large page among small ones is not cut.
    assert_eq!(parts(1000, 1000, 250, &[0, 10, 20, 900]), [0..20, 20..900, 900..1000]);
    // Places beyond the end are none.
    assert_eq!(parts(10, 1000, 100, &[0, 50, 60]), []);
}

#[test]
fn parts_are_gathered_as_row_groups_are() {
    let part = |rows| Part { rows, bounds: None };
    let large = GroupExtent { bytes: 8 * MIB, parts: vec![part(0..300), part(300..600), part(600..800)] };
    let small = GroupExtent { bytes: MIB, parts: Vec::new() };
    let file = Extent { bytes: 10 * MIB, row_groups: Some(vec![small.clone(), large, small]) };
    assert_eq!(
        told(std::slice::from_ref(&file), Split::Bytes(3 * MIB)),
        ["0:0-1", "0:1-2[0..300]", "0:1-2[300..600]", "0:1-2[600..800] 0:2-3"]
    );
    let piece = |rows| Piece { file: 0, row_groups: Some(1..2), rows };
    assert_eq!(file.piece_bytes(&piece(Some(300..600))), 3 * MIB);
    assert_eq!(file.piece_bytes(&piece(None)), 8 * MIB);
}
